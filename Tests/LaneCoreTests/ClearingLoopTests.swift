// What a clearing loop says about a released vehicle, and what is recorded where it says nothing.

import Domain
import LaneCore
import Testing

@Suite struct ClearingLoopTests {
    private static let timings = LaneTimings(
        verdictDeadline: .seconds(3), authorisedWindow: .seconds(30), backOut: .milliseconds(1_500),
        closeDelay: .seconds(1), raiseTravel: .seconds(2), lowerTravel: .seconds(2), relayPulse: .milliseconds(500),
        deadTime: .milliseconds(300))

    /// Drives one released vehicle by the sensors' changes, a second apart; returns the outcomes.
    private func outcomes(
        levels: SensorSet = .none, _ changes: [(LaneSensor, Bool)], settle: UInt64 = 10
    ) -> [PassOutcome] {
        let sensors = SensorSet.none.with(.approach).with(.safety).with(.clearing)
        var core = LaneCore(
            lane: LaneID(0), boot: 1, timings: ClearingLoopTests.timings, fitting: LaneFitting(sensors: sensors))
        var actions = LaneActions()
        var ends: [PassOutcome] = []
        var now = Instant(nanoseconds: 1_000_000_000)
        func note() {
            for index in 0..<actions.count {
                if case .passEnded(let end) = actions[index] { ends.append(end.outcome) }
            }
        }
        func wait(until end: Instant) {
            while let deadline = core.nextDeadline, deadline <= end {
                now = max(now, deadline)
                core.step(.timer, at: now, &actions)
                note()
            }
            now = end
        }
        core.start(levels, at: now, &actions)
        wait(until: now + .seconds(1))
        core.step(.sensor(.approach, isActive: true), at: now, &actions)
        core.step(
            .verdict(Verdict(lane: LaneID(0), token: core.token(), reason: .stageAllowed)), at: now, &actions)
        for (sensor, isActive) in changes {
            wait(until: now + .seconds(3))
            core.step(.sensor(sensor, isActive: isActive), at: now, &actions)
            note()
        }
        wait(until: now + .seconds(settle))
        return ends
    }

    @Test func vehicleNoseToTailBehindAnotherOnTheClearingLoopIsThrough() {
        let ends = outcomes(
            levels: SensorSet.none.with(.clearing),
            [(.safety, true), (.approach, false), (.safety, false), (.clearing, false)])
        #expect(ends == [.completed])
    }

    @Test func vehicleThatTheClearingLoopMissedIsThroughWhereNobodyCameOntoTheApproachLoop() {
        #expect(outcomes([(.safety, true), (.approach, false), (.safety, false)]) == [.completed])
    }

    @Test func vehicleThatGoesBackOverTheApproachLoopIsNotThrough() {
        #expect(outcomes([(.safety, true), (.safety, false), (.approach, false)]) == [.backedOut])
        #expect(
            outcomes([(.safety, true), (.approach, false), (.approach, true), (.safety, false), (.approach, false)])
                == [.backedOut])
    }
}
