// Questions about passages: what answers them, in which order, and what a tampered index can and cannot do.

import Domain
import Foundation
import Testing

@testable import Ledger

/// Vehicles of one day in March, an hour apart, with everything that can be asked for.
struct QuerySite {
    let site = LedgerSite()
    let writer: LedgerWriter
    var tokens: UInt32 = 0

    init() throws {
        writer = try site.bootedWriter()
    }

    @discardableResult
    mutating func pass(
        _ text: String, _ colour: PlateColour = .yellow, _ direction: Direction = .entry,
        _ stage: EmissionStage? = .china6, _ reason: VerdictReason? = .stageAllowed,
        _ outcome: PassOutcome = .completed,
        fleet: String = "", cargo: String = "", lane: UInt8 = 0, gate: String = "A01", hours: UInt64 = 1
    ) throws -> UInt64 {
        site.clock.advance(seconds: hours * 3_600)
        tokens += 1
        let token = VehicleToken(boot: writer.bootNumber, lane: LaneID(lane), count: tokens)
        var codes = LedgerSite.gate
        codes.gateCode = gate
        if let reason {
            var decision = Decision(
                verdict: Verdict(lane: LaneID(lane), token: token, reason: reason), direction: direction,
                askedAt: site.clock.now(), decidedAt: site.clock.now())
            decision.plate = Plate(text, colour: colour)
            decision.freight.cargo = cargo
            if let stage, let plate = decision.plate {
                var vehicle = Vehicle(plate: plate, stage: stage)
                vehicle.fleet = fleet
                decision.vehicle = vehicle
            }
            try writer.transaction { try $0.append(decision: decision, gate: codes) }
        }
        let now = site.clock.now()
        let end = PassEnd(
            lane: LaneID(lane), token: token, outcome: outcome, arrivedAt: now,
            raisedAt: outcome == .completed ? now : nil, enteredAt: outcome.crossed ? now : nil, endedAt: now)
        try writer.transaction { try $0.append(end: end, gate: codes, direction: direction) }
        return writer.head.sequence
    }

    func numbers(
        _ query: LedgerQuery, newestFirst: Bool = false, limit: Int = 100, after: UInt64? = nil
    ) throws -> [UInt64] {
        try site.reader().passages(query, newestFirst: newestFirst, limit: limit, after: after).rows.map {
            $0.record.sequence
        }
    }
}

struct LedgerQueryTests {
    /// Six passages that differ in everything.
    private func six() throws -> (QuerySite, [UInt64]) {
        var site = try QuerySite()
        var numbers: [UInt64] = []
        numbers.append(try site.pass("冀A10001", fleet: "甲车队", cargo: "铁精粉"))
        numbers.append(try site.pass("冀A10002", .blue, .exit, .china5, .whitelisted))
        numbers.append(
            try site.pass("冀B10001", .yellow, .entry, .china3, .stageTooLow, .backedOut, fleet: "乙车队", cargo: "焦炭"))
        numbers.append(try site.pass("冀A10001", .yellow, .exit, .china6, .stageAllowed, lane: 1, gate: "B02"))
        numbers.append(try site.pass("京A99999", .green, .entry, nil, .unknownVehicle, .backedOut))
        numbers.append(try site.pass("", .other, .entry, nil, nil, .forced))
        return (site, numbers)
    }

    @Test func eachQuestionFindsItsRowsAndAllTogetherTheirIntersection() throws {
        let (site, all) = try six()
        func found(_ change: (inout LedgerQuery) -> Void) throws -> [Int] {
            var query = LedgerQuery()
            change(&query)
            return try site.numbers(query).map { all.firstIndex(of: $0) ?? -1 }
        }
        #expect(try found { _ in } == [0, 1, 2, 3, 4, 5])
        #expect(try found { $0.plate = "冀A10001" } == [0, 3])
        #expect(try found { $0.plate = "冀A*" } == [0, 1, 3])
        #expect(try found { $0.plate = "*10001" } == [0, 2, 3])
        #expect(try found { $0.plate = "*99*" } == [4])
        #expect(try found { $0.plate = "冀A1000" } == [])
        #expect(try found { $0.colours = [.blue, .green] } == [1, 4])
        #expect(try found { $0.colours = [.green] } == [4])
        #expect(try found { $0.cargo = "废钢" } == [])
        #expect(try found { $0.directions = [.exit] } == [1, 3])
        #expect(try found { $0.lanes = [LaneID(1)] } == [3])
        #expect(try found { $0.gate = "B02" } == [3])
        #expect(try found { $0.gate = "B03" } == [])
        #expect(try found { $0.fleet = "甲车队" } == [0])
        #expect(try found { $0.cargo = "铁精粉" } == [0])
        #expect(try found { $0.cargo = "焦炭" } == [2])
        #expect(try found { $0.cargo = "焦" } == [])
        #expect(try found { $0.stages = [.china3, .china5] } == [1, 2])
        #expect(try found { $0.stages = [.china3] } == [2])
        #expect(try found { $0.stages = [.unknown] } == [4, 5])
        #expect(try found { $0.outcomes = [.forced, .backedOut] } == [2, 4, 5])
        #expect(try found { $0.reasons = [nil] } == [5])
        #expect(try found { $0.reasons = [.whitelisted] } == [1])
        #expect(try found { $0.reasons = [.stageTooLow, .unknownVehicle] } == [2, 4])
        #expect(try found { $0.isDueOnly = true } == [0, 1, 3, 5])
        #expect(
            try found {
                $0.plate = "冀A10001"
                $0.directions = [.exit]
                $0.stages = [.china6]
            } == [3])
    }

    @Test(arguments: PassOutcome.allCases) func aPassageIsFoundHoweverItEnded(_ outcome: PassOutcome) throws {
        var site = try QuerySite()
        let number = try site.pass("冀A10001", .yellow, .entry, .china6, .stageAllowed, outcome)
        #expect(try site.numbers(LedgerQuery()) == [number])
        var query = LedgerQuery()
        query.outcomes = [outcome]
        #expect(try site.numbers(query) == [number])
        #expect(try site.site.reader().counts(LedgerQuery()).total == 1)
    }

    @Test func anExitNamesTheEntryThatItEnds() throws {
        let (given, all) = try six()
        var site = given
        func entry(_ sequence: UInt64) throws -> UInt64? {
            let records = try site.site.reader().records(from: sequence - 1, limit: 2)
            guard case .pass(let row) = records.last?.body, case .decision(let decision, _) = records.first?.body else {
                throw CancellationError()
            }
            #expect(row.freight.entrySequence == decision.freight.entrySequence)
            return row.freight.entrySequence
        }
        #expect(try entry(all[3]) == all[0])
        #expect(try entry(all[1]) == nil && entry(all[0]) == nil, "one that never came in, and an entry")
        #expect(try entry(site.pass("冀A10001", .yellow, .exit)) == nil, "it has gone out before")
        // Who backed out did not come in; and a plate of another colour is another vehicle.
        #expect(try entry(site.pass("冀B10001", .yellow, .exit)) == nil)
        let second = try site.pass("冀A10001", .yellow, .entry)
        _ = try site.pass("冀A10001", .yellow, .exit, .china6, .stageTooLow, .backedOut)
        #expect(try entry(site.pass("冀A10001", .blue, .exit)) == nil)
        #expect(try entry(site.pass("冀A10001", .yellow, .exit)) == second)
        #expect(try site.site.report().isSound)
    }

    @Test func theTimeAskedForIncludesItsFirstSecondAndNotItsEnd() throws {
        let (site, all) = try six()
        let page = try site.site.reader().passages(LedgerQuery(), newestFirst: false, limit: 10)
        var query = LedgerQuery()
        query.fromSecond = page.rows[1].pass.passedWall.second
        query.toSecond = page.rows[3].pass.passedWall.second
        #expect(try site.numbers(query) == [all[1], all[2]])
        query.toSecond = page.rows[3].pass.passedWall.second + 1
        #expect(try site.numbers(query, newestFirst: true) == [all[3], all[2], all[1]])
    }

    @Test(arguments: [true, false]) func pagesGoThroughAllRowsOnce(newestFirst: Bool) throws {
        let (site, all) = try six()
        let reader = try site.site.reader()
        for plate in [nil, "冀A*", "冀A10001"] {
            var query = LedgerQuery()
            query.plate = plate
            var seen: [UInt64] = []
            var after: UInt64?
            repeat {
                let page = try reader.passages(query, newestFirst: newestFirst, limit: 1, after: after)
                seen += page.rows.map { $0.record.sequence }
                after = page.next
            } while after != nil
            let whole = try site.numbers(query, newestFirst: newestFirst)
            #expect(seen == whole)
            #expect(plate != nil || whole == (newestFirst ? all.reversed() : all))
        }
    }

    @Test func deliveryIsToldOfEachRow() throws {
        let (site, all) = try six()
        try site.writer.transaction { try $0.confirm(destination: "uplink-1", sequence: all[0], step: 0) }
        try site.writer.transaction {
            try $0.quarantine(destination: "uplink-1", sequence: all[1], step: 0, reason: "no such gate")
        }
        let rows = try site.site.reader().passages(LedgerQuery(), newestFirst: false, limit: 10).rows
        #expect(
            rows.map { $0.delivery } == [.delivered, .quarantined, .notDue, .waiting, .notDue, .waiting])
        var query = LedgerQuery()
        query.delivery = .waiting
        #expect(try site.numbers(query) == [all[3], all[5]])
        query.destination = "uplink-2"
        #expect(try site.numbers(query) == [all[0], all[1], all[3], all[5]])
    }

    @Test func countsAreByDayDirectionAndStageAndTheWalkFindsTheSame() throws {
        var (site, _) = try six()
        try site.pass("冀A10001", hours: 24)
        let reader = try site.site.reader()
        var query = LedgerQuery()
        let counts = try reader.counts(query)
        #expect(counts.isCompared && counts.total == 7)
        #expect(counts.lines.map { $0.dateText } == ["2026-03-01", "2026-03-01", "2026-03-02"])
        #expect(counts.lines.map { $0.total } == [4, 2, 1])
        #expect(counts.lines[0].stages == [0, 0, 0, 1, 0, 0, 1, 0, 2])
        #expect(
            counts.table[1] == "2026-03-01  in       4      0      0      0      1      0      0      1      0      2")
        #expect(counts.summary(query) == "7 in all, 3.5 a day on 2 days")
        #expect(try reader.countsByWalking(query).lines == counts.lines)
        query.isDueOnly = true
        query.stages = [.china6]
        #expect(try reader.counts(query).total == 3)
        #expect(try reader.countsByWalking(query).lines == reader.counts(query).lines)
    }

    @Test(
        arguments: [
            "UPDATE passage SET plate = '冀A10009' WHERE seq = (SELECT max(seq) FROM passage WHERE plate = '冀A10001')",
            "UPDATE passage SET second = second + 60 WHERE seq = (SELECT min(seq) FROM passage)",
            "UPDATE passage SET facts = facts | 3 WHERE seq = (SELECT min(seq) FROM passage)",
            "UPDATE passage SET facts = -1 WHERE seq = (SELECT min(seq) FROM passage)",
            "UPDATE passage SET seq = 999 WHERE seq = (SELECT min(seq) FROM passage)",
            "UPDATE passage SET seq = 0 WHERE seq = (SELECT min(seq) FROM passage)",
            "UPDATE passage SET gate = 1 WHERE seq = (SELECT min(seq) FROM passage)",
            "UPDATE word SET text = '丙车队' WHERE text = '甲车队'",
            "UPDATE record SET canonical = CAST(replace(canonical, '冀A10001', '冀A10009') AS BLOB) WHERE seq = 3",
        ] as [StaticString])
    func aTamperedIndexCannotShowWhatIsNotInTheRecords(_ sql: StaticString) throws {
        let (site, _) = try six()
        try site.site.tamper(sql)
        #expect(throws: LedgerError.self) { try site.numbers(LedgerQuery()) }
        #expect(throws: LedgerError.self) { try site.site.reader().counts(LedgerQuery()) }
    }

    @Test func aRowLeftOutOfTheIndexIsCountedByTheWalkAndExported() throws {
        let (site, _) = try six()
        try site.site.tamper("DELETE FROM passage WHERE plate = '冀A10002'")
        let reader = try site.site.reader()
        #expect(try reader.counts(LedgerQuery()).total == 5)
        #expect(try reader.countsByWalking(LedgerQuery()).total == 6)
        var text = ""
        try reader.export(.csv) { text += $0 }
        #expect(text.contains("冀A10002"))
    }

    @Test func anEmptyIndexIsFilledWhenTheLedgerIsOpened() throws {
        var numbers: [UInt64] = []
        let folder: LedgerSite
        do {
            let (site, all) = try six()
            folder = site.site
            numbers = all
        }
        try folder.tamper("DELETE FROM passage; DELETE FROM word")
        #expect(try folder.reader().passages(LedgerQuery(), newestFirst: false, limit: 9).rows.isEmpty)
        _ = try folder.writer()
        let page = try folder.reader().passages(LedgerQuery(), newestFirst: false, limit: 9)
        #expect(page.rows.map { $0.record.sequence } == numbers)
        try folder.tamper("UPDATE passage SET facts = 1")
        #expect(try LedgerWriter.reindex(folder: folder.folder, files: folder.files) == 6)
        #expect(try folder.reader().passages(LedgerQuery(), newestFirst: false, limit: 9).rows.count == 6)
    }

    @Test func timesAreReadStrictly() {
        let eight = CivilTime(year: 2026, month: 3, day: 1, hour: 8).wallTime().second
        #expect(LedgerQuery.seconds(of: "2026-03-01").map { [$0.first, $0.end] } == [eight - 28_800, eight + 57_600])
        #expect(LedgerQuery.seconds(of: "2026-03-01T08:00").map { [$0.first, $0.end] } == [eight, eight + 60])
        #expect(LedgerQuery.seconds(of: "2026-03-01 08:00:01").map { [$0.first, $0.end] } == [eight + 1, eight + 2])
        // Whatever stands there, it is read or refused, and never traps.
        var generator = SystemRandomNumberGenerator()
        let letters = Array("0123456789-T: 车".unicodeScalars)
        for _ in 0..<20_000 {
            var text = Array("2026-03-01T08:00:00".unicodeScalars.prefix(Int.random(in: 0...19, using: &generator)))
            for _ in 0..<Int.random(in: 0...4, using: &generator) {
                text.insert(
                    letters.randomElement(using: &generator) ?? "0",
                    at: Int.random(in: 0...text.count, using: &generator))
            }
            var view = String.UnicodeScalarView()
            view.append(contentsOf: text)
            if let seconds = LedgerQuery.seconds(of: String(view)) { #expect(seconds.first < seconds.end) }
        }
    }

    @Test func factsKeepEveryValue() throws {
        let (site, _) = try six()
        for row in try site.site.reader().passages(LedgerQuery(), newestFirst: true, limit: 10).rows {
            #expect(PassageFacts(packed: PassageFacts(row.pass).packed) == PassageFacts(row.pass))
        }
        for packed in [-1, 1 << 23, 1 << 24, Int64.max, 0] { #expect(PassageFacts(packed: packed) == nil) }
        for packed in stride(from: Int64(0), to: 1 << 23, by: 257) {
            if let facts = PassageFacts(packed: packed) { #expect(facts.packed == packed) }
        }
    }
}

struct LedgerGapTests {
    let site = LedgerSite()

    private func gaps(_ change: (inout LedgerQuery) -> Void = { _ in }) throws -> [String] {
        var query = LedgerQuery()
        change(&query)
        return try site.reader().gaps(query).map { $0.line }
    }

    @Test func restartsFaultsAndClockStepsAreListed() throws {
        do {
            let writer = try site.bootedWriter()
            site.clock.advance(seconds: 60)
            try writer.transaction { try $0.append(note: .faultRaised(subject: "camera 1", detail: "silent")) }
            site.clock.advance(seconds: 60)
            try writer.transaction { try $0.append(note: .faultRaised(subject: "camera 1", detail: "again")) }
            try writer.transaction { try $0.append(note: .faultHealed(subject: "camera 1", detail: "speaks")) }
            try writer.transaction { try $0.append(note: .faultRaised(subject: "loop A", detail: "stuck")) }
        }
        site.clock.advance(seconds: 3_600)
        let writer = try site.writer()
        try writer.transaction { try $0.appendBoot(version: "1", cause: "power-on") }
        let before = site.clock.wall()
        site.clock.wallMicroseconds += 7_200_000_000
        try writer.transaction { try $0.append(note: .clockStep(before: before, after: site.clock.wall())) }
        try writer.transaction { try $0.append(note: .faultRaised(subject: "camera 2", detail: "dark")) }
        #expect(
            try gaps() == [
                "fault 2026-03-01 08:01:00 to 2026-03-01 08:02:00, records 2 to 4, camera 1: silent",
                "fault 2026-03-01 08:02:00 to 2026-03-01 09:02:00, records 5 to 6, loop A: stuck",
                "device-down 2026-03-01 08:02:00 to 2026-03-01 09:02:00, records 5 to 6: power-on",
                "clock-step 2026-03-01 09:02:00 to 2026-03-01 11:02:00, record 7",
                "fault 2026-03-01 11:02:00 to now, record 8, camera 2: dark",
            ])
        let nine = CivilTime(year: 2026, month: 3, day: 1, hour: 9).wallTime().second
        #expect(try gaps { $0.toSecond = nine - 3_500 }.count == 1)
        #expect(try gaps { ($0.fromSecond, $0.toSecond) = (nine - 60, nine) }.count == 2)
        let days = try gaps { ($0.fromSecond, $0.toSecond) = (nine - 86_400, nine + 86_400) }
        #expect(days.first == "before-ledger 2026-02-28 09:00:00 to 2026-03-01 08:00:00, record 1")
        #expect(days.last == "after-ledger 2026-03-01 11:02:00 to 2026-03-02 09:00:00, record 8")
        #expect(days.count == 7)
    }
}
