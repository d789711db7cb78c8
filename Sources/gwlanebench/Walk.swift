// Seeded random events of situations good and bad, with time that goes on as on the lane thread: the mean of a step.

import Domain
import LaneCore

struct Walk {
    private var random: Seeded
    private var site: Site
    private(set) var steps = 0
    private var actions = LaneActions()
    private var now = Instant(nanoseconds: 1_000_000_000)
    private var asked = VehicleToken.none
    private var askedLane = LaneID(0)
    private var sinceLoss = 100

    init(seed: UInt64) {
        random = Seeded(seed)
        site = Site(seed: seed, &random, at: now)
    }

    mutating func run(_ count: Int) {
        for _ in 0..<count {
            passTime()
            step(nextEvent())
        }
    }

    private mutating func step(_ event: LaneEvent) {
        steps += 1
        measuredStep(&site.core, event, now, &actions)
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
        case 55...84: target = max(now, site.core.nextDeadline ?? now)
        case 85...98: target = now + .milliseconds(UInt64(random.below(4_000)))
        default: target = now + .seconds(UInt64(random.below(400)))
        }
        while let deadline = site.core.nextDeadline, deadline <= target {
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
            return site.told(sensor)
        }
        switch random.below(100) {
        case 0...59: return site.toggled(vehicleSensor())
        case 60...64: return site.toggled(LaneSensor(rawValue: UInt8(random.below(LaneSensor.count))) ?? .approach)
        case 65...69: return site.toggled(random.chance(50) ? .openLimit : .closedLimit)
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

    private mutating func verdict() -> Verdict {
        let reason: VerdictReason = random.chance(70) ? .stageAllowed : .stageTooLow
        return Verdict(lane: askedLane, token: asked, reason: reason)
    }

    private mutating func order() -> LaneOrder {
        let lane = LaneID(UInt8(random.below(2)))
        let isOn = random.chance(50)
        switch random.below(9) {
        case 0: return .release(lane, site.core.token(Int(lane.index)))
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
