// Copies the ledger to another disk, beside the running writer: whole now and then, and in between what is new.
//
// Invariants: it reads as any reader does, in short reads. A file gets its name when it is whole and durable, so a
// power cut leaves the backup before. What was written is read back from the disk: each record's hash, each photo's.
// Photos are on the disk before the chain file that names them. Nothing is written to the ledger. Only full copies of
// the ledger's present generation make room for newer ones; those of an earlier generation stay. A folder that holds
// another device's ledger, or another history of this one, is refused.
// Limits: it takes at most the given bytes a second, and keeps the given number of sets.

import Crypto
import Domain
import Formats
import Machine
import Store

public struct BackupReport: Sendable {
    public enum Kind: Sendable {
        case full
        case part
        /// Nothing has been recorded since the last one.
        case nothingNew
    }

    public internal(set) var kind: Kind
    /// Why a full copy was made unasked; empty otherwise.
    public internal(set) var reason = ""
    public internal(set) var first: UInt64 = 0
    public internal(set) var head: LedgerHead
    /// Photos that these records name, and how many of them were copied now.
    public internal(set) var photos: UInt64 = 0
    public internal(set) var copied: UInt64 = 0
    /// Photos that the ledger itself does not have: pruned, or lost.
    public internal(set) var missing: UInt64 = 0
    /// Photos removed from the backup: no record in it names them any more.
    public internal(set) var removed = 0
    /// What was written: the chain file and the photos.
    public internal(set) var bytes: UInt64 = 0
    /// What did not go well though the backup itself is sound; empty otherwise.
    public internal(set) var warning = ""

    /// One line for a person.
    public var line: String {
        let tail = "head \(head.sequence) \(head.hash.hexadecimal)"
        let what: String
        switch kind {
        case .nothingNew: return "nothing new since the last backup; \(tail)"
        case .full: what = "full"
        case .part: what = "part"
        }
        return "\(what) backup of records \(first) to \(head.sequence), read back and sound; \(photos) photos, "
            + "\(copied) copied now, \(missing) not in the ledger; \(tail)"
            + (removed == 0 ? "" : "; \(removed) photos removed that no record in it names any more")
            + (reason.isEmpty ? "" : "; full because \(reason)") + (warning.isEmpty ? "" : "; \(warning)")
    }
}

/// What a backup was found to hold.
public struct BackupContent: Sendable {
    public internal(set) var device = ""
    public internal(set) var files = 0
    public internal(set) var first: UInt64 = 0
    public internal(set) var head: LedgerHead
    public internal(set) var photos: UInt64 = 0
    /// Photos that the ledger did not have either when the backup was made.
    public internal(set) var missing: UInt64 = 0
}

public final class LedgerBackup {
    public static let setsKept = 2
    let folder: BackupFolder
    let photos: PhotoStore
    var pace: Pace
    private let setsKept: Int

    /// - Parameters:
    ///   - folder: a folder of its own for this ledger; made when it is missing (its parent must exist).
    ///   - setsKept: full copies with what follows on them, 1 or more.
    public init(
        folder: String, files: any Files, streams: any FileStreams, pace: Pace, setsKept: Int = LedgerBackup.setsKept
    ) {
        self.folder = BackupFolder(folder, files, streams)
        self.pace = pace
        self.setsKept = max(1, setsKept)
        photos = PhotoStore(ledger: folder, files)
    }

    // MARK: - Making one

    /// Copies what is new, or everything: when asked, when there is nothing to go on from, and when what is there is
    /// damaged or of another history of this ledger.
    public func run(_ reader: LedgerReader, isFull: Bool) throws(LedgerError) -> BackupReport {
        let lock = try takeLock()
        defer { withExtendedLifetime(lock) {} }
        try removeUnfinished(looksEverywhere: isFull)
        // The cursors before the head: none may point behind what is copied.
        let deliveries = try reader.deliveries()
        let newest = try reader.newestRecord()
        let oldest = try reader.oldest().sequence
        let (first, device) = try reader.beginning()
        var report = BackupReport(kind: .full, head: LedgerHead(sequence: newest.sequence, hash: newest.hash))
        var before = try reader.head(before: oldest)
        // Asked in any case: what may not be mixed is refused.
        let last = try lastCopied(reader, device, first.sequence, newest.sequence, &report.reason)
        if isFull {
            report.reason = ""
        } else if let last {
            report.kind = last == report.head ? .nothingNew : .part
            if report.kind == .nothingNew { return report }
            before = last
        }
        report.first = before.sequence + 1
        try write(reader, before, newest, deliveries, &report)
        if report.kind == .full { makeRoom(from: first.sequence, &report) }
        return report
    }

    /// The new copy is sound whatever becomes of the old ones.
    private func makeRoom(from first: UInt64, _ report: inout BackupReport) {
        do throws(LedgerError) {
            guard try folder.keepNewest(setsKept, from: first) else { return }
            // Makes it durable first: an old set must not be there again with its photos gone.
            try photos.createFolder()
            report.removed = try removeUnnamedPhotos()
        } catch {
            report.warning = "older copies were not tidied away: \(error.description)"
        }
    }

    private func takeLock() throws(LedgerError) -> FileLock {
        let path = folder.path
        // Its photos would be taken for those of a backup.
        guard !folder.files.exists(LedgerPath.database(path)) else {
            throw .backup(folder: path, reason: "a ledger itself lies there; name another folder")
        }
        var lock: FileLock?
        try LedgerError.file("open the backup's folder") { () throws(MachineError) in
            try folder.files.createFolder(path)
            lock = try FileLock.take(path + "/.lock")
        }
        try photos.createFolder()
        guard let lock else { throw .backup(folder: path, reason: "another backup is being made into it") }
        return lock
    }

    /// Where a part goes on from; nil, and why, when all must be copied.
    private func lastCopied(
        _ reader: LedgerReader, _ device: String, _ first: UInt64, _ newest: UInt64, _ reason: inout String
    ) throws(LedgerError) -> LedgerHead? {
        guard let set = try folder.sets().last, let file = set.files.last else { return nil }
        let content: ChainFileContent
        do throws(LedgerError) {
            content = try ChainFile.read(folder.path(of: file), folder.streams) { (_, canonical) throws(LedgerError) in
                try pace.spend(canonical.count)
            }
        } catch {
            if case .backup = error { throw error }
            reason = "\(file.name) is damaged"
            return nil
        }
        guard content.device.utf8.elementsEqual(device.utf8) else {
            throw .backup(
                folder: folder.path,
                reason: "it is of device \"\(content.device)\", this ledger is of \"\(device)\"; name another folder")
        }
        let last = content.last
        if last.sequence < first {
            reason = "a new generation of the ledger began with record \(first)"
            return nil
        }
        let same = try reader.records(from: last.sequence, limit: 1).first
        if let same, same.sequence > last.sequence {
            reason = "the ledger was pruned beyond record \(last.sequence) of the backup"
            return nil
        }
        guard let same, same.hash == last.hash else {
            throw .backup(
                folder: folder.path,
                reason: last.sequence > newest
                    ? "it goes to record \(last.sequence), and this ledger to \(newest): it is of another history; "
                        + "keep it, and name another folder"
                    : "its record \(last.sequence) is not that of this ledger: it is of another history; keep it, "
                        + "and name another folder")
        }
        return last
    }

    private func write(
        _ reader: LedgerReader, _ before: LedgerHead, _ newest: Record,
        _ deliveries: [(destination: String, position: DuePosition)], _ report: inout BackupReport
    ) throws(LedgerError) {
        let file = BackupFile(isFull: report.kind == .full, first: before.sequence + 1, last: newest.sequence)
        let path = folder.path(of: file)
        let output = CountedOutput(
            try LedgerError.file("write \(path)") { () throws(MachineError) in
                try folder.streams.output(path)
            })
        let (beginning, device) = try reader.beginning()
        let foundation = report.kind == .full && beginning.sequence < file.first ? before.sequence : 0
        let chain = try ChainFileWriter(
            output, device: device, after: before, foundation: reader.foundationCount(through: foundation))
        try reader.eachOfFoundation(through: foundation) { (canonical) throws(LedgerError) in
            try chain.add(canonical)
        }
        try reader.walkChain(from: file.first, through: file.last) { (record, stored) throws(LedgerError) in
            for photo in record.ownPhotos { try copy(photo, reader, &report) }
            try chain.add(stored.canonical)
            try pace.spend(stored.canonical.count * 4 / 3)
        }
        var object = JSONObject()
        object.put(
            "deliveries",
            deliveries.map { delivery in
                var object = JSONObject()
                object.put("destination", delivery.destination)
                object.put("seq", number: delivery.position.sequence)
                object.put("step", number: delivery.position.step)
                return object
            })
        object.put("photos", number: report.photos)
        object.put("missing", number: report.missing)
        let head = report.head
        try chain.end(head, wall: newest.wall, purpose: "backup", object)
        report.bytes += output.bytes
        do throws(LedgerError) {
            let content = try ChainFile.read(path, folder.streams) { (_, canonical) throws(LedgerError) in
                try pace.spend(canonical.count)
            }
            guard content.last == head, content.before == before else {
                throw ChainFile.fault(path, "it does not hold what was written")
            }
        } catch {
            // What cannot be read back must not stand there as a backup.
            try LedgerError.file("remove \(path)") { () throws(MachineError) in try folder.files.remove(path) }
            throw error
        }
    }

    private func copy(
        _ photo: PhotoReference, _ reader: LedgerReader, _ report: inout BackupReport
    ) throws(LedgerError) {
        report.photos += 1
        guard !photos.has(photo) else { return }
        let bytes: [UInt8]
        do throws(LedgerError) {
            bytes = try reader.photo(photo)
        } catch {
            guard case .photoDamaged = error else { throw error }
            report.missing += 1
            return
        }
        try photos.keepCopy(bytes, photo, folder.streams)
        report.copied += 1
        report.bytes += UInt64(bytes.count)
        try pace.spend(bytes.count)
    }

    // MARK: - Checking one

    /// Reads the newest set through, and each photo that it names.
    public func verify() throws(LedgerError) -> BackupContent {
        var content = BackupContent(head: LedgerHead(sequence: 0, hash: .zero))
        let (set, file) = try eachRecord { (record, _) throws(LedgerError) in
            if content.first == 0 { content.first = record.sequence }
            for photo in record.ownPhotos {
                content.photos += 1
                // One that the ledger lacked is told by the tail line's count.
                guard photos.has(photo) else {
                    content.missing += 1
                    continue
                }
                try pace.spend(photos.load(photo).count)
            }
        }
        let known = file.missing
        guard content.missing <= known else {
            throw .backup(
                folder: folder.path,
                reason: "\(content.missing) photos are not in it, \(known) were missing when it was made")
        }
        content.device = file.device
        content.files = set.files.count
        content.head = file.last
        return content
    }

    /// Calls `take` with each record of the newest set.
    func eachRecord(
        _ take: (Record, [UInt8]) throws(LedgerError) -> Void
    ) throws(LedgerError) -> (BackupSet, BackupEnd) {
        guard let set = try folder.sets().last else {
            throw .backup(folder: folder.path, reason: "there is no backup in it")
        }
        return (set, try folder.read(set, take))
    }

    /// The bytes of a photo of the backup; nil when it is not there.
    func photo(_ reference: PhotoReference) throws(LedgerError) -> [UInt8]? {
        photos.has(reference) ? try photos.load(reference) : nil
    }
}

/// Counts what is written.
private final class CountedOutput: FileOutput {
    private let inner: any FileOutput
    private(set) var bytes: UInt64 = 0

    init(_ inner: any FileOutput) {
        self.inner = inner
    }

    func write(_ bytes: [UInt8]) throws(MachineError) {
        try inner.write(bytes)
        self.bytes += UInt64(bytes.count)
    }

    func publish() throws(MachineError) { try inner.publish() }
}

extension Record {
    /// The photos that this record brought into the ledger. A pass repeats those of its capture.
    var ownPhotos: [PhotoReference] {
        switch body {
        case .capture(let capture): capture.photos
        case .supplement(let supplement): supplement.photos
        case .boot, .decision, .pass, .quarantine, .note, .seal, .prune, .generation, .manualRelease, .carried,
            .unrecognised:
            []
        }
    }
}

extension LedgerReader {
    /// How many records of the foundation there are up to this one.
    func foundationCount(through last: UInt64) throws(LedgerError) -> UInt64 {
        let query = try Kept.statement(database, "SELECT count(*) FROM record WHERE seq <= ?1")
        query.bind(1, last)
        return try Kept.step(query) ? query.unsigned(0) : 0
    }

    func eachOfFoundation(
        through last: UInt64, _ take: ([UInt8]) throws(LedgerError) -> Void
    ) throws(LedgerError) {
        var next: UInt64 = 0
        while next <= last {
            let rows = try stored(from: next, limit: 256)
            for row in rows where row.sequence <= last { try take(row.canonical) }
            guard let newest = rows.last else { return }
            next = newest.sequence + 1
        }
    }

    /// How far each destination is.
    func deliveries() throws(LedgerError) -> [(destination: String, position: DuePosition)] {
        let query = try Kept.statement(database, "SELECT destination, seq, step FROM delivery ORDER BY destination")
        var found: [(destination: String, position: DuePosition)] = []
        while try Kept.step(query) {
            found.append(
                (
                    query.text(0),
                    DuePosition(sequence: query.unsigned(1), step: UInt32(truncatingIfNeeded: query.integer(2)))
                ))
        }
        return found
    }
}
