// The relays of the barrier operator: raise, lower, stop; pulses or maintained contacts, mutual exclusion, dead time.
//
// Invariants: LANE-1 raise and lower are never energised together; a new order replaces the one before it; the relay of
// the other direction is released in the step of the order; an order is energised no earlier than the dead time after
// that release.

import Domain

struct ArmDrive: Sendable {
    private let kind: BarrierDrive
    private let pulse: Interval
    private let deadTime: Interval

    init(kind: BarrierDrive, pulse: Interval, deadTime: Interval) {
        self.kind = kind
        self.pulse = pulse
        self.deadTime = deadTime
    }

    enum Direction: UInt8, Sendable {
        case raise
        case lower

        var output: LaneOutput {
            switch self {
            case .raise: .raise
            case .lower: .lower
            }
        }
    }

    private(set) var energised: Direction?
    /// Ordered, and waits for the dead time.
    private(set) var pending: Direction?
    /// The relay whose dead time runs.
    private(set) var released: Direction?
    private(set) var isStopEnergised = false

    /// Whether the lower relay is energised or about to be.
    @inline(__always)
    var isLowering: Bool { energised == .lower || pending == .lower }

    @inline(__always)
    mutating func order(
        _ direction: Direction, at now: Instant, _ timers: inout LaneTimers,
        _ actions: inout LaneActions
    ) {
        pending = nil
        if let energised, energised != direction {
            release(at: now, &timers, &actions)
        }
        if let released, released != direction, timers.isRunning(.deadTime) {
            pending = direction
        } else {
            energise(direction, at: now, &timers, &actions)
        }
    }

    /// Releases the lower relay. What waits to lower is forgotten by the order to raise, or by arrival.
    mutating func stopLowering(
        at now: Instant, _ timers: inout LaneTimers, _ actions: inout LaneActions
    ) {
        if energised == .lower { release(at: now, &timers, &actions) }
    }

    /// The arm is there: what still waits for its dead time would drive one that nobody watches coming down.
    @inline(__always)
    mutating func forget() { pending = nil }

    /// Releases both relays.
    mutating func rest(
        at now: Instant, _ timers: inout LaneTimers, _ actions: inout LaneActions
    ) {
        pending = nil
        release(at: now, &timers, &actions)
    }

    /// Releases both relays and pulses the stop relay.
    mutating func halt(
        at now: Instant, _ timers: inout LaneTimers, _ actions: inout LaneActions
    ) {
        rest(at: now, &timers, &actions)
        if !isStopEnergised { actions.append(.drive(.stop, energised: true)) }
        isStopEnergised = true
        timers.start(.stopPulse, at: now + pulse)
    }

    mutating func stopPulseEnded(_ actions: inout LaneActions) {
        guard isStopEnergised else { return }
        isStopEnergised = false
        actions.append(.drive(.stop, energised: false))
    }

    mutating func deadTimeEnded(
        at now: Instant, _ timers: inout LaneTimers, _ actions: inout LaneActions
    ) {
        released = nil
        guard let direction = pending else { return }
        pending = nil
        energise(direction, at: now, &timers, &actions)
    }

    private mutating func energise(
        _ direction: Direction, at now: Instant, _ timers: inout LaneTimers,
        _ actions: inout LaneActions
    ) {
        precondition(energised == nil || energised == direction, "LANE-1 raise and lower are never on together")
        stopPulseEnded(&actions)
        timers.cancel(.stopPulse)
        if energised == nil { actions.append(.drive(direction.output, energised: true)) }
        energised = direction
        switch kind {
        case .pulse: timers.start(.pulse, at: now + pulse)
        case .maintained: break
        }
    }

    mutating func release(
        at now: Instant, _ timers: inout LaneTimers, _ actions: inout LaneActions
    ) {
        guard let direction = energised else { return }
        actions.append(.drive(direction.output, energised: false))
        energised = nil
        timers.cancel(.pulse)
        guard deadTime != .zero else { return }
        released = direction
        timers.start(.deadTime, at: now + deadTime)
    }
}
