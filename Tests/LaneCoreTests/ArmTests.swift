import Domain
import Testing

@testable import LaneCore

@Suite struct ArmTests {
    static let limits: [LaneSensor] = [.approach, .safety, .openLimit, .closedLimit]

    /// The arm is coming down behind a vehicle that has passed.
    private func lowering(
        _ sensors: [LaneSensor] = [.approach, .safety], _ change: (inout LaneFitting, inout LaneTimings) -> Void
    ) -> LaneRig {
        var rig = LaneRig(sensors, change)
        rig.letIn()
        rig.on(.safety)
        rig.off(.approach)
        rig.wait(2)
        rig.off(.safety)
        rig.wait(1.1)
        return rig
    }

    @Test func arrivalUnderTheLoweringArmReleasesAndRaisesInTheSameStep() {
        var rig = lowering { _, timings in timings.deadTime = .zero }
        #expect(rig.outputs.contains(.lower))
        rig.on(.safety)
        #expect(!rig.outputs.contains(.lower) && rig.outputs.contains(.raise) && rig.raised.last == .protection)
    }

    @Test func raiseWaitsForTheDeadTimeOfTheOperator() {
        var rig = lowering { _, _ in }
        rig.on(.safety)
        #expect(rig.outputs.isDisjoint(with: [.raise, .lower]) && rig.core.arm.drive.pending == .raise)
        rig.wait(0.29)
        #expect(!rig.outputs.contains(.raise))
        rig.wait(0.02)
        #expect(rig.outputs.contains(.raise))
    }

    @Test func raiseThatWaitedForTheDeadTimeArrivesByAsMuchLater() {
        var rig = lowering { _, _ in }
        rig.on(.safety)
        rig.wait(2.2)
        #expect(rig.core.arm.position == .opening)
        rig.wait(0.2)
        #expect(rig.core.arm.position == .open)
    }

    /// The arm has been told to come down, and has not left the open limit yet.
    private func aboutToLeaveTheOpenLimit() -> LaneRig {
        var rig = LaneRig(Self.limits, at: [.closedLimit])
        rig.on(.approach)
        rig.verdict(.stageAllowed)
        rig.off(.closedLimit)
        rig.wait(1.5)
        rig.on(.openLimit, .safety)
        rig.off(.approach)
        rig.wait(2)
        rig.off(.safety)
        rig.wait(1.1)
        #expect(rig.lowerings == 1 && rig.core.arm.position == .closing)
        return rig
    }

    @Test func armThatTurnsAfterItHasLeftTheOpenLimitHasNotFallen() {
        var rig = aboutToLeaveTheOpenLimit()
        rig.on(.safety)
        #expect(rig.raised.last == .protection && rig.core.arm.position == .opening)
        rig.order(.hold(true))
        rig.wait(0.1)
        rig.off(.openLimit)
        #expect(!rig.has(.movedUnordered))
        rig.wait(1)
        rig.on(.openLimit)
        #expect(rig.core.arm.position == .open && !rig.has(.openLimitMissed))
    }

    @Test func armThatNeverLeftTheOpenLimitHasArrivedWhenItsTravelIsOver() {
        var rig = aboutToLeaveTheOpenLimit()
        rig.on(.safety)
        rig.wait(1.9)
        #expect(rig.core.arm.position == .opening)
        rig.wait(0.5)
        #expect(rig.core.arm.position == .open && !rig.has(.openLimitMissed))
    }

    @Test func armThatIsToldToCloseBeforeItLeavesTheClosedLimitComesDownForItsWholeTravel() {
        var rig = LaneRig(Self.limits, at: [.closedLimit]) { _, timings in timings.deadTime = .zero }
        rig.wait(1)
        rig.order(.hold(true))
        rig.order(.hold(false))
        #expect(rig.lowerings == 1 && rig.core.arm.position == .closing)
        rig.wait(0.2)
        rig.off(.closedLimit)
        #expect(!rig.has(.movedUnordered) && !rig.outputs.contains(.siren))
        rig.on(.safety)
        #expect(rig.raised.last == .protection && !rig.outputs.contains(.lower))
    }

    @Test func loweringThatStillWaitsIsForgottenWhenTheArmIsDown() {
        var rig = LaneRig(Self.limits, at: [.closedLimit])
        rig.wait(1)
        rig.order(.hold(true))
        rig.off(.closedLimit)
        rig.order(.hold(false))
        rig.on(.closedLimit)
        #expect(rig.core.arm.position == .closed && rig.core.arm.drive.pending == nil)
        // Had it only looked so, the arm would come down now, and presence would not raise it.
        rig.on(.openLimit)
        rig.wait(1)
        #expect(rig.lowerings == 0 && !rig.core.arm.isLowering)
    }

    @Test(arguments: [LaneSensor.safety, .curtain, .radar]) func everyPresenceSensorProtects(sensor: LaneSensor) {
        var rig = lowering([.approach, .safety, .curtain, .radar]) { _, timings in timings.deadTime = .zero }
        rig.on(sensor)
        #expect(rig.outputs.contains(.raise))
        rig.wait(100)
        #expect(rig.lowerings == 1)
        rig.off(sensor)
        rig.wait(0.9)
        #expect(rig.lowerings == 1)
        rig.wait(0.2)
        #expect(rig.lowerings == 2)
    }

    @Test func vehicleThatArrivesBeforeTheArmWhileItComesDownIsAskedForAndWaits() {
        var rig = lowering { _, _ in }
        rig.on(.approach)
        rig.wait(3)
        #expect(rig.core.phase() == .identifying && rig.core.arm.position == .closed)
        rig.verdict(.stageAllowed)
        #expect(rig.raised == [.verdict, .verdict])
    }

    @Test func pulseEndsAndTheArmGoesOnByItself() {
        var rig = LaneRig()
        rig.on(.approach)
        rig.verdict(.stageAllowed)
        rig.wait(0.49)
        #expect(rig.outputs.contains(.raise))
        rig.wait(0.02)
        #expect(!rig.outputs.contains(.raise) && rig.core.arm.position == .opening)
    }

    @Test func maintainedRaiseIsHeldUntilTheArmMayComeDownAndLowerUntilItIsDown() {
        var rig = LaneRig { fitting, _ in fitting.drive = .maintained }
        rig.letIn()
        rig.wait(5)
        #expect(rig.outputs.contains(.raise))
        rig.on(.safety)
        rig.off(.approach)
        rig.wait(2)
        rig.off(.safety)
        rig.wait(1.1)
        #expect(!rig.outputs.contains(.raise))
        rig.wait(0.3)
        #expect(rig.outputs.contains(.lower))
        rig.wait(3)
        #expect(!rig.outputs.contains(.lower) && rig.core.isAtRest)
    }

    @Test func limitsProveTheWayAndItsTimeIsMeasured() {
        var rig = LaneRig(Self.limits, at: [.closedLimit])
        rig.on(.approach)
        rig.verdict(.stageAllowed)
        rig.wait(0.2)
        rig.off(.closedLimit)
        rig.wait(1.2)
        rig.on(.openLimit)
        #expect(rig.actions.contains(.travelled(isUp: true, .milliseconds(1_400))))
        #expect(rig.outputs.contains(.green) && !rig.has(.openLimitMissed))
    }

    @Test func wayThatTakesLongerThanItMayIsMeasuredWhenTheLimitComes() {
        var rig = LaneRig(Self.limits, at: [.closedLimit])
        rig.wait(1)
        rig.order(.maintenance(true))
        rig.order(.energise(.raise, true))
        rig.off(.closedLimit)
        rig.wait(5)
        #expect(rig.has(.openLimitMissed))
        rig.on(.openLimit)
        #expect(rig.actions.contains(.travelled(isUp: true, .seconds(5))))
        rig.order(.energise(.lower, true))
        rig.off(.openLimit)
        rig.wait(4)
        #expect(rig.has(.closedLimitMissed))
        rig.on(.closedLimit)
        #expect(rig.actions.contains(.travelled(isUp: false, .seconds(4))))
    }

    @Test(arguments: [true, false]) func wayThatAPersonHaltedOrThatTurnedBackIsNotMeasured(isHalted: Bool) {
        var rig = LaneRig(Self.limits, at: [.closedLimit])
        rig.wait(1)
        rig.order(.hold(true))
        rig.off(.closedLimit)
        rig.wait(isHalted ? 1 : 5)
        if isHalted {
            rig.order(.stop)
            rig.order(.close)
            rig.on(.openLimit)
        } else {
            rig.on(.closedLimit)
        }
        #expect(!rig.actions.contains { if case .travelled = $0 { true } else { false } })
    }

    @Test func armThatNeverComesUpIsAFaultAndThePassageIsAborted() {
        var rig = LaneRig(Self.limits, at: [.closedLimit])
        rig.on(.approach)
        rig.verdict(.stageAllowed)
        rig.wait(5)
        #expect(rig.has(.openLimitMissed) && rig.outputs.contains(.beacon) && !rig.outputs.contains(.green))
        #expect(rig.raised == [.verdict], "it is not tried again by itself")
        rig.wait(20)
        #expect(rig.outcomes == [.aborted])
    }

    @Test func armThatNeverComesDownIsAFaultIsTriedAgainAndProtects() {
        var rig = LaneRig(Self.limits, at: [.closedLimit]) { _, timings in timings.deadTime = .zero }
        rig.on(.approach)
        rig.verdict(.stageAllowed)
        rig.off(.closedLimit)
        rig.wait(1.5)
        rig.on(.openLimit, .safety)
        rig.off(.approach)
        rig.wait(2)
        rig.off(.safety)
        rig.wait(1.1)
        rig.off(.openLimit)
        rig.wait(3)
        #expect(rig.has(.closedLimitMissed) && rig.lowerings == 1)
        rig.on(.safety)
        #expect(rig.raised.last == .protection)
        rig.on(.openLimit)
        rig.off(.safety)
        rig.wait(1.5)
        #expect(rig.lowerings == 2)
        rig.off(.openLimit)
        rig.on(.closedLimit)
        rig.wait(12)
        #expect(!rig.has(.closedLimitMissed) && rig.core.isAtRest)
    }

    @Test func stuckClosedLimitIsNotTakenForAnArmThatIsDown() {
        var rig = LaneRig([.approach, .safety, .closedLimit], at: [.closedLimit]) { _, timings in
            timings.deadTime = .zero
        }
        rig.letIn()
        #expect(rig.has(.openLimitMissed))
        rig.driveThrough()
        rig.wait(20)
        #expect(rig.core.arm.position == .closing)
        rig.on(.safety)
        #expect(rig.raised.last == .protection && !rig.outputs.contains(.lower))
    }

    @Test func armThatIsHitOrSwungAwayIsAFaultWithTheSirenAndIsNotDriven() {
        var rig = LaneRig(Self.limits, at: [.closedLimit])
        rig.off(.closedLimit)
        #expect(rig.has(.movedUnordered) && rig.outputs.contains(.siren))
        rig.wait(200)
        #expect(rig.outputs.isDisjoint(with: [.raise, .lower]) && rig.lowerings == 0)
        rig.on(.closedLimit)
        rig.wait(2)
        #expect(rig.core.isAtRest)
    }

    @Test func armThatWasCrankedOpenIsLoweredAfterAWhileWhenNothingIsUnderIt() {
        var rig = LaneRig(Self.limits, at: [.closedLimit])
        rig.off(.closedLimit)
        rig.on(.openLimit)
        rig.wait(29)
        #expect(rig.lowerings == 0)
        rig.wait(2)
        #expect(rig.lowerings == 1)
    }

    @Test func armThatFallsIsRaisedForWhoeverIsUnderItOrMayPass() {
        var rig = LaneRig(Self.limits, at: [.openLimit, .safety]) { _, timings in timings.deadTime = .zero }
        rig.off(.openLimit)
        #expect(rig.raised == [.protection])
        rig = LaneRig(Self.limits, at: [.closedLimit])
        rig.on(.approach)
        rig.verdict(.stageAllowed)
        rig.off(.closedLimit)
        rig.on(.openLimit)
        rig.off(.openLimit)
        #expect(rig.raised == [.verdict, .verdict])
    }

    @Test func contradictingLimitsAreAFault() {
        var rig = LaneRig(Self.limits, at: [.closedLimit])
        rig.on(.openLimit)
        #expect(rig.has(.limitsContradict))
        rig.off(.openLimit)
        #expect(!rig.has(.limitsContradict))
    }

    @Test func haltedArmThatSinksToTheClosedLimitWaitsForAPerson() {
        var rig = LaneRig(Self.limits, at: [.closedLimit])
        rig.order(.hold(true))
        rig.off(.closedLimit)
        rig.order(.stop)
        rig.on(.closedLimit)
        rig.wait(60)
        #expect(rig.raised == [.hold] && rig.core.arm.position == .stopped)
        rig.order(.hold(false))
        rig.order(.hold(true))
        #expect(rig.raised == [.hold, .hold])
    }

    @Test func stopRelayIsPulsedAndTheHaltedArmStays() {
        var rig = LaneRig()
        rig.letIn()
        rig.order(.stop)
        #expect(rig.outputs.contains(.stop) && rig.core.arm.position == .stopped)
        rig.wait(0.6)
        #expect(!rig.outputs.contains(.stop))
        rig.off(.approach)
        rig.wait(100)
        #expect(rig.lowerings == 0)
        rig.order(.close)
        rig.wait(5)
        #expect(rig.lowerings == 1 && rig.core.isAtRest)
    }
}
