// The index of the passages: one narrow row for each pass record, written in the record's own transaction.
//
// Invariants: it is derived from the records, never hashed, and proves nothing: who shows a row of it compares the row
// with the record's bytes. It can be thrown away and filled again. One table in the order of time, one index by plate.

import Domain
import Machine
import Store

/// A row of the index. Fleet, gate and cargo are numbers of the table `word`, 0 for none.
struct IndexRow: Equatable {
    var second: Int64
    var sequence: UInt64
    var facts: Int64
    var plate: String
    var fleet: Int64
    var gate: Int64
    var cargo: Int64
}

/// The texts that rows share.
final class IndexWords {
    private let find: Statement

    init(_ database: Database) throws(StoreError) {
        find = try database.prepare("SELECT id FROM word WHERE text = ?1")
    }

    /// 0 for an empty text, nil for one that no row has.
    func number(_ text: String) throws(StoreError) -> Int64? {
        guard !text.isEmpty else { return 0 }
        defer { find.reset() }
        find.bind(1, text: text)
        return try find.step() ? find.integer(0) : nil
    }
}

/// The writer's side.
final class PassageIndex {
    private let words: IndexWords
    private let addWord: Statement
    private let addRow: Statement
    private let passes: Statement
    private let removeRow: Statement
    private let newestOfPlate: Statement

    init(_ database: Database) throws(StoreError) {
        words = try IndexWords(database)
        addWord = try database.prepare("INSERT INTO word(text) VALUES(?1)")
        addRow = try database.prepare(
            "INSERT INTO passage(second, seq, facts, plate, fleet, gate, cargo) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")
        passes = try database.prepare(
            """
            SELECT seq, kind, token, canonical, hash FROM record NOT INDEXED WHERE seq > ?1 AND seq <= ?2 AND kind = 5
            """)
        removeRow = try database.prepare("DELETE FROM passage WHERE second = ?1 AND seq = ?2")
        newestOfPlate = try database.prepare(
            """
            SELECT seq, facts FROM passage INDEXED BY passage_of_plate
            WHERE plate = ?1 ORDER BY second DESC, seq DESC LIMIT 8
            """)
    }

    /// The pass by which the vehicle that goes out now came in: the last time that it crossed, if that was inwards.
    func entry(of plate: Plate) throws(StoreError) -> UInt64? {
        defer { newestOfPlate.reset() }
        newestOfPlate.bind(1, text: plate.text)
        while try newestOfPlate.step() {
            guard let facts = PassageFacts(packed: newestOfPlate.integer(1)), facts.colour == plate.colour,
                facts.outcome.crossed
            else { continue }
            return facts.direction == .entry ? newestOfPlate.unsigned(0) : nil
        }
        return nil
    }

    func add(_ row: PassRow, _ sequence: UInt64) throws(StoreError) {
        let fleet = try number(row.vehicle?.fleet ?? "")
        let gate = try number(row.gate.gateCode)
        let cargo = try number(row.freight.cargo)
        addRow.bind(1, row.passedWall.second)
        addRow.bind(2, sequence)
        addRow.bind(3, PassageFacts(row).packed)
        addRow.bind(4, text: row.plate?.text ?? "")
        addRow.bind(5, fleet)
        addRow.bind(6, gate)
        addRow.bind(7, cargo)
        try addRow.run()
    }

    private func number(_ text: String) throws(StoreError) -> Int64 {
        if let number = try words.number(text) { return number }
        addWord.bind(1, text: text)
        try addWord.run()
        return try words.number(text) ?? 0
    }

    /// Takes out the rows of records that are about to be removed.
    func remove(after first: UInt64, through last: UInt64) throws(StoreError) {
        defer { passes.reset() }
        passes.bind(1, first)
        passes.bind(2, last)
        while try passes.step() {
            guard let (row, sequence) = PassageIndex.pass(StoredRecord(passes)) else { continue }
            removeRow.bind(1, row.passedWall.second)
            removeRow.bind(2, sequence)
            try removeRow.run()
        }
    }

    /// Nil for a record that cannot be read: the verifier names it, and the gate goes on.
    private static func pass(_ stored: StoredRecord) -> (PassRow, UInt64)? {
        do throws(LedgerError) {
            guard case .pass(let row) = try stored.decoded().body else { return nil }
            return (row, stored.sequence)
        } catch {
            return nil
        }
    }

    /// Fills an index that is empty beside passes: that of a ledger which an earlier version wrote, or one that was
    /// thrown away. One transaction: a cut leaves it empty. Costs one look-up when there is nothing to do.
    func fillIfEmpty(_ database: Database) throws(LedgerError) {
        guard try Kept.value(database, "SELECT EXISTS(SELECT 1 FROM passage)") == 0 else { return }
        let passes = try Kept.statement(
            database,
            "SELECT seq, kind, token, canonical, hash FROM record WHERE kind = 5")
        guard try Kept.step(passes) else { return }
        defer { passes.reset() }
        try Kept.run { () throws(StoreError) in try database.begin() }
        do throws(LedgerError) {
            repeat {
                guard let (row, sequence) = PassageIndex.pass(StoredRecord(passes)) else { continue }
                try Kept.run { () throws(StoreError) in try add(row, sequence) }
            } while try Kept.step(passes)
            passes.reset()
            try Kept.run { () throws(StoreError) in try database.commit() }
        } catch {
            passes.reset()
            database.rollback()
            throw error
        }
    }
}

extension LedgerWriter {
    /// Throws the index away and fills it from the records. Returns how many passages it has. No writer may be at work.
    public static func reindex(folder: String, files: any Files) throws(LedgerError) -> Int64 {
        let lock = try takeLock(folder, files)
        defer { withExtendedLifetime(lock) {} }
        let database = try Kept.run { () throws(StoreError) in
            try Database.writer(LedgerPath.database(folder), LedgerSchema.schema)
        }
        try Kept.run { () throws(StoreError) in
            try database.begin()
            try database.execute("DELETE FROM passage; DELETE FROM word")
            try database.commit()
        }
        try Kept.run { () throws(StoreError) in try PassageIndex(database) }.fillIfEmpty(database)
        return try Kept.value(database, "SELECT count(*) FROM passage")
    }
}

/// The readers' side: rows in the order of time, one way or the other. What SQLite can tell apart comes no further: a
/// question for what is rare walks the whole index.
final class PassageQueries {
    let words: IndexWords
    private let forward: Statement
    private let backward: Statement
    private let forwardOfPlate: Statement
    private let backwardOfPlate: Statement

    convenience init(reading database: Database) throws(LedgerError) {
        do throws(StoreError) { try self.init(database) } catch { throw .store(error) }
    }

    init(_ database: Database) throws(StoreError) {
        words = try IndexWords(database)
        forward = try database.prepare(
            """
            SELECT second, seq, facts, plate, fleet, gate, cargo FROM passage
            WHERE (second, seq) > (?1, ?2) AND second <= ?3
                AND (?5 IS NULL OR fleet = ?5) AND (?6 IS NULL OR gate = ?6) AND (?7 IS NULL OR cargo = ?7)
                AND facts & ?8 = ?9 AND (?10 IS NULL OR instr(plate, ?10) > 0)
            ORDER BY second, seq
            """)
        backward = try database.prepare(
            """
            SELECT second, seq, facts, plate, fleet, gate, cargo FROM passage
            WHERE (second, seq) < (?1, ?2) AND second >= ?3
                AND (?5 IS NULL OR fleet = ?5) AND (?6 IS NULL OR gate = ?6) AND (?7 IS NULL OR cargo = ?7)
                AND facts & ?8 = ?9 AND (?10 IS NULL OR instr(plate, ?10) > 0)
            ORDER BY second DESC, seq DESC
            """)
        forwardOfPlate = try database.prepare(
            """
            SELECT second, seq, facts, plate, fleet, gate, cargo FROM passage INDEXED BY passage_of_plate
            WHERE plate = ?4 AND (second, seq) > (?1, ?2) AND second <= ?3
                AND (?5 IS NULL OR fleet = ?5) AND (?6 IS NULL OR gate = ?6) AND (?7 IS NULL OR cargo = ?7)
                AND facts & ?8 = ?9 AND (?10 IS NULL OR instr(plate, ?10) > 0)
            ORDER BY second, seq
            """)
        backwardOfPlate = try database.prepare(
            """
            SELECT second, seq, facts, plate, fleet, gate, cargo FROM passage INDEXED BY passage_of_plate
            WHERE plate = ?4 AND (second, seq) < (?1, ?2) AND second >= ?3
                AND (?5 IS NULL OR fleet = ?5) AND (?6 IS NULL OR gate = ?6) AND (?7 IS NULL OR cargo = ?7)
                AND facts & ?8 = ?9 AND (?10 IS NULL OR instr(plate, ?10) > 0)
            ORDER BY second DESC, seq DESC
            """)
    }

    /// Calls `take` with the rows that the query accepts (delivery is the caller's), until it answers false.
    func rows(
        _ query: LedgerQuery, newestFirst: Bool, after: (second: Int64, sequence: UInt64)?,
        _ take: (IndexRow, PassageFacts) throws(LedgerError) -> Bool
    ) throws(LedgerError) {
        guard let fleet = try wanted(query.fleet), let gate = try wanted(query.gate),
            let cargo = try wanted(query.cargo)
        else { return }
        let first = query.fromSecond ?? .min
        let last = (query.toSecond ?? .max) - 1
        let plate = query.plate.flatMap { $0.utf8.contains(UInt8(ascii: "*")) ? nil : $0 }
        let statement =
            newestFirst
            ? (plate == nil ? backward : backwardOfPlate) : (plate == nil ? forward : forwardOfPlate)
        defer { statement.reset() }
        if newestFirst {
            let start = after.map { $0.second > last ? (last, UInt64(Int64.max)) : ($0.second, $0.sequence) }
            statement.bind(1, start?.0 ?? last)
            statement.bind(2, start?.1 ?? UInt64(Int64.max))
            statement.bind(3, first)
        } else {
            let start = after.map { $0.second < first ? (first, 0) : ($0.second, $0.sequence) }
            statement.bind(1, start?.0 ?? first)
            statement.bind(2, start?.1 ?? 0)
            statement.bind(3, last)
        }
        if let plate { statement.bind(4, text: plate) }
        for (place, number) in [(Int32(5), fleet), (6, gate), (7, cargo)] {
            if let number { statement.bind(place, number) } else { statement.bindNull(place) }
        }
        let (mask, value) = PassageFacts.asked(query)
        statement.bind(8, mask)
        statement.bind(9, value)
        // More than the pattern takes has its middle part; `accepts` looks at the ends.
        let middle = plate == nil ? query.plate.map { LedgerQuery.middle(of: $0) } ?? "" : ""
        if middle.isEmpty { statement.bindNull(10) } else { statement.bind(10, text: middle) }
        let needsPlate = query.plate != nil
        while try Kept.step(statement) {
            let packed = statement.integer(2)
            guard let facts = PassageFacts(packed: packed) else {
                throw .indexDiffers(sequence: statement.unsigned(1))
            }
            let second = statement.integer(0)
            guard query.accepts(facts, second: second, plate: needsPlate ? statement.text(3) : "") else { continue }
            let row = IndexRow(
                second: second, sequence: statement.unsigned(1), facts: packed, plate: statement.text(3),
                fleet: statement.integer(4), gate: statement.integer(5), cargo: statement.integer(6))
            if try !take(row, facts) { return }
        }
    }

    /// Whether the row says of the record what its bytes say.
    func agrees(_ index: IndexRow, _ row: PassRow) throws(LedgerError) -> Bool {
        guard index.plate.utf8.elementsEqual((row.plate?.text ?? "").utf8),
            index.second == row.passedWall.second, index.facts == PassageFacts(row).packed
        else { return false }
        let fleet = try number(row.vehicle?.fleet ?? "")
        let gate = try number(row.gate.gateCode)
        let cargo = try number(row.freight.cargo)
        return index.fleet == fleet && index.gate == gate && index.cargo == cargo
    }

    /// Outer nil: no row can have it. Inner nil: it is not asked for.
    private func wanted(_ text: String?) throws(LedgerError) -> Int64?? {
        guard let text else { return .some(nil) }
        guard let number = try number(text) else { return nil }
        return .some(number)
    }

    private func number(_ text: String) throws(LedgerError) -> Int64? {
        try Kept.run { () throws(StoreError) in try words.number(text) }
    }
}
