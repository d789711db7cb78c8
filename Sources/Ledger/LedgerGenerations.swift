// All generations of a ledger: each is verified by itself, and against what the next one says of it.

import Domain
import Machine

public struct GenerationReport: Sendable {
    /// Its number; the present one is the last.
    public let generation: UInt32
    /// The name of its file.
    public let file: String
    public var report: LedgerReport

    /// What is to be said of it, the verdict first. `findings` limits how many of these are told.
    public func lines(findings limit: Int = 40) -> [String] {
        let name = file == LedgerGenerations.presentFile ? "" : file + ": "
        var lines: [String] = []
        if let fault = report.fault {
            lines.append(name + fault.description)
        } else {
            lines.append(
                "\(name)sound: \(report.records) records, \(report.decisions) decisions, \(report.passes) passes, "
                    + "\(report.photos) photos, head \(report.head.sequence) \(report.head.hash.hexadecimal)")
            lines.append("  \(name)\(report.seals) seals" + (report.epoch.map { ", the last of epoch \($0)" } ?? ""))
        }
        // What comes before a fault is no more to be relied on than what comes after.
        if report.fault != nil { return lines }
        lines += report.findings.prefix(limit).map { "  \(name)\($0.line)" }
        if report.findings.count > limit { lines.append("  \(name)and \(report.findings.count - limit) more") }
        return lines
    }
}

public enum LedgerGenerations {
    static let presentFile = "ledger.db"
    /// How many generations are looked for.
    private static let limit: UInt32 = 1_000
    private static let attempts = 3

    /// Verifies those that were set aside, oldest first, and then the present one. A damaged old one is no fault of the
    /// present one: `isSound` of the result speaks of the present one and of its link.
    public static func verify(
        folder: String, files: any Files, witness: LedgerHead? = nil, checksPhotos: Bool = true
    ) throws(LedgerError) -> (reports: [GenerationReport], isSound: Bool) {
        var reports: [GenerationReport] = []
        var before: LedgerVerifier?
        let reader = try LedgerReader(folder: folder, files: files)
        let photosThrough = try reader.photosPrunedThrough()
        for number in 1...limit {
            let name = LedgerPath.generation(number)
            guard files.exists(folder + "/" + name) else { break }
            var report = LedgerReport(head: LedgerHead(sequence: 0, hash: .zero))
            do throws(LedgerError) {
                let verifier = try LedgerVerifier(
                    LedgerReader(folder: folder, files: files, generation: number), checksPhotos: checksPhotos,
                    photosThrough: photosThrough)
                report = verifier.verify(after: before)
                before = verifier
            } catch {
                report.fault = error
                before = nil
            }
            reports.append(GenerationReport(generation: number, file: name, report: report))
        }
        // A witnessed record of an earlier generation is looked for there.
        let first = try reader.stored(from: 0, limit: 1).first?.sequence ?? 1
        let isOwn = witness.map { $0.sequence >= first } ?? false
        var report = LedgerReport(head: LedgerHead(sequence: 0, hash: .zero))
        // A running writer that prunes meanwhile takes away what is about to be read: then once more.
        for _ in 0..<attempts {
            let pruned = try reader.prunes().first?.sequence
            let verifier = try LedgerVerifier(reader, witness: isOwn ? witness : nil, checksPhotos: checksPhotos)
            report = verifier.verify(after: before)
            let nowPruned = try reader.prunes().first?.sequence
            if report.isSound || nowPruned == pruned { break }
        }
        if let witness, !isOwn, report.fault == nil { try compare(witness, folder, files, reports, &report) }
        let number = report.generation
        reports.append(GenerationReport(generation: number, file: presentFile, report: report))
        return (reports, report.isSound)
    }

    /// The witnessed record is of a generation before the present one: some file must hold it with that hash, unless it
    /// was removed after its retention or its file is gone.
    private static func compare(
        _ witness: LedgerHead, _ folder: String, _ files: any Files, _ reports: [GenerationReport],
        _ report: inout LedgerReport
    ) throws(LedgerError) {
        var isRemoved = false
        for old in reports where old.report.head.sequence >= witness.sequence {
            let reader = try LedgerReader(folder: folder, files: files, generation: old.generation)
            let row = try reader.stored(from: witness.sequence, limit: 1).first
            if let row, row.sequence == witness.sequence, row.hash == witness.hash { return }
            isRemoved = isRemoved || row?.sequence != witness.sequence && old.report.prunedThrough >= witness.sequence
        }
        if isRemoved {
            report.notCompared = LedgerReport.removed(witness)
        } else if reports.count + 1 < Int(report.generation) || reports.contains(where: { $0.report.records == 0 }) {
            report.notCompared =
                "record \(witness.sequence), which was witnessed, was not compared: the file of its generation is not "
                + "there or cannot be read; verify a copy that has it, or give the head of a later record"
        } else {
            report.fault = .damaged(
                sequence: witness.sequence, reason: "no generation holds the record with the hash that was witnessed")
        }
    }
}
