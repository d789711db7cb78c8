// The tables beside `record`, held against the records that they were derived from. They are not hashed: nothing in
// them can prove anything, but a page that the disk gave back wrong would let a vehicle go out twice, or never.
//
// Limits: what a destination has confirmed stands in the table `delivery` alone and can be held against nothing here.

import Domain
import Store

final class DerivedTables {
    private let database: Database
    private let captureKey: Statement
    private let dueRow: Statement
    private let openDecision: Statement
    private let captureCount: Statement
    private let dueCount: Statement
    private let openCount: Statement

    private var first: UInt64?
    private var captures: Int64 = 0
    private var due: Int64 = 0
    private var lastOrdinal: Int64?

    init(_ database: Database) throws(LedgerError) {
        self.database = database
        captureKey = try Kept.statement(database, "SELECT key FROM capture WHERE seq = ?1")
        dueRow = try Kept.statement(database, "SELECT ordinal, steps FROM due WHERE seq = ?1")
        openDecision = try Kept.statement(database, "SELECT seq FROM open_decision WHERE token = ?1")
        captureCount = try Kept.statement(database, "SELECT count(*) FROM capture WHERE seq BETWEEN ?1 AND ?2")
        dueCount = try Kept.statement(database, "SELECT count(*) FROM due WHERE seq BETWEEN ?1 AND ?2")
        openCount = try Kept.statement(database, "SELECT count(*) FROM open_decision WHERE seq BETWEEN ?1 AND ?2")
    }

    /// SQLite's own check of every page and index: the first fault in its words, nil when there is none.
    static func structureFault(_ database: Database) throws(LedgerError) -> String? {
        let check = try Kept.statement(database, "PRAGMA integrity_check(1)")
        defer { check.reset() }
        guard try Kept.step(check) else { return "the check of its structure gives no answer" }
        let words = check.text(0)
        return words == "ok" ? nil : words
    }

    /// Records come in ascending order.
    func check(_ record: Record) throws(LedgerError) {
        if first == nil { first = record.sequence }
        switch record.body {
        case .capture(let capture):
            captures += 1
            captureKey.bind(1, record.sequence)
            defer { captureKey.reset() }
            guard try Kept.step(captureKey), captureKey.text(0) == capture.key else {
                throw fault(record.sequence, "the table of captures does not have it under its key")
            }
        case .pass(let row) where row.isDue, .carried(let row, _):
            due += 1
            dueRow.bind(1, record.sequence)
            defer { dueRow.reset() }
            guard try Kept.step(dueRow), dueRow.integer(0) == (lastOrdinal ?? dueRow.integer(0) - 1) + 1,
                dueRow.integer(1) == Int64(row.photos.count) + 1
            else { throw fault(record.sequence, "the queue to the platforms does not have it in its place") }
            lastOrdinal = dueRow.integer(0)
        case .boot, .decision, .pass, .quarantine, .seal, .prune, .generation, .manualRelease, .supplement, .note,
            .unrecognised:
            break
        }
    }

    /// After the last record. `open` are the decisions without an outcome; nil when the ledger has grown in between.
    func finish(last: UInt64, open: [VehicleToken: UInt64]?) throws(LedgerError) {
        guard let first else { return }
        guard try count(captureCount, first, last) == captures else {
            throw fault(last, "the table of captures has rows of no record")
        }
        guard try count(dueCount, first, last) == due else {
            throw fault(last, "the queue to the platforms has rows of no record")
        }
        guard let open else { return }
        guard try count(openCount, 0, last) == Int64(open.count) else {
            throw fault(last, "the table of open decisions does not have as many as there are")
        }
        for (token, sequence) in open {
            openDecision.bind(1, token.value)
            defer { openDecision.reset() }
            guard try Kept.step(openDecision), openDecision.unsigned(0) == sequence else {
                throw fault(sequence, "the table of open decisions does not have it")
            }
        }
    }

    private func count(_ statement: Statement, _ first: UInt64, _ last: UInt64) throws(LedgerError) -> Int64 {
        statement.bind(1, first)
        statement.bind(2, last)
        defer { statement.reset() }
        return try Kept.step(statement) ? statement.integer(0) : 0
    }

    private func fault(_ sequence: UInt64, _ reason: String) -> LedgerError {
        .damaged(sequence: sequence, reason: reason)
    }
}
