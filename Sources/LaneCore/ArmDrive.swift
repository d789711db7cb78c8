// The two relays of the barrier operator: pulses, mutual exclusion and dead time.
//
// Invariants: LANE-1 raise and lower are never energised together; a new order replaces the one before it; the relay of
// the other direction is released in the step of the order; an order is energised no earlier than the dead time after
// that release.

import Domain

struct ArmDrive: Sendable {
    enum Direction: Sendable {
        case raise
        case lower

        var output: LaneOutput {
            switch self {
            case .raise: .raise
            case .lower: .lower
            }
        }
    }

    private let pulse: Interval
    private let deadTime: Interval
    private var energised: Direction?
    private var pulseEndsAt: Instant?
    private var pending: Direction?
    private var pendingAt: Instant?
    private var releasedAt: Instant?
    private var released: Direction?

    init(pulse: Interval, deadTime: Interval) {
        self.pulse = pulse
        self.deadTime = deadTime
    }

    /// When `advance` is next due; nil when nothing is pending.
    var nextDeadline: Instant? { pulseEndsAt ?? pendingAt }

    /// Whether the lower relay is energised or about to be.
    var isLowering: Bool { energised == .lower || pending == .lower }

    /// Orders a movement. The earliest moment at which its relay is energised is returned.
    @discardableResult
    mutating func order(_ direction: Direction, at now: Instant, _ actions: inout LaneActions) -> Instant {
        pending = nil
        pendingAt = nil
        if let energised, energised != direction {
            release(at: now, &actions)
        }
        var earliest = now
        if let released, let releasedAt, released != direction {
            earliest = max(now, releasedAt + deadTime)
        }
        if earliest <= now {
            energise(direction, at: now, &actions)
        } else {
            pending = direction
            pendingAt = earliest
        }
        return earliest
    }

    /// Releases the lower relay and forgets a lowering that has not begun. The raise relay is left alone.
    mutating func stopLowering(at now: Instant, _ actions: inout LaneActions) {
        if pending == .lower {
            pending = nil
            pendingAt = nil
        }
        if energised == .lower {
            release(at: now, &actions)
        }
    }

    /// Ends the pulse that is over and begins the order that is due.
    mutating func advance(at now: Instant, _ actions: inout LaneActions) {
        if let pulseEndsAt, pulseEndsAt <= now {
            release(at: now, &actions)
        }
        if let pending, let pendingAt, pendingAt <= now {
            self.pending = nil
            self.pendingAt = nil
            energise(pending, at: now, &actions)
        }
    }

    private mutating func energise(_ direction: Direction, at now: Instant, _ actions: inout LaneActions) {
        precondition(energised == nil || energised == direction, "LANE-1 raise and lower are never on together")
        if energised == nil {
            actions.append(.drive(direction.output, energised: true))
        }
        energised = direction
        pulseEndsAt = now + pulse
    }

    private mutating func release(at now: Instant, _ actions: inout LaneActions) {
        guard let direction = energised else { return }
        actions.append(.drive(direction.output, energised: false))
        energised = nil
        pulseEndsAt = nil
        released = direction
        releasedAt = now
    }
}
