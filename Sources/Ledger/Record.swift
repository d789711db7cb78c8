// The records of the ledger as values. LEDGER-FORMAT.md says how each is laid out in bytes.

import Domain

/// The limits of the format, in bytes unless the name says otherwise.
public enum LedgerLimits {
    public static let recordBytes = 64 * 1_024
    public static let textBytes = 4 * 1_024
    /// A decision's body, so that the pass record that repeats it always fits.
    public static let decisionBytes = 56 * 1_024
    /// Each code of `GateCodes` (the enterprise's name excepted).
    public static let codeBytes = 64
    public static let photoBytes = 8 * 1_024 * 1_024
    public static let photosPerCapture = 8
    public static let destinationBytes = 64
    /// So many records are sealed without waiting for the interval, so that opening has few to verify.
    public static let recordsBetweenSeals: UInt64 = 1_000
    /// At most so many of the records since the last seal are verified when the ledger is opened, should sealing have
    /// failed for long; `LedgerVerifier` does them all.
    public static let recordsVerifiedAtOpen: UInt64 = 2_000
}

/// What a record is about. Stored by number: a number is never given a new meaning.
public enum RecordKind: UInt16, CaseIterable, Sendable {
    case boot = 1
    case shutdown = 2
    case capture = 3
    case decision = 4
    case pass = 5
    case quarantine = 6
    case faultRaised = 7
    case faultHealed = 8
    case clockStep = 9
    case registerImported = 10
    case configurationLoaded = 11
    case uplinkState = 12
    case seal = 13
    case prune = 14
    case generation = 15
    case manualRelease = 16
    case supplement = 17
    case listChanged = 18
    case policyChanged = 19
    case login = 20
    case act = 21
    case power = 22
    case deliveryState = 23
    case carried = 24
    case health = 25
    case backup = 26

    /// A stable word for exports and the console.
    public var word: String {
        switch self {
        case .boot: "boot"
        case .shutdown: "shutdown"
        case .capture: "capture"
        case .decision: "decision"
        case .pass: "pass"
        case .quarantine: "quarantine"
        case .faultRaised: "fault-raised"
        case .faultHealed: "fault-healed"
        case .clockStep: "clock-step"
        case .registerImported: "register-imported"
        case .configurationLoaded: "configuration-loaded"
        case .uplinkState: "uplink-state"
        case .seal: "seal"
        case .prune: "prune"
        case .generation: "generation"
        case .manualRelease: "manual-release"
        case .supplement: "supplement"
        case .listChanged: "list-changed"
        case .policyChanged: "policy-changed"
        case .login: "login"
        case .act: "act"
        case .power: "power"
        case .deliveryState: "delivery-state"
        case .carried: "carried"
        case .health: "health"
        case .backup: "backup"
        }
    }
}

/// Where a ledger ends: what a witness writes down.
public struct LedgerHead: Equatable, Sendable {
    /// 0 when there is no record yet; the hash is then the genesis hash.
    public let sequence: UInt64
    public let hash: Digest

    public init(sequence: UInt64, hash: Digest) {
        self.sequence = sequence
        self.hash = hash
    }
}

/// The site's and the gate's codes as they were when the vehicle was decided upon.
public struct GateCodes: Equatable, Sendable {
    /// 企业编号, as the platform issued it.
    public var enterpriseID: String
    /// 企业名称.
    public var enterpriseName: String
    /// 出入口编号: one letter.
    public var entranceGateCode: String
    /// 道闸编号: `01`, or joined `A01`.
    public var gateCode: String

    public init(enterpriseID: String, enterpriseName: String, entranceGateCode: String, gateCode: String) {
        self.enterpriseID = enterpriseID
        self.enterpriseName = enterpriseName
        self.entranceGateCode = entranceGateCode
        self.gateCode = gateCode
    }
}

/// One record, decoded.
public struct Record: Sendable {
    public let sequence: UInt64
    /// `RecordKind`, or a number of a later format.
    public let kindNumber: UInt16
    /// When it was appended, by both clocks.
    public let laneTime: Instant
    public let wall: WallTime
    public let boot: UInt32
    /// The vehicle that it is about, or `.none`.
    public let token: VehicleToken
    public let hash: Digest
    public let body: RecordBody
}

public enum RecordBody: Sendable {
    /// `root` stands in a generation's first record only.
    case boot(version: String, cause: String, device: String, root: SealingRoot?)
    case capture(CaptureEntry)
    case decision(Decision, gate: GateCodes)
    case pass(PassRow)
    case quarantine(QuarantineEntry)
    case note(LedgerNote)
    case seal(SealEntry)
    case prune(PruneEntry)
    case generation(GenerationEntry)
    case manualRelease(ManualRelease, gate: GateCodes)
    case supplement(Supplement)
    /// A row of an earlier generation that was still due, and where it stands there.
    case carried(PassRow, origin: LedgerHead)
    /// A kind of a later format: its bytes are hashed, and not read.
    case unrecognised
}

/// A recognition as it was kept.
public struct CaptureEntry: Sendable {
    public var lane: LaneID
    public var key: String
    public var camera: String
    public var rawPlate: String
    public var plate: Plate?
    public var confidence: UInt8
    public var isReplayed: Bool
    public var takenAt: WallTime?
    public var photos: [PhotoReference]
}

/// 运输车辆进出厂电子台账: the in/out row of one vehicle, with everything frozen at that moment (HJ 1321-2023, appendix
/// C). It stands for every outcome; only those that crossed are due to the platforms.
public struct PassRow: Sendable {
    public var lane: LaneID
    public var outcome: PassOutcome
    public var direction: Direction
    public var gate: GateCodes
    /// 流水号: unique over the life of the ledger.
    public var serial: String
    /// The decision's record and what it said; nil when nothing was decided for this vehicle.
    public var decisionSequence: UInt64?
    public var reason: VerdictReason?
    /// Lane time of each step; nil when it did not happen or was not observed.
    public var arrivedAt: Instant?
    public var raisedAt: Instant?
    public var enteredAt: Instant?
    public var endedAt: Instant?
    /// The same in wall time, by the clock as it stood when the record was appended. `passedWall` is 进/出厂时间: when
    /// the vehicle entered, or else when the arm was raised, or else when the passage ended.
    public var arrivedWall: WallTime
    public var passedWall: WallTime
    public var endedWall: WallTime
    public var captureKey: String
    public var camera: String
    public var rawPlate: String
    public var plate: Plate?
    /// The register's row when it was decided; nil when the plate was not in it. Nothing is invented for it.
    public var vehicle: Vehicle?
    public var listReason: String
    public var registerImportedAt: WallTime?
    public var photos: [PhotoReference]
    public var vehicleSource: VehicleSource?
    public var vehicleKnownAt: WallTime?
    public var tag = ""
    public var freight = Freight.unknown
    public var video: VideoReference?
    /// 人工放行: the record of the manual release that this pass came under.
    public var releaseSequence: UInt64?
    /// Why the arm was raised for it; nil when it was not, or is not known.
    public var raiseCause: RaiseCause?
    /// Came from behind the arm.
    public var isReverse: Bool

    /// Whether the platforms are owed this row.
    public var isDue: Bool { outcome.isRowDue(after: reason) }
}

/// Where the video of a passage is: the recorder and its channel, and the span of wall time.
public struct VideoReference: Equatable, Sendable {
    public var channel: String
    public var from: WallTime
    public var to: WallTime

    public init(channel: String, from: WallTime, to: WallTime) {
        self.channel = channel
        self.from = from
        self.to = to
    }
}

/// A due item that a destination will not take, with the destination's own reason.
public struct QuarantineEntry: Equatable, Sendable {
    public var destination: String
    /// The pass record, and the step within it: 0 the row, k its k-th photo.
    public var sequence: UInt64
    public var step: UInt32
    public var reason: String
}

/// An operating event.
public enum LedgerNote: Equatable, Sendable {
    /// `subject` names the thing for its life ("camera north", "loop A2"), `detail` says what is wrong.
    case faultRaised(subject: String, detail: String)
    case faultHealed(subject: String, detail: String)
    case clockStep(before: WallTime, after: WallTime)
    /// How many rows were taken and refused, and the SHA-256 of the imported file.
    case registerImported(vehicles: UInt32, listEntries: UInt32, refused: UInt32, file: Digest)
    /// The SHA-256 of the configuration file.
    case configurationLoaded(file: Digest)
    case uplinkState(destination: String, isReachable: Bool, detail: String)
    case shutdown(cause: String)
    /// An entry of the white or black list was added or changed (or removed), by a person or a platform.
    case listChanged(entry: ListEntry, isRemoved: Bool, person: String, means: Means)
    case policyChanged(rule: String, before: String, after: String, by: PersonalAct)
    case login(person: String, isAdmitted: Bool, means: Means, origin: String, detail: String)
    /// Any other act of a person: what, on what, and details.
    case act(person: String, act: String, subject: String, detail: String, means: Means)
    case power(PowerState, batteryPercent: UInt8?, detail: String)
    case deliveryState(DeliveryState)
    case health(LaneHealth)
    case backup(BackupEntry)
}

/// What became of a backup that the schedule asked for.
public struct BackupEntry: Equatable, Sendable {
    /// Stored by number.
    public enum Result: UInt8, Sendable {
        case full = 1
        case part = 2
        case nothingNew = 3
        case failed = 4

        public var word: String {
            switch self {
            case .full: "full"
            case .part: "part"
            case .nothingNew: "nothing-new"
            case .failed: "failed"
            }
        }
    }

    public var folder: String
    public var result: Result
    /// Bytes that were written; nil of one that failed.
    public var bytes: UInt64?
    /// The last record that is in the backup; nil of one that failed.
    public var head: LedgerHead?
    /// Why it failed, or what else is to be known.
    public var detail: String

    public init(folder: String, result: Result, bytes: UInt64? = nil, head: LedgerHead? = nil, detail: String = "") {
        self.folder = folder
        self.result = result
        self.bytes = bytes
        self.head = head
        self.detail = detail
    }
}

/// Stored by number.
public enum PowerState: UInt8, Sendable {
    case mainsLost = 1
    case mainsBack = 2
    case batteryLow = 3
    case switchingOff = 4

    public var word: String {
        switch self {
        case .mainsLost: "mains-lost"
        case .mainsBack: "mains-back"
        case .batteryLow: "battery-low"
        case .switchingOff: "switching-off"
        }
    }
}

/// How far a destination has come.
public struct DeliveryState: Equatable, Sendable {
    public var destination: String
    /// The pass record up to which everything is delivered or set aside; nil when nothing is yet.
    public var through: UInt64?
    public var rowsDue: UInt64
    public var rowsWaiting: UInt64
    public var itemsQuarantined: UInt64
}

/// What became of a capture.
public enum CaptureFate: Equatable, Sendable {
    case stored([PhotoReference])
    /// The same recognition is already in the ledger.
    case duplicate
}
