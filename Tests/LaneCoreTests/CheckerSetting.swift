// One configuration that is searched: what is fitted, the times in ticks, and what the world may do.

import Domain

@testable import LaneCore

/// What the world may do in one step.
enum Move: Equatable {
    /// The contact changes.
    case toggle(LaneSensor)
    /// The contact's unchanged state is given anew, after edges were lost.
    case report(LaneSensor)
    case loseEdges
    /// A verdict on the vehicle being served in this slot, or on its follower.
    case verdict(slot: Int, isFollower: Bool, VerdictReason)
    /// A verdict on a vehicle that has left.
    case staleVerdict(side: Int)
    case releaseServed(slot: Int)
    case releaseNobody(side: Int)
    case releaseStale(side: Int)
    case order(LaneOrder)
    /// A tick passes.
    case tick
}

struct CheckerSetting {
    static let tick = Interval.seconds(1)
    static let boot: UInt32 = 7
    /// What only lamps depend on does not end while the lane is searched.
    static let never = Interval.seconds(1_000_000)

    let name: String
    var fitting: LaneFitting
    var timings: LaneTimings
    /// The contacts that the world changes; those fitted and not here stay as they are at start.
    var toggled: SensorSet
    var losesEdges = false
    var reasons: [VerdictReason] = [.stageAllowed, .unknownVehicle]
    var orders: [LaneOrder] = []
    var hasPersons = false
    /// Events that come a tick late, with the timers that were due by then, are searched too.
    var hasLateEvents = true
    /// Sensors stuck or chattering are part of the state.
    var isSupervised = false

    init(_ name: String, _ sensors: [LaneSensor], layout: LaneLayout = .single) {
        self.name = name
        var fitted = SensorSet.none
        for sensor in sensors { fitted = fitted.with(sensor) }
        fitting = LaneFitting(layout: layout, sensors: fitted)
        fitting.chatterEdges = 0
        toggled = fitted
        func ticks(_ count: UInt64) -> Interval { .seconds(count) }
        timings = LaneTimings(
            verdictDeadline: ticks(1), authorisedWindow: ticks(2), backOut: ticks(1), closeDelay: ticks(1),
            raiseTravel: ticks(1), lowerTravel: ticks(2), relayPulse: ticks(1), deadTime: ticks(1))
        timings.axleGap = ticks(1)
        timings.stuckAfter = CheckerSetting.never
        timings.chatterWindow = ticks(1)
        timings.chatterQuiet = ticks(1)
        timings.siren = CheckerSetting.never
        timings.trigger = CheckerSetting.never
        timings.unattended = ticks(2)
        timings.maintenance = ticks(2)
    }

    /// The timers that the state's key holds, a bit each.
    var timers: UInt64 {
        var timers: UInt64 = 0xFFFF & ~(1 << 4)
        if fitting.attempts == 1 { timers &= ~(3 << 12) }
        if fitting.layout != .parallel { timers &= ~(1 << 9 | 1 << 11 | 1 << 13) }
        if fitting.layout == .single { timers &= ~(1 << 15) }
        let watched = UInt64(fitting.sensors.bits & SensorSet.vehicle.bits)
        if isSupervised { timers |= watched << 18 | watched << 26 }
        return timers
    }

    var sides: Int { fitting.layout == .single ? 1 : 2 }
    var slots: Int { fitting.layout == .parallel ? 2 : 1 }
    func lane(_ side: Int) -> LaneID { LaneID(UInt8(side)) }

    func makeCore() -> LaneCore {
        LaneCore(
            lane: lane(0), second: sides == 2 ? lane(1) : nil, boot: CheckerSetting.boot, timings: timings,
            fitting: fitting)
    }

    var moves: [Move] {
        var moves: [Move] = [.tick]
        for raw in 0..<UInt8(LaneSensor.count) {
            guard let sensor = LaneSensor(rawValue: raw), toggled.contains(sensor) else { continue }
            moves.append(.toggle(sensor))
            if losesEdges && SensorSet.vehicle.contains(sensor) { moves.append(.report(sensor)) }
        }
        if losesEdges { moves.append(.loseEdges) }
        for slot in 0..<slots {
            for reason in reasons {
                moves.append(.verdict(slot: slot, isFollower: false, reason))
                moves.append(.verdict(slot: slot, isFollower: true, reason))
            }
        }
        for side in 0..<sides {
            if !reasons.isEmpty { moves.append(.staleVerdict(side: side)) }
            if hasPersons { moves += [.releaseNobody(side: side), .releaseStale(side: side)] }
        }
        if hasPersons { for slot in 0..<slots { moves.append(.releaseServed(slot: slot)) } }
        return moves + orders.map { .order($0) }
    }
}
