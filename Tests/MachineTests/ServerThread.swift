import Domain
import Foundation
import Synchronization
import Testing

@testable import Machine

/// A server on a loop of its own thread, and the clients to try it with.
final class ServerThread: @unchecked Sendable {
    private(set) var port: UInt16 = 0
    private let ended = DispatchSemaphore(value: 0)
    private let ends = Atomic(false)
    let refusedConnections = Atomic(0)
    let slowConnections = Atomic(0)
    let connectionCount = Atomic(0)

    init(limits: HTTPServerLimits = .standard, handler: @escaping @Sendable (EventLoop) -> HTTPHandler) throws {
        let started = DispatchSemaphore(value: 0)
        Thread.detachNewThread { [self] in
            defer { ended.signal() }
            guard let loop = try? EventLoop(),
                let server = try? HTTPServer(
                    loop: loop, address: "127.0.0.1", port: 0, limits: limits, handler: handler(loop)
                )
            else {
                started.signal()
                return
            }
            port = server.port
            let watch = try? loop.timer(.milliseconds(10), repeats: true) { () -> Void in
                self.refusedConnections.store(server.refusedConnections, ordering: .relaxed)
                self.slowConnections.store(server.slowConnections, ordering: .relaxed)
                self.connectionCount.store(server.connectionCount, ordering: .relaxed)
                if self.ends.load(ordering: .relaxed) { loop.stop() }
            }
            started.signal()
            loop.run()
            watch?.cancel()
            server.close()
        }
        started.wait()
        guard port != 0 else { throw MachineError.closed(subject: "server") }
    }

    /// True when the loop ended in time.
    func stop() -> Bool {
        ends.store(true, ordering: .relaxed)
        return ended.wait(timeout: .now() + 5) == .success
    }

    struct Answer {
        var status: Int
        var text: String
        var log: String
        var exit: Int32
    }

    /// One run of curl; `log` is what -v prints.
    func curl(_ arguments: [String], path: String = "/echo") throws -> Answer {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let always = ["curl", "-s", "-S", "-v", "--max-time", "20", "-w", "\n%{http_code}"]
        process.arguments = always + arguments + ["http://127.0.0.1:\(port)\(path)"]
        let folder = FileManager.default.temporaryDirectory
        let output = folder.appendingPathComponent(UUID().uuidString)
        let log = folder.appendingPathComponent(UUID().uuidString)
        for file in [output, log] { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
        defer { for file in [output, log] { try? FileManager.default.removeItem(at: file) } }
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: log)
        try process.run()
        process.waitUntilExit()
        let text = try String(decoding: Data(contentsOf: output), as: UTF8.self)
        let cut = text.lastIndex(of: "\n") ?? text.startIndex
        return try Answer(
            status: Int(text[cut...].dropFirst()) ?? -1, text: String(text[..<cut]),
            log: String(decoding: Data(contentsOf: log), as: UTF8.self), exit: process.terminationStatus
        )
    }

    /// A connected socket; nothing is sent.
    func connect() -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        #expect(status == 0)
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        return descriptor
    }

    func send(_ text: String, on descriptor: Int32) {
        _ = Foundation.send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL))
    }

    /// Everything until the server closes, or nil when it does not within 5 seconds.
    func readToEnd(_ descriptor: Int32) -> String? {
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0 && errno != ECONNRESET { return nil }
            if count <= 0 { return String(decoding: text, as: UTF8.self) }
            text += buffer[..<count]
        }
    }
}
