import Domain
import Testing

@testable import LaneCore

@Suite struct FollowerTests {
    /// A released vehicle under the arm, off the approach loop, with another one behind it.
    private func withFollower(_ change: (inout LaneFitting, inout LaneTimings) -> Void = { _, _ in }) -> LaneRig {
        var rig = LaneRig([.approach, .safety], change)
        rig.letIn()
        rig.on(.safety)
        rig.off(.approach)
        rig.wait(1.5)
        rig.on(.approach)
        return rig
    }

    @Test func followerThatGoesUnderTheArmAtTheLastMomentHasTailgated() {
        var rig = LaneRig()
        rig.letIn()
        rig.on(.safety)
        rig.off(.approach)
        rig.wait(1.5)
        rig.on(.approach)
        rig.wait(0.5)
        rig.off(.approach)
        rig.off(.safety)
        rig.wait(1.1)
        #expect(Set(rig.outcomes) == [.tailgated, .completed] && rig.ends.count == 2)
    }

    @Test func nextVehicleThatWaitsOnTheApproachLoopIsAskedForOnceTheArmComesDown() {
        var rig = withFollower()
        #expect(rig.identifications == 1)
        rig.off(.safety)
        rig.wait(1.2)
        #expect(rig.outcomes == [.completed] && rig.core.phase() == .identifying && rig.identifications == 2)
        rig.wait(3)
        #expect(rig.core.arm.position == .closed)
    }

    @Test func followerUnderTheArmWithoutAReleaseTailgatesWithTheSiren() {
        var rig = withFollower()
        rig.off(.approach)
        rig.wait(2)
        #expect(rig.outcomes == [.tailgated] && rig.outputs.contains(.siren))
        rig.off(.safety)
        rig.wait(12)
        #expect(rig.outcomes == [.tailgated, .completed] && rig.raised == [.verdict] && rig.core.isAtRest)
        #expect(rig.ends[0].token != rig.ends[1].token && rig.ends[0].raisedAt == nil)
    }

    @Test func followerThatBacksOutLeavesNoRecordUnlessItWasAskedFor() {
        var rig = withFollower()
        rig.off(.safety)
        rig.off(.approach)
        rig.wait(8)
        #expect(rig.outcomes == [.completed])
        rig = withFollower { fitting, _ in fitting.queuesThrough = true }
        rig.off(.safety)
        rig.off(.approach)
        rig.wait(12)
        #expect(rig.outcomes == [.completed, .backedOut] && rig.core.isAtRest)
    }

    @Test func allowedFollowerQueuesThroughWhileTheArmStaysUp() {
        var rig = withFollower { fitting, _ in fitting.queuesThrough = true }
        rig.allowFollower()
        rig.off(.safety)
        rig.wait(1.2)
        #expect(rig.outcomes == [.completed] && rig.core.phase() == .released && rig.lowerings == 0)
        rig.driveThrough()
        #expect(rig.outcomes == [.completed, .completed] && rig.lowerings == 1 && rig.core.isAtRest)
    }

    @Test func twoReleasedVehiclesNoseToTailEachHaveTheirPassage() {
        var rig = withFollower { fitting, _ in fitting.queuesThrough = true }
        rig.allowFollower()
        rig.off(.approach)
        rig.wait(2)
        #expect(rig.outcomes == [.completed] && rig.core.phase() == .passing)
        rig.off(.safety)
        rig.wait(8)
        #expect(rig.outcomes == [.completed, .completed] && rig.core.isAtRest)
    }

    @Test func refusedFollowerIsNotServedByTheVerdictOfTheFirst() {
        var rig = withFollower { fitting, _ in fitting.queuesThrough = true }
        rig.verdict(.blacklisted, for: rig.core.passages[0].follower.token)
        rig.off(.safety)
        rig.wait(6)
        #expect(rig.outcomes == [.completed] && rig.core.phase() == .refused && rig.core.arm.position == .closed)
    }

    @Test func allowedFollowerIsNotReleasedInALockDown() {
        var rig = withFollower { fitting, _ in fitting.queuesThrough = true }
        rig.allowFollower()
        rig.order(.lockdown(true))
        rig.off(.safety)
        rig.wait(6)
        #expect(rig.core.phase() == .refused && rig.raised == [.verdict] && rig.core.arm.position == .closed)
        rig.order(.lockdown(false))
        #expect(rig.outcomes == [.completed, .expired] && rig.core.phase() == .identifying)
    }

    @Test func axleGapOfATrailerDoesNotLowerTheArm() {
        var rig = LaneRig()
        rig.letIn()
        rig.on(.safety)
        rig.wait(1)
        // The high bed between the axles: the safety loop is clear, the trailer still stands on the approach loop.
        rig.off(.safety)
        rig.wait(60)
        #expect(rig.lowerings == 0 && rig.core.phase() == .straddling && rig.has(.straddled))
        rig.on(.safety)
        rig.off(.approach)
        rig.wait(2)
        rig.off(.safety)
        rig.wait(8)
        #expect(rig.outcomes.last == .completed && !rig.outcomes.contains(.tailgated) && rig.core.isAtRest)
    }

    @Test func axleGapOnTheApproachLoopIsNoFollower() {
        var rig = LaneRig()
        rig.letIn()
        rig.on(.safety)
        rig.off(.approach)
        rig.wait(0.8)
        rig.on(.approach)
        rig.wait(0.8)
        rig.off(.approach)
        rig.wait(3)
        rig.off(.safety)
        rig.wait(8)
        #expect(rig.outcomes == [.completed] && rig.identifications == 1)
    }

    @Test func trustedGapLowersTheArmBeforeTheNextVehicle() {
        var rig = LaneRig([.approach, .safety, .curtain])
        rig.letIn()
        rig.on(.safety, .curtain)
        rig.off(.safety)
        rig.wait(5)
        #expect(rig.lowerings == 0, "the curtain sees the high bed")
        rig.off(.curtain)
        rig.wait(5)
        #expect(rig.lowerings == 1 && rig.outcomes == [.completed])
    }

    @Test func straddlingEndsWhenTheFollowerIsNamedAndAllowed() {
        var rig = LaneRig()
        rig.letIn()
        rig.on(.safety)
        rig.wait(1)
        rig.off(.safety)
        rig.wait(2)
        #expect(rig.core.phase() == .straddling)
        rig.allowFollower()
        #expect(rig.outcomes == [.completed] && rig.core.phase() == .released && rig.lowerings == 0)
    }
}
