// Reads a UPS on its line. Policy is not here: Controller decides what a reading means for the gate.
//
// Invariants: no thread of its own; the power thread calls it. A look takes at most `tries` answers' time, so that a
// dead or babbling UPS holds up that thread alone.
// Limits: an answer to Q1 is looked for in the first 128 bytes that come.

import DeviceProtocols
import Domain
import Machine

/// Why a UPS could not be read.
public enum UPSFault: Error, Sendable {
    case port(MachineError)
    /// Nothing that is an answer came in time.
    case silent
    case megatec(MegatecError)
    case registers(UPSRegisterError)

    public var description: String {
        switch self {
        case .port(let error):
            "the UPS' port does not work: \(error.description); check the adapter and ups.port"
        case .silent:
            "the UPS does not answer; check its cable, ups.port, ups.baud and ups.kind"
        case .megatec(let error):
            "the UPS' answer is not understood: \(error.description)"
        case .registers(let error):
            "the UPS' answer is not understood: \(error.description)"
        }
    }
}

/// One UPS.
public protocol UPSDevice: AnyObject {
    /// A whole look, with its repetitions.
    func read() throws(UPSFault) -> UPSReading
    /// Orders the output off, to come back with the mains. Within how long it goes off; nil when this UPS takes no such
    /// order.
    func switchOff() throws(UPSFault) -> Interval?
}

/// A UPS that speaks Megatec Q1 on a serial port of its own.
public final class MegatecUPS: UPSDevice {
    private static let tries = 3
    /// 47 bytes at 2400 bits a second are 196 ms; the UPS may think before.
    private static let answerTime = Interval.milliseconds(1_000)
    private static let writeTime = Interval.milliseconds(500)
    private static let byteLimit = 128
    private static let offMinutes = 1
    private static let pauseMinutes = 3

    private let port: any SerialPort
    private let clock: any Clock

    public init(port: any SerialPort, clock: any Clock) {
        self.port = port
        self.clock = clock
    }

    public func read() throws(UPSFault) -> UPSReading {
        var last = UPSFault.silent
        for _ in 0..<MegatecUPS.tries {
            do throws(UPSFault) {
                return try ask()
            } catch {
                last = error
            }
        }
        throw last
    }

    public func switchOff() throws(UPSFault) -> Interval? {
        let command = MegatecCommand.switchOff(
            afterMinutes: MegatecUPS.offMinutes, atLeastMinutes: MegatecUPS.pauseMinutes)
        try send(command)
        // A UPS that does not know it gives it back; others say nothing, or ACK.
        let answer = try collect(until: clock.now() + MegatecUPS.answerTime)
        return answer.prefix(command.bytes.count - 1) == command.bytes.dropLast()
            ? nil : .seconds(UInt64(MegatecUPS.offMinutes) * 60)
    }

    private func ask() throws(UPSFault) -> UPSReading {
        try send(.status)
        let bytes = try collect(until: clock.now() + MegatecUPS.answerTime)
        guard let start = bytes.lastIndex(of: 0x28) else {
            if bytes.isEmpty { throw .silent }
            do throws(MegatecError) {
                return try MegatecStatus(answer: bytes).reading
            } catch { throw .megatec(error) }
        }
        do throws(MegatecError) {
            return try MegatecStatus(answer: Array(bytes[start...])).reading
        } catch { throw .megatec(error) }
    }

    private func send(_ command: MegatecCommand) throws(UPSFault) {
        // What came too late must not count for this command.
        _ = try collect(until: clock.now())
        do throws(MachineError) {
            try port.write(command.bytes, within: MegatecUPS.writeTime)
        } catch { throw .port(error) }
    }

    /// What comes until a carriage return, the moment, or too many bytes.
    private func collect(until end: Instant) throws(UPSFault) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < MegatecUPS.byteLimit {
            do throws(MachineError) {
                bytes += try port.read(limit: MegatecUPS.byteLimit - bytes.count, within: end.since(clock.now()))
            } catch {
                if case .deadline = error { return bytes }
                throw .port(error)
            }
            if bytes.last == 0x0D { return bytes }
        }
        return bytes
    }
}

/// A UPS that is a Modbus slave. Nothing is ever written to it.
public final class ModbusUPS: UPSDevice {
    private static let tries = 3

    private let port: any RegisterPort
    private let map: UPSRegisterMap

    public init(port: any RegisterPort, map: UPSRegisterMap) {
        self.port = port
        self.map = map
    }

    public func read() throws(UPSFault) -> UPSReading {
        var answers: [[UInt16]] = []
        for block in map.blocks { answers.append(try ask(for: block)) }
        do throws(UPSRegisterError) {
            return try map.reading(answers)
        } catch { throw .registers(error) }
    }

    public func switchOff() throws(UPSFault) -> Interval? { nil }

    private func ask(for block: RegisterBlock) throws(UPSFault) -> [UInt16] {
        var last = UPSFault.silent
        for _ in 0..<ModbusUPS.tries {
            do throws(MachineError) {
                return try port.readRegisters(at: block.address, count: block.count)
            } catch {
                if case .deadline = error { last = .silent } else { last = .port(error) }
            }
        }
        throw last
    }
}
