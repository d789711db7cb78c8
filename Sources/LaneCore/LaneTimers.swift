// All the lane's deadlines. What the lane does later is here and nowhere else, so that a state is its flags and how
// long each of these still has to run.
//
// Limits: 34 timers, a bit each; none is ever further away than its length in `LaneTimings`.

import Domain

/// A timer of a lane. Those of a slot, a side or a sensor are found by its index.
struct LaneTimer: Equatable, Sendable {
    let index: Int

    /// The relay's pulse ends.
    static let pulse = LaneTimer(index: 0)
    /// The other relay may be energised.
    static let deadTime = LaneTimer(index: 1)
    /// The arm has arrived, or should have.
    static let travel = LaneTimer(index: 2)
    /// Presence has been clear for long enough.
    static let clear = LaneTimer(index: 3)
    static let siren = LaneTimer(index: 4)
    static let stopPulse = LaneTimer(index: 5)
    /// An arm that nobody ordered up is lowered.
    static let unattended = LaneTimer(index: 6)
    static let maintenance = LaneTimer(index: 7)

    /// The verdict's deadline, or the end of a release.
    static func deadline(_ slot: Int) -> LaneTimer { LaneTimer(index: 8 + slot) }
    /// The slot's vehicle has gone.
    static func gone(_ slot: Int) -> LaneTimer { LaneTimer(index: 10 + slot) }
    /// The camera is asked again.
    static func retry(_ slot: Int) -> LaneTimer { LaneTimer(index: 12 + slot) }
    /// The approach loop has been clear for longer than an axle gap.
    static func gap(_ side: Int) -> LaneTimer { LaneTimer(index: 14 + side) }
    static func trigger(_ side: Int) -> LaneTimer { LaneTimer(index: 16 + side) }
    static func stuck(_ sensor: Int) -> LaneTimer { LaneTimer(index: 18 + sensor) }
    /// The window in which changes are counted; once the sensor is faulty, the quiet that heals it.
    static func chatter(_ sensor: Int) -> LaneTimer { LaneTimer(index: 26 + sensor) }

    static let count = 34
    /// Those of lamps, and those that watch sensors: none moves anything, and none keeps one that does waiting.
    static let watches: UInt64 = ((1 << UInt64(LaneTimer.count)) - (1 << 16)) | 1 << 4
}

struct LaneTimers: Sendable {
    private(set) var running: UInt64 = 0
    private(set) var deadlines: InlineArray<34, UInt64> = InlineArray(repeating: 0)
    /// No running timer of the rules, and none of the others, ends before it: most steps look no further.
    private var ruleBound = UInt64.max
    private var watchBound = UInt64.max
    /// The timers of the rules that were found ended and have not fired.
    private var due: UInt64 = 0
    /// How many more may fire in this step.
    private var allowance = 0

    private static let firedInAStep = 1

    func isRunning(_ timer: LaneTimer) -> Bool { running & (1 << UInt64(timer.index)) != 0 }

    mutating func start(_ timer: LaneTimer, at instant: Instant) {
        let bit: UInt64 = 1 << UInt64(timer.index)
        running |= bit
        due &= ~bit
        deadlines[timer.index] = instant.nanoseconds
        if bit & LaneTimer.watches == 0 {
            ruleBound = min(ruleBound, instant.nanoseconds)
        } else {
            watchBound = min(watchBound, instant.nanoseconds)
        }
    }

    mutating func cancel(_ timer: LaneTimer) {
        running &= ~(1 << UInt64(timer.index))
        due &= running
    }

    /// When the soonest running timer ends.
    var soonest: Instant? {
        guard running != 0 else { return nil }
        var soonest = UInt64.max
        var rest = running
        while rest != 0 {
            soonest = min(soonest, deadlines[unchecked: rest.trailingZeroBitCount])
            rest &= rest - 1
        }
        return Instant(nanoseconds: soonest)
    }

    /// A step has a bounded length: it fires one timer, and one that watches a sensor or lights a lamp only where none
    /// of the rules' has ended. The others stay due, as on a thread that is a little late, and the next step follows
    /// at once.
    mutating func beginFiring() { allowance = LaneTimers.firedInAStep }

    /// Takes the soonest of the timers that have ended by now; of several at once, the one with the lowest index.
    mutating func take(endedBy now: Instant) -> LaneTimer? {
        guard allowance > 0 else { return nil }
        // One that was started while another fired may have ended as well.
        if ruleBound <= now.nanoseconds { collectRules(now.nanoseconds) }
        if due != 0 {
            allowance -= 1
            return takeDue()
        }
        guard allowance == LaneTimers.firedInAStep, watchBound <= now.nanoseconds else { return nil }
        allowance = 0
        return takeWatch(now.nanoseconds)
    }

    private mutating func takeDue() -> LaneTimer {
        var best = due.trailingZeroBitCount
        var rest = due & (due - 1)
        while rest != 0 {
            let index = rest.trailingZeroBitCount
            rest &= rest - 1
            if deadlines[unchecked: index] < deadlines[unchecked: best] { best = index }
        }
        cancel(LaneTimer(index: best))
        return LaneTimer(index: best)
    }

    private mutating func collectRules(_ now: UInt64) {
        var rest = running & ~LaneTimer.watches & ~due
        ruleBound = .max
        while rest != 0 {
            let index = rest.trailingZeroBitCount
            let deadline = deadlines[unchecked: index]
            if deadline <= now { due |= rest & (~rest &+ 1) } else { ruleBound = min(ruleBound, deadline) }
            rest &= rest - 1
        }
    }

    private mutating func takeWatch(_ now: UInt64) -> LaneTimer? {
        var rest = running & LaneTimer.watches
        var best = 0
        var soonest = UInt64.max
        watchBound = .max
        while rest != 0 {
            let index = rest.trailingZeroBitCount
            rest &= rest - 1
            let deadline = deadlines[unchecked: index]
            if deadline < soonest {
                watchBound = soonest
                soonest = deadline
                best = index
            } else {
                watchBound = min(watchBound, deadline)
            }
        }
        guard soonest <= now else {
            watchBound = soonest
            return nil
        }
        running &= ~(1 << UInt64(best))
        return LaneTimer(index: best)
    }
}
