// The signals that end the firmware orderly, as a descriptor.

import CSystem

public final class EndSignals {
    public let fileDescriptor: Int32

    /// SIGTERM and SIGINT, blocked for this and all later threads. What a terminal or a session sends when it goes, or
    /// what nobody means for a gate, ends nothing. Call it before any thread starts.
    public init() throws(MachineError) {
        gw_ignore_sigpipe()
        gw_ignore_stray_signals()
        fileDescriptor = gw_signalfd_create([SIGTERM, SIGINT], 2)
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
