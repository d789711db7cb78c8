// What a site sets about one arm and its lanes: what is fitted, how the barrier operator is driven, and the times.

import Domain

/// How many lanes an arm serves, and how they lie.
public enum LaneLayout: UInt8, Sendable {
    case single = 0
    /// One lane used in both directions: one vehicle at a time; the second approach loop lies behind the arm.
    case opposed = 1
    /// Two lanes side by side under one arm: a vehicle in each at most.
    case parallel = 2
}

/// The barrier operator's inputs.
public enum BarrierDrive: UInt8, Sendable {
    /// A pulse starts the way, which goes on by itself.
    case pulse = 0
    /// The contact is held for as long as the arm is to be up, and released when it may come down by the lower contact,
    /// which is held until the arm is down.
    case maintained = 1
}

/// What is fitted, and the site's choices.
public struct LaneFitting: Sendable {
    public var layout: LaneLayout
    public var drive: BarrierDrive
    public var sensors: SensorSet
    /// A gap in presence is a gap between two vehicles: true with a light curtain, or with loops that see a high bed.
    /// Where false, the arm stays up while the approach loop may still hold the same vehicle's trailer.
    public var trustsGaps: Bool
    /// The arm stays up for the next vehicle when that is allowed in time.
    public var queuesThrough: Bool
    /// The barrier runs on the UPS: a mains failure changes nothing.
    public var hasBackupPower: Bool
    /// How often the camera is asked for one vehicle within the verdict's deadline.
    public var attempts: UInt8
    /// Changes of one sensor within `LaneTimings.chatterWindow` that make it faulty; 0: not watched.
    public var chatterEdges: UInt8

    public init(layout: LaneLayout = .single, sensors: SensorSet = .none.with(.approach).with(.safety)) {
        self.layout = layout
        self.sensors = sensors
        drive = .pulse
        trustsGaps = sensors.contains(.curtain)
        queuesThrough = false
        hasBackupPower = false
        attempts = 1
        chatterEdges = 20
    }
}

/// The times of one lane. Ranges are those of the configuration.
public struct LaneTimings: Sendable {
    /// How long identification may take before the vehicle is refused.
    public var verdictDeadline: Interval
    /// How long a released vehicle may take to reach the safety loop.
    public var authorisedWindow: Interval
    /// How long both loops must be clear before a waiting vehicle counts as gone backwards.
    public var backOut: Interval
    /// How long presence must be clear before the arm is lowered (UFGS 02840: 1 s).
    public var closeDelay: Interval
    /// The arm's way up and down where no limit switch tells; with one, how long it may take at most.
    public var raiseTravel: Interval
    public var lowerTravel: Interval
    /// How long a relay is energised (300 to 1000 ms), for pulse drives.
    public var relayPulse: Interval
    /// Between the release of one relay and the energising of the other. May be zero.
    public var deadTime: Interval
    /// The longest time for which a vehicle's axles leave the approach loop free.
    public var axleGap = Interval.milliseconds(1_200)
    public var stuckAfter = Interval.seconds(300)
    public var chatterWindow = Interval.seconds(1)
    public var chatterQuiet = Interval.seconds(5)
    public var siren = Interval.seconds(10)
    public var trigger = Interval.milliseconds(200)
    /// How long an arm that nobody ordered up, or that missed its closed limit, is left before it is lowered.
    public var unattended = Interval.seconds(30)
    public var maintenance = Interval.seconds(600)

    public init(
        verdictDeadline: Interval, authorisedWindow: Interval, backOut: Interval, closeDelay: Interval,
        raiseTravel: Interval, lowerTravel: Interval, relayPulse: Interval, deadTime: Interval
    ) {
        self.verdictDeadline = verdictDeadline
        self.authorisedWindow = authorisedWindow
        self.backOut = backOut
        self.closeDelay = closeDelay
        self.raiseTravel = raiseTravel
        self.lowerTravel = lowerTravel
        self.relayPulse = relayPulse
        self.deadTime = deadTime
    }
}
