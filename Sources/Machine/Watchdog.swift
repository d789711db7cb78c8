// The hardware watchdog. Once opened it is never closed orderly: only a fed watchdog keeps the board running.

import CSystem
import Domain

public final class Watchdog {
    private let fileDescriptor: Int32
    private let path: String

    /// Starts the watchdog. `timeout` is rounded to whole seconds.
    public init(path: String, timeout: Interval) throws(MachineError) {
        self.path = path
        fileDescriptor = gw_open(path, O_WRONLY | O_CLOEXEC, 0)
        if fileDescriptor < 0 { throw .lastSystemError("open", path) }
        if gw_watchdog_set_timeout(fileDescriptor, Int32(clamping: timeout.milliseconds / 1_000)) < 0 {
            throw .lastSystemError("set timeout", path)
        }
    }

    public func feed() throws(MachineError) {
        if gw_watchdog_feed(fileDescriptor) < 0 { throw .lastSystemError("feed", path) }
    }
}
