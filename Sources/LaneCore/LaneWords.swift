// The vocabulary of the lane's state machine: what comes in, what goes out, and the times of the site.
//
// Invariant: nothing here holds heap memory; an action list has a fixed capacity that one step cannot exceed.

import Domain

/// A sensor of the lane, already turned into "a vehicle is there" whatever the contact's sense.
public enum LaneSensor: UInt8, Sendable {
    /// Loop before the arm. It announces a vehicle; a vehicle on it is not under the arm.
    case approach = 0
    /// Loop under the arm. A presence sensor: the arm does not come down while it is active.
    case safety = 1
}

/// An output of the lane.
public enum LaneOutput: UInt8, Sendable {
    case raise = 0
    case lower = 1
    case green = 2
    case red = 3
}

public enum LaneEvent: Equatable, Sendable {
    /// A sensor's debounced state, on each change (and repeated after `edgesLost`).
    case sensor(LaneSensor, isActive: Bool)
    /// Edges were lost: every sensor counts as active until its state is given anew.
    case edgesLost
    /// The durable answer for one vehicle.
    case verdict(Verdict)
    /// `nextDeadline` has come.
    case timer
}

/// What the sign is to say. The text belongs to Devices.
public enum LaneNotice: Equatable, Sendable {
    case free
    case identifying
    case released
    case refused(VerdictReason)
    case occupied
}

public enum LaneAction: Equatable, Sendable {
    case drive(LaneOutput, energised: Bool)
    /// Ask who the vehicle is that arrived then.
    case identify(VehicleToken, arrivedAt: Instant)
    /// Nobody named the vehicle in time: the refusal is to be recorded.
    case identificationOverdue(VehicleToken)
    case notice(LaneNotice, VehicleToken)
    case passEnded(PassEnd)
}

/// The actions of one step, in order. Fixed capacity, no heap.
public struct LaneActions: Sendable {
    /// Two passages ending and beginning in one step, with all outputs changing twice, stay below it.
    public static let capacity = 24

    private var slots: InlineArray<24, LaneAction>
    public private(set) var count: Int

    init() {
        slots = InlineArray(repeating: .drive(.red, energised: true))
        count = 0
    }

    public subscript(index: Int) -> LaneAction {
        precondition(index < count, "LANE-9 an action is read within the list")
        return slots[index]
    }

    mutating func append(_ action: LaneAction) {
        precondition(count < LaneActions.capacity, "LANE-8 one step has at most 24 actions")
        slots[count] = action
        count += 1
    }
}

/// The times of one lane. Ranges are those of the configuration.
public struct LaneTimings: Sendable {
    /// How long identification may take before the vehicle is refused.
    public var verdictDeadline: Interval
    /// How long a released vehicle may take to reach the safety loop.
    public var authorisedWindow: Interval
    /// How long both loops must be clear before a vehicle counts as gone backwards: longer than an axle gap.
    public var backOut: Interval
    /// How long the safety loop must be clear before the arm is lowered (UFGS 02840: 1 s).
    public var closeDelay: Interval
    public var raiseTravel: Interval
    public var lowerTravel: Interval
    /// How long a relay is energised (300 to 1000 ms).
    public var relayPulse: Interval
    /// Between the release of one relay and the energising of the other.
    public var deadTime: Interval

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
