import Domain
import LaneCore
import LaneTrace
import Machine
import Testing

@testable import Controller

/// The lane thread with one arm, whose trace the test has in its hands.
private struct TracedBench {
    let arm: LaneArm
    let lane: LaneBench

    init(_ sensors: [LaneSensor] = [.approach, .safety], layout: LaneLayout = .single) throws {
        var fitted = SensorSet.none
        for sensor in sensors { fitted = fitted.with(sensor) }
        let second = layout == .single ? nil : LaneID(1)
        arm = LaneArm(
            TraceHeader(
                lane: LaneID(0), second: second, boot: 1, timings: LaneBench.timings,
                fitting: LaneFitting(layout: layout, sensors: fitted)))
        let wiring = LaneWiring(
            inputs: sensors.map { LaneWiring.Input(port: $0.rawValue, arm: 0, sensor: $0, isActiveHigh: true) },
            outputs: (0..<UInt8(LaneOutput.count)).compactMap { LaneOutput(rawValue: $0) }.map {
                LaneWiring.Output(port: $0.rawValue, arm: 0, output: $0)
            })
        lane = try LaneBench(64, [arm], wiring, lanes: second == nil ? 1 : 2) { _ in }
    }

    /// As `gatewarden lane replay` is given it.
    func trace(_ count: Int = ArmTrace.capacity) throws -> LaneTrace {
        try LaneTrace(text: Array((arm.trace.lines(count).joined(separator: "\n") + "\n").utf8))
    }

    /// A truck that is allowed passes, from its arrival until the arm is down.
    func truckPasses() {
        lane.edge(.approach, true)
        lane.verdict(.stageAllowed, lane.status.token)
        lane.wait(seconds: 2)
        lane.edge(.safety, true)
        lane.edge(.approach, false)
        lane.edge(.safety, false)
        lane.wait(seconds: 5)
    }
}

extension LaneTrace {
    /// So many records whose event or action is this.
    fileprivate func count(_ word: TraceWord) -> Int {
        records.count { record in
            record.event == word || (0..<record.ownCount).contains { record.action($0) == word }
        }
    }
}

@Suite struct LaneRecordingTests {
    @Test func everyStepOfATruckIsInTheRingAndReplays() throws {
        let bench = try TracedBench()
        bench.truckPasses()
        let trace = try bench.trace()
        #expect(trace.records.map(\.step) == (1...UInt64(trace.records.count)).map { $0 })
        #expect(trace.records.first?.event.startLevels == SensorSet.none)
        for sensor in [LaneSensor.approach, .safety] {
            for isActive in [true, false] {
                #expect(trace.count(TraceWord(.sensor(sensor, isActive: isActive))) == 1)
            }
        }
        for output in [LaneOutput.raise, .lower] {
            #expect(trace.count(TraceWord(.drive(output, energised: true))) == bench.lane.lines.times(output))
            #expect(bench.lane.lines.times(output) == 1)
        }
        let report = trace.replay()
        #expect(report.replayed == trace.records.count && report.differenceCount == 0 && report.skipped == 0)
        #expect(try bench.trace(5).records == Array(trace.records.suffix(5)))
        #expect(bench.lane.bench.end())
    }

    @Test func theRingKeepsTheNewestSteps() throws {
        let bench = try TracedBench([.approach, .safety, .tamper])
        // Until the lane is at rest, where a replay can begin.
        bench.lane.wait(seconds: 2)
        let edges = ArmTrace.capacity + 500
        for count in 0..<edges {
            bench.lane.lines.set(.tamper, count % 2 == 0, at: bench.lane.bench.clock.now())
            // Not more at once than the thread's own ring of edges holds.
            guard count % 32 == 0 else { continue }
            bench.lane.lines.wake()
            #expect(eventually { bench.lane.lines.isIdle })
        }
        bench.lane.lines.wake()
        #expect(eventually { bench.lane.lines.isIdle })
        bench.lane.bench.settle()
        bench.truckPasses()
        let trace = try bench.trace()
        #expect(trace.records.count == ArmTrace.capacity && trace.records[0].step > 500)
        #expect(trace.count(TraceWord(.drive(.lower, energised: true))) == 1)
        let report = trace.replay()
        #expect(report.replayed > ArmTrace.capacity - 10 && report.differenceCount == 0)
        #expect(bench.lane.bench.end())
    }

    @Test func theTimeFromAnEdgesStampToItsOutputIsCounted() throws {
        let lane = try TracedBench([.approach, .safety, .guardStop]).lane
        lane.edge(.safety, false)
        #expect(lane.status.latency.count == 0, "an edge that drives nothing")
        let stamp = lane.bench.clock.now()
        lane.lines.set(.guardStop, true, at: stamp)
        lane.bench.clock.advance(.milliseconds(3))
        lane.lines.wake()
        #expect(eventually { lane.lines.isIdle })
        lane.bench.settle()
        #expect(lane.lines.isOn(.stop) && lane.status.latency.count == 1)
        #expect((3_000_000...3_000_010).contains(lane.status.latency.maximum.nanoseconds))
        #expect(lane.status.latency.microseconds(perMille: 500).map { (3_000...3_001).contains($0) } == true)
        #expect(lane.status.latency.line.hasPrefix("edge to output: 1 times, "))
        lane.order(.hold(true))
        #expect(lane.lines.isOn(.raise) && lane.status.latency.count == 1, "an order is no edge")
        #expect(lane.bench.end())
    }

    @Test func theEdgesOfBothLanesOfAnArmStandUnderTheFirst() throws {
        let lane = try TracedBench([.approach, .safety, .secondApproach, .secondSafety], layout: .parallel).lane
        lane.edge(.secondApproach, true)
        #expect(lane.lines.isOn(.secondTrigger), "the edge drives the second lane's trigger")
        #expect(lane.statuses.map { $0.latency.count } == [1, 0])
        lane.edge(.secondApproach, false, lost: 1)
        #expect(lane.statuses.map { $0.edgesLost.load(ordering: .relaxed) } == [1, 0])
        #expect(lane.bench.end())
    }
}
