// The signals that end the firmware orderly, as a descriptor.

import CSystem

public final class EndSignals {
    public let fileDescriptor: Int32

    /// Blocks SIGTERM, SIGINT and SIGHUP for this and all later threads. Call it before any thread starts.
    public init() throws(MachineError) {
        gw_ignore_sigpipe()
        fileDescriptor = gw_signalfd_create([SIGTERM, SIGINT, SIGHUP], 3)
        if fileDescriptor < 0 { throw .lastSystemError("signalfd", "signals") }
    }

    deinit {
        close(fileDescriptor)
    }

    /// The signal that came, or nil.
    public func take() -> Int32? {
        let signal = gw_signalfd_take(fileDescriptor)
        return signal > 0 ? signal : nil
    }
}
