// Answers to questions about passages: rows page by page, counts, and the gaps of the time asked for.
//
// Invariants: a row is shown only when the index agrees with the record's bytes and the bytes with their hash and the
// hash before; so a tampered index cannot make a passage up or change one. That it left none out is shown by the walk
// (`countsByWalking`, exports), which reads every record. Gaps go with every answer.
// Limits: 1,000 rows a page; counts compare up to `comparedRows` rows with their records.

import Domain
import Store

public struct QueryPage: Sendable {
    public struct Row: Sendable {
        public let record: Record
        public let pass: PassRow
        public let delivery: RowDelivery
        /// The row as each supplement leaves it; `pass` of a supplement that stands by itself is what it says.
        public internal(set) var corrected: [Row] = []

        public var isSupplement: Bool {
            if case .supplement = record.body { true } else { false }
        }
    }

    public internal(set) var rows: [Row] = []
    /// More rows follow this record: ask again with it as `after`. Nil at the end.
    public internal(set) var next: UInt64?
}

extension QueryPage {
    /// The part of the time asked for that this page covers: gaps of another part go with another page.
    public func covered(_ query: LedgerQuery, newestFirst: Bool, isFirst: Bool) -> LedgerQuery {
        var covered = query
        let firstShown = rows.first?.pass.passedWall.second
        let lastShown = rows.last?.pass.passedWall.second
        if newestFirst {
            if !isFirst, let firstShown { covered.toSecond = firstShown + 1 }
            if next != nil, let lastShown { covered.fromSecond = lastShown }
        } else {
            if !isFirst, let firstShown { covered.fromSecond = firstShown }
            if next != nil, let lastShown { covered.toSecond = lastShown + 1 }
        }
        return covered
    }
}

/// Where a row stands in the order of time.
private struct PassagePlace {
    let second: Int64
    let sequence: UInt64

    func isAfter(_ other: PassagePlace?, _ newestFirst: Bool) -> Bool {
        guard let other else { return true }
        return newestFirst
            ? (second, sequence) < (other.second, other.sequence) : (second, sequence) > (other.second, other.sequence)
    }
}

private struct PassageBySupplement {
    let record: Record
    let row: PassRow
    let isDue: Bool

    var place: PassagePlace { PassagePlace(second: row.passedWall.second, sequence: record.sequence) }
}

/// How many passages of one day, direction and stage.
public struct PassageCount: Equatable, Sendable {
    /// Days since 1970-01-01 in China Standard Time.
    public let day: Int64
    public let direction: Direction
    /// In the order of `EmissionStage.allCases`.
    public internal(set) var stages: [Int]

    public var total: Int { stages.reduce(0) { $0 + $1 } }
    public var dateText: String { CivilTime(WallTime(microseconds: day * 86_400_000_000), offsetMinutes: 0).dateText }
}

public struct PassageCounts: Sendable {
    /// By day, and on each day first in, then out. A day without passages has no line.
    public internal(set) var lines: [PassageCount] = []
    /// Whether each counted row was compared with its record.
    public internal(set) var isCompared = true
    /// Supplements that correct or add such rows; the counts are of the rows as they were recorded.
    public internal(set) var supplements = 0

    public var total: Int { lines.reduce(0) { $0 + $1.total } }

    mutating func add(_ facts: PassageFacts, second: Int64) {
        let shifted = second + Int64(CivilTime.chinaStandardOffsetMinutes * 60)
        let day = shifted >= 0 ? shifted / 86_400 : (shifted - 86_399) / 86_400
        let stage = EmissionStage.allCases.firstIndex(of: facts.stage) ?? 0
        // Rows come by time, so that the line is the last one or the one before it; after a clock step it may be any.
        let index = lines.lastIndex { $0.day == day && $0.direction == facts.direction }
        if let index {
            lines[index].stages[stage] += 1
        } else {
            var line = PassageCount(
                day: day, direction: facts.direction,
                stages: Array(repeating: 0, count: EmissionStage.allCases.count))
            line.stages[stage] = 1
            lines.append(line)
        }
    }

    mutating func sort() {
        lines.sort { ($0.day, $0.direction.rawValue) < ($1.day, $1.direction.rawValue) }
    }
}

extension LedgerReader {
    public static let pageLimit = 1_000
    static let comparedRows = 20_000

    /// Up to `limit` rows, the newest or the oldest first; from `after` on when that record was shown last.
    public func passages(
        _ query: LedgerQuery, newestFirst: Bool, limit: Int, after: UInt64? = nil
    ) throws(LedgerError) -> QueryPage {
        precondition((1...LedgerReader.pageLimit).contains(limit), "LDG-9 a page has 1 to 1,000 rows")
        var start: PassagePlace?
        if let after { start = PassagePlace(second: try shown(after).pass.passedWall.second, sequence: after) }
        let board = try DeliveryBoard(database, destination: query.destination)
        let corrections = try Corrections(database, through: .max)
        var page = QueryPage()
        func put(_ record: Record, _ row: PassRow, isDue: Bool) throws(LedgerError) -> Bool {
            let delivery = try board.state(record.sequence, isDue: isDue)
            if let wanted = query.delivery, wanted != delivery { return true }
            if page.rows.count == limit {
                page.next = page.rows.last?.record.sequence
                return false
            }
            var shown = QueryPage.Row(record: record, pass: row, delivery: delivery)
            shown.corrected = try corrected(row, by: corrections.supplements(to: record.sequence)).map {
                QueryPage.Row(record: $0.record, pass: $0.row, delivery: delivery)
            }
            page.rows.append(shown)
            return true
        }
        // What answers only because of a supplement is not in the index: it comes in between, in its place.
        var others = try answersBySupplement(query, corrections).filter { $0.place.isAfter(start, newestFirst) }
        others.sort { $1.place.isAfter($0.place, newestFirst) }
        var next = 0
        var isFull = false
        let passages = try PassageQueries(reading: database)
        try passages.rows(query, newestFirst: newestFirst, after: start.map { ($0.second, $0.sequence) }) {
            (index, facts) throws(LedgerError) in
            let place = PassagePlace(second: index.second, sequence: index.sequence)
            while !isFull, next < others.count, place.isAfter(others[next].place, newestFirst) {
                isFull = try !put(others[next].record, others[next].row, isDue: others[next].isDue)
                next += 1
            }
            if isFull { return false }
            let isDue = facts.outcome.isRowDue(after: facts.reason)
            // Before the record is read: a question for what is rarely so asks this of every row.
            if let wanted = query.delivery, try board.state(index.sequence, isDue: isDue) != wanted { return true }
            let (record, row) = try compared(index, passages)
            isFull = try !put(record, row, isDue: isDue)
            return !isFull
        }
        while !isFull, next < others.count {
            isFull = try !put(others[next].record, others[next].row, isDue: others[next].isDue)
            next += 1
        }
        return page
    }

    /// Passes of which only a corrected row answers, and supplements that stand by themselves and answer.
    private func answersBySupplement(
        _ query: LedgerQuery, _ corrections: Corrections
    ) throws(LedgerError) -> [PassageBySupplement] {
        var found: [PassageBySupplement] = []
        let oldest = try oldest().sequence
        for sequence in corrections.passes {
            let supplements = corrections.supplements(to: sequence)
            guard sequence >= oldest else {
                for number in supplements { try add(number, query, &found) }
                continue
            }
            let (record, row) = try pass(sequence)
            guard !query.accepts(row) else { continue }
            guard try corrected(row, by: supplements).contains(where: { query.accepts($0.row) }) else { continue }
            found.append(PassageBySupplement(record: record, row: row, isDue: row.isDue))
        }
        for number in corrections.missed { try add(number, query, &found) }
        return found
    }

    private func add(
        _ number: UInt64, _ query: LedgerQuery, _ found: inout [PassageBySupplement]
    ) throws(LedgerError) {
        let (record, supplement) = try self.supplement(number)
        let row = PassRow(supplement, recordedAt: record.wall)
        guard query.accepts(supplement, row) else { return }
        found.append(PassageBySupplement(record: record, row: row, isDue: false))
    }

    /// A row that a page has shown: a pass, or a supplement that stands by itself.
    private func shown(_ sequence: UInt64) throws(LedgerError) -> (record: Record, pass: PassRow) {
        if let record = try records(from: sequence, limit: 1).first, record.sequence == sequence,
            case .supplement(let supplement) = record.body
        {
            return (record, PassRow(supplement, recordedAt: record.wall))
        }
        return try pass(sequence)
    }

    /// How many supplements correct or add a row of what is asked for.
    public func supplementCount(_ query: LedgerQuery) throws(LedgerError) -> Int {
        let corrections = try Corrections(database, through: .max)
        var count = 0
        let oldest = try oldest().sequence
        for sequence in corrections.passes where sequence >= oldest {
            let (_, row) = try pass(sequence)
            let corrected = try self.corrected(row, by: corrections.supplements(to: sequence))
            if query.accepts(row) || corrected.contains(where: { query.accepts($0.row) }) { count += corrected.count }
        }
        for number in corrections.missed {
            let (record, supplement) = try self.supplement(number)
            if query.accepts(supplement, PassRow(supplement, recordedAt: record.wall)) { count += 1 }
        }
        return count
    }

    /// Counts from the index. Up to 20,000 rows are compared with their records; beyond, `isCompared` is false.
    public func counts(_ query: LedgerQuery) throws(LedgerError) -> PassageCounts {
        let board = query.delivery == nil ? nil : try DeliveryBoard(database, destination: query.destination)
        var counts = PassageCounts()
        var compared = 0
        let passages = try PassageQueries(reading: database)
        try passages.rows(query, newestFirst: false, after: nil) { (index, facts) throws(LedgerError) in
            if let board {
                let state = try board.state(index.sequence, isDue: facts.outcome.isRowDue(after: facts.reason))
                guard state == query.delivery else { return true }
            }
            counts.add(facts, second: index.second)
            compared += 1
            if compared <= LedgerReader.comparedRows {
                _ = try self.compared(index, passages)
            } else {
                counts.isCompared = false
            }
            return true
        }
        counts.sort()
        counts.supplements = try supplementCount(query)
        return counts
    }

    /// Counts from the records themselves, each checked against the chain from the oldest on. Delivery is not asked
    /// for: it is not in the records.
    public func countsByWalking(_ query: LedgerQuery) throws(LedgerError) -> PassageCounts {
        precondition(query.delivery == nil, "LDG-10 delivery is not in the records")
        var counts = PassageCounts()
        try walkChain(from: oldest().sequence, through: newestRecord().sequence) { (record, _) throws(LedgerError) in
            guard case .pass(let row) = record.body, query.accepts(row) else { return }
            counts.add(PassageFacts(row), second: row.passedWall.second)
        }
        counts.sort()
        return counts
    }

    /// What was not seen in the time asked for.
    public func gaps(_ query: LedgerQuery) throws(LedgerError) -> [LedgerGap] {
        var gaps: [LedgerGap] = []
        let oldest = try oldest()
        if let gap = query.gap(before: oldest) { gaps.append(gap) }
        var finder = GapFinder()
        let events = try Kept.statement(
            database,
            """
            SELECT seq, kind, token, canonical, hash FROM record INDEXED BY event
            WHERE kind IN (1, 7, 8, 9) ORDER BY seq
            """)
        while try Kept.step(events) {
            let record = try StoredRecord(events).decoded()
            var before: WallTime?
            if case .boot = record.body, record.sequence > oldest.sequence {
                before = try records(from: record.sequence - 1, limit: 1).first?.wall
            }
            gaps += finder.take(record, before: before).filter { $0.touches(query) }
        }
        gaps += finder.unended.filter { $0.touches(query) }
        if let gap = query.gap(after: try newestRecord()) { gaps.append(gap) }
        return gaps
    }

    /// The pass record that a row of the index stands for, if its bytes have the hash that is kept with them and say
    /// the same as the row.
    private func compared(
        _ index: IndexRow, _ passages: PassageQueries
    ) throws(LedgerError) -> (Record, PassRow) {
        let (record, row) = try pass(index.sequence)
        guard try passages.agrees(index, row) else { throw .indexDiffers(sequence: index.sequence) }
        return (record, row)
    }

    private func pass(_ sequence: UInt64) throws(LedgerError) -> (record: Record, pass: PassRow) {
        // Record 1 is a boot record.
        guard sequence > 1 else { throw .indexDiffers(sequence: sequence) }
        let rows = try stored(from: sequence - 1, limit: 2)
        guard let stored = rows.last, stored.sequence == sequence else { throw .indexDiffers(sequence: sequence) }
        let record = try stored.decoded()
        // A record whose forerunner is no longer kept is checked by the walk alone.
        if rows.count == 2 {
            var walk = ChainWalk(after: LedgerHead(sequence: sequence - 1, hash: try rows[0].decoded().hash))
            try walk.advance(stored)
        }
        guard case .pass(let row) = record.body else { throw .indexDiffers(sequence: sequence) }
        return (record, row)
    }
}

/// What the destinations have, as it stood when the question was asked.
struct DeliveryBoard {
    /// Each destination with the last record that it wholly has.
    private var destinations: [(name: String, through: UInt64)] = []
    private let quarantined: Statement

    init(_ database: Database, destination: String?) throws(LedgerError) {
        quarantined = try Kept.statement(database, "SELECT 1 FROM quarantine WHERE destination = ?1 AND seq = ?2")
        let cursors = try Kept.statement(
            database,
            """
            SELECT destination, delivery.seq, step + 1 >= steps FROM delivery JOIN due ON due.seq = delivery.seq
            ORDER BY destination
            """)
        while try Kept.step(cursors) {
            let name = cursors.text(0)
            if let destination, !name.utf8.elementsEqual(destination.utf8) { continue }
            destinations.append((name, cursors.integer(2) == 1 ? cursors.unsigned(1) : cursors.unsigned(1) - 1))
        }
    }

    func state(_ sequence: UInt64, isDue: Bool) throws(LedgerError) -> RowDelivery {
        guard isDue else { return .notDue }
        var isDelivered = !destinations.isEmpty
        for destination in destinations {
            defer { quarantined.reset() }
            quarantined.bind(1, text: destination.name)
            quarantined.bind(2, sequence)
            if try Kept.step(quarantined) { return .quarantined }
            if sequence > destination.through { isDelivered = false }
        }
        return isDelivered ? .delivered : .waiting
    }
}
