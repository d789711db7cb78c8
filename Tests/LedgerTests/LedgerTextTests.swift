// What people and spreadsheets get to see.

import Domain
import Foundation
import Machine
import Testing

@testable import Ledger

struct LedgerTextTests {
    let site = LedgerSite()

    private func export(_ format: ExportFormat) throws -> String {
        var text = ""
        try site.reader().export(format) { text += $0 }
        return text
    }

    @Test func theTableHasTheAnnexsColumnsAndOnlyRowsThatCrossed() throws {
        let writer = try site.bootedWriter()
        try site.pass(writer, "k1")
        try site.pass(writer, "k2", .backedOut)
        let text = try export(.csv)
        #expect(Array(text.utf8.prefix(3)) == [0xEF, 0xBB, 0xBF])
        let lines = text.components(separatedBy: "\r\n")
        #expect(lines.count == 4)
        #expect(lines[0].hasPrefix("\u{FEFF}出入口编号,道闸编号,进出厂状态,进/出厂时间,进/出厂照片,车牌号码"))
        #expect(LedgerCSV.headings.count == 29)
        #expect(lines[1].hasPrefix("A,A01,1,2026-03-01 08:00:05,"))
        #expect(lines[1].contains(",冀A12345,1,H17,LFWSRXSJ2L1E00001,2021-07-02,\"'=解放牌,\"\"CA4250\"\"\",CA6DM3,"))
        #expect(lines[1].contains(",B,6,F,1,,,铁精粉,31.2,示例车队,410100A001A01A260301080005"))
        let head = try #require(try site.reader().head())
        #expect(lines[2].hasSuffix(",head,,7,\(head.hash.hexadecimal),台账末条"))
        #expect(lines[3].isEmpty)
    }

    @Test func cellsAreQuotedAndFormulasDisarmed() {
        #expect(LedgerCSV.cell("a,b") == "\"a,b\"")
        #expect(LedgerCSV.cell("a\"b") == "\"a\"\"b\"")
        #expect(LedgerCSV.cell("a\r\nb") == "\"a\r\nb\"")
        for first in ["=", "+", "-", "@", "\t"] { #expect(LedgerCSV.cell(first + "1") == "'" + first + "1") }
        #expect(LedgerCSV.cell("") == "")
    }

    @Test func everyRecordIsOneLineOfJSON() throws {
        let writer = try site.bootedWriter()
        try site.pass(writer, "k\"1\n\u{1}")
        try writer.transaction { try $0.append(note: .clockStep(before: site.clock.wall(), after: site.clock.wall())) }
        let lines = try export(.jsonLines).split(separator: "\n")
        // Five records, the gap of the clock step before its record, and the head.
        #expect(lines.count == 7)
        #expect(lines[4].hasPrefix("{\"kind\":\"gap\",\"gap\":\"clock-step\","))
        #expect(lines[6].hasPrefix("{\"kind\":\"head\",\"head_seq\":5,"))
        for (index, line) in (lines[..<4] + [lines[5]]).enumerated() {
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            #expect(object?["seq"] as? Int == index + 1)
        }
        let pass = try JSONSerialization.jsonObject(with: Data(lines[3].utf8)) as? [String: Any]
        #expect(pass?["capture"] as? String == "k\"1\n\u{1}")
        #expect((pass?["vehicle"] as? [String: Any])?["stage"] as? String == "6")
        #expect((pass?["photos"] as? [Any])?.count == 2)
    }

    @Test func aLineIsOneLineWhateverTheTextsHold() throws {
        let writer = try site.bootedWriter()
        try site.pass(writer, "k1")
        try writer.transaction {
            try $0.append(note: .faultRaised(subject: "camera\nnorth", detail: "\u{1B}[2J silent"))
        }
        let lines = try site.reader().records(from: 1, limit: 10).map(\.line)
        #expect(lines[0].hasPrefix("1 2026-03-01 08:00:00 boot 1 of gate-1, version 1.0.0: power-on ["))
        #expect(lines[2].contains("decision vehicle 1/0/1 lane 1 冀A12345 may pass: stage-allowed"))
        #expect(lines[3].contains("pass vehicle 1/0/1 lane 1 in completed 冀A12345 410100A001A01A2603010800050004"))
        #expect(lines[4].contains("fault-raised camera?north: ?[2J silent"))
    }

    @Test func aSinkThatFailsEndsTheExport() throws {
        _ = try site.bootedWriter()
        let reader = try site.reader()
        #expect(throws: LedgerError.self) {
            try reader.export(.jsonLines) { _ throws(MachineError) in throw .closed(subject: "pipe") }
        }
    }
}
