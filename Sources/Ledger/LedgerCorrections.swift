// 补录 beside the rows that they correct: what a supplement says stands instead of what the pass says, and both are
// shown.
//
// Invariants: a pass keeps its own row; each of its supplements, in the order of their numbers, gives the row as it is
// corrected up to then. A pass answers a question when its own row or one of these does. A supplement without a pass
// that can be looked up stands by itself, with what it says.
// Limits: `most` supplements.

import Domain
import Store

/// A supplement and the row that it makes.
struct CorrectedRow {
    let record: Record
    let supplement: Supplement
    let row: PassRow
}

/// The supplements up to a record, by the pass that they correct.
struct Corrections {
    static let most = 100_000

    private var byPass: [UInt64: [UInt64]] = [:]
    /// Those of vehicles that the ledger missed.
    private(set) var missed: [UInt64] = []

    var passes: [UInt64] { byPass.keys.sorted() }

    init(_ database: Database, from first: UInt64 = 0, through last: UInt64) throws(LedgerError) {
        // A file of an earlier version has none.
        guard try Kept.value(database, "SELECT count(*) FROM sqlite_schema WHERE name = 'supplement'") > 0 else {
            return
        }
        let rows = try Kept.statement(
            database, "SELECT seq, corrects FROM supplement WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq")
        rows.bind(1, first)
        rows.bind(2, Int64(clamping: last))
        defer { rows.reset() }
        var count = 0
        while try Kept.step(rows) {
            count += 1
            guard count <= Corrections.most else {
                throw .limit(what: "the number of supplements", limit: Corrections.most)
            }
            if rows.integer(1) == 0 {
                missed.append(rows.unsigned(0))
            } else {
                byPass[rows.unsigned(1), default: []].append(rows.unsigned(0))
            }
        }
    }

    /// The numbers of the supplements to this pass.
    func supplements(to pass: UInt64) -> [UInt64] { byPass[pass] ?? [] }
}

extension LedgerReader {
    /// The pass' row as each of its supplements leaves it.
    func corrected(_ row: PassRow, by supplements: [UInt64]) throws(LedgerError) -> [CorrectedRow] {
        var row = row
        var rows: [CorrectedRow] = []
        for sequence in supplements {
            let (record, supplement) = try self.supplement(sequence)
            row.correct(supplement)
            rows.append(CorrectedRow(record: record, supplement: supplement, row: row))
        }
        return rows
    }

    func supplement(_ sequence: UInt64) throws(LedgerError) -> (Record, Supplement) {
        guard let record = try records(from: sequence, limit: 1).first, record.sequence == sequence,
            case .supplement(let supplement) = record.body
        else { throw .indexDiffers(sequence: sequence) }
        return (record, supplement)
    }
}

extension PassRow {
    /// What the supplement says stands instead.
    mutating func correct(_ supplement: Supplement) {
        if let lane = supplement.lane { self.lane = lane }
        if let direction = supplement.direction { self.direction = direction }
        if let plate = supplement.plate { self.plate = plate }
        if !supplement.photos.isEmpty { photos = supplement.photos }
        if let vehicle = supplement.vehicle {
            self.vehicle = vehicle
            vehicleSource = supplement.vehicleSource
            vehicleKnownAt = nil
        }
        freight.correct(supplement.freight)
        if let passed = supplement.passedWall { passedWall = passed }
        if let gate = supplement.gate { self.gate = gate }
    }

    /// The row of a supplement by itself. `recordedAt` is its time when it says none.
    init(_ supplement: Supplement, recordedAt: WallTime) {
        self.init(
            lane: supplement.lane ?? LaneID(0), outcome: .completed, direction: supplement.direction ?? .entry,
            gate: GateCodes(enterpriseID: "", enterpriseName: "", entranceGateCode: "", gateCode: ""))
        passedWall = recordedAt
        correct(supplement)
    }
}

extension Freight {
    fileprivate mutating func correct(_ other: Freight) {
        if !other.cargo.isEmpty { cargo = other.cargo }
        if let kilograms = other.netKilograms { netKilograms = kilograms }
        if let kilograms = other.grossKilograms { grossKilograms = kilograms }
        if let source = other.source { self.source = source }
        if let load = other.load { self.load = load }
        if !other.booking.isEmpty { booking = other.booking }
        if let sequence = other.entrySequence { entrySequence = sequence }
        if !other.vehicleList.isEmpty { vehicleList = other.vehicleList }
    }
}

extension LedgerQuery {
    /// The same of a supplement that stands by itself: it has no outcome and no verdict, and nobody is owed it.
    func accepts(_ supplement: Supplement, _ row: PassRow) -> Bool {
        guard outcomes.isEmpty, delivery == nil || delivery == .notDue else { return false }
        if !directions.isEmpty, supplement.direction == nil { return false }
        if !lanes.isEmpty, supplement.lane == nil { return false }
        var query = self
        query.isDueOnly = false
        return query.accepts(row)
    }
}

extension Supplement {
    /// `补录 更正 812 王某: 应急物资`
    var remark: String {
        "补录 " + (correctedSequence.map { "更正 \($0)" } ?? "漏记") + " \(by.person)"
            + (by.reason.isEmpty ? "" : ": " + by.reason)
    }
}
