import DeviceProtocols
import Domain
import Foundation
import Machine
import Synchronization
import Testing

@testable import Web

private let picture = Data([0xFF, 0xD8, 0xFF, 0xE0, 0, 1, 2]).base64EncodedString()

/// The vendor's plate push with a synthetic plate.
private func vzenith(plateID: Int = 7, offline: Int = 0, picture: String = picture) -> String {
    """
    {"AlarmInfoPlate":{"channel":0,"deviceName":"IVS","ipaddr":"192.168.1.100","serialno":"ad8b2a7f-1c2d3e4f",
    "result":{"PlateResult":{"license":"冀B12345","colorType":2,"confidence":97,"direction":4,"triggerType":8,
    "plateid":\(plateID),"isoffline":\(offline),"gioouts":[{"ionum":"0","ctrltype":0}],
    "timeStamp":{"Timeval":{"sec":1772325000,"usec":0}},
    "imageFile":"\(picture)","imageFileLen":7,"type":3}}}}
    """
}

private let alert = """
    <?xml version="1.0" encoding="UTF-8"?>
    <EventNotificationAlert version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">
    <macAddress>c4:2f:90:d1:c0:f5</macAddress><dateTime>2026-03-01T08:30:00+08:00</dateTime>
    <eventType>ANPR</eventType><ANPR><licensePlate>冀B54321</licensePlate><plateColor>yellow</plateColor>
    <confidenceLevel>97</confidenceLevel></ANPR><UUID>6b1a7d0c</UUID></EventNotificationAlert>
    """

/// Keeps each key once, as the ledger does, and answers a moment later.
private final class Shelf: CaptureSink {
    private let loop: EventLoop
    private let log: Log
    private var watches: [EventWatch] = []

    init(_ loop: EventLoop, _ log: Log) {
        self.loop = loop
        self.log = log
    }

    func take(_ capture: Capture, lane: LaneID, camera: String, completion: @escaping (CaptureFate) -> Void) {
        let fate = log.note(capture, "\(lane.index) \(camera)")
        if let watch = try? loop.timer(.milliseconds(20), repeats: false, { completion(fate) }) {
            watches.append(watch)
        }
    }
}

/// What the shelf took, readable from the test's thread.
private final class Log: @unchecked Sendable {
    private let lock = NSLock()
    private var all: [(Capture, String)] = []
    private var isFull = false
    private var latest: [CameraCounters] = []

    func note(_ capture: Capture, _ from: String) -> CaptureFate {
        lock.withLock {
            if isFull { return .refused }
            if all.contains(where: { $0.0.key == capture.key }) { return .duplicate }
            all.append((capture, from))
            return .kept
        }
    }

    var captures: [Capture] { lock.withLock { all.map { $0.0 } } }
    var origins: [String] { lock.withLock { all.map { $0.1 } } }
    var counters: [CameraCounters] {
        get { lock.withLock { latest } }
        set { lock.withLock { latest = newValue } }
    }
    func fill(_ full: Bool) { lock.withLock { isFull = full } }
}

/// A receiver behind the real server, on a loop of its own thread.
private final class Site: @unchecked Sendable {
    let log = Log()
    private(set) var port: UInt16 = 0
    private let ended = DispatchSemaphore(value: 0)
    private let ends = Atomic(false)

    init() throws {
        let started = DispatchSemaphore(value: 0)
        Thread.detachNewThread { [self] in
            defer { ended.signal() }
            guard let loop = try? EventLoop() else {
                started.signal()
                return
            }
            let receiver = CameraReceiver(
                routes: [
                    CameraRoute(path: "/v", make: .vzenith, lane: LaneID(1), name: "in"),
                    CameraRoute(path: "/h", make: .hikvision, lane: LaneID(2), name: "out"),
                ],
                sink: Shelf(loop, log)
            )
            guard let server = try? HTTPServer(loop: loop, address: "127.0.0.1", port: 0, handler: receiver)
            else {
                started.signal()
                return
            }
            port = server.port
            let watch = try? loop.timer(.milliseconds(5), repeats: true) { [self] in
                log.counters = receiver.counters
                if ends.load(ordering: .relaxed) { loop.stop() }
            }
            started.signal()
            loop.run()
            watch?.cancel()
            server.close()
        }
        started.wait()
        guard port != 0 else { throw MachineError.closed(subject: "server") }
    }

    func stop() -> Bool {
        ends.store(true, ordering: .relaxed)
        return ended.wait(timeout: .now() + 5) == .success
    }

    /// Runs curl; the status, and the body of the answer.
    func curl(_ path: String, _ arguments: [String]) throws -> (status: Int, text: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            ["curl", "-s", "--max-time", "20", "-w", "\n%{http_code}"] + arguments
            + ["http://127.0.0.1:\(port)\(path)"]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let cut = text.lastIndex(of: "\n") ?? text.startIndex
        return (Int(text[cut...].dropFirst()) ?? -1, String(text[..<cut]))
    }

    /// Posts from a file, as curl needs for large bodies.
    func post(_ path: String, _ body: String, _ arguments: [String] = []) throws -> (status: Int, text: String) {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try Data(body.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return try curl(path, ["-H", "Content-Type: application/json", "--data-binary", "@\(file.path)"] + arguments)
    }

    /// The counters after the answers given so far.
    func settled() -> [CameraCounters] {
        usleep(50_000)
        return log.counters
    }
}

private func withSite(_ body: (Site) throws -> Void) throws {
    let site = try Site()
    try body(site)
    #expect(try site.curl("/none", []).status == 404, "the server goes on")
    #expect(site.stop())
}

@Suite(.serialized) struct CameraReceiverTests {
    private let stop = #"{"Response_AlarmInfoPlate":{"info":"no","content":"retransfer_stop"}}"#

    @Test(arguments: [
        ["-H", "Expect:"], ["-H", "Expect: 100-continue"], ["-H", "Transfer-Encoding: chunked"],
        ["-H", "Content-Type:"], ["--http1.0"],
    ])
    func aVzenithPushIsKeptAndThenAnsweredAsDocumented(_ arguments: [String]) throws {
        try withSite { site throws in
            let large = Data([0xFF, 0xD8] + [UInt8](repeating: 7, count: 2_000_000)).base64EncodedString()
            let answer = try site.post("/v", vzenith(picture: large), arguments)
            #expect(answer.status == 200)
            #expect(answer.text == stop)
            #expect(site.log.captures.map(\.key) == ["vzenith/ad8b2a7f-1c2d3e4f/7"])
            #expect(site.log.captures.first?.photos.map(\.jpeg.count) == [2_000_002])
            #expect(site.log.origins == ["1 in"])
        }
    }

    @Test func aRepeatedPushIsAnsweredTheSameAndKeptOnce() throws {
        try withSite { site throws in
            for _ in 0..<3 { #expect(try site.post("/v", vzenith()).text == stop) }
            #expect(site.log.captures.count == 1)
            #expect(site.settled() == [CameraCounters(accepted: 1, duplicate: 2), CameraCounters()])
        }
    }

    @Test func aStoredReadAsksForTheNext() throws {
        try withSite { site throws in
            let answer = try site.post("/v", vzenith(plateID: 9, offline: 1))
            #expect(answer.text.contains(#""ContinuePushOffline":{"plateid":9,"continue":1}"#))
            #expect(site.log.captures.first?.isReplayed == true)
        }
    }

    @Test func whatCannotBeKeptIsNotAcknowledged() throws {
        try withSite { site throws in
            site.log.fill(true)
            let refused = try site.post("/v", vzenith())
            #expect(refused.status == 503)
            #expect(!refused.text.contains("retransfer_stop"))
            site.log.fill(false)
            #expect(try site.post("/v", vzenith()).text == stop)
            #expect(site.settled()[0] == CameraCounters(accepted: 1, refused: 1))
        }
    }

    @Test func aHikvisionPushByCurlsOwnMultipartIsKept() throws {
        try withSite { site throws in
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            for (name, content) in [
                ("anpr.xml", Data(alert.utf8)), ("detectionPicture.jpg", Data([0xFF, 0xD8, 1])),
                ("licensePlatePicture.jpg", Data([0xFF, 0xD8, 2])),
            ] {
                try content.write(to: folder.appendingPathComponent(name))
            }
            let form = [
                "-F", "anpr.xml=@\(folder.path)/anpr.xml;type=text/xml",
                "-F", "picture=@\(folder.path)/detectionPicture.jpg;type=application/octet-stream",
                "-F", "licensePlatePicture.jpg=@\(folder.path)/licensePlatePicture.jpg",
            ]
            for _ in 0..<2 { #expect(try site.curl("/h", form).status == 200) }
            let capture = try #require(site.log.captures.first)
            #expect(capture.key == "hikvision/c4:2f:90:d1:c0:f5/6b1a7d0c")
            #expect(capture.plate == Plate("冀B54321", colour: .yellow))
            #expect(capture.photos.map(\.kind) == [.scene, .plate])
            #expect(capture.photos.map(\.jpeg) == [[0xFF, 0xD8, 1], [0xFF, 0xD8, 2]])
            #expect(site.log.origins == ["2 out"])
            #expect(site.settled()[1] == CameraCounters(accepted: 1, duplicate: 1))
        }
    }

    @Test func heartbeatsAreAnsweredAtOnce() throws {
        try withSite { site throws in
            let form = ["-F", "device_name=IVS", "-F", "serialno=s1", "-F", "user_name=x", "-F", "pass_wd=y"]
            #expect(try site.curl("/v", form).status == 200)
            let lost = "<EventNotificationAlert><eventType>videoloss</eventType></EventNotificationAlert>"
            #expect(try site.post("/h", lost).status == 200)
            #expect(site.log.captures.isEmpty)
            #expect(site.settled() == [CameraCounters(heartbeats: 1), CameraCounters(heartbeats: 1)])
        }
    }

    @Test func whatCannotBeUsedIsToldInOneLine() throws {
        try withSite { site throws in
            let cut = String(vzenith().prefix(200))
            for (path, body, reason) in [
                ("/v", "hello", "not JSON: unexpected text at byte 5\n"), ("/v", "", "not JSON: unexpected end"),
                ("/v", cut, "not JSON: unexpected end"), ("/v", "{\"Other\":1}", "unexpected root \"Other\""),
                ("/h", "hello", "not XML: unexpected text"), ("/h", "<Other/>", "unexpected root \"Other\""),
                ("/h", String(alert.prefix(200)), "not XML: unexpected end"),
            ] {
                let answer = try site.post(path, body)
                #expect(answer.status == 400)
                #expect(answer.text.hasPrefix(reason), "\(answer.text)")
                #expect(answer.text.filter { $0 == "\n" }.count == 1)
            }
            #expect(site.settled() == [CameraCounters(malformed: 4), CameraCounters(malformed: 3)])
        }
    }

    @Test func otherPathsMethodsAndSizesAreRefused() throws {
        try withSite { site throws in
            #expect(try site.post("/w", vzenith()).status == 404)
            #expect(try site.curl("/v", []).status == 405)
            #expect(try site.curl("/v", ["-X", "DELETE"]).status == 405)
            let large = vzenith(picture: String(repeating: "A", count: 10_000_000))
            #expect(try site.post("/v", large).status == 413)
            #expect(try site.post("/v", large, ["-H", "Transfer-Encoding: chunked"]).status == 413)
            #expect(site.log.captures.isEmpty)
        }
    }
}
