// A lane on the bench: contacts, verdicts and time go in; relays, outcomes and faults are collected.

import Domain

@testable import LaneCore

struct LaneRig {
    static let timings: LaneTimings = {
        var timings = LaneTimings(
            verdictDeadline: .seconds(4), authorisedWindow: .seconds(20), backOut: .seconds(2), closeDelay: .seconds(1),
            raiseTravel: .seconds(2), lowerTravel: .seconds(2), relayPulse: .milliseconds(500),
            deadTime: .milliseconds(300))
        timings.unattended = .seconds(30)
        return timings
    }()

    var core: LaneCore
    var now = Instant(nanoseconds: 1_000_000_000)
    var list = LaneActions()
    var actions: [LaneAction] = []
    var outputs: Set<LaneOutput> = []
    var ends: [PassEnd] = []
    var raised: [RaiseCause] = []
    var lowerings = 0
    private(set) var levels = SensorSet.none

    init(
        _ sensors: [LaneSensor] = [.approach, .safety], layout: LaneLayout = .single, at start: [LaneSensor] = [],
        _ change: (inout LaneFitting, inout LaneTimings) -> Void = { _, _ in }
    ) {
        var fitted = SensorSet.none
        for sensor in sensors { fitted = fitted.with(sensor) }
        var fitting = LaneFitting(layout: layout, sensors: fitted)
        var timings = LaneRig.timings
        change(&fitting, &timings)
        core = LaneCore(
            lane: LaneID(0), second: layout == .single ? nil : LaneID(1), boot: 7, timings: timings, fitting: fitting)
        for sensor in start { levels = levels.with(sensor) }
        core.start(levels, at: now, &list)
        take()
    }

    var outcomes: [PassOutcome] { ends.map(\.outcome) }

    mutating func step(_ event: LaneEvent) {
        core.step(event, at: now, &list)
        take()
    }

    mutating func on(_ sensors: LaneSensor...) {
        for sensor in sensors { set(sensor, true) }
    }

    mutating func off(_ sensors: LaneSensor...) {
        for sensor in sensors { set(sensor, false) }
    }

    private mutating func set(_ sensor: LaneSensor, _ isActive: Bool) {
        levels.set(sensor, isActive)
        step(.sensor(sensor, isActive: isActive))
    }

    mutating func order(_ order: LaneOrder) { step(.order(order)) }

    /// A verdict on whoever is served on that side.
    mutating func verdict(_ reason: VerdictReason, side: Int = 0) {
        verdict(reason, for: core.token(side), side: side)
    }

    mutating func verdict(_ reason: VerdictReason, for token: VehicleToken, side: Int = 0) {
        step(.verdict(Verdict(lane: LaneID(UInt8(side)), token: token, reason: reason)))
    }

    mutating func allowFollower(slot: Int = 0) {
        verdict(.stageAllowed, for: core.passages[slot].follower.token, side: core.passages[slot].side)
    }

    /// Time passes, with a timer event at each deadline on the way.
    mutating func wait(_ seconds: Double) {
        let end = Instant(nanoseconds: now.nanoseconds + UInt64(seconds * 1e9))
        while let deadline = core.nextDeadline, deadline <= end {
            now = max(now, deadline)
            step(.timer)
        }
        now = end
    }

    /// An allowed vehicle stands before the open arm.
    mutating func letIn(side: Int = 0) {
        set(side == 0 ? .approach : .secondApproach, true)
        verdict(.stageAllowed, side: side)
        wait(3)
    }

    /// Drives from the approach loop over the safety loop, and away.
    mutating func driveThrough() {
        on(.safety)
        wait(1)
        off(.approach)
        wait(1)
        off(.safety)
        wait(8)
    }

    func has(_ fault: LaneFault) -> Bool {
        var isRaised = false
        for case .fault(fault, let isOn) in actions { isRaised = isOn }
        return isRaised
    }

    var identifications: Int { actions.count { if case .identify = $0 { true } else { false } } }

    private mutating func take() {
        for index in 0..<list.count {
            let action = list[index]
            actions.append(action)
            switch action {
            case .drive(let output, let isOn):
                if isOn { outputs.insert(output) } else { outputs.remove(output) }
                if output == .lower && isOn { lowerings += 1 }
            case .passEnded(let end): ends.append(end)
            case .raised(let cause): raised.append(cause)
            case .identify, .identificationOverdue, .releaseAsked, .notice, .fault, .noted, .travelled: break
            }
        }
    }
}
