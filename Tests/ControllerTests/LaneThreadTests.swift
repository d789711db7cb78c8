import Domain
import Foundation
import LaneCore
import Machine
import Synchronization
import Testing

@testable import Controller

/// Two loops and four relays in memory. Edges wait here until the thread takes them.
private final class BenchLines: LinePort, @unchecked Sendable {
    private let lock = NSLock()
    private let readable: Wakeup
    private var events: [LineEvent] = []
    private var levels = [false, false]
    private var outputs = [Bool](repeating: false, count: 4)
    private var energised: [Int] = []
    private var sequence: UInt32 = 0
    private var failing = false
    private var stuck: Int?

    init() throws { readable = try Wakeup() }

    var fileDescriptor: Int32 { readable.fileDescriptor }

    func level(input: Int) throws(MachineError) -> Bool {
        try check()
        return lock.withLock { levels[input] }
    }

    func nextEvent() throws(MachineError) -> LineEvent? {
        try check()
        readable.take()
        return lock.withLock { events.isEmpty ? nil : events.removeFirst() }
    }

    func drive(output: Int, _ energised: Bool) throws(MachineError) {
        try check()
        if lock.withLock({ stuck == output }) { throw .closed(subject: "line \(output)") }
        lock.withLock {
            outputs[output] = energised
            if energised { self.energised.append(output) }
        }
    }

    private func check() throws(MachineError) {
        if lock.withLock({ failing }) { throw .closed(subject: "lines") }
    }

    // MARK: the test's side

    func isOn(_ output: LaneOutput) -> Bool { lock.withLock { outputs[Int(output.rawValue)] } }
    func times(_ output: LaneOutput) -> Int { lock.withLock { energised.count { $0 == output.rawValue } } }

    func set(_ sensor: LaneSensor, _ isHigh: Bool, at instant: Instant, lost: UInt32 = 0) {
        lock.withLock {
            sequence += 1 + lost
            levels[Int(sensor.rawValue)] = isHigh
            events.append(LineEvent(input: sensor.rawValue, isHigh: isHigh, at: instant, sequence: sequence))
        }
    }

    /// A level of which no edge has come yet.
    func setLevel(_ sensor: LaneSensor, _ isHigh: Bool) { lock.withLock { levels[Int(sensor.rawValue)] = isHigh } }

    func wake() { readable.ring() }

    /// This output can be driven no more.
    func jam(_ output: LaneOutput) { lock.withLock { stuck = Int(output.rawValue) } }

    func fail() {
        lock.withLock { failing = true }
        readable.ring()
    }
}

private final class LaneBench {
    static let timings = LaneTimings(
        verdictDeadline: .seconds(3), authorisedWindow: .seconds(30), backOut: .milliseconds(1_500),
        closeDelay: .seconds(1), raiseTravel: .seconds(2), lowerTravel: .seconds(2),
        relayPulse: .milliseconds(500), deadTime: .milliseconds(300))

    let lines: BenchLines
    let channels: LaneChannels
    let status = LaneStatus(lane)
    let bench: Bench
    let thread: LaneThread

    init(
        ringCapacity: Int = 64, activeHigh: (approach: Bool, safety: Bool) = (true, true),
        prepare: (BenchLines) -> Void = { _ in }
    ) throws {
        lines = try BenchLines()
        prepare(lines)
        let bell = try Wakeup()
        let elsewhere = try Wakeup()
        channels = LaneChannels(
            bell: bell, verdicts: Ring(capacity: 64, bell: bell),
            requests: Ring(capacity: ringCapacity, bell: elsewhere),
            ends: Ring(capacity: ringCapacity, bell: elsewhere), notices: Ring(capacity: ringCapacity, bell: elsewhere))
        bench = Bench(bell)
        thread = LaneThread(
            core: LaneCore(lane: lane, boot: 1, timings: LaneBench.timings), lines: lines, clock: bench.clock,
            wiring: activeHigh, channels: channels, stop: bench.stop, pulse: bench.pulse, status: status)
        let thread = thread
        try bench.start { thread.run() }
    }

    /// An edge now, and everything that follows from it.
    func edge(_ sensor: LaneSensor, _ isHigh: Bool, lost: UInt32 = 0) {
        lines.set(sensor, isHigh, at: bench.clock.now(), lost: lost)
        lines.wake()
        bench.settle()
    }

    func verdict(_ reason: VerdictReason, _ token: VehicleToken) {
        #expect(channels.verdicts.push(Verdict(lane: lane, token: token, reason: reason)))
        bench.settle()
    }

    /// A vehicle comes, waits in vain and leaves backwards.
    func visitInVain() {
        edge(.approach, true)
        edge(.approach, false)
        bench.advance(.seconds(2))
    }

    /// Lets time pass in steps, each a turn.
    func wait(seconds: Int) {
        for _ in 0..<seconds * 4 { bench.advance(.milliseconds(250)) }
    }
}

@Suite struct LaneThreadTests {
    @Test func oneTruckIsAskedForRaisedForPassedAndLoweredBehind() throws {
        let lane = try LaneBench()
        #expect(lane.lines.isOn(.red) && !lane.lines.isOn(.raise))
        let arrived = lane.bench.clock.now()
        lane.edge(.approach, true)
        guard case .identify(_, let token, let arrivedAt)? = lane.channels.requests.pop() else {
            Issue.record("nobody was asked for")
            return
        }
        #expect(arrivedAt == arrived && lane.status.token == token && lane.status.isApproachActive)
        lane.verdict(.stageAllowed, token)
        #expect(lane.lines.isOn(.raise) && lane.lines.isOn(.green) && !lane.lines.isOn(.red))
        lane.wait(seconds: 1)
        #expect(!lane.lines.isOn(.raise), "a pulse ends")
        lane.edge(.safety, true)
        lane.edge(.approach, false)
        lane.edge(.safety, false)
        #expect(!lane.lines.isOn(.lower))
        lane.bench.advance(.milliseconds(1_100))
        #expect(lane.lines.isOn(.lower))
        let ends = lane.channels.ends.all()
        #expect(ends.map(\.outcome) == [.completed] && ends.map(\.token) == [token])
        #expect(lane.status.count(.completed) == 1 && lane.status.lost.load(ordering: .relaxed) == 0)
        #expect(lane.bench.end() && lane.thread.failure == nil)
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
        #expect(lane.status.isSafetyActive && lane.status.isApproachActive, "the port's own levels hold")
        lane.edge(.approach, false)
        #expect(lane.status.edgesLost.load(ordering: .relaxed) == 1, "one gap is one gap")
        lane.wait(seconds: 3)
        #expect(lane.lines.times(.lower) == 0)
        #expect(lane.bench.end())
    }

    @Test func lostEdgesOfAnEmptyLaneAccuseNobody() throws {
        let lane = try LaneBench()
        lane.edge(.approach, false, lost: 5)
        #expect(lane.status.phase == .unsettled && !lane.status.isSafetyActive)
        lane.bench.advance(.milliseconds(1_100))
        #expect(lane.status.phase == .idle && lane.status.count(.forced) == 0)
        #expect(lane.lines.times(.raise) == 0 && lane.lines.times(.lower) == 0)
        #expect(lane.bench.end())
    }

    @Test func fullRingsAreCountedAndNeverHoldUpTheLane() throws {
        let lane = try LaneBench(ringCapacity: 2)
        for _ in 0..<20 { lane.visitInVain() }
        let lost = lane.status.lost.load(ordering: .relaxed)
        #expect(lane.status.count(.backedOut) == 20 && lost > 20)
        #expect(
            lane.channels.requests.refused + lane.channels.ends.refused + (lane.channels.notices?.refused ?? 0)
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
        #expect(lane.lines.times(.lower) == 0 && lane.status.isSafetyActive)
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
        #expect(lane.lines.times(.lower) == 0 && lane.status.isSafetyActive)
        #expect(lane.bench.end())
    }

    @Test func aChatteringInputKeepsNothingElseOut() throws {
        let lane = try LaneBench()
        lane.edge(.approach, true)
        #expect(
            lane.channels.verdicts.push(Verdict(lane: lane.status.lane, token: lane.status.token, reason: .whitelisted))
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
        #expect(lane.lines.isOn(.raise) && lane.lines.isOn(.green))
        lane.lines.jam(.raise)
        #expect(lane.bench.end() && lane.thread.hasFailed.isRaised && lane.thread.failure != nil)
        #expect(!lane.lines.isOn(.lower) && !lane.lines.isOn(.green) && !lane.lines.isOn(.red))
    }

    @Test(arguments: [false, true])
    func contactsThatOpenOnPresenceAreReadTheOtherWay(approachHigh: Bool) throws {
        let lane = try LaneBench(activeHigh: (approachHigh, !approachHigh)) {
            // Nobody there: each contact rests at the level that does not mean presence.
            let rest = Instant(nanoseconds: 1)
            $0.set(.approach, !approachHigh, at: rest)
            $0.set(.safety, approachHigh, at: rest)
        }
        #expect(lane.status.phase == .idle && !lane.status.isApproachActive && !lane.status.isSafetyActive)
        lane.edge(.approach, approachHigh)
        #expect(lane.status.phase == .identifying && lane.status.isApproachActive && !lane.status.isSafetyActive)
        #expect(lane.bench.end())
    }

    @Test func aVehicleUnderTheArmAtTheStartMovesNothing() throws {
        let lane = try LaneBench { $0.set(.safety, true, at: Instant(nanoseconds: 1)) }
        #expect(lane.status.phase == .unsettled && lane.status.isSafetyActive)
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

    @Test func allOutputsAreOffAtTheEnd() throws {
        let lane = try LaneBench()
        lane.edge(.approach, true)
        lane.verdict(.stageAllowed, lane.status.token)
        #expect(lane.lines.isOn(.raise) && lane.lines.isOn(.green))
        #expect(lane.bench.end() && lane.thread.failure == nil)
        for output in [LaneOutput.raise, .lower, .green, .red] { #expect(!lane.lines.isOn(output)) }
    }
}
