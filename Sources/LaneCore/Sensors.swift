// What the lane's contacts say, and whether they can be believed.
//
// Invariant: a vehicle sensor that chatters, or whose edges were lost, counts as active until it has been quiet, or its
// state was given anew. A sensor that is stuck stays what it says: active.

import Domain

struct Sensors: Sendable {
    let fitted: SensorSet
    /// As the contacts say.
    private(set) var levels = SensorSet.none
    /// Not known since edges were lost.
    private(set) var uncertain = SensorSet.none
    private(set) var chattering = SensorSet.none
    private(set) var stuck = SensorSet.none
    /// What the rules go by.
    private(set) var active = SensorSet.none
    /// Changes of each in its window.
    private(set) var edges: InlineArray<8, UInt8> = InlineArray(repeating: 0)
    private let chatterEdges: UInt8
    private let stuckAfter: Interval
    private let chatterWindow: Interval
    private let chatterQuiet: Interval

    init(_ timings: LaneTimings, _ fitting: LaneFitting) {
        fitted = fitting.sensors
        chatterEdges = fitting.chatterEdges
        stuckAfter = timings.stuckAfter
        chatterWindow = timings.chatterWindow
        chatterQuiet = timings.chatterQuiet
    }

    /// Follows each change of what it is made of.
    @inline(__always)
    private mutating func update() { active = SensorSet(bits: levels.bits | uncertain.bits | chattering.bits) }

    /// Sensors that are active for want of knowledge alone.
    var doubtful: SensorSet { SensorSet(bits: (uncertain.bits | chattering.bits) & ~levels.bits) }

    mutating func start(_ levels: SensorSet, at now: Instant, _ timers: inout LaneTimers) {
        self.levels = SensorSet(bits: levels.bits & fitted.bits)
        update()
        for index in 0..<LaneSensor.vehicleSensorCount where self.levels.bits & 1 << UInt32(index) != 0 {
            timers.start(.stuck(index), at: now + stuckAfter)
        }
    }

    mutating func set(
        _ sensor: LaneSensor, _ isActive: Bool, at now: Instant, _ timers: inout LaneTimers,
        _ actions: inout LaneActions
    ) {
        guard fitted.contains(sensor) else { return }
        defer { update() }
        if uncertain.contains(sensor) {
            uncertain.set(sensor, false)
            if uncertain == .none { actions.append(.fault(.edgesLost, isRaised: false)) }
        }
        guard levels.contains(sensor) != isActive else { return }
        levels.set(sensor, isActive)
        guard SensorSet.vehicle.contains(sensor) else { return }
        let index = Int(sensor.rawValue)
        if isActive {
            timers.start(.stuck(index), at: now + stuckAfter)
        } else {
            timers.cancel(.stuck(index))
            if stuck.contains(sensor) {
                stuck.set(sensor, false)
                actions.append(.fault(.stuck(sensor), isRaised: false))
            }
        }
        countEdge(sensor, at: now, &timers, &actions)
    }

    @inline(__always)
    private mutating func countEdge(
        _ sensor: LaneSensor, at now: Instant, _ timers: inout LaneTimers, _ actions: inout LaneActions
    ) {
        guard chatterEdges != 0 else { return }
        let index = Int(sensor.rawValue)
        if chattering.contains(sensor) {
            timers.start(.chatter(index), at: now + chatterQuiet)
            return
        }
        if !timers.isRunning(.chatter(index)) {
            timers.start(.chatter(index), at: now + chatterWindow)
        }
        edges[index] += 1
        guard edges[index] >= chatterEdges else { return }
        edges[index] = 0
        chattering.set(sensor, true)
        timers.start(.chatter(index), at: now + chatterQuiet)
        actions.append(.fault(.chatter(sensor), isRaised: true))
    }

    mutating func loseEdges(_ actions: inout LaneActions) {
        if uncertain == .none { actions.append(.fault(.edgesLost, isRaised: true)) }
        uncertain = SensorSet(bits: fitted.bits & SensorSet.vehicle.bits)
        update()
    }

    mutating func stuckEnded(_ index: Int, _ actions: inout LaneActions) {
        guard let sensor = LaneSensor(rawValue: UInt8(index)) else { return }
        stuck.set(sensor, true)
        actions.append(.fault(.stuck(sensor), isRaised: true))
    }

    /// The counting window is over, or the sensor has been quiet for long enough.
    @inline(__always)
    mutating func chatterEnded(_ index: Int, _ actions: inout LaneActions) {
        guard let sensor = LaneSensor(rawValue: UInt8(index)) else { return }
        edges[index] = 0
        guard chattering.contains(sensor) else { return }
        chattering.set(sensor, false)
        update()
        actions.append(.fault(.chatter(sensor), isRaised: false))
    }
}
