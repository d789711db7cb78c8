import Domain
import Foundation
import LaneCore
import LaneTrace
import Machine
import Synchronization
import Testing

@testable import Controller

@Suite struct LaneThreadTests {
    @Test func oneTruckIsAskedForRaisedForPassedAndLoweredBehind() throws {
        let lane = try LaneBench()
        #expect(lane.lines.isOn(.red) && !lane.lines.isOn(.raise))
        let arrived = lane.bench.clock.now()
        lane.edge(.approach, true)
        guard case .identify(_, let token, let arrivedAt, 1)? = lane.channels.requests.pop() else {
            Issue.record("nobody was asked for")
            return
        }
        #expect(arrivedAt == arrived && lane.status.token == token && lane.status.active.contains(.approach))
        lane.verdict(.stageAllowed, token)
        #expect(lane.lines.isOn(.raise) && lane.lines.isOn(.red), "green calls nobody in before the arm is up")
        lane.wait(seconds: 2)
        #expect(!lane.lines.isOn(.raise), "a pulse ends")
        #expect(lane.lines.isOn(.green) && !lane.lines.isOn(.red))
        lane.edge(.safety, true)
        lane.edge(.approach, false)
        lane.edge(.safety, false)
        #expect(!lane.lines.isOn(.lower))
        lane.bench.advance(.milliseconds(1_100))
        #expect(lane.lines.isOn(.lower))
        let ends = lane.ends
        #expect(ends.map(\.outcome) == [.completed] && ends.map(\.token) == [token])
        #expect(lane.status.count(.completed) == 1 && lane.status.lost.load(ordering: .relaxed) == 0)
        #expect(lane.bench.end() && lane.thread.failure == nil)
        #expect(!lane.lines.isWaitedFor, "the power's end looks at the contacts")
    }

    @Test func refusedOrStrangeVerdictsRaiseNothing() throws {
        let lane = try LaneBench()
        lane.edge(.approach, true)
        let present = lane.status.token
        lane.verdict(.stageAllowed, token(present == token(7) ? 8 : 7))
        lane.verdict(.stageTooLow, present)
        lane.verdict(.stageAllowed, present)
        #expect(lane.lines.times(.raise) == 0 && lane.status.phase == .refused)
        #expect(lane.bench.end())
    }

    @Test func nobodyNamedInTimeIsSaidToAdmission() throws {
        let lane = try LaneBench()
        lane.edge(.approach, true)
        lane.bench.advance(.milliseconds(3_100))
        let overdue = lane.channels.requests.all().contains { if case .overdue = $0 { true } else { false } }
        #expect(overdue && lane.status.phase == .refused)
        #expect(lane.bench.end())
    }

    @Test func aGapInTheSequenceCountsAsPresenceUntilTheLevelsAreRead() throws {
        let lane = try LaneBench()
        lane.edge(.approach, true)
        lane.verdict(.stageAllowed, lane.status.token)
        lane.edge(.safety, true)
        lane.edge(.approach, false)
        #expect(lane.status.edgesLost.load(ordering: .relaxed) == 0)
        // The safety loop's fall is lost; what comes is an edge of the approach loop, three numbers later.
        lane.edge(.approach, true, lost: 2)
        #expect(lane.status.edgesLost.load(ordering: .relaxed) == 1)
        #expect(
            lane.status.active.contains(.safety) && lane.status.active.contains(.approach), "the port's own levels hold"
        )
        lane.edge(.approach, false)
        #expect(lane.status.edgesLost.load(ordering: .relaxed) == 1, "one gap is one gap")
        lane.wait(seconds: 3)
        #expect(lane.lines.times(.lower) == 0)
        #expect(lane.bench.end())
    }

    @Test func lostEdgesOfAnEmptyLaneAccuseNobody() throws {
        let lane = try LaneBench()
        lane.edge(.approach, false, lost: 5)
        #expect(lane.status.phase == .unsettled && !lane.status.active.contains(.safety))
        lane.bench.advance(.milliseconds(1_100))
        #expect(lane.status.phase == .idle && lane.status.count(.forced) == 0)
        #expect(lane.lines.times(.raise) == 0 && lane.lines.times(.lower) == 0)
        #expect(lane.bench.end())
    }

    @Test func theNewestEdgeOfABurstIsNotLostUnnoticed() throws {
        let lane = try LaneBench()
        lane.lines.stall(true)
        #expect(lane.channels.words.push(.order(lane.status.lane, .hold(true))))
        // The alarm's thread hangs inside while the lane thread reads more edges than may wait for it.
        #expect(eventually { lane.lines.isHolding })
        for count in 0..<600 { lane.lines.set(.approach, count % 2 == 0, at: lane.bench.clock.now()) }
        lane.lines.set(.safety, true, at: lane.bench.clock.now())
        lane.lines.wake()
        #expect(eventually { lane.lines.isIdle })
        lane.lines.stall(false)
        lane.bench.settle()
        #expect(lane.status.active.contains(.safety) && lane.status.edgesLost.load(ordering: .relaxed) == 1)
        #expect(lane.bench.end())
    }

    @Test func fullRingsAreCountedAndNeverHoldUpTheLane() throws {
        let lane = try LaneBench(ringCapacity: 2)
        for _ in 0..<20 { lane.visitInVain() }
        let lost = lane.status.lost.load(ordering: .relaxed)
        #expect(lane.status.count(.backedOut) == 20 && lost > 20)
        #expect(
            lane.channels.requests.refused + lane.channels.reports.refused
                + (lane.channels.notices[0]?.refused ?? 0)
                >= UInt(lost))
        // The lane itself goes on: the next vehicle is served.
        lane.edge(.approach, true)
        lane.verdict(.whitelisted, lane.status.token)
        #expect(lane.lines.isOn(.raise))
        #expect(lane.bench.end())
    }

    @Test func theArmDoesNotBeginToFallOnAnEdgeThatWaitsInThePort() throws {
        let lane = try LaneBench()
        lane.edge(.approach, true)
        lane.verdict(.stageAllowed, lane.status.token)
        lane.edge(.safety, true)
        lane.edge(.approach, false)
        lane.edge(.safety, false)
        // The next truck reaches the loop at the very end of the delay, and the thread wakes late.
        lane.lines.set(.safety, true, at: lane.bench.clock.now() + .milliseconds(999))
        lane.bench.advance(.milliseconds(1_500))
        #expect(lane.lines.times(.lower) == 0 && lane.status.active.contains(.safety))
        #expect(lane.bench.end())
    }

    @Test func theLevelOfTheMomentHasTheLastWordBeforeTheArmFalls() throws {
        let lane = try LaneBench()
        lane.edge(.approach, true)
        lane.verdict(.stageAllowed, lane.status.token)
        lane.edge(.safety, true)
        lane.edge(.approach, false)
        lane.edge(.safety, false)
        lane.lines.setLevel(.safety, true)
        lane.wait(seconds: 5)
        #expect(lane.lines.times(.lower) == 0 && lane.status.active.contains(.safety))
        #expect(lane.bench.end())
    }

    @Test func aChatteringInputKeepsNothingElseOut() throws {
        let lane = try LaneBench()
        lane.edge(.approach, true)
        #expect(
            lane.channels.words.push(
                .verdict(Verdict(lane: lane.status.lane, token: lane.status.token, reason: .whitelisted)))
        )
        // Far more edges than one turn takes: the thread is woken by each turn's rest, and serves the verdict between.
        for count in 0..<1_000 { lane.lines.set(.approach, count % 2 == 1, at: lane.bench.clock.now()) }
        lane.lines.wake()
        #expect(eventually { lane.lines.times(.raise) == 1 })
        #expect(lane.bench.end())
    }

    @Test func anOutputThatCannotBeReachedKeepsNoOtherOn() throws {
        let lane = try LaneBench()
        lane.edge(.approach, true)
        lane.verdict(.stageAllowed, lane.status.token)
        #expect(lane.lines.isOn(.raise) && lane.lines.isOn(.red))
        lane.lines.jam(.raise)
        #expect(lane.bench.end() && lane.thread.hasFailed.isRaised && lane.thread.failure != nil)
        #expect(!lane.lines.isOn(.lower) && !lane.lines.isOn(.green) && !lane.lines.isOn(.red))
    }

    @Test(arguments: [false, true])
    func contactsThatOpenOnPresenceAreReadTheOtherWay(approachHigh: Bool) throws {
        let lane = try LaneBench(activeLow: [approachHigh ? .safety : .approach]) {
            // Nobody there: each contact rests at the level that does not mean presence.
            let rest = Instant(nanoseconds: 1)
            $0.set(.approach, !approachHigh, at: rest)
            $0.set(.safety, approachHigh, at: rest)
        }
        #expect(
            lane.status.phase == .idle && !lane.status.active.contains(.approach)
                && !lane.status.active.contains(.safety))
        lane.edge(.approach, approachHigh)
        #expect(
            lane.status.phase == .identifying && lane.status.active.contains(.approach)
                && !lane.status.active.contains(.safety))
        #expect(lane.bench.end())
    }

    @Test func aVehicleUnderTheArmAtTheStartMovesNothing() throws {
        let lane = try LaneBench { $0.set(.safety, true, at: Instant(nanoseconds: 1)) }
        #expect(lane.status.phase == .unsettled && lane.status.active.contains(.safety))
        lane.edge(.safety, false)
        lane.wait(seconds: 3)
        #expect(lane.lines.times(.raise) == 0 && lane.lines.times(.lower) == 0)
        #expect(lane.bench.end())
    }

    @Test func linesThatFailEndTheThreadAndAreNamed() throws {
        let lane = try LaneBench()
        lane.edge(.approach, true)
        lane.lines.fail()
        #expect(lane.bench.isOver() && lane.thread.hasFailed.isRaised)
        guard case .closed("lines")? = lane.thread.failure else {
            Issue.record("\(String(describing: lane.thread.failure))")
            return
        }
    }

    @Test func aReaderThatHangsStopsTheHeartThoughTheAlarmGoesOn() throws {
        let lane = try LaneBench()
        lane.bench.settle()
        lane.lines.hang(true)
        lane.bench.clock.advance(.milliseconds(1_000))
        for _ in 0..<5 {
            lane.channels.bell.ring()
            usleep(50_000)
            #expect(lane.bench.pulse.age(lane.bench.clock.now()) >= .milliseconds(1_000))
        }
        lane.lines.hang(false)
        lane.bench.settle()
        #expect(lane.bench.end())
    }

    @Test func edgesKeepNoHeartBeatingWhenTheirTurnHangs() throws {
        let lane = try LaneBench()
        lane.bench.settle()
        lane.lines.stall(true)
        #expect(lane.channels.words.push(.order(lane.status.lane, .hold(true))))
        // The alarm's thread: the reader has nothing to read yet.
        #expect(eventually { lane.lines.isHolding })
        lane.bench.clock.advance(.milliseconds(1_000))
        for count in 0..<1_000 { lane.lines.set(.approach, count % 2 == 1, at: lane.bench.clock.now()) }
        lane.lines.wake()
        #expect(eventually { lane.lines.isIdle })
        #expect(lane.bench.pulse.age(lane.bench.clock.now()) >= .milliseconds(1_000))
        lane.lines.stall(false)
        #expect(eventually { lane.lines.times(.raise) == 1 })
        #expect(lane.bench.end())
    }

    @Test func anEdgeThatWaitsInThePortComesBeforeTheTimersOfThoseBeforeIt() throws {
        let lane = try LaneBench()
        lane.edge(.approach, true)
        lane.hangAlarm()
        // The truck leaves one loop and reaches the other, and the thread wakes when an empty lane would have ended it.
        let left = lane.bench.clock.now()
        lane.lines.set(.approach, false, at: left)
        lane.lines.set(.safety, true, at: left + .milliseconds(5))
        lane.bench.clock.advance(.seconds(2))
        lane.lines.wake()
        #expect(eventually { lane.lines.isIdle })
        lane.lines.stallCalls(false)
        lane.edge(.safety, false)
        lane.wait(seconds: 3)
        #expect(lane.ends.map(\.enteredAt) == [left + .milliseconds(5)])
        #expect(lane.bench.end())
    }

    @Test func aDeadAlarmStopsTheHeartThoughEdgesGoOnComing() throws {
        let lane = try LaneBench()
        lane.bench.settle()
        lane.hangAlarm()
        var oldest = Interval.zero
        for count in 0..<250 {
            lane.bench.clock.advance(.milliseconds(500))
            lane.pass(.approach, count % 2 == 0)
            // The first looks of the lane thread's own lie behind.
            if count > 100 { oldest = max(oldest, lane.bench.pulse.age(lane.bench.clock.now())) }
        }
        #expect(oldest >= .seconds(30))
        lane.lines.stallCalls(false)
        #expect(lane.bench.end())
    }

    @Test func anAlarmThatGetsNoProcessorKeepsNothingWaitingWhileEdgesStorm() throws {
        let lane = try LaneBench()
        lane.bench.settle()
        lane.hangAlarm()
        #expect(lane.channels.words.push(.order(lane.status.lane, .hold(true))))
        for count in 0..<500 {
            lane.bench.clock.advance(.milliseconds(1))
            lane.pass(.approach, count % 2 == 0)
            #expect(lane.bench.pulse.age(lane.bench.clock.now()) <= .milliseconds(400))
        }
        #expect(lane.lines.times(.raise) == 1)
        lane.lines.stallCalls(false)
        #expect(lane.bench.end())
    }

    @Test func allOutputsAreOffAtTheEnd() throws {
        let lane = try LaneBench()
        lane.edge(.approach, true)
        lane.verdict(.stageAllowed, lane.status.token)
        #expect(lane.lines.isOn(.raise) && lane.lines.isOn(.red))
        #expect(lane.bench.end() && lane.thread.failure == nil)
        #expect(lane.lines.areAllOff)
    }

    @Test func eightArmsAreServedEachByItsOwnLines() throws {
        let lane = try LaneBench(ringCapacity: 1_024, arms: 8)
        for arm in 0..<8 { lane.edge(.approach, true, arm: arm) }
        let asked = lane.channels.requests.all().compactMap { request in
            if case .identify(let lane, let token, _, 1) = request { (lane, token) } else { nil }
        }
        #expect(asked.map { $0.0.index } == Array(0..<8))
        // Every other one may pass; each token carries its lane.
        for (id, token) in asked where id.index % 2 == 0 { lane.verdict(.stageAllowed, token, lane: id) }
        for arm in 0..<8 {
            #expect(lane.lines.times(.raise, arm: arm) == (arm % 2 == 0 ? 1 : 0))
            #expect(lane.lines.isOn(.green, arm: arm) == false, "the arm is not up yet")
        }
        lane.bench.advance(.milliseconds(2_000))
        for arm in 0..<8 { #expect(lane.lines.isOn(.green, arm: arm) == (arm % 2 == 0)) }
        // All timers run on: the pulses have ended, and the refused are told so by their own deadlines.
        lane.bench.advance(.milliseconds(1_500))
        for arm in 0..<8 {
            #expect(!lane.lines.isOn(.raise, arm: arm))
            #expect(lane.statuses[arm].phase == (arm % 2 == 0 ? .released : .refused))
        }
        #expect(lane.bench.end() && lane.lines.areAllOff)
    }

    @Test func aVerdictForAnotherLaneOfTheThreadRaisesNothing() throws {
        let lane = try LaneBench(arms: 2)
        lane.edge(.approach, true, arm: 0)
        lane.edge(.approach, true, arm: 1)
        lane.verdict(.stageAllowed, lane.statuses[1].token, lane: LaneID(0))
        lane.verdict(.stageAllowed, lane.statuses[0].token, lane: LaneID(1))
        lane.verdict(.stageAllowed, lane.statuses[0].token, lane: LaneID(7))
        #expect(lane.lines.times(.raise, arm: 0) + lane.lines.times(.raise, arm: 1) == 0)
        #expect(lane.bench.end())
    }

    @Test func twoLanesShareAnArmAndItsPresence() throws {
        let lane = try LaneBench(
            sensors: [.approach, .safety, .secondApproach, .secondSafety], second: .parallel)
        lane.edge(.secondApproach, true)
        #expect(lane.statuses[1].phase == .identifying && lane.statuses[0].phase == .idle)
        let second = LaneID(1)
        lane.verdict(.stageAllowed, lane.statuses[1].token, lane: second)
        #expect(lane.lines.isOn(.raise))
        lane.edge(.secondSafety, true)
        lane.edge(.secondApproach, false)
        lane.edge(.secondSafety, false)
        // Of the other lane's loop no edge has come yet: it has the last word before this arm falls.
        lane.lines.setLevel(.safety, true)
        lane.wait(seconds: 4)
        #expect(lane.lines.times(.lower) == 0 && lane.ends.map(\.lane) == [second])
        #expect(lane.bench.end())
    }

    @Test func everyFittedPresenceSensorHasTheLastWord() throws {
        for sensor in [LaneSensor.curtain, .radar] {
            let lane = try LaneBench(sensors: [.approach, .safety, .curtain, .radar])
            lane.edge(.approach, true)
            lane.verdict(.stageAllowed, lane.status.token)
            lane.edge(.safety, true)
            lane.edge(.approach, false)
            lane.edge(.safety, false)
            lane.lines.setLevel(sensor, true)
            lane.wait(seconds: 5)
            #expect(lane.lines.times(.lower) == 0 && lane.status.active.contains(sensor))
            #expect(lane.bench.end())
        }
    }

    @Test func aButtonAsksAndOnlyTheDurableOrderRaises() throws {
        let lane = try LaneBench(sensors: [.approach, .safety, .guardOpen])
        lane.edge(.approach, true)
        lane.verdict(.unknownVehicle, lane.status.token)
        lane.edge(.guardOpen, true)
        lane.edge(.guardOpen, false)
        lane.wait(seconds: 2)
        #expect(lane.lines.times(.raise) == 0)
        let asked = lane.channels.reports.all().compactMap { report in
            if case .releaseAsked(let id, let token, .guardOpen, _) = report { (id, token) } else { nil }
        }
        #expect(asked.count == 1 && asked.first?.1 == lane.status.token)
        lane.order(.release(lane.status.lane, lane.status.token))
        #expect(lane.lines.times(.raise) == 1)
        #expect(lane.bench.end())
    }

    @Test func ordersMoveTheArmAndShowTheirModes() throws {
        let lane = try LaneBench()
        lane.order(.hold(true))
        #expect(lane.lines.isOn(.raise) && lane.status.isHeldOpen)
        lane.wait(seconds: 3)
        lane.order(.hold(false))
        lane.wait(seconds: 3)
        #expect(lane.lines.times(.lower) == 1 && !lane.status.isHeldOpen)
        lane.order(.maintenance(true))
        lane.order(.energise(.siren, true))
        #expect(lane.status.isInMaintenance && lane.lines.isOn(.siren))
        lane.order(.maintenance(false))
        #expect(!lane.lines.isOn(.siren))
        lane.order(.lockdown(true))
        lane.edge(.approach, true)
        lane.verdict(.stageAllowed, lane.status.token)
        #expect(lane.status.isLockedDown && lane.lines.times(.raise) == 1)
        #expect(lane.bench.end())
    }

    @Test func faultsAreReportedAndKeptWhenTheyHeal() throws {
        let lane = try LaneBench()
        for count in 0..<30 { lane.edge(.approach, count % 2 == 0) }
        #expect(lane.status.seenFaults.map(\.fault) == [.chatter(.approach)])
        #expect(lane.status.seenFaults.first?.isPresent == true && lane.status.doubtful.contains(.approach))
        lane.wait(seconds: 7)
        #expect(lane.status.seenFaults.map(\.isPresent) == [false])
        let told = lane.channels.reports.all().compactMap { report in
            if case .fault(_, .chatter(.approach), let isRaised) = report { isRaised } else { nil }
        }
        #expect(told == [true, false])
        #expect(lane.status.lines(now: lane.bench.clock.now()).contains { $0.contains("healed") })
        #expect(lane.bench.end())
    }

    @Test func limitSwitchesMeasureTheTravel() throws {
        let lane = try LaneBench(sensors: [.approach, .safety, .openLimit, .closedLimit]) {
            $0.set(.closedLimit, true, at: Instant(nanoseconds: 1))
        }
        lane.edge(.approach, true)
        lane.verdict(.stageAllowed, lane.status.token)
        lane.edge(.closedLimit, false)
        lane.bench.advance(.milliseconds(1_300))
        lane.edge(.openLimit, true)
        let travel = try #require(lane.status.travel(isUp: true))
        #expect((1_300...1_310).contains(travel.milliseconds) && lane.status.arm == .open)
        #expect(lane.bench.end())
    }
}
