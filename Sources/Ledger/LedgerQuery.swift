// What may be asked of the passages, and whether a pass record answers it. The index, the full walk and the exports use
// the same `LedgerQuery.accepts`, so that they cannot disagree.
//
// Limits: times are whole seconds; each list has at most as many values as there are.

import Domain

/// How far a row has come with its destinations. It follows from receipts, which are not in the chain.
public enum RowDelivery: UInt8, CaseIterable, Sendable {
    /// The vehicle did not cross: nobody is owed the row.
    case notDue = 0
    case waiting = 1
    /// Every destination has the row and its photos.
    case delivered = 2
    /// A destination would not take the row or a photo of it.
    case quarantined = 3

    public var word: String {
        switch self {
        case .notDue: "not-due"
        case .waiting: "waiting"
        case .delivered: "delivered"
        case .quarantined: "quarantined"
        }
    }
}

/// A question about passages. Everything that is set must hold; an empty list and nil ask for nothing.
public struct LedgerQuery: Sendable {
    /// 进/出厂时间 from this second on, and before that second, since 1970-01-01T00:00:00Z.
    public var fromSecond: Int64?
    public var toSecond: Int64?
    /// A whole plate, or a part of one with `*` at its beginning, its end or both.
    public var plate: String?
    public var colours: [PlateColour] = []
    public var directions: [Direction] = []
    public var lanes: [LaneID] = []
    public var outcomes: [PassOutcome] = []
    /// A vehicle that is not in the register counts as unknown.
    public var stages: [EmissionStage] = []
    /// Nil stands for passages without a decision.
    public var reasons: [VerdictReason?] = []
    /// 道闸编号.
    public var gate: String?
    /// 车队名称.
    public var fleet: String?
    /// 运输货物名称.
    public var cargo: String?
    public var delivery: RowDelivery?
    /// For `delivery`: this destination alone instead of all.
    public var destination: String?
    /// Only the rows that the platforms are owed.
    public var isDueOnly = false

    public init() {}

    /// Whether anything but the time is asked for, so that only passages can answer.
    public var isAboutPassages: Bool {
        plate != nil || !colours.isEmpty || !directions.isEmpty || !lanes.isEmpty || !outcomes.isEmpty
            || !stages.isEmpty || !reasons.isEmpty || gate != nil || fleet != nil || cargo != nil || delivery != nil
            || isDueOnly
    }

    func includes(second: Int64) -> Bool {
        if let fromSecond, second < fromSecond { return false }
        if let toSecond, second >= toSecond { return false }
        return true
    }

    /// Everything but gate, fleet, cargo and delivery, which the index holds in another form.
    func accepts(_ facts: PassageFacts, second: Int64, plate text: String) -> Bool {
        guard includes(second: second) else { return false }
        if isDueOnly, !facts.outcome.isRowDue(after: facts.reason) { return false }
        if !directions.isEmpty, !directions.contains(facts.direction) { return false }
        if !outcomes.isEmpty, !outcomes.contains(facts.outcome) { return false }
        if !stages.isEmpty, !stages.contains(facts.stage) { return false }
        if !reasons.isEmpty, !reasons.contains(facts.reason) { return false }
        if !lanes.isEmpty, !lanes.contains(facts.lane) { return false }
        if !colours.isEmpty {
            guard let colour = facts.colour, colours.contains(colour) else { return false }
        }
        if let plate, !LedgerQuery.matches(text, plate) { return false }
        return true
    }

    /// The same of a record's own bytes, delivery excepted.
    func accepts(_ row: PassRow) -> Bool {
        if let gate, row.gate.gateCode != gate { return false }
        if let fleet, row.vehicle?.fleet ?? "" != fleet { return false }
        if let cargo, row.freight.cargo != cargo { return false }
        return accepts(PassageFacts(row), second: row.passedWall.second, plate: row.plate?.text ?? "")
    }

    /// A pattern without the `*` at its ends.
    static func middle(of pattern: String) -> String {
        var part = pattern.utf8[...]
        let star = UInt8(ascii: "*")
        if part.first == star { part.removeFirst() }
        if part.last == star { part.removeLast() }
        return String(decoding: part, as: UTF8.self)
    }

    static func matches(_ text: String, _ pattern: String) -> Bool {
        var part = Array(pattern.utf8)
        let text = Array(text.utf8)
        let star = UInt8(ascii: "*")
        let isOpenAtStart = part.first == star
        if isOpenAtStart { part.removeFirst() }
        let isOpenAtEnd = part.last == star
        if isOpenAtEnd { part.removeLast() }
        guard part.count <= text.count else { return false }
        let last = text.count - part.count
        let starts = isOpenAtStart ? (isOpenAtEnd ? 0...last : last...last) : 0...0
        if !isOpenAtStart, !isOpenAtEnd, last != 0 { return false }
        return starts.contains { start in text[start..<start + part.count].elementsEqual(part) }
    }
}

extension LedgerQuery {
    /// The first second of a day, a minute or a second in China Standard Time, and the one after its last:
    /// `2026-03-01`, `2026-03-01T08:00` or `2026-03-01T08:00:00` (a blank may stand for the T). Nil for anything else.
    public static func seconds(of text: String) -> (first: Int64, end: Int64)? {
        var numbers: [Int] = []
        var digits = 0
        // Each separator at its place: yyyy-MM-ddTHH:mm:ss
        let separators: [UInt8] = [0x2D, 0x2D, 0x54, 0x3A, 0x3A]
        for byte in text.utf8 {
            if (0x30...0x39).contains(byte) {
                if digits == 0 { numbers.append(0) }
                digits += 1
                guard digits <= 4 else { return nil }
                numbers[numbers.count - 1] = numbers[numbers.count - 1] * 10 + Int(byte - 0x30)
            } else {
                guard digits == (numbers.count == 1 ? 4 : 2), numbers.count <= separators.count else { return nil }
                let separator = separators[numbers.count - 1]
                guard byte == separator || separator == 0x54 && byte == 0x20 else { return nil }
                digits = 0
            }
        }
        guard digits == 2, [3, 5, 6].contains(numbers.count), numbers[0] >= 1970, (1...12).contains(numbers[1]) else {
            return nil
        }
        let length = numbers.count
        numbers += Array(repeating: 0, count: 6 - length)
        let civil = CivilTime(
            year: numbers[0], month: numbers[1], day: numbers[2], hour: numbers[3], minute: numbers[4],
            second: numbers[5])
        let wall = civil.wallTime()
        // A day or an hour that does not exist would have been carried over.
        guard CivilTime(wall) == civil else { return nil }
        return (wall.second, wall.second + (length == 3 ? 86_400 : length == 5 ? 60 : 1))
    }
}

extension WallTime {
    /// Whole seconds since 1970-01-01T00:00:00Z, towards the past.
    public var second: Int64 {
        let quotient = microseconds / 1_000_000
        return microseconds % 1_000_000 < 0 ? quotient - 1 : quotient
    }
}

/// The small words of a pass, as one number of 24 bits: what the index holds beside the time and the plate.
struct PassageFacts: Equatable {
    var outcome: PassOutcome
    var direction: Direction
    var lane: LaneID
    var stage: EmissionStage
    var reason: VerdictReason?
    var colour: PlateColour?

    init(_ row: PassRow) {
        outcome = row.outcome
        direction = row.direction
        lane = row.lane
        stage = row.vehicle?.stage ?? .unknown
        reason = row.reason
        colour = row.plate?.colour
    }

    private static let noColour: Int64 = 7
    private static let unknownStage: Int64 = 15

    /// Outcome (4 bits) · direction (2) · lane (3) · stage (4) · colour (3) · reason (8), the outcome uppermost.
    var packed: Int64 {
        var value = Int64(outcome.rawValue)
        value = value << 2 | Int64(direction.rawValue)
        value = value << 3 | Int64(lane.index)
        value = value << 4 | (stage == .unknown ? PassageFacts.unknownStage : Int64(stage.rawValue))
        value = value << 3 | (colour.map { Int64($0.rawValue) } ?? PassageFacts.noColour)
        return value << 8 | Int64(reason?.rawValue ?? 0)
    }

    /// Which bits of the number are the same in all that the query accepts, and what they are there.
    static func asked(_ query: LedgerQuery) -> (mask: Int64, value: Int64) {
        var asked = (mask: Int64(0), value: Int64(0))
        func ask(_ bits: Int64, _ place: Int64, _ value: Int64) {
            asked.mask |= bits << place
            asked.value |= value << place
        }
        if query.reasons.count == 1 { ask(255, 0, Int64(query.reasons[0]?.rawValue ?? 0)) }
        if query.colours.count == 1 { ask(7, 8, Int64(query.colours[0].rawValue)) }
        if query.stages.count == 1 {
            ask(15, 11, query.stages[0] == .unknown ? unknownStage : Int64(query.stages[0].rawValue))
        }
        if query.lanes.count == 1 { ask(7, 15, Int64(query.lanes[0].index)) }
        if query.directions.count == 1 { ask(3, 18, Int64(query.directions[0].rawValue)) }
        if query.outcomes.count == 1 { ask(15, 20, Int64(query.outcomes[0].rawValue)) }
        return asked
    }

    /// Nil when no pass has such a number.
    init?(packed: Int64) {
        guard packed >= 0, packed < 1 << 24 else { return nil }
        let stageNumber = packed >> 11 & 15
        let colourNumber = packed >> 8 & 7
        let reasonNumber = UInt8(packed & 255)
        guard let outcome = PassOutcome(rawValue: UInt8(packed >> 20)),
            let direction = Direction(rawValue: UInt8(packed >> 18 & 3)),
            let stage = EmissionStage(
                rawValue: stageNumber == PassageFacts.unknownStage ? EmissionStage.unknown.rawValue : UInt8(stageNumber)
            )
        else { return nil }
        self.outcome = outcome
        self.direction = direction
        self.stage = stage
        lane = LaneID(UInt8(packed >> 15 & 7))
        colour = nil
        reason = nil
        if colourNumber != PassageFacts.noColour {
            guard let known = PlateColour(rawValue: UInt8(colourNumber)) else { return nil }
            colour = known
        }
        if reasonNumber != 0 {
            guard let known = VerdictReason(rawValue: reasonNumber) else { return nil }
            reason = known
        }
    }
}
