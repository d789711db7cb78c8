// What the checker remembers of the past on its own account, so that no law is judged by the lane's own word.

import Domain

@testable import LaneCore

/// What was durably said about one vehicle.
struct Mandate {
    var token: UInt64 = 0
    /// The first verdict on it came.
    var isDecided = false
    /// And it allows.
    var isAllowed = false
    /// A person ordered its release.
    var isByPerson = false

    var code: UInt64 { (isDecided ? 1 : 0) | (isAllowed ? 2 : 0) | (isByPerson ? 4 : 0) }
}

struct CheckerGhost {
    var levels = SensorSet.none
    var uncertain = SensorSet.none
    /// When each relay was released last.
    var raiseReleasedAt: UInt64 = 0
    var lowerReleasedAt: UInt64 = 0
    /// When the arm has arrived that the lower relay sent down; 0: none was sent, or it was seen to arrive.
    var lowersUntil: UInt64 = 0
    /// Since when no presence sensor was active or faulty.
    var clearSince: UInt64 = 0
    /// Somebody ordered the arm to be kept up.
    var isHeld = false
    /// A person halted the arm, and nobody has told it to move since.
    var isHalted = false
    /// A bit a side: a released vehicle went under the arm, and the approach loop was never clear since.
    var mayTrail: UInt8 = 0
    private var mandates: InlineArray<6, Mandate> = InlineArray(repeating: Mandate())

    func mandate(_ token: VehicleToken) -> Mandate {
        guard token != .none else { return Mandate() }
        for index in 0..<6 where mandates[index].token == token.value { return mandates[index] }
        return Mandate()
    }

    mutating func change(_ token: VehicleToken, _ body: (inout Mandate) -> Void) {
        guard token != .none else { return }
        var place: Int?
        for index in 0..<6 where mandates[index].token == token.value { place = index }
        if place == nil { for index in 0..<6 where mandates[index].token == 0 { place = index } }
        guard let place else { preconditionFailure("more live vehicles than two lanes can hold") }
        mandates[place].token = token.value
        body(&mandates[place])
    }

    /// Forgets the vehicles that have their outcome.
    mutating func forget(but core: LaneCore) {
        for index in 0..<6 where mandates[index].token != 0 {
            if !core.isLive(VehicleToken(value: mandates[index].token)) { mandates[index] = Mandate() }
        }
    }

    func pack(_ core: LaneCore, _ setting: CheckerSetting, _ packer: inout KeyPacker) {
        let now = core.now.nanoseconds
        packer.put(ticksLeft(raiseReleasedAt, setting.timings.deadTime, now), 2)
        packer.put(ticksLeft(lowerReleasedAt, setting.timings.deadTime, now), 2)
        let left = lowersUntil > now ? (lowersUntil - now) / CheckerSetting.tick.nanoseconds : 0
        packer.put(lowersUntil != 0 && left == 0 ? 7 : left, 3)
        packer.put(clearSince == .max ? 3 : ticksLeft(clearSince, setting.timings.closeDelay, now), 2)
        packer.put(isHeld)
        packer.put(isHalted)
        packer.put(UInt64(mayTrail), 2)
    }

    private func ticksLeft(_ since: UInt64, _ length: Interval, _ now: UInt64) -> UInt64 {
        let end = since + length.nanoseconds
        return end > now ? (end - now) / CheckerSetting.tick.nanoseconds : 0
    }
}

extension LaneCore {
    /// The vehicles and openings that have no outcome yet.
    func isLive(_ token: VehicleToken) -> Bool {
        for slot in 0..<2 where passages[slot].token == token || passages[slot].follower.token == token { return true }
        return opening == token
    }
}
