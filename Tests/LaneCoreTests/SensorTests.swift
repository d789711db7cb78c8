import Domain
import Testing

@testable import LaneCore

@Suite struct SensorTests {
    @Test func chatteringPresenceCountsAsOccupiedUntilItHasBeenQuiet() {
        var rig = LaneRig { fitting, _ in fitting.chatterEdges = 6 }
        rig.letIn()
        rig.on(.safety)
        rig.off(.approach)
        for _ in 0..<3 {
            rig.off(.safety)
            rig.on(.safety)
        }
        rig.off(.safety)
        #expect(rig.has(.chatter(.safety)))
        rig.wait(4.9)
        #expect(rig.lowerings == 0 && rig.outcomes == [])
        rig.wait(6)
        #expect(!rig.has(.chatter(.safety)) && rig.outcomes == [.completed] && rig.core.isAtRest)
    }

    @Test func chatterThatGoesOnIsNotHealed() {
        var rig = LaneRig { fitting, _ in fitting.chatterEdges = 6 }
        for _ in 0..<3 {
            rig.on(.safety)
            rig.off(.safety)
        }
        for _ in 0..<4 {
            rig.wait(2)
            rig.on(.safety)
            rig.off(.safety)
            #expect(rig.has(.chatter(.safety)))
        }
        rig.wait(5.1)
        #expect(!rig.has(.chatter(.safety)))
    }

    @Test func fewChangesInSeveralWindowsAreNoChatter() {
        var rig = LaneRig { fitting, _ in fitting.chatterEdges = 6 }
        for _ in 0..<20 {
            rig.on(.safety)
            rig.wait(0.3)
            rig.off(.safety)
            rig.wait(0.3)
        }
        #expect(!rig.has(.chatter(.safety)))
    }

    @Test func lostEdgesCountAsOccupiedUntilTheStateIsGivenAnew() {
        var rig = LaneRig([.approach, .safety, .clearing])
        rig.letIn()
        rig.driveThrough()
        rig.on(.approach)
        rig.verdict(.stageAllowed)
        rig.wait(3)
        rig.off(.approach)
        rig.wait(2.1)
        #expect(rig.core.arm.position == .closing)
        rig.step(.edgesLost)
        #expect(rig.raised.last == .protection && rig.has(.edgesLost))
        rig.off(.approach, .clearing)
        rig.wait(60)
        #expect(rig.lowerings == 2 && rig.has(.edgesLost))
        rig.off(.safety)
        #expect(!rig.has(.edgesLost))
        rig.wait(5)
        #expect(rig.lowerings == 3)
    }

    @Test func stuckSensorStaysActiveAndIsShownUntilItMoves() {
        var rig = LaneRig { _, timings in timings.stuckAfter = .seconds(300) }
        rig.on(.safety)
        rig.wait(299)
        #expect(!rig.has(.stuck(.safety)))
        rig.wait(2)
        #expect(rig.has(.stuck(.safety)) && rig.core.hasPresence)
        rig.off(.safety)
        #expect(!rig.has(.stuck(.safety)))
    }

    @Test func sensorThatIsNotFittedSaysNothing() {
        var rig = LaneRig()
        rig.on(.curtain, .fireAlarm)
        rig.wait(2)
        #expect(rig.raised == [] && rig.core.isAtRest)
    }

    @Test func contactsForTheLedgerAreNoted() {
        var rig = LaneRig([.approach, .safety, .tamper])
        rig.on(.tamper)
        #expect(rig.actions.contains(.noted(.tamper, isActive: true)) && rig.raised == [])
    }

    @Test func doubtfulPresenceAccusesNobody() {
        var rig = LaneRig()
        rig.step(.edgesLost)
        #expect(rig.core.phase() == .unsettled && !rig.outputs.contains(.siren))
        rig.off(.approach, .safety)
        rig.wait(3)
        #expect(rig.outcomes == [.aborted])
    }
}

@Suite struct SharedArmTests {
    @Test func laneUsedBothWaysServesOneDirectionAtATime() {
        var rig = LaneRig([.approach, .safety, .secondApproach], layout: .opposed)
        rig.on(.approach)
        rig.on(.secondApproach)
        #expect(rig.identifications == 1 && rig.core.phase(0) == .identifying && rig.core.phase(1) == .idle)
        rig.verdict(.stageAllowed, for: rig.core.token(0), side: 1)
        #expect(rig.raised == [], "a verdict of the other lane serves nobody here")
        rig.verdict(.stageAllowed)
        rig.wait(3)
        #expect(rig.outputs.isSuperset(of: [.green, .secondRed]))
    }

    @Test func vehicleThatLeavesOverTheOtherApproachLoopIsNotAskedForAgain() {
        var rig = LaneRig([.approach, .safety, .secondApproach], layout: .opposed)
        rig.letIn(side: 1)
        rig.on(.safety)
        rig.off(.secondApproach)
        rig.on(.approach)
        rig.off(.safety)
        rig.wait(5)
        #expect(rig.outcomes == [.completed] && rig.ends[0].lane == LaneID(1) && rig.identifications == 1)
        rig.off(.approach)
        rig.wait(3)
        #expect(rig.core.isAtRest)
        rig.on(.approach)
        #expect(rig.identifications == 2)
    }

    @Test func twoLanesUnderOneArmEachServeTheirOwnVehicle() {
        var rig = LaneRig([.approach, .safety, .secondApproach, .secondSafety], layout: .parallel)
        rig.on(.approach, .secondApproach)
        #expect(rig.identifications == 2)
        rig.verdict(.stageAllowed, side: 1)
        rig.wait(3)
        #expect(rig.outputs.isSuperset(of: [.red, .secondGreen]))
        rig.on(.secondSafety)
        rig.off(.secondApproach)
        rig.verdict(.stageAllowed, side: 0)
        rig.off(.secondSafety)
        rig.wait(3)
        #expect(rig.outcomes == [.completed] && rig.ends[0].lane == LaneID(1) && rig.lowerings == 0)
        rig.on(.safety)
        rig.off(.approach)
        rig.wait(2)
        rig.off(.safety)
        rig.wait(6)
        #expect(rig.outcomes == [.completed, .completed] && rig.lowerings == 1 && rig.core.isAtRest)
    }

    @Test func presenceInEitherLaneProtectsTheSharedArm() {
        var rig = LaneRig([.approach, .safety, .secondApproach, .secondSafety], layout: .parallel) { _, timings in
            timings.deadTime = .zero
        }
        rig.letIn()
        rig.on(.safety)
        rig.off(.approach)
        rig.wait(2)
        rig.off(.safety)
        rig.wait(1.1)
        #expect(rig.outputs.contains(.lower))
        rig.on(.secondSafety)
        #expect(rig.outputs.contains(.raise) && !rig.outputs.contains(.lower) && rig.core.phase(1) == .intruded)
    }
}
