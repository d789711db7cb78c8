// The HTTP client against real servers on loopback.

import Domain
import Foundation
import Machine
import Testing

@testable import Crypto
@testable import Uplink

/// What came of a request, comparable.
private enum Outcome: Equatable, CustomStringConvertible {
    case reply(Int, String)
    case library(String, String)
    case system(String, Int32)
    case closed
    case deadline
    case limit
    case nothing

    init(_ result: Result<HTTPResponse, MachineError>) {
        switch result {
        case .success(let response): self = .reply(response.status, String(decoding: response.body, as: UTF8.self))
        case .failure(.library(let name, _, let reason)): self = .library(name, reason)
        case .failure(.system(let call, _, let errno)): self = .system(call, errno)
        case .failure(.closed): self = .closed
        case .failure(.deadline): self = .deadline
        case .failure(.limit): self = .limit
        }
    }

    var description: String {
        switch self {
        case .reply(let status, let body): "\(status) \(body.prefix(60))"
        case .library(let name, let reason): "\(name): \(reason)"
        case .system(let call, let errno): "\(call): errno \(errno)"
        case .closed: "closed"
        case .deadline: "deadline"
        case .limit: "limit"
        case .nothing: "nothing"
        }
    }
}

private final class Caller {
    let loop: EventLoop
    let client: HTTPClient

    init(
        _ port: UInt16, host: String = "127.0.0.1", authority: String? = "ca", serverName: String? = nil,
        identity: String? = nil, limits: HTTPClient.Limits = HTTPClient.Limits()
    ) throws {
        loop = try EventLoop()
        var secure: SecureLayer?
        if let authority {
            let files = try TestAuthority.shared.get()
            let pair = identity.map {
                TLSClientSettings.Identity(
                    certificateFile: files.path("\($0).pem"), keyFile: files.path("\($0).key"))
            }
            let settings = TLSClientSettings(
                authorityFile: files.path("\(authority).pem"), serverName: serverName ?? host, identity: pair)
            secure = SecureLayer(try TLSClientContext(settings, now: nil))
        }
        client = try HTTPClient(loop: loop, host: host, port: port, secure: secure, limits: limits)
    }

    /// Runs the loop until the request is completed, then a little on, so that a second completion would be seen.
    func post(_ path: String, _ body: String = "body", settle: UInt64 = 20) throws -> Outcome {
        var outcomes: [Outcome] = []
        var isPosted = false
        var watches: [EventWatch] = []
        client.post(path: path, contentType: "text/plain", body: Array(body.utf8)) { [loop] result in
            #expect(isPosted, "completed within post")
            outcomes.append(Outcome(result))
            if let watch = try? loop.timer(.milliseconds(settle), repeats: false, { loop.stop() }) {
                watches.append(watch)
            }
        }
        isPosted = true
        watches.append(try loop.timer(.seconds(20), repeats: false) { [loop] in loop.stop() })
        loop.run()
        #expect(outcomes.count == 1)
        return outcomes.first ?? .nothing
    }
}

private func quick(connect: UInt64 = 2_000, request: UInt64 = 4_000) -> HTTPClient.Limits {
    var limits = HTTPClient.Limits()
    limits.connect = .milliseconds(connect)
    limits.request = .milliseconds(request)
    return limits
}

@Suite(.serialized) struct HTTPClientTests {
    @Test(arguments: [nil, "good"])
    func repliesOfEveryFormArriveEachOverAConnectionOfItsOwn(certificate: String?) throws {
        let server = try TestPlatformServer(certificate: certificate)
        let caller = try Caller(server.port, authority: certificate == nil ? nil : "ca")
        let large = String(repeating: "0123456789", count: 300_000)
        #expect(try caller.post("/echo", "hello") == .reply(200, "hello"))
        let most = String(large.prefix(1_000_000))
        #expect(try caller.post("/echo", most) == .reply(200, most))
        #expect(try caller.post("/chunked") == .reply(200, "abc"))
        #expect(try caller.post("/error") == .reply(500, "broken"))
        #expect(try caller.post("/count", large) == .reply(200, "1"))
        #expect(try caller.post("/until-closed") == .reply(200, "until closed"))
        #expect(try caller.post("/count") == .reply(200, "1"))
    }

    @Test func serverIsVerifiedByNameAndByAddress() throws {
        let server = try TestPlatformServer(certificate: "good")
        #expect(try Caller(server.port, serverName: "platform.example").post("/echo") == .reply(200, "body"))
        let wrongName = try Caller(server.port, serverName: "wrong.example").post("/echo")
        #expect(wrongName == .library("TLS", "hostname mismatch"))
        let wrongAddress = try Caller(server.port, serverName: "127.0.0.2").post("/echo")
        #expect(wrongAddress == .library("TLS", "IP address mismatch"))
    }

    @Test func expiredForeignAndMisnamedCertificatesAreRefusedInOpenSSLsWords() throws {
        let expired = try TestPlatformServer(certificate: "expired")
        #expect(try Caller(expired.port).post("/echo") == .library("TLS", "certificate has expired"))
        let elsewhere = try TestPlatformServer(certificate: "elsewhere")
        #expect(try Caller(elsewhere.port).post("/echo") == .library("TLS", "IP address mismatch"))
        let good = try TestPlatformServer(certificate: "good")
        let unknown = try Caller(good.port, authority: "other").post("/echo")
        #expect(unknown == .library("TLS", "unable to get local issuer certificate"))
        let selfSigned = try TestPlatformServer(certificate: "other")
        #expect(try Caller(selfSigned.port).post("/echo") == .library("TLS", "self-signed certificate"))
    }

    @Test func ownCertificateIsPresentedWhereItIsAsked() throws {
        let server = try TestPlatformServer(certificate: "good", asksIdentity: true)
        #expect(try Caller(server.port, identity: "lane").post("/echo") == .reply(200, "body"))
        for _ in 0..<5 {
            let outcome = try Caller(server.port).post("/echo")
            guard case .library("TLS", let words) = outcome, words.contains("certificate required") else {
                Issue.record("\(outcome)")
                continue
            }
        }
    }

    @Test func serverWithoutTLSIsNamed() throws {
        let server = try TestPlatformServer(certificate: nil)
        guard case .library("TLS", _) = try Caller(server.port, limits: quick()).post("/echo") else {
            Issue.record("no TLS reason")
            return
        }
    }

    @Test(arguments: [nil, "good"])
    func cutAndBrokenRepliesFailAndTheNextRequestConnectsAnew(certificate: String?) throws {
        let server = try TestPlatformServer(certificate: certificate)
        let caller = try Caller(server.port, authority: certificate == nil ? nil : "ca")
        for path in ["/cut", "/hang-up"] {
            let outcome = try caller.post(path)
            if certificate == nil {
                #expect(outcome == .closed)
            } else {
                #expect(outcome == .library("TLS", "unexpected eof while reading"))
            }
            #expect(try caller.post("/count") == .reply(200, "1"))
        }
        #expect(try caller.post("/not-http") == .library("HTTP", "malformed status line"))
        #expect(try caller.post("/large") == .limit)
        #expect(try caller.post("/count") == .reply(200, "1"))
    }

    @Test(arguments: [nil, "good"])
    func replyThatIsSentTwiceIsNotTakenForTheNextRequests(certificate: String?) throws {
        let server = try TestPlatformServer(certificate: certificate)
        let caller = try Caller(server.port, authority: certificate == nil ? nil : "ca")
        #expect(try caller.post("/twice", "first") == .reply(200, "first"))
        #expect(try caller.post("/echo", "second") == .reply(200, "second"))
    }

    @Test func stalledServerEndsAtTheRequestDeadline() throws {
        let server = try TestPlatformServer(certificate: "good")
        let caller = try Caller(server.port, limits: quick(request: 600))
        let start = Date()
        #expect(try caller.post("/stall") == .deadline)
        #expect((0.5...2).contains(Date().timeIntervalSince(start)))
        #expect(try caller.post("/count") == .reply(200, "1"))
    }

    @Test func stalledHandshakeEndsAtTheConnectDeadline() throws {
        let listener = try TestPlatformServer.silent()
        let start = Date()
        #expect(try Caller(listener.port, limits: quick(connect: 500)).post("/echo") == .deadline)
        #expect((0.4...2).contains(Date().timeIntervalSince(start)))
    }

    @Test func closedPortIsConnectionRefused() throws {
        let server = try TestPlatformServer.silent()
        let port = server.port
        server.stop()
        #expect(try Caller(port).post("/echo") == .system("connect", ECONNREFUSED))
        #expect(try Caller(port, authority: nil).post("/echo") == .system("connect", ECONNREFUSED))
    }

    @Test func namesAreResolvedByTheResolverFilesServers() throws {
        let server = try TestPlatformServer(certificate: "good")
        let names = try TestPlatformServer.names()
        var limits = quick()
        limits.resolverFile = try TestAuthority.shared.get().path("resolv.conf")
        try "nameserver 127.0.0.1:\(names.port)\n".write(
            toFile: limits.resolverFile, atomically: true, encoding: .utf8)
        #expect(try Caller(server.port, host: "platform.example", limits: limits).post("/count") == .reply(200, "1"))
        guard case .library("DNS", _) = try Caller(server.port, host: "absent.example", limits: limits).post("/echo")
        else {
            Issue.record("an unknown name")
            return
        }
    }

    @Test func cutoffFromAnotherThreadEndsAStalledRequest() throws {
        let server = try TestPlatformServer(certificate: "good")
        let caller = try Caller(server.port, limits: quick(request: 10_000))
        let cutoff = caller.client.cutoff
        #expect(!cutoff.cut())
        let thread = Thread {
            Thread.sleep(forTimeInterval: 0.4)
            cutoff.cut()
        }
        thread.start()
        let start = Date()
        guard case .library("TLS", _) = try caller.post("/stall") else {
            Issue.record("not cut off")
            return
        }
        #expect(Date().timeIntervalSince(start) < 3)
        #expect(!cutoff.cut())
    }

    @Test func disconnectFailsTheRequestUnderWayOnce() throws {
        let server = try TestPlatformServer(certificate: "good")
        let caller = try Caller(server.port)
        let watch = try caller.loop.timer(.milliseconds(300), repeats: false) { [client = caller.client] in
            client.disconnect()
        }
        #expect(try caller.post("/stall") == .closed)
        watch.cancel()
        #expect(try caller.post("/count") == .reply(200, "1"))
    }

    @Test func requestAboveTheLimitIsNotSent() throws {
        let server = try TestPlatformServer(certificate: "good")
        var limits = quick()
        limits.requestBytes = 10
        let caller = try Caller(server.port, limits: limits)
        #expect(try caller.post("/echo", "12345678901") == .limit)
        #expect(try caller.post("/count", "1234567890") == .reply(200, "1"))
    }

    @Test func descriptorsAreNotLeakedByFailures() throws {
        let server = try TestPlatformServer(certificate: "good")
        let caller = try Caller(server.port)
        #expect(try caller.post("/count") == .reply(200, "1"))
        func descriptors() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count }
        let before = try descriptors()
        for _ in 0..<20 {
            _ = try caller.post("/cut")
            _ = try caller.post("/count")
        }
        // Other tests of this process open some of their own, and close them again; a leak stays.
        var isBack = false
        for _ in 0..<600 where !isBack {
            isBack = try descriptors() < before + 15
            if !isBack { Thread.sleep(forTimeInterval: 0.1) }
        }
        #expect(isBack)
    }
}
