// The ledger's housekeeping, on its own thread: seals in time, room in small steps, and what is done without room.
//
// Invariants: it never holds up a record for longer than one seal or one prune; what it cannot do it says once, and
// tries again, until the ledger thread gives the file up.
// A full ledger is never overwritten: what may not go stays, and the site's policy decides what the gate
// does.

import Domain
import Ledger
import Machine
import Synchronization

/// What the configuration says of it.
struct LedgerKeeping: Sendable {
    enum WhenFull: Sendable {
        /// Nobody is released automatically.
        case stop
        /// The gate goes on; photos are not kept. Past `LedgerFullness.overLimit` it is as with `stop`.
        case goOn
    }

    let sealInterval: Interval
    let retention: RetentionPolicy
    let databaseLimitBytes: UInt64
    let photoLimitBytes: UInt64
    let whenFull: WhenFull
}

/// How much room there is. Stored by number in the status.
enum LedgerFullness: UInt8 {
    case normal = 0
    /// 90 % of a limit, or little free disk.
    case nearlyFull = 1
    case full = 2
    /// The records are past 110 % of their limit: what goes on without room ends here, or nothing would bound it.
    case overLimit = 3

    private static let leastFreeBytes: UInt64 = 8 * 1_024 * 1_024
    private static let littleFreeBytes: UInt64 = 64 * 1_024 * 1_024

    init(_ space: LedgerSpace, _ keeping: LedgerKeeping) {
        let free = space.freeBytes ?? .max
        if space.databaseBytes >= keeping.databaseLimitBytes + keeping.databaseLimitBytes / 10 {
            self = .overLimit
        } else if space.databaseBytes >= keeping.databaseLimitBytes || space.photoBytes >= keeping.photoLimitBytes
            || free < LedgerFullness.leastFreeBytes
        {
            self = .full
        } else if space.databaseBytes >= keeping.databaseLimitBytes / 10 * 9
            || space.photoBytes >= keeping.photoLimitBytes / 10 * 9 || free < LedgerFullness.littleFreeBytes
        {
            self = .nearlyFull
        } else {
            self = .normal
        }
    }

    var word: String {
        switch self {
        case .normal: "room"
        case .nearlyFull: "nearly full"
        case .full: "full"
        case .overLimit: "over its limit"
        }
    }
}

final class LedgerKeeper {
    private static let spaceEvery = Interval.seconds(10)
    private static let tidyEvery = Interval.seconds(60)
    private static let retryAfter = Interval.seconds(5)

    private let writer: LedgerWriter
    private let keeping: LedgerKeeping
    private let clock: any Clock
    private let status: LedgerStatus
    private let log: Log
    private var nextSpace = Instant(nanoseconds: 0)
    private var nextTidy = Instant(nanoseconds: 0)
    private var nextTry = Instant(nanoseconds: 0)
    private var isFailing = false
    private var fullness = LedgerFullness.normal
    /// The disk said so itself, and how much room there is has not been looked at since.
    private var isDiskFull = false

    init(writer: LedgerWriter, keeping: LedgerKeeping, clock: any Clock, status: LedgerStatus, log: Log) {
        self.writer = writer
        self.keeping = keeping
        self.clock = clock
        self.status = status
        self.log = log
        writer.sealInterval = keeping.sealInterval
    }

    /// Whether allowing decisions are turned into refusals.
    var stopsReleases: Bool {
        fullness == .overLimit || (fullness == .full || isDiskFull) && keeping.whenFull == .stop
    }

    var dropsPhotos: Bool { fullness.rawValue >= LedgerFullness.full.rawValue && keeping.whenFull == .goOn }

    enum Turn {
        /// A failed try was a moment ago.
        case notTried
        case done
        case failed(LedgerError)
    }

    /// One turn, between the transactions of the ledger thread.
    func turn(isIdle: Bool) -> Turn {
        let now = clock.now()
        guard now >= nextTry else { return .notTried }
        do throws(LedgerError) {
            if now >= nextSpace {
                try checkSpace()
                nextSpace = now + LedgerKeeper.spaceEvery
            }
            if try writer.sealWhenDue(destinations: keeping.retention.destinations) { publish() }
            if isIdle, now >= nextTidy {
                // The next step comes at once while there is something to do, and nobody else to be served.
                if try !writer.tidy(keeping.retention) { nextTidy = now + LedgerKeeper.tidyEvery }
                publish()
            }
            if isFailing { log.info("the ledger is sealed again") }
            isFailing = false
            return .done
        } catch {
            nextTry = now + LedgerKeeper.retryAfter
            if !isFailing { log.error("the ledger cannot be sealed or tidied: \(error.description)") }
            isFailing = true
            return .failed(error)
        }
    }

    /// The disk took no record: gives up the reserve, so that the next try may succeed.
    func diskIsFull() {
        if writer.releaseReserve() { log.error("the disk is full: the ledger goes on with its reserve") }
        nextSpace = Instant(nanoseconds: 0)
        isDiskFull = true
    }

    /// The last seal of this run.
    func end() {
        do throws(LedgerError) {
            try writer.seal(.orderlyEnd, destinations: keeping.retention.destinations)
        } catch {
            log.warning(error.description)
        }
    }

    private func publish() {
        let witness = writer.witness
        status.head.store(witness.head.sequence, ordering: .relaxed)
        if let epoch = witness.epoch { status.epoch.store(Int64(clamping: epoch), ordering: .relaxed) }
    }

    private func checkSpace() throws(LedgerError) {
        let space = try writer.space()
        status.databaseBytes.store(space.databaseBytes, ordering: .relaxed)
        status.photoBytes.store(space.photoBytes, ordering: .relaxed)
        let found = LedgerFullness(space, keeping)
        isDiskFull = false
        if found == .normal { writer.renewReserve() }
        guard found != fullness else { return }
        let detail =
            "\(found.word): \(space.databaseBytes >> 20) MiB of records, \(space.photoBytes >> 20) MiB of photos, "
            + (space.freeBytes.map { "\($0 >> 20) MiB free" } ?? "free space unknown")
        // Before the record: a full disk may not take it, and the policy must hold all the same.
        fullness = found
        status.fullness.store(found.rawValue, ordering: .relaxed)
        if found == .normal { log.info("ledger storage \(detail)") } else { log.error("ledger storage \(detail)") }
        try writer.begin()
        try writer.append(
            note: found == .normal
                ? .faultHealed(subject: "ledger storage", detail: detail)
                : .faultRaised(subject: "ledger storage", detail: detail))
        try writer.commit()
    }
}
