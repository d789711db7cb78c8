// A serial port of the board: raw bytes, every wait with a deadline.
//
// Invariants: used by one thread. A fault closes the port, and the next use opens it again, so that an adapter that was
// pulled and put back works without a restart. A write that missed its deadline leaves nothing in the kernel's buffer.
// Limits: 8 or 7 data bits, the rates of termios up to 921600.

import CSystem
import Domain

/// How a serial port is set up.
public struct SerialSettings: Sendable {
    public enum Parity: Sendable {
        case none, even, odd
    }

    public var path: String
    /// Bits a second.
    public var baud: UInt32
    /// 7 or 8.
    public var dataBits = 8
    public var parity = Parity.none
    /// 1 or 2.
    public var stopBits = 1
    /// Let the kernel run the driver-enable line of an RS-485 transceiver.
    public var drivesRS485 = false

    public init(path: String, baud: UInt32) {
        self.path = path
        self.baud = baud
    }
}

/// A real serial port, or the one end of a pseudo-terminal.
public final class SerialLine: SerialPort {
    public let settings: SerialSettings
    /// -1 while the port is closed.
    public private(set) var fileDescriptor: Int32 = -1
    /// What the port could not be set to and works without; empty when there is nothing to say.
    public private(set) var warning = ""

    /// Does not open the port yet: `open` or the first use does.
    public init(_ settings: SerialSettings) {
        self.settings = settings
    }

    deinit {
        close()
    }

    /// Opens the port if it is closed.
    public func open() throws(MachineError) {
        guard fileDescriptor < 0 else { return }
        let descriptor = gw_open(settings.path, O_RDWR | O_NOCTTY | O_NONBLOCK, 0)
        guard descriptor >= 0 else {
            throw .lastSystemError("open", settings.path)
        }
        let parity =
            switch settings.parity {
            case .none: GW_PARITY_NONE
            case .even: GW_PARITY_EVEN
            case .odd: GW_PARITY_ODD
            }
        let configured = gw_serial_configure(
            descriptor, settings.baud, Int32(settings.dataBits), Int32(parity), Int32(settings.stopBits))
        guard configured == 0 else {
            let error = MachineError.lastSystemError("set up serial port", settings.path)
            _ = CSystem.close(descriptor)
            throw error
        }
        warning = ""
        if settings.drivesRS485, gw_serial_set_rs485(descriptor, true) != 0 {
            warning =
                "\(settings.path): the kernel does not run this port's RS-485 driver "
                + "(\(systemErrorText(gw_errno()))); the transceiver must switch by itself"
        }
        fileDescriptor = descriptor
    }

    public func close() {
        guard fileDescriptor >= 0 else { return }
        _ = CSystem.close(fileDescriptor)
        fileDescriptor = -1
    }

    /// Closes after a fault. The kernel would otherwise hold the close up to half a minute for output that cannot go.
    private func abandon() {
        _ = gw_serial_flush(fileDescriptor)
        close()
    }

    public func write(_ bytes: [UInt8], within limit: Interval) throws(MachineError) {
        try open()
        let end = deadline(limit)
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                CSystem.write(fileDescriptor, buffer.baseAddress.map { $0 + done }, bytes.count - done)
            }
            if count > 0 {
                done += count
            } else {
                try classify(call: "write", count)
                do throws(MachineError) {
                    try wait(for: POLLOUT, until: end)
                } catch {
                    if fileDescriptor >= 0 { _ = gw_serial_flush(fileDescriptor) }
                    throw error
                }
            }
        }
    }

    public func read(limit: Int, within interval: Interval) throws(MachineError) -> [UInt8] {
        precondition(limit > 0, "MAC-20 a read asks for at least one byte")
        try open()
        let end = deadline(interval)
        while true {
            try wait(for: POLLIN, until: end)
            var count = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
                count = CSystem.read(fileDescriptor, buffer.baseAddress, limit)
                filled = max(count, 0)
            }
            if count > 0 { return bytes }
            try classify(call: "read", count)
        }
    }

    private func deadline(_ limit: Interval) -> Int64 {
        gw_clock_monotonic_ns() + Int64(clamping: limit.nanoseconds)
    }

    /// Returns when a call that moved nothing may be tried again; closes the port and throws when it may not.
    private func classify(call: String, _ result: Int) throws(MachineError) {
        if result < 0, gw_errno() == EINTR || gw_errno() == EAGAIN { return }
        // A read of nothing after POLLIN means that the other end of the line is gone (VMIN is 0).
        let error =
            result < 0 ? MachineError.lastSystemError(call, settings.path) : .closed(subject: settings.path)
        abandon()
        throw error
    }

    private func wait(for events: Int32, until end: Int64) throws(MachineError) {
        while true {
            var descriptor = pollfd(fd: fileDescriptor, events: Int16(events), revents: 0)
            let ready = gw_poll_ns(&descriptor, 1, max(0, end - gw_clock_monotonic_ns()))
            if ready > 0 {
                // Bytes that came before a hang-up are still read.
                if Int32(descriptor.revents) & events != 0 { return }
                abandon()
                throw .closed(subject: settings.path)
            }
            if ready == 0 { throw .deadline(subject: settings.path) }
            guard gw_errno() == EINTR else {
                throw .lastSystemError("poll", settings.path)
            }
        }
    }
}
