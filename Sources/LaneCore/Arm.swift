// The arm: what it was told, where it is by its limit switches or by the time it needs, and whether it obeyed.
//
// Only a limit switch proves a position; without one the travel time stands for it. A limit that is missed, lost
// without an order, or contradicted is a fault, and the position is unknown from then on.

import Domain

struct Arm: Sendable {
    enum Position: UInt8, Sendable {
        case closed
        case opening
        case open
        case closing
        /// Halted by a person.
        case stopped
        case unknown
    }

    private(set) var position = Position.closed
    private(set) var drive: ArmDrive
    /// The limits as the switches say it; both false while they contradict.
    private(set) var isAtOpen = false
    private(set) var isAtClosed = false
    /// The bits of `Fault`.
    private(set) var faults: UInt8 = 0
    /// When the way began, for the measured travel.
    private var beganAt = Instant(nanoseconds: 0)
    /// The end of a whole way that is being measured.
    private var measured: Position?

    private let kind: BarrierDrive
    private let deadTime: Interval
    private let raiseTravel: Interval
    private let lowerTravel: Interval
    private let unattended: Interval
    private let hasOpenLimit: Bool
    private let hasClosedLimit: Bool

    enum Fault: UInt8 {
        case openLimitMissed = 1
        case closedLimitMissed = 2
        case movedUnordered = 4
        case limitsContradict = 8

        var word: LaneFault {
            switch self {
            case .openLimitMissed: .openLimitMissed
            case .closedLimitMissed: .closedLimitMissed
            case .movedUnordered: .movedUnordered
            case .limitsContradict: .limitsContradict
            }
        }
    }

    init(_ timings: LaneTimings, _ fitting: LaneFitting) {
        kind = fitting.drive
        deadTime = timings.deadTime
        raiseTravel = timings.raiseTravel
        lowerTravel = timings.lowerTravel
        unattended = timings.unattended
        hasOpenLimit = fitting.sensors.contains(.openLimit)
        hasClosedLimit = fitting.sensors.contains(.closedLimit)
        drive = ArmDrive(kind: fitting.drive, pulse: timings.relayPulse, deadTime: timings.deadTime)
    }

    @inline(__always)
    var isLowering: Bool { drive.isLowering }

    @inline(__always)
    func has(_ fault: Fault) -> Bool { faults & fault.rawValue != 0 }

    /// At start nothing moves, and nothing is held against an arm that is not where it should be.
    mutating func start(_ levels: SensorSet, at now: Instant, _ timers: inout LaneTimers) {
        readLimits(levels)
        if hasClosedLimit {
            position = isAtClosed ? .closed : isAtOpen ? .open : .unknown
        } else if hasOpenLimit && isAtOpen {
            position = .open
        }
        if position != .closed { timers.start(.unattended, at: now + unattended) }
    }

    // MARK: orders

    mutating func raise(
        at now: Instant, _ timers: inout LaneTimers, _ actions: inout LaneActions
    ) {
        // One that was told to come down may leave the open limit yet, before it turns.
        let isThere = isAtOpen && position == .open
        drive.order(.raise, at: now, &timers, &actions)
        begin(.opening, at: now, within: raiseTravel, &timers)
        if isThere { arrived(.open, at: now, &timers, &actions) }
    }

    mutating func lower(
        at now: Instant, _ timers: inout LaneTimers, _ actions: inout LaneActions
    ) {
        drive.order(.lower, at: now, &timers, &actions)
        // A closed limit that is there already may be stuck: the arm counts as coming down for its whole travel.
        begin(.closing, at: now, within: lowerTravel, &timers)
    }

    /// Off both limits without an order, where the limits would show that it was only opened or only fell.
    @inline(__always)
    var isKnockedOff: Bool { has(.movedUnordered) && hasOpenLimit && hasClosedLimit && !isAtOpen }

    /// It was told to come down, or left the open limit by itself, and was not seen to arrive.
    @inline(__always)
    var isComingDown: Bool { position == .closing || position == .unknown && has(.closedLimitMissed) }

    /// A halted arm may move again.
    mutating func resume() {
        guard position == .stopped else { return }
        position = isAtClosed ? .closed : isAtOpen ? .open : .unknown
    }

    mutating func halt(
        at now: Instant, _ timers: inout LaneTimers, _ actions: inout LaneActions
    ) {
        drive.halt(at: now, &timers, &actions)
        timers.cancel(.unattended)
        measured = nil
        if position != .closed { position = .stopped }
    }

    /// LANE-2: nothing falls from here on in this step.
    mutating func stopLowering(
        at now: Instant, _ timers: inout LaneTimers, _ actions: inout LaneActions
    ) {
        drive.stopLowering(at: now, &timers, &actions)
    }

    @inline(__always)
    private mutating func begin(
        _ way: Position, at now: Instant, within travel: Interval,
        _ timers: inout LaneTimers
    ) {
        measured = nil
        if way == .opening && position == .closed { measured = .open }
        if way == .closing && position == .open { measured = .closed }
        beganAt = now
        position = way
        // An order that waits for its dead time arrives by as much later.
        timers.start(.travel, at: drive.pending == nil ? now + travel : now + deadTime + travel)
        timers.cancel(.unattended)
    }

    // MARK: what the arm does

    mutating func limitsChanged(
        _ levels: SensorSet, at now: Instant, _ timers: inout LaneTimers,
        _ actions: inout LaneActions
    ) {
        let wasAtOpen = isAtOpen
        let wasAtClosed = isAtClosed
        readLimits(levels)
        note(.limitsContradict, levels.contains(.openLimit) && levels.contains(.closedLimit), &actions)
        if isAtClosed && !wasAtClosed { reachedClosed(at: now, &timers, &actions) }
        if isAtOpen && !wasAtOpen { reachedOpen(at: now, &timers, &actions) }
        switch position {
        case .closed:
            if hasClosedLimit && !isAtClosed { movedUnordered(at: now, &timers, &actions) }
        case .open:
            if hasOpenLimit && !isAtOpen { movedUnordered(at: now, &timers, &actions) }
        case .opening, .closing, .stopped, .unknown:
            break
        }
    }

    /// The travel time is over: the arm has arrived where no switch tells, and is at fault where one does.
    mutating func travelEnded(
        at now: Instant, _ timers: inout LaneTimers, _ actions: inout LaneActions
    ) {
        switch position {
        case .opening:
            if isAtOpen {
                arrived(.open, at: now, &timers, &actions)
            } else if hasOpenLimit || isAtClosed {
                note(.openLimitMissed, true, &actions)
                position = .unknown
                timers.start(.unattended, at: now + unattended)
            } else {
                note(.openLimitMissed, false, &actions)
                position = .open
            }
        case .closing:
            drive.rest(at: now, &timers, &actions)
            if hasClosedLimit && !isAtClosed || isAtOpen {
                note(.closedLimitMissed, true, &actions)
                position = isAtOpen ? .open : .unknown
                timers.start(.unattended, at: now + unattended)
            } else {
                reachedClosed(at: now, &timers, &actions)
            }
        case .closed, .open, .stopped, .unknown:
            break
        }
    }

    mutating func timerEnded(
        _ timer: LaneTimer, at now: Instant, _ timers: inout LaneTimers,
        _ actions: inout LaneActions
    ) {
        switch timer {
        case .pulse: drive.release(at: now, &timers, &actions)
        case .deadTime: drive.deadTimeEnded(at: now, &timers, &actions)
        case .stopPulse: drive.stopPulseEnded(&actions)
        case .travel: travelEnded(at: now, &timers, &actions)
        default: break
        }
    }

    @inline(__always)
    private mutating func readLimits(_ levels: SensorSet) {
        let isOpen = levels.contains(.openLimit)
        let isClosed = levels.contains(.closedLimit)
        isAtOpen = isOpen && !isClosed
        isAtClosed = isClosed && !isOpen
    }

    private mutating func reachedClosed(
        at now: Instant, _ timers: inout LaneTimers, _ actions: inout LaneActions
    ) {
        note(.closedLimitMissed, false, &actions)
        note(.movedUnordered, false, &actions)
        switch position {
        case .closing, .open, .unknown:
            drive.forget()
            if kind == .maintained { drive.rest(at: now, &timers, &actions) }
            arrived(.closed, at: now, &timers, &actions)
        case .opening, .closed, .stopped:
            // It has not left the closed limit yet, or waits for a person's word.
            break
        }
    }

    private mutating func reachedOpen(
        at now: Instant, _ timers: inout LaneTimers, _ actions: inout LaneActions
    ) {
        note(.openLimitMissed, false, &actions)
        switch position {
        case .opening:
            arrived(.open, at: now, &timers, &actions)
        case .closed, .stopped, .unknown:
            measure(.open, at: now, &actions)
            if position != .stopped { timers.start(.unattended, at: now + unattended) }
            position = position == .stopped ? .stopped : .open
        case .closing, .open:
            break
        }
    }

    @inline(__always)
    private mutating func arrived(
        _ end: Position, at now: Instant, _ timers: inout LaneTimers, _ actions: inout LaneActions
    ) {
        measure(end, at: now, &actions)
        position = end
        timers.cancel(.travel)
        timers.cancel(.unattended)
    }

    /// A way that took longer than it may is measured too, for it is what `raiseTravel` and `lowerTravel` are set by.
    @inline(__always)
    private mutating func measure(_ end: Position, at now: Instant, _ actions: inout LaneActions) {
        if measured == end { actions.append(.travelled(isUp: end == .open, now.since(beganAt))) }
        measured = nil
    }

    @inline(__always)
    private mutating func movedUnordered(
        at now: Instant, _ timers: inout LaneTimers, _ actions: inout LaneActions
    ) {
        note(.movedUnordered, true, &actions)
        if position == .open {
            // It falls, or is cranked down.
            position = .closing
            measured = nil
            timers.cancel(.unattended)
            timers.start(.travel, at: now + lowerTravel)
        } else {
            position = isAtOpen ? .open : .unknown
            timers.start(.unattended, at: now + unattended)
        }
    }

    private mutating func note(_ fault: Fault, _ isRaised: Bool, _ actions: inout LaneActions) {
        guard has(fault) != isRaised else { return }
        faults ^= fault.rawValue
        actions.append(.fault(fault.word, isRaised: isRaised))
    }
}
