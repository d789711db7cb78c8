// What `tools/bench lane` counts: lanes of every layout walked by seeded random events through situations good and bad,
// so that callgrind can count the instructions of each step apart. `measuredStep` is the one function that it looks at.
//
// Invariant: the walk is the same in every run.

import Domain
import LaneCore

/// SplitMix64.
struct Seeded {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
}

@inline(never)
func measuredStep(_ core: inout LaneCore, _ event: LaneEvent, _ now: Instant, _ actions: inout LaneActions) {
    core.step(event, at: now, &actions)
}

struct Walk {
    private var random: Seeded
    private var core: LaneCore
    private var actions = LaneActions()
    private var now = Instant(nanoseconds: 1_000_000_000)
    private let fitted: SensorSet
    private var levels: UInt32 = 0
    private var asked = VehicleToken.none
    private var askedLane = LaneID(0)
    private var sinceLoss = 100

    init(seed: UInt64) {
        random = Seeded(seed)
        let layout = LaneLayout(rawValue: UInt8(seed % 3)) ?? .single
        var sensors = SensorSet(bits: (1 << UInt32(LaneSensor.count)) - 1)
        if random.chance(20) { sensors.bits &= ~SensorSet.none.with(.curtain).with(.radar).bits }
        if random.chance(20) { sensors.bits &= ~SensorSet.none.with(.openLimit).bits }
        if random.chance(20) { sensors.bits &= ~SensorSet.none.with(.closedLimit).bits }
        fitted = sensors
        var fitting = LaneFitting(layout: layout, sensors: sensors)
        fitting.drive = random.chance(50) ? .pulse : .maintained
        fitting.trustsGaps = random.chance(50)
        fitting.queuesThrough = random.chance(70)
        fitting.attempts = 3
        let timings = LaneTimings(
            verdictDeadline: .seconds(3), authorisedWindow: .seconds(20), backOut: .seconds(3), closeDelay: .seconds(1),
            raiseTravel: .seconds(2), lowerTravel: .seconds(2), relayPulse: .milliseconds(500),
            deadTime: .milliseconds(random.chance(50) ? 0 : 200))
        core = LaneCore(
            lane: LaneID(0), second: layout == .single ? nil : LaneID(1), boot: 1, timings: timings, fitting: fitting)
        core.start(SensorSet.none.with(.closedLimit), at: now, &actions)
        levels = SensorSet.none.with(.closedLimit).bits
    }

    mutating func run(_ count: Int) {
        for _ in 0..<count {
            passTime()
            step(nextEvent())
        }
    }

    private mutating func step(_ event: LaneEvent) {
        measuredStep(&core, event, now, &actions)
        listen()
    }

    private mutating func listen() {
        for index in 0..<actions.count {
            if case .identify(let lane, let token, _, _) = actions[index] {
                askedLane = lane
                asked = token
            }
        }
    }

    /// Time goes on, as on the lane thread: each deadline is served, mostly at once, and at worst so late that the
    /// supervisor is about to end the process.
    private mutating func passTime() {
        let target: Instant
        switch random.below(100) {
        case 0...54: target = now + .milliseconds(UInt64(random.below(300)))
        case 55...84: target = max(now, core.nextDeadline ?? now)
        case 85...98: target = now + .milliseconds(UInt64(random.below(4_000)))
        default: target = now + .seconds(UInt64(random.below(400)))
        }
        while let deadline = core.nextDeadline, deadline <= target {
            let lateness: UInt64 = random.chance(90) ? 0 : UInt64(random.below(1_000))
            now = max(now, deadline) + .milliseconds(lateness)
            if now >= target { return }
            step(.timer)
        }
        now = max(now, target)
    }

    private mutating func nextEvent() -> LaneEvent {
        sinceLoss += 1
        // After lost edges each sensor is told anew.
        if sinceLoss <= LaneSensor.count, random.chance(80), let sensor = LaneSensor(rawValue: UInt8(sinceLoss - 1)) {
            return told(sensor)
        }
        switch random.below(100) {
        case 0...59: return toggled(vehicleSensor())
        case 60...64: return toggled(LaneSensor(rawValue: UInt8(random.below(LaneSensor.count))) ?? .approach)
        case 65...69: return toggled(random.chance(50) ? .openLimit : .closedLimit)
        case 70...79: return .verdict(verdict())
        case 80...84: return .order(order())
        case 85:
            sinceLoss = 0
            return .edgesLost
        default: return .timer
        }
    }

    private mutating func vehicleSensor() -> LaneSensor {
        LaneSensor(rawValue: UInt8(random.below(LaneSensor.vehicleSensorCount))) ?? .approach
    }

    private func told(_ sensor: LaneSensor) -> LaneEvent {
        .sensor(sensor, isActive: levels & (1 << UInt32(sensor.rawValue)) != 0)
    }

    private mutating func toggled(_ sensor: LaneSensor) -> LaneEvent {
        if fitted.contains(sensor) { levels ^= 1 << UInt32(sensor.rawValue) }
        return told(sensor)
    }

    private mutating func verdict() -> Verdict {
        let reason: VerdictReason = random.chance(70) ? .stageAllowed : .stageTooLow
        return Verdict(lane: askedLane, token: asked, reason: reason)
    }

    private mutating func order() -> LaneOrder {
        let lane = LaneID(UInt8(random.below(2)))
        let isOn = random.chance(50)
        switch random.below(9) {
        case 0: return .release(lane, core.token(Int(lane.index)))
        case 1: return .release(lane, .none)
        case 2: return .close
        case 3: return .stop
        case 4: return .hold(isOn)
        case 5: return .lockdown(isOn)
        case 6: return .maintenance(isOn)
        case 7: return .energise(LaneOutput(rawValue: UInt8(random.below(LaneOutput.count))) ?? .green, isOn)
        default: return .identifyAgain(lane)
        }
    }
}

@main
struct LaneBench {
    static func main() {
        for seed in 1...30 {
            var walk = Walk(seed: UInt64(seed))
            walk.run(1_000)
        }
    }
}
