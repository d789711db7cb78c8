// The check of the whole ledger, beside the running controller: opening reads the newest records only, and this reads
// the others, the tables beside them and the photos, from the first record on; then the generations that were set
// aside.
//
// Invariants: it reads through a connection of its own that cannot write, some hundred records or one photo at a time,
// with no read open over a rest; it rests three times as long as it has read, at idle priority. A fault is recorded,
// named, and so is that there was none. What is wrong with a generation that was set aside goes with the result and is
// no fault of the present one. It ends at once when it is told to.
// Limits: SQLite's own check of every page is left to `ledger verify`; begun a minute after the start, and again each
// week.

import Domain
import Ledger
import Machine
import Synchronization

/// Stored by number in the status.
enum LedgerCheckState: UInt8 {
    case notBegun = 0
    case underWay = 1
    case sound = 2
    case faulty = 3
}

/// How far the check has come, for the console.
final class LedgerCheckStatus: Sendable {
    private let number = Atomic<UInt8>(0)
    fileprivate let records = Atomic<UInt64>(0)
    /// The last record that the newest check that came to its end has looked at, or in which it found a fault.
    fileprivate let last = Atomic<UInt64>(0)
    /// Of a check that is under way: whether the one before found a fault.
    private let wasFaulty = Atomic<Bool>(false)

    fileprivate(set) var state: LedgerCheckState {
        get { LedgerCheckState(rawValue: number.load(ordering: .acquiring)) ?? .notBegun }
        set {
            if newValue != .underWay { wasFaulty.store(newValue == .faulty, ordering: .relaxed) }
            number.store(newValue.rawValue, ordering: .releasing)
        }
    }

    func line(head: UInt64) -> String {
        let last = last.load(ordering: .relaxed)
        let records = records.load(ordering: .relaxed)
        switch state {
        case .notBegun: return "ledger check: not begun yet"
        case .underWay:
            let before = wasFaulty.load(ordering: .relaxed) ? "; before: FAULT at record \(last)" : ""
            return "ledger check: under way, \(records) of about \(head) records read\(before)"
        case .sound: return "ledger check: sound up to record \(last), \(records) records read"
        case .faulty: return "ledger check: FAULT at record \(last): see the log, and run ledger verify"
        }
    }
}

final class LedgerCheck: @unchecked Sendable {
    /// What the fault is called in the ledger.
    static let subject = "ledger"
    private static let attempts = 3
    private static let tryAgainAfter = Interval.seconds(3_600)
    private static let leastRest = Interval.milliseconds(2)
    private static let mostRest = Interval.seconds(1)

    private let reader: LedgerReader
    private let results: Ring<Receipt>
    private let status: LedgerCheckStatus
    private let clock: any Clock
    private let log: Log
    private let afterStart: Interval
    private let every: Interval
    private let bell: Wakeup
    private let stopped = Flag()

    init(
        _ reader: LedgerReader, results: Ring<Receipt>, status: LedgerCheckStatus, clock: any Clock, log: Log,
        afterStart: Interval = .seconds(60), every: Interval = .seconds(7 * 86_400)
    ) throws(MachineError) {
        self.reader = reader
        self.results = results
        self.status = status
        self.clock = clock
        self.log = log
        self.afterStart = afterStart
        self.every = every
        bell = try Wakeup()
    }

    /// Any thread; what is being read is given up.
    func stop() {
        stopped.raise()
        reader.interrupt()
        bell.ring()
    }

    func run() {
        var goesOn = rest(afterStart)
        while goesOn {
            do throws(LedgerError) {
                let report = try wholeReport()
                let earlier = report == nil ? [] : earlierGenerations()
                if let report, let earlier { tell(report, earlier) }
                goesOn = rest(report == nil ? LedgerCheck.tryAgainAfter : every)
            } catch {
                if !stopped.isRaised { tell(fault: error, at: 0) }
                goesOn = rest(every)
            }
        }
    }

    /// Nil when it was stopped, or when records were pruned again and again while it read: that is no fault.
    private func wholeReport() throws(LedgerError) -> LedgerReport? {
        for _ in 0..<LedgerCheck.attempts {
            status.records.store(0, ordering: .relaxed)
            status.state = .underWay
            began = clock.now()
            let prunes = try reader.pruneCount()
            let report = try LedgerVerifier(reader).verifyTables { records in
                self.status.records.store(records, ordering: .relaxed)
                return self.restAfterTurn()
            }
            guard let report, !stopped.isRaised else { return nil }
            if report.isSound { return report }
            if try reader.pruneCount() == prunes { return report }
        }
        return nil
    }

    /// What is to be said of each generation that was set aside, oldest first; nil when it was stopped.
    private func earlierGenerations() -> [String]? {
        var lines: [String] = []
        while let generation = reader.earlierGeneration(UInt32(lines.count + 1)) {
            let name = generation.name
            do throws(LedgerError) {
                let verifier = try LedgerVerifier(
                    generation.reader(), photosThrough: reader.photosPrunedThrough(), present: reader)
                guard let report = verifier.verifyTables({ _ in self.restAfterTurn() }) else { return nil }
                lines.append("\(name) " + (report.fault?.description ?? "sound: \(report.records) records"))
            } catch {
                lines.append("\(name) \(error.description)")
            }
        }
        return lines
    }

    private func tell(_ report: LedgerReport, _ earlier: [String]) {
        if let fault = report.fault {
            if case .damaged(let sequence, _) = fault {
                tell(fault: fault, at: sequence)
            } else {
                tell(fault: fault, at: report.head.sequence + 1)
            }
            return
        }
        let seconds = clock.now().since(began).nanoseconds / 1_000_000_000
        let words =
            "sound: \(report.records) records up to \(report.head.sequence), \(report.seals) seals, "
            + "\(report.photosRead) photos, read in \(seconds) s" + earlier.suffix(10).map { "; " + $0 }.joined()
        status.last.store(report.head.sequence, ordering: .relaxed)
        status.state = .sound
        log.info("ledger check: \(words)")
        give(.faultHealed(subject: LedgerCheck.subject, detail: words))
    }

    private func tell(fault: LedgerError, at sequence: UInt64) {
        status.last.store(sequence, ordering: .relaxed)
        status.state = .faulty
        log.error("ledger check: \(fault.description)")
        give(.faultRaised(subject: LedgerCheck.subject, detail: fault.description))
    }

    private func give(_ note: LedgerNote) {
        if !results.push(.note(note)) { log.error("the result of the ledger's check found its ring full") }
    }

    private var began = Instant(nanoseconds: 0)
    private var turnBegan: Instant?

    /// Between two turns. False when it is to stop.
    private func restAfterTurn() -> Bool {
        let now = clock.now()
        let used = turnBegan.map { now.since($0) } ?? .zero
        let tripled = Interval(nanoseconds: used.nanoseconds &* 3)
        let goesOn = rest(min(max(tripled, LedgerCheck.leastRest), LedgerCheck.mostRest))
        turnBegan = clock.now()
        return goesOn
    }

    private func rest(_ time: Interval) -> Bool {
        guard !stopped.isRaised else { return false }
        var waiting = WaitSet()
        waiting.add(bell.fileDescriptor)
        waiting.wait(atMost: time)
        return !stopped.isRaised
    }
}
