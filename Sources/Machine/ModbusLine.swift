// A Modbus RTU slave on a serial port, by libmodbus: holding registers, read only.
//
// Invariants: used by one thread. A fault of the port closes it, and the next read opens it again. What was left on the
// line is thrown away before each request.
// Limits: 125 registers a request. A slave has `answerTime` for its first byte and 50 ms for each other, so that a line
// full of noise ends a read within about 13 s.

import CLibmodbus
import CSystem
import Domain

public final class ModbusLine: RegisterPort {
    public static let answerTime = Interval.milliseconds(800)
    private static let byteMicroseconds: UInt32 = 50_000

    private let path: String
    private let context: OpaquePointer
    private var isOpen = false

    /// Does not open the port yet.
    /// - Parameters:
    ///   - baud: bits a second; 8 data bits, no parity, 1 stop bit.
    ///   - address: the slave's, 1 to 247.
    public init(path: String, baud: Int32, address: UInt8) throws(MachineError) {
        precondition((1...247).contains(address), "MAC-21 a Modbus slave has an address from 1 to 247")
        guard let context = modbus_new_rtu(path, baud, CChar(0x4E), 8, 1) else {
            throw .lastSystemError("set up Modbus", path)
        }
        self.path = path
        self.context = context
        _ = modbus_set_slave(context, Int32(address))
        let microseconds = UInt32(ModbusLine.answerTime.milliseconds) * 1_000
        _ = modbus_set_response_timeout(context, 0, microseconds)
        _ = modbus_set_byte_timeout(context, 0, ModbusLine.byteMicroseconds)
    }

    deinit {
        close()
        modbus_free(context)
    }

    public func readRegisters(at address: Int, count: Int) throws(MachineError) -> [UInt16] {
        precondition((1...125).contains(count), "MAC-22 a Modbus read asks for 1 to 125 registers")
        if !isOpen {
            guard modbus_connect(context) == 0 else { throw .lastSystemError("open", path) }
            isOpen = true
        }
        _ = modbus_flush(context)
        var read: Int32 = -1
        let registers = [UInt16](unsafeUninitializedCapacity: count) { buffer, filled in
            read = modbus_read_registers(context, Int32(address), Int32(count), buffer.baseAddress)
            filled = max(0, min(count, Int(read)))
        }
        if read == Int32(count) { return registers }
        throw failure(gw_errno())
    }

    private func failure(_ errno: Int32) -> MachineError {
        if errno == ETIMEDOUT { return .deadline(subject: path) }
        guard errno < MODBUS_ENOBASE else {
            return .library(name: "Modbus", subject: path, reason: String(cString: modbus_strerror(errno)))
        }
        close()
        return .system(call: "Modbus read", subject: path, errno: errno)
    }

    private func close() {
        guard isOpen else { return }
        // The kernel would otherwise hold the close up to half a minute for output that cannot go.
        _ = modbus_flush(context)
        modbus_close(context)
        isOpen = false
    }
}
