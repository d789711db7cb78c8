// One step of the world and the lane together.

import Domain

@testable import LaneCore

/// One transition, as the laws judge it.
struct Transition {
    let before: CheckerState
    let event: LaneEvent
    var after: CheckerState
}

extension CheckerState {
    /// The lane as it starts, with these contacts.
    init(_ setting: CheckerSetting, levels: SensorSet, _ actions: inout LaneActions) {
        core = setting.makeCore()
        ghost = CheckerGhost()
        ghost.levels = levels
        let now = Instant(nanoseconds: 1_000_000_000_000)
        core.start(levels, at: now, &actions)
        ghost.clearSince = ghost.hasPresence(core) ? .max : now.nanoseconds
    }

    /// The event that a move is here; nil when it cannot happen.
    func event(_ move: Move, _ setting: CheckerSetting) -> LaneEvent? {
        switch move {
        case .toggle(let sensor):
            return .sensor(sensor, isActive: !ghost.levels.contains(sensor))
        case .report(let sensor):
            guard ghost.uncertain.contains(sensor) else { return nil }
            return .sensor(sensor, isActive: ghost.levels.contains(sensor))
        case .loseEdges:
            return .edgesLost
        case .verdict(let slot, let isFollower, let reason):
            let passage = core.passages[slot]
            let token = isFollower ? passage.follower.token : passage.token
            guard token != .none else { return nil }
            return .verdict(Verdict(lane: setting.lane(passage.side), token: token, reason: reason))
        case .staleVerdict(let side):
            return .verdict(Verdict(lane: setting.lane(side), token: stale(side, setting), reason: .stageAllowed))
        case .releaseServed(let slot):
            let passage = core.passages[slot]
            guard passage.token != .none else { return nil }
            return .order(.release(setting.lane(passage.side), passage.token))
        case .releaseNobody(let side):
            return .order(.release(setting.lane(side), .none))
        case .releaseStale(let side):
            return .order(.release(setting.lane(side), stale(side, setting)))
        case .order(let order):
            return .order(order)
        case .tick:
            return .timer
        }
    }

    /// Timers have ended that have not fired yet.
    var isBehind: Bool { core.nextDeadline.map { $0 <= core.now } ?? false }

    /// The newest vehicle of this lane that has its outcome; before there is one, a vehicle of the boot before.
    private func stale(_ side: Int, _ setting: CheckerSetting) -> VehicleToken {
        var count = core.tokenCounts[side]
        while count > 0 {
            let token = VehicleToken(boot: CheckerSetting.boot, lane: setting.lane(side), count: count)
            if !core.isLive(token) { return token }
            count -= 1
        }
        return VehicleToken(boot: CheckerSetting.boot - 1, lane: setting.lane(side), count: 1)
    }

    /// Lets the event happen `ticks` later than the last one.
    mutating func step(
        _ event: LaneEvent, after ticks: UInt64, _ setting: CheckerSetting, _ actions: inout LaneActions
    ) {
        let now = Instant(nanoseconds: core.now.nanoseconds + ticks * CheckerSetting.tick.nanoseconds)
        let wasAtClosed = ghost.isAtClosed
        if !ghost.comesDown(setting, at: now) { ghost.lowersUntil = 0 }
        // What waited for the dead time begins with its end, whenever the timer fires.
        let hasWaited = core.arm.drive.pending == .lower
        let lowersAt = hasWaited ? ghost.raiseReleasedAt + setting.timings.deadTime.nanoseconds : now.nanoseconds
        noteCause(event)
        let counts = core.tokenCounts
        core.step(event, at: now, &actions)
        if case .order(.release(let lane, let token)) = event, token == .none {
            // Whoever came into being by this order is its vehicle.
            for side in 0..<2 where setting.lane(side) == lane && core.tokenCounts[side] != counts[side] {
                let token = VehicleToken(boot: CheckerSetting.boot, lane: lane, count: core.tokenCounts[side])
                ghost.change(token) { $0.isByPerson = true }
            }
        }
        if case .order(.hold(let isOn)) = event { ghost.isHeld = isOn && !core.isInMaintenance }
        noteOutputs(actions, lowersUntil: lowersAt + setting.timings.lowerTravel.nanoseconds)
        let hasArrived = ghost.isAtClosed && !wasAtClosed
        if hasArrived || !ghost.comesDown(setting, at: core.now) { ghost.lowersUntil = 0 }
        let isPresent = ghost.hasPresence(core)
        if isPresent { ghost.clearSince = .max }
        if !isPresent && ghost.clearSince == .max { ghost.clearSince = core.now.nanoseconds }
    }

    private mutating func noteCause(_ event: LaneEvent) {
        switch event {
        case .sensor(let sensor, let isActive):
            ghost.levels.set(sensor, isActive)
            ghost.uncertain.set(sensor, false)
            if sensor == .guardClose && isActive {
                ghost.isHeld = false
                ghost.isHalted = false
            }
            if sensor == .guardStop && isActive { ghost.isHalted = true }
        case .edgesLost:
            ghost.uncertain = SensorSet(bits: core.fitting.sensors.bits & SensorSet.vehicle.bits)
        case .verdict(let verdict):
            guard core.isLive(verdict.token) else { break }
            for slot in 0..<2 where core.passages[slot].follower.token == verdict.token && verdict.reason.allows {
                // Another vehicle, by its name.
                ghost.mayTrail &= ~(1 << UInt8(core.passages[slot].side))
            }
            ghost.change(verdict.token) {
                if !$0.isDecided { $0.isAllowed = verdict.reason.allows }
                $0.isDecided = true
            }
        case .order(.release(_, let token)):
            if core.isLive(token) { ghost.change(token) { $0.isByPerson = true } }
        case .order(.lockdown(true)), .order(.maintenance(true)):
            ghost.isHeld = false
        case .order(.close):
            ghost.isHeld = false
            ghost.isHalted = false
        case .order(.stop), .order(.energise(.stop, true)):
            ghost.isHalted = true
        case .order, .timer:
            break
        }
    }

    private mutating func noteOutputs(_ actions: LaneActions, lowersUntil: UInt64) {
        for index in 0..<actions.count {
            switch actions[index] {
            case .drive(.raise, energised: false): ghost.raiseReleasedAt = core.now.nanoseconds
            case .drive(.lower, energised: false): ghost.lowerReleasedAt = core.now.nanoseconds
            case .drive(.lower, energised: true): ghost.lowersUntil = lowersUntil
            case .drive(.stop, energised: true): ghost.lowersUntil = 0
            case .raised:
                ghost.lowersUntil = 0
                if core.arm.position != .stopped { ghost.isHalted = false }
            default: break
            }
        }
        if core.arm.position == .closing { ghost.isHalted = false }
    }

    /// After the laws have judged the step: what has its outcome is forgotten.
    mutating func settle(_ before: LaneCore) {
        ghost.forget(but: core)
        if before.isInMaintenance && !core.isInMaintenance { ghost.isHalted = false }
        for side in 0..<2 {
            let bit: UInt8 = 1 << UInt8(side)
            let slot = core.slot(ofSide: side)
            let passage = core.passages[slot]
            let isOn = core.isOnApproach(side)
            if !isOn || passage.side != side || passage.phase != .passing && passage.phase != .straddling {
                ghost.mayTrail &= ~bit
            } else if before.passages[slot].phase == .released && passage.phase == .passing {
                ghost.mayTrail |= bit
            }
        }
    }
}

extension CheckerGhost {
    var isAtOpen: Bool { levels.contains(.openLimit) && !levels.contains(.closedLimit) }

    var isAtClosed: Bool { levels.contains(.closedLimit) && !levels.contains(.openLimit) }

    /// The lower relay sent the arm down, and neither a limit nor, without a closed one, its travel says that it came.
    func comesDown(_ setting: CheckerSetting, at now: Instant) -> Bool {
        guard lowersUntil != 0 else { return false }
        if now.nanoseconds < lowersUntil { return true }
        return setting.fitting.sensors.contains(.closedLimit) && !isAtClosed && !isAtOpen
    }

    /// A presence sensor is active, faulty, or not known. Whether one chatters is the lane's to say.
    func hasPresence(_ core: LaneCore) -> Bool {
        SensorSet(bits: levels.bits | uncertain.bits | core.sensors.chattering.bits).intersects(.presence)
    }
}
