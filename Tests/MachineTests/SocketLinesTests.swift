import CSystem
import Domain
import Foundation
import Machine
import Synchronization
import Testing

/// The site's side of the socket, by hand.
private final class Site {
    let path: String
    private let listener: Int32
    private var connection: Int32 = -1

    init() {
        path = NSTemporaryDirectory() + "gatewarden-lines-\(UInt32.random(in: 0...UInt32.max)).sock"
        listener = gw_unix_listen(path, Int32(GW_SOCKET_SEQPACKET), 1)
    }

    deinit {
        close(connection)
        close(listener)
        unlink(path)
    }

    func accept() {
        while connection < 0 { connection = gw_accept(listener) }
    }

    func send(type: UInt8, line: UInt8 = 0, level: UInt8 = 0, sequence: UInt32 = 0, nanoseconds: UInt64 = 0) {
        var bytes = [type, line, level, 0]
        bytes += (0..<4).map { UInt8(truncatingIfNeeded: sequence >> (8 * $0)) }
        bytes += (0..<8).map { UInt8(truncatingIfNeeded: nanoseconds >> (8 * $0)) }
        _ = gw_send(connection, bytes, bytes.count)
    }

    func receive() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 64)
        for _ in 0..<10_000 {
            let count = recv(connection, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            if count > 0 { return Array(bytes.prefix(count)) }
            usleep(100)
        }
        return []
    }

    func hangUp() {
        close(connection)
        connection = -1
    }
}

/// Waits again and again, and counts how often it was called out of it.
private final class Reader: @unchecked Sendable {
    let lines: SocketLines
    let calls = Atomic<Int>(0)
    let isOver = Atomic<Bool>(false)
    let hasFailed = Atomic<Bool>(false)

    init(_ lines: SocketLines) { self.lines = lines }

    func run() {
        do {
            while !isOver.load(ordering: .acquiring) {
                #expect(try lines.nextEvent() == nil)
                try lines.waitForEvents()
                calls.wrappingAdd(1, ordering: .releasing)
            }
        } catch {
            hasFailed.store(true, ordering: .releasing)
        }
    }
}

@Suite struct SocketLinesTests {
    private func connected(_ site: Site, levels: [UInt8]) throws -> SocketLines {
        nonisolated(unsafe) let site = site
        let greeter = try Thread(ThreadSettings(name: "greeter"), shortfall: { _ in }) {
            site.accept()
            _ = site.receive()
            for (line, level) in levels.enumerated() { site.send(type: 2, line: UInt8(line), level: level) }
            site.send(type: 3)
        }
        let lines = try SocketLines(path: site.path, inputs: levels.count, outputs: 4)
        _ = greeter.join(within: .seconds(5))
        return lines
    }

    @Test func greetingGivesTheLevelsAndEventsChangeThem() throws {
        let site = Site()
        let lines = try connected(site, levels: [1, 0])
        #expect(try lines.level(input: 0) && !lines.level(input: 1))
        #expect(try lines.nextEvent() == nil)
        site.send(type: 4, line: 1, level: 1, sequence: 1, nanoseconds: 42)
        var event: LineEvent?
        while event == nil { event = try lines.nextEvent() }
        #expect(event == LineEvent(input: 1, isHigh: true, at: Instant(nanoseconds: 42), sequence: 1))
        #expect(try lines.level(input: 1))
    }

    @Test func anEventEndsTheWait() throws {
        let site = Site()
        let lines = try connected(site, levels: [0])
        try lines.waitForEvents()
        nonisolated(unsafe) let sender = site
        let later = try Thread(ThreadSettings(name: "later"), shortfall: { _ in }) {
            usleep(50_000)
            sender.send(type: 4, line: 0, level: 1, sequence: 1, nanoseconds: 7)
        }
        #expect(try lines.nextEvent()?.at == Instant(nanoseconds: 7))
        #expect(later.join(within: .seconds(5)))
    }

    /// Wherever the reader is at that moment: in its wait, before it, or behind it.
    @Test func noInterruptionOfAWaitIsLost() throws {
        let site = Site()
        let reader = Reader(try connected(site, levels: [0]))
        let thread = try Thread(ThreadSettings(name: "reader"), shortfall: { _ in }) { reader.run() }
        for round in 0..<5_000 {
            let before = reader.calls.load(ordering: .acquiring)
            reader.lines.interrupt()
            let deadline = Date() + 5
            var looks = 0
            while reader.calls.load(ordering: .acquiring) == before, Date() < deadline {
                looks += 1
                if looks > 100 { usleep(20) }
            }
            if reader.calls.load(ordering: .acquiring) == before {
                Issue.record("call \(round) was lost")
                break
            }
        }
        reader.isOver.store(true, ordering: .releasing)
        reader.lines.interrupt()
        #expect(thread.join(within: .seconds(5)) && !reader.hasFailed.load(ordering: .acquiring))
    }

    @Test func drivenOutputReachesTheSiteWithItsNumber() throws {
        let site = Site()
        let lines = try connected(site, levels: [0, 0])
        try lines.drive(output: 2, true)
        let message = site.receive()
        #expect(Array(message.prefix(8)) == [5, 2, 1, 0, 1, 0, 0, 0])
    }

    @Test func siteThatHangsUpIsAClearError() throws {
        let site = Site()
        let lines = try connected(site, levels: [0, 0])
        site.hangUp()
        #expect(throws: MachineError.self) {
            for _ in 0..<1_000 {
                _ = try lines.nextEvent()
                usleep(1_000)
            }
        }
    }

    @Test func absentSocketIsNamed() {
        do throws(MachineError) {
            _ = try SocketLines(path: "/nonexistent/lines.sock", inputs: 2, outputs: 4)
            Issue.record("connected to nothing")
        } catch {
            #expect(error.description.contains("/nonexistent/lines.sock"))
            #expect(error.description.contains("No such file"))
        }
    }
}
