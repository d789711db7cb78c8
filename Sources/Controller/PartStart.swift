// The beginning of a part that no lane needs (an uplink, the cameras' port, the console): one that cannot begin is
// said, shown and kept, and tried again until it can. The lanes work meanwhile.
//
// Invariants: it holds up its own thread alone, which beats meanwhile; the same reason is told once.
// Limits: one try each 10 s, for as long as the run lasts.

import Domain
import Ledger
import Machine
import Synchronization

/// Whether a part is there, as the console shows it.
final class PartStatus: Sendable {
    let name: String
    private let failing = Atomic<Bool>(false)

    init(_ name: String) {
        self.name = name
    }

    func show(isFailing: Bool) {
        failing.store(isFailing, ordering: .relaxed)
    }

    /// Nil while there is nothing to say.
    var line: String? {
        failing.load(ordering: .relaxed) ? "\(name): NOT HEARD, it cannot begin and is tried again: see the log" : nil
    }
}

struct PartStart {
    static let pause = Interval.seconds(10)
    private static let tick = Interval.milliseconds(500)

    /// What the log and the ledger call it.
    let subject: String
    let clock: any Clock
    let stop: Flag
    let pulse: Pulse
    let log: Log

    /// Returns when `attempt` has succeeded; false when the run ends first.
    /// - Parameters:
    ///   - tell: to the ledger.
    ///   - attempt: nil, or why it failed.
    func begin(_ tell: (LedgerNote) -> Void, _ attempt: () -> String?) -> Bool {
        var told: String?
        var waiting = WaitSet()
        while !stop.isRaised {
            guard let reason = attempt() else {
                if told != nil {
                    log.info("\(subject): begins after all")
                    tell(.faultHealed(subject: subject, detail: "begins after all"))
                }
                return true
            }
            if reason != told {
                log.error("\(subject): \(reason); the lanes work without it, and it is tried again")
                tell(.faultRaised(subject: subject, detail: reason))
                told = reason
            }
            let until = clock.now() + PartStart.pause
            while !stop.isRaised, clock.now() < until {
                pulse.beat(clock.now())
                waiting.wait(atMost: PartStart.tick)
            }
        }
        return false
    }
}
