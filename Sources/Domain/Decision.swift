// The two statements about a passage that the ledger keeps: what was decided, and how it ended.

/// What Admission decided for one vehicle, with everything that it decided upon, frozen at that moment.
public struct Decision: Sendable {
    public var verdict: Verdict
    public var direction: Direction
    /// When the lane asked, and when the answer was found, in lane time.
    public var askedAt: Instant
    public var decidedAt: Instant
    /// The `Capture.key` that named the vehicle; empty when nothing did.
    public var captureKey: String
    public var camera: String
    public var rawPlate: String
    public var plate: Plate?
    /// The register's row at that moment; nil when the plate is not in the register.
    public var vehicle: Vehicle?
    /// What the list entry says, when a list decided.
    public var listReason: String
    /// When the register that was decided upon was last imported; nil when it never was (promise 7: its age is kept).
    public var registerImportedAt: WallTime?
    /// Where `vehicle` comes from and when it was got there; nil when nothing is known of the vehicle.
    public var vehicleSource: VehicleSource?
    public var vehicleKnownAt: WallTime?
    /// The electronic tag as it was read; empty when there was none.
    public var tag: String
    /// The reader that saw it last before the decision, and when, in lane time.
    public var tagReader: String
    public var tagSeenAt: Instant?
    /// The plate of the vehicle that the register gives the tag to.
    public var tagPlate: Plate?
    /// The tag alone named the vehicle: `plate` is the register's, and `rawPlate` what the camera sent.
    public var isNamedByTag: Bool
    public var freight: Freight

    public init(verdict: Verdict, direction: Direction, askedAt: Instant, decidedAt: Instant) {
        self.verdict = verdict
        self.direction = direction
        self.askedAt = askedAt
        self.decidedAt = decidedAt
        captureKey = ""
        camera = ""
        rawPlate = ""
        plate = nil
        vehicle = nil
        listReason = ""
        registerImportedAt = nil
        vehicleSource = nil
        vehicleKnownAt = nil
        tag = ""
        tagReader = ""
        tagSeenAt = nil
        tagPlate = nil
        isNamedByTag = false
        freight = .unknown
    }
}

/// How a passage ended, as the lane saw it. No heap: it leaves the lane thread by a ring.
public struct PassEnd: Equatable, Sendable {
    public var lane: LaneID
    public var token: VehicleToken
    public var outcome: PassOutcome
    /// The first edge of the approach (or, for a forced passage, the safety) loop, by the kernel's stamp.
    public var arrivedAt: Instant
    /// When the raise was ordered for this token; nil when it was not.
    public var raisedAt: Instant?
    /// Why it was; nil when it was not.
    public var cause: RaiseCause?
    /// Came from behind the arm.
    public var isReverse: Bool
    /// When the vehicle reached the safety loop; nil when it did not.
    public var enteredAt: Instant?
    public var endedAt: Instant

    public init(
        lane: LaneID, token: VehicleToken, outcome: PassOutcome, arrivedAt: Instant, raisedAt: Instant?,
        enteredAt: Instant?, endedAt: Instant
    ) {
        self.lane = lane
        self.token = token
        self.outcome = outcome
        self.arrivedAt = arrivedAt
        self.raisedAt = raisedAt
        cause = nil
        isReverse = false
        self.enteredAt = enteredAt
        self.endedAt = endedAt
    }
}
