// `gatewarden ledger …`: beside a running controller or without one; nothing but `reindex` writes to the ledger.

import Domain
import Ledger
import Machine

/// The state folder's parts.
enum StateFolder {
    static func ledger(_ state: String) -> String { state + "/ledger" }
}

func runLedger(_ command: LedgerCommand) -> Int32 {
    do throws(LedgerError) {
        switch command {
        case .verify(let state, let witness): return try verify(state, witness)
        case .tail(let state, let count): return try tail(reader(state), count)
        case .query(let state, let query, let newestFirst, let limit, let after):
            return try showPassages(reader(state), query, newestFirst, limit, after)
        case .count(let state, let query, let walks): return try showCounts(reader(state), query, walks)
        case .export(let state, let format, let query, let until, let output):
            return try export(reader(state), format, query, until, output)
        case .reindex(let state):
            let count = try LedgerWriter.reindex(folder: StateFolder.ledger(state), files: DiskFiles())
            return say("\(count) passages indexed")
        case .backup(let state, let folder, let isFull, let rate, let setsKept):
            return say(try backup(folder, rate, setsKept).run(reader(state), isFull: isFull).line)
        case .verifyBackup(let folder): return try verifyBackup(folder)
        case .restore(let folder, let state): return try restore(folder, state)
        case .drill(let folder, let scratch, let state): return try drill(folder, scratch, state)
        }
    } catch {
        complain(error.description)
        return 1
    }
}

private func reader(_ state: String) throws(LedgerError) -> LedgerReader {
    try LedgerReader(folder: StateFolder.ledger(state), files: DiskFiles())
}

/// False on the standard output means that nobody reads any more.
private func say(_ lines: String...) -> Int32 {
    for line in lines where !StandardOutput.line(line) { return 1 }
    return 0
}

private func verify(_ state: String, _ witness: LedgerHead?) throws(LedgerError) -> Int32 {
    let (reports, isSound) = try LedgerGenerations.verify(
        folder: StateFolder.ledger(state), files: DiskFiles(), witness: witness)
    guard isSound else {
        for report in reports.dropLast() { for line in report.lines() { complain(line) } }
        for line in reports.last?.lines() ?? [] { complain(line) }
        return 1
    }
    // The present generation first.
    for report in reports.reversed() {
        for line in report.lines() where !StandardOutput.line(line) { return 1 }
    }
    guard let text = reports.last?.report.notCompared else { return 0 }
    complain("ledger: " + text)
    return 2
}

private func tail(_ reader: LedgerReader, _ count: Int) throws(LedgerError) -> Int32 {
    let head = try reader.head()?.sequence ?? 0
    var next = head > UInt64(count) ? head - UInt64(count) + 1 : 1
    while next <= head {
        let records = try reader.records(from: next, limit: 256)
        guard let last = records.last else { return 0 }
        for record in records where !StandardOutput.line(record.line) { return 1 }
        next = last.sequence + 1
    }
    return 0
}

private func showPassages(
    _ reader: LedgerReader, _ query: LedgerQuery, _ newestFirst: Bool, _ limit: Int, _ after: UInt64?
) throws(LedgerError) -> Int32 {
    let page = try reader.passages(query, newestFirst: newestFirst, limit: limit, after: after)
    for line in page.rows.flatMap({ $0.lines }) where !StandardOutput.line(line) { return 1 }
    let gaps = try reader.gaps(page.covered(query, newestFirst: newestFirst, isFirst: after == nil))
    for gap in gaps where !StandardOutput.line("gap: \(gap.line)") { return 1 }
    if let next = page.next, !StandardOutput.line("more: add --after \(next)") { return 1 }
    return try end(reader, "\(page.rows.count) rows, \(gaps.count) gaps")
}

private func showCounts(_ reader: LedgerReader, _ query: LedgerQuery, _ walks: Bool) throws(LedgerError) -> Int32 {
    let counts = try walks ? reader.countsByWalking(query) : reader.counts(query)
    for line in counts.table where !StandardOutput.line(line) { return 1 }
    let gaps = try reader.gaps(query)
    for gap in gaps where !StandardOutput.line("gap: \(gap.line)") { return 1 }
    let how =
        walks
        ? "counted from the records, the chain checked"
        : counts.isCompared ? "each compared with its record" : "counted from the index: --walk counts the records"
    return try end(reader, "\(counts.summary(query)), \(how), \(gaps.count) gaps")
}

/// The last line names the head, as every report does.
private func end(_ reader: LedgerReader, _ text: String) throws(LedgerError) -> Int32 {
    guard let witness = try reader.witness() else { return say(text) }
    return say("\(text); \(witness.line)")
}

private func export(
    _ reader: LedgerReader, _ format: ExportFormat, _ query: LedgerQuery, _ until: UInt64?, _ output: String?
) throws(LedgerError) -> Int32 {
    guard let output else {
        try reader.export(format, query, until: until) { (text) throws(MachineError) in
            if !StandardOutput.write(Array(text.utf8)) { throw .closed(subject: "standard output") }
        }
        return 0
    }
    let disk = DiskFiles()
    let summary = try reader.export(format, query, until: until, path: output, disk)
    return say(
        "\(summary.rows) rows and \(summary.gaps) gaps in \(output); proof \(output).proof from record "
            + "\(summary.first); head \(summary.head.sequence) \(summary.head.hash.hexadecimal)")
}

private func backup(
    _ folder: String, _ bytesPerSecond: Int, _ setsKept: Int = LedgerBackup.setsKept
) -> LedgerBackup {
    let disk = DiskFiles()
    return LedgerBackup(
        folder: folder, files: disk, streams: disk, pace: Pace(bytesPerSecond: bytesPerSecond), setsKept: setsKept)
}

private func drill(_ folder: String, _ scratch: String, _ state: String?) throws(LedgerError) -> Int32 {
    let clock = SystemClock()
    let began = clock.now()
    var live: LedgerReader?
    if let state { live = try reader(state) }
    let restored = try LedgerRestore.drill(backup(folder, .max), scratch: scratch, live: live, files: DiskFiles())
    let report = restored.report
    var lines = [
        "drill passed in \(clock.now().since(began).milliseconds / 1_000) s: the backup of \(restored.device) makes a "
            + "sound ledger: \(report.records) records, \(restored.passages) passages, \(restored.photos) photos read, "
            + "\(restored.missing) not in the ledger then, head \(report.head.sequence) \(report.head.hash.hexadecimal)"
    ]
    if let live, let head = try live.head() {
        lines.append(
            "the ledger of \(state ?? "") holds that head, and \(head.sequence - report.head.sequence) records since")
    }
    for line in lines where !StandardOutput.line(line) { return 1 }
    return 0
}

private func verifyBackup(_ folder: String) throws(LedgerError) -> Int32 {
    let content = try backup(folder, .max).verify()
    return say(
        "sound: backup of \(content.device), records \(content.first) to \(content.head.sequence) in "
            + "\(content.files) files, \(content.photos) photos, \(content.missing) not in the ledger then, "
            + "head \(content.head.sequence) \(content.head.hash.hexadecimal)")
}

private func restore(_ folder: String, _ state: String) throws(LedgerError) -> Int32 {
    let disk = DiskFiles()
    let restored = try LedgerRestore.run(backup(folder, .max), state: state, files: disk, streams: disk)
    let report = restored.report
    return say(
        "restored to \(StateFolder.ledger(state)) and sound: \(report.records) records, \(report.decisions) decisions, "
            + "\(report.passes) passes, \(restored.photos) photos, \(restored.missing) not in the ledger then, "
            + "head \(report.head.sequence) \(report.head.hash.hexadecimal)")
}
