// What the clearing loop, and a curtain across two lanes, say about who has gone through; and what is recorded where
// they say nothing. Found by the random lanes of LaneSimulation.

import Domain
import Testing

@testable import LaneCore

@Suite struct ClearingLoopTests {
    /// A released vehicle that stands on the approach loop.
    private func released(at start: [LaneSensor] = []) -> LaneRig {
        var rig = LaneRig([.approach, .safety, .clearing], at: start)
        rig.on(.approach)
        rig.verdict(.stageAllowed)
        rig.wait(3)
        return rig
    }

    @Test func vehicleNoseToTailBehindAnotherOnTheClearingLoopIsThrough() {
        var rig = released(at: [.clearing])
        rig.on(.safety)
        rig.wait(2)
        rig.off(.approach)
        rig.wait(3)
        rig.off(.safety)
        rig.wait(5)
        #expect(rig.outcomes == [.completed])
    }

    @Test func vehicleThatGoesBackOverTheApproachLoopIsNotThrough() {
        var rig = released()
        rig.on(.safety)
        rig.wait(2)
        rig.off(.approach)
        rig.wait(3)
        rig.on(.approach)
        rig.off(.safety)
        rig.wait(2)
        #expect(rig.outcomes == [.backedOut])
    }

    @Test func waitingVehicleOfALaneUsedBothWaysDoesNotHideThatAnotherCameThrough() {
        var rig = LaneRig([.approach, .secondApproach, .safety], layout: .opposed)
        rig.on(.approach)
        rig.verdict(.stageAllowed)
        rig.on(.secondApproach)
        rig.wait(3)
        rig.on(.safety)
        rig.wait(2)
        rig.off(.approach)
        rig.wait(3)
        rig.off(.safety)
        rig.wait(2)
        #expect(rig.outcomes == [.completed])
    }

    @Test func curtainAcrossTwoLanesTakesNoVehicleOfOneForOneInTheOther() {
        var rig = LaneRig(
            [.approach, .secondApproach, .safety, .secondSafety, .curtain], layout: .parallel)
        rig.on(.approach, .secondApproach)
        rig.verdict(.stageAllowed, side: 0)
        rig.verdict(.stageAllowed, side: 1)
        rig.wait(3)
        rig.on(.secondSafety, .curtain)
        rig.off(.secondApproach)
        #expect(rig.core.phase(0) == .released)
        #expect(rig.core.phase(1) == .passing)
        // Its own loop has a gap; the curtain does not.
        rig.off(.secondSafety)
        rig.wait(5)
        #expect(rig.core.phase(1) == .passing)
        rig.on(.secondSafety)
        rig.wait(2)
        rig.off(.secondSafety, .curtain)
        rig.wait(2)
        #expect(rig.core.phase(0) == .released)
        #expect(rig.outcomes == [.completed])
    }
}
