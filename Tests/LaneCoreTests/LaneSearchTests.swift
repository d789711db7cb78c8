import Domain
import LaneCore
import Testing

/// Every order of events up to a depth, and long random ones: the rig checks the invariants after each step, and from
/// each end the lane must come to rest once the vehicles have left.
@Suite struct LaneSearchTests {
    enum Move: CaseIterable {
        case approach, safety, allow, refuse, allowAnother, loseEdges, waitShort, waitDeadline
    }

    static func apply(_ move: Move, to rig: inout LaneRig) {
        switch move {
        case .approach: rig.approach(!rig.core.isActive(.approach))
        case .safety: rig.safety(!rig.core.isActive(.safety))
        case .allow: rig.verdict(.stageAllowed)
        case .refuse: rig.verdict(.unknownVehicle)
        case .allowAnother: rig.verdict(.stageAllowed, for: VehicleToken(boot: 6, lane: LaneRig.lane, count: 1))
        case .loseEdges: rig.loseEdges()
        case .waitShort: rig.wait(.milliseconds(400))
        case .waitDeadline:
            if let deadline = rig.core.nextDeadline { rig.wait(deadline.since(rig.now)) }
        }
    }

    /// Vehicles leave and time passes: at most a minute to closed and idle.
    static func comeToRest(_ rig: inout LaneRig) {
        if rig.core.isActive(.safety) { rig.safety(false) }
        if rig.core.isActive(.approach) { rig.approach(false) }
        rig.wait(.seconds(60))
    }

    static func check(_ rig: LaneRig, _ path: [Move]) {
        var rig = rig
        #expect(rig.violations.isEmpty, "\(path)")
        comeToRest(&rig)
        #expect(rig.violations.isEmpty, "\(path), then rest")
        #expect(rig.core.phase == .idle && rig.core.nextDeadline == nil, "\(path) does not come to rest")
        #expect(rig.outputs == [.red], "\(path) leaves outputs on")
        let arrivals = Set(rig.identified).union(rig.ends.map(\.token))
        #expect(rig.ends.count == arrivals.count, "LANE-4 \(path): a vehicle without an outcome")
    }

    static func walk(_ rig: LaneRig, _ depth: Int, _ path: inout [Move], _ visited: inout Int) {
        for move in Move.allCases {
            var next = rig
            apply(move, to: &next)
            path.append(move)
            visited += 1
            if depth == 1 || !next.violations.isEmpty {
                check(next, path)
            } else {
                walk(next, depth - 1, &path, &visited)
            }
            path.removeLast()
        }
    }

    @Test func everyOrderOfFiveEventsFromIdleKeepsTheInvariants() {
        var path: [Move] = []
        var visited = 0
        Self.walk(LaneRig(), 5, &path, &visited)
        #expect(visited == 8 + 64 + 512 + 4_096 + 32_768)
    }

    @Test func everyOrderOfFourEventsFromARaisedArmKeepsTheInvariants() {
        var rig = LaneRig()
        rig.approach(true)
        rig.verdict(.stageAllowed)
        rig.safety(true)
        rig.approach(false)
        var path: [Move] = []
        var visited = 0
        Self.walk(rig, 4, &path, &visited)
        rig.safety(false)
        rig.wait(.milliseconds(1_050))
        #expect(rig.core.phase == .lowering)
        Self.walk(rig, 4, &path, &visited)
        #expect(visited == 2 * (8 + 64 + 512 + 4_096))
    }

    @Test(arguments: 1...20) func randomEventsKeepTheInvariants(seed: UInt64) {
        var state = seed &* 0x9E37_79B9_7F4A_7C15
        var rig = LaneRig()
        for _ in 0..<2_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            Self.apply(Move.allCases[Int(state >> 33) % Move.allCases.count], to: &rig)
        }
        Self.check(rig, [])
    }
}
