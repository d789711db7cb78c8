// Exports and their proofs: what is listed, and that the proof has the records it was made from.

import Domain
import Foundation
import Machine
import Testing

@testable import Ledger

struct LedgerExportTests {
    private func export(
        _ site: LedgerSite, _ format: ExportFormat, _ query: LedgerQuery = LedgerQuery(), until: UInt64? = nil
    ) throws -> (lines: [String], summary: ExportSummary, proof: ChainFileContent, records: [Record]) {
        let path = site.folder + "/export"
        let disk = DiskFiles()
        let summary = try site.reader().export(format, query, until: until, path: path, disk)
        var records: [Record] = []
        let proof = try ChainFile.read(path + ".proof", disk) { (record, _) throws(LedgerError) in
            records.append(record)
        }
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(proof.tail["export"]?["bytes"]?.integer == Int64(bytes.count))
        let text = String(decoding: bytes, as: UTF8.self)
        return (
            text.components(separatedBy: format == .csv ? "\r\n" : "\n").filter { !$0.isEmpty }, summary, proof, records
        )
    }

    @Test func aWindowsProofBeginsWithTheRecordBeforeIt() throws {
        var site = try QuerySite()
        for plate in ["冀A10001", "冀A10002", "冀A10003", "冀A10004"] { try site.pass(plate) }
        let rows = try site.site.reader().passages(LedgerQuery(), newestFirst: false, limit: 9).rows
        var query = LedgerQuery()
        query.fromSecond = rows[1].pass.passedWall.second
        query.toSecond = rows[2].pass.passedWall.second + 1
        let (lines, summary, proof, records) = try export(site.site, .csv, query)
        #expect(summary.rows == 2 && lines.count == 4)
        #expect(lines[1].contains("冀A10002") && lines[2].contains("冀A10003"))
        // Record 1 is the boot; then a decision and a pass each. The pass before the window is the first.
        #expect(summary.first == 3 && proof.before.sequence == 2)
        #expect(records.map { $0.sequence } == Array(3...9))
        #expect(proof.last == summary.head && records.last?.hash == summary.head.hash)
        #expect(proof.tail["export"]?["rows"]?.integer == 2)
        #expect(proof.tail["export"]?["selection"]?["due"] == .bool(true))
        let at = try export(site.site, .csv, query, until: 5)
        #expect(at.summary.head.sequence == 5 && at.summary.rows == 1 && at.records.last?.sequence == 5)
        // The window goes on where the ledger ended then.
        #expect(at.lines[2].contains(",gap,after-ledger,5,"))
        #expect(throws: LedgerError.self) { try export(site.site, .csv, query, until: 10) }
        #expect(throws: LedgerError.self) { try export(site.site, .csv, query, until: 0) }
    }

    @Test func anEmptyWindowIsAnExportOfGapsAndTheHead() throws {
        var site = try QuerySite()
        try site.pass("冀A10001")
        var query = LedgerQuery()
        query.fromSecond = CivilTime(year: 2030, month: 1, day: 1).wallTime().second
        query.toSecond = query.fromSecond.map { $0 + 86_400 }
        let late = try export(site.site, .csv, query)
        #expect(late.summary.rows == 0 && late.summary.first == 3)
        #expect(late.lines[1].hasSuffix("台账末尾之后 2026-03-01 09:00:00 至 2030-01-02 00:00:00"))
        query.fromSecond = 0
        query.toSecond = 86_400
        let early = try export(site.site, .jsonLines, query)
        #expect(early.summary.rows == 0 && early.summary.first == 1 && early.lines.count == 2)
        #expect(early.lines[0].contains("\"gap\":\"before-ledger\",\"from\":\"1970-01-01 08:00:00\",\"from_us\":0,"))
    }

    @Test func gapsStandWhereTheyEndAndOpenOnesBeforeTheHead() throws {
        var site = try QuerySite()
        let writer = site.writer
        try writer.transaction { try $0.append(note: .faultRaised(subject: "camera, 1", detail: "silent")) }
        try site.pass("冀A10001")
        try writer.transaction { try $0.append(note: .faultHealed(subject: "camera, 1", detail: "speaks")) }
        try writer.transaction { try $0.append(note: .faultRaised(subject: "loop A", detail: "stuck")) }
        try site.pass("冀A10002")
        let (lines, _, _, _) = try export(site.site, .csv)
        #expect(lines[1].contains("冀A10001") && lines[3].contains("冀A10002"))
        #expect(lines[2].hasPrefix(",,,2026-03-01 08:00:00,") && lines[2].contains(",gap,fault,5,"))
        #expect(lines[2].hasSuffix(",\"故障 2026-03-01 08:00:00 至 2026-03-01 09:00:00 camera, 1: silent\""))
        #expect(lines[4].hasSuffix(",故障 2026-03-01 09:00:00 至 仍未结束 loop A: stuck"))
        #expect(lines[5].contains(",head,,8,") && lines.count == 6)
        for line in lines[1...] { #expect(line.filter { $0 == "," }.count == 28 || line.contains("\"")) }
        // A fault that began before the window is known to be open in it.
        let rows = try site.site.reader().passages(LedgerQuery(), newestFirst: true, limit: 1).rows
        var query = LedgerQuery()
        query.fromSecond = rows[0].pass.passedWall.second
        let late = try export(site.site, .csv, query)
        #expect(late.summary.first == 6 && late.lines[2].contains(",gap,fault,6,"))
    }

    @Test func aDamagedRecordEndsTheExportAndLeavesNoFile() throws {
        var site = try QuerySite()
        try site.pass("冀A10001")
        try site.pass("冀A10002")
        try site.site.tamper("UPDATE record SET hash = zeroblob(32) WHERE seq = 4")
        #expect(throws: LedgerError.self) { try export(site.site, .csv) }
        let names = try FileManager.default.contentsOfDirectory(atPath: site.site.folder)
        #expect(!names.contains { $0.contains("export") })
    }

    @Test func aChangedProofIsFound() throws {
        var site = try QuerySite()
        try site.pass("冀A10001")
        _ = try export(site.site, .csv)
        let path = site.site.folder + "/export.proof"
        let whole = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
        var generator = SystemRandomNumberGenerator()
        func check(_ bytes: [UInt8]) throws -> Bool {
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            do {
                let content = try ChainFile.read(path, DiskFiles()) { _, _ throws(LedgerError) in }
                return content.last.sequence == 3 && content.device == "gate-1"
            } catch {
                return false
            }
        }
        #expect(try check(whole))
        for count in stride(from: 0, to: whole.count, by: 7) { #expect(try !check(Array(whole.prefix(count)))) }
        let recordsEnd = try #require(whole.lastIndex(of: UInt8(ascii: "{")).map { _ in whole.count / 2 })
        let recordsStart = try #require(whole.firstIndex(of: 0x0A)) + 1
        for _ in 0..<200 {
            var bytes = whole
            let place = Int.random(in: recordsStart..<recordsEnd, using: &generator)
            bytes[place] ^= UInt8.random(in: 1...255, using: &generator)
            #expect(try !check(bytes), "byte \(place)")
        }
    }
}
