// What the configuration says, typed. A `Settings` exists only when the whole text was right: every value is in its
// range, every mandatory key is set, and the keys agree with each other.
//
// Limits: those of the key table (Keys*.swift), which also holds every default.

import Domain

/// The whole configuration of one controller.
public struct Settings: Sendable {
    public let site: SiteSettings
    /// In the order of their numbers. At least one.
    public let lanes: [LaneSettings]
    public let lines: LineSettings
    public let web: WebSettings
    public let cameras: [CameraSettings]
    public let signs: [SignSettings]
    public let readers: [ReaderSettings]
    public let register: RegisterSettings
    public let policy: PolicySettings
    public let ledger: LedgerSettings
    /// Nil: none is made by the schedule.
    public let backup: BackupSettings?
    public let uplinks: [UplinkSettings]
    /// Nil: there is none.
    public let ups: UPSSettings?
    public let watchdog: WatchdogSettings
    public let console: ConsoleSettings
    public let realtime: RealtimeSettings
    /// What of a later version's file is not known to this one and has no effect, one line each.
    public let leftAside: [String]
}

public struct SiteSettings: Sendable {
    /// 企业编号, as the platforms know the site.
    public let enterpriseID: String
    /// 企业名称.
    public let enterpriseName: String
    /// The name of this controller.
    public let device: String
    public let utcOffsetMinutes: Int
}

public struct LaneSettings: Sendable {
    /// Lane N of the text has index N - 1.
    public let id: LaneID
    public let direction: Direction
    /// 出入口编号: one letter.
    public let entranceGate: String
    /// 道闸编号.
    public let gateCode: String
    /// The arm; nil for the second lane of another lane's arm.
    public let arm: ArmSettings?
    /// Whose arm closes this lane too, and how the two lie.
    public let sharing: ArmSharing?
    /// What is fitted. With the gpio backend each has a line; with the socket backend none is used.
    public let inputs: [InputSettings]
    public let outputs: [OutputSettings]
    /// When the arm stays up every day.
    public let holdOpen: [DailyHours]
    /// The recorder and channel that film the lane; empty when none does.
    public let videoChannel: String

    /// The number of the lane in the text, 1 to 8.
    public var number: Int { Int(id.index) + 1 }
}

public struct ArmSharing: Sendable {
    public enum Layout: Sendable {
        case opposed
        case parallel
    }

    public let with: LaneID
    public let layout: Layout
}

public struct ArmSettings: Sendable {
    public enum Drive: Sendable {
        case pulse
        case maintained
    }

    public let drive: Drive
    public let trustsGaps: Bool
    public let queuesThrough: Bool
    public let hasBackupPower: Bool
    public let attempts: Int
    public let chatterEdges: Int
    public let timings: TimingSettings
}

/// The times of one arm, all of them lane time.
public struct TimingSettings: Sendable {
    public let verdictDeadline: Interval
    public let authorisedWindow: Interval
    public let backOut: Interval
    public let closeDelay: Interval
    public let raiseTravel: Interval
    public let lowerTravel: Interval
    public let relayPulse: Interval
    public let deadTime: Interval
    public let axleGap: Interval
    public let stuckAfter: Interval
    public let chatterWindow: Interval
    public let chatterQuiet: Interval
    public let siren: Interval
    public let trigger: Interval
    public let unattended: Interval
    public let maintenance: Interval
}

/// How a GPIO line is named: by its offset on the chip or by the name that the kernel knows.
public enum LineReference: Hashable, Sendable {
    case offset(UInt32)
    case name(String)
}

public struct InputSettings: Sendable {
    public let input: LaneInput
    /// Nil with the socket backend, where the site has every input under its number.
    public let line: LineReference?
    /// True when a high level means "active"; always so with the socket backend.
    public let isActiveHigh: Bool
}

public struct OutputSettings: Sendable {
    public let relay: LaneRelay
    public let line: LineReference?
}

/// A time of each day, by the site's wall time; it may go over midnight.
public struct DailyHours: Equatable, Sendable {
    /// 0 ..< 1440.
    public let fromMinute: Int
    /// 0 ... 1440, and not `fromMinute`.
    public let toMinute: Int

    public init(fromMinute: Int, toMinute: Int) {
        precondition(
            (0..<1_440).contains(fromMinute) && (0...1_440).contains(toMinute) && fromMinute != toMinute,
            "CFG-9 hours have a beginning and an end within a day")
        self.fromMinute = fromMinute
        self.toMinute = toMinute
    }

    public func contains(minute: Int) -> Bool {
        fromMinute < toMinute
            ? (fromMinute..<toMinute).contains(minute) : minute >= fromMinute || minute < toMinute
    }
}

public struct LineSettings: Sendable {
    public enum Backend: Equatable, Sendable {
        /// The path of the GPIO chip's device.
        case gpio(chip: String)
        /// The path of the local socket of the simulated site.
        case socket(path: String)
    }

    public let backend: Backend
    public enum Bias: Sendable {
        case asIs
        case pullUp
        case pullDown
    }

    public let inputBias: Bias
    /// True when a high level energises a relay.
    public let outputsActiveHigh: Bool
    public let debounce: Interval
}

public struct WebSettings: Sendable {
    public let address: String
    public let port: UInt16
    public let bodyLimitBytes: Int
}

public struct CameraSettings: Sendable {
    public enum Make: String, Sendable {
        case vzenith
        case hikvision
    }

    /// The number of the camera in the text.
    public let number: Int
    public let make: Make
    /// The HTTP path on which this camera, and no other, pushes.
    public let path: String
    /// The only address that may push there; nil: any.
    public let address: String?
    public let lane: LaneID
    /// By how much a read may precede the loop's edge.
    public let lead: Interval
}

public struct SignSettings: Sendable {
    public let number: Int
    public let port: String
    public let lane: LaneID
    public let baud: Int
    public let address: UInt8
    public let expectsAcknowledgement: Bool
}

public struct RegisterSettings: Sendable {
    /// The CSV files to import; nil when the register is filled by other means.
    public let vehicles: String?
    public let lists: String?
}

public struct PolicySettings: Sendable {
    public let minimumStage: EmissionStage
}

/// How the ledger is sealed, and how long and how much of it is kept.
public struct LedgerSettings: Sendable {
    public let sealInterval: Interval
    public let recordDays: UInt32
    public let photoDays: UInt32
    public let sizeLimitBytes: UInt64
    public let photoLimitBytes: UInt64
    /// True: nobody is released while it is full. False: the gate goes on without photos.
    public let stopsWhenFull: Bool
}

/// When and where the ledger is backed up.
public struct BackupSettings: Sendable {
    public let folder: String
    /// By the site's wall time, 0 ..< 1440.
    public let minuteOfDay: Int
    public let fullDay: Weekday
    public let fullsKept: Int
    public let bytesPerSecond: Int
    public let retry: Interval
    /// Whether it may lie on the disk of the ledger or of the system.
    public let allowsOwnDisk: Bool

    public init(
        folder: String, minuteOfDay: Int, fullDay: Weekday, fullsKept: Int, bytesPerSecond: Int, retry: Interval,
        allowsOwnDisk: Bool
    ) {
        self.folder = folder
        self.minuteOfDay = minuteOfDay
        self.fullDay = fullDay
        self.fullsKept = fullsKept
        self.bytesPerSecond = bytesPerSecond
        self.retry = retry
        self.allowsOwnDisk = allowsOwnDisk
    }
}

public enum Weekday: String, CaseIterable, Sendable {
    case sunday
    case monday
    case tuesday
    case wednesday
    case thursday
    case friday
    case saturday

    /// 0 for Sunday.
    public var number: Int {
        switch self {
        case .sunday: 0
        case .monday: 1
        case .tuesday: 2
        case .wednesday: 3
        case .thursday: 4
        case .friday: 5
        case .saturday: 6
        }
    }
}

/// The base address of a platform. Only https.
public struct ServiceURL: Equatable, Sendable {
    public let host: String
    public let port: UInt16
    /// Empty, or begins with a slash and does not end with one.
    public let prefix: String
}

public struct UplinkSettings: Sendable {
    public let number: Int
    public let url: ServiceURL
    public let organ: String
    public let username: String
    public let passwordFile: String
    public let caFile: String
    public let retryFirst: Interval
    public let retryLimit: Interval
    public let refusalsBeforeQuarantine: Int
    /// A refusal whose text holds one of these means that the platform has the record already.
    public let duplicateWords: [String]
    /// The member that carries the ledger's head; nil: none.
    public let witnessMember: String?
}

public struct UPSSettings: Sendable {
    public enum Language: Sendable {
        case megatec
        case apcModbus
        case huaweiModbus
    }

    public enum Line: Sendable {
        /// The lanes' mains failure contacts alone.
        case contact
        case serial(Language, port: String, baud: UInt32, address: UInt8)
    }

    public let line: Line
    public let shedAfter: Interval
    /// 0: never for that reason.
    public let endBelowPercent: UInt8
    public let endBelowRuntime: Interval
    /// Nil: never for that reason.
    public let endAfter: Interval?
    public let quietWithin: Interval
}

public struct WatchdogSettings: Sendable {
    public let device: String?
    public let timeout: Interval
}

public struct ConsoleSettings: Sendable {
    /// Nil: `console.sock` in the state folder.
    public let socket: String?
}

public struct RealtimeSettings: Sendable {
    public let lanePriority: Int
    public let laneCPU: Int?
    public let locksMemory: Bool
}
