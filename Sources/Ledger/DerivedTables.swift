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
    /// Nil: a generation of an earlier version, which had no index of passages.
    private let indexRow: Statement?
    private let indexCount: Statement?
    private let words: IndexWords?
    /// Told at the end only: what is wrong with the records themselves weighs more.
    private var indexFault: LedgerError?
    private var known: [String: Int64] = [:]
    private static let wordsKnown = 4_096

    private var first: UInt64?
    private var captures: Int64 = 0
    private var due: Int64 = 0
    private var passes: Int64 = 0
    private var lastOrdinal: Int64?

    init(_ database: Database) throws(LedgerError) {
        self.database = database
        captureKey = try Kept.statement(database, "SELECT key FROM capture WHERE seq = ?1")
        dueRow = try Kept.statement(database, "SELECT ordinal, steps FROM due WHERE seq = ?1")
        openDecision = try Kept.statement(database, "SELECT seq FROM open_decision WHERE token = ?1")
        captureCount = try Kept.statement(database, "SELECT count(*) FROM capture WHERE seq BETWEEN ?1 AND ?2")
        dueCount = try Kept.statement(database, "SELECT count(*) FROM due WHERE seq BETWEEN ?1 AND ?2")
        openCount = try Kept.statement(database, "SELECT count(*) FROM open_decision WHERE seq BETWEEN ?1 AND ?2")
        if try Kept.value(database, "SELECT count(*) FROM sqlite_schema WHERE name = 'passage'") > 0 {
            indexRow = try Kept.statement(
                database, "SELECT facts, plate, fleet, gate, cargo FROM passage WHERE second = ?1 AND seq = ?2")
            indexCount = try Kept.statement(database, "SELECT count(*) FROM passage WHERE seq BETWEEN ?1 AND ?2")
            words = try Kept.run { () throws(StoreError) in try IndexWords(database) }
        } else {
            indexRow = nil
            indexCount = nil
            words = nil
        }
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
        case .pass(let row):
            passes += 1
            try checkIndex(row, record.sequence)
            if row.isDue { try checkDue(row, record.sequence) }
        case .carried(let row, _): try checkDue(row, record.sequence)
        case .boot, .decision, .quarantine, .seal, .prune, .generation, .manualRelease, .supplement, .note,
            .unrecognised:
            break
        }
    }

    private func checkDue(_ row: PassRow, _ sequence: UInt64) throws(LedgerError) {
        due += 1
        dueRow.bind(1, sequence)
        defer { dueRow.reset() }
        guard try Kept.step(dueRow), dueRow.integer(0) == (lastOrdinal ?? dueRow.integer(0) - 1) + 1,
            dueRow.integer(1) == Int64(row.photos.count) + 1
        else { throw fault(sequence, "the queue to the platforms does not have it in its place") }
        lastOrdinal = dueRow.integer(0)
    }

    private func checkIndex(_ row: PassRow, _ sequence: UInt64) throws(LedgerError) {
        guard let indexRow, indexFault == nil else { return }
        indexRow.bind(1, row.passedWall.second)
        indexRow.bind(2, sequence)
        defer { indexRow.reset() }
        guard try Kept.step(indexRow), indexRow.integer(0) == PassageFacts(row).packed,
            indexRow.text(1).utf8.elementsEqual((row.plate?.text ?? "").utf8),
            try number(row.vehicle?.fleet ?? "") == indexRow.integer(2),
            try number(row.gate.gateCode) == indexRow.integer(3),
            try number(row.freight.cargo) == indexRow.integer(4)
        else {
            indexFault = fault(sequence, "the index of passages does not have it as it is: run ledger reindex")
            return
        }
    }

    /// Nil for a word that the index does not have.
    private func number(_ text: String) throws(LedgerError) -> Int64? {
        if text.isEmpty { return 0 }
        if let number = known[text] { return number }
        guard let words, let number = try Kept.run({ () throws(StoreError) in try words.number(text) }) else {
            return nil
        }
        if known.count < DerivedTables.wordsKnown { known[text] = number }
        return number
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
        if let indexFault { throw indexFault }
        if let indexCount {
            guard try count(indexCount, 0, last) == passes else {
                throw fault(last, "the index of passages has rows of no record: run ledger reindex")
            }
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
