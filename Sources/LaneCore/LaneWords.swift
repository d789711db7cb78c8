// The vocabulary of the lane's state machine: what comes in and what goes out.
//
// One `LaneCore` drives one arm. Most arms serve one lane; an arm may serve two: one lane used in both directions, or
// two lanes side by side. The second lane's own sensors and outputs have names that begin with `second`.
// Invariant: nothing here holds heap memory.

import Domain

/// A contact of the lane, already turned into "this is so" whatever the contact's sense.
public enum LaneSensor: UInt8, Sendable {
    /// Loop before the arm. It announces a vehicle; a vehicle on it is not under the arm.
    case approach = 0
    /// Loop under the arm. A presence sensor.
    case safety = 1
    /// Loop behind the arm: who reaches it has gone through.
    case clearing = 2
    /// Light curtain across the lane under the arm. A presence sensor that also sees the gap below a high bed.
    case curtain = 3
    /// Radar that watches the space under the arm. A presence sensor.
    case radar = 4
    /// The other end's approach loop of a lane used in both directions, or that of the lane alongside.
    case secondApproach = 5
    /// Loop under the arm in the lane alongside. A presence sensor.
    case secondSafety = 6
    case secondClearing = 7
    /// The arm is fully open.
    case openLimit = 8
    /// The arm is fully closed.
    case closedLimit = 9
    /// Button of somebody who wants out.
    case exitRequest = 10
    case fireAlarm = 11
    /// The cabinet's door is open.
    case tamper = 12
    case guardOpen = 13
    case guardClose = 14
    case guardStop = 15
    case mainsFail = 16

    public static let count = 17
    /// Sensors 0 ..< 8 watch vehicles: they are supervised, and a faulty one counts as active.
    public static let vehicleSensorCount = 8
}

/// A set of sensors, one bit each.
public struct SensorSet: Equatable, Sendable {
    public var bits: UInt32

    public init(bits: UInt32) {
        self.bits = bits
    }

    public static let none = SensorSet(bits: 0)
    /// What must be clear before the arm comes down.
    public static let presence =
        SensorSet.none.with(.safety).with(.curtain).with(.radar).with(.secondSafety)
    public static let vehicle = SensorSet(bits: (1 << UInt32(LaneSensor.vehicleSensorCount)) - 1)

    @inline(__always)
    public func contains(_ sensor: LaneSensor) -> Bool { bits & (1 << UInt32(sensor.rawValue)) != 0 }

    @inline(__always)
    public func with(_ sensor: LaneSensor) -> SensorSet { SensorSet(bits: bits | 1 << UInt32(sensor.rawValue)) }

    @inline(__always)
    public func intersects(_ other: SensorSet) -> Bool { bits & other.bits != 0 }

    @inline(__always)
    mutating func set(_ sensor: LaneSensor, _ isMember: Bool) {
        let bit: UInt32 = 1 << UInt32(sensor.rawValue)
        bits = isMember ? bits | bit : bits & ~bit
    }
}

/// An output of the lane.
public enum LaneOutput: UInt8, Sendable {
    case raise = 0
    case lower = 1
    case green = 2
    case red = 3
    case stop = 4
    case secondGreen = 5
    case secondRed = 6
    /// Light for the camera.
    case fill = 7
    case siren = 8
    case beacon = 9
    /// Makes the camera take a picture.
    case trigger = 10
    case secondTrigger = 11

    public static let count = 12
}

/// What a person or the schedule wants. Each is on record before it comes here.
public enum LaneOrder: Equatable, Sendable {
    /// 人工放行: open for this vehicle, or, with `VehicleToken.none`, for whoever the gate does not see. Nothing happens
    /// when another vehicle stands there by now.
    case release(LaneID, VehicleToken)
    /// Lower the arm, as soon as nothing is under it.
    case close
    /// Halt the arm where it is, until it is told to move.
    case stop
    /// Keep the arm up.
    case hold(Bool)
    /// Let nobody in; only a fire raises the arm.
    case lockdown(Bool)
    /// Automatic operation off and outputs armed, for `LaneTimings.maintenance` at most.
    case maintenance(Bool)
    /// Drives one output by hand. Only in maintenance, and never down on a vehicle.
    case energise(LaneOutput, Bool)
    /// Ask once more who stands there.
    case identifyAgain(LaneID)
}

public enum LaneEvent: Equatable, Sendable {
    /// A contact's debounced state, on each change (and repeated after `edgesLost`).
    case sensor(LaneSensor, isActive: Bool)
    /// Edges were lost: each vehicle sensor counts as active until its state is given anew.
    case edgesLost
    /// The durable answer for one vehicle.
    case verdict(Verdict)
    case order(LaneOrder)
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
    /// Locked down.
    case closed
    case evacuate
    case maintenance
}

/// What is wrong with the lane. Each is raised and healed by an action, and stays on show when healed.
public enum LaneFault: Equatable, Sendable {
    /// Active without a change for `LaneTimings.stuckAfter`.
    case stuck(LaneSensor)
    /// More changes than a vehicle can cause: counts as active until it has been quiet.
    case chatter(LaneSensor)
    case edgesLost
    /// Raised, and the open limit did not come in time, or the closed limit was not left.
    case openLimitMissed
    /// Lowered, and the closed limit did not come in time, or the open limit was not left.
    case closedLimitMissed
    /// A limit was lost and nobody had ordered a movement: hit, swung away, cranked, or moved by the operator's remote.
    case movedUnordered
    /// Open and closed at once.
    case limitsContradict
    /// The end of a vehicle and the next one cannot be told apart: the arm stays up.
    case straddled
}

public enum LaneAction: Equatable, Sendable {
    case drive(LaneOutput, energised: Bool)
    /// Ask who the vehicle is that arrived then. `attempt` counts from 1.
    case identify(LaneID, VehicleToken, arrivedAt: Instant, attempt: UInt8)
    /// Nobody named the vehicle in time: the refusal is to be recorded.
    case identificationOverdue(LaneID, VehicleToken)
    /// A button asks for a release: to be recorded, then ordered by `LaneOrder.release`.
    case releaseAsked(LaneID, VehicleToken, by: LaneSensor)
    case notice(LaneID, LaneNotice, VehicleToken)
    case passEnded(PassEnd)
    case fault(LaneFault, isRaised: Bool)
    /// A contact that the ledger is to know of: fire, tamper, mains, guard's buttons.
    case noted(LaneSensor, isActive: Bool)
    case raised(RaiseCause)
    /// The arm went from limit to limit.
    case travelled(isUp: Bool, Interval)
}

/// The actions of one step, in order. Fixed capacity, no heap.
public struct LaneActions: Sendable {
    /// Two passages that end and begin with all outputs and faults changing stay below it.
    public static let capacity = 48

    private var slots: InlineArray<48, LaneAction>
    public private(set) var count: Int

    public init() {
        slots = InlineArray(repeating: .drive(.red, energised: true))
        count = 0
    }

    public subscript(index: Int) -> LaneAction {
        precondition(index < count, "LANE-9 an action is read within the list")
        return slots.span[index]
    }

    /// The same, read in place: the subscript copies the whole list where the compiler cannot see that nobody changes
    /// it.
    public mutating func action(_ index: Int) -> LaneAction {
        precondition(index < count, "LANE-9 an action is read within the list")
        return slots[index]
    }

    mutating func removeAll() {
        count = 0
    }

    /// One for each bit of `changed`: the output of its number, energised where the bit is set in `energised`.
    @inline(__always)
    mutating func appendDrives(_ changed: UInt16, energised: UInt16) {
        var rest = UInt32(changed)
        var end = count
        precondition(end <= LaneActions.capacity - LaneOutput.count, "LANE-8 one step has at most 48 actions")
        while rest != 0 {
            let index = UInt32(truncatingIfNeeded: rest.trailingZeroBitCount)
            guard let output = LaneOutput(rawValue: UInt8(truncatingIfNeeded: index)) else { break }
            slots[unchecked: end] = .drive(output, energised: (UInt32(energised) &>> index) & 1 != 0)
            end &+= 1
            rest &= rest &- 1
        }
        count = end
    }

    @inline(__always)
    mutating func append(_ action: LaneAction) {
        precondition(count < LaneActions.capacity, "LANE-8 one step has at most 48 actions")
        slots[unchecked: count] = action
        count &+= 1
    }
}
