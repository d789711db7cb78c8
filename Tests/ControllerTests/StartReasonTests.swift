import Foundation
import Machine
import Testing

@testable import Controller

@Suite struct StartReasonTests {
    @Test func whoKnowsMostIsBelieved() {
        let crashed = StartReason(crash: "signal 11", word: "after a loss of power")
        #expect(crashed.cause(isFirst: false) == "after a crash: signal 11")
        #expect(StartReason(crash: nil, word: "after a loss of power").cause(isFirst: false) == "after a loss of power")
        #expect(StartReason(crash: nil, word: "after a loss of power").cause(isFirst: true) == "first start")
        #expect(StartReason(crash: nil, word: nil).cause(isFirst: false) == "start")
    }

    @Test(
        arguments: [
            ("after an orderly restart\n", "after an orderly restart"), ("", nil), ("\n", nil), ("重启\n", nil),
            ("a\tb\n", nil),
            (String(repeating: "x", count: 201), nil),
        ] as [(String, String?)])
    func aWordIsOneLineOfTextAndElseNone(content: String, word: String?) throws {
        let path = NSTemporaryDirectory() + "gatewarden-start-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try content.write(toFile: path, atomically: false, encoding: .utf8)
        #expect(StartCause.word(path, files: DiskFiles()) == word)
        StartCause.clear(path)
        #expect(StartCause.word(path, files: DiskFiles()) == nil)
        #expect(!FileManager.default.fileExists(atPath: path))
    }
}
