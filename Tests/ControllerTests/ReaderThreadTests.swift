import DeviceProtocols
import Devices
import Domain
import Foundation
import Ledger
import Machine
import Testing

@testable import Controller

/// An R2000 reader that answers at once, or is silent.
private final class BenchReader: SerialPort, @unchecked Sendable {
    private let lock = NSLock()
    private var pending: [[UInt8]] = []
    private var silent = false
    let fileDescriptor: Int32 = -1

    static let tag: [UInt8] = [
        0xA0, 0x13, 0x01, 0x89, 0x74, 0x30, 0x00, 0xE2, 0x00, 0x40, 0x74, 0x85, 0x0A, 0x01, 0x03, 0x16, 0x30, 0x70,
        0xE1, 0x36, 0x29,
    ]
    static let end: [UInt8] = [0xA0, 0x0A, 0x01, 0x89, 0, 0, 50, 0, 0, 0, 2, 0x98]

    func write(_ bytes: [UInt8], within: Interval) throws(MachineError) {
        lock.withLock { if !silent { pending = [BenchReader.tag, BenchReader.end] } }
    }

    func read(limit: Int, within: Interval) throws(MachineError) -> [UInt8] {
        let next = lock.withLock { pending.isEmpty ? nil : pending.removeFirst() }
        guard let next else { throw .deadline(subject: "reader") }
        return next
    }

    func set(silent: Bool) { lock.withLock { self.silent = silent } }
}

@Suite struct ReaderThreadTests {
    private let reader = BenchReader()
    private let channels: ReaderChannels
    private let bench: Bench
    private let status = ReaderStatus("reader 1")

    init() throws {
        let bell = try Wakeup()
        channels = ReaderChannels(
            bell: bell, inventories: Ring(capacity: 32, bell: try Wakeup()),
            notes: Ring(capacity: 4, bell: try Wakeup()))
        bench = Bench(bell)
        let driver = TagReader(port: reader, clock: bench.clock, settings: TagReaderSettings(.r2000))
        let thread = ReaderThread(
            lane: lane, driver: driver, interval: .milliseconds(50), channels: channels, status: status,
            clock: bench.clock, stop: bench.stop, pulse: bench.pulse, log: bench.log)
        try bench.start { thread.run() }
    }

    private var notes: [LedgerNote] {
        channels.notes.all().compactMap { if case .note(let note) = $0 { note } else { nil } }
    }

    @Test func everyInventoryGoesToAdmissionWithItsTags() throws {
        let found = try #require(channels.inventories.all().first)
        #expect(found.lane == lane && found.reader == "reader 1")
        #expect(found.tags.map(\.text) == ["E2004074850A0103163070E1"])
        #expect(status.line.hasPrefix("reader 1: 1 tags in sight"))
        #expect(bench.end())
    }

    @Test func silentReaderIsAFaultOnRecordOnceAndHeals() {
        reader.set(silent: true)
        for _ in 0..<6 { bench.settle() }
        let raised = notes
        #expect(raised.count == 1)
        if case .faultRaised(let subject, let detail)? = raised.first {
            #expect(subject == "reader 1" && detail.contains("does not answer"))
        } else {
            Issue.record("no fault: \(raised)")
        }
        #expect(status.line.contains("NOT HEARD"))
        _ = channels.inventories.all()
        reader.set(silent: false)
        for _ in 0..<2 { bench.settle() }
        #expect(notes == [.faultHealed(subject: "reader 1", detail: "answers again")])
        #expect(!channels.inventories.all().isEmpty)
        #expect(bench.end())
    }
}
