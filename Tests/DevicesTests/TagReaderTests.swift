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

/// A reader on a simulated port. Waiting moves the clock.
private final class SimulatedReader: SerialPort {
    let clock: StoppedClock
    var answers: [[UInt8]] = []
    var isPulled = false
    var babbles = false
    var echoes = false
    /// What lies in the line from before.
    var stale: [UInt8] = []
    private(set) var questions: [[UInt8]] = []
    private var pending: [[UInt8]] = []
    let fileDescriptor: Int32 = -1

    init(_ clock: StoppedClock) {
        self.clock = clock
    }

    func write(_ bytes: [UInt8], within: Interval) throws(MachineError) {
        if isPulled { throw .closed(subject: "reader") }
        questions.append(bytes)
        pending = (echoes ? [bytes] : []) + answers
    }

    func read(limit: Int, within: Interval) throws(MachineError) -> [UInt8] {
        if isPulled { throw .closed(subject: "reader") }
        if babbles, within > .zero {
            clock.time = clock.time + min(.milliseconds(5), within)
            return [0x55]
        }
        if !stale.isEmpty {
            defer { stale = [] }
            return stale
        }
        guard pending.isEmpty else { return pending.removeFirst() }
        clock.time = clock.time + within
        throw .deadline(subject: "reader")
    }
}

private let first: [UInt8] = [
    0xA0, 0x13, 0x01, 0x89, 0x8C, 0x30, 0x00, 0x30, 0x08, 0x33, 0xB2, 0xDD, 0xD9, 0x01, 0x40, 0x00, 0x00, 0x00, 0x01,
    0x37, 0xBB,
]
private let second: [UInt8] = [
    0xA0, 0x13, 0x01, 0x89, 0x74, 0x30, 0x00, 0xE2, 0x00, 0x40, 0x74, 0x85, 0x0A, 0x01, 0x03, 0x16, 0x30, 0x70, 0xE1,
    0x36, 0x29,
]
private let end: [UInt8] = [0xA0, 0x0A, 0x01, 0x89, 0, 0, 50, 0, 0, 0, 2, 0x98]
private let notice: [UInt8] = [
    0xBB, 0x02, 0x22, 0x00, 0x11, 0xC9, 0x34, 0x00, 0x30, 0x75, 0x1F, 0xEB, 0x70, 0x5C, 0x59, 0x04, 0xE3, 0xD5, 0x0D,
    0x70, 0x3A, 0x76, 0xEF, 0x7E,
]

@Suite struct TagReaderTests {
    private let clock = StoppedClock()
    private let port: SimulatedReader

    init() {
        port = SimulatedReader(clock)
    }

    private func reader(_ spoken: ReaderProtocol = .r2000, minimumDBm: Int? = nil) -> TagReader {
        var settings = TagReaderSettings(spoken)
        settings.minimumDBm = minimumDBm
        return TagReader(port: port, clock: clock, settings: settings)
    }

    @Test func everyTagOfAnInventoryIsTold() throws {
        port.answers = [first, second + end]
        #expect(try reader().inventory().map(\.tag.text) == ["300833B2DDD9014000000001", "E2004074850A0103163070E1"])
        #expect(port.questions == [[0xA0, 0x04, 0xFF, 0x89, 0x01, 0xD3]])
    }

    @Test func tagSeenTwiceIsToldOnceAtItsStrongest() throws {
        var stronger = first
        stronger[19] += 9
        stronger[20] -= 9
        port.answers = [first, stronger, end]
        let sights = try reader().inventory()
        #expect(sights.count == 1 && sights.first?.dBm == -65)
    }

    @Test func weakTagsAreLeftOut() throws {
        port.answers = [first + second + end]
        #expect(try reader(minimumDBm: -74).inventory().map(\.dBm) == [-74])
    }

    @Test func nobodyThereIsNoFault() throws {
        port.answers = [end]
        #expect(try reader().inventory().isEmpty)
    }

    @Test func ownEchoIsNoAnswer() throws {
        port.echoes = true
        port.answers = [first + end]
        #expect(try reader().inventory().count == 1)
        port.answers = []
        #expect { try reader().inventory() } throws: { if case .garbled? = $0 as? ReaderFault { true } else { false } }
    }

    @Test func whatCameLateIsNoAnswerToTheNextQuestion() throws {
        port.stale = first + end
        port.answers = [second + end]
        #expect(try reader().inventory().map(\.tag.text) == ["E2004074850A0103163070E1"])
    }

    @Test func noiseBeforeAndBetweenIsPassedOver() throws {
        port.answers = [[0xA0, 0x00, 0x55], first, [0xA0, 0x07], second, end]
        #expect(try reader().inventory().count == 2)
    }

    @Test func protocolWithoutAnEndIsOverAfterAPause() throws {
        port.answers = [notice]
        let began = clock.now()
        #expect(try reader(.m100).inventory().map(\.dBm) == [-55])
        #expect(clock.now().since(began) == .milliseconds(60))
    }

    @Test func damagedFramesAreCountedAndAreAFaultWhenThereIsNothingElse() {
        var damaged = first
        damaged[10] ^= 1
        port.answers = [damaged]
        let reader = reader()
        #expect { try reader.inventory() } throws: { if case .garbled? = $0 as? ReaderFault { true } else { false } }
        #expect(reader.damagedFrames == 1)
    }

    @Test func readersOwnErrorIsNamed() {
        port.answers = [[0xA0, 0x04, 0x01, 0x89, 0x22, 0xB0]]
        let error = #expect(throws: ReaderFault.self) { try reader().inventory() }
        #expect(error?.description.contains("0x22") == true)
    }

    @Test func everyFaultIsToldWithinItsTime() {
        let began = clock.now()
        #expect { try reader().inventory() } throws: { if case .silent? = $0 as? ReaderFault { true } else { false } }
        #expect(clock.now().since(began) == .milliseconds(1_000))
        port.babbles = true
        #expect { try reader().inventory() } throws: { if case .garbled? = $0 as? ReaderFault { true } else { false } }
        #expect(clock.now().since(began) <= .milliseconds(2_000))
        port.babbles = false
        port.isPulled = true
        #expect { try reader().inventory() } throws: { if case .port? = $0 as? ReaderFault { true } else { false } }
    }
}
