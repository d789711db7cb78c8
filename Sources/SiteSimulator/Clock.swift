// The site's clock is the controller's: CLOCK_BOOTTIME, which both read on the same machine.

import CSystem

enum Clock {
    /// Nanoseconds.
    static var now: UInt64 { UInt64(gw_clock_boottime_ns()) }

    /// Seconds since 1970, for what the camera and the platform write.
    static var wallSeconds: Int { Int(gw_clock_realtime_ns() / 1_000_000_000) }

    static func sleep(milliseconds: Int) { gw_sleep_ns(Int64(milliseconds) * 1_000_000) }
}
