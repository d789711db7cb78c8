// The laws that hold in every transition. Each returns the sentence that was broken, or nil.

import Domain

@testable import LaneCore

extension Transition {
    func brokenLaw(_ actions: LaneActions, _ setting: CheckerSetting) -> String? {
        brokenDrive(actions, setting) ?? brokenPresence(actions, setting) ?? brokenCause(actions)
            ?? brokenLowering(actions, setting) ?? brokenMode(actions) ?? brokenTokens(actions)
            ?? brokenAccount(actions)
    }

    private var old: LaneCore { before.core }
    private var new: LaneCore { after.core }

    /// LANE-1, and the dead time by the outputs alone.
    private func brokenDrive(_ actions: LaneActions, _ setting: CheckerSetting) -> String? {
        var isRaising = old.arm.drive.energised == .raise
        var isLowering = old.arm.drive.energised == .lower
        var raiseReleasedAt = before.ghost.raiseReleasedAt
        var lowerReleasedAt = before.ghost.lowerReleasedAt
        let now = new.now.nanoseconds
        let dead = setting.timings.deadTime.nanoseconds
        for index in 0..<actions.count {
            guard case .drive(let output, let isOn) = actions[index] else { continue }
            switch output {
            case .raise:
                if isOn == isRaising { return "the raise relay is driven twice" }
                isRaising = isOn
                if !isOn { raiseReleasedAt = now }
                if isOn && now < lowerReleasedAt + dead { return "raise within the dead time" }
            case .lower:
                if isOn == isLowering { return "the lower relay is driven twice" }
                isLowering = isOn
                if !isOn { lowerReleasedAt = now }
                if isOn && now < raiseReleasedAt + dead { return "lower within the dead time" }
            default: break
            }
            if isRaising && isLowering { return "raise and lower are on together" }
        }
        let drive = new.arm.drive
        if isRaising != (drive.energised == .raise) || isLowering != (drive.energised == .lower) {
            return "the relays are not as the lane believes"
        }
        if setting.fitting.drive == .pulse && drive.energised != nil && !new.timers.isRunning(.pulse) {
            return "a pulse without an end"
        }
        if drive.pending == .lower && new.arm.position != .closing { return "a lowering waits that nobody watches" }
        if drive.pending != nil && !new.timers.isRunning(.deadTime) { return "an order that is never energised" }
        if let next = new.nextDeadline, next < new.now { return "a deadline of the past stays" }
        return nil
    }

    /// LANE-2.
    private func brokenPresence(_ actions: LaneActions, _ setting: CheckerSetting) -> String? {
        if new.sensors.levels != after.ghost.levels { return "a contact is not as the lane believes" }
        if new.sensors.uncertain != after.ghost.uncertain { return "lost edges are forgotten, or never healed" }
        guard after.ghost.hasPresence(new) else { return nil }
        if new.arm.isLowering { return "the lower relay is on, or about to be, with presence" }
        for index in 0..<actions.count where actions[index] == .drive(.lower, energised: true) {
            return "lowered with presence"
        }
        if new.arm.position == .closing { return "the arm comes down with presence" }
        guard wasComingDown(setting) else { return nil }
        let drive = new.arm.drive
        let isRaised = drive.energised == .raise || drive.pending == .raise
        if !isRaised || new.arm.position != .opening && new.arm.position != .open {
            return "presence under an arm that comes down does not raise it in the same step"
        }
        if drive.pending == .raise && setting.timings.deadTime == .zero { return "a dead time of zero is waited for" }
        return nil
    }

    /// The lower relay was energised and the arm was not seen to arrive; or the lane believes that it comes down.
    private func wasComingDown(_ setting: CheckerSetting) -> Bool {
        if before.ghost.comesDown(setting, at: new.now) { return true }
        return switch old.arm.position {
        case .closing: true
        case .unknown: old.arm.has(.closedLimitMissed)
        // It leaves the open limit by itself.
        case .open: before.ghost.isAtOpen && !after.ghost.isAtOpen && new.arm.position != .stopped
        case .closed, .opening, .stopped: false
        }
    }

    /// LANE-3 and LANE-5.
    private func brokenCause(_ actions: LaneActions) -> String? {
        var isRaised = false
        for index in 0..<actions.count {
            guard case .raised(let cause) = actions[index] else { continue }
            isRaised = true
            if let why = brokenRaise(cause, actions) { return why }
        }
        if new.arm.drive.energised == .raise && old.arm.drive.energised != .raise && !isRaised
            && old.arm.drive.pending != .raise
        {
            return "the raise relay is energised and nobody said why"
        }
        for slot in 0..<2 {
            let passage = new.passages[slot]
            let mandate = after.ghost.mandate(passage.token)
            if passage.cause == .verdict && !mandate.isAllowed { return "released on another's verdict" }
            if passage.cause == .person && !mandate.isByPerson { return "released on another's order" }
            if passage.holdsArm && passage.cause != .verdict && passage.cause != .person {
                return "the arm is kept up for a vehicle without a release"
            }
            if passage.follower.isAllowed && !after.ghost.mandate(passage.follower.token).isAllowed {
                return "a follower goes by another's verdict"
            }
        }
        return nil
    }

    private func brokenRaise(_ cause: RaiseCause, _ actions: LaneActions) -> String? {
        switch cause {
        case .verdict, .person:
            for slot in 0..<2 where new.passages[slot].cause == cause { return nil }
            // Due before an order of the same instant that ended it.
            for index in 0..<actions.count {
                guard case .passEnded(let end) = actions[index], end.cause == cause else { continue }
                let mandate = after.ghost.mandate(end.token)
                return mandate.isAllowed || mandate.isByPerson ? nil : "raised on another's word"
            }
            return "raised for a vehicle that is not there"
        case .hold:
            return after.ghost.isHeld ? nil : "raised and nobody holds it"
        case .fire:
            return after.ghost.levels.contains(.fireAlarm) ? nil : "raised for a fire that is not"
        case .protection:
            return after.ghost.hasPresence(new) && old.arm.position != .closed ? nil : "raised with nothing to protect"
        case .maintenance:
            guard case .order(.energise(.raise, true)) = event, new.isInMaintenance else {
                return "raised by hand and no hand did"
            }
            return nil
        }
    }

    /// The arm comes down only when nobody is under it or is to go under it.
    private func brokenLowering(_ actions: LaneActions, _ setting: CheckerSetting) -> String? {
        let isDriven = new.arm.isLowering && !old.arm.isLowering
        let hasFallen = before.ghost.isAtOpen && !after.ghost.isAtOpen
        let comesDown = new.arm.position == .closing && old.arm.position != .closing && !hasFallen
        if isDriven && new.arm.position != .closing { return "the lower relay without a lowering" }
        guard isDriven || comesDown else { return nil }
        if after.ghost.levels.contains(.fireAlarm) { return "lowered in a fire" }
        let clear = after.ghost.clearSince
        if clear == .max || new.now.nanoseconds < clear + setting.timings.closeDelay.nanoseconds {
            return "lowered before presence was clear for the close delay"
        }
        if new.isInMaintenance {
            guard case .order(.energise(.lower, true)) = event else { return "lowered by itself in maintenance" }
            return nil
        }
        if after.ghost.isHeld { return "lowered while it is held open" }
        if after.ghost.isHalted { return "lowered after a person halted it" }
        if after.ghost.levels.contains(.mainsFail) && !setting.fitting.hasBackupPower {
            return "lowered while the mains fail"
        }
        for slot in 0..<2 where new.passages[slot].holdsArm { return "lowered before a released vehicle" }
        for slot in 0..<setting.slots {
            let passage = old.passages[slot]
            guard passage.phase == .passing || passage.phase == .straddling else { continue }
            let bit: UInt8 = 1 << UInt8(passage.side)
            if !setting.fitting.trustsGaps && after.ghost.mayTrail & bit != 0 && new.isOnApproach(passage.side) {
                return "lowered before what may be a trailer"
            }
        }
        return nil
    }

    /// Fire, halt, lock-down and maintenance.
    private func brokenMode(_ actions: LaneActions) -> String? {
        let arm = new.arm
        let isBurning = after.ghost.levels.contains(.fireAlarm)
        if isBurning {
            if arm.isLowering || arm.position == .closing { return "the arm comes down in a fire" }
            if !before.ghost.levels.contains(.fireAlarm) {
                let isRaised = arm.drive.energised == .raise || arm.drive.pending == .raise
                let isUp = arm.position == .opening || arm.position == .open
                if !isRaised || !isUp { return "the fire alarm does not raise" }
            }
            if new.isInMaintenance { return "maintenance goes on in a fire" }
        }
        if isBurning || new.isHeldOpen || new.passages[0].holdsArm || new.passages[1].holdsArm {
            let isUp = arm.position == .opening || arm.position == .open || arm.has(.openLimitMissed)
            let isHalted = after.ghost.isHalted && arm.position == .stopped
            if !isUp && !isHalted { return "the arm is wanted up and stays down" }
        }
        if new.isLockedDown {
            for slot in 0..<2 where new.passages[slot].phase == .released { return "released while locked down" }
            if new.isHeldOpen { return "held open and locked down" }
        }
        if arm.position == .stopped && arm.drive.energised != nil { return "a halted arm is driven" }
        return nil
    }

    /// LANE-4: what was live or came into being in this step is live still, or has had one outcome.
    private func brokenTokens(_ actions: LaneActions) -> String? {
        var ended: InlineArray<8, UInt64> = InlineArray(repeating: 0)
        var count = 0
        for index in 0..<actions.count {
            guard case .passEnded(let end) = actions[index] else { continue }
            if end.token == .none { return "an outcome for nobody" }
            for other in 0..<count where ended[other] == end.token.value { return "a vehicle with two outcomes" }
            if count == 8 { return "more than eight outcomes in a step" }
            ended[count] = end.token.value
            count += 1
            if new.isLive(end.token) { return "a vehicle has its outcome and is served still" }
            if !old.isLive(end.token) && !isNew(end.token) { return "an outcome for a vehicle that had one" }
        }
        func hasEnded(_ token: VehicleToken) -> Bool {
            for index in 0..<count where ended[index] == token.value { return true }
            return false
        }
        func isLost(_ token: VehicleToken) -> Bool { token != .none && !new.isLive(token) && !hasEnded(token) }
        for slot in 0..<2 where isLost(old.passages[slot].token) || isLost(old.passages[slot].follower.token) {
            return "a vehicle without an outcome"
        }
        if isLost(old.opening) { return "an opening without an outcome" }
        for slot in 0..<2 where new.passages[slot].token == .none {
            let timers = new.timers
            if timers.isRunning(.deadline(slot)) || timers.isRunning(.gone(slot)) || timers.isRunning(.retry(slot)) {
                return "a timer outlives its vehicle"
            }
        }
        for side in 0..<2 {
            var number = old.tokenCounts[side]
            while number < new.tokenCounts[side] {
                number += 1
                let token = VehicleToken(boot: CheckerSetting.boot, lane: new.lanes[side], count: number)
                if isLost(token) { return "a new vehicle without an outcome" }
            }
        }
        return nil
    }

    /// LANE-4: each raise is on somebody's account, who is there still, or has had the outcome in this step.
    private func brokenAccount(_ actions: LaneActions) -> String? {
        var hasEnded = false
        for index in 0..<actions.count { if case .passEnded = actions[index] { hasEnded = true } }
        guard new.opening == .none && !hasEnded else { return nil }
        var lane = new
        for index in 0..<actions.count {
            guard case .raised(let cause) = actions[index] else { continue }
            switch cause {
            // Their vehicle is there: brokenRaise.
            case .verdict, .person: break
            case .hold, .fire, .maintenance: return "a raise without an outcome"
            case .protection:
                if (0..<2).contains(where: { lane.passages[$0].token != .none && lane.isUnder($0) }) { break }
                return "a raise without an outcome"
            }
        }
        return nil
    }

    private func isNew(_ token: VehicleToken) -> Bool {
        for side in 0..<2 {
            let first = VehicleToken(boot: CheckerSetting.boot, lane: new.lanes[side], count: old.tokenCounts[side] + 1)
            let last = VehicleToken(boot: CheckerSetting.boot, lane: new.lanes[side], count: new.tokenCounts[side])
            if token.value >= first.value && token.value <= last.value { return true }
        }
        return false
    }
}
