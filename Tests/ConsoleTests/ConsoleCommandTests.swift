import Domain
import Testing

@testable import Console

@Suite struct ConsoleRequestTests {
    @Test(arguments: [
        ("help", ConsoleRequest.help), ("quit", .quit), ("status", .ask(.status)), ("lanes", .ask(.lanes)),
        ("ledger tail", .ask(.ledgerTail(count: 10))), ("ledger tail 1", .ask(.ledgerTail(count: 1))),
        ("ledger tail 200", .ask(.ledgerTail(count: 200))), ("  ledger \t tail   7 ", .ask(.ledgerTail(count: 7))),
        ("ledger find 冀A1*", .ask(.ledgerFind(plate: "冀A1*"))), ("ledger count", .ask(.ledgerCount(day: nil))),
        ("ledger count 2026-03-01", .ask(.ledgerCount(day: "2026-03-01"))),
        ("ledger gaps", .ask(.ledgerGaps(day: nil))),
        (
            "ledger supplement 8 net_kg=5  reason=a b",
            .ask(.ledgerSupplement(words: ["8", "net_kg=5", "reason=a", "b"]))
        ),
        ("", .nothing), ("   ", .nothing),
        ("lane 2 release ambulance  behind it", .ask(.lane(LaneID(1), .release(reason: "ambulance behind it")))),
        ("lane 1 close", .ask(.lane(LaneID(0), .close))), ("lane 8 stop", .ask(.lane(LaneID(7), .stop))),
        ("lane 1 hold on", .ask(.lane(LaneID(0), .hold(true)))),
        ("lane 1 lockdown off", .ask(.lane(LaneID(0), .lockdown(false)))),
        ("lane 1 maintenance on", .ask(.lane(LaneID(0), .maintenance(true)))),
        ("lane 1 energise siren off", .ask(.lane(LaneID(0), .energise(output: "siren", false)))),
        ("lane 1 identify", .ask(.lane(LaneID(0), .identify))),
        ("lane 1 calibrate", .ask(.lane(LaneID(0), .calibrate))),
    ])
    func commandIsUnderstood(_ line: String, _ expected: ConsoleRequest) {
        #expect(ConsoleRequest(line) == expected)
    }

    @Test(arguments: [
        ("open", "type help"), ("STATUS", "type help"), ("lane", "type help"), ("lane 1", "type help"),
        ("lane 9 close", "1 to 8"), ("lane x close", "1 to 8"), ("lane 1 release", "needs its reason"),
        ("lane 1 hold", "type help"), ("lane 1 hold maybe", "type help"), ("lane 1 energise raise", "type help"),
        ("lane 1 close now", "type help"),
        ("status now", "type status alone"), ("help me", "type help alone"), ("ledger", "tail, find, count, gaps or"),
        ("ledger find", "tail, find"), ("ledger gaps a b", "tail, find"),
        ("ledger verify", "tail, find"), ("ledger tail 1 2", "tail, find"), ("ledger tail 0", "1 to 200"),
        ("ledger tail 201", "1 to 200"), ("ledger tail -1", "1 to 200"), ("ledger tail x", "1 to 200"),
        ("ledger tail 99999999999999999999", "1 to 200"), ("\u{FFFD}\u{0}", "unknown command"),
    ])
    func anythingElseIsRefusedWithWhatIsAllowed(_ line: String, _ advice: String) {
        guard case .refused(let why) = ConsoleRequest(line) else {
            Issue.record("\(line) was understood")
            return
        }
        #expect(why.contains(advice))
    }

    @Test func helpNamesEveryCommand() {
        let lines = ConsoleRequest.helpText.filter { !$0.hasPrefix(" ") }
        let verbs = lines.compactMap { $0.split(separator: " ").first.map(String.init) }
        #expect(Set(verbs) == ["help", "status", "lanes", "lane", "ledger", "quit"])
        for verb in verbs where verb != "ledger" && verb != "lane" {
            if case .refused = ConsoleRequest(verb) { Issue.record("\(verb) is in the help and refused") }
        }
    }
}

@Suite struct ConsoleLinesTests {
    @Test func linesAreTheSameHoweverTheBytesArrive() {
        let bytes = Array("status\r\n\nhelp\nrest".utf8)
        for size in 1...bytes.count {
            var lines = ConsoleLines()
            var result: [ConsoleLines.Line] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                result += lines.take(Array(bytes[start..<min(start + size, bytes.count)]))
            }
            #expect(result == [.text("status"), .text(""), .text("help")], "pieces of \(size)")
        }
    }

    @Test func longestLineIsTakenAndALongerOneIsDroppedWhole() {
        var lines = ConsoleLines()
        let longest = [UInt8](repeating: 0x61, count: 1_024)
        #expect(lines.take(longest + [0x0A]) == [.text(String(repeating: "a", count: 1_024))])
        #expect(lines.take(longest + [0x61, 0x0A]) == [.tooLong])
        #expect(lines.take(longest + longest + longest) == [])
        #expect(lines.take(Array("\nstatus\n".utf8)) == [.tooLong, .text("status")])
    }

    @Test func bytesThatAreNotUTF8DoNotTrap() {
        var lines = ConsoleLines()
        #expect(lines.take([0xFF, 0xC3, 0x28, 0x0A]).count == 1)
    }
}

@Suite struct ConsoleReplyTests {
    private func text(_ lines: [String]) -> String {
        String(decoding: consoleReply(lines), as: UTF8.self)
    }

    @Test func replyEndsWithASingleDot() {
        #expect(text(["a", "b"]) == "a\nb\n.\n")
        #expect(text([]) == ".\n")
    }

    @Test func noLineCanEndTheReplyEarly() {
        #expect(text([".", ".x", "a\n.\nb"]) == "..\n..x\na . b\n.\n")
    }
}
