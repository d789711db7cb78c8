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

    @inline(__always)
    func isRunning(_ timer: LaneTimer) -> Bool { running & (1 << UInt64(timer.index)) != 0 }

    @inline(__always)
    mutating func start(_ timer: LaneTimer, at instant: Instant) {
        let bit: UInt64 = 1 << UInt64(timer.index)
        running |= bit
        deadlines[unchecked: timer.index] = instant.nanoseconds
        if bit & LaneTimer.watches == 0 {
            ruleBound = min(ruleBound, instant.nanoseconds)
        } else {
            watchBound = min(watchBound, instant.nanoseconds)
        }
    }

    @inline(__always)
    mutating func cancel(_ timer: LaneTimer) { running &= ~(1 << UInt64(timer.index)) }

    /// Cancels deadline, gone and retry.
    @inline(__always)
    mutating func cancelAll(ofSlot slot: Int) { running &= ~(0b10101 << UInt64(8 + slot)) }

    /// When the soonest running timer ends.
    var soonest: Instant? {
        guard running != 0 else { return nil }
        var soonest = UInt64.max
        var rest = running
        while rest != 0 {
            soonest = min(soonest, deadlines.span[unchecked: rest.trailingZeroBitCount])
            rest &= rest - 1
        }
        return Instant(nanoseconds: soonest)
    }

    /// Takes the soonest of the timers that have ended by now; of several at once, the one with the lowest index.
    ///
    /// A step has a bounded length: it takes one, and one that watches a sensor or lights a lamp only where none of the
    /// rules' has ended. The others stay due, as on a thread that is a little late, and the next step follows at once.
    @inline(__always)
    mutating func take(endedBy now: Instant) -> LaneTimer? {
        if ruleBound <= now.nanoseconds {
            let (timer, soonest) = takeSoonest(of: ~LaneTimer.watches, endedBy: now.nanoseconds)
            ruleBound = soonest
            if let timer { return timer }
        }
        guard watchBound <= now.nanoseconds else { return nil }
        let (timer, soonest) = takeSoonest(of: LaneTimer.watches, endedBy: now.nanoseconds)
        watchBound = soonest
        return timer
    }

    /// - Returns: the timer, and when the soonest of them ends: none of the others ends before it.
    @inline(__always)
    private mutating func takeSoonest(of timers: UInt64, endedBy now: UInt64) -> (LaneTimer?, UInt64) {
        var rest = running & timers
        var best = 0
        var soonest = UInt64.max
        while rest != 0 {
            let index = rest.trailingZeroBitCount
            rest &= rest &- 1
            let deadline = deadlines[unchecked: index]
            if deadline < soonest {
                soonest = deadline
                best = index
            }
        }
        guard soonest <= now else { return (nil, soonest) }
        running &= ~(1 << UInt64(best))
        return (LaneTimer(index: best), soonest)
    }
}
