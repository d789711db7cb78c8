// The lanes that are walked and searched, and their chance.

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

/// A lane with everything random that a site chooses.
struct Site {
    var core: LaneCore
    let fitted: SensorSet
    var levels = SensorSet.none.with(.closedLimit).bits

    init(seed: UInt64, _ random: inout Seeded, at now: Instant) {
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
        var actions = LaneActions()
        core.start(SensorSet.none.with(.closedLimit), at: now, &actions)
    }

    func told(_ sensor: LaneSensor) -> LaneEvent {
        .sensor(sensor, isActive: levels & (1 << UInt32(sensor.rawValue)) != 0)
    }

    mutating func toggled(_ sensor: LaneSensor) -> LaneEvent {
        if fitted.contains(sensor) { levels ^= 1 << UInt32(sensor.rawValue) }
        return told(sensor)
    }
}
