// What the independent verifier finds in exports and backups that were changed by somebody who can make every digest of
// them anew, and which heads it says it cannot compare.

import Crypto
import Domain
import Foundation
import Machine
import Testing

@testable import Ledger

extension IndependentVerifierTests {
    func isNotCompared(
        _ arguments: [String], _ word: String, location: SourceLocation = #_sourceLocation
    ) throws {
        let (status, text) = try Python.verify(arguments)
        #expect(
            status == 2 && text.contains("NOT COMPARED") && text.contains(word) && !text.contains("\nsound:"),
            "\(arguments): \(text)", sourceLocation: location)
    }

    private func head(_ sequence: UInt64) throws -> LedgerHead {
        let record = try #require(try site.reader().records(from: sequence, limit: 1).first)
        return LedgerHead(sequence: record.sequence, hash: record.hash)
    }

    @Test func aHeadOutsideAnExportIsNotComparedAndTheOneBeforeItIs() throws {
        let writer = try site.bootedWriter()
        try everything(writer, "a")
        let early = writer.head
        site.clock.advance(seconds: 600)
        try everything(writer, "b")
        let path = site.folder + "/export"
        _ = try site.reader().export(.csv, LedgerQuery(), until: early.sequence, path: path, DiskFiles())
        try isSound(["export", path] + words(early))
        try isSound(["export", path], "no head was given")
        try isNotCompared(["export", path] + words(writer.head), "ends before it, at \(early.sequence)")
        var query = LedgerQuery()
        query.fromSecond = try site.reader().records(from: early.sequence + 4, limit: 1)[0].wall.second
        let first = try site.reader().export(.jsonLines, query, until: nil, path: path, DiskFiles()).first
        #expect(first > early.sequence)
        try isSound(["export", path] + words(head(first - 1)))
        try isUnsound(["export", path] + words(LedgerHead(sequence: first - 1, hash: .zero)), "another hash")
        try isNotCompared(["export", path] + words(head(first - 2)), "begins behind it, with \(first)")
        let key = String(repeating: "0", count: 64)
        try isNotCompared(["export", path, "--first-key", key], "record 1, which names it")
    }

    @Test func aHeadBehindABackupIsNotComparedAndAMissingPartIsNamed() throws {
        let target = site.folder + "-backup"
        defer { try? FileManager.default.removeItem(atPath: target) }
        let writer = try site.bootedWriter()
        var heads: [LedgerHead] = []
        for name in ["a", "b", "c"] {
            try everything(writer, name)
            try backUp(target)
            heads.append(writer.head)
        }
        let parts = try FileManager.default.contentsOfDirectory(atPath: target).filter { $0.hasPrefix("part-") }
            .sorted().map { target + "/" + $0 }
        #expect(parts.count == 2)
        let last = try Data(contentsOf: URL(fileURLWithPath: parts[1]))
        try FileManager.default.removeItem(atPath: parts[1])
        try isSound(["backup", target] + words(heads[1]))
        try isNotCompared(["backup", target] + words(heads[2]), "ends before it, at \(heads[1].sequence)")
        try last.write(to: URL(fileURLWithPath: parts[1]))
        try isSound(["backup", target] + words(heads[2]))
        try FileManager.default.removeItem(atPath: parts[0])
        try isUnsound(["backup", target] + words(heads[0]), "a part before it is missing")
    }

    /// An export that was changed, with its digest, its size and its number of rows in the proof made anew.
    private func change(
        _ format: ExportFormat, rows more: Int = 0, _ change: (String) throws -> String
    ) throws -> [String] {
        let writer = try site.bootedWriter()
        try everything(writer, "a")
        let path = site.folder + "/export"
        let summary = try site.reader().export(format, LedgerQuery(), until: nil, path: path, DiskFiles())
        try isSound(["export", path])
        let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
        let changed = try change(text)
        #expect(changed != text)
        try Data(changed.utf8).write(to: URL(fileURLWithPath: path))
        var proof = try String(contentsOfFile: path + ".proof", encoding: .utf8)
        for (was, now) in [
            (SHA256.digest(Array(text.utf8)).hexadecimal, SHA256.digest(Array(changed.utf8)).hexadecimal),
            ("\"bytes\":\(text.utf8.count)", "\"bytes\":\(changed.utf8.count)"),
            ("\"rows\":\(summary.rows)", "\"rows\":\(summary.rows + more)"),
        ] {
            #expect(proof.contains(was), "\(was)")
            proof = proof.replacingOccurrences(of: was, with: now)
        }
        try proof.write(toFile: path + ".proof", atomically: true, encoding: .utf8)
        return ["export", path]
    }

    @Test(arguments: [
        (ExportFormat.jsonLines, "\"stage\":\"6\"", "\"stage\":\"5\""),
        (.jsonLines, "\"net_kg\":31200", "\"net_kg\":31201"),
        (.jsonLines, "\"person\":\"王某\"", "\"person\":\"李某\""),
        (.jsonLines, "\"reachable\":false", "\"reachable\":true "),
        (.csv, ",31.2,", ",31.3,"), (.csv, "冀A12345", "冀A12346"), (.csv, ",stage-allowed,", ",whitelisted,"),
        (.csv, "补录 更正", "补录 改正"), (.csv, "gap,fault", "gap,clock-step"),
    ])
    func aChangedLineIsNamedThoughItsDigestIsMadeAnew(format: ExportFormat, was: String, now: String) throws {
        let export = try change(format) { text in
            let range = try #require(text.range(of: was))
            return text.replacingCharacters(in: range, with: now)
        }
        try isUnsound(export, "is not what the proof's records say")
    }

    @Test(arguments: [ExportFormat.csv, .jsonLines], [-1, 1])
    func aRowThatIsLeftOutOrAddedIsNamedThoughItsDigestIsMadeAnew(format: ExportFormat, more: Int) throws {
        let export = try change(format, rows: more) { text in
            let end = format == .csv ? "\r\n" : "\n"
            var lines = text.components(separatedBy: end)
            let row = try #require(lines.firstIndex { $0.contains("completed") })
            if more > 0 { lines.insert(lines[row], at: row) } else { lines.remove(at: row) }
            return lines.joined(separator: end)
        }
        try isUnsound(export, "is not what the proof's records say")
    }
}
