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
}

struct LaneTimers: Sendable {
    private(set) var running: UInt64 = 0
    private(set) var deadlines: InlineArray<34, UInt64> = InlineArray(repeating: 0)

    func isRunning(_ timer: LaneTimer) -> Bool { running & (1 << UInt64(timer.index)) != 0 }

    mutating func start(_ timer: LaneTimer, at instant: Instant) {
        running |= 1 << UInt64(timer.index)
        deadlines[timer.index] = instant.nanoseconds
    }

    mutating func cancel(_ timer: LaneTimer) {
        running &= ~(1 << UInt64(timer.index))
    }

    /// The soonest running timer and its deadline.
    var soonest: (timer: LaneTimer, at: Instant)? {
        guard running != 0 else { return nil }
        var rest = running
        var best = rest.trailingZeroBitCount
        rest &= rest - 1
        while rest != 0 {
            let index = rest.trailingZeroBitCount
            rest &= rest - 1
            if deadlines[index] < deadlines[best] { best = index }
        }
        return (LaneTimer(index: best), Instant(nanoseconds: deadlines[best]))
    }
}
