// The rules of the vehicle behind one that is passing: it waits, backs out, passes on a release of its own while the
// arm stays up, or tailgates.

import Domain

extension LaneCore {
    /// Somebody came onto the approach loop after the passing vehicle had left it; or (suspected) may have.
    mutating func followerSeen(_ slot: Int, isSuspected: Bool, _ actions: inout LaneActions) {
        let side = passages[slot].side
        passages[slot].follower = Follower()
        passages[slot].follower.state = .waiting
        passages[slot].follower.isSuspected = isSuspected
        passages[slot].follower.arrivedAt = isSuspected ? now : approachSince[side]
        guard fitting.queuesThrough || isSuspected else { return }
        passages[slot].follower.token = newToken(side)
        ask(slot, passages[slot].follower.token, arrivedAt: passages[slot].follower.arrivedAt, &actions)
    }

    mutating func decideFollower(_ slot: Int, _ reason: VerdictReason, _ actions: inout LaneActions) {
        guard !passages[slot].follower.isDecided else { return }
        passages[slot].follower.isDecided = true
        passages[slot].follower.isAllowed = reason.allows
        passages[slot].follower.refusal = reason
        timers.cancel(.deadline(slot))
        if passages[slot].phase == .straddling && passages[slot].follower.isAllowed {
            // Another vehicle than the one before it: that one has gone.
            finish(slot, true, at: passages[slot].clearedAt, &actions)
        }
    }

    /// The approach loop became clear behind the passing vehicle, for longer than an axle gap.
    mutating func followerLeftApproach(_ slot: Int, _ actions: inout LaneActions) {
        switch passages[slot].follower.state {
        case .none:
            break
        case .waiting:
            endFollower(slot, .backedOut, &actions)
        case .entering:
            if passages[slot].follower.isAllowed {
                // Nose to tail on two releases: the first is through, the second is under the arm.
                finish(slot, true, at: now, &actions)
            } else if passages[slot].follower.isSuspected && !isNamed(passages[slot].follower) {
                endFollower(slot, .aborted, &actions)
            } else {
                endFollower(slot, isFreeForAll ? .manual : .tailgated, &actions)
            }
        }
    }

    /// A read of its own shows that it is a vehicle of its own.
    private func isNamed(_ follower: Follower) -> Bool {
        follower.isDecided && follower.refusal != .notIdentified && follower.refusal != .plateUnread
    }

    private mutating func endFollower(_ slot: Int, _ outcome: PassOutcome, _ actions: inout LaneActions) {
        let side = passages[slot].side
        let arrivedAt = passages[slot].follower.arrivedAt
        var token = passages[slot].follower.token
        passages[slot].follower = Follower()
        timers.cancel(.deadline(slot))
        if outcome == .backedOut && token == .none { return }
        if token == .none { token = newToken(side) }
        var end = PassEnd(
            lane: lanes[side], token: token, outcome: outcome, arrivedAt: arrivedAt, raisedAt: nil,
            enteredAt: outcome == .backedOut ? nil : now, endedAt: now)
        end.isReverse = false
        actions.append(.passEnded(end))
        if outcome == .tailgated { soundSiren() }
    }

    /// The approach loop has been clear for longer than an axle gap, with nobody under the arm.
    mutating func straddleResolved(_ slot: Int, _ actions: inout LaneActions) {
        endFollower(slot, .backedOut, &actions)
        let hasCrossed =
            !sensors.fitted.intersects(clearing(passages[slot].side)) || passages[slot].hasReachedClearing
        finish(slot, hasCrossed, at: now, &actions)
    }

    /// The vehicle before it is through: the follower is served in its place.
    mutating func promote(_ slot: Int, _ follower: Follower, _ actions: inout LaneActions) {
        let side = passages[slot].side
        passages[slot].token = follower.token
        passages[slot].arrivedAt = follower.arrivedAt
        passages[slot].isDecided = follower.isDecided
        passages[slot].refusal = follower.refusal
        passages[slot].phase = follower.isDecided ? .refused : .identifying
        // An undecided one keeps what is left of its deadline.
        if !follower.isDecided { timers.start(.deadline(slot), at: now + timings.verdictDeadline) }
        guard follower.isAllowed else { return }
        passages[slot].isLockedOut = isLockedDown
        if isUnder(slot) || follower.state == .entering {
            passages[slot].hasEntered = true
            passages[slot].enteredAt = now
            passages[slot].isFree = isFreeForAll
            passages[slot].hasLeftApproach = !isOnApproach(side)
        }
        guard !isLockedDown else { return }
        release(slot, .verdict, &actions)
        if follower.state == .entering && passages[slot].phase == .released {
            // It went through in the other's shadow.
            passages[slot].phase = .passing
            timers.cancel(.deadline(slot))
        }
    }
}
