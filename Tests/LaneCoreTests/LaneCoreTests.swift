import Domain
import LaneCore
import Testing

@Suite struct LaneCoreTests {
    /// A released vehicle drives through: A, AB, B, clear.
    private func passThrough(_ rig: inout LaneRig) {
        rig.wait(.seconds(2))
        rig.safety(true)
        rig.wait(.seconds(1))
        rig.approach(false)
        rig.wait(.seconds(1))
        rig.safety(false)
        rig.wait(.seconds(4))
    }

    @Test func allowedVehiclePassesOnceAndTheArmComesDown() {
        var rig = LaneRig()
        rig.approach(true)
        #expect(rig.core.phase == .identifying)
        rig.verdict(.stageAllowed)
        #expect(rig.outputs.contains(.raise) && rig.outputs.contains(.green))
        passThrough(&rig)
        #expect(rig.outcomes == [.completed])
        #expect(rig.raises == 1 && rig.lowers == 1)
        #expect(rig.core.phase == .idle && rig.outputs == [.red])
        #expect(rig.violations.isEmpty)
    }

    @Test func refusedVehicleBacksOutAndNoRelayMoves() {
        var rig = LaneRig()
        rig.approach(true)
        rig.verdict(.stageTooLow)
        #expect(rig.actions.contains(.notice(.refused(.stageTooLow), rig.core.token)))
        rig.wait(.seconds(10))
        rig.approach(false)
        rig.wait(.seconds(2))
        #expect(rig.outcomes == [.backedOut])
        #expect(rig.raises == 0 && rig.lowers == 0)
        #expect(rig.core.phase == .idle)
    }

    @Test func releasedVehicleThatBacksOutLowersTheArmAndLeavesNoRelease() {
        var rig = LaneRig()
        rig.approach(true)
        let first = rig.core.token
        rig.verdict(.stageAllowed)
        rig.wait(.seconds(3))
        rig.approach(false)
        rig.wait(.seconds(2))
        #expect(rig.outcomes == [.backedOut])
        #expect(rig.core.phase == .lowering)
        rig.approach(true)
        rig.wait(.seconds(3))
        #expect(rig.core.phase == .identifying && rig.core.token != first)
        #expect(rig.raises == 1)
    }

    @Test func verdictOfAnotherVehicleMovesNothing() {
        var rig = LaneRig()
        rig.approach(true)
        let gone = rig.core.token
        rig.approach(false)
        rig.wait(.seconds(2))
        rig.approach(true)
        rig.verdict(.stageAllowed, for: gone)
        #expect(rig.raises == 0 && rig.core.phase == .identifying)
    }

    @Test func verdictServesOnce() {
        var rig = LaneRig()
        rig.approach(true)
        rig.verdict(.stageTooLow)
        rig.verdict(.stageAllowed)
        #expect(rig.raises == 0 && rig.core.phase == .refused)
    }

    @Test func noVerdictInTimeRefusesAndIsReportedButALateOneStillServes() {
        var rig = LaneRig()
        rig.approach(true)
        rig.wait(.seconds(4))
        #expect(rig.core.phase == .refused)
        #expect(rig.actions.contains(.identificationOverdue(rig.core.token)))
        rig.verdict(.stageAllowed)
        #expect(rig.raises == 1)
        #expect(rig.violations.isEmpty)
    }

    @Test func presenceWhileLoweringReleasesAndRaisesInTheSameStep() {
        var rig = LaneRig(
            timings: {
                var timings = LaneRig.timings
                timings.deadTime = .zero
                return timings
            }())
        rig.approach(true)
        rig.verdict(.stageAllowed)
        rig.wait(.seconds(2))
        rig.safety(true)
        rig.approach(false)
        rig.safety(false)
        rig.wait(.milliseconds(1_100))
        #expect(rig.core.phase == .lowering && rig.outputs.contains(.lower))
        rig.safety(true)
        #expect(!rig.outputs.contains(.lower) && rig.outputs.contains(.raise))
        rig.wait(.seconds(60))
        #expect(rig.lowers == 1)
        rig.safety(false)
        rig.wait(.seconds(5))
        #expect(rig.outcomes == [.completed, .forced])
        #expect(rig.lowers == 2 && rig.core.phase == .idle)
        #expect(rig.violations.isEmpty)
    }

    @Test func raiseAfterLoweringKeepsTheDeadTime() {
        var rig = LaneRig()
        rig.approach(true)
        rig.verdict(.stageAllowed)
        rig.wait(.seconds(2))
        rig.safety(true)
        rig.approach(false)
        rig.safety(false)
        rig.wait(.milliseconds(1_100))
        rig.safety(true)
        #expect(!rig.outputs.contains(.lower) && !rig.outputs.contains(.raise))
        rig.wait(.milliseconds(299))
        #expect(!rig.outputs.contains(.raise))
        rig.wait(.milliseconds(1))
        #expect(rig.outputs.contains(.raise))
    }

    @Test func axleGapUnderTheArmDoesNotLowerIt() {
        var rig = LaneRig()
        rig.approach(true)
        rig.verdict(.stageAllowed)
        rig.wait(.seconds(2))
        for _ in 0..<4 {
            rig.safety(true)
            rig.wait(.milliseconds(700))
            rig.safety(false)
            rig.wait(.milliseconds(900))
        }
        #expect(rig.lowers == 0)
        rig.safety(true)
        rig.approach(false)
        rig.safety(false)
        rig.wait(.seconds(4))
        #expect(rig.outcomes == [.completed])
        #expect(rig.lowers == 1)
    }

    @Test func vehicleThatStopsUnderTheArmIsWaitedForWithoutLimit() {
        var rig = LaneRig()
        rig.approach(true)
        rig.verdict(.stageAllowed)
        rig.safety(true)
        rig.approach(false)
        rig.wait(.seconds(7_200))
        #expect(rig.lowers == 0 && rig.core.phase == .passing)
    }

    @Test func followerThatClosesUpDoesNotInheritTheRelease() {
        var rig = LaneRig()
        rig.approach(true)
        let first = rig.core.token
        rig.verdict(.stageAllowed)
        rig.wait(.seconds(2))
        rig.safety(true)
        rig.wait(.seconds(1))
        // The approach loop never clears: the follower stands on it before the first one has left it.
        rig.safety(false)
        rig.wait(.milliseconds(1_100))
        #expect(rig.outcomes == [.completed] && rig.core.phase == .lowering)
        #expect(!rig.outputs.contains(.green))
        rig.wait(.seconds(3))
        #expect(rig.core.phase == .identifying && rig.core.token != first)
        #expect(rig.raises == 1)
    }

    @Test func vehicleBehindOneThatForcedTheGateIsNotReleasedByItsVerdict() {
        var rig = LaneRig()
        rig.approach(true)
        let first = rig.core.token
        rig.safety(true)
        rig.approach(false)
        rig.approach(true)
        rig.safety(false)
        rig.wait(.seconds(2))
        #expect(rig.outcomes == [.forced])
        #expect(rig.core.token != first && rig.identified.count == 2)
        rig.verdict(.stageAllowed, for: first)
        #expect(rig.raises == 0)
    }

    @Test func lostEdgesDoNotTurnABackOutIntoAForcedPass() {
        var rig = LaneRig()
        rig.approach(true)
        rig.verdict(.stageTooLow)
        rig.approach(false)
        rig.loseEdges()
        rig.wait(.seconds(3))
        #expect(rig.outcomes == [.backedOut])
    }

    @Test func vehicleThatNosesInAndBacksOutQuicklyHasNotPassed() {
        var rig = LaneRig()
        rig.approach(true)
        rig.verdict(.stageAllowed)
        rig.wait(.seconds(2))
        rig.safety(true)
        rig.wait(.seconds(1))
        rig.safety(false)
        rig.wait(.milliseconds(500))
        rig.approach(false)
        rig.wait(.seconds(5))
        #expect(rig.outcomes == [.backedOut])
    }

    @Test func shortVehicleBetweenTheLoopsStillPasses() {
        var rig = LaneRig()
        rig.approach(true)
        rig.verdict(.stageAllowed)
        rig.wait(.seconds(2))
        rig.approach(false)
        rig.wait(.milliseconds(800))
        rig.safety(true)
        rig.wait(.seconds(1))
        rig.safety(false)
        rig.wait(.seconds(4))
        #expect(rig.outcomes == [.completed])
    }

    @Test func nextVehicleOnTheApproachIsAskedForOnlyWhenTheArmIsDown() {
        var rig = LaneRig()
        rig.approach(true)
        rig.verdict(.stageAllowed)
        rig.wait(.seconds(2))
        rig.safety(true)
        rig.approach(false)
        rig.wait(.milliseconds(500))
        rig.approach(true)
        rig.wait(.milliseconds(500))
        rig.safety(false)
        rig.wait(.milliseconds(2_000))
        #expect(rig.outcomes == [.completed] && rig.core.phase == .lowering && rig.identified.count == 1)
        rig.wait(.seconds(2))
        #expect(rig.core.phase == .identifying && rig.identified.count == 2)
        #expect(rig.raises == 1)
    }

    @Test func releasedVehicleThatNeverEntersExpires() {
        var rig = LaneRig()
        rig.approach(true)
        rig.verdict(.whitelisted)
        rig.wait(.seconds(31))
        #expect(rig.outcomes == [.expired] && rig.lowers == 1)
    }

    @Test func vehicleUnderTheClosedArmWithoutReleaseIsForced() {
        var rig = LaneRig()
        rig.approach(true)
        rig.verdict(.blacklisted)
        rig.safety(true)
        rig.approach(false)
        rig.safety(false)
        rig.wait(.seconds(4))
        #expect(rig.outcomes == [.forced] && rig.raises == 0 && rig.lowers == 0)
    }

    @Test func startMovesNoRelayWhateverTheLoopsSay() {
        for (approach, safety) in [(false, false), (true, false), (false, true), (true, true)] {
            var rig = LaneRig(approach: approach, safety: safety)
            #expect(rig.outputs == [.red])
            rig.wait(.seconds(60))
            #expect(rig.raises == 0 && rig.lowers == 0)
            rig.safety(false)
            rig.approach(false)
            rig.wait(.seconds(60))
            #expect(rig.raises == 0 && rig.lowers == 0 && rig.core.phase == .idle)
            #expect(rig.outcomes.allSatisfy { $0 == .interrupted || $0 == .backedOut })
        }
    }

    @Test func vehicleThatWaitedThroughARestartIsNotAccusedWhenItGoes() {
        var rig = LaneRig(approach: true)
        rig.safety(true)
        rig.approach(false)
        rig.safety(false)
        rig.wait(.seconds(3))
        #expect(rig.outcomes == [.interrupted])
        rig.approach(true)
        rig.safety(true)
        rig.approach(false)
        rig.safety(false)
        rig.wait(.seconds(3))
        #expect(rig.outcomes == [.interrupted, .forced])
    }

    @Test func lostEdgesCountAsAVehicleAndAccuseNobody() {
        var rig = LaneRig()
        rig.approach(true)
        rig.verdict(.stageAllowed)
        rig.wait(.seconds(2))
        rig.safety(true)
        rig.approach(false)
        rig.safety(false)
        rig.wait(.milliseconds(1_100))
        #expect(rig.outputs.contains(.lower))
        rig.loseEdges()
        #expect(!rig.outputs.contains(.lower))
        rig.wait(.seconds(10))
        #expect(rig.outcomes == [.completed, .interrupted])
        #expect(rig.core.phase == .idle && rig.violations.isEmpty)
    }
}
