import Domain
import Testing

@testable import LaneCore

@Suite struct ModeTests {
    @Test func personReleasesTheVehicleThatWaitsAndItsPassageIsManual() {
        var rig = LaneRig([.approach, .safety, .guardOpen])
        rig.on(.approach)
        rig.verdict(.stageTooLow)
        rig.on(.guardOpen)
        #expect(rig.raised == [], "nothing moves before the release is on record")
        #expect(rig.actions.contains(.releaseAsked(LaneID(0), rig.core.token(), by: .guardOpen)))
        rig.order(.release(LaneID(0), rig.core.token()))
        #expect(rig.raised == [.person])
        rig.wait(3)
        rig.driveThrough()
        #expect(rig.outcomes == [.manual] && rig.ends[0].cause == .person)
    }

    @Test func releaseForAVehicleThatHasLeftMovesNothing() {
        var rig = LaneRig()
        rig.on(.approach)
        let gone = rig.core.token()
        rig.off(.approach)
        rig.wait(3)
        rig.on(.approach)
        rig.order(.release(LaneID(0), gone))
        rig.order(.release(LaneID(0), .none))
        #expect(rig.raised == [])
    }

    @Test func releaseForNobodySeenOpensAndExpires() {
        var rig = LaneRig()
        rig.order(.release(LaneID(0), .none))
        #expect(rig.raised == [.person])
        rig.wait(19)
        #expect(rig.outcomes == [])
        rig.wait(10)
        #expect(rig.outcomes == [.expired] && rig.core.isAtRest)
    }

    @Test func exitRequestAsksForARelease() {
        var rig = LaneRig([.safety, .exitRequest])
        rig.on(.exitRequest)
        #expect(rig.actions.contains(.releaseAsked(LaneID(0), .none, by: .exitRequest)) && rig.raised == [])
    }

    @Test func guardClosesAndStopsAtOnce() {
        var rig = LaneRig([.approach, .safety, .guardClose, .guardStop])
        rig.letIn()
        rig.on(.guardClose)
        #expect(rig.outcomes == [.expired])
        rig.wait(0.2)
        #expect(rig.outputs.contains(.lower))
        rig.on(.guardStop)
        #expect(rig.outputs.contains(.stop) && !rig.outputs.contains(.lower))
    }

    @Test func closeWaitsForTheVehicleUnderTheArm() {
        var rig = LaneRig()
        rig.letIn()
        rig.on(.safety)
        rig.order(.close)
        rig.wait(60)
        #expect(rig.lowerings == 0)
    }

    @Test func heldOpenTheArmStaysUpAndNobodyIsAccused() {
        var rig = LaneRig()
        rig.order(.hold(true))
        #expect(rig.raised == [.hold])
        rig.wait(3)
        #expect(rig.outputs.contains(.green))
        rig.on(.safety)
        #expect(!rig.outputs.contains(.siren))
        rig.wait(1)
        rig.off(.safety)
        rig.wait(60)
        #expect(rig.lowerings == 0 && rig.outcomes == [.manual])
        rig.order(.hold(false))
        rig.wait(5)
        #expect(rig.outcomes == [.manual, .expired] && rig.ends[1].cause == .hold && rig.core.isAtRest)
    }

    @Test func lockedDownNobodyIsLetInAndAnAllowedVehicleIsAskedForAgainAfterwards() {
        var rig = LaneRig()
        rig.order(.lockdown(true))
        #expect(rig.actions.contains(.notice(LaneID(0), .closed, .none)))
        rig.on(.approach)
        rig.verdict(.stageAllowed)
        rig.order(.release(LaneID(0), rig.core.token()))
        #expect(rig.raised == [] && rig.core.phase() == .refused)
        rig.order(.lockdown(false))
        #expect(rig.outcomes == [.expired] && rig.core.phase() == .identifying)
    }

    @Test func lockDownTakesTheReleaseOfWhoHasNotEntered() {
        var rig = LaneRig()
        rig.letIn()
        rig.order(.lockdown(true))
        rig.wait(5)
        #expect(rig.outcomes == [.expired] && rig.core.arm.position == .closed)
    }

    @Test func fireRaisesInThatStepAndHoldsAgainstEverything() {
        var rig = LaneRig([.approach, .safety, .fireAlarm])
        rig.order(.lockdown(true))
        rig.on(.fireAlarm)
        #expect(rig.outputs.contains(.raise) && rig.raised == [.fire])
        rig.wait(3)
        rig.order(.close)
        rig.order(.hold(false))
        rig.wait(600)
        #expect(rig.lowerings == 0 && rig.outputs.isSuperset(of: [.green, .beacon]))
        rig.order(.stop)
        rig.order(.close)
        #expect(rig.raised == [.fire, .fire])
        rig.off(.fireAlarm)
        rig.wait(5)
        #expect(rig.outcomes == [.expired] && rig.ends[0].cause == .fire && rig.core.arm.position == .closed)
    }

    @Test func fireAtStartRaises() {
        let rig = LaneRig([.approach, .safety, .fireAlarm], at: [.fireAlarm])
        #expect(rig.outputs.contains(.raise) && rig.raised == [.fire])
    }

    @Test func fireEndsMaintenance() {
        var rig = LaneRig([.approach, .safety, .fireAlarm])
        rig.order(.maintenance(true))
        rig.on(.fireAlarm)
        #expect(rig.outputs.contains(.raise) && !rig.core.isInMaintenance)
        rig.order(.maintenance(true))
        #expect(!rig.core.isInMaintenance)
    }

    @Test func powerThatFailsWhileTheArmIsUpLeavesItUp() {
        var rig = LaneRig([.approach, .safety, .mainsFail])
        rig.letIn()
        rig.on(.mainsFail)
        rig.driveThrough()
        rig.wait(60)
        #expect(rig.lowerings == 0 && rig.outcomes == [.completed])
        rig.off(.mainsFail)
        rig.wait(5)
        #expect(rig.lowerings == 1 && rig.core.isAtRest)
    }

    @Test func barrierOnBackupPowerComesDownWhileTheMainsFail() {
        var rig = LaneRig([.approach, .safety, .mainsFail]) { fitting, _ in fitting.hasBackupPower = true }
        rig.on(.mainsFail)
        rig.letIn()
        rig.driveThrough()
        #expect(rig.lowerings == 1)
    }

    @Test func maintenanceArmsOutputsForALimitedTimeAndServesNobody() {
        var rig = LaneRig()
        rig.order(.energise(.siren, true))
        #expect(!rig.outputs.contains(.siren), "outputs are armed in maintenance alone")
        rig.on(.approach)
        rig.order(.maintenance(true))
        #expect(rig.outcomes == [.aborted])
        rig.verdict(.stageAllowed, for: rig.ends[0].token)
        rig.order(.release(LaneID(0), .none))
        #expect(rig.raised == [])
        rig.order(.energise(.siren, true))
        rig.order(.energise(.raise, true))
        #expect(rig.outputs.isSuperset(of: [.siren, .raise]) && rig.raised == [.maintenance])
        rig.wait(599)
        #expect(rig.outputs.contains(.siren) && rig.lowerings == 0)
        rig.wait(2)
        #expect(!rig.outputs.contains(.siren) && !rig.core.isInMaintenance)
        #expect(rig.outcomes == [.aborted, .expired] && rig.core.phase() == .identifying)
    }

    @Test func nothingIsHeldOpenInMaintenanceAndEachMaintenanceBeginsWithItsOutputsOff() {
        var rig = LaneRig()
        rig.order(.maintenance(true))
        rig.order(.hold(true))
        #expect(rig.raised == [] && !rig.core.isHeldOpen)
        rig.order(.energise(.siren, true))
        rig.order(.maintenance(false))
        rig.order(.maintenance(true))
        #expect(!rig.outputs.contains(.siren))
    }

    @Test func openingEndsOnceWithTheLastOfItsCauses() {
        var rig = LaneRig([.approach, .safety, .fireAlarm])
        rig.order(.hold(true))
        rig.on(.fireAlarm)
        rig.order(.hold(false))
        #expect(rig.outcomes == [])
        rig.off(.fireAlarm)
        #expect(rig.outcomes == [.expired] && rig.ends[0].cause == .hold)
    }

    @Test func handDoesNotLowerOnAVehicle() {
        var rig = LaneRig()
        rig.order(.maintenance(true))
        rig.order(.energise(.raise, true))
        rig.wait(3)
        rig.on(.safety)
        rig.order(.energise(.lower, true))
        #expect(rig.lowerings == 0)
        rig.off(.safety)
        rig.wait(0.9)
        rig.order(.energise(.lower, true))
        #expect(rig.lowerings == 0, "presence may have dropped out")
        rig.wait(0.2)
        rig.order(.energise(.lower, true))
        #expect(rig.lowerings == 1)
        rig.on(.safety)
        #expect(rig.raised.last == .protection && !rig.outputs.contains(.lower))
    }

    @Test func raiseForProtectionInMaintenanceIsAnOpeningThatEndsWithIt() {
        var rig = LaneRig()
        rig.wait(1)
        rig.order(.maintenance(true))
        rig.order(.energise(.lower, true))
        rig.on(.safety)
        #expect(rig.raised == [.protection] && rig.core.tokenCount(0) == 1)
        rig.off(.safety)
        rig.wait(5)
        #expect(rig.outcomes == [])
        rig.order(.maintenance(false))
        #expect(rig.outcomes == [.expired] && rig.ends[0].cause == .protection && rig.ends[0].raisedAt != nil)
    }

    @Test func raiseForWhoLooksAcrossTwoLanesIsAnOpeningUntilPresenceHasBeenClear() {
        var rig = LaneRig([.safety, .secondSafety, .curtain], layout: .parallel)
        rig.order(.hold(true))
        rig.wait(3)
        rig.order(.hold(false))
        rig.on(.curtain)
        #expect(rig.raised == [.hold, .protection] && rig.outcomes == [.expired])
        rig.wait(60)
        #expect(rig.outcomes == [.expired])
        rig.off(.curtain)
        rig.wait(0.9)
        #expect(rig.outcomes == [.expired])
        rig.wait(5)
        #expect(rig.outcomes == [.expired, .expired] && rig.ends[1].cause == .protection && rig.core.isAtRest)
    }

    @Test func raiseForAVehicleUnderOneOfTwoLanesIsItsOwn() {
        var rig = LaneRig([.safety, .secondSafety, .curtain], layout: .parallel)
        rig.order(.hold(true))
        rig.wait(3)
        rig.order(.hold(false))
        rig.on(.secondSafety)
        #expect(rig.raised == [.hold, .protection] && rig.core.tokenCount(0) == 1 && rig.core.tokenCount(1) == 1)
    }

    @Test func protectiveRaiseOutlivesTheEndOfMaintenance() {
        var rig = LaneRig()
        rig.wait(1)
        rig.order(.maintenance(true))
        rig.order(.energise(.lower, true))
        rig.on(.safety)
        rig.order(.maintenance(false))
        rig.wait(0.4)
        #expect(rig.outputs.contains(.raise))
    }
}
