// The records of what people do and of what is corrected, and of power and deliveries.

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

/// 补录: corrects a pass record, or adds the row of a vehicle that the ledger missed. What is nil or empty stays as it
/// was; the record that is corrected is never changed.
public struct Supplement: Sendable {
    /// Nil: a row that was missed.
    public var correctedSequence: UInt64?
    public var by: PersonalAct
    public var lane: LaneID?
    public var direction: Direction?
    public var plate: Plate?
    public var photos: [PhotoReference] = []
    /// Replaces the vehicle's data as a whole.
    public var vehicle: Vehicle?
    public var vehicleSource: VehicleSource?
    public var freight = Freight.unknown
    /// 进/出厂时间.
    public var passedWall: WallTime?
    public var gate: GateCodes?

    public init(correcting sequence: UInt64?, by: PersonalAct) {
        correctedSequence = sequence
        self.by = by
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
        put(.decisionSequence, optional: release.decisionSequence)
        try put(gate)
        try put(release.by)
    }

    mutating func put(_ supplement: Supplement) throws(LedgerError) {
        put(.lane, optional: supplement.lane?.index)
        put(.direction, optional: supplement.direction?.rawValue)
        try put(.plate, .plateColour, supplement.plate)
        put(.photos, supplement.photos)
        put(.vehicleSource, optional: supplement.vehicleSource?.rawValue)
        try put(supplement.vehicle)
        try putWeights(supplement.freight)
        try put(.booking, supplement.freight.booking)
        put(.passedWall, supplement.passedWall)
        if let gate = supplement.gate { try put(gate) }
        try putLoad(supplement.freight)
        try put(supplement.by)
        put(.correctedSequence, optional: supplement.correctedSequence)
    }

    /// Fields 34 to 37.
    mutating func putWeights(_ freight: Freight) throws(LedgerError) {
        try put(.cargo, freight.cargo)
        put(.netKilograms, optional: freight.netKilograms)
        put(.grossKilograms, optional: freight.grossKilograms)
        put(.weightSource, optional: freight.source?.rawValue)
    }

    /// Fields 54 to 56.
    mutating func putLoad(_ freight: Freight) throws(LedgerError) {
        put(.load, optional: freight.load?.rawValue)
        put(.entrySequence, optional: freight.entrySequence)
        try put(.vehicleList, freight.vehicleList)
    }
}

extension FieldReader {
    func personalAct() throws(RecordFault) -> PersonalAct {
        PersonalAct(
            person: try text(.person), reason: try text(.personReason), means: try requiredWord(.means, Means.self))
    }

    func manualRelease() throws(RecordFault) -> ManualRelease {
        var release = ManualRelease(lane: try lane(), direction: try direction(), by: try personalAct())
        release.captureKey = try text(.captureKey)
        release.plate = try plate(.plate, .plateColour)
        release.decisionSequence = try integer(.decisionSequence, UInt64.self)
        return release
    }

    func supplement() throws(RecordFault) -> Supplement {
        var supplement = Supplement(
            correcting: try integer(.correctedSequence, UInt64.self), by: try personalAct())
        if try integer(.lane, UInt8.self) != nil { supplement.lane = try lane() }
        supplement.direction = try word(.direction, Direction.self)
        supplement.plate = try plate(.plate, .plateColour)
        supplement.photos = try photos()
        supplement.freight = try freight()
        supplement.passedWall = try wall(.passedWall)
        supplement.vehicle = try vehicle()
        supplement.vehicleSource = try word(.vehicleSource, VehicleSource.self)
        let gate = try gate()
        if gate != GateCodes(enterpriseID: "", enterpriseName: "", entranceGateCode: "", gateCode: "") {
            supplement.gate = gate
        }
        return supplement
    }

    func freight() throws(RecordFault) -> Freight {
        var freight = Freight.unknown
        freight.cargo = try text(.cargo)
        freight.netKilograms = try integer(.netKilograms, UInt32.self)
        freight.grossKilograms = try integer(.grossKilograms, UInt32.self)
        freight.source = try word(.weightSource, Freight.Source.self)
        freight.load = try word(.load, Freight.Load.self)
        freight.booking = try text(.booking)
        freight.entrySequence = try integer(.entrySequence, UInt64.self)
        freight.vehicleList = try text(.vehicleList)
        return freight
    }
}
