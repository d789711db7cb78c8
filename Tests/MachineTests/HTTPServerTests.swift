import Domain
import Foundation
import Synchronization
import Testing

@testable import Machine

private final class Echo: HTTPHandler {
    private let loop: EventLoop
    private let calls: Counter
    private var waiting: [EventWatch] = []
    private var held: [HTTPExchange] = []

    init(_ loop: EventLoop, _ calls: Counter) {
        self.loop = loop
        self.calls = calls
    }

    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        calls.count.add(1, ordering: .relaxed)
        let sum = request.body.reduce(UInt64(0)) { $0 &* 31 &+ UInt64($1) }
        let line = "\(request.method) \(request.path) \(request.contentType) \(request.body.count) \(sum)"
        let answer = HTTPResponse(status: 200, contentType: "text/plain", body: Array(line.utf8))
        switch request.path {
        case "/later":
            if let watch = try? loop.timer(.milliseconds(200), repeats: false, { exchange.answer(answer) }) {
                waiting.append(watch)
            }
        case "/never": held.append(exchange)
        case "/twice":
            exchange.answer(answer)
            exchange.answer(HTTPResponse(status: 500, contentType: "text/plain", body: []))
        default: exchange.answer(answer)
        }
    }
}

private final class Counter: Sendable {
    let count = Atomic(0)
    var value: Int { count.load(ordering: .relaxed) }
}

private func withServer(
    _ limits: HTTPServerLimits = .standard, _ body: (ServerThread, Counter) throws -> Void
) throws {
    let calls = Counter()
    let server = try ServerThread(limits: limits) { Echo($0, calls) }
    try body(server, calls)
    #expect(try server.curl([]).status == 200, "the server goes on")
    #expect(server.stop())
}

private func withFile(_ count: Int, _ body: (String, String) throws -> Void) throws {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try Data(bytes).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let sum = bytes.reduce(UInt64(0)) { $0 &* 31 &+ UInt64($1) }
    try body("@" + file.path, "POST /echo a/b \(count) \(sum)")
}

@Suite(.serialized) struct HTTPServerTests {
    @Test func theThreeMethodsReachTheHandlerAndNoOther() throws {
        try withServer { server, calls throws in
            #expect(try server.curl([], path: "/echo?a=b").text == "GET /echo  0 0")
            let post = try server.curl(["-H", "Content-Type: a/b", "--data-binary", "x"])
            #expect(post.text == "POST /echo a/b 1 120")
            let put = try server.curl(["-X", "PUT", "-H", "Content-Type: a/b", "--data-binary", "x"])
            #expect(put.text == "PUT /echo a/b 1 120")
            for method in ["DELETE", "PATCH", "OPTIONS", "TRACE"] {
                let answer = try server.curl(["-X", method])
                #expect(answer.status == 405, "\(method)")
            }
            #expect(try server.curl(["--head"]).status == 405)
            #expect(calls.value == 3)
        }
    }

    @Test(arguments: [
        ["-H", "Expect:"], ["-H", "Expect: 100-continue"], ["-H", "Transfer-Encoding: chunked", "-H", "Expect:"],
        ["-H", "Transfer-Encoding: chunked", "-H", "Expect: 100-continue"],
    ])
    func aLargeBodyArrivesWholeHoweverItIsSent(_ arguments: [String]) throws {
        try withServer { server, _ throws in
            try withFile(3_000_000) { file, echo throws in
                let answer = try server.curl(["-H", "Content-Type: a/b", "--data-binary", file] + arguments)
                #expect(answer.text == echo)
                if arguments.contains("Expect: 100-continue") { #expect(answer.log.contains("100 Continue")) }
            }
        }
    }

    @Test(arguments: [
        ["-H", "Expect:"], ["-H", "Expect: 100-continue"], ["-H", "Transfer-Encoding: chunked", "-H", "Expect:"],
        ["-H", "Transfer-Encoding: chunked", "-H", "Expect: 100-continue"],
    ])
    func tenMegabytesAreToldThatTheyAreTooLarge(_ arguments: [String]) throws {
        try withServer { server, calls throws in
            try withFile(10_000_000) { file, _ throws in
                for _ in 0..<3 {
                    let answer = try server.curl(["-H", "Content-Type: a/b", "--data-binary", file] + arguments)
                    #expect(answer.status == 413, "\(answer.log.suffix(300))")
                }
                #expect(calls.value == 0)
            }
        }
    }

    @Test func aPeerThatLeavesInTheBodyIsForgotten() throws {
        try withServer { server, calls throws in
            for framing in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
                let peer = server.connect()
                server.send("POST /echo HTTP/1.1\r\nHost: x\r\n\(framing)\r\n\r\n64\r\nabc", on: peer)
                shutdown(peer, Int32(SHUT_WR))
                #expect(server.readToEnd(peer) == "")
                close(peer)
            }
            #expect(calls.value == 0)
        }
    }

    @Test(arguments: [
        "hello\r\n\r\n", "GET\r\n\r\n", "POST /echo HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "GET /echo HTTP/1.1\r\nno colon\r\n\r\n",
        "GET /echo HTTP/1.1\r\nA: " + String(repeating: "x", count: 9_000) + "\r\n\r\n",
        "GET /" + String(repeating: "x", count: 9_000) + " HTTP/1.1\r\n\r\n",
    ])
    func whatIsNoRequestIsAnswered400(_ text: String) throws {
        try withServer { server, calls throws in
            let peer = server.connect()
            server.send(text, on: peer)
            #expect(server.readToEnd(peer)?.hasPrefix("HTTP/1.1 400") == true)
            close(peer)
            #expect(calls.value == 0)
        }
    }

    @Test func anAnswerMayComeLaterAndToAPeerThatHasLeft() throws {
        try withServer { server, calls throws in
            #expect(try server.curl([], path: "/later").text == "GET /later  0 0")
            for resets in [false, true] {
                let peer = server.connect()
                var abrupt = linger(l_onoff: resets ? 1 : 0, l_linger: 0)
                setsockopt(peer, SOL_SOCKET, SO_LINGER, &abrupt, socklen_t(MemoryLayout<linger>.size))
                server.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n", on: peer)
                usleep(50_000)
                close(peer)
            }
            usleep(400_000)
            #expect(calls.value == 3)
            #expect(try server.curl([], path: "/twice").status == 200)
        }
    }

    @Test func aConnectionServesSeveralRequests() throws {
        try withServer { server, calls throws in
            let answer = try server.curl(["http://127.0.0.1:\(server.port)/a"], path: "/b")
            #expect(answer.log.contains("Re-using existing connection"))
            #expect(answer.status == 200)
            #expect(calls.value == 2)
        }
    }

    @Test func aClientThatSendsSlowlyIsCutOff() throws {
        try withServer(HTTPServerLimits(receiving: .milliseconds(600))) { server, calls throws in
            let peers = [server.connect(), server.connect(), server.connect()]
            server.send("POST /echo HTTP/1.1\r\nContent-Length: 50\r\n\r\n", on: peers[1])
            let start = Date()
            // Each byte comes well before any idle limit.
            for _ in 0..<15 {
                server.send("A", on: peers[0])
                server.send("B", on: peers[1])
                usleep(100_000)
            }
            for peer in peers {
                #expect(server.readToEnd(peer)?.contains("200 OK") == false)
                close(peer)
            }
            #expect(Date().timeIntervalSince(start) < 3)
            usleep(50_000)
            #expect(server.slowConnections.load(ordering: .relaxed) == 3)
            #expect(calls.value == 0)
        }
    }

    @Test func oneConnectionTooManyIsAnswered503AndClosed() throws {
        try withServer(HTTPServerLimits(connections: 2)) { server, _ throws in
            let peers = [server.connect(), server.connect()]
            usleep(100_000)
            #expect(try server.curl([]).status == 503)
            usleep(50_000)
            #expect(server.refusedConnections.load(ordering: .relaxed) == 1)
            for peer in peers { close(peer) }
            usleep(600_000)
        }
    }

    @Test func aHandlerThatNeverAnswersIsAnsweredFor() throws {
        try withServer(HTTPServerLimits(answering: .milliseconds(300))) { server, _ throws in
            #expect(try server.curl([], path: "/never").status == 503)
        }
    }

    @Test func clientsThatLeaveAtRandomLeaveNothingBehind() throws {
        var random = SystemRandomNumberGenerator()
        try withServer(HTTPServerLimits(receiving: .seconds(2), lingering: .milliseconds(300))) { server, _ throws in
            let whole = [
                "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", "GET /later HTTP/1.1\r\nHost: x\r\n\r\n",
                "POST /echo HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
                "POST /later HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
                "POST /echo HTTP/1.1\r\nContent-Length: 99999999\r\n\r\nhello",
            ]
            var open: [Int32] = []
            for _ in 0..<600 {
                let peer = server.connect()
                let text = (whole.randomElement(using: &random) ?? "") + (whole.randomElement(using: &random) ?? "")
                server.send(String(text.prefix(Int.random(in: 0...text.count, using: &random))), on: peer)
                switch Int.random(in: 0..<4, using: &random) {
                case 0:
                    var abrupt = linger(l_onoff: 1, l_linger: 0)
                    setsockopt(peer, SOL_SOCKET, SO_LINGER, &abrupt, socklen_t(MemoryLayout<linger>.size))
                    close(peer)
                case 1:
                    shutdown(peer, Int32(SHUT_WR))
                    open.append(peer)
                case 2: open.append(peer)
                default: close(peer)
                }
                if open.count > 20 { close(open.removeFirst()) }
            }
            for peer in open { close(peer) }
            let deadline = Date() + 6
            while server.connectionCount.load(ordering: .relaxed) > 0, Date() < deadline { usleep(20_000) }
            #expect(server.connectionCount.load(ordering: .relaxed) == 0)
        }
    }

    /// A connection that is over is swept away up to 250 ms later; until then a new one may get its address. A request
    /// taken for the old one's would leave the old one held for as long as the new one lives.
    @Test func quickConnectionsOneAfterTheOtherAreNotMistakenForEachOther() throws {
        // With room for all of them: a crowd is not drained but dropped by the sweep itself.
        try withServer(HTTPServerLimits(connections: 1_000)) { server, calls throws in
            var kept: [Int32] = []
            for count in 1...400 {
                let peer = server.connect()
                let staysOpen = count.isMultiple(of: 20)
                let connection = staysOpen ? "keep-alive" : "close"
                server.send("GET /echo HTTP/1.1\r\nHost: a\r\nConnection: \(connection)\r\n\r\n", on: peer)
                if staysOpen {
                    var start = [UInt8](repeating: 0, count: 12)
                    #expect(recv(peer, &start, start.count, 0) == 12)
                    #expect(String(decoding: start, as: UTF8.self) == "HTTP/1.1 200")
                    kept.append(peer)
                } else {
                    #expect(server.readToEnd(peer)?.contains("200 OK") == true)
                    close(peer)
                }
                usleep(1_000)
            }
            #expect(calls.value == 400)
            let deadline = Date() + 10
            while server.connectionCount.load(ordering: .relaxed) != kept.count, Date() < deadline { usleep(20_000) }
            #expect(server.connectionCount.load(ordering: .relaxed) == kept.count)
            for peer in kept { close(peer) }
        }
    }

    @Test func aServerMayEndWithRequestsOpen() throws {
        let calls = Counter()
        let server = try ServerThread { Echo($0, calls) }
        let peers = [server.connect(), server.connect()]
        server.send("GET /never HTTP/1.1\r\nHost: x\r\n\r\n", on: peers[0])
        server.send("GET /ne", on: peers[1])
        usleep(100_000)
        #expect(server.stop())
        for peer in peers {
            #expect(server.readToEnd(peer) == "")
            close(peer)
        }
        #expect(calls.value == 1)
    }

    @Test func whatCannotBeListenedOnIsNamed() throws {
        try withServer { server, _ throws in
            let loop = try EventLoop()
            let echo = Echo(loop, Counter())
            for (address, port) in [("localhost", UInt16(0)), ("127.0.0.1", server.port), ("203.0.113.1", 0)] {
                #expect(throws: MachineError.self) {
                    try HTTPServer(loop: loop, address: address, port: port, handler: echo)
                }
            }
        }
    }
}
