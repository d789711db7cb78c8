// When the ledger's file is given up: once enough tries have met damage that no later one mends.
//
// Limits: three tries that met contradictions in the file, whatever went well between them; ten seconds of tries
// that all met a page which the medium does not give. One failed read is no reason, nor is a full disk or a lock.

import Domain
import Ledger

struct LedgerDamage {
    static let triesToEnd = 3
    static let unreadableToEnd = Interval.seconds(10)

    private var tries = 0
    private var unreadableSince: Instant?

    /// Whether the file is to be set aside after this failed try.
    mutating func isToEnd(after error: LedgerError, now: Instant) -> Bool {
        if error.isCorruption {
            tries += 1
            return tries >= LedgerDamage.triesToEnd
        }
        guard error.isUnreadable else { return false }
        let since = unreadableSince ?? now
        unreadableSince = since
        return now.since(since) >= LedgerDamage.unreadableToEnd
    }

    /// A try that went through.
    mutating func noteSuccess() { unreadableSince = nil }
}
