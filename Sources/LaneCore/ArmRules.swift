// When the arm goes up and comes down: the one place where a movement is ordered.

import Domain

extension LaneCore {
    mutating func raise(_ cause: RaiseCause, _ actions: inout LaneActions) {
        actions.append(.raised(cause))
        arm.raise(at: now, &timers, &actions)
    }

    mutating func soundSiren() {
        timers.start(.siren, at: now + timings.siren)
    }

    /// Somebody or something keeps the arm up.
    private var isWantedUp: Bool {
        isFreeForAll || passages[0].holdsArm || passages[1].holdsArm
    }

    private var isPowerFailing: Bool { sensors.active.contains(.mainsFail) && !fitting.hasBackupPower }

    /// Ends each step: the arm follows what the lane has come to.
    @inline(__always)
    mutating func govern(_ actions: inout LaneActions) {
        guard !isInMaintenance else { return }
        if isWantedUp {
            if mustRaiseAgain { raise(standingCause(), &actions) }
            return
        }
        guard isClear, !isPowerFailing, mayLower else { return }
        arm.lower(at: now, &timers, &actions)
    }

    private mutating func standingCause() -> RaiseCause {
        if sensors.active.contains(.fireAlarm) { return .fire }
        if isHeldOpen { return .hold }
        return passages[0].cause ?? passages[1].cause ?? .protection
    }

    /// Fell, was cranked down, or may be down since a person halted it. An arm that did not come up is not tried again.
    private var mustRaiseAgain: Bool {
        switch arm.position {
        case .opening, .open, .stopped: false
        case .closed, .closing, .unknown: !arm.has(.openLimitMissed)
        }
    }

    private var mayLower: Bool {
        switch arm.position {
        case .closed, .closing, .stopped: false
        case .opening: true
        case .open: !timers.isRunning(.unattended)
        // An arm that was knocked off its bearing is not to be driven.
        case .unknown: !timers.isRunning(.unattended) && !arm.isKnockedOff
        }
    }
}
