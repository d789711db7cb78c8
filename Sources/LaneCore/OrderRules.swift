// What persons, the schedule, the fire alarm and the technician want of the lane.

import Domain

extension LaneCore {
    mutating func obey(_ order: LaneOrder, _ actions: inout LaneActions) {
        switch order {
        case .release(let lane, let token): releaseByPerson(lane, token, &actions)
        case .close: close(&actions)
        case .stop: arm.halt(at: now, &timers, &actions)
        case .hold(let isOn): hold(isOn, &actions)
        case .lockdown(let isOn): lockDown(isOn, &actions)
        case .maintenance(let isOn):
            if isOn { beginMaintenance(&actions) } else { endMaintenance(&actions) }
        case .energise(let output, let isOn): energise(output, isOn, &actions)
        case .identifyAgain(let lane): identifyAgain(lane, &actions)
        }
    }

    mutating func contactChanged(_ sensor: LaneSensor, _ isActive: Bool, _ actions: inout LaneActions) {
        switch sensor {
        case .fireAlarm:
            fireChanged(&actions)
        case .guardOpen, .exitRequest:
            if isActive { askRelease(sensor, &actions) }
        case .guardClose:
            if isActive { close(&actions) }
        case .guardStop:
            if isActive { arm.halt(at: now, &timers, &actions) }
        case .tamper, .mainsFail, .approach, .safety, .clearing, .curtain, .radar, .secondApproach, .secondSafety,
            .secondClearing, .openLimit, .closedLimit:
            break
        }
    }

    /// A button opens for the vehicle that waits, and only once the release is on record.
    private mutating func askRelease(_ sensor: LaneSensor, _ actions: inout LaneActions) {
        guard !isInMaintenance else { return }
        var asked = 0
        for slot in 0..<slotCount where passages[slot].phase == .refused || passages[slot].phase == .identifying {
            asked = slot
        }
        actions.append(.releaseAsked(lanes[passages[asked].side], passages[asked].token, by: sensor))
    }

    private mutating func releaseByPerson(_ lane: LaneID, _ token: VehicleToken, _ actions: inout LaneActions) {
        guard !isInMaintenance, !isLockedDown else { return }
        for side in 0..<2 where lanes[side] == lane {
            let slot = slot(ofSide: side)
            guard passages[slot].token == token, !hasGoneForward(slot) else { return }
            switch passages[slot].phase {
            case .idle:
                takeToken(slot, side: side, arrivedAt: now)
                passages[slot].isBlind = true
                arm.resume()
                release(slot, .person, &actions)
            case .identifying, .refused:
                arm.resume()
                release(slot, .person, &actions)
            case .released, .passing, .straddling, .intruded, .unsettled:
                break
            }
            return
        }
    }

    private mutating func close(_ actions: inout LaneActions) {
        arm.resume()
        timers.cancel(.unattended)
        if isHeldOpen { hold(false, &actions) }
        expireReleases(&actions)
    }

    private mutating func expireReleases(_ actions: inout LaneActions) {
        for slot in 0..<slotCount where passages[slot].phase == .released {
            end(slot, .expired, at: now, &actions)
        }
    }

    // MARK: modes

    private mutating func hold(_ isOn: Bool, _ actions: inout LaneActions) {
        guard !isInMaintenance, isHeldOpen != isOn else { return }
        isHeldOpen = isOn
        if isOn {
            if isLockedDown { lockDown(false, &actions) }
            arm.resume()
            open(.hold, &actions)
        } else {
            endOpening(&actions)
        }
    }

    private mutating func lockDown(_ isOn: Bool, _ actions: inout LaneActions) {
        guard !isInMaintenance, isLockedDown != isOn else { return }
        isLockedDown = isOn
        if isOn {
            if isHeldOpen { hold(false, &actions) }
            expireReleases(&actions)
        } else {
            for slot in 0..<slotCount where passages[slot].isLockedOut {
                end(slot, .expired, at: now, &actions)
            }
        }
    }

    private mutating func identifyAgain(_ lane: LaneID, _ actions: inout LaneActions) {
        for slot in 0..<slotCount where lanes[passages[slot].side] == lane && passages[slot].phase == .refused {
            guard !passages[slot].hasEntered else { continue }
            end(slot, .expired, at: now, &actions)
        }
    }

    /// A fire alarm raises in this step, whatever else holds.
    mutating func fireChanged(_ actions: inout LaneActions) {
        guard sensors.active.contains(.fireAlarm) else {
            endOpening(&actions)
            return
        }
        if isInMaintenance { endMaintenance(&actions) }
        arm.resume()
        open(.fire, &actions)
    }

    // MARK: maintenance

    private mutating func beginMaintenance(_ actions: inout LaneActions) {
        guard !sensors.active.contains(.fireAlarm) else { return }
        if !isInMaintenance {
            if isHeldOpen { hold(false, &actions) }
            if isLockedDown { lockDown(false, &actions) }
            for slot in 0..<slotCount where passages[slot].token != .none {
                let follower = passages[slot].follower
                end(slot, .aborted, at: now, &actions)
                guard follower.token != .none else { continue }
                promote(slot, Follower(token: follower.token), &actions)
                end(slot, .aborted, at: now, &actions)
            }
        }
        isInMaintenance = true
        armed = 0
        timers.start(.maintenance, at: now + timings.maintenance)
    }

    mutating func endMaintenance(_ actions: inout LaneActions) {
        guard isInMaintenance else { return }
        isInMaintenance = false
        timers.cancel(.maintenance)
        // A movement that runs goes on under the rules of every other.
        arm.resume()
        endOpening(&actions)
        // Whoever stands under the arm now was not seen coming.
        for slot in 0..<slotCount where isUnder(slot) {
            takeToken(slot, side: slot, arrivedAt: now)
            passages[slot].phase = .unsettled
        }
    }

    private mutating func energise(_ output: LaneOutput, _ isOn: Bool, _ actions: inout LaneActions) {
        guard isInMaintenance else { return }
        switch output {
        case .raise:
            if isOn { open(.maintenance, &actions) }
        case .lower:
            if isOn && isClear { arm.lower(at: now, &timers, &actions) }
        case .stop:
            if isOn { arm.halt(at: now, &timers, &actions) }
        case .green, .red, .secondGreen, .secondRed, .fill, .siren, .beacon, .trigger, .secondTrigger:
            let bit: UInt16 = 1 << UInt16(output.rawValue)
            armed = isOn ? armed | bit : armed & ~bit
        }
    }

    // MARK: openings

    /// Raises for nobody in particular. The opening has a token and an outcome of its own.
    mutating func open(_ cause: RaiseCause, _ actions: inout LaneActions) {
        if opening == .none {
            opening = newToken(0)
            openingCause = cause
            openedAt = now
        }
        raise(cause, &actions)
    }

    /// An opening for protection lasts until presence has been clear, or as long as what it came into.
    @inline(__always)
    mutating func endProtection(_ actions: inout LaneActions) {
        if openingCause == .protection { endOpening(&actions) }
    }

    private mutating func endOpening(_ actions: inout LaneActions) {
        guard opening != .none, !isFreeForAll, !isInMaintenance else { return }
        var end = PassEnd(
            lane: lanes[0], token: opening, outcome: .expired, arrivedAt: openedAt, raisedAt: openedAt, enteredAt: nil,
            endedAt: now)
        end.cause = openingCause
        actions.append(.passEnded(end))
        opening = .none
    }
}
