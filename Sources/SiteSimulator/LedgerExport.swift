// The ledger as its own export says it (`ledger export --format jsonl`): the rows that the site's checks need.
//
// A line that is no object, or a pass or decision without its fields, ends the reading with its line number: the site
// must not pass over what it does not understand.

import Domain
import Foundation

/// One record of the export.
public struct LedgerRow: Sendable {
    public var sequence: UInt64
    public var kind: String
    /// Lane time of the append, nanoseconds.
    public var laneTime: UInt64
    /// By its index, from 0; 0 for a record that is of no lane.
    public var lane: Int
    public var decision: ExportedDecision?
    public var pass: ExportedPass?
    public var quarantine: String?
}

public struct ExportedDecision: Sendable {
    public var reason: String
    public var plate: String
    /// In hexadecimal; empty when none was seen.
    public var tag = ""
    /// The plate of the vehicle that the tag belongs to.
    public var tagPlate = ""
    public var askedAt: UInt64
    public var decidedAt: UInt64

    public var isConflict: Bool { reason == VerdictReason.identityConflict.word }
    public var allows: Bool { VerdictReason.allCases.contains { $0.word == reason && $0.allows } }
}

public struct ExportedPass: Sendable {
    public var serial: String
    public var outcome: String
    public var reason: String
    public var plate: String
    /// `1` in, `2` out.
    public var direction: String
    /// 进/出厂时间 as the platform writes it.
    public var date: String
    /// The stage's code, empty when the register did not know the vehicle.
    public var stage: String
    /// SHA-256, in the order of the record.
    public var photos: [String]

    /// A vehicle went through, or was released before a restart, so the platform is owed the row.
    public var isDue: Bool {
        let isReleased = VerdictReason.allCases.contains { $0.word == reason && $0.allows }
        return ["completed", "forced", "tailgated", "manual"].contains(outcome)
            || ["interrupted", "aborted"].contains(outcome) && isReleased
    }
}

public struct LedgerExport: Sendable {
    public private(set) var rows: [LedgerRow] = []

    public init(jsonLines text: String) throws(SimulationError) {
        for (index, line) in text.split(separator: "\n").enumerated() {
            let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            guard let object else { throw .export("line \(index + 1) is no JSON object") }
            // Gaps and the head are lines of their own.
            if ["gap", "head"].contains(object["kind"] as? String) { continue }
            guard let row = LedgerRow(Fields(object)) else {
                throw .export("line \(index + 1) lacks a field that the checks need: \(line.prefix(400))")
            }
            rows.append(row)
        }
    }

    public var decisions: [(row: LedgerRow, decision: ExportedDecision)] {
        rows.compactMap { row in row.decision.map { (row, $0) } }
    }

    public var duePasses: [ExportedPass] { rows.compactMap { $0.pass }.filter { $0.isDue } }
    public var quarantined: [String] { rows.compactMap { $0.quarantine } }
}

/// An object of the export. What is unknown is left out there; numbers that may exceed 2^53 are texts.
private struct Fields {
    private let object: [String: Any]

    init(_ object: [String: Any]) {
        self.object = object
    }

    func text(_ name: String) -> String? {
        switch object[name] {
        case let text as String: text
        case let number as NSNumber: number.stringValue
        default: nil
        }
    }

    func number(_ name: String) -> UInt64? { text(name).flatMap { UInt64($0) } }

    var stage: String { (object["vehicle"] as? [String: Any]).map { Fields($0) }?.text("stage") ?? "" }

    var photos: [String] {
        (object["photos"] as? [[String: Any]] ?? []).compactMap { Fields($0).text("sha256") }
    }
}

extension LedgerRow {
    fileprivate init?(_ fields: Fields) {
        guard let sequence = fields.number("seq"), let kind = fields.text("kind"),
            let laneTime = fields.number("lane_ns")
        else { return nil }
        self.init(sequence: sequence, kind: kind, laneTime: laneTime)
        lane = Int(fields.number("lane") ?? 0)
        let plate = fields.text("plate") ?? ""
        switch kind {
        case "decision":
            guard let reason = fields.text("reason"), let asked = fields.number("asked_ns"),
                let decided = fields.number("decided_ns")
            else { return nil }
            decision = ExportedDecision(
                reason: reason, plate: plate, tag: fields.text("tag") ?? "", tagPlate: fields.text("tag_plate") ?? "",
                askedAt: asked, decidedAt: decided)
        case "pass":
            guard let serial = fields.text("serial"), let outcome = fields.text("outcome"),
                let direction = fields.text("direction"), let date = fields.text("passed")
            else { return nil }
            pass = ExportedPass(
                serial: serial, outcome: outcome, reason: fields.text("reason") ?? "", plate: plate,
                direction: direction, date: date, stage: fields.stage, photos: fields.photos
            )
        case "quarantine":
            quarantine = fields.text("reason") ?? ""
        default: break
        }
    }

    private init(sequence: UInt64, kind: String, laneTime: UInt64) {
        self.sequence = sequence
        self.kind = kind
        self.laneTime = laneTime
        lane = 0
        decision = nil
        pass = nil
        quarantine = nil
    }
}
