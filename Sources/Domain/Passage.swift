// The words of one passage: who stands there, what was decided, how it ended. Small values without heap, so that the
// lane thread may carry them.

/// A lane of this controller, 0 to 7.
public struct LaneID: Hashable, Sendable {
    public static let maximumCount = 8
    public let index: UInt8

    public init(_ index: UInt8) {
        precondition(index < LaneID.maximumCount, "DOM-2 a lane index is 0...7")
        self.index = index
    }
}

/// One vehicle before one arm, from arrival to outcome. Unique over the life of the ledger: the boot number in the
/// upper half, then three bits of the lane, then a counter of that lane's arrivals. A verdict serves the token that it
/// was asked for, and no other.
public struct VehicleToken: Hashable, Sendable {
    public let value: UInt64

    public init(value: UInt64) {
        self.value = value
    }

    /// - Parameter count: from 1, below 2^29.
    public init(boot: UInt32, lane: LaneID, count: UInt32) {
        precondition(count < 1 << 29, "DOM-3 a lane has fewer than 2^29 arrivals a boot")
        value = UInt64(boot) << 32 | UInt64(lane.index) << 29 | UInt64(count)
    }

    public static let none = VehicleToken(value: 0)
}

/// 进出厂状态: 1 in, 2 out.
public enum Direction: UInt8, Sendable {
    case entry = 1
    case exit = 2
}

/// Why a vehicle may pass or may not. Stored and shown by number: a number is never given a new meaning.
public enum VerdictReason: UInt8, CaseIterable, Sendable {
    /// The stage satisfies the site rule.
    case stageAllowed = 1
    /// On the white list, still valid.
    case whitelisted = 2

    /// Not in the register. Nothing is assumed about it.
    case unknownVehicle = 32
    /// In the register, with a stage below the rule's.
    case stageTooLow = 33
    /// In the register, with an unknown stage.
    case stageUnknown = 34
    /// On the black list, still valid.
    case blacklisted = 35
    /// The camera saw a vehicle and could not read its plate.
    case plateUnread = 36
    /// No camera or reader named the vehicle within the deadline.
    case notIdentified = 37
    /// The ledger may keep no more, and the site's policy is to release nobody then.
    case ledgerFull = 38
    /// Plate and tag name two different vehicles.
    case identityConflict = 39

    public var allows: Bool { rawValue < 32 }

    /// A stable word for exports and the console.
    public var word: String {
        switch self {
        case .stageAllowed: "stage-allowed"
        case .whitelisted: "whitelisted"
        case .unknownVehicle: "unknown-vehicle"
        case .stageTooLow: "stage-too-low"
        case .stageUnknown: "stage-unknown"
        case .blacklisted: "blacklisted"
        case .plateUnread: "plate-unread"
        case .notIdentified: "not-identified"
        case .ledgerFull: "ledger-full"
        case .identityConflict: "identity-conflict"
        }
    }
}

/// The answer of Admission for one vehicle.
public struct Verdict: Equatable, Sendable {
    public let lane: LaneID
    public let token: VehicleToken
    public let reason: VerdictReason

    public init(lane: LaneID, token: VehicleToken, reason: VerdictReason) {
        self.lane = lane
        self.token = token
        self.reason = reason
    }
}

/// Why the arm was raised.
public enum RaiseCause: UInt8, Sendable {
    case verdict = 1
    /// 人工放行: by a person's order.
    case person = 2
    /// Held open, by the schedule or a person.
    case hold = 3
    case fire = 4
    /// Something came under the arm while it was not closed.
    case protection = 5
    case maintenance = 6

    public var word: String {
        switch self {
        case .verdict: "verdict"
        case .person: "person"
        case .hold: "hold"
        case .fire: "fire"
        case .protection: "protection"
        case .maintenance: "maintenance"
        }
    }
}

/// How a passage ended. Exactly one for each token. Stored by number.
public enum PassOutcome: UInt8, CaseIterable, Sendable {
    /// Released and gone through.
    case completed = 1
    /// Left backwards, whether released, refused or undecided.
    case backedOut = 2
    /// Released, or the arm raised for whoever comes, and nobody entered within the time allowed; or asked anew who
    /// it is.
    case expired = 3
    /// Went under the arm without a release.
    case forced = 4
    /// Cut short by a restart of the controller: what the vehicle did was not observed.
    case interrupted = 5
    /// 跟车: went under the arm behind a released vehicle, without a release of its own.
    case tailgated = 6
    /// Went through on the order of a person or the schedule, or under a fire alarm, without a verdict that allows.
    case manual = 7
    /// What the vehicle did could not be observed or served, since a sensor or the arm had failed, or maintenance
    /// began.
    case aborted = 8

    /// Whether a vehicle was seen to go through the gate.
    public var crossed: Bool {
        switch self {
        case .completed, .forced, .tailgated, .manual: true
        case .backedOut, .expired, .interrupted, .aborted: false
        }
    }

    /// Whether an in/out row is due to the platforms. A vehicle that was released just before a restart has most likely
    /// gone through unseen: a row too many can be explained, a vehicle in the video and not in the ledger cannot.
    public func isRowDue(after reason: VerdictReason?) -> Bool {
        crossed || (self == .interrupted || self == .aborted) && reason?.allows == true
    }

    public var word: String {
        switch self {
        case .completed: "completed"
        case .backedOut: "backed-out"
        case .expired: "expired"
        case .forced: "forced"
        case .interrupted: "interrupted"
        case .tailgated: "tailgated"
        case .manual: "manual"
        case .aborted: "aborted"
        }
    }
}
