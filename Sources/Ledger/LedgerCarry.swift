// What a generation that is set aside still owed to the platforms goes on in the next one, so that nothing is dropped.
//
// Invariants: a row is carried over with its serial number, and with the number and hash that it had; a platform that
// has it already knows it by the serial number. A row whose bytes do not match its hash is not carried over.
// Limits: `LedgerLimits.rowsCarried` rows; the rest stays in the file that was set aside.

import Crypto
import Domain
import Store

/// A row of an earlier generation that is still due.
struct CarriedRow {
    var row: PassRow
    /// Where it stands in that generation.
    var origin: LedgerHead
}

extension LedgerLimits {
    static let rowsCarried: Int64 = 20_000
}

enum LedgerCarry {
    /// The rows that some destination does not wholly have; what cannot be read is left out.
    static func owed(_ database: Database) throws(LedgerError) -> [CarriedRow] {
        let query = try Kept.statement(
            database,
            """
            SELECT record.seq, record.kind, record.token, record.canonical, record.hash, before.hash
            FROM due JOIN record ON record.seq = due.seq JOIN record AS before ON before.seq = record.seq - 1
            WHERE due.seq >= (SELECT coalesce(min(seq), 0) FROM delivery)
            AND NOT (EXISTS (SELECT 1 FROM delivery) AND NOT EXISTS (
                SELECT 1 FROM delivery WHERE delivery.seq < due.seq
                OR (delivery.seq = due.seq AND delivery.step + 1 < due.steps)))
            ORDER BY due.seq LIMIT ?1
            """)
        query.bind(1, LedgerLimits.rowsCarried)
        defer { query.reset() }
        let hasher = ChainHasher()
        var rows: [CarriedRow] = []
        do throws(LedgerError) {
            while try Kept.step(query) {
                let stored = StoredRecord(query)
                guard let hash = stored.hash, let before = Digest(bytes: query.blob(5)),
                    hasher.hash(after: before, stored.canonical) == hash
                else { continue }
                switch try stored.decoded().body {
                case .pass(let row), .carried(let row, _):
                    rows.append(CarriedRow(row: row, origin: LedgerHead(sequence: stored.sequence, hash: hash)))
                case .boot, .capture, .decision, .quarantine, .note, .seal, .prune, .generation, .manualRelease,
                    .supplement, .unrecognised:
                    continue
                }
            }
        } catch {
            // The damage begins here; what was read before it is good.
            guard error.isDamage else { throw error }
        }
        return rows
    }
}

extension LedgerWriter {
    /// Appends what the generation before still owed.
    func append(carried: [CarriedRow]) throws(LedgerError) {
        for carried in carried {
            let sequence = try insert(.carried(carried.row, origin: carried.origin), .none)
            try oweRow(sequence, steps: 1 + carried.row.photos.count)
        }
    }

    /// Puts a row at the end of the queue to the platforms.
    func oweRow(_ sequence: UInt64, steps: Int) throws(LedgerError) {
        try store { () throws(StoreError) in
            statements.insertDue.bind(1, sequence)
            statements.insertDue.bind(2, try delivery.lastOrdinal() + 1)
            statements.insertDue.bind(3, Int64(steps))
            try statements.insertDue.run()
        }
    }
}
