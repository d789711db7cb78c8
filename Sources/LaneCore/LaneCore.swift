// The state machine of one arm and the lane or two lanes that it closes.
//
// A deterministic function of its events: no clock, no I/O, no heap, no lock. Any recorded sequence replays to the same
// actions. Anything uncertain counts as a vehicle present.
//
// Invariants, asserted here and searched by the tests:
//   LANE-1 raise and lower are never energised together (ArmDrive)
//   LANE-2 no lower order while a presence sensor is active or faulty; presence while the arm comes down releases the
//          lower relay and orders the raise in the same step
//   LANE-3 a raise is ordered only for a durable verdict that allows this very vehicle, a durable order of a person or
//          the schedule, a fire alarm, or presence under an arm that is coming down
//   LANE-4 each token ends in exactly one outcome, and each raise is for one: a vehicle's, or the opening's, which all
//          raises for nobody in particular share while it lasts
//   LANE-5 a verdict serves no other vehicle than its own
//   LANE-6 nothing moves at start, whatever the loops say; only a fire alarm raises
//   LANE-7 a relay pulse ends within the arm's travel
//   LANE-8 one step has a bounded number of actions; LANE-9 an action is read within the list
//   LANE-10 one step fires one timer; the others stay due (LaneTimers)
// Limits: two lanes an arm, one vehicle being served in each and one behind it.

import Domain

public struct LaneCore: Sendable {
    let lanes: InlineArray<2, LaneID>
    let timings: LaneTimings
    let fitting: LaneFitting
    let boot: UInt32
    let retryInterval: Interval
    /// The slots in which vehicles are served: two where lanes lie side by side.
    let slotCount: Int
    /// What shows that a vehicle is under the arm, of each slot.
    private let underSensors: InlineArray<2, SensorSet>
    /// What shows that a vehicle that came by this side has gone through.
    private let clearingSensors: InlineArray<2, SensorSet>

    var now = Instant(nanoseconds: 0)
    var timers = LaneTimers()
    var sensors: Sensors
    var arm: Arm
    var passages: InlineArray<2, Passage> = InlineArray(repeating: Passage())
    var tokenCounts: InlineArray<2, UInt32> = InlineArray(repeating: 0)
    var approachSince: InlineArray<2, Instant> = InlineArray(repeating: Instant(nanoseconds: 0))
    /// A bit a side: who stands on its approach loop is leaving.
    var departing: UInt8 = 0
    /// Presence has been clear for the close delay; false from the step in which presence begins.
    var isClear = false
    var isHeldOpen = false
    var isLockedDown = false
    var isInMaintenance = false
    /// The arm was raised for nobody in particular: by hold, fire, maintenance, or protection of who has no token.
    var opening = VehicleToken.none
    var openingCause = RaiseCause.hold
    var openedAt = Instant(nanoseconds: 0)
    /// Outputs other than the barrier's relays, one bit each, as they are driven.
    var lit: UInt16 = 0
    /// The same as the technician wants them, in maintenance.
    var armed: UInt16 = 0
    var shown: InlineArray<2, ShownNotice> = InlineArray(repeating: ShownNotice())

    /// - Parameters:
    ///   - lane: the lane, or the first of two.
    ///   - second: the other lane of the arm; nil exactly when the layout is `single`.
    ///   - boot: the ledger's boot number, which makes this run's tokens unique.
    public init(
        lane: LaneID, second: LaneID? = nil, boot: UInt32, timings: LaneTimings, fitting: LaneFitting = LaneFitting()
    ) {
        precondition((second != nil) == (fitting.layout != .single), "LANE-11 a second lane has a layout")
        precondition(
            timings.relayPulse <= timings.lowerTravel && timings.relayPulse <= timings.raiseTravel,
            "LANE-7 a relay pulse ends within the arm's travel")
        lanes = InlineArray { $0 == 0 ? lane : second ?? lane }
        self.boot = boot
        self.timings = timings
        self.fitting = fitting
        retryInterval = Interval(
            nanoseconds: timings.verdictDeadline.nanoseconds / UInt64(max(1, fitting.attempts)))
        slotCount = fitting.layout == .parallel ? 2 : 1
        underSensors = InlineArray { LaneCore.underSensors($0, fitting) }
        clearingSensors = InlineArray { SensorSet.none.with(LaneCore.clearingSensor($0, fitting.layout)) }
        sensors = Sensors(timings, fitting)
        arm = Arm(timings, fitting)
    }

    /// When the next `.timer` event is due; nil when the lane waits for the world alone.
    public var nextDeadline: Instant? { timers.soonest }

    /// The phase and the vehicle of one of the arm's lanes, 0 or 1.
    public func phase(_ side: Int = 0) -> LanePhase {
        let passage = passage(slot(ofSide: side))
        return passage.phase == .idle || lanes[passage.side] == lanes[side] ? passage.phase : .idle
    }

    public func token(_ side: Int = 0) -> VehicleToken {
        let passage = passage(slot(ofSide: side))
        return lanes[passage.side] == lanes[side] ? passage.token : .none
    }

    /// Nothing is going on and nothing is remembered: what comes next depends on the settings and the token count
    /// alone.
    public var isAtRest: Bool {
        timers.running == 0 && passages[0].phase == .idle && passages[1].phase == .idle && arm.position == .closed
            && departing == 0 && !isHeldOpen && !isLockedDown && !isInMaintenance && opening == .none
            && sensors.active.bits & ~SensorSet.none.with(.closedLimit).bits == 0 && arm.faults == 0
    }

    public func tokenCount(_ side: Int) -> UInt32 { tokenCounts[side] }

    /// The first step. Nothing moves, except that a fire alarm raises the arm.
    public mutating func start(_ levels: SensorSet, at instant: Instant, _ actions: inout LaneActions) {
        actions.removeAll()
        now = instant
        sensors.start(levels, at: now, &timers)
        arm.start(sensors.levels, at: now, &timers)
        for side in 0..<2 { approachSince[side] = now }
        watchPresence(&actions)
        if sensors.active.contains(.fireAlarm) { fireChanged(&actions) }
        for slot in 0..<slotCount where isUnder(slot) {
            takeToken(slot, side: slot, arrivedAt: now)
            passages[slot].phase = .unsettled
            passages[slot].isFromBefore = true
        }
        serveArrivals(&actions)
        for slot in 0..<slotCount { passages[slot].isFromBefore = passages[slot].token != .none }
        watchVehicles()
        show(&actions)
        precondition(
            arm.drive.energised == nil || sensors.active.contains(.fireAlarm), "LANE-6 nothing moves at start")
    }

    /// One event, and all that follows from it. `instant` is the event's own stamp; time never runs back.
    public mutating func step(_ event: LaneEvent, at instant: Instant, _ actions: inout LaneActions) {
        actions.removeAll()
        now = max(now, instant)
        let before = sensors.active
        noteLevels(event, &actions)
        // What was due before the event comes first, but with the sensors as they are now: an arm that should have
        // begun to fall a moment ago does not begin with a vehicle under it.
        watchPresence(&actions)
        fireTimers(&actions)
        if sensors.active != before { sensorsChanged(from: before, &actions) }
        switch event {
        case .verdict(let verdict): verdictArrived(verdict, &actions)
        case .order(let order): obey(order, &actions)
        case .sensor, .edgesLost, .timer: break
        }
        serveArrivals(&actions)
        watchPresence(&actions)
        watchVehicles()
        govern(&actions)
        show(&actions)
        precondition(!(hasPresence && arm.isLowering), "LANE-2 the arm does not come down on a vehicle")
    }

    @inline(__always)
    private mutating func noteLevels(_ event: LaneEvent, _ actions: inout LaneActions) {
        switch event {
        case .sensor(let sensor, let isActive):
            sensors.set(sensor, isActive, at: now, &timers, &actions)
        case .edgesLost:
            sensors.loseEdges(&actions)
        case .verdict, .order, .timer:
            break
        }
    }

    @inline(__always)
    private mutating func fireTimers(_ actions: inout LaneActions) {
        if let timer = timers.take(endedBy: now) { timerEnded(timer, &actions) }
    }

    @inline(__always)
    private mutating func timerEnded(_ timer: LaneTimer, _ actions: inout LaneActions) {
        switch timer.index {
        case 0...2, 5: arm.timerEnded(timer, at: now, &timers, &actions)
        case 3:
            isClear = true
            endProtection(&actions)
        case 4, 6: break
        case 7: endMaintenance(&actions)
        case 8...9: deadlinePassed(timer.index - 8, &actions)
        case 10...11: vehicleGone(timer.index - 10, &actions)
        case 12...13: retryIdentification(timer.index - 12, &actions)
        case 14...15: approachGone(side: timer.index - 14, &actions)
        case 16...17: break
        case 18...25: sensors.stuckEnded(timer.index - 18, &actions)
        default:
            let before = sensors.active
            sensors.chatterEnded(timer.index - 26, &actions)
            if sensors.active != before { sensorsChanged(from: before, &actions) }
        }
    }

    // MARK: sensors

    @inline(__always)
    func slot(ofSide side: Int) -> Int { fitting.layout == .parallel ? side : 0 }

    @inline(__always)
    var hasPresence: Bool { sensors.active.intersects(.presence) }

    /// A curtain or radar across two lanes names neither of them.
    private static func underSensors(_ slot: Int, _ fitting: LaneFitting) -> SensorSet {
        guard fitting.layout == .parallel else { return .presence }
        let own = LaneCore.ownSensor(slot)
        return fitting.sensors.contains(own) ? SensorSet.none.with(own) : LaneCore.across.with(own)
    }

    private static func ownSensor(_ slot: Int) -> LaneSensor { slot == 0 ? .safety : .secondSafety }

    private static var across: SensorSet { SensorSet.none.with(.curtain).with(.radar) }

    /// Across two lanes, curtain and radar hold whoever has come under the arm already, in a gap over its own loop.
    ///
    /// `mutating`, as other reading is here: it reads the passage in place.
    @inline(__always)
    mutating func isUnder(_ slot: Int) -> Bool {
        sensors.active.intersects(under(slot))
            || fitting.layout == .parallel && passages[slot].hasEntered && sensors.active.intersects(LaneCore.across)
    }

    /// A slot's passage, to be read. Only an index that is known when this is compiled reads an inline array in place
    /// where the core is not to be changed: any other copies all of it.
    @inline(__always)
    func passage(_ slot: Int) -> Passage { slot == 0 ? passages[0] : passages[1] }

    @inline(__always)
    func approachSensor(_ side: Int) -> LaneSensor { side == 0 ? .approach : .secondApproach }

    @inline(__always)
    func isOnApproach(_ side: Int) -> Bool { sensors.active.contains(approachSensor(side)) }

    @inline(__always)
    mutating func under(_ slot: Int) -> SensorSet { underSensors[slot] }

    @inline(__always)
    mutating func clearing(_ side: Int) -> SensorSet { clearingSensors[side] }

    private static func clearingSensor(_ side: Int, _ layout: LaneLayout) -> LaneSensor {
        switch layout {
        case .single: .clearing
        case .opposed: side == 0 ? .secondApproach : .approach
        case .parallel: side == 0 ? .clearing : .secondClearing
        }
    }

    /// Presence under an arm that is coming down raises it, here and now.
    @inline(__always)
    private mutating func watchPresence(_ actions: inout LaneActions) {
        guard hasPresence else {
            if !isClear && !timers.isRunning(.clear) { timers.start(.clear, at: now + timings.closeDelay) }
            return
        }
        isClear = false
        timers.cancel(.clear)
        let isComingDown = arm.isComingDown
        guard isComingDown || arm.isLowering else { return }
        stopForPresence(isComingDown, &actions)
    }

    private mutating func stopForPresence(_ isComingDown: Bool, _ actions: inout LaneActions) {
        if arm.isLowering { arm.stopLowering(at: now, &timers, &actions) }
        guard isComingDown else { return }
        // In maintenance nobody is served, and what looks across two lanes names neither: then it is nobody's raise.
        if !isInMaintenance && (isUnder(0) || isUnder(1)) {
            raise(.protection, &actions)
        } else {
            open(.protection, &actions)
        }
    }

    private mutating func sensorsChanged(from before: SensorSet, _ actions: inout LaneActions) {
        let after = sensors.active
        let changed = SensorSet(bits: before.bits ^ after.bits)
        // Under the arm first: an approach loop that clears while the safety loop is held means a way forward.
        for slot in 0..<slotCount where after.intersects(under(slot)) && !before.intersects(under(slot)) {
            vehicleEntered(slot, &actions)
        }
        for side in 0..<2 where changed.contains(approachSensor(side)) {
            approachChanged(side, &actions)
        }
        for side in 0..<2 where changed.intersects(clearing(side)) && after.intersects(clearing(side)) {
            clearingReached(side)
        }
        if changed.contains(.openLimit) || changed.contains(.closedLimit) {
            let hadMoved = arm.has(.movedUnordered)
            arm.limitsChanged(sensors.levels, at: now, &timers, &actions)
            if arm.has(.movedUnordered) && !hadMoved { soundSiren() }
        }
        if changed.bits >> UInt32(LaneSensor.exitRequest.rawValue) != 0 { contactsChanged(changed, &actions) }
    }

    private mutating func contactsChanged(_ changed: SensorSet, _ actions: inout LaneActions) {
        var rest = changed.bits >> UInt32(LaneSensor.exitRequest.rawValue)
        while rest != 0 {
            let raw = LaneSensor.exitRequest.rawValue + UInt8(truncatingIfNeeded: rest.trailingZeroBitCount)
            rest &= rest - 1
            guard let sensor = LaneSensor(rawValue: raw) else { continue }
            let isActive = sensors.active.contains(sensor)
            actions.append(.noted(sensor, isActive: isActive))
            contactChanged(sensor, isActive, &actions)
        }
    }

    // MARK: tokens

    mutating func newToken(_ side: Int) -> VehicleToken {
        tokenCounts[side] += 1
        return VehicleToken(boot: boot, lane: lanes[side], count: tokenCounts[side])
    }

    mutating func takeToken(_ slot: Int, side: Int, arrivedAt instant: Instant) {
        // Where nobody is served, nothing is kept: `end` left the passage as new.
        precondition(passages[slot].token == .none, "LANE-4 a vehicle's passage ends before the next begins")
        passages[slot].side = side
        passages[slot].token = newToken(side)
        passages[slot].arrivedAt = instant
    }

    /// The vehicle's one outcome. What is known of its follower is the caller's to hand on.
    mutating func end(_ slot: Int, _ outcome: PassOutcome, at instant: Instant, _ actions: inout LaneActions) {
        precondition(passages[slot].token != .none, "LANE-4 each passage ends once")
        let side = passages[slot].side
        var end = PassEnd(
            lane: lanes[side], token: passages[slot].token, outcome: outcome, arrivedAt: passages[slot].arrivedAt,
            raisedAt: passages[slot].raisedAt, enteredAt: passages[slot].enteredAt, endedAt: instant)
        end.cause = passages[slot].cause
        end.isReverse = passages[slot].isReverse
        actions.append(.passEnded(end))
        if passages[slot].phase == .straddling { actions.append(.fault(.straddled, isRaised: false)) }
        passages[slot] = Passage()
        passages[slot].side = side
        timers.cancelAll(ofSlot: slot)
    }
}
