// The lane: loops, arm and drivers, stepped by hand.

import Domain
import Testing

@testable import SiteSimulator

private let millisecond: UInt64 = 1_000_000

private struct Rig {
    var yard: Yard
    var now: UInt64 = 1_000_000_000
    var events: [YardEvent] = []

    /// A site whose first visit is of the kind, alone on the lane.
    init(_ kind: VisitKind) {
        let seed = (1...500).first { seed in
            var plan = VisitPlan(fleet: Fleet(seed: UInt64(seed)), seed: UInt64(seed))
            let first = plan.next()
            return first.kind == kind && first.length > 1
        }
        let chosen = UInt64(seed ?? 1)
        yard = Yard(
            plan: VisitPlan(fleet: Fleet(seed: chosen), seed: chosen), speed: 1, armTravel: 0.4,
            pauseAfterReversal: 600, now: now
        )
        yard.begin(session: 1, now: now)
    }

    mutating func run(milliseconds: Int) {
        for _ in 0..<milliseconds {
            now += millisecond
            events += yard.step(now)
            if yard.counts.visits == 1 { yard.isClosed = true }
        }
    }

    mutating func drive(_ output: LineOutput, _ level: Bool) {
        yard.drive(output, level, orderedAt: now, now: now)
    }

    mutating func pulse(_ output: LineOutput) {
        drive(output, true)
        run(milliseconds: 300)
        drive(output, false)
    }
}

@Test func driverWaitsForTheArmAndGoesWhenItIsUp() {
    var rig = Rig(.allowed)
    rig.run(milliseconds: 1_000)
    #expect(rig.yard.inputs.prefix(2) == [true, false])
    #expect(rig.yard.counts.crossed == 0)
    rig.pulse(.raiseRelay)
    rig.run(milliseconds: 2_000)
    #expect(rig.yard.counts.crossed == 1)
    #expect(rig.yard.counts.contacts == 0)
    #expect(rig.yard.inputs.prefix(2) == [false, false])
    let edges = rig.events.compactMap { event in
        if case .level(let input, let level, _) = event { "\(input) \(level)" } else { nil as String? }
    }
    #expect(
        edges == [
            "closedLimit true", "approachLoop true", "closedLimit false", "openLimit true", "safetyLoop true",
            "approachLoop false", "safetyLoop false",
        ])
}

@Test func armThatComesDownOnATruckIsCounted() {
    var rig = Rig(.allowed)
    rig.run(milliseconds: 1_000)
    rig.pulse(.raiseRelay)
    while !rig.yard.inputs[LineInput.safetyLoop.rawValue] { rig.run(milliseconds: 1) }
    rig.run(milliseconds: 100)
    rig.drive(.lowerRelay, true)
    rig.run(milliseconds: 100)
    #expect(rig.yard.counts.contacts == 1)
    rig.drive(.lowerRelay, false)
    rig.drive(.raiseRelay, true)
    #expect(rig.yard.counts.reversals == 1)
    #expect(rig.yard.raises.map(\.isReversal) == [false, true])
}

@Test func onlyAnOrderForAnArmThatIsUpWithNobodyBeforeItIsARepetition() {
    var rig = Rig(.allowed)
    rig.run(milliseconds: 1_000)
    rig.pulse(.raiseRelay)
    rig.pulse(.raiseRelay)
    while !rig.yard.inputs[LineInput.safetyLoop.rawValue] { rig.run(milliseconds: 1) }
    while rig.yard.inputs[LineInput.approachLoop.rawValue] { rig.run(milliseconds: 1) }
    rig.pulse(.raiseRelay)
    #expect(rig.yard.raises.map(\.isRepetition) == [false, false, true])
}

@Test func bothRelaysTogetherAreCounted() {
    var rig = Rig(.allowed)
    rig.drive(.raiseRelay, true)
    rig.drive(.lowerRelay, true)
    #expect(rig.yard.counts.relayConflicts == 1)
}

@Test func refusedDriverReadsTheSignAndLeaves() {
    var rig = Rig(.unknown)
    rig.run(milliseconds: 1_000)
    rig.yard.signShows("禁止通行", now: rig.now)
    rig.run(milliseconds: 2_000)
    #expect(rig.yard.counts.refused == 1)
    #expect(rig.yard.isEmpty)
}

@Test func driverWithoutAnAnswerComesAgain() {
    var rig = Rig(.allowed)
    rig.run(milliseconds: 10_000)
    let arrivals = rig.events.filter { if case .arrived = $0 { true } else { false } }
    #expect(arrivals.count == 2)
    #expect(rig.yard.counts.crossed == 0)
}

@Test func authorisedDriverMayBackOut() {
    var rig = Rig(.backsOut)
    rig.run(milliseconds: 1_000)
    rig.pulse(.raiseRelay)
    rig.run(milliseconds: 3_000)
    #expect(rig.yard.counts.crossed == 0)
    #expect(rig.yard.isEmpty)
}

@Test func vanishedControllerLetsItsRelaysFallAndTheArmStays() {
    var rig = Rig(.allowed)
    rig.run(milliseconds: 1_000)
    rig.drive(.raiseRelay, true)
    rig.run(milliseconds: 100)
    rig.yard.release()
    #expect(rig.yard.outputs == [false, false, false, false])
    rig.run(milliseconds: 1_000)
    #expect(rig.yard.barrier.isOpen)
}

@Test func armThatIsUpInvitesNobody() {
    var rig = Rig(.allowed)
    rig.pulse(.raiseRelay)
    rig.run(milliseconds: 6_000)
    #expect(rig.yard.barrier.isOpen)
    #expect(rig.yard.counts.crossed == 0)
    #expect(rig.yard.inputs.prefix(2) == [true, false])
}
