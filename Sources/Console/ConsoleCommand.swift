// What a person may type at the console, and how bytes become lines. Pure.
//
// Invariant: what moves an arm names its lane, and a release its reason.
// Limits: a line has at most `ConsoleLines.maximumLineBytes` bytes.

import Domain

/// What a person wants of a lane. Each is on record before it is carried out.
public enum LaneCommand: Equatable, Sendable {
    case release(reason: String)
    case close
    case stop
    case hold(Bool)
    case lockdown(Bool)
    case maintenance(Bool)
    /// The output by its word: raise, lower, stop, green, red …
    case energise(output: String, Bool)
    case identify
    /// Measures the arm's travel, or says how far that is.
    case calibrate
}

/// A question that the controller answers.
public enum ConsoleCommand: Equatable, Sendable {
    case lane(LaneID, LaneCommand)
    /// The newest records of the arm's trace, 1...`ConsoleRequest.maximumTraceCount`.
    case trace(LaneID, count: Int)
    /// From an edge to the output.
    case latency(LaneID)
    case status
    case lanes
    /// The newest records, 1...`ConsoleRequest.maximumTailCount`.
    case ledgerTail(count: Int)
    /// The newest passages of a plate, or of a part of one with `*`.
    case ledgerFind(plate: String)
    /// How many vehicles crossed, and what was not seen, on a day (yyyy-MM-dd); nil: today.
    case ledgerCount(day: String?)
    case ledgerGaps(day: String?)
    /// 补录: what stands after `ledger supplement`.
    case ledgerSupplement(words: [String])
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
    static let maximumTraceCount = 500
    static let defaultTraceCount = 50
    static let defaultTailCount = 10

    static let helpText = [
        "help                this list",
        "status              the controller, its threads and faults",
        "lanes               each lane and what stands there",
        "lane N release REASON…              opens for the vehicle that waits, or for whoever comes",
        "lane N close | stop                 lowers the arm when nothing is under it | halts it",
        "lane N hold | lockdown | maintenance on|off",
        "                    keeps the arm up | lets nobody in | switches the automatic off, for a limited time",
        "lane N energise OUTPUT on|off       drives one output by hand, in maintenance only",
        "lane N identify     asks once more who stands there",
        "lane N calibrate    measures the arm's travel by its limit switches; type it again to see how far it is",
        "lane N latency      how long its outputs took from the edge, as a histogram",
        "lane N trace [n]    the newest n steps of its arm, 1 to \(maximumTraceCount), for gatewarden lane replay",
        "ledger tail [n]     the newest n records, 1 to \(maximumTailCount), \(defaultTailCount) when n is left out",
        "ledger find plate   its newest passages; a part of a plate with *: 冀A1*",
        "ledger count [day]  vehicles by direction and stage, today or on 2026-03-01",
        "ledger gaps [day]   when the controller or a device was down",
        "ledger supplement RECORD|missed key=value… person=NAME reason=WHY…",
        "                    corrects a pass record, or adds a vehicle that was missed, by a new record. Keys: plate,",
        "                    colour, time (2026-03-01T08:00:00), direction, lane, cargo, net_kg, gross_kg, load,",
        "                    booking, entry_seq, vehicle_list; of the vehicle: stage, fuel, vin, registered, type,",
        "                    model, engine_model, engine_maker, engine_number, usage, networked, fleet",
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
        case ("lane", 3...): self = ConsoleRequest.lane(words)
        case ("ledger", 2...3) where words[1] == "tail":
            self = ConsoleRequest.tail(words.count == 3 ? words[2] : nil)
        case ("ledger", 3) where words[1] == "find": self = .ask(.ledgerFind(plate: words[2]))
        case ("ledger", 2...3) where words[1] == "count":
            self = .ask(.ledgerCount(day: words.count == 3 ? words[2] : nil))
        case ("ledger", 2...3) where words[1] == "gaps":
            self = .ask(.ledgerGaps(day: words.count == 3 ? words[2] : nil))
        case ("ledger", 2...) where words[1] == "supplement":
            self = .ask(.ledgerSupplement(words: Array(words.dropFirst(2))))
        case ("help", _), ("quit", _), ("status", _), ("lanes", _):
            self = .refused("\(verb) takes nothing after it: type \(verb) alone")
        case ("lane", _): self = .refused(ConsoleRequest.laneHelp)
        case ("ledger", _):
            self = .refused("ledger is followed by tail, find, count, gaps or supplement: type help")
        default:
            self = .refused("unknown command \"\(verb)\": type help for the commands")
        }
    }

    private static let laneHelp =
        "lane is followed by its number and release, close, stop, hold, lockdown, maintenance, energise, identify, "
        + "calibrate, latency or trace: type help"

    private static func lane(_ words: [String]) -> ConsoleRequest {
        guard let number = Int(words[1]), (1...LaneID.maximumCount).contains(number) else {
            return .refused("\"\(words[1])\" is not the number of a lane, 1 to \(LaneID.maximumCount): type lanes")
        }
        func ask(_ command: LaneCommand) -> ConsoleRequest { .ask(.lane(LaneID(UInt8(number - 1)), command)) }
        func isOn(_ word: String) -> Bool? { word == "on" ? true : word == "off" ? false : nil }
        switch (words[2], words.count) {
        case ("release", 4...): return ask(.release(reason: words[3...].joined(separator: " ")))
        case ("release", _): return .refused("a release needs its reason: type lane \(number) release and why")
        case ("close", 3): return ask(.close)
        case ("stop", 3): return ask(.stop)
        case ("identify", 3): return ask(.identify)
        case ("calibrate", 3): return ask(.calibrate)
        case ("latency", 3): return .ask(.latency(LaneID(UInt8(number - 1))))
        case ("trace", 3...4):
            let word = words.count == 4 ? words[3] : "\(defaultTraceCount)"
            guard let count = Int(word), (1...maximumTraceCount).contains(count) else {
                return .refused(
                    "\"\(word)\" is not a number from 1 to \(maximumTraceCount): type lane \(number) trace 50")
            }
            return .ask(.trace(LaneID(UInt8(number - 1)), count: count))
        case ("hold", 4), ("lockdown", 4), ("maintenance", 4):
            guard let isOn = isOn(words[3]) else { break }
            return ask(words[2] == "hold" ? .hold(isOn) : words[2] == "lockdown" ? .lockdown(isOn) : .maintenance(isOn))
        case ("energise", 5):
            guard let isOn = isOn(words[4]) else { break }
            return ask(.energise(output: words[3], isOn))
        default: break
        }
        return .refused(laneHelp)
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

    static let maximumLineBytes = 1_024

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
