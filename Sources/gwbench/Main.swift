// The ledger's measurements, for `tools/bench ledger`. Each command prints one JSON line.
//
// Ratios are taken in one process and in rounds that go by turns through all that is compared, so that a disk which is
// slower now than a moment ago is slower for all of them; the ratio of each round is taken, and of those the median.

import Domain
import Foundation
import Ledger
import Machine

@main
struct Main {
    private static let usage = """
        usage: gwbench append FOLDER ROUNDS        one record, sixteen, bare SQLite and the bare disk, by turns
               gwbench fill FOLDER RECORDS         make a ledger of so many records
               gwbench size SMALL LARGE ROUNDS     the same passes into two ledgers, by turns
               gwbench hammer FOLDER               append passes until killed
               gwbench open FOLDER                 open as the controller does, then verify the newest records
               gwbench verify FOLDER               verify all
        """

    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            switch (arguments.first, arguments.count) {
            case ("append", 3): try report(append(arguments[1], rounds: number(arguments[2])))
            case ("fill", 3): try report(fill(arguments[1], number(arguments[2])))
            case ("size", 4): try report(size(arguments[1], arguments[2], rounds: number(arguments[3])))
            case ("hammer", 2): try hammer(arguments[1])
            case ("open", 2): try report(open(arguments[1]))
            case ("verify", 2): try report(verify(arguments[1]))
            default:
                print(usage)
                exit(2)
            }
        } catch {
            let words = (error as? LedgerError)?.description ?? (error as? BenchFault)?.what ?? "\(error)"
            FileHandle.standardError.write(Data("gwbench: \(words)\n".utf8))
            exit(1)
        }
    }

    private static func number(_ text: String) throws -> Int {
        guard let number = Int(text), number > 0 else { throw BenchFault(what: "\(text) is not a number") }
        return number
    }

    private static func report(_ figures: [String: Double]) {
        let parts = figures.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }
        print("{\(parts.joined(separator: ", "))}")
    }

    // MARK: -

    private static func append(_ folder: String, rounds: Int) throws -> [String: Double] {
        let ledger = try SyntheticLedger(folder + "/ledger")
        // Enough of both kinds to see their size, and a log that has been round once.
        for _ in 0..<400 { try ledger.pass() }
        try ledger.transaction { for _ in 0..<100 { try ledger.note() } }
        let path = folder + "/ledger/ledger.db"
        let noteBytes = try BareSQLite.meanRecordBytes(ledger: path, kind: 7)
        let decisionBytes = try BareSQLite.meanRecordBytes(ledger: path, kind: 4)
        let bareNote = try BareSQLite(folder + "/note.db", rowBytes: noteBytes)
        let bareDecision = try BareSQLite(folder + "/decision.db", rowBytes: decisionBytes)
        let disk = try BareDisk(folder + "/disk")
        for _ in 0..<1_200 {
            try bareNote.append()
            try bareDecision.append()
        }
        var race = Race()
        race.add("disk", 20) { try disk.append() }
        race.add("bare-note", 20) { try bareNote.append() }
        race.add("note", 20) { try ledger.transaction { try ledger.note() } }
        race.add("sixteen", 20) { try ledger.transaction { for _ in 0..<16 { try ledger.note() } } }
        race.add("bare-decision", 20) { try bareDecision.append() }
        race.add("decision", 20) { try ledger.transaction { try ledger.decide() } }
        try race.run(rounds) { try ledger.transaction { try ledger.end() } }
        return [
            "note_bytes": Double(noteBytes), "decision_bytes": Double(decisionBytes),
            "disk_us": race.median("disk") * 1e6, "bare_note_us": race.median("bare-note") * 1e6,
            "note_us": race.median("note") * 1e6, "bare_decision_us": race.median("bare-decision") * 1e6,
            "decision_us": race.median("decision") * 1e6, "sixteen_us": race.median("sixteen") * 1e6,
            "note_rate_of_bare": race.ratio("bare-note", "note"),
            "decision_rate_of_bare": race.ratio("bare-decision", "decision"),
            "note_rate_of_disk": race.ratio("disk", "note"), "bare_rate_of_disk": race.ratio("disk", "bare-note"),
            "sixteen_times_one": race.ratio("sixteen", "note"),
        ]
    }

    private static func fill(_ folder: String, _ records: Int) throws -> [String: Double] {
        let from = now()
        let ledger = try SyntheticLedger(folder)
        let before = ledger.writer.head.sequence
        try ledger.fill(to: UInt64(records))
        let seconds = now() - from
        let appended = ledger.writer.head.sequence - before
        return ["records": Double(ledger.writer.head.sequence), "records_per_s": Double(appended) / seconds]
    }

    private static func size(_ small: String, _ large: String, rounds: Int) throws -> [String: Double] {
        let smallLedger = try SyntheticLedger(small)
        let largeLedger = try SyntheticLedger(large)
        let records = largeLedger.writer.head.sequence
        let smallRecords = smallLedger.writer.head.sequence
        for _ in 0..<400 {
            try smallLedger.pass()
            try largeLedger.pass()
        }
        var race = Race()
        race.add("small", 10) { try smallLedger.pass() }
        race.add("large", 10) { try largeLedger.pass() }
        try race.run(rounds) {}
        return [
            "small_records": Double(smallRecords), "large_records": Double(records),
            "small_us": race.median("small") / 3 * 1e6, "large_us": race.median("large") / 3 * 1e6,
            "large_times_small": race.ratio("large", "small"),
        ]
    }

    private static func hammer(_ folder: String) throws {
        let ledger = try SyntheticLedger(folder)
        FileHandle.standardOutput.write(Data("{\"opened\": 1}\n".utf8))
        while true { try ledger.pass() }
    }

    private static func open(_ folder: String) throws -> [String: Double] {
        let from = now()
        let writer = try LedgerWriter(folder: folder, files: DiskFiles(), clock: SystemClock(), device: "bench")
        let opened = now()
        return ["open_ms": (opened - from) * 1e3, "records": Double(writer.head.sequence)]
    }

    private static func verify(_ folder: String) throws -> [String: Double] {
        let reader = try LedgerReader(folder: folder, files: DiskFiles())
        let from = now()
        let report = try LedgerVerifier(reader, device: "bench").verify()
        let seconds = now() - from
        if let fault = report.fault { throw fault }
        return ["records": Double(report.records), "records_per_s": Double(report.records) / seconds]
    }
}

func now() -> Double {
    Double(clock_gettime_nsec(CLOCK_MONOTONIC)) / 1e9
}

private func clock_gettime_nsec(_ clock: Int32) -> UInt64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Several ways of doing something, each some times a round.
struct Race {
    private var names: [String] = []
    private var counts: [Int] = []
    private var works: [() throws -> Void] = []
    /// Seconds of one piece of work, by round.
    private var seconds: [String: [Double]] = [:]

    mutating func add(_ name: String, _ count: Int, _ work: @escaping () throws -> Void) {
        names.append(name)
        counts.append(count)
        works.append(work)
    }

    /// Each round begins with another of them. `between` is not measured.
    mutating func run(_ rounds: Int, between: () throws -> Void) throws {
        for round in 0..<rounds {
            for place in 0..<names.count {
                let index = (round + place) % names.count
                let from = now()
                for _ in 0..<counts[index] { try works[index]() }
                seconds[names[index], default: []].append((now() - from) / Double(counts[index]))
            }
            try between()
        }
    }

    func median(_ name: String) -> Double {
        Race.median(seconds[name] ?? [])
    }

    /// How many times as long the first takes as the second: the median over the rounds.
    func ratio(_ first: String, _ second: String) -> Double {
        Race.median(zip(seconds[first] ?? [], seconds[second] ?? []).map { $0 / $1 })
    }

    private static func median(_ values: [Double]) -> Double {
        guard !values.isEmpty else { return 0 }
        let sorted = values.sorted()
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
}
