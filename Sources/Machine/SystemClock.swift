// The kernel's clocks.

import CSystem
import Domain

public final class SystemClock: Clock {
    public init() {}

    public func now() -> Instant {
        Instant(nanoseconds: UInt64(gw_clock_boottime_ns()))
    }

    public func wall() -> WallTime {
        WallTime(microseconds: gw_clock_realtime_ns() / 1_000)
    }
}

/// Tells that somebody has set the wall clock (promise 8).
public final class WallClockWatch {
    public let fileDescriptor: Int32

    public init() throws(MachineError) {
        fileDescriptor = gw_wall_clock_watch()
        if fileDescriptor < 0 { throw .lastSystemError("timerfd_create", "the wall clock") }
    }

    deinit {
        close(fileDescriptor)
    }

    /// Whether the clock was set since the last call.
    public func wasSet() -> Bool {
        gw_wall_clock_take(fileDescriptor) == 1
    }
}
