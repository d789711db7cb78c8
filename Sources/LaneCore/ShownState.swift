// What the lane shows: lamps, siren, camera light and sign follow from the state at the end of each step.

import Domain

/// What a lane's sign was last told.
struct ShownNotice: Sendable {
    var notice = LaneNotice.free
    var token = VehicleToken.none
    var isTold = false
}

extension LaneCore {
    @inline(__always)
    mutating func show(_ actions: inout LaneActions) {
        let wanted = isInMaintenance ? armed : wantedOutputs()
        if wanted != lit { actions.appendDrives(wanted ^ lit, energised: wanted) }
        lit = wanted
        for side in 0..<(fitting.layout == .single ? 1 : 2) {
            let (notice, token) = wantedNotice(side)
            guard !shown[side].isTold || shown[side].token != token || shown[side].notice != notice else { continue }
            shown[side] = ShownNotice(notice: notice, token: token, isTold: true)
            actions.append(.notice(lanes[side], notice, token))
        }
    }

    private func bit(_ output: LaneOutput, _ isOn: Bool) -> UInt16 { isOn ? 1 << UInt16(output.rawValue) : 0 }

    // What only reads is `mutating` here: it reads the passages in place.

    @inline(__always)
    private mutating func wantedOutputs() -> UInt16 {
        let isGreen = isGreen(0)
        var outputs = bit(.green, isGreen) | bit(.red, !isGreen)
        if fitting.layout != .single {
            let isSecondGreen = self.isGreen(1)
            outputs |= bit(.secondGreen, isSecondGreen) | bit(.secondRed, !isSecondGreen)
        }
        let isAsking = passages[0].phase == .identifying || passages[1].phase == .identifying
        let isMoving = arm.position == .opening || arm.position == .closing
        let isAlarming = timers.isRunning(.siren) || arm.faults != 0 || sensors.active.contains(.fireAlarm)
        return outputs | bit(.fill, isAsking) | bit(.siren, timers.isRunning(.siren))
            | bit(.beacon, isMoving || isAlarming) | bit(.trigger, timers.isRunning(.trigger(0)))
            | bit(.secondTrigger, timers.isRunning(.trigger(1)))
    }

    /// Green calls a vehicle in: the arm is up, and this side's vehicle, or everybody, may pass.
    @inline(__always)
    private mutating func isGreen(_ side: Int) -> Bool {
        guard arm.position == .open else { return false }
        if isFreeForAll { return true }
        let slot = slot(ofSide: side)
        return passages[slot].phase == .released && passages[slot].side == side
    }

    @inline(__always)
    private mutating func wantedNotice(_ side: Int) -> (LaneNotice, VehicleToken) {
        if sensors.active.contains(.fireAlarm) { return (.evacuate, .none) }
        if isInMaintenance { return (.maintenance, .none) }
        let slot = slot(ofSide: side)
        guard passages[slot].side == side || passages[slot].phase == .idle else { return (.occupied, .none) }
        switch passages[slot].phase {
        case .idle:
            if isLockedDown { return (.closed, .none) }
            return (arm.position == .closed || isHeldOpen ? .free : .occupied, .none)
        case .identifying: return (.identifying, passages[slot].token)
        case .refused:
            return (passages[slot].isLockedOut ? .closed : .refused(passages[slot].refusal), passages[slot].token)
        case .released, .passing: return (.released, passages[slot].token)
        case .straddling:
            let isDecided = passages[slot].follower.isDecided
            return (
                isDecided ? .refused(passages[slot].follower.refusal) : .identifying, passages[slot].follower.token
            )
        case .intruded, .unsettled: return (.occupied, passages[slot].token)
        }
    }
}
