import Configuration
import Domain
import Foundation
import LaneCore
import Machine
import Registry
import Store
import Synchronization
import Testing

@testable import Controller
@testable import Ledger

@Suite struct LedgerThreadTests {
    @Test func aVerdictLeavesOnlyWhenItsDecisionIsRecorded() throws {
        let ledger = try LedgerBench()
        let obstacle = try ledger.obstruct()
        try ledger.run()
        ledger.decide(token(1))
        usleep(300_000)
        #expect(ledger.verdict() == nil && ledger.channels.signVerdicts[0]?.pop() == nil)
        obstacle.rollback()
        var verdict: Verdict?
        #expect(
            eventually {
                verdict = ledger.verdict(); return verdict != nil
            })
        #expect(verdict == Verdict(lane: lane, token: token(1), reason: .stageAllowed))
        guard case .decision(let decision, let gate)? = try ledger.records().first?.body else {
            Issue.record("the decision is not there")
            return
        }
        #expect(decision.verdict == verdict && gate.gateCode == "A01")
        ledger.bench.settle()
        let shown = ledger.channels.signVerdicts[0]?.all() ?? []
        #expect(shown.map(\.plate) == ["冀A12345"] && shown.map(\.stage) == [.china6])
        #expect(ledger.status.head.load(ordering: .relaxed) == ledger.start + 1)
        #expect(ledger.bench.end())
    }

    @Test func decisionsWaitForADiskThatFailsAndAreReleasedOnceWhenItHeals() throws {
        let ledger = try LedgerBench()
        let obstacle = try ledger.obstruct()
        try ledger.run()
        ledger.decide(token(1))
        ledger.end(token(1))
        ledger.keep(1, "k1")
        #expect(eventually { ledger.isFailing })
        // The camera keeps its read and is told so; nothing else is lost, and nothing leaves.
        var kept: CaptureKept?
        #expect(
            eventually {
                kept = ledger.channels.kept.pop(); return kept != nil
            })
        #expect(kept?.request == 1 && kept?.fate == nil)
        ledger.decide(token(2))
        #expect(ledger.verdict() == nil)
        ledger.bench.clock.advance(.seconds(12))
        obstacle.rollback()
        #expect(eventually { !ledger.isFailing })
        ledger.bench.settle()
        let verdicts = ledger.verdicts()
        #expect(verdicts.map(\.token) == [token(1), token(2)])
        let kinds = try ledger.kinds()
        #expect(
            kinds.dropFirst(2) == [.decision, .decision, .pass] || kinds.dropFirst(2) == [.decision, .pass, .decision])
        // What could not be recorded is told by the first transaction that was, and is a gap.
        #expect(kinds.prefix(2) == [.faultRaised, .faultHealed])
        let gaps = try LedgerReader(folder: ledger.folder, files: ledger.files).gaps(LedgerQuery())
        #expect(gaps.map(\.kind) == [.fault] && gaps.map(\.subject) == ["ledger writing"])
        #expect(gaps.first?.fromRecord == ledger.start + 1 && gaps.first?.toRecord == ledger.start + 2)
        #expect(
            gaps.first?.detail.hasPrefix(
                "took no record for 12 s from 2026-03-01 08:00:00 on; 1 camera reads and 0 orders were refused: ")
                == true)
        #expect(ledger.refused == 0)
        #expect(ledger.bench.end())
    }

    @Test func aReadWhosePhotosCannotBeWrittenIsRefusedAlone() throws {
        let ledger = try LedgerBench()
        ledger.files.isFull.store(true, ordering: .relaxed)
        ledger.keep(1, "k1")
        ledger.keep(2, "k2", photos: [])
        ledger.decide(token(1))
        try ledger.run()
        ledger.bench.settle()
        let answers = ledger.channels.kept.all()
        #expect(answers.map(\.request) == [1, 2] && answers.map(\.fate) == [nil, .stored([])])
        #expect(ledger.verdicts().map(\.token) == [token(1)])
        #expect(!ledger.isFailing)
        // The camera comes again when there is room, and then it is kept as new.
        ledger.files.isFull.store(false, ordering: .relaxed)
        ledger.keep(3, "k1")
        ledger.keep(4, "k1")
        ledger.bench.settle()
        let again = ledger.channels.kept.all()
        guard case .stored(let photos)? = again.first?.fate else {
            Issue.record("not kept: \(again)")
            return
        }
        #expect(photos.count == 1 && again.map(\.request) == [3, 4] && again.last?.fate == .duplicate)
        #expect(try ledger.kinds() == [.capture, .decision, .capture])
        #expect(ledger.bench.end())
    }

    @Test func whatTheLedgerWillNotTakeHoldsUpNothingElse() throws {
        let ledger = try LedgerBench()
        ledger.decide(token(1, boot: 9))
        ledger.decide(token(2))
        ledger.decide(token(2), .blacklisted)
        ledger.end(token(3, boot: 9))
        ledger.end(token(2))
        ledger.end(token(2), .forced)
        ledger.keep(1, "")
        ledger.keep(2, "k2")
        try ledger.run()
        ledger.bench.settle()
        #expect(try ledger.kinds() == [.capture, .decision, .pass])
        #expect(ledger.refused == 5)
        let verdicts = ledger.verdicts()
        #expect(verdicts == [Verdict(lane: lane, token: token(2), reason: .stageAllowed)], "only what is recorded")
        #expect(ledger.channels.kept.all().map { $0.fate == nil } == [true, false])
        #expect(!ledger.isFailing)
        #expect(ledger.bench.end())
    }

    @Test func receiptsOutOfTheirOrderMoveNoCursor() throws {
        let ledger = try LedgerBench()
        ledger.decide(token(1))
        ledger.decide(token(2))
        ledger.end(token(1))
        ledger.end(token(2))
        try ledger.run()
        ledger.bench.settle()
        let reader = try LedgerReader(folder: ledger.folder, files: ledger.files)
        let first = try #require(try reader.nextDue(destination: "p")?.sequence)
        let receipts = ledger.channels.receipts[0]
        #expect(receipts.push(.confirmed(destination: "p", sequence: first + 1, step: 0)))
        #expect(receipts.push(.confirmed(destination: "p", sequence: first, step: 1)))
        ledger.bench.settle()
        #expect(try reader.nextDue(destination: "p")?.sequence == first && reader.backlog(destination: "p") == 2)
        #expect(receipts.push(.quarantined(destination: "p", sequence: first, step: 0, reason: "no such gate")))
        #expect(receipts.push(.confirmed(destination: "p", sequence: first, step: 0)))
        ledger.bench.settle()
        #expect(try reader.nextDue(destination: "p")?.sequence == first + 1 && reader.backlog(destination: "p") == 1)
        #expect(ledger.refused == 3)
        #expect(try reader.quarantined(destination: "p", limit: 9).map(\.reason) == ["no such gate"])
        #expect(ledger.bench.end())
    }

    @Test func aFullLedgerThatStopsRefusesWithItsReason() throws {
        let ledger = try LedgerBench(databaseLimit: { $0 }, whenFull: .stop)
        try ledger.run()
        #expect(eventually { ledger.status.fullness.load(ordering: .relaxed) == 2 })
        ledger.decide(token(1))
        ledger.decide(token(2), .blacklisted)
        ledger.bench.settle()
        #expect(ledger.verdicts().map(\.reason) == [.ledgerFull, .blacklisted])
        #expect(try ledger.kinds() == [.faultRaised, .decision, .decision])
        #expect(ledger.bench.end())
    }

    @Test func aFullLedgerThatGoesOnKeepsNoPhotos() throws {
        let ledger = try LedgerBench(databaseLimit: { $0 }, whenFull: .goOn)
        try ledger.run()
        #expect(eventually { ledger.status.fullness.load(ordering: .relaxed) == 2 })
        ledger.keep(1, "k1")
        ledger.decide(token(1))
        ledger.bench.settle()
        #expect(ledger.channels.kept.all().map(\.fate) == [.stored([])])
        #expect(ledger.verdicts().map(\.reason) == [.stageAllowed])
        #expect(ledger.bench.end())
    }

    @Test func aLedgerThatGoesOnThoughItIsFullStopsPastItsLimit() throws {
        let ledger = try LedgerBench(databaseLimit: { $0 / 11 * 10 }, whenFull: .goOn)
        try ledger.run()
        #expect(eventually { ledger.status.fullness.load(ordering: .relaxed) == 3 })
        ledger.keep(1, "k1")
        ledger.decide(token(1))
        ledger.decide(token(2), .blacklisted)
        ledger.bench.settle()
        #expect(ledger.channels.kept.all().map(\.fate) == [.stored([])])
        #expect(ledger.verdicts().map(\.reason) == [.ledgerFull, .blacklisted])
        guard case .note(.faultRaised(let subject, let detail))? = try ledger.records().first?.body else {
            throw CancellationError()
        }
        #expect(subject == "ledger storage" && detail.hasPrefix("over its limit: "))
        #expect(ledger.bench.end())
    }

    /// Nothing of a row is looked up again when the vehicle goes through.
    @Test func aPassHasTheRegisterAsItWasDecidedUpon() throws {
        let ledger = try LedgerBench()
        try FileManager.default.createDirectory(atPath: ledger.folder, withIntermediateDirectories: true)
        let database = try RegisterDatabase(path: ledger.folder + "/register.db", offsetMinutes: 480)
        func register(_ row: String, _ hour: Int) throws -> Register {
            let csv = "plate,colour,stage,fleet,cargo,amount\n" + row + "\n"
            _ = try database.importVehicles(
                Array(csv.utf8), digest: try #require(Digest(bytes: Array(repeating: UInt8(hour), count: 32))),
                at: CivilTime(year: 2026, month: 3, day: 1, hour: hour).wallTime())
            return try database.snapshot()
        }
        let admission = try AdmissionBench(register: register("冀A12345,黄,6,甲车队,铁精粉,31.2", 6))
        admission.arrive(token(1))
        admission.read("k1")
        #expect(ledger.channels.decisions.push(try #require(admission.channels.decisions.pop())))
        try ledger.run()
        let later = try register("冀A12345,黄,3,乙车队,废钢,9", 7)
        #expect(later.vehicle(for: plate())?.stage == .china3)
        ledger.end(token(1))
        ledger.bench.settle()
        guard case .decision(let decision, _)? = try ledger.records().first?.body,
            case .pass(let row)? = try ledger.records().last?.body
        else { throw CancellationError() }
        #expect(row.vehicle?.stage == .china6 && row.vehicle?.fleet == "甲车队")
        #expect(row.vehicleSource == .register && row.lane == lane && row.direction == .exit)
        #expect(row.vehicleKnownAt == CivilTime(year: 2026, month: 3, day: 1, hour: 6).wallTime())
        #expect(row.registerImportedAt == row.vehicleKnownAt)
        #expect(row.freight.cargo == "铁精粉" && row.freight.netKilograms == 31_200)
        #expect(row.freight.source == .booking && row.freight == decision.freight)
        #expect(row.gate.gateCode == "A01" && row.gate.enterpriseID == "410100A001")
        #expect(ledger.bench.end() && admission.bench.end())
    }

    @Test func theEndIsSealed() throws {
        let ledger = try LedgerBench()
        ledger.decide(token(1))
        try ledger.run()
        ledger.bench.settle()
        #expect(ledger.bench.end())
        guard case .seal(let seal)? = try ledger.records().last?.body else { throw CancellationError() }
        #expect(seal.reason == .orderlyEnd)
    }

    @Test func allThatWaitsAtTheEndIsRecorded() throws {
        let ledger = try LedgerBench()
        for count in UInt32(1)...200 { ledger.end(token(count), .backedOut) }
        #expect(ledger.channels.notes.push(.note(.shutdown(cause: "test"))))
        ledger.bench.stop.raise()
        try ledger.run()
        #expect(ledger.bench.isOver())
        let kinds = try ledger.kinds()
        #expect(kinds.count { $0 == .pass } == 200 && kinds.contains(.shutdown))
    }

    @Test func anOrderReachesTheLaneOnlyWhenItIsRecorded() throws {
        let ledger = try LedgerBench()
        let obstacle = try ledger.obstruct()
        try ledger.run()
        ledger.order(7, .release(lane, token(1)))
        usleep(300_000)
        #expect(ledger.orders() == [] && ledger.channels.answers.pop() == nil)
        obstacle.rollback()
        var answer: OrderAnswer?
        #expect(
            eventually {
                answer = ledger.channels.answers.pop(); return answer != nil
            })
        #expect(answer?.number == 7 && answer?.record == ledger.start + 1)
        #expect(ledger.orders() == [.release(lane, token(1))])
        #expect(try ledger.kinds() == [.manualRelease])
        #expect(ledger.bench.end())
    }

    @Test func anOrderThatCouldNotBeRecordedInTimeIsNotCarriedOut() throws {
        let ledger = try LedgerBench()
        let obstacle = try ledger.obstruct()
        try ledger.run()
        ledger.order(7, .hold(true))
        #expect(eventually { ledger.isFailing })
        ledger.bench.clock.advance(.seconds(6))
        obstacle.rollback()
        var answer: OrderAnswer?
        #expect(
            eventually {
                answer = ledger.channels.answers.pop(); return answer != nil
            })
        #expect(answer?.number == 7 && answer?.record == nil && ledger.orders() == [])
        // It had waited for nothing else, and the outage is recorded all the same.
        #expect(eventually { !ledger.isFailing })
        #expect(try ledger.kinds() == [.faultRaised, .faultHealed])
        guard case .note(.faultRaised(_, let detail))? = try ledger.records().first?.body else {
            throw CancellationError()
        }
        #expect(detail.contains("0 camera reads and 1 orders were refused"))
        #expect(ledger.bench.end())
    }

    @Test func aSupplementIsRecordedAndAnswered() throws {
        let ledger = try LedgerBench()
        try ledger.run()
        ledger.decide(token(1))
        ledger.bench.settle()
        ledger.end(token(1))
        ledger.bench.settle()
        let pass = ledger.start + 2
        let by = PersonalAct(person: "王某", reason: "误读", means: .console)
        func give(_ number: UInt32, _ sequence: UInt64?, _ lane: LaneID? = nil, age: Interval = .zero) throws
            -> OrderAnswer?
        {
            var supplement = Supplement(correcting: sequence, by: by)
            supplement.lane = lane
            supplement.plate = plate("冀B54321")
            let at = ledger.bench.clock.now()
            ledger.bench.clock.advance(age)
            #expect(ledger.channels.supplements.push(SupplementOrder(number: number, supplement: supplement, at: at)))
            ledger.bench.settle()
            return ledger.channels.answers.pop()
        }
        #expect(try give(1, pass)?.record == pass + 1)
        #expect(try give(2, pass - 1)?.refusal.contains("LED-6") == true)
        // The gate and the direction are the lane's.
        #expect(try give(3, nil, lane)?.record == pass + 2)
        guard case .supplement(let missed)? = try ledger.records().last?.body else { throw CancellationError() }
        #expect(missed.gate?.gateCode == "A01" && missed.direction == .entry && missed.by == by)
        #expect(try give(4, nil, LaneID(5))?.refusal == "there is no lane 6")
        // Its person was told that nothing is recorded.
        #expect(try give(5, pass, age: .seconds(6)) == nil)
        #expect(try ledger.kinds() == [.decision, .pass, .supplement, .supplement])
        #expect(ledger.bench.end())
    }

    @Test(arguments: [LaneSensor.guardOpen, .exitRequest])
    func aButtonIsRecordedAndThenOrdered(_ button: LaneSensor) throws {
        let ledger = try LedgerBench()
        try ledger.run()
        ledger.decide(token(1), .unknownVehicle)
        ledger.bench.settle()
        let asked = LaneReport.releaseAsked(lane, token(1), by: button, at: ledger.bench.clock.now())
        #expect(ledger.channels.reports.push(asked))
        ledger.bench.settle()
        #expect(ledger.orders() == [.release(lane, token(1))])
        guard case .manualRelease(let release, _)? = try ledger.records().last?.body else {
            Issue.record("no record of the release")
            return
        }
        #expect(release.by.means == .button && release.by.reason == "\(button.word) pressed")
        #expect(release.decisionSequence == ledger.start + 1 && release.plate == plate())
        #expect(ledger.bench.end())
    }

    @Test func aPassReleasedByAPersonNamesItsRecordAndVerifies() throws {
        let ledger = try LedgerBench()
        try ledger.run()
        for (count, releasedFor) in [(UInt32(1), token(1)), (2, VehicleToken.none)] {
            ledger.order(count, .release(lane, releasedFor))
            ledger.bench.settle()
            let now = ledger.bench.clock.now()
            var end = PassEnd(
                lane: lane, token: token(count), outcome: .manual, arrivedAt: now, raisedAt: now, enteredAt: now,
                endedAt: now)
            end.cause = .person
            #expect(ledger.channels.reports.push(.ended(end)))
            ledger.bench.settle()
        }
        let named = try ledger.records().compactMap { record in
            if case .pass(let row) = record.body { row.releaseSequence } else { nil }
        }
        #expect(named == [ledger.start + 1, ledger.start + 3])
        #expect(ledger.bench.end())
        let verifier = try LedgerVerifier(LedgerReader(folder: ledger.folder, files: ledger.files))
        #expect(verifier.verify().isSound)
    }

    @Test func aRaiseByAPersonWithoutARecordIsFound() throws {
        let ledger = try LedgerBench()
        try ledger.run()
        let now = ledger.bench.clock.now()
        var end = PassEnd(
            lane: lane, token: token(1), outcome: .manual, arrivedAt: now, raisedAt: now, enteredAt: now, endedAt: now)
        end.cause = .person
        #expect(ledger.channels.reports.push(.ended(end)))
        ledger.bench.settle()
        #expect(ledger.bench.end())
        let report = try LedgerVerifier(LedgerReader(folder: ledger.folder, files: ledger.files)).verify()
        #expect(report.fault?.description.contains("no manual release") == true)
    }

    @Test func faultsContactsAndActsAreKept() throws {
        let ledger = try LedgerBench()
        try ledger.run()
        let reports: [LaneReport] = [
            .fault(lane, .openLimitMissed, isRaised: true), .noted(lane, .fireAlarm, isActive: true),
            .raised(lane, .fire), .raised(lane, .protection), .noted(lane, .fireAlarm, isActive: false),
            .noted(lane, .guardStop, isActive: true), .noted(lane, .guardStop, isActive: false),
            .noted(lane, .tamper, isActive: true), .noted(lane, .tamper, isActive: false),
            .noted(lane, .exitRequest, isActive: true), .noted(lane, .exitRequest, isActive: false),
            .fault(lane, .openLimitMissed, isRaised: false),
        ]
        for report in reports { #expect(ledger.channels.reports.push(report)) }
        ledger.order(1, .lockdown(true))
        ledger.bench.settle()
        #expect(
            try ledger.kinds().sorted { ($0?.rawValue ?? 0) < ($1?.rawValue ?? 0) }
                == Array(repeating: .faultRaised, count: 4) + Array(repeating: .faultHealed, count: 3) + [.act, .act])
        let said = try ledger.records().compactMap { record in
            if case .note(let note) = record.body { note } else { nil }
        }
        #expect(said.contains(.faultRaised(subject: "lane 1 tamper", detail: "the cabinet is open")))
        #expect(said.contains(.faultHealed(subject: "lane 1 tamper", detail: "the cabinet is open")))
        #expect(ledger.bench.end())
    }

    @Test func aFlutteringContactDoesNotFillTheLedger() throws {
        let ledger = try LedgerBench()
        try ledger.run()
        for count in 0..<600 {
            #expect(ledger.channels.reports.push(.noted(lane, .tamper, isActive: count % 2 == 0)))
            let asked = LaneReport.releaseAsked(lane, .none, by: .guardOpen, at: ledger.bench.clock.now())
            if count < 300 { #expect(ledger.channels.reports.push(asked)) }
        }
        for _ in 0..<20 { ledger.bench.settle() }
        #expect(try ledger.kinds().count { $0 == .faultRaised || $0 == .faultHealed } == 120)
        #expect(try ledger.kinds().count { $0 == .manualRelease } == 1 && ledger.orders().count == 1)
        ledger.bench.advance(.seconds(61))
        guard case .note(.faultRaised("lane reports", let detail))? = try ledger.records().last?.body else {
            Issue.record("nothing says what was left out")
            return
        }
        #expect(detail.hasPrefix("480 reports"))
        ledger.end(token(1), .backedOut)
        ledger.bench.settle()
        #expect(try ledger.kinds().last == .pass)
        #expect(ledger.bench.end())
    }

    @Test func theScheduleOrdersAtTheEdgesOfItsHoursOnly() throws {
        let ring = Ring<PersonOrder>(capacity: 16, bell: try Wakeup())
        let hours = [DailyHours(fromMinute: 8 * 60, toMinute: 9 * 60), DailyHours(fromMinute: 23 * 60, toMinute: 60)]
        let schedule = HoldSchedule([(lane, hours), (LaneID(1), [])], offsetMinutes: 480, ring)
        var orders: [LaneOrder] = []
        for minute in stride(from: 0, to: 24 * 60, by: 10) {
            let wall = CivilTime(year: 2026, month: 3, day: 1, hour: minute / 60, minute: minute % 60).wallTime()
            for _ in 0..<3 { schedule.look(wall: wall, now: Instant(nanoseconds: 1)) }
            orders += ring.all().map(\.order)
        }
        #expect(orders == [.hold(true), .hold(false), .hold(true), .hold(false), .hold(true)])
    }
}
