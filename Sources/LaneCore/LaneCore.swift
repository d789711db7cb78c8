// The state machine of one lane: two loops, one arm, one vehicle at a time.
//
// A deterministic function of its events: no clock, no I/O, no heap, no lock. Any recorded sequence replays to the same
// actions. Anything uncertain counts as a vehicle present.
//
// Invariants, asserted here and searched by the tests:
//   LANE-1 raise and lower are never energised together (ArmDrive)
//   LANE-2 no lower order while a presence sensor is active; presence while lowering releases the lower relay and
//          orders the raise in the same step
//   LANE-3 a raise is ordered only for a durable verdict that allows this very vehicle, or for presence while lowering
//   LANE-4 each token ends in exactly one outcome
//   LANE-5 a verdict serves no other vehicle than its own
//   LANE-6 nothing moves at start, whatever the loops say

import Domain

public struct LaneCore: Sendable {
    public enum Phase: UInt8, Sendable {
        /// Nobody here; the arm is down (or where the last run left it).
        case idle
        /// A vehicle waits on the approach loop for its verdict.
        case identifying
        /// A vehicle that may not pass stands there.
        case refused
        /// The arm is going up or is up for a vehicle that has not yet reached it.
        case released
        /// The released vehicle is under the arm.
        case passing
        /// The safety loop has just become clear.
        case clearing
        /// The arm is coming down.
        case lowering
        /// A vehicle is under the arm without a release.
        case intruded
        /// Something is or may be under the arm, and how it came there was not seen: start, or lost edges.
        case unsettled
    }

    public let lane: LaneID
    private let timings: LaneTimings
    private let boot: UInt32

    public private(set) var phase: Phase = .idle
    public private(set) var token: VehicleToken = .none
    private var tokenCount: UInt32 = 0
    private var now = Instant(nanoseconds: 0)
    private var arm: ArmDrive

    private var approach = false
    private var safety = false
    private var approachSince = Instant(nanoseconds: 0)

    private var arrivedAt = Instant(nanoseconds: 0)
    private var raisedAt: Instant?
    private var enteredAt: Instant?
    /// The approach loop has been clear since the vehicle reached the safety loop: it is going forward.
    private var approachCleared = false
    /// The vehicle's verdict has been served.
    private var isDecided = false
    /// The arm was raised and has to come down when the phase ends.
    private var isArmUp = false
    /// End of the phase by time: verdict deadline, authorised window, lower travel.
    private var deadline: Instant?
    /// Since when no loop holds the vehicle.
    private var clearSince: Instant?
    private var isGreen = false
    /// Who stands here came before the controller started: what it does may follow from a release of the last run.
    private var isFromBefore = false
    /// This step's presence is assumed, since edges were lost: nobody is accused of forcing the gate.
    private var isDoubtful = false

    /// - Parameter boot: the ledger's boot number, which makes this run's tokens unique.
    public init(lane: LaneID, boot: UInt32, timings: LaneTimings) {
        self.lane = lane
        self.boot = boot
        self.timings = timings
        precondition(timings.relayPulse <= timings.lowerTravel, "LANE-7 a relay pulse ends within the arm's travel")
        arm = ArmDrive(pulse: timings.relayPulse, deadTime: timings.deadTime)
    }

    /// When the next `.timer` event is due; nil when the lane waits for the world alone.
    public var nextDeadline: Instant? {
        sooner(sooner(arm.nextDeadline, deadline), clearDeadline)
    }

    public func isActive(_ sensor: LaneSensor) -> Bool {
        switch sensor {
        case .approach: approach
        case .safety: safety
        }
    }

    /// The first step: what the loops say when the controller starts. No relay moves (LANE-6).
    public mutating func start(approach: Bool, safety: Bool, at instant: Instant) -> LaneActions {
        var actions = LaneActions()
        now = instant
        self.approach = approach
        self.safety = safety
        approachSince = instant
        actions.append(.drive(.red, energised: true))
        if safety {
            takeToken(arrivedAt: now)
            phase = .unsettled
            actions.append(.notice(.occupied, token))
        } else {
            settle(&actions)
        }
        isFromBefore = token != .none
        return actions
    }

    /// One event, and all that follows from it. `instant` is the event's own stamp; time never runs back.
    public mutating func step(_ event: LaneEvent, at instant: Instant) -> LaneActions {
        var actions = LaneActions()
        now = max(now, instant)
        let hadApproach = approach
        let hadSafety = safety
        isDoubtful = event == .edgesLost
        noteLevels(event)
        // What was due before the event comes first, but with the sensors as they are now: an arm that should have
        // begun to fall a moment ago does not begin with a vehicle under it.
        fireTimers(&actions)
        switch event {
        case .sensor, .edgesLost:
            if safety != hadSafety { safetyChanged(&actions) }
            if approach != hadApproach { approachChanged(&actions) }
        case .verdict(let verdict):
            verdictArrived(verdict, &actions)
        case .timer:
            break
        }
        notePresence()
        precondition(!(safety && arm.isLowering), "LANE-2 the arm does not come down on a vehicle")
        return actions
    }

    // MARK: events

    private mutating func noteLevels(_ event: LaneEvent) {
        switch event {
        case .sensor(.approach, let isActive):
            if isActive && !approach { approachSince = now }
            approach = isActive
        case .sensor(.safety, let isActive):
            safety = isActive
        case .edgesLost:
            if !approach { approachSince = now }
            approach = true
            safety = true
        case .verdict, .timer:
            break
        }
    }

    private mutating func approachChanged(_ actions: inout LaneActions) {
        switch phase {
        case .idle:
            if approach { arrive(&actions) }
        case .identifying, .refused, .released, .passing, .clearing:
            // Only while the vehicle holds the safety loop does a clear approach loop mean that it went forward.
            if !approach && safety { approachCleared = true }
        case .lowering, .intruded, .unsettled:
            break
        }
    }

    private mutating func safetyChanged(_ actions: inout LaneActions) {
        switch phase {
        case .idle:
            if safety { intrude(&actions) }
        case .identifying, .refused:
            if safety { enter() }
        case .released:
            guard safety else { break }
            enter()
            phase = .passing
            deadline = nil
            setGreen(false, &actions)
        case .passing:
            if !safety { phase = .clearing }
        case .clearing:
            guard safety else { break }
            phase = .passing
            approachCleared = approachCleared || !approach
        case .lowering:
            guard safety else { break }
            arm.stopLowering(at: now, &actions)
            arm.order(.raise, at: now, &actions)
            deadline = nil
            intrude(&actions)
        case .intruded, .unsettled:
            break
        }
    }

    private mutating func verdictArrived(_ verdict: Verdict, _ actions: inout LaneActions) {
        guard verdict.lane == lane, verdict.token == token, !isDecided else { return }
        switch phase {
        case .identifying, .refused:
            isDecided = true
            if verdict.reason.allows {
                release(&actions)
            } else {
                refuse(verdict.reason, &actions)
            }
        case .idle, .released, .passing, .clearing, .lowering, .intruded, .unsettled:
            break
        }
    }

    // MARK: time

    /// When the vehicle counts as gone, by the phase's own measure.
    private var clearDeadline: Instant? {
        guard let clearSince else { return nil }
        switch phase {
        case .identifying, .refused, .released: return clearSince + timings.backOut
        case .clearing, .intruded, .unsettled: return clearSince + timings.closeDelay
        case .idle, .passing, .lowering: return nil
        }
    }

    /// Keeps since when no loop (while waiting) or no presence sensor (under the arm) holds the vehicle.
    private mutating func notePresence() {
        let isHeld: Bool
        switch phase {
        // Once it went under the arm, whoever comes on the approach loop is another vehicle (LANE-5).
        case .identifying, .refused: isHeld = safety || (approach && !approachCleared)
        case .released: isHeld = approach || safety
        case .clearing, .intruded, .unsettled: isHeld = safety
        case .idle, .passing, .lowering: isHeld = true
        }
        if isHeld {
            clearSince = nil
        } else if clearSince == nil {
            clearSince = now
        }
    }

    private mutating func fireTimers(_ actions: inout LaneActions) {
        // A pending lower must not be energised by `advance` when presence came in this very step.
        if safety { arm.stopLowering(at: now, &actions) }
        arm.advance(at: now, &actions)
        if let clearDeadline, clearDeadline <= now { vehicleGone(&actions) }
        if let deadline, deadline <= now { deadlinePassed(&actions) }
    }

    private mutating func vehicleGone(_ actions: inout LaneActions) {
        let goneAt = clearSince ?? now
        clearSince = nil
        switch phase {
        case .identifying, .refused:
            end(approachCleared ? .forced : .backedOut, at: goneAt, &actions)
            settle(&actions)
        case .released:
            end(.backedOut, at: goneAt, &actions)
            lower(&actions)
        case .clearing:
            clearedArm(at: goneAt, &actions)
        case .intruded:
            end(.forced, at: goneAt, &actions)
            lowerOrSettle(&actions)
        case .unsettled:
            end(.interrupted, at: goneAt, &actions)
            lowerOrSettle(&actions)
        case .idle, .passing, .lowering:
            break
        }
    }

    /// The safety loop has been clear long enough, and the release is used up. A vehicle that left the safety loop and
    /// then the approach loop has backed out. When the approach loop was never clear, a follower closed up behind it,
    /// or it rolled back: whoever stands there now is asked for anew, and nobody inherits a release.
    private mutating func clearedArm(at goneAt: Instant, _ actions: inout LaneActions) {
        end(approachCleared || approach ? .completed : .backedOut, at: goneAt, &actions)
        lower(&actions)
    }

    private mutating func deadlinePassed(_ actions: inout LaneActions) {
        deadline = nil
        switch phase {
        case .identifying:
            actions.append(.identificationOverdue(token))
            refuse(.notIdentified, &actions)
        case .released:
            end(.expired, at: now, &actions)
            lower(&actions)
        case .lowering:
            isArmUp = false
            settle(&actions)
        case .idle, .refused, .passing, .clearing, .intruded, .unsettled:
            break
        }
    }

    // MARK: steps of a passage

    private mutating func takeToken(arrivedAt instant: Instant) {
        precondition(token == .none, "LANE-4 a vehicle's passage ends before the next begins")
        tokenCount += 1
        token = VehicleToken(boot: boot, lane: lane, count: tokenCount)
        arrivedAt = instant
        raisedAt = nil
        enteredAt = nil
        approachCleared = false
        isDecided = false
        clearSince = nil
    }

    private mutating func arrive(_ actions: inout LaneActions) {
        takeToken(arrivedAt: approachSince)
        phase = .identifying
        deadline = now + timings.verdictDeadline
        actions.append(.identify(token, arrivedAt: approachSince))
        actions.append(.notice(.identifying, token))
    }

    private mutating func intrude(_ actions: inout LaneActions) {
        takeToken(arrivedAt: now)
        enteredAt = now
        phase = isDoubtful ? .unsettled : .intruded
        actions.append(.notice(.occupied, token))
    }

    private mutating func enter() {
        enteredAt = enteredAt ?? now
        approachCleared = approachCleared || !approach
    }

    private mutating func refuse(_ reason: VerdictReason, _ actions: inout LaneActions) {
        phase = .refused
        deadline = nil
        actions.append(.notice(.refused(reason), token))
    }

    private mutating func release(_ actions: inout LaneActions) {
        precondition(isDecided, "LANE-3 a raise has its verdict")
        raisedAt = now
        isArmUp = true
        arm.order(.raise, at: now, &actions)
        actions.append(.notice(.released, token))
        if safety {
            phase = .passing
            deadline = nil
        } else {
            phase = .released
            deadline = now + timings.authorisedWindow
            setGreen(true, &actions)
        }
    }

    private mutating func end(_ outcome: PassOutcome, at instant: Instant, _ actions: inout LaneActions) {
        precondition(token != .none, "LANE-4 each passage ends once")
        let outcome = outcome == .forced && isFromBefore ? .interrupted : outcome
        isFromBefore = false
        actions.append(
            .passEnded(
                PassEnd(
                    lane: lane, token: token, outcome: outcome, arrivedAt: arrivedAt, raisedAt: raisedAt,
                    enteredAt: enteredAt, endedAt: instant)))
        token = .none
        deadline = nil
    }

    private mutating func lowerOrSettle(_ actions: inout LaneActions) {
        if isArmUp {
            lower(&actions)
        } else {
            settle(&actions)
        }
    }

    private mutating func lower(_ actions: inout LaneActions) {
        setGreen(false, &actions)
        guard !safety else {
            // Presence came in the very step in which the arm was to fall: it stays up for whoever that is.
            intrude(&actions)
            return
        }
        let begins = arm.order(.lower, at: now, &actions)
        phase = .lowering
        deadline = begins + timings.lowerTravel
        actions.append(.notice(.occupied, .none))
    }

    /// The arm is down and nobody is being served: the next vehicle, if one waits, is asked for.
    private mutating func settle(_ actions: inout LaneActions) {
        phase = .idle
        if safety {
            intrude(&actions)
        } else if approach {
            arrive(&actions)
        } else {
            actions.append(.notice(.free, .none))
        }
    }

    private mutating func setGreen(_ isOn: Bool, _ actions: inout LaneActions) {
        guard isGreen != isOn else { return }
        isGreen = isOn
        actions.append(.drive(.green, energised: isOn))
        actions.append(.drive(.red, energised: !isOn))
    }
}

private func sooner(_ one: Instant?, _ other: Instant?) -> Instant? {
    guard let one else { return other }
    guard let other else { return one }
    return min(one, other)
}
