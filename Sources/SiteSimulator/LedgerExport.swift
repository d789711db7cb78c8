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
    public var token: UInt64
    /// Lane time of the append, nanoseconds.
    public var laneTime: UInt64
    public var decision: ExportedDecision?
    public var pass: ExportedPass?
    public var quarantine: String?
}

public struct ExportedDecision: Sendable {
    public var reason: String
    public var plate: String
    public var askedAt: UInt64
    public var decidedAt: UInt64

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

    /// A vehicle went through, so the platform is owed the row.
    public var isDue: Bool { PassOutcome.allCases.contains { $0.word == outcome && $0.crossed } }
}

public struct LedgerExport: Sendable {
    public private(set) var rows: [LedgerRow] = []

    public init(jsonLines text: String) throws(SimulationError) {
        for (index, line) in text.split(separator: "\n").enumerated() {
            let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            guard let object else { throw .export("line \(index + 1) is no JSON object") }
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

/// An object of the export, asked by the names it may use for one thing.
private struct Fields {
    private let object: [String: Any]

    init(_ object: [String: Any]) {
        self.object = object
    }

    private func value(_ names: [String]) -> Any? {
        for name in names {
            if let found = object[name], !(found is NSNull) { return found }
        }
        return nil
    }

    func text(_ names: String...) -> String? {
        switch value(names) {
        case let text as String: text
        case let number as NSNumber: number.stringValue
        default: nil
        }
    }

    func number(_ names: String...) -> UInt64? {
        switch value(names) {
        case let text as String: UInt64(text)
        case let number as NSNumber: number.uint64Value
        default: nil
        }
    }

    func object(_ names: String...) -> Fields? {
        (value(names) as? [String: Any]).map { Fields($0) }
    }

    func list(_ names: String...) -> [Any] { value(names) as? [Any] ?? [] }

    /// A plate is a text, or an object with one.
    var plate: String { object("plate")?.text("text", "plate") ?? text("plate", "plateText") ?? "" }

    var stage: String { object("vehicle")?.text("stage") ?? text("stage") ?? "" }

    var photos: [String] {
        list("photos").compactMap { photo in
            (photo as? [String: Any]).map { Fields($0) }?.text("sha256", "digest") ?? photo as? String
        }
    }

    /// `yyyy-MM-dd HH:mm:ss` at UTC+8, from microseconds or from ISO 8601.
    func siteTime(_ names: String...) -> String? {
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(secondsFromGMT: 8 * 3600)
        format.dateFormat = "yyyy-MM-dd HH:mm:ss"
        switch value(names) {
        case let number as NSNumber:
            let seconds = (number.doubleValue / 1_000_000).rounded(.down)
            return format.string(from: Date(timeIntervalSince1970: seconds))
        case let text as String:
            if let microseconds = Int64(text) {
                return format.string(from: Date(timeIntervalSince1970: Double(microseconds / 1_000_000)))
            }
            // Already at the site's offset: the fraction and the offset fall away.
            guard text.hasSuffix("Z") else { return text.prefix(19).replacingOccurrences(of: "T", with: " ") }
            let whole = text.prefix(19) + "Z"
            return ISO8601DateFormatter().date(from: String(whole)).map { format.string(from: $0) }
        default: return nil
        }
    }
}

extension LedgerRow {
    fileprivate init?(_ fields: Fields) {
        guard let sequence = fields.number("seq", "sequence"), let kind = fields.text("kind") else { return nil }
        self.init(
            sequence: sequence, kind: kind, token: fields.number("token") ?? 0,
            laneTime: fields.number("lane_ns", "laneTime", "lane_time", "laneTimeNs") ?? 0
        )
        switch kind {
        case "decision":
            guard let reason = fields.text("reason"), let asked = fields.number("askedAt", "asked_at", "asked_ns"),
                let decided = fields.number("decidedAt", "decided_at", "decided_ns")
            else { return nil }
            decision = ExportedDecision(reason: reason, plate: fields.plate, askedAt: asked, decidedAt: decided)
        case "pass":
            guard let serial = fields.text("serial"), let outcome = fields.text("outcome"),
                let direction = fields.text("direction"),
                let date = fields.siteTime("passedWall", "passed_wall", "passedAt", "passed_at", "passed")
            else { return nil }
            pass = ExportedPass(
                serial: serial, outcome: outcome, reason: fields.text("reason") ?? "", plate: fields.plate,
                direction: direction == "entry" ? "1" : direction == "exit" ? "2" : direction, date: date,
                stage: fields.stage, photos: fields.photos
            )
        case "quarantine":
            quarantine = fields.text("detail", "reason") ?? ""
        default: break
        }
    }

    private init(sequence: UInt64, kind: String, token: UInt64, laneTime: UInt64) {
        self.sequence = sequence
        self.kind = kind
        self.token = token
        self.laneTime = laneTime
        decision = nil
        pass = nil
        quarantine = nil
    }
}
