// A time in which the disk took no record, told by the first transaction that it takes again: a gap that nobody
// recorded would be a gap that nobody sees.
//
// Limit: one pair of records for each outage, however long it was.

import Domain
import Ledger

struct LedgerOutage {
    static let subject = "ledger writing"

    private let began: Instant
    private let beganWall: WallTime
    private let cause: String
    /// Reads that their cameras were told to keep, and orders and corrections that had grown too old.
    var refusedReads = 0
    var refusedOrders = 0

    init(_ error: LedgerError, now: Instant, wall: WallTime) {
        began = now
        beganWall = wall
        cause = error.description
    }

    /// Raised and healed at once: there was no earlier moment to record it.
    func notes(now: Instant) -> [LedgerNote] {
        let seconds = now.since(began).nanoseconds / 1_000_000_000
        let detail =
            "took no record for \(seconds) s from \(CivilTime(beganWall).text) on; \(refusedReads) camera reads and "
            + "\(refusedOrders) orders were refused: \(cause)"
        return [
            .faultRaised(subject: LedgerOutage.subject, detail: detail),
            .faultHealed(subject: LedgerOutage.subject, detail: "takes records again after \(seconds) s"),
        ]
    }
}
