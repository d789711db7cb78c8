// The bus thread of one sign: what the lane says, with the words that the ledger thread knows for it.
//
// Invariants: a slow or absent sign holds up this thread alone; only the newest notice is shown.

import Devices
import Domain
import LaneCore
import Machine
import Synchronization

/// A sign, as the console shows it.
final class SignStatus: Sendable {
    let name: String
    let isFailing = Atomic<Bool>(false)

    init(_ name: String) {
        self.name = name
    }

    var line: String { name + (isFailing.load(ordering: .relaxed) ? ": NOT HEARD" : ": ok") }
}

final class SignThread: @unchecked Sendable {
    private let driver: SignDriver
    private let notices: Ring<SignNotice>
    private let verdicts: Ring<SignVerdict>
    private let bell: Wakeup
    private let clock: any Clock
    private let stop: Flag
    private let pulse: Pulse
    private let status: SignStatus
    private let log: Log
    private let ledger: LedgerStatus
    private var last: SignNotice?
    private var wasLedgerFull = false
    private var known: SignVerdict?
    private var wasFailing = false

    private static let longestWait = Interval.milliseconds(500)

    init(
        driver: SignDriver, channels: SignChannels, status: SignStatus, ledger: LedgerStatus, clock: any Clock,
        stop: Flag, pulse: Pulse, log: Log
    ) {
        self.driver = driver
        notices = channels.notices
        verdicts = channels.verdicts
        bell = channels.bell
        self.ledger = ledger
        self.clock = clock
        self.stop = stop
        self.pulse = pulse
        self.status = status
        self.log = log
    }

    func run() {
        var waiting = WaitSet()
        waiting.add(bell.fileDescriptor)
        while !stop.isRaised {
            pulse.beat(clock.now())
            waiting.wait(atMost: SignThread.longestWait)
            bell.take()
            var newest: SignNotice?
            while let notice = notices.pop() { newest = notice }
            // After the notices: the words of a verdict are pushed before the lane can speak of it.
            while let verdict = verdicts.pop() { known = verdict }
            let isLedgerFull = ledger.isFull
            if let newest = newest ?? freeAnew(isLedgerFull) {
                wasLedgerFull = isLedgerFull
                last = newest
                driver.show(message(newest))
            } else {
                driver.service()
            }
            report()
        }
    }

    /// The words for an empty lane, when the ledger has become full or has room again.
    private func freeAnew(_ isLedgerFull: Bool) -> SignNotice? {
        guard isLedgerFull != wasLedgerFull, let last, case .free = last.notice else { return nil }
        return last
    }

    private func message(_ notice: SignNotice) -> SignMessage {
        switch notice.notice {
        case .free: .idle(text: wasLedgerFull ? SignTexts.ledgerFull : SignTexts.welcome)
        case .identifying: .identifying
        case .released: verdict(notice.token, .stageAllowed)
        case .refused(let reason): verdict(notice.token, reason)
        case .occupied: .identifying
        case .closed: .closed
        case .evacuate: .evacuate
        case .maintenance: .maintenance
        }
    }

    private func verdict(_ token: VehicleToken, _ reason: VerdictReason) -> SignMessage {
        guard let known, known.token == token, known.reason.allows == reason.allows else {
            return .verdict(plate: "", stage: nil, reason: reason)
        }
        return .verdict(plate: known.plate, stage: known.stage, reason: known.reason)
    }

    private func report() {
        switch driver.health {
        case .failing(_, let fault):
            if !wasFailing { log.warning("\(status.name): \(fault.description)") }
            wasFailing = true
        case .untried, .ok:
            if wasFailing { log.info("\(status.name) shows again") }
            wasFailing = false
        }
        status.isFailing.store(wasFailing, ordering: .relaxed)
    }
}

struct SignChannels: Sendable {
    let bell: Wakeup
    let notices: Ring<SignNotice>
    let verdicts: Ring<SignVerdict>
}
