// What a person may type at the console, and how bytes become lines. Pure.
//
// Limits: a line has at most `ConsoleLines.maximumLineBytes` bytes.

/// A question that the controller answers.
public enum ConsoleCommand: Equatable, Sendable {
    case status
    case lanes
    /// The newest records, 1...`ConsoleRequest.maximumTailCount`.
    case ledgerTail(count: Int)
    /// The newest passages of a plate, or of a part of one with `*`.
    case ledgerFind(plate: String)
    /// How many vehicles crossed, and what was not seen, on a day (yyyy-MM-dd); nil: today.
    case ledgerCount(day: String?)
    case ledgerGaps(day: String?)
}

/// One line as understood.
enum ConsoleRequest: Equatable {
    case help
    case quit
    case ask(ConsoleCommand)
    /// The line was blank.
    case nothing
    /// The line was not understood; the text says what is allowed.
    case refused(String)

    static let maximumTailCount = 200
    static let defaultTailCount = 10

    static let helpText = [
        "help                this list",
        "status              the controller, its threads and faults",
        "lanes               each lane and what stands there",
        "ledger tail [n]     the newest n records, 1 to \(maximumTailCount), \(defaultTailCount) when n is left out",
        "ledger find plate   its newest passages; a part of a plate with *: 冀A1*",
        "ledger count [day]  vehicles by direction and stage, today or on 2026-03-01",
        "ledger gaps [day]   when the controller or a device was down",
        "quit                ends this session",
    ]

    init(_ line: String) {
        let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map { String($0) }
        guard let verb = words.first else {
            self = .nothing
            return
        }
        switch (verb, words.count) {
        case ("help", 1): self = .help
        case ("quit", 1): self = .quit
        case ("status", 1): self = .ask(.status)
        case ("lanes", 1): self = .ask(.lanes)
        case ("ledger", 2...3) where words[1] == "tail":
            self = ConsoleRequest.tail(words.count == 3 ? words[2] : nil)
        case ("ledger", 3) where words[1] == "find": self = .ask(.ledgerFind(plate: words[2]))
        case ("ledger", 2...3) where words[1] == "count":
            self = .ask(.ledgerCount(day: words.count == 3 ? words[2] : nil))
        case ("ledger", 2...3) where words[1] == "gaps":
            self = .ask(.ledgerGaps(day: words.count == 3 ? words[2] : nil))
        case ("help", _), ("quit", _), ("status", _), ("lanes", _):
            self = .refused("\(verb) takes nothing after it: type \(verb) alone")
        case ("ledger", _):
            self = .refused("ledger is followed by tail, find, count or gaps: type help")
        default:
            self = .refused(
                "unknown command \"\(verb)\": use help, status, lanes, ledger tail [n], ledger find, ledger count, ledger gaps or quit"
            )
        }
    }

    private static func tail(_ word: String?) -> ConsoleRequest {
        guard let word else { return .ask(.ledgerTail(count: defaultTailCount)) }
        guard let count = Int(word), (1...maximumTailCount).contains(count) else {
            return .refused("\"\(word)\" is not a number from 1 to \(maximumTailCount): type ledger tail 10")
        }
        return .ask(.ledgerTail(count: count))
    }
}

/// Cuts a stream of bytes into lines.
struct ConsoleLines {
    enum Line: Equatable {
        case text(String)
        /// Longer than the limit: its bytes were dropped.
        case tooLong
    }

    static let maximumLineBytes = 256

    private var pending: [UInt8] = []
    private var isTooLong = false

    /// The lines that `bytes` complete, without their ends (line feed, with or without carriage return).
    mutating func take(_ bytes: [UInt8]) -> [Line] {
        var lines: [Line] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                if pending.last == UInt8(ascii: "\r") { pending.removeLast() }
                lines.append(isTooLong ? .tooLong : .text(String(decoding: pending, as: UTF8.self)))
                pending = []
                isTooLong = false
            } else if pending.count < ConsoleLines.maximumLineBytes {
                pending.append(byte)
            } else {
                isTooLong = true
            }
        }
        return lines
    }
}
