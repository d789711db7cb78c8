// The hardware watchdog. Once opened it is never closed orderly: only a fed watchdog keeps the board running.

import CSystem
import Domain

public final class Watchdog {
    private let fileDescriptor: Int32
    private let path: String

    /// What the driver would not do; empty when it took the timeout. It runs all the same, with the driver's own.
    public let warning: String

    /// Starts the watchdog. `timeout` is rounded to whole seconds.
    public init(path: String, timeout: Interval) throws(MachineError) {
        self.path = path
        fileDescriptor = gw_open(path, O_WRONLY | O_CLOEXEC, 0)
        if fileDescriptor < 0 { throw .lastSystemError("open", path) }
        let seconds = Int32(clamping: timeout.milliseconds / 1_000)
        let isSet = gw_watchdog_set_timeout(fileDescriptor, seconds) >= 0
        warning = isSet ? "" : "\(path) does not take a timeout of \(seconds) s and keeps its own"
        // What is no watchdog shows itself here, and not when it matters.
        try feed()
    }

    public func feed() throws(MachineError) {
        if gw_watchdog_feed(fileDescriptor) < 0 { throw .lastSystemError("feed", path) }
    }
}
