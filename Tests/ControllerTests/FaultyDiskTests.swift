// What the gate does while the ledger's disk fails, whichever call it is that fails.

import Domain
import Foundation
import Testing

@testable import Controller
@testable import Ledger

@Suite(.serialized) struct FaultyDiskTests {
    private func console(_ ledger: LedgerBench) -> [String] {
        Overview(
            version: "1.0.0", started: ledger.bench.clock.now(), lanes: [], traces: [], ledger: ledger.status,
            pulses: [], uplinks: [], shortfalls: Shortfalls(), power: nil, readers: [], signs: [],
            cameras: PartStatus("cameras"), faultsAtStart: [],
            clockTrust: ClockTrust(newest: nil, now: ledger.bench.clock.wall())
        ).status(now: ledger.bench.clock.now(), wall: ledger.bench.clock.wall())
    }

    private func decided(_ ledger: LedgerBench) throws -> [VehicleToken] {
        try ledger.records().compactMap { if case .decision(let one, _) = $0.body { one.verdict.token } else { nil } }
    }

    /// An allowed decision waits for the disk, is released once it is on record, and the failure is told and recorded.
    @Test(arguments: FaultyDisk.Failure.allCases)
    func nobodyIsReleasedWithoutARecordWhicheverCallFails(_ failure: FaultyDisk.Failure) throws {
        defer { FaultyDisk.heal() }
        var failures = 0
        for call in 1... {
            let ledger = try LedgerBench(isFaulty: true)
            try ledger.run()
            FaultyDisk.fail(failure, at: call)
            ledger.decide(token(1))
            ledger.end(token(1))
            var early: [Verdict] = []
            #expect(
                eventually {
                    early += ledger.verdicts()
                    return ledger.isFailing || ledger.status.head.load(ordering: .relaxed) == ledger.start + 2
                }, "call \(call)")
            let wasFailing = ledger.isFailing
            early += ledger.verdicts()
            #expect(try Set(early.map(\.token)).isSubset(of: Set(decided(ledger))), "call \(call)")
            if wasFailing {
                failures += 1
                #expect(console(ledger).contains { $0.hasPrefix("ledger: failing") })
            }
            FaultyDisk.heal()
            ledger.decide(token(2))
            #expect(eventually { !ledger.isFailing }, "call \(call)")
            ledger.bench.settle()
            #expect((early + ledger.verdicts()).map(\.token) == [token(1), token(2)], "call \(call)")
            #expect(console(ledger).contains { $0.hasPrefix("ledger: ok") })
            let kinds = try ledger.kinds()
            #expect(kinds.count { $0 == .decision } == 2 && kinds.count { $0 == .pass } == 1, "call \(call)")
            #expect(kinds.count { $0 == .faultRaised } == (wasFailing ? 1 : 0), "call \(call)")
            #expect(kinds.count { $0 == .faultHealed } == (wasFailing ? 1 : 0), "call \(call)")
            let reader = try LedgerReader(folder: ledger.folder, files: ledger.files)
            #expect(try LedgerVerifier(reader, device: "gate-1", witness: nil).verify().isSound, "call \(call)")
            #expect(ledger.bench.end())
            if !wasFailing && !FaultyDisk.hasFailed { break }
        }
        #expect(failures >= 2, "the work made \(failures) calls that can fail")
    }

    @Test(arguments: [LedgerKeeping.WhenFull.stop, .goOn])
    func aFullDiskTakesTheReserveForTheDecisionAndRaisesTheAlarm(_ policy: LedgerKeeping.WhenFull) throws {
        defer { FaultyDisk.heal() }
        let ledger = try LedgerBench(whenFull: policy, isFaulty: true)
        let reserve = LedgerPath.reserve(ledger.folder)
        ledger.files.free.store(1 << 30, ordering: .relaxed)
        try ledger.run()
        #expect(eventually { ledger.files.exists(reserve) })
        ledger.files.free.store(1 << 20, ordering: .relaxed)
        // Whose space the reserve gives back.
        FaultyDisk.fail(.full, at: 1)
        ledger.decide(token(1))
        var verdict: Verdict?
        #expect(
            eventually {
                verdict = ledger.verdict()
                return verdict != nil
            })
        #expect(verdict?.reason == (policy == .stop ? .ledgerFull : .stageAllowed))
        #expect(!ledger.files.exists(reserve) && FaultyDisk.hasFailed)
        ledger.bench.settle()
        #expect(try decided(ledger) == [token(1)])
        let raised = try ledger.records().compactMap { record -> String? in
            if case .note(.faultRaised(let subject, _)) = record.body { subject } else { nil }
        }
        #expect(raised == ["ledger writing", "ledger storage"])
        #expect(ledger.status.isFull && console(ledger).contains { $0.hasSuffix(", full") })
        #expect(ledger.bench.end())
    }
}
