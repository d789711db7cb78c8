// What a trace says of the lane's state, and how a replay takes up a lane that was at rest.

import Domain

/// A lane's state in one word, enough to see where two runs part. The bits are those of docs/LANE-TRACE.md.
public struct LaneState: Equatable, Sendable {
    public let bits: UInt64

    public init(bits: UInt64) {
        self.bits = bits
    }

    public func phase(_ slot: Int) -> LanePhase { LanePhase(rawValue: UInt8(field(slot == 0 ? 0 : 3, 3))) ?? .idle }

    /// 0 closed, 1 opening, 2 open, 3 closing, 4 stopped, 5 unknown.
    public var armPosition: Int { Int(field(6, 3)) }
    public var isRaising: Bool { field(9, 2) == 1 }
    public var isLowering: Bool { field(9, 2) == 2 }
    public var isHeldOpen: Bool { field(13, 1) == 1 }
    public var isLockedDown: Bool { field(14, 1) == 1 }
    public var isInMaintenance: Bool { field(15, 1) == 1 }
    public var isAtRest: Bool { field(17, 1) == 1 }
    public var active: SensorSet { SensorSet(bits: UInt32(field(32, 17))) }
    /// Some sensors count as active for want of knowledge.
    public var isDoubtful: Bool { field(49, 1) == 1 }

    func side(_ slot: Int) -> Int { Int(field(11 + UInt64(slot), 1)) }

    private func field(_ first: UInt64, _ width: UInt64) -> UInt64 { bits >> first & ((1 << width) - 1) }
}

extension LaneCore {
    public var state: LaneState {
        var bits = UInt64(passages[0].phase.rawValue) | UInt64(passages[1].phase.rawValue) << 3
        bits |= UInt64(arm.position.rawValue) << 6
        if let energised = arm.drive.energised { bits |= (energised == .raise ? 1 : 2) << 9 }
        bits |= UInt64(passages[0].side & 1) << 11 | UInt64(passages[1].side & 1) << 12
        bits |= (isHeldOpen ? 1 << 13 : 0) | (isLockedDown ? 1 << 14 : 0) | (isInMaintenance ? 1 << 15 : 0)
        bits |= (isClear ? 1 << 16 : 0) | (isAtRest ? 1 << 17 : 0)
        bits |= UInt64(arm.faults & 15) << 18 | UInt64(departing & 3) << 22
        if let pending = arm.drive.pending { bits |= (pending == .raise ? 1 : 2) << 24 }
        bits |= UInt64(sensors.active.bits) << 32
        bits |= (sensors.doubtful != .none ? 1 << 49 : 0) | (sensors.stuck != .none ? 1 << 50 : 0)
        return LaneState(bits: bits)
    }

    /// Takes up a lane that was at rest, in place of `start`.
    public mutating func takeUp(
        _ state: LaneState, tokenCounts counts: (UInt32, UInt32), at instant: Instant, _ actions: inout LaneActions
    ) {
        start(state.active, at: instant, &actions)
        timers.cancel(.clear)
        isClear = true
        tokenCounts[0] = counts.0
        tokenCounts[1] = counts.1
        for slot in 0..<2 { passages[slot].side = state.side(slot) }
        actions.removeAll()
    }
}
