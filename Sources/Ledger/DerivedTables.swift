// The tables beside `record`, held against the records that they were derived from. They are not hashed: nothing in
// them can prove anything, but a page that the disk gave back wrong would let a vehicle go out twice, or never.
//
// Limits: what a destination has confirmed stands in the table `delivery` alone and can be held against nothing here.

import Domain
import Store

final class DerivedTables {
    private let database: Database
    /// The rows that belong to the records of a turn, in their order.
    private let captureRows: Statement
    private let dueRows: Statement
    private let openDecision: Statement
    private let captureCount: Statement
    private let dueCount: Statement
    private let openCount: Statement
    /// Nil: a generation of an earlier version.
    private let supplementRow: Statement?
    private let supplementCount: Statement?
    private var supplements: Int64 = 0
    /// Nil: a generation of an earlier version, which had no index of passages.
    private let indexRow: Statement?
    /// The index from the last row that was met, in its own order: mostly that of the records.
    private let indexRows: Statement?
    private var isIndexRowMet = true
    private var met: (second: Int64, sequence: UInt64) = (.min, 0)
    private let indexCount: Statement?
    private let words: IndexWords?
    /// Told at the end only: what is wrong with the records themselves weighs more.
    private var indexFault: LedgerError?
    private var known: [String: Int64] = [:]
    private var newest = [(text: String, number: Int64)](repeating: ("", 0), count: 3)
    private static let wordsKnown = 4_096

    private var first: UInt64?
    private var captures: Int64 = 0
    private var due: Int64 = 0
    private var passes: Int64 = 0
    private var lastOrdinal: Int64?

    init(_ database: Database) throws(LedgerError) {
        self.database = database
        captureRows = try Kept.statement(
            database, "SELECT seq, key FROM capture WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq")
        dueRows = try Kept.statement(
            database, "SELECT seq, ordinal, steps FROM due WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq")
        openDecision = try Kept.statement(database, "SELECT seq FROM open_decision WHERE token = ?1")
        captureCount = try Kept.statement(database, "SELECT count(*) FROM capture WHERE seq BETWEEN ?1 AND ?2")
        dueCount = try Kept.statement(database, "SELECT count(*) FROM due WHERE seq BETWEEN ?1 AND ?2")
        openCount = try Kept.statement(database, "SELECT count(*) FROM open_decision WHERE seq BETWEEN ?1 AND ?2")
        if try Kept.value(database, "SELECT count(*) FROM sqlite_schema WHERE name = 'supplement'") > 0 {
            supplementRow = try Kept.statement(database, "SELECT corrects FROM supplement WHERE seq = ?1")
            supplementCount = try Kept.statement(
                database, "SELECT count(*) FROM supplement WHERE seq BETWEEN ?1 AND ?2")
        } else {
            supplementRow = nil
            supplementCount = nil
        }
        if try Kept.value(database, "SELECT count(*) FROM sqlite_schema WHERE name = 'passage'") > 0 {
            indexRow = try Kept.statement(
                database,
                "SELECT second, seq, facts, plate, fleet, gate, cargo FROM passage WHERE second = ?1 AND seq = ?2")
            indexRows = try Kept.statement(
                database,
                """
                SELECT second, seq, facts, plate, fleet, gate, cargo FROM passage
                WHERE (second, seq) > (?1, ?2) ORDER BY second, seq
                """)
            indexCount = try Kept.statement(database, "SELECT count(*) FROM passage WHERE seq BETWEEN ?1 AND ?2")
            words = try Kept.run { () throws(StoreError) in try IndexWords(database) }
        } else {
            indexRow = nil
            indexRows = nil
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

    /// Before the records of a turn, from `first` to `last`. `reset` follows, before the turn's read ends.
    func begin(_ first: UInt64, _ last: UInt64) {
        for rows in [captureRows, dueRows] {
            rows.bind(1, first)
            rows.bind(2, last)
        }
        indexRows?.bind(1, met.second)
        indexRows?.bind(2, met.sequence)
        isIndexRowMet = true
    }

    func reset() {
        captureRows.reset()
        dueRows.reset()
        indexRows?.reset()
    }

    /// Records come in ascending order.
    func check(_ record: Record) throws(LedgerError) {
        if first == nil { first = record.sequence }
        switch record.body {
        case .capture(let capture):
            captures += 1
            guard try Kept.step(captureRows), captureRows.unsigned(0) == record.sequence,
                captureRows.holds(1, capture.key)
            else {
                throw fault(record.sequence, "the table of captures does not have it under its key")
            }
        case .pass(let row):
            passes += 1
            try checkIndex(row, record.sequence)
            if row.isDue { try checkDue(row, record.sequence) }
        case .carried(let row, _): try checkDue(row, record.sequence)
        case .supplement(let supplement): try checkSupplement(supplement, record.sequence)
        case .boot, .decision, .quarantine, .seal, .prune, .generation, .manualRelease, .note, .unrecognised:
            break
        }
    }

    private func checkSupplement(_ supplement: Supplement, _ sequence: UInt64) throws(LedgerError) {
        guard let supplementRow else { return }
        supplements += 1
        supplementRow.bind(1, sequence)
        defer { supplementRow.reset() }
        guard try Kept.step(supplementRow), supplementRow.unsigned(0) == supplement.correctedSequence ?? 0 else {
            throw fault(sequence, "the table of supplements does not have it with the pass that it corrects")
        }
    }

    private func checkDue(_ row: PassRow, _ sequence: UInt64) throws(LedgerError) {
        due += 1
        guard try Kept.step(dueRows), dueRows.unsigned(0) == sequence,
            dueRows.integer(1) == (lastOrdinal ?? dueRows.integer(1) - 1) + 1,
            dueRows.integer(2) == Int64(row.photos.count) + 1
        else { throw fault(sequence, "the queue to the platforms does not have it in its place") }
        lastOrdinal = dueRows.integer(1)
    }

    /// The index's row of this passage: the next one, or the one that is looked up where the order is another.
    private func found(_ second: Int64, _ sequence: UInt64) throws(LedgerError) -> Statement? {
        guard let indexRow, let indexRows else { return nil }
        if isIndexRowMet, try Kept.step(indexRows) { isIndexRowMet = false }
        if !isIndexRowMet, indexRows.integer(0) == second, indexRows.unsigned(1) == sequence {
            isIndexRowMet = true
            met = (second, sequence)
            return indexRows
        }
        indexRow.reset()
        indexRow.bind(1, second)
        indexRow.bind(2, sequence)
        return try Kept.step(indexRow) ? indexRow : nil
    }

    private func checkIndex(_ row: PassRow, _ sequence: UInt64) throws(LedgerError) {
        guard indexRow != nil, indexFault == nil else { return }
        defer { indexRow?.reset() }
        guard let found = try found(row.passedWall.second, sequence), found.integer(2) == PassageFacts(row).packed,
            found.holds(3, row.plate?.text ?? ""),
            try number(row.vehicle?.fleet ?? "", 0) == found.integer(4),
            try number(row.gate.gateCode, 1) == found.integer(5),
            try number(row.freight.cargo, 2) == found.integer(6)
        else {
            indexFault = fault(sequence, "the index of passages does not have it as it is: run ledger reindex")
            return
        }
    }

    /// Nil for a word that the index does not have. `column` is the one that it stands in: mostly it is the same again.
    private func number(_ text: String, _ column: Int) throws(LedgerError) -> Int64? {
        if text.isEmpty { return 0 }
        if areSameBytes(newest[column].text, text) { return newest[column].number }
        guard let number = try known(text) else { return nil }
        newest[column] = (text, number)
        return number
    }

    private func known(_ text: String) throws(LedgerError) -> Int64? {
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
        if let supplementCount {
            guard try count(supplementCount, first, last) == supplements else {
                throw fault(last, "the table of supplements has rows of no record")
            }
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
