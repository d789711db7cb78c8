// The ledger's measurements, for `tools/bench ledger`. Each command prints one JSON line.
//
// Ratios are taken in one process and by turns, so that a disk which is slower now than a moment ago is slower for all
// that is compared: single pieces of work where two are (`Pairs`), rounds of some where more are (`Race`). The ratio of
// each round is taken, and of those the median.

import Domain
import Foundation
import Ledger
import Machine
import Synchronization

@main
struct Main {
    private static let usage = """
        usage: gwbench append FOLDER ROUNDS        records, sixteen in one, bare SQLite and the bare disk, in pairs
               gwbench fill FOLDER RECORDS         make a ledger of so many records
               gwbench size SMALL LARGE ROUNDS     the same passes into two ledgers, by turns
               gwbench wrap FOLDER ROUNDS          traffic into a ring that wraps and one that does not, by turns
               gwbench beside FOLDER ROUNDS        append, with and without the ledger being read through
               gwbench hammer FOLDER               append passes until killed
               gwbench open FOLDER                 open as the controller does, then verify the newest records
               gwbench verify FOLDER               verify all
               gwbench query FOLDER RECORDS        fill a ledger with two years of a gate, then ask it everything
        """

    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            switch (arguments.first, arguments.count) {
            case ("append", 3): try report(append(arguments[1], rounds: number(arguments[2])))
            case ("fill", 3): try report(fill(arguments[1], number(arguments[2])))
            case ("size", 4): try report(size(arguments[1], arguments[2], rounds: number(arguments[3])))
            case ("wrap", 3): try report(wrap(arguments[1], rounds: number(arguments[2])))
            case ("beside", 3): try report(beside(arguments[1], rounds: number(arguments[2])))
            case ("hammer", 2): try hammer(arguments[1])
            case ("open", 2): try report(open(arguments[1]))
            case ("verify", 2): try report(verify(arguments[1]))
            case ("query", 3): try report(QueryBench.run(arguments[1], records: number(arguments[2])))
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
        let noteBytes = try BareSQLite.meanRecordBytes(ledger: path, kind: 12)
        let decisionBytes = try BareSQLite.meanRecordBytes(ledger: path, kind: 4)
        let bareNote = try BareSQLite(folder + "/note.db", rowBytes: noteBytes)
        let bareDecision = try BareSQLite(folder + "/decision.db", rowBytes: decisionBytes)
        let passRowBytes = try BareSQLite.meanRecordBytes(ledger: path, kind: 5)
        let barePass = try BareSQLite(folder + "/pass.db", rowBytes: passRowBytes)
        let disk = try BareDisk(folder + "/disk")
        for _ in 0..<1_200 {
            try bareNote.append()
            try bareDecision.append()
            try barePass.append()
        }
        let written = counted("write_bytes: ")
        for _ in 0..<2_000 { try ledger.pass() }
        let passBytes = (counted("write_bytes: ") - written) / 2_000
        let one = { try ledger.transaction { try ledger.note() } }
        let note = try Pairs({ try bareNote.append() }, one, rounds)
        let fault = try Pairs(
            { try bareNote.append() }, { try ledger.transaction { try ledger.fault() } }, rounds)
        let noteOfDisk = try Pairs({ try disk.append() }, one, rounds)
        let bareOfDisk = try Pairs({ try disk.append() }, { try bareNote.append() }, rounds)
        let sixteen = try Pairs(
            { try ledger.transaction { for _ in 0..<16 { try ledger.note() } } }, one, rounds)
        let decision = try Pairs(
            { try bareDecision.append() }, { try ledger.transaction { try ledger.decide() } }, rounds,
            after: { try ledger.transaction { try ledger.end() } })
        let pass = try Pairs(
            { try barePass.append() }, { try ledger.transaction { try ledger.end() } }, rounds,
            before: { try ledger.transaction { try ledger.decide() } })
        return [
            "pass_written_bytes": passBytes, "note_bytes": Double(noteBytes), "decision_bytes": Double(decisionBytes),
            "pass_bytes": Double(passRowBytes), "disk_us": noteOfDisk.first * 1e6, "bare_note_us": note.first * 1e6,
            "note_us": note.second * 1e6, "fault_us": fault.second * 1e6, "fault_rate_of_bare": fault.ratio,
            "bare_decision_us": decision.first * 1e6,
            "decision_us": decision.second * 1e6, "bare_pass_us": pass.first * 1e6, "pass_us": pass.second * 1e6,
            "sixteen_us": sixteen.first * 1e6, "note_rate_of_bare": note.ratio,
            "note_rate_of_bare_overall": note.overall, "decision_rate_of_bare": decision.ratio,
            "pass_rate_of_bare": pass.ratio, "note_rate_of_disk": noteOfDisk.ratio,
            "bare_rate_of_disk": bareOfDisk.ratio, "sixteen_times_one": sixteen.ratio,
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

    /// Both are sealed alike; from one, what is older than ten days goes.
    private static func wrap(_ folder: String, rounds: Int) throws -> [String: Double] {
        let each = Interval.seconds(20)
        let days: UInt32 = 10
        let policy = RetentionPolicy(recordDays: days, photoDays: days, destinations: [])
        let plain = try SyntheticLedger(folder + "/plain")
        let ring = try SyntheticLedger(folder + "/ring")
        let perDay = 86_400 / 20
        for ledger in [plain, ring] { try ledger.fastTraffic(perDay * (Int(days) + 1), each: each) }
        while try ring.writer.tidy(policy) {}
        let before = ring.writer.head.sequence
        var steps = 0
        var race = Race()
        race.add("plain", 1) { try plain.traffic(450, each: each) }
        race.add("ring", 1) {
            try ring.traffic(450, each: each)
            while try ring.writer.tidy(policy) { steps += 1 }
        }
        try race.run(rounds) {}
        return [
            "records": Double(ring.writer.head.sequence - before), "steps": Double(steps),
            "plain_us": race.median("plain") / 1_350 * 1e6, "ring_us": race.median("ring") / 1_350 * 1e6,
            "ring_rate_of_plain": race.totalRatio("plain", "ring"),
        ]
    }

    /// The background check as the controller runs it, its rests included; every other round it stands still.
    private static func beside(_ folder: String, rounds: Int) throws -> [String: Double] {
        let ledger = try SyntheticLedger(folder)
        let reader = try LedgerReader(folder: folder, files: DiskFiles())
        let isHeld = Atomic<Bool>(true)
        let isOver = Atomic<Bool>(false)
        let read = Atomic<UInt64>(0)
        var settings = ThreadSettings(name: "check")
        settings.isBackground = true
        let shared = SharedReader(reader: reader)
        let thread = try Machine.Thread(settings, shortfall: { _ in }) {
            while !isOver.load(ordering: .relaxed) {
                var began = now()
                let verifier = try? LedgerVerifier(shared.reader, device: "bench", checksPhotos: false)
                _ = verifier?.verifyTables { records in
                    read.store(records, ordering: .relaxed)
                    usleep(useconds_t(max(2_000, min(1_000_000, (now() - began) * 3e6))))
                    while isHeld.load(ordering: .relaxed), !isOver.load(ordering: .relaxed) { usleep(1_000) }
                    began = now()
                    return !isOver.load(ordering: .relaxed)
                }
            }
        }
        var race = Race()
        race.add("alone", 1) {
            isHeld.store(true, ordering: .relaxed)
            for _ in 0..<50 { try ledger.transaction { try ledger.note() } }
        }
        race.add("beside", 1) {
            isHeld.store(false, ordering: .relaxed)
            for _ in 0..<50 { try ledger.transaction { try ledger.note() } }
        }
        try race.run(rounds) {}
        isOver.store(true, ordering: .relaxed)
        _ = thread.join(within: .seconds(10))
        return [
            "alone_us": race.median("alone") / 50 * 1e6, "beside_us": race.median("beside") / 50 * 1e6,
            "rate_of_alone": race.ratio("alone", "beside"), "read": Double(read.load(ordering: .relaxed)),
        ]
    }

    /// What this process has read or written by the kernel's count; 0 when it does not count.
    private static func counted(_ name: String) -> Double {
        let text = (try? String(contentsOfFile: "/proc/self/io", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
        return line.flatMap { Double($0.dropFirst(name.count)) } ?? 0
    }

    private static func hammer(_ folder: String) throws {
        let ledger = try SyntheticLedger(folder)
        FileHandle.standardOutput.write(Data("{\"opened\": 1}\n".utf8))
        while true { try ledger.pass() }
    }

    private static func open(_ folder: String) throws -> [String: Double] {
        let log = (try? FileManager.default.attributesOfItem(atPath: folder + "/ledger.db-wal"))?[.size] as? Int ?? 0
        let read = counted("rchar: ")
        let from = now()
        let writer = try LedgerWriter(folder: folder, files: DiskFiles(), clock: SystemClock(), device: "bench")
        let opened = now()
        if let begun = writer.generation { throw BenchFault(what: "the ledger was set aside: \(begun.reason)") }
        return [
            "open_ms": (opened - from) * 1e3, "records": Double(writer.head.sequence),
            "read_bytes": counted("rchar: ") - read, "log_bytes": Double(log),
        ]
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

/// One thread reads through it.
private struct SharedReader: @unchecked Sendable {
    let reader: LedgerReader
}

func now() -> Double {
    Double(clock_gettime_nsec(CLOCK_MONOTONIC)) / 1e9
}

private func clock_gettime_nsec(_ clock: Int32) -> UInt64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Two ways of doing something, piece by piece: one, the other, the other, one.
struct Pairs {
    private static let pairsOfARound = 16
    /// Seconds of one piece, the median of the rounds' means.
    let first: Double
    let second: Double
    /// How many times as long the first takes as the second: the median over the rounds, and of all of it together.
    let ratio: Double
    let overall: Double

    /// `before` and `after` each piece of the second are not measured.
    init(
        _ one: () throws -> Void, _ other: () throws -> Void, _ rounds: Int, before: () throws -> Void = {},
        after: () throws -> Void = {}
    ) throws {
        func timed(_ work: () throws -> Void) throws -> Double {
            let from = now()
            try work()
            return now() - from
        }
        var firsts: [Double] = []
        var seconds: [Double] = []
        for _ in 0..<rounds {
            var sums = (0.0, 0.0)
            for pair in 0..<Pairs.pairsOfARound {
                if pair.isMultiple(of: 2) { sums.0 += try timed(one) }
                try before()
                sums.1 += try timed(other)
                try after()
                if !pair.isMultiple(of: 2) { sums.0 += try timed(one) }
            }
            firsts.append(sums.0 / Double(Pairs.pairsOfARound))
            seconds.append(sums.1 / Double(Pairs.pairsOfARound))
        }
        first = Race.median(firsts)
        second = Race.median(seconds)
        ratio = Race.median(zip(firsts, seconds).map { $0 / $1 })
        overall = firsts.reduce(0, +) / seconds.reduce(0, +)
    }
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

    /// The same over all rounds together, for work that does not do the same in each.
    func totalRatio(_ first: String, _ second: String) -> Double {
        (seconds[first] ?? []).reduce(0, +) / (seconds[second] ?? []).reduce(0, +)
    }

    fileprivate static func median(_ values: [Double]) -> Double {
        guard !values.isEmpty else { return 0 }
        let sorted = values.sorted()
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
}
