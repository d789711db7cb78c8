// The records of what people do.

import Domain

/// By what means a person acted. Stored by number.
public enum Means: UInt8, Sendable {
    case console = 1
    case web = 2
    case button = 3
    case platform = 4
    case file = 5

    public var word: String {
        switch self {
        case .console: "console"
        case .web: "web"
        case .button: "button"
        case .platform: "platform"
        case .file: "file"
        }
    }
}

/// Who did it, why and how.
public struct PersonalAct: Equatable, Sendable {
    public var person: String
    public var reason: String
    public var means: Means

    public init(person: String, reason: String, means: Means) {
        self.person = person
        self.reason = reason
        self.means = means
    }
}

/// 人工放行, 特批: a person lets a vehicle through. It stands before the pass that it allows.
public struct ManualRelease: Equatable, Sendable {
    public var lane: LaneID
    public var direction: Direction
    public var captureKey: String
    public var plate: Plate?
    /// The decision that it overrules; nil when there was none.
    public var decisionSequence: UInt64?
    public var by: PersonalAct

    public init(lane: LaneID, direction: Direction, by: PersonalAct) {
        self.lane = lane
        self.direction = direction
        self.by = by
        captureKey = ""
    }
}

extension FieldWriter {
    mutating func put(_ act: PersonalAct) throws(LedgerError) {
        try put(.person, act.person)
        try put(.personReason, act.reason)
        put(.means, act.means.rawValue)
    }

    mutating func put(_ release: ManualRelease, _ gate: GateCodes) throws(LedgerError) {
        put(.lane, release.lane.index)
        put(.direction, release.direction.rawValue)
        try put(.captureKey, release.captureKey)
        try put(.plate, .plateColour, release.plate)
        if let sequence = release.decisionSequence { put(.decisionSequence, sequence) }
        try put(gate)
        try put(release.by)
    }
}

extension FieldReader {
    func personalAct() throws(RecordFault) -> PersonalAct {
        PersonalAct(person: try text(.person), reason: try text(.personReason), means: try means())
    }

    func means() throws(RecordFault) -> Means {
        guard let means = Means(rawValue: try required(.means, UInt8.self)) else {
            throw .invalid(Field.means.rawValue)
        }
        return means
    }

    func manualRelease() throws(RecordFault) -> ManualRelease {
        var release = ManualRelease(lane: try lane(), direction: try direction(), by: try personalAct())
        release.captureKey = try text(.captureKey)
        release.plate = try plate(.plate, .plateColour)
        release.decisionSequence = try integer(.decisionSequence, UInt64.self)
        return release
    }
}
