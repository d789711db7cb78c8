import DeviceProtocols
import Domain
import Machine
import Testing

@testable import Devices

private final class StoppedClock: Clock, @unchecked Sendable {
    var time = Instant(nanoseconds: 1_000_000_000)

    func now() -> Instant { time }
    func wall() -> WallTime { WallTime(microseconds: 0) }
}

/// A UPS on a simulated port. Waiting moves the clock.
private final class SimulatedUPS: SerialPort {
    enum Manner {
        case answers, isSilent, isPulled, echoes
        /// Noise before the answer, and the answer in single bytes.
        case stutters
        /// Bytes without end, none of them an answer.
        case babbles
        /// The first answers are damaged.
        case damages(Int)
        /// The answer of the question before.
        case isLate
    }

    static let answer = Array("(226.0 195.0 226.0 014 49.0 27.5 30.0 10001001\r".utf8)

    let clock: StoppedClock
    var manner = Manner.answers
    var commands: [String] = []
    private var pending: [[UInt8]] = []
    let fileDescriptor: Int32 = -1

    init(_ clock: StoppedClock) {
        self.clock = clock
    }

    func write(_ bytes: [UInt8], within: Interval) throws(MachineError) {
        if case .isPulled = manner { throw .closed(subject: "ups") }
        commands.append(String(decoding: bytes, as: UTF8.self))
        switch manner {
        case .answers where bytes == Array("Q1\r".utf8): pending = [SimulatedUPS.answer]
        case .stutters: pending = ([0xFF, 0x0, 0x28] + SimulatedUPS.answer).map { [$0] }
        case .echoes: pending = [bytes]
        case .damages(let count):
            manner = count > 1 ? .damages(count - 1) : .answers
            pending = [[0x28, 0x32, 0x32, 0x0D]]
        case .answers, .isSilent, .isPulled, .babbles, .isLate: break
        }
    }

    func read(limit: Int, within: Interval) throws(MachineError) -> [UInt8] {
        if case .isPulled = manner { throw .closed(subject: "ups") }
        if case .babbles = manner, within > .zero {
            clock.time = clock.time + min(.milliseconds(5), within)
            return [0x55]
        }
        guard pending.isEmpty else { return pending.removeFirst() }
        clock.time = clock.time + within
        if case .isLate = manner, within > .zero { pending = [SimulatedUPS.answer] }
        throw .deadline(subject: "ups")
    }
}

private final class Registers: RegisterPort {
    var failures: [MachineError] = []
    var asked: [Int] = []

    func readRegisters(at address: Int, count: Int) throws(MachineError) -> [UInt16] {
        asked.append(address)
        if !failures.isEmpty { throw failures.removeFirst() }
        var registers = [UInt16](repeating: 0, count: count)
        if address == 0 { registers[1] = 4 }
        return registers
    }
}

@Suite struct UPSTests {
    private let clock = StoppedClock()
    private let port: SimulatedUPS

    init() {
        port = SimulatedUPS(clock)
    }

    private var device: MegatecUPS { MegatecUPS(port: port, clock: clock) }

    @Test func answerIsRead() throws {
        let reading = try device.read()
        #expect(reading.isOnBattery && !reading.isBatteryLow && reading.batteryCentivolts == 2_750)
        #expect(port.commands == ["Q1\r"])
    }

    @Test func noiseBeforeAnAnswerIsPassedOver() throws {
        port.manner = .stutters
        #expect(try device.read().isOnBattery)
    }

    @Test func damagedAnswerIsAskedForAgain() throws {
        port.manner = .damages(2)
        #expect(try device.read().isOnBattery)
        #expect(port.commands.count == 3)
    }

    @Test func damagedAnswersWithoutEndAreAFaultThatSaysWhy() {
        port.manner = .damages(3)
        #expect { try device.read() } throws: { error in
            if case .megatec(.length(expected: 47, got: 4)) = error as? UPSFault { true } else { false }
        }
    }

    @Test(arguments: [SimulatedUPS.Manner.isSilent, .isPulled, .echoes, .babbles])
    fileprivate func faultIsToldWithinItsTime(_ manner: SimulatedUPS.Manner) {
        port.manner = manner
        let began = clock.now()
        #expect(throws: UPSFault.self) { try device.read() }
        #expect(clock.now().since(began) <= .milliseconds(3_600))
    }

    @Test func silentAndPulledAreToldApart() {
        port.manner = .isSilent
        #expect { try device.read() } throws: { if case .silent = $0 as? UPSFault { true } else { false } }
        port.manner = .isPulled
        #expect { try device.read() } throws: { if case .port = $0 as? UPSFault { true } else { false } }
        port.manner = .echoes
        #expect { try device.read() } throws: { if case .megatec(.echoed) = $0 as? UPSFault { true } else { false } }
    }

    /// An answer that comes after its time is thrown away before the next question, and not taken for its answer.
    @Test func lateAnswerDoesNotCount() {
        port.manner = .isLate
        #expect(throws: UPSFault.self) { try device.read() }
    }

    @Test func switchingOffSaysWhenAndWhetherItIsTaken() throws {
        #expect(try device.switchOff() == .seconds(60))
        #expect(port.commands == ["S01R0003\r"])
        port.manner = .echoes
        #expect(try device.switchOff() == nil)
        port.manner = .isPulled
        #expect(throws: UPSFault.self) { try device.switchOff() }
    }

    @Test func modbusBlocksAreAskedForInTurnAndAgain() throws {
        let registers = Registers()
        let ups = ModbusUPS(port: registers, map: .apc)
        #expect(try ups.read().isOnBattery)
        #expect(registers.asked == [0, 128])
        registers.failures = [.deadline(subject: "ups"), .library(name: "Modbus", subject: "ups", reason: "CRC")]
        #expect(try ups.read().isOnBattery)
        #expect(try ups.switchOff() == nil)
    }

    @Test func modbusFaultsAreToldApart() {
        let registers = Registers()
        let ups = ModbusUPS(port: registers, map: .huawei)
        registers.failures = .init(repeating: .deadline(subject: "ups"), count: 3)
        #expect { try ups.read() } throws: { if case .silent = $0 as? UPSFault { true } else { false } }
        registers.failures = .init(repeating: .closed(subject: "ups"), count: 3)
        #expect { try ups.read() } throws: { if case .port = $0 as? UPSFault { true } else { false } }
    }
}
