import Domain
import Foundation
import Machine
import Synchronization
import Testing

@testable import Console

private final class Source: ConsoleSource, @unchecked Sendable {
    private let lock = NSLock()
    private var told: [String] = []

    /// The sessions' beginnings and ends, in their order.
    var sessions: [String] { lock.withLock { told } }

    func opened(_ session: Int, from: String) { lock.withLock { told.append("\(session) from \(from)") } }
    func closed(_ session: Int) { lock.withLock { told.append("\(session) ended") } }

    func answer(_ command: ConsoleCommand) -> [String] {
        switch command {
        case .status: ["all is well"]
        case .lane(let lane, let command): ["lane \(lane.index): \(command)"]
        case .lanes: ["lane 0 empty"]
        case .ledgerTail(let count): (1...count).map { "record \($0) " + String(repeating: "x", count: 400) }
        case .ledgerFind(let plate): ["nothing of \(plate)"]
        case .ledgerCount, .ledgerGaps, .ledgerSupplement, .latency, .trace: ["nothing found"]
        }
    }
}

/// A console on a thread of its own, for the length of one test.
private final class RunningConsole {
    let path: String
    private let folder: URL
    private let ended = DispatchSemaphore(value: 0)
    private let shouldStop = Flag()
    let source = Source()

    final class Flag: Sendable {
        let value = Atomic<Bool>(false)
    }

    final class Outcome: @unchecked Sendable {
        var error: MachineError?
    }

    init(idleLimit: Interval = ConsoleServer.idleLimit, prepare: (String) throws -> Void = { _ in }) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("gw-console-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let path = folder.appendingPathComponent("console").path
        self.path = path
        try prepare(path)
        let (started, ended, shouldStop, source) = (DispatchSemaphore(value: 0), ended, shouldStop, source)
        let outcome = Outcome()
        Thread.detachNewThread {
            do {
                let loop = try EventLoop()
                let server = try ConsoleServer(loop: loop, path: path, source: source, idleLimit: idleLimit)
                let watch = try loop.timer(.milliseconds(5), repeats: true) {
                    if shouldStop.value.load(ordering: .relaxed) { loop.stop() }
                }
                started.signal()
                loop.run()
                watch.cancel()
                server.close()
            } catch {
                outcome.error = error as? MachineError
                started.signal()
            }
            ended.signal()
        }
        guard started.wait(timeout: .now() + 5) == .success else { throw POSIXError(.ETIMEDOUT) }
        if let error = outcome.error { throw error }
    }

    func stop() -> Bool {
        shouldStop.value.store(true, ordering: .relaxed)
        return ended.wait(timeout: .now() + 5) == .success
    }

    deinit {
        shouldStop.value.store(true, ordering: .relaxed)
        try? FileManager.default.removeItem(at: folder)
    }
}

/// A person at the other end; every wait ends after five seconds.
private final class Client {
    private let descriptor: Int32

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw POSIXError(.ECONNREFUSED) }
    }

    deinit {
        close(descriptor)
    }

    func type(_ text: String) {
        let bytes = Array(text.utf8)
        _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    func hangUpSending() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// What arrives until `ending`, or until the server closes.
    func read(until ending: String? = nil) -> String {
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while ending.map({ !received.ends(with: Array($0.utf8)) }) ?? true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else {
                if count < 0 { received += Array("<no end>".utf8) }
                break
            }
            received += buffer.prefix(count)
        }
        return String(decoding: received, as: UTF8.self)
    }

    func ask(_ line: String) -> String {
        type(line + "\n")
        return read(until: "\n.\n")
    }
}

extension [UInt8] {
    fileprivate func ends(with ending: [UInt8]) -> Bool {
        suffix(ending.count).elementsEqual(ending)
    }
}

@Suite(.timeLimit(.minutes(1))) struct ConsoleServerTests {
    @Test func commandsAreAnsweredInOrderAndQuitEndsTheSession() throws {
        let console = try RunningConsole()
        let client = try Client(console.path)
        #expect(client.ask("status") == "all is well\n.\n")
        #expect(client.ask("lanes") == "lane 0 empty\n.\n")
        #expect(client.ask("help").hasPrefix("help "))
        #expect(client.ask("dance").contains("unknown command \"dance\""))
        #expect(client.ask("ledger tail 3").split(separator: "\n").count == 4)
        client.type("quit\nstatus\n")
        #expect(client.read() == "bye\n.\n")
        #expect(console.stop())
    }

    @Test func eachSessionIsToldWithItsSocketAndItsUser() throws {
        let console = try RunningConsole()
        let first = try Client(console.path)
        #expect(first.ask("status") == "all is well\n.\n")
        let second = try Client(console.path)
        #expect(second.ask("status") == "all is well\n.\n")
        first.type("quit\n")
        #expect(first.read() == "bye\n.\n")
        #expect(console.stop())
        let from = "from \(console.path), user \(getuid())"
        #expect(console.source.sessions == ["1 \(from)", "2 \(from)", "1 ended", "2 ended"])
    }

    @Test func peerThatOnlyShutsItsOwnHalfStillGetsItsAnswers() throws {
        let console = try RunningConsole()
        let client = try Client(console.path)
        client.type("status\nlanes\n")
        client.hangUpSending()
        #expect(client.read() == "all is well\n.\nlane 0 empty\n.\n")
        #expect(console.stop())
    }

    @Test func lineOverTheLimitIsRefusedAndTheSessionGoesOn() throws {
        let console = try RunningConsole()
        let client = try Client(console.path)
        #expect(client.ask(String(repeating: "a", count: 100_000)).contains("more than 1024 bytes"))
        #expect(client.ask("status") == "all is well\n.\n")
        #expect(console.stop())
    }

    @Test func fifthSessionIsToldThatTheConsoleIsBusyAndAFreedPlaceIsGivenAgain() throws {
        let console = try RunningConsole()
        var clients = try (0..<4).map { _ in try Client(console.path) }
        for client in clients { #expect(client.ask("status") == "all is well\n.\n") }
        #expect(try Client(console.path).read().hasPrefix("busy: 4 sessions"))
        clients[0].type("quit\n")
        #expect(clients[0].read() == "bye\n.\n")
        clients[0] = try Client(console.path)
        #expect(clients[0].ask("status") == "all is well\n.\n")
        #expect(console.stop())
    }

    @Test func silentSessionIsClosed() throws {
        let console = try RunningConsole(idleLimit: .milliseconds(100))
        #expect(try Client(console.path).read() == "")
        #expect(console.stop())
    }

    @Test func peerThatReadsNothingIsCutOffAndTheOthersAreServed() throws {
        let console = try RunningConsole()
        let deaf = try Client(console.path)
        // Each reply has some 80 KB; the kernel's buffers and ours are soon full.
        deaf.type(String(repeating: "ledger tail 200\n", count: 200))
        let other = try Client(console.path)
        #expect(other.ask("status") == "all is well\n.\n")
        #expect(!deaf.read().hasSuffix("<no end>"))
        #expect(console.stop())
    }

    @Test func onlyTheOwnerMayUseTheSocketAndItGoesWithTheServer() throws {
        let console = try RunningConsole()
        let attributes = try FileManager.default.attributesOfItem(atPath: console.path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(console.stop())
        #expect(!FileManager.default.fileExists(atPath: console.path))
    }

    @Test func staleSocketIsReplacedAndALiveOneIsNot() throws {
        let console = try RunningConsole { path in
            // A socket file that nobody listens to, as a power cut leaves it.
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            let bound = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            #expect(bound == 0)
            close(descriptor)
        }
        #expect(try Client(console.path).ask("status") == "all is well\n.\n")
        let loop = try EventLoop()
        #expect {
            try ConsoleServer(loop: loop, path: console.path, source: Source())
        } throws: {
            if case MachineError.system("listen", console.path, EADDRINUSE) = $0 { true } else { false }
        }
        #expect(try Client(console.path).ask("status") == "all is well\n.\n")
        #expect(console.stop())
    }

    @Test func fileThatIsNoSocketIsLeftAlone() {
        #expect(throws: MachineError.self) {
            try RunningConsole { try "kept".write(toFile: $0, atomically: false, encoding: .utf8) }
        }
    }
}
