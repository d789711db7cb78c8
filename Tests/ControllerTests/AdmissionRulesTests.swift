// What of the configuration and of the register's files the ledger is told at a start.

import Configuration
import Domain
import Foundation
import Machine
import Registry
import Testing

@testable import Controller
@testable import Ledger

@Suite struct AdmissionRulesTests {
    private let folder = NSTemporaryDirectory() + "gw-rules-" + UUID().uuidString

    private func settings(stage: String = "5", _ more: String = "") throws -> Settings {
        let text = """
            site.enterprise_id = EXAMPLE001
            site.enterprise_name = 示例企业
            site.device = gate-1
            lane.1.direction = entry
            lane.1.entrance_gate = A
            lane.1.gate_code = 01
            lane.1.approach_input = 0
            lane.1.safety_input = 1
            lane.1.raise_output = 2
            lane.1.lower_output = 3
            policy.minimum_stage = \(stage)

            """
        return try Settings(configuration: Array((text + more).utf8))
    }

    /// A start with these settings: the policy changes that it records, as "rule: before > after".
    private func start(_ settings: Settings) throws -> [String] {
        let writer = try LedgerWriter(folder: folder, files: DiskFiles(), clock: BenchClock(), device: "gate-1")
        try writer.begin()
        try writer.appendBoot(version: "1.0.0", cause: "test")
        try writer.commit()
        let first = writer.head.sequence
        try writer.keep(settings.admissionRules)
        return try LedgerReader(folder: folder, files: DiskFiles()).records(from: first + 1, limit: 100).map {
            guard case .note(.policyChanged(let rule, let before, let after, let by)) = $0.body else {
                throw CancellationError()
            }
            #expect(by == PersonalAct(person: "configuration", reason: "", means: .file))
            return "\(rule): \(before) > \(after)"
        }
    }

    @Test func aStartRecordsTheRulesThatAreOthersThanAtTheOneBefore() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(
            try start(settings()) == ["policy.minimum_stage:  > 5", "ledger.when_full:  > continue"])
        #expect(try start(settings()) == [])
        let hours = "lane.1.hold_open = 06:00-07:30,16:30-18:00\n"
        #expect(
            try start(settings(stage: "6", hours)) == [
                "policy.minimum_stage: 5 > 6", "lane.1.hold_open:  > 06:00-07:30,16:30-18:00",
            ])
        #expect(
            try start(settings(stage: "6", "ledger.when_full = stop\n")) == [
                "ledger.when_full: continue > stop", "lane.1.hold_open: 06:00-07:30,16:30-18:00 > ",
            ])
        #expect(try start(settings(stage: "6", "ledger.when_full = stop\n")) == [])
    }

    /// The notes of a start whose lists' file holds these lines; without `isKept` the power goes before the ledger has
    /// them.
    private func load(_ lines: [String], isKept: Bool = true) throws -> [LedgerNote] {
        let file = folder + "/lists.csv"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try ("plate,colour,list,reason,valid_until\n" + lines.joined(separator: "\n") + "\n").write(
            toFile: file, atomically: true, encoding: .utf8)
        let loading = RegisterLoading(
            files: DiskFiles(), log: Log(offsetMinutes: 480), importedAt: BenchClock().wall())
        var notes: [LedgerNote] = []
        var faults: [String] = []
        let loaded = loading.load(
            try settings("register.lists = \(file)\n").register, path: folder + "/register.db", offsetMinutes: 480,
            notes: &notes, faults: &faults)
        #expect(faults == [])
        #expect(loaded.register.listedPlateCount == lines.count)
        if isKept { try loaded.database?.commit() }
        return notes
    }

    private func settings(_ more: String) throws -> Settings { try settings(stage: "5", more) }

    private func change(
        _ text: String, _ kind: ListEntry.Kind, _ reason: String = "", isRemoved: Bool = false
    ) -> LedgerNote {
        .listChanged(
            entry: ListEntry(plate: plate(text), kind: kind, reason: reason, validUntil: nil), isRemoved: isRemoved,
            person: folder + "/lists.csv", means: .file)
    }

    @Test func eachChangeOfTheListsIsARecord() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let first = try load(["冀A12345,黄,white,示例,", "冀B54321,黄,black,欠费,", "冀C00001,黄,white,,"])
        #expect(
            first.dropFirst() == [
                change("冀A12345", .white, "示例"), change("冀B54321", .black, "欠费"), change("冀C00001", .white),
            ])
        // One stays, one says another thing, one is gone from its list and stands on the other.
        let second = try load(["冀A12345,黄,white,示例,", "冀B54321,黄,black,冒用,", "冀C00001,黄,black,,"])
        #expect(
            second.dropFirst() == [
                change("冀B54321", .black, "冒用"), change("冀C00001", .black),
                change("冀C00001", .white, isRemoved: true),
            ])
        #expect(try load(["冀A12345,黄,white,示例,", "冀B54321,黄,black,冒用,", "冀C00001,黄,black,,"]) == [])
    }

    @Test func anImportWhoseRecordsAreLostIsMadeAndRecordedAgain() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try load(["冀A12345,黄,white,示例,"])
        let cut = try load(["冀A12345,黄,black,冒用,"], isKept: false)
        #expect(
            cut.dropFirst() == [
                change("冀A12345", .black, "冒用"), change("冀A12345", .white, "示例", isRemoved: true),
            ])
        #expect(try load(["冀A12345,黄,black,冒用,"]) == cut)
        #expect(try load(["冀A12345,黄,black,冒用,"]) == [])
    }

    @Test func moreChangesThanHaveRecordsOfTheirOwnAreCounted() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let many = (0..<ListDifference.limit).map { "冀A1\(String($0 + 1_000)),黄,white,," }
        #expect(try load(many).count == 1 + ListDifference.limit)
        let others = many.map { $0.replacingOccurrences(of: "冀A1", with: "冀B1") } + [many[0], many[1] + "2027-01-01"]
        #expect(
            try load(others).dropFirst() == [
                .act(
                    person: "", act: "replace lists", subject: folder + "/lists.csv",
                    detail: "200 entries added, 1 changed, 198 removed", means: .file)
            ])
    }
}
