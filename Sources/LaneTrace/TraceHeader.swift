// The settings of a traced lane, at the head of its trace: with them the same events give the same actions.
//
// `key value` lines, each key once; docs/LANE-TRACE.md lists them. Times are nanoseconds.

import Domain
import LaneCore

public struct TraceHeader: Sendable {
    public var lane: LaneID
    public var second: LaneID?
    public var boot: UInt32
    public var timings: LaneTimings
    public var fitting: LaneFitting

    static let title = "gatewarden lane trace 1"
    static let recordsWord = "records"

    public init(lane: LaneID, second: LaneID?, boot: UInt32, timings: LaneTimings, fitting: LaneFitting) {
        self.lane = lane
        self.second = second
        self.boot = boot
        self.timings = timings
        self.fitting = fitting
    }

    init() {
        let zero = Interval.zero
        timings = LaneTimings(
            verdictDeadline: zero, authorisedWindow: zero, backOut: zero, closeDelay: zero, raiseTravel: zero,
            lowerTravel: zero, relayPulse: zero, deadTime: zero)
        fitting = LaneFitting()
        lane = LaneID(0)
        boot = 0
    }

    /// A lane with these settings.
    public var core: LaneCore { LaneCore(lane: lane, second: second, boot: boot, timings: timings, fitting: fitting) }

    /// What `LaneCore` asserts of its settings.
    var isSound: Bool {
        (second != nil) == (fitting.layout != .single) && timings.relayPulse <= timings.lowerTravel
            && timings.relayPulse <= timings.raiseTravel
    }

    typealias Setting = (
        name: String, get: @Sendable (TraceHeader) -> UInt64, set: @Sendable (inout TraceHeader, UInt64) -> Bool
    )

    /// Every setting by its name; the order is that of the text.
    static let keys: [Setting] =
        identityKeys + fittingKeys + timeKeys

    private static let identityKeys: [Setting] = [
        ("lane", { UInt64($0.lane.index) + 1 }, { $0.setLane($1) }),
        ("second-lane", { $0.second.map { UInt64($0.index) + 1 } ?? 0 }, { $0.setSecond($1) }),
        (
            "boot", { UInt64($0.boot) },
            {
                $0.boot = UInt32(truncatingIfNeeded: $1); return $1 <= UInt64(UInt32.max)
            }
        ),
    ]

    private static let fittingKeys: [Setting] = [
        ("layout", { UInt64($0.fitting.layout.rawValue) }, { $0.setLayout($1) }),
        ("drive", { UInt64($0.fitting.drive.rawValue) }, { $0.setDrive($1) }),
        ("sensors", { UInt64($0.fitting.sensors.bits) }, { $0.setSensors($1) }),
        (
            "trusts-gaps", { $0.fitting.trustsGaps ? 1 : 0 },
            {
                $0.fitting.trustsGaps = $1 == 1; return $1 <= 1
            }
        ),
        (
            "queues-through", { $0.fitting.queuesThrough ? 1 : 0 },
            {
                $0.fitting.queuesThrough = $1 == 1; return $1 <= 1
            }
        ),
        (
            "backup-power", { $0.fitting.hasBackupPower ? 1 : 0 },
            {
                $0.fitting.hasBackupPower = $1 == 1; return $1 <= 1
            }
        ),
        (
            "attempts", { UInt64($0.fitting.attempts) },
            {
                $0.fitting.attempts = UInt8(clamping: $1); return $1 <= 255
            }
        ),
        (
            "chatter-edges", { UInt64($0.fitting.chatterEdges) },
            {
                $0.fitting.chatterEdges = UInt8(clamping: $1); return $1 <= 255
            }
        ),
    ]

    private static let timeKeys: [Setting] = [
        time("verdict-deadline", { $0.verdictDeadline }, { $0.verdictDeadline = $1 }),
        time("authorised-window", { $0.authorisedWindow }, { $0.authorisedWindow = $1 }),
        time("back-out", { $0.backOut }, { $0.backOut = $1 }),
        time("close-delay", { $0.closeDelay }, { $0.closeDelay = $1 }),
        time("raise-travel", { $0.raiseTravel }, { $0.raiseTravel = $1 }),
        time("lower-travel", { $0.lowerTravel }, { $0.lowerTravel = $1 }),
        time("relay-pulse", { $0.relayPulse }, { $0.relayPulse = $1 }),
        time("dead-time", { $0.deadTime }, { $0.deadTime = $1 }),
        time("axle-gap", { $0.axleGap }, { $0.axleGap = $1 }),
        time("stuck-after", { $0.stuckAfter }, { $0.stuckAfter = $1 }),
        time("chatter-window", { $0.chatterWindow }, { $0.chatterWindow = $1 }),
        time("chatter-quiet", { $0.chatterQuiet }, { $0.chatterQuiet = $1 }),
        time("siren", { $0.siren }, { $0.siren = $1 }),
        time("trigger", { $0.trigger }, { $0.trigger = $1 }),
        time("unattended", { $0.unattended }, { $0.unattended = $1 }),
        time("maintenance", { $0.maintenance }, { $0.maintenance = $1 }),
    ]

    /// No time of a lane is longer than a day.
    private static let longest: UInt64 = 86_400_000_000_000

    private static func time(
        _ name: String, _ get: @escaping @Sendable (LaneTimings) -> Interval,
        _ set: @escaping @Sendable (inout LaneTimings, Interval) -> Void
    ) -> Setting {
        (
            name, { get($0.timings).nanoseconds },
            { (header, value) in
                set(&header.timings, Interval(nanoseconds: min(value, longest)))
                return value <= longest
            }
        )
    }

    private mutating func setLane(_ value: UInt64) -> Bool {
        guard (1...UInt64(LaneID.maximumCount)).contains(value) else { return false }
        lane = LaneID(UInt8(value - 1))
        return true
    }

    private mutating func setSecond(_ value: UInt64) -> Bool {
        guard value <= UInt64(LaneID.maximumCount) else { return false }
        second = value == 0 ? nil : LaneID(UInt8(value - 1))
        return true
    }

    private mutating func setLayout(_ value: UInt64) -> Bool {
        guard value <= 2, let layout = LaneLayout(rawValue: UInt8(value)) else { return false }
        fitting.layout = layout
        return true
    }

    private mutating func setDrive(_ value: UInt64) -> Bool {
        guard value <= 1, let drive = BarrierDrive(rawValue: UInt8(value)) else { return false }
        fitting.drive = drive
        return true
    }

    private mutating func setSensors(_ value: UInt64) -> Bool {
        guard value < 1 << UInt64(LaneSensor.count) else { return false }
        fitting.sensors = SensorSet(bits: UInt32(value))
        return true
    }
}
