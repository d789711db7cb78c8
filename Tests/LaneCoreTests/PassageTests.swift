import Domain
import Testing

@testable import LaneCore

@Suite struct PassageTests {
    @Test func allowedVehiclePassesOnceAndTheArmComesDown() {
        var rig = LaneRig()
        rig.on(.approach)
        #expect(rig.core.phase() == .identifying && rig.outputs.isSuperset(of: [.red, .fill, .trigger]))
        rig.verdict(.stageAllowed)
        #expect(rig.outputs.contains(.raise) && !rig.outputs.contains(.green))
        rig.wait(3)
        #expect(rig.outputs.contains(.green) && !rig.outputs.contains(.red))
        rig.driveThrough()
        #expect(rig.outcomes == [.completed] && rig.raised == [.verdict] && rig.lowerings == 1)
        #expect(rig.ends[0].raisedAt != nil && rig.ends[0].enteredAt != nil && rig.ends[0].cause == .verdict)
        #expect(rig.core.isAtRest && rig.outputs == [.red])
    }

    @Test func refusedVehicleBacksOutAndNoRelayMoves() {
        var rig = LaneRig()
        rig.on(.approach)
        rig.verdict(.stageTooLow)
        #expect(rig.actions.contains(.notice(LaneID(0), .refused(.stageTooLow), rig.core.token())))
        rig.wait(10)
        rig.off(.approach)
        rig.wait(3)
        #expect(rig.outcomes == [.backedOut] && rig.raised == [] && rig.core.isAtRest)
    }

    @Test func releasedVehicleThatBacksOutLeavesNoReleaseBehind() {
        var rig = LaneRig()
        rig.letIn()
        let first = rig.core.token()
        rig.off(.approach)
        rig.wait(5)
        #expect(rig.outcomes == [.backedOut] && rig.core.arm.position == .closed)
        rig.on(.approach)
        rig.verdict(.stageAllowed, for: first)
        #expect(rig.raised == [.verdict] && rig.core.phase() == .identifying && rig.core.token() != first)
    }

    @Test func releasedVehicleThatNeverEntersExpires() {
        var rig = LaneRig()
        rig.letIn()
        rig.wait(25)
        #expect(rig.outcomes == [.expired] && rig.core.arm.position == .closed)
    }

    @Test func releasedVehicleThatReversesFromUnderTheArmBackedOut() {
        var rig = LaneRig()
        rig.letIn()
        rig.on(.safety)
        rig.wait(1)
        rig.off(.safety)
        rig.wait(0.5)
        rig.off(.approach)
        rig.wait(8)
        #expect(rig.outcomes == [.backedOut] && rig.core.isAtRest)
    }

    @Test func clearingLoopTellsWhoHasGoneThrough() {
        var rig = LaneRig([.approach, .safety, .clearing])
        rig.letIn()
        rig.on(.safety)
        rig.off(.approach)
        rig.on(.clearing)
        rig.off(.safety)
        rig.wait(1.5)
        #expect(rig.outcomes == [.completed])
        rig.off(.clearing)
        rig.wait(8)
        rig.letIn()
        rig.driveThrough()
        #expect(rig.outcomes == [.completed, .backedOut], "who did not reach it did not go through")
    }

    @Test func noVerdictInTimeRefusesAndALateOneStillServesWhoStandsThere() {
        var rig = LaneRig()
        rig.on(.approach)
        rig.wait(5)
        #expect(rig.actions.contains(.identificationOverdue(LaneID(0), rig.core.token())))
        #expect(rig.core.phase() == .refused && rig.raised == [])
        rig.verdict(.stageAllowed)
        #expect(rig.raised == [.verdict])
    }

    @Test func verdictForAVehicleThatHasLeftMovesNothing() {
        var rig = LaneRig()
        rig.on(.approach)
        let gone = rig.core.token()
        rig.off(.approach)
        rig.wait(3)
        rig.on(.approach)
        rig.verdict(.stageAllowed, for: gone)
        #expect(rig.raised == [] && rig.core.phase() == .identifying && rig.core.token() != gone)
    }

    @Test func lateVerdictDoesNotOpenForTheVehicleBehindTheOneThatWentThrough() {
        var rig = LaneRig()
        rig.on(.approach, .safety)
        rig.off(.approach)
        rig.wait(1)
        rig.off(.safety)
        rig.wait(0.5)
        rig.on(.approach)
        rig.verdict(.stageAllowed)
        #expect(rig.raised == [])
        rig.order(.release(LaneID(0), rig.core.token()))
        #expect(rig.raised == [])
        rig.wait(3)
        #expect(rig.outcomes == [.forced] && rig.core.phase() == .identifying)
    }

    @Test func plateAndTagOfTwoVehiclesAreRefusedAndTheFirstVerdictStands() {
        var rig = LaneRig()
        rig.on(.approach)
        rig.verdict(.identityConflict)
        rig.verdict(.stageAllowed)
        #expect(rig.raised == [] && rig.core.phase() == .refused)
        #expect(rig.actions.contains(.notice(LaneID(0), .refused(.identityConflict), rig.core.token())))
    }

    @Test func identificationIsRetriedWithinTheDeadlineAndOnOrder() {
        var rig = LaneRig { fitting, _ in fitting.attempts = 3 }
        rig.on(.approach)
        rig.wait(10)
        #expect(rig.identifications == 3 && rig.core.phase() == .refused)
        let first = rig.core.token()
        rig.order(.identifyAgain(LaneID(0)))
        #expect(rig.outcomes == [.expired] && rig.core.phase() == .identifying && rig.core.token() != first)
        rig.verdict(.stageAllowed, for: first)
        #expect(rig.raised == [])
        rig.verdict(.stageAllowed)
        rig.wait(10)
        #expect(rig.raised == [.verdict] && rig.identifications == 4)
    }

    @Test func vehicleUnderAClosedArmIsForcedWithTheSirenAndMayNotBeReleasedByItsVerdictAfterwards() {
        var rig = LaneRig()
        rig.on(.approach)
        rig.on(.safety)
        rig.off(.approach)
        rig.wait(1)
        rig.off(.safety)
        rig.wait(3)
        #expect(rig.outcomes == [.forced] && rig.raised == [])
        rig.on(.safety)
        #expect(rig.outputs.contains(.siren) && rig.core.phase() == .intruded)
    }

    @Test func reversePassageIsForcedAndSaidToBeReverse() {
        var rig = LaneRig()
        rig.on(.safety)
        rig.on(.approach)
        rig.off(.safety)
        rig.wait(1.5)
        #expect(rig.outcomes == [.forced] && rig.ends[0].isReverse && rig.identifications == 0)
        rig.wait(5)
        #expect(rig.identifications == 0, "it is leaving, and nobody asks for it")
        rig.off(.approach)
        rig.wait(3)
        #expect(rig.core.isAtRest || rig.core.phase() == .idle)
        rig.on(.approach)
        #expect(rig.identifications == 1)
    }

    @Test func vehicleThatStopsUnderTheArmKeepsItUp() {
        var rig = LaneRig { _, timings in timings.stuckAfter = .seconds(100) }
        rig.letIn()
        rig.on(.safety)
        rig.off(.approach)
        rig.wait(1_000)
        #expect(rig.lowerings == 0 && rig.has(.stuck(.safety)) && rig.outcomes == [])
        rig.off(.safety)
        rig.wait(8)
        #expect(rig.outcomes == [.completed] && !rig.has(.stuck(.safety)) && rig.core.isAtRest)
    }

    @Test func vehicleOnTheLoopsAtStartMovesNothingAndCrossesUnderAnOutcomeOfItsOwn() {
        var rig = LaneRig(at: [.approach, .safety])
        #expect(rig.outputs.isDisjoint(with: [.raise, .lower, .stop]) && rig.core.phase() == .unsettled)
        rig.off(.approach, .safety)
        rig.wait(3)
        #expect(rig.outcomes == [.interrupted] && rig.raised == [])
    }
}
