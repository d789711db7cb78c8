// What the ledger did not see: found from the records of boots, faults and clock steps, and listed with every query and
// every export that covers it. EXPORT-FORMAT.md says which gaps there are.
//
// Invariants: a fault is open from its raising to its healing or the next boot; a gap is told when it ends, or at the
// end of what was read. Limits: 1,024 subjects of faults at a time; a later one is not followed (there are as many
// subjects as devices).

import Domain

/// A time of which the ledger does not tell everything.
public struct LedgerGap: Equatable, Sendable {
    public enum Kind: UInt8, Sendable {
        /// The controller did not run.
        case deviceDown = 1
        /// A camera, a loop, a thread … was faulty.
        case fault = 2
        /// The wall clock was set.
        case clockStep = 3
        /// The time asked for begins before the oldest record, or ends after the newest.
        case beforeLedger = 4
        case afterLedger = 5

        public var word: String {
            switch self {
            case .deviceDown: "device-down"
            case .fault: "fault"
            case .clockStep: "clock-step"
            case .beforeLedger: "before-ledger"
            case .afterLedger: "after-ledger"
            }
        }

        var chineseWord: String {
            switch self {
            case .deviceDown: "设备停机"
            case .fault: "故障"
            case .clockStep: "时钟调整"
            case .beforeLedger: "台账开始之前"
            case .afterLedger: "台账末尾之后"
            }
        }
    }

    public var kind: Kind
    public var from: WallTime
    /// Nil: not ended yet.
    public var to: WallTime?
    /// The records that tell of its beginning and end.
    public var fromRecord: UInt64?
    public var toRecord: UInt64?
    public var subject = ""
    public var detail = ""
    /// The hash of `toRecord`, or of `fromRecord` when there is none.
    var hash: Digest?

    func touches(_ query: LedgerQuery) -> Bool {
        let end = to ?? WallTime(microseconds: .max)
        if let from = query.fromSecond, max(self.from, end).microseconds < saturated(from) { return false }
        if let to = query.toSecond, min(self.from, end).microseconds >= saturated(to) { return false }
        return true
    }

    /// `device-down 2026-03-01 08:00:00 to 2026-03-01 09:00:00, records 811 to 812: start`
    public var line: String {
        let records =
            switch (fromRecord, toRecord) {
            case (let first?, let last?): first == last ? ", record \(first)" : ", records \(first) to \(last)"
            case (let first?, nil): ", record \(first)"
            case (nil, let last?): ", record \(last)"
            case (nil, nil): ""
            }
        return shown(
            "\(kind.word) \(CivilTime(from).text) to \(to.map { CivilTime($0).text } ?? "now")\(records)"
                + (subject.isEmpty ? "" : ", \(subject)") + (detail.isEmpty ? "" : ": \(detail)"))
    }
}

/// Microseconds of a second, at the ends of the range no further.
func saturated(_ second: Int64) -> Int64 {
    let (value, overflow) = second.multipliedReportingOverflow(by: 1_000_000)
    return overflow ? (second < 0 ? .min : .max) : value
}

/// A text from outside can neither end a line nor steer a terminal.
func shown(_ text: String) -> String {
    String(decoding: text.utf8.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "?") : $0 }, as: UTF8.self)
}

/// Follows the records in their order.
struct GapFinder {
    private static let subjectLimit = 1_024
    private var open: [LedgerGap] = []

    /// Whether a record of this kind has to be given to `take`.
    static func concerns(_ kind: Int64) -> Bool {
        switch RecordKind(rawValue: UInt16(truncatingIfNeeded: kind)) {
        case .boot, .faultRaised, .faultHealed, .clockStep: true
        default: false
        }
    }

    /// The gaps that this record ends. `before` is the wall time of the record before it; nil when there is none.
    mutating func take(_ record: Record, before: WallTime?) -> [LedgerGap] {
        switch record.body {
        case .boot(_, let cause, _, _):
            let faults = open.map { ended($0, record) }
            open = []
            guard let before, record.sequence > 1 else { return faults }
            var gap = LedgerGap(kind: .deviceDown, from: before, fromRecord: record.sequence - 1, detail: cause)
            gap = ended(gap, record)
            return faults + [gap]
        case .note(.faultRaised(let subject, let detail)):
            guard !open.contains(where: { same($0.subject, subject) }), open.count < GapFinder.subjectLimit else {
                return []
            }
            open.append(
                LedgerGap(
                    kind: .fault, from: record.wall, fromRecord: record.sequence, subject: subject, detail: detail,
                    hash: record.hash))
            return []
        case .note(.faultHealed(let subject, _)):
            guard let index = open.firstIndex(where: { same($0.subject, subject) }) else { return [] }
            return [ended(open.remove(at: index), record)]
        case .note(.clockStep(let before, let after)):
            var gap = LedgerGap(kind: .clockStep, from: before, fromRecord: record.sequence)
            gap = ended(gap, record)
            gap.to = after
            return [gap]
        default: return []
        }
    }

    /// What is still open at the end, in the order of its beginning.
    var unended: [LedgerGap] { open }

    private func ended(_ gap: LedgerGap, _ record: Record) -> LedgerGap {
        var gap = gap
        gap.to = record.wall
        gap.toRecord = record.sequence
        gap.hash = record.hash
        return gap
    }

    private func same(_ one: String, _ other: String) -> Bool { one.utf8.elementsEqual(other.utf8) }
}

extension LedgerQuery {
    /// The part of the time asked for that lies before the oldest record.
    func gap(before oldest: Record) -> LedgerGap? {
        guard let fromSecond, saturated(fromSecond) < oldest.wall.microseconds else { return nil }
        return LedgerGap(
            kind: .beforeLedger, from: WallTime(microseconds: saturated(fromSecond)), to: oldest.wall,
            toRecord: oldest.sequence, hash: oldest.hash)
    }

    /// The part that lies after the newest.
    func gap(after newest: Record) -> LedgerGap? {
        guard let toSecond, saturated(toSecond) > newest.wall.microseconds else { return nil }
        return LedgerGap(
            kind: .afterLedger, from: newest.wall, to: WallTime(microseconds: saturated(toSecond)),
            fromRecord: newest.sequence, hash: newest.hash)
    }
}
