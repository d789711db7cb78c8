import Domain
import Machine
import Testing

@testable import Controller
@testable import Ledger

@Suite struct HealthReportsTests {
    private let started = Instant(nanoseconds: 5_000_000_000)
    private let lanes = [LaneStatus(LaneID(0)), LaneStatus(LaneID(1))]
    private let ledger = LedgerStatus()

    private func reports(capacity: Int = 8) throws -> (HealthReports, Ring<Receipt>) {
        let notes = Ring<Receipt>(capacity: capacity, bell: try Wakeup())
        return (HealthReports(lanes, notes, ledger: ledger, started: started), notes)
    }

    private func told(_ notes: Ring<Receipt>) -> [LaneHealth] {
        notes.all().compactMap { if case .note(.health(let health)) = $0 { health } else { nil } }
    }

    @Test func aLaneThatDidSomethingIsReportedOnceAnHour() throws {
        let (reports, notes) = try reports()
        lanes[1].latency.note(Interval(nanoseconds: 40_500))
        lanes[1].latency.note(Interval(nanoseconds: 3_000))
        lanes[1].edgesLost.wrappingAdd(2, ordering: .relaxed)
        reports.look(started + .seconds(3_599))
        #expect(told(notes).isEmpty)
        for second in [3_600, 3_601, 7_199, 7_200, 9_000] as [UInt64] { reports.look(started + .seconds(second)) }
        let expected = LaneHealth(
            lane: LaneID(1), uptimeSeconds: 3_600,
            edgeToOutput: [
                LaneHealth.LatencyStep(belowMicroseconds: 4, count: 1),
                LaneHealth.LatencyStep(belowMicroseconds: 44, count: 1),
            ], longestMicroseconds: 40, edgesLost: 2)
        #expect(told(notes) == [expected])
        lanes[0].lost.wrappingAdd(1, ordering: .relaxed)
        reports.look(started + .seconds(10_800))
        #expect(told(notes) == [LaneHealth(lane: LaneID(0), uptimeSeconds: 10_800, messagesLost: 1)])
    }

    @Test func atTheEndEachLaneIsReported() throws {
        let (reports, notes) = try reports()
        reports.tellAll(started + .seconds(2))
        #expect(told(notes).map { $0.lane } == [LaneID(0), LaneID(1)])
    }

    @Test func aLedgerThatFillsIsReported() throws {
        let (reports, notes) = try reports()
        ledger.fullness.store(2, ordering: .relaxed)
        reports.look(started + .seconds(3_600))
        reports.look(started + .seconds(7_200))
        #expect(told(notes).map(\.ledgerFullness) == [2, 2] && told(notes).isEmpty, "each lane once")
        ledger.fullness.store(0, ordering: .relaxed)
        reports.look(started + .seconds(10_800))
        #expect(told(notes).map(\.ledgerFullness) == [nil, nil])
    }

    @Test func whatAFullRingRefusedComesWithTheNextReport() throws {
        let (reports, notes) = try reports(capacity: 2)
        #expect(notes.push(.note(.shutdown(cause: "a"))) && notes.push(.note(.shutdown(cause: "b"))))
        lanes[0].latency.note(Interval(nanoseconds: 9_000))
        reports.look(started + .seconds(3_600))
        #expect(told(notes).isEmpty)
        reports.look(started + .seconds(7_200))
        #expect(told(notes).map { $0.edgeToOutput.map { $0.count } } == [[1]])
    }
}
