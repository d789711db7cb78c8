// A random site against an oracle that keeps everything and knows only the rules: who may be named by what.

import Domain
import Testing

@testable import Admission

private struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

private struct Oracle {
    struct Vehicle {
        let arrivedAt: Instant
        var leftAt: Instant?
        var name: Identification?
    }

    var vehicles: [VehicleToken: Vehicle] = [:]
    /// The one in front first; two at most.
    var present: [VehicleToken] = []
    var replayed: Set<String> = []
    var used: Set<String> = []
    var lastPlate: Plate?
    var lastUsedAt: Instant?
    var lastLeftAt: Instant?

    /// The first who has no name.
    var waiting: VehicleToken? { present.first { vehicles[$0]?.name == nil } }

    mutating func check(_ found: Identification?, now: Instant) {
        guard let found else { return }
        let key = found.capture.key
        guard let vehicle = vehicles[found.token] else {
            Issue.record("names a vehicle that never came")
            return
        }
        #expect(found.token == waiting && vehicle.leftAt == nil, "the first that is present and not named before")
        if found.token != present.first, let plate = found.capture.plate {
            #expect(plate != lastPlate, "the one in front is still in the picture")
        }
        #expect(!replayed.contains(key) && used.insert(key).inserted, "live, and used once")
        #expect(found.receivedAt <= now)
        if let lastUsedAt { #expect(found.receivedAt > lastUsedAt, "in the order of the reads") }
        if found.receivedAt < vehicle.arrivedAt {
            #expect(vehicle.arrivedAt.since(found.receivedAt) <= IdentityMatcher.defaultLead)
            if let plate = found.capture.plate {
                #expect(plate != lastPlate, "the last vehicle's second read")
            } else if let lastLeftAt {
                #expect(found.receivedAt > lastLeftAt)
            }
        }
        if found.capture.plate == nil {
            #expect(now >= max(found.receivedAt, vehicle.arrivedAt) + IdentityMatcher.defaultGrace)
        }
        vehicles[found.token]?.name = found
        lastUsedAt = found.receivedAt
        lastPlate = found.capture.plate ?? lastPlate
    }
}

struct MatcherPropertyTests {
    private let plates = ["冀A11111", "冀A22222", "冀A33333", nil]

    @Test(arguments: 0..<200)
    func whoeverIsNamedMayBe(seed: Int) {
        var random = Seeded(UInt64(seed))
        var matcher = IdentityMatcher()
        var oracle = Oracle()
        var now = Instant(nanoseconds: 10_000_000_000)
        var named = 0
        for step in 0..<400 {
            now = now + .milliseconds(UInt64.random(in: 1...900, using: &random))
            // A ring may hold an event for a moment before this thread sees it.
            let stamp = Instant(nanoseconds: now.nanoseconds - UInt64.random(in: 0...50_000_000, using: &random))
            switch Int.random(in: 0..<10, using: &random) {
            case 0...4:
                let key = "k\(Int.random(in: max(0, step - 6)...step, using: &random))"
                var capture = Capture(
                    key: key, camera: "", rawPlate: "",
                    plate: plates.randomElement(using: &random)?.flatMap { Plate($0, colour: .yellow) })
                capture.isReplayed = Int.random(in: 0..<8, using: &random) == 0
                // A key that was once live stays usable for its live read only.
                if capture.isReplayed { capture.key = "replay-" + key; oracle.replayed.insert(capture.key) }
                let found = matcher.capture(capture, receivedAt: stamp)
                oracle.check(found, now: now)
                named += found == nil ? 0 : 1
                if oracle.waiting != nil, let deadline = matcher.nextDeadline {
                    #expect(deadline <= now + IdentityMatcher.defaultGrace, "what is held is used in time")
                }
            case 5...6:
                if oracle.present.count == 2 { end(oracle.present.removeFirst(), at: stamp, &oracle) }
                let token = VehicleToken(value: UInt64(step + 1))
                oracle.vehicles[token] = Oracle.Vehicle(arrivedAt: stamp)
                oracle.present.append(token)
                let found = matcher.request(token, arrivedAt: stamp, now: now)
                oracle.check(found, now: now)
                named += found == nil ? 0 : 1
            case 7...8:
                guard let place = oracle.present.indices.randomElement(using: &random) else { continue }
                let leaving = oracle.present.remove(at: place)
                matcher.left(leaving, at: stamp)
                end(leaving, at: stamp, &oracle)
            default:
                let found = matcher.tick(now: now)
                oracle.check(found, now: now)
                named += found == nil ? 0 : 1
            }
        }
        #expect(named > 10, "the run names vehicles at all")
    }

    private func end(_ token: VehicleToken, at time: Instant, _ oracle: inout Oracle) {
        oracle.vehicles[token]?.leftAt = time
        oracle.lastLeftAt = time
    }

    /// Not only never wrong: a vehicle whose read comes while it stands there is always named by it.
    @Test(arguments: 0..<50)
    func aReadWhileTheVehicleStandsThereAlwaysNamesIt(seed: Int) {
        var random = Seeded(UInt64(seed))
        var matcher = IdentityMatcher()
        var now = Instant(nanoseconds: 10_000_000_000)
        for count in 1...50 {
            let token = VehicleToken(value: UInt64(count))
            now = now + .milliseconds(UInt64.random(in: 1...5_000, using: &random))
            var found = matcher.request(token, arrivedAt: now, now: now)
            #expect(found == nil)
            now = now + .milliseconds(UInt64.random(in: 1...2_000, using: &random))
            let plate = plates.randomElement(using: &random)?.flatMap { Plate($0, colour: .yellow) }
            found = matcher.capture(
                Capture(key: "k\(count)", camera: "", rawPlate: "", plate: plate), receivedAt: now)
            if plate == nil {
                #expect(found == nil && matcher.nextDeadline == now + IdentityMatcher.defaultGrace)
                now = now + .seconds(1)
                found = matcher.tick(now: now)
            }
            #expect(found?.token == token && found?.capture.plate == plate)
            now = now + .milliseconds(UInt64.random(in: 1...2_000, using: &random))
            matcher.left(token, at: now)
        }
    }
}
