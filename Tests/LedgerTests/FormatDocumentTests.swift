// docs/LEDGER-FORMAT.md is true: its example has the real bytes, and its verifier finds what ours finds.

import Domain
import Foundation
import Testing

@testable import Ledger

struct FormatDocumentTests {
    let site = LedgerSite()
    let document: String

    init() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        document = try String(contentsOf: root.appendingPathComponent("docs/LEDGER-FORMAT.md"), encoding: .utf8)
    }

    @Test func theWorkedExampleHasTheRealBytes() throws {
        let writer = try site.bootedWriter()
        try writer.transaction {
            try $0.append(note: .faultRaised(subject: "camera north", detail: "silent for 60 s"))
        }
        try writer.seal(.inTime)
        let rows = try site.reader().stored(from: 1, limit: 3)
        var lines = ["hash(0) " + Chain.genesis(device: "gate-1").hexadecimal]
        for row in rows {
            let digits = hexadecimalText(row.canonical)
            lines.append("canonical(\(row.sequence))")
            // 40 bytes of header on the first line, then 48 bytes a line.
            lines.append(String(digits.prefix(80)))
            var rest = digits.dropFirst(80)
            while !rest.isEmpty {
                lines.append(String(rest.prefix(96)))
                rest = rest.dropFirst(96)
            }
            lines.append("hash(\(row.sequence)) " + hexadecimalText(row.hash?.bytes ?? []))
        }
        let example = lines.joined(separator: "\n")
        #expect(document.contains("```\n" + example + "\n```"), "the example should be:\n\(example)")
    }

    /// The first column of the table that follows a heading, with its lists and ranges written out.
    private func numbers(after heading: String) throws -> [UInt16] {
        let text = document.components(separatedBy: heading)
        #expect(text.count == 2)
        var numbers: [UInt16] = []
        for line in text[1].components(separatedBy: "\n\n")[0].split(separator: "\n").dropFirst() {
            for part in line.split(separator: "|")[0].split(separator: ",") {
                let ends = part.components(separatedBy: "…").compactMap {
                    UInt16($0.trimmingCharacters(in: .whitespaces))
                }
                guard let first = ends.first, let last = ends.last else { throw CancellationError() }
                numbers += first...last
            }
        }
        return numbers
    }

    @Test func everyKindAndEveryFieldIsListed() throws {
        #expect(try numbers(after: "| kind | name | fields |\n") == RecordKind.allCases.map(\.rawValue))
        #expect(try numbers(after: "| field | type | meaning |\n") == Field.allCases.map(\.rawValue))
        let reasons = VerdictReason.allCases.map {
            "\($0.rawValue) " + $0.word.replacingOccurrences(of: "-", with: " ")
        }
        for reason in reasons { #expect(document.contains(reason), "\(reason)") }
    }

    /// Runs the script that stands in the document: its exit code and all that it printed.
    private func verify(_ arguments: [String] = []) throws -> (code: Int32, text: String) {
        let parts = document.components(separatedBy: "```python\n")
        #expect(parts.count == 2)
        let script = parts[1].components(separatedBy: "```")[0]
        #expect(script.split(separator: "\n").count <= 50)
        let path = site.folder + "/verify.py"
        try script.write(toFile: path, atomically: true, encoding: .utf8)
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", path, site.folder] + arguments
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    @Test func thePublishedVerifierAgreesAndFindsAnAlteredRecord() throws {
        let head: LedgerHead
        do {
            let writer = try site.bootedWriter()
            try site.pass(writer, "k1")
            head = writer.head
        }
        let witness = [String(head.sequence), head.hash.hexadecimal]
        #expect(try verify(witness) == (0, "sound: 4 records, head \(head.hash.hexadecimal)\n"))
        #expect(try verify(["5", head.hash.hexadecimal]).text.contains("record 5 is missing at the end"))
        try site.tamper("UPDATE record SET hash = zeroblob(32) WHERE seq = 3")
        let altered = try verify()
        #expect(altered.code == 1)
        #expect(altered.text.contains("record 3: its hash does not match its bytes"))
    }

    @Test func thePublishedVerifierSaysThatItCouldNotCompareAHead() throws {
        do { try site.pass(try site.bootedWriter(), "k1") }
        try FileManager.default.removeItem(atPath: site.folder + "/seal/key")
        do { #expect(try site.bootedWriter().generation?.number == 2) }
        let earlier = try verify(["2", String(repeating: "0", count: 64)])
        #expect(earlier.code == 2 && earlier.text.hasPrefix("NOT COMPARED: record 2 "), "\(earlier)")
        #expect(try verify().code == 0)
    }

    private func hexadecimalText(_ bytes: [UInt8]) -> String {
        bytes.map { String(UInt16($0) + 0x100, radix: 16).dropFirst() }.joined()
    }
}
