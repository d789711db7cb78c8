// The rules of one vehicle's passage: it arrives, is asked for, released or refused, goes under the arm, and is gone.

import Domain

extension LaneCore {
    // MARK: arriving

    /// Whoever stands on an approach loop, or under the arm, and is not being served, is served now.
    @inline(__always)
    mutating func serveArrivals(_ actions: inout LaneActions) {
        guard !isInMaintenance else { return }
        for slot in 0..<slotCount where passages[slot].phase == .idle {
            if isUnder(slot) {
                intrude(slot, &actions)
            } else if isOnApproach(slot) && !isDeparting(slot) {
                arrive(slot, side: slot, &actions)
            } else if fitting.layout == .opposed && isOnApproach(1) && !isDeparting(1) {
                arrive(slot, side: 1, &actions)
            }
        }
        for slot in 0..<slotCount where passages[slot].isBlind && isOnApproach(passages[slot].side) {
            passages[slot].isBlind = false
        }
    }

    @inline(__always)
    func isDeparting(_ side: Int) -> Bool { departing & (1 << UInt8(side)) != 0 }

    private mutating func arrive(_ slot: Int, side: Int, _ actions: inout LaneActions) {
        takeToken(slot, side: side, arrivedAt: approachSince[side])
        passages[slot].phase = .identifying
        ask(slot, passages[slot].token, arrivedAt: approachSince[side], &actions)
    }

    /// Asks who a vehicle is, for the first time.
    mutating func ask(_ slot: Int, _ token: VehicleToken, arrivedAt: Instant, _ actions: inout LaneActions) {
        let side = passages[slot].side
        timers.start(.deadline(slot), at: now + timings.verdictDeadline)
        passages[slot].attempt = 1
        timers.start(.trigger(side), at: now + timings.trigger)
        actions.append(.identify(lanes[side], token, arrivedAt: arrivedAt, attempt: 1))
        if fitting.attempts > 1 { timers.start(.retry(slot), at: now + retryInterval) }
    }

    mutating func retryIdentification(_ slot: Int, _ actions: inout LaneActions) {
        guard passages[slot].phase == .identifying, passages[slot].attempt < fitting.attempts else { return }
        passages[slot].attempt += 1
        let side = passages[slot].side
        timers.start(.trigger(side), at: now + timings.trigger)
        actions.append(
            .identify(
                lanes[side], passages[slot].token, arrivedAt: passages[slot].arrivedAt,
                attempt: passages[slot].attempt))
        if passages[slot].attempt < fitting.attempts { timers.start(.retry(slot), at: now + retryInterval) }
    }

    // MARK: verdicts

    mutating func verdictArrived(_ verdict: Verdict, _ actions: inout LaneActions) {
        for slot in 0..<slotCount where lanes[passages[slot].side] == verdict.lane {
            if passages[slot].token == verdict.token {
                decide(slot, verdict.reason, &actions)
            } else if passages[slot].follower.token == verdict.token {
                decideFollower(slot, verdict.reason, &actions)
            }
        }
    }

    private mutating func decide(_ slot: Int, _ reason: VerdictReason, _ actions: inout LaneActions) {
        guard passages[slot].token != .none, !passages[slot].isDecided else { return }
        passages[slot].isDecided = true
        guard !hasGoneForward(slot) else { return }
        switch passages[slot].phase {
        case .identifying, .refused:
            if !reason.allows {
                refuse(slot, reason)
            } else if isLockedDown {
                refuse(slot, reason)
                passages[slot].isLockedOut = true
            } else {
                release(slot, .verdict, &actions)
            }
        case .idle, .released, .passing, .straddling, .intruded, .unsettled:
            break
        }
    }

    /// It went under the arm, left the approach loop, and is not under the arm any more: whoever comes onto the
    /// approach loop now is another (LANE-5).
    @inline(__always)
    mutating func hasGoneForward(_ slot: Int) -> Bool {
        passages[slot].hasEntered && passages[slot].hasLeftApproach && !isUnder(slot)
    }

    private mutating func refuse(_ slot: Int, _ reason: VerdictReason) {
        passages[slot].phase = .refused
        passages[slot].refusal = reason
        timers.cancel(.deadline(slot))
        timers.cancel(.retry(slot))
    }

    mutating func release(_ slot: Int, _ cause: RaiseCause, _ actions: inout LaneActions) {
        precondition(cause == .person || passages[slot].isDecided, "LANE-3 a raise has its verdict")
        passages[slot].cause = cause
        passages[slot].raisedAt = now
        passages[slot].isLockedOut = false
        timers.cancel(.retry(slot))
        if passages[slot].hasEntered && isUnder(slot) {
            passages[slot].phase = .passing
            timers.cancel(.deadline(slot))
        } else {
            passages[slot].phase = .released
            timers.start(.deadline(slot), at: now + timings.authorisedWindow)
        }
        if arm.position != .opening { raise(cause, &actions) }
    }

    mutating func deadlinePassed(_ slot: Int, _ actions: inout LaneActions) {
        let lane = lanes[passages[slot].side]
        switch passages[slot].phase {
        case .identifying:
            actions.append(.identificationOverdue(lane, passages[slot].token))
            refuse(slot, .notIdentified)
        case .released:
            end(slot, arm.has(.openLimitMissed) ? .aborted : .expired, at: now, &actions)
        case .passing, .straddling:
            guard passages[slot].follower.token != .none, !passages[slot].follower.isDecided else { break }
            actions.append(.identificationOverdue(lane, passages[slot].follower.token))
        case .idle, .refused, .intruded, .unsettled:
            break
        }
    }

    // MARK: under the arm

    mutating func vehicleEntered(_ slot: Int, _ actions: inout LaneActions) {
        switch passages[slot].phase {
        case .idle:
            if !isInMaintenance { intrude(slot, &actions) }
        case .identifying, .refused:
            enter(slot)
        case .released:
            enter(slot)
            passages[slot].isBlind = false
            passages[slot].phase = .passing
            timers.cancel(.deadline(slot))
        case .straddling:
            passages[slot].phase = .passing
            actions.append(.fault(.straddled, isRaised: false))
        case .passing:
            // The approach loop became clear during an axle gap over the safety loop.
            guard !isOnApproach(passages[slot].side) else { break }
            passages[slot].hasLeftApproach = true
            if passages[slot].follower.state == .waiting { passages[slot].follower.state = .entering }
        case .intruded, .unsettled:
            break
        }
    }

    @inline(__always)
    private mutating func enter(_ slot: Int) {
        guard !passages[slot].hasEntered else { return }
        passages[slot].hasEntered = true
        passages[slot].enteredAt = now
        passages[slot].isFree = isFreeForAll
        passages[slot].hasLeftApproach = !isOnApproach(passages[slot].side)
    }

    /// Nobody is accused of passing while the gate stands open for everybody.
    var isFreeForAll: Bool { isHeldOpen || sensors.active.contains(.fireAlarm) }

    /// A vehicle is under the arm that nobody asked for.
    private mutating func intrude(_ slot: Int, _ actions: inout LaneActions) {
        var side = slot
        if fitting.layout == .opposed && isOnApproach(1) && !isOnApproach(0) { side = 1 }
        takeToken(slot, side: side, arrivedAt: now)
        let isDoubtful =
            SensorSet(bits: sensors.active.bits & under(slot).bits & ~sensors.doubtful.bits) == .none
        passages[slot].phase = isDoubtful ? .unsettled : .intruded
        passages[slot].isReverse = !isOnApproach(side)
        enter(slot)
        if !isDoubtful && !passages[slot].isFree { soundSiren() }
    }

    @inline(__always)
    mutating func clearingReached(_ side: Int) {
        let slot = slot(ofSide: side)
        if passages[slot].side == side && passages[slot].hasEntered { passages[slot].hasReachedClearing = true }
    }

    // MARK: approach loop

    @inline(__always)
    mutating func approachChanged(_ side: Int, _ actions: inout LaneActions) {
        let slot = slot(ofSide: side)
        let isOwn = passages[slot].side == side
        guard isOnApproach(side) else {
            timers.start(.gap(side), at: now + timings.axleGap)
            guard isOwn, isUnder(slot) else { return }
            // Only while the vehicle holds the safety loop does a clear approach loop mean that it went forward.
            if passages[slot].hasEntered { passages[slot].hasLeftApproach = true }
            if passages[slot].follower.state == .waiting { passages[slot].follower.state = .entering }
            return
        }
        let isAxle = timers.isRunning(.gap(side))
        timers.cancel(.gap(side))
        if !isAxle { approachSince[side] = now }
        guard isOwn, passages[slot].hasEntered else { return }
        if passages[slot].follower.state == .entering {
            passages[slot].follower.state = .waiting
            if passages[slot].follower.isSuspected { passages[slot].hasLeftApproach = false }
        } else if isAxle && passages[slot].follower.state == .none {
            passages[slot].hasLeftApproach = false
        } else if passages[slot].phase == .passing && passages[slot].follower.state == .none {
            followerSeen(slot, isSuspected: false, &actions)
        }
    }

    /// The approach loop has been clear for longer than an axle gap.
    @inline(__always)
    mutating func approachGone(side: Int, _ actions: inout LaneActions) {
        departing &= ~(1 << UInt8(side))
        let slot = slot(ofSide: side)
        guard passages[slot].side == side else { return }
        switch passages[slot].phase {
        case .passing: followerLeftApproach(slot, &actions)
        case .straddling: straddleResolved(slot, &actions)
        case .idle, .identifying, .refused, .released, .intruded, .unsettled: break
        }
    }

    // MARK: gone

    /// Starts and stops the time after which a vehicle counts as gone, by the phase's own measure.
    @inline(__always)
    mutating func watchVehicles() {
        for slot in 0..<slotCount {
            if passages[slot].phase == .idle || passages[slot].phase == .straddling {
                timers.cancel(.gone(slot))
                continue
            }
            let isUnder = isUnder(slot)
            let isOnApproach = isOnApproach(passages[slot].side)
            let isHeld: Bool
            var delay = timings.closeDelay
            switch passages[slot].phase {
            case .idle, .straddling:
                isHeld = true
            case .identifying, .refused:
                isHeld = isUnder || isOnApproach && !hasGoneForward(slot)
                delay = timings.backOut
            case .released:
                isHeld = isUnder || isOnApproach || passages[slot].isBlind
                delay = timings.backOut
            case .passing, .intruded, .unsettled:
                isHeld = isUnder
            }
            if isHeld {
                timers.cancel(.gone(slot))
            } else if !timers.isRunning(.gone(slot)) {
                passages[slot].clearedAt = now
                // Nose to tail, the clearing loop never became free for a new edge.
                if passages[slot].phase == .passing && sensors.active.intersects(clearing(passages[slot].side)) {
                    passages[slot].hasReachedClearing = true
                }
                timers.start(.gone(slot), at: now + delay)
            }
        }
    }

    @inline(__always)
    mutating func vehicleGone(_ slot: Int, _ actions: inout LaneActions) {
        let goneAt = passages[slot].clearedAt
        switch passages[slot].phase {
        case .identifying, .refused:
            let hasCrossed = passages[slot].hasEntered && passages[slot].hasLeftApproach
            end(slot, hasCrossed ? crossingWithoutRelease(slot) : .backedOut, at: goneAt, &actions)
        case .released:
            end(slot, arm.has(.openLimitMissed) ? .aborted : .backedOut, at: goneAt, &actions)
        case .passing:
            passed(slot, &actions)
        case .intruded:
            let side = passages[slot].side
            if passages[slot].isReverse && isOnApproach(side) { departing |= 1 << UInt8(side) }
            end(slot, crossingWithoutRelease(slot), at: goneAt, &actions)
        case .unsettled:
            end(slot, passages[slot].isFromBefore ? .interrupted : .aborted, at: goneAt, &actions)
        case .idle, .straddling:
            break
        }
    }

    private mutating func crossingWithoutRelease(_ slot: Int) -> PassOutcome {
        if passages[slot].isFromBefore { return .interrupted }
        return passages[slot].isFree ? .manual : .forced
    }

    /// The released vehicle has left the space under the arm, and its release is used up.
    private mutating func passed(_ slot: Int, _ actions: inout LaneActions) {
        let isOnApproach = isOnApproach(passages[slot].side)
        if isOnApproach && !passages[slot].hasLeftApproach && !fitting.trustsGaps {
            passages[slot].phase = .straddling
            actions.append(.fault(.straddled, isRaised: true))
            if passages[slot].follower.state == .none { followerSeen(slot, isSuspected: true, &actions) }
            return
        }
        if passages[slot].follower.state == .entering && !passages[slot].follower.isAllowed {
            followerLeftApproach(slot, &actions)
        }
        finish(slot, hasCrossed(slot, isOnApproach: isOnApproach), at: passages[slot].clearedAt, &actions)
    }

    /// With a clearing loop, who has not reached it has not gone through. Without, a vehicle that left the approach
    /// loop last has backed out; where somebody still stands there, the row is kept: one too many can be explained.
    @inline(__always)
    private mutating func hasCrossed(_ slot: Int, isOnApproach: Bool) -> Bool {
        let clearing = clearing(passages[slot].side)
        if sensors.fitted.intersects(clearing) && !sensors.doubtful.intersects(clearing) {
            return passages[slot].hasReachedClearing
        }
        return passages[slot].hasLeftApproach || isOnApproach
    }

    /// Ends a released passage, and goes on with the follower.
    mutating func finish(_ slot: Int, _ hasCrossed: Bool, at instant: Instant, _ actions: inout LaneActions) {
        let follower = passages[slot].follower
        let crossing: PassOutcome = passages[slot].cause == .person ? .manual : .completed
        if fitting.layout == .opposed && hasCrossed {
            let other = 1 - passages[slot].side
            if isOnApproach(other) || timers.isRunning(.gap(other)) { departing |= 1 << UInt8(other) }
        }
        end(slot, hasCrossed ? crossing : .backedOut, at: instant, &actions)
        if follower.token != .none { promote(slot, follower, &actions) }
    }
}
