import Domain
import Ledger
import Machine
import Testing
import Web

@testable import Controller

/// A net thread on the test's own thread: `run` plays `script`, one step each 20 ms of its loop, and ends.
private final class NetBench {
    let clock = BenchClock()
    let stop = Flag()
    let channels: NetChannels
    let net: NetThread
    /// What became of each push, by its number.
    private(set) var fates: [Int: [Web.CaptureFate]] = [:]
    private var pushes = 0

    init(captureCapacity: Int = 32, arrivedCapacity: Int = 64) throws {
        let bell = try Wakeup()
        let elsewhere = try Wakeup()
        channels = NetChannels(
            bell: bell, captures: Ring(capacity: captureCapacity, bell: elsewhere),
            arrived: Ring(capacity: arrivedCapacity, bell: elsewhere), kept: Ring(capacity: 64, bell: bell))
        net = NetThread(
            channels: channels, leads: [("camera 2", .seconds(7))], clock: clock, stop: stop,
            pulse: Pulse("net", limit: .seconds(10), now: clock.now()))
    }

    func push(_ key: String = "k", photoBytes: Int = 0, camera: String = "camera 1") {
        let push = pushes
        pushes += 1
        let photos = photoBytes > 0 ? [[UInt8](repeating: 0xFF, count: photoBytes)] : []
        net.take(capture(key, photos: photos), lane: lane, camera: camera) { self.fates[push, default: []].append($0) }
    }

    func run(_ script: [() -> Void]) throws {
        let loop = try EventLoop()
        var steps = script[...]
        let watch = try loop.timer(.milliseconds(20), repeats: true) {
            if let step = steps.popFirst() { step() } else { self.stop.raise() }
        }
        try net.run(loop)
        watch.cancel()
    }

    func keep(_ request: UInt32, _ fate: Ledger.CaptureFate?) {
        #expect(channels.kept.push(CaptureKept(request: request, fate: fate)))
    }
}

@Suite struct NetThreadTests {
    @Test func aReadGoesToTheLedgerWithItsPhotosAndToAdmissionWithout() throws {
        let net = try NetBench()
        net.push("k1", photoBytes: 10)
        net.push("k2", camera: "camera 2")
        let kept = net.channels.captures.all()
        #expect(kept.map(\.capture.key) == ["k1", "k2"] && kept.map(\.capture.photos.count) == [1, 0])
        #expect(Set(kept.map(\.request)).count == 2)
        let arrived = net.channels.arrived.all()
        #expect(arrived.map(\.capture.key) == ["k1", "k2"] && arrived.allSatisfy { $0.capture.photos.isEmpty })
        #expect(arrived.map(\.lead) == [.seconds(3), .seconds(7)])
        #expect(net.fates.isEmpty, "nobody is answered before the ledger has said so")
    }

    @Test func eachCameraIsAnsweredOnceByWhatTheLedgerSays() throws {
        let net = try NetBench()
        for key in ["k1", "k2", "k3"] { net.push(key) }
        let requests = net.channels.captures.all().map(\.request)
        try net.run([
            {
                net.keep(requests[1], .duplicate)
                net.keep(requests[2], nil)
                net.keep(requests[0], .stored([]))
            },
            {
                // Said twice, or of nobody: no answer to anyone.
                net.keep(requests[0], .duplicate)
                net.keep(9_999, .stored([]))
            },
        ])
        #expect(net.fates == [0: [.kept], 1: [.duplicate], 2: [.refused]])
    }

    @Test func aReadThatTheLedgerIsSilentAboutIsRefusedAfterFiveSeconds() throws {
        let net = try NetBench()
        net.push("k1")
        net.clock.advance(.seconds(3))
        net.push("k2")
        let requests = net.channels.captures.all().map(\.request)
        let pause: () -> Void = {}
        var early: [Int: [Web.CaptureFate]] = [:]
        try net.run(
            [{ net.clock.advance(.milliseconds(2_100)) }] + Array(repeating: pause, count: 8)
                + [
                    { early = net.fates },
                    // Too late for the first: it was told to come again, and will find itself a duplicate.
                    { net.keep(requests[0], .stored([])) },
                    { net.keep(requests[1], .stored([])) },
                ] + Array(repeating: pause, count: 2))
        #expect(early == [0: [.refused]])
        #expect(net.fates == [0: [.refused], 1: [.kept]])
    }

    @Test func sixteenReadsAreUnderWayAtMost() throws {
        let net = try NetBench()
        for _ in 0..<16 { net.push() }
        #expect(net.fates.isEmpty)
        net.push()
        #expect(net.fates == [16: [.refused]])
        let requests = net.channels.captures.all().map(\.request)
        #expect(requests.count == 16 && net.channels.arrived.all().count == 16, "a refused read goes nowhere")
        try net.run([{ net.keep(requests[0], .stored([])) }, { net.push() }])
        #expect(net.fates == [0: [.kept], 16: [.refused]], "an answer makes room")
    }

    @Test func aReadThatWasAnsweredAsLateStillTakesItsPlace() throws {
        let net = try NetBench()
        for _ in 0..<16 { net.push() }
        let requests = net.channels.captures.all().map(\.request)
        let pause: () -> Void = {}
        try net.run(
            [{ net.clock.advance(.seconds(6)) }] + Array(repeating: pause, count: 8)
                + [{ net.push() }, { net.keep(requests[3], .stored([])) }, pause, { net.push() }])
        #expect(net.fates == Dictionary(uniqueKeysWithValues: (0...16).map { ($0, [.refused]) }))
        #expect(net.channels.captures.all().count == 1, "the ledger lets one go, and there is room for one")
    }

    @Test func thirtyTwoMebibytesOfPhotosAreUnderWayAtMost() throws {
        let net = try NetBench()
        let mebibyte = 1_024 * 1_024
        for _ in 0..<3 { net.push(photoBytes: 10 * mebibyte) }
        net.push(photoBytes: 2 * mebibyte + 1)
        #expect(net.fates == [3: [.refused]])
        net.push(photoBytes: 2 * mebibyte)
        #expect(net.fates == [3: [.refused]])
        net.push(photoBytes: 1)
        #expect(net.fates == [3: [.refused], 5: [.refused]])
        let requests = net.channels.captures.all().map(\.request)
        try net.run([{ net.keep(requests[0], nil) }, { net.push(photoBytes: 10 * mebibyte) }])
        #expect(net.fates == [0: [.refused], 3: [.refused], 5: [.refused]], "an answer makes room for as much")
    }

    @Test func aLedgerThatDoesNotKeepUpRefusesAndGivesAdmissionNothing() throws {
        let net = try NetBench(captureCapacity: 2)
        for _ in 0..<3 { net.push() }
        #expect(net.fates == [2: [.refused]] && net.channels.arrived.all().count == 2)
    }

    @Test func anAdmissionThatDoesNotKeepUpRefusesNobody() throws {
        let net = try NetBench(arrivedCapacity: 2)
        for _ in 0..<3 { net.push() }
        #expect(net.fates.isEmpty && net.channels.captures.all().count == 3)
    }
}
