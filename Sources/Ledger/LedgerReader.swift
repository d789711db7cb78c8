// Reads the ledger beside the writer: the uplink, the console, exports. Each thread has a reader of its own.
//
// Invariants: it never writes and never checkpoints; no read stays open between calls, so the WAL can be cut back.

import Domain
import Machine
import Store

/// One thing that a destination is to be sent next.
public struct DueItem: Sendable {
    /// The pass record's number: with `step`, what `confirm` and `quarantine` are given.
    public let sequence: UInt64
    /// 0 for the row itself, k for its k-th photo.
    public let step: UInt32
    public let row: PassRow
    /// The photo of this step; nil for the row.
    public let photo: PhotoReference?
}

/// A generation that was set aside.
public struct EarlierGeneration {
    public let name: String
    fileprivate let number: UInt32
    fileprivate let folder: String
    fileprivate let files: any Files

    public func reader() throws(LedgerError) -> LedgerReader {
        try LedgerReader(folder: folder, files: files, generation: number)
    }
}

public final class LedgerReader {
    let database: Database
    private let photos: PhotoStore
    private let delivery: DeliveryQueries
    private let recordsFrom: Statement
    private let newest: Statement
    private let newestKeys: Statement
    private let quarantined: Statement
    private let quarantinedItem: Statement
    private let pruneRecords: Statement
    private let newestSeal: Statement
    private let folder: String
    private let files: any Files
    /// False for a generation that was set aside.
    let isPresentGeneration: Bool

    /// Opens a ledger that a writer has begun, or a generation of it that was set aside. `vfs` names a file layer of
    /// SQLite's.
    public init(
        folder: String, files: any Files, vfs: String? = nil, generation: UInt32? = nil
    ) throws(LedgerError) {
        photos = PhotoStore(ledger: folder, files)
        self.folder = folder
        self.files = files
        isPresentGeneration = generation == nil
        let path = generation.map { folder + "/" + LedgerPath.generation($0) } ?? LedgerPath.database(folder)
        do throws(StoreError) {
            database = try Database.reader(path, LedgerSchema.schema, vfs: vfs)
            newestSeal = try database.prepare(
                """
                SELECT seq, kind, token, canonical, hash FROM record INDEXED BY seal_record
                WHERE kind = 13 ORDER BY seq DESC LIMIT 1
                """)
            pruneRecords = try database.prepare(
                """
                SELECT seq, kind, token, canonical, hash FROM record INDEXED BY prune_record
                WHERE kind = 14 ORDER BY seq DESC
                """)
            delivery = try DeliveryQueries(database)
            recordsFrom = try database.prepare(
                "SELECT seq, kind, token, canonical, hash FROM record WHERE seq >= ?1 ORDER BY seq LIMIT ?2")
            newest = try database.prepare(
                "SELECT seq, kind, token, canonical, hash FROM record ORDER BY seq DESC LIMIT 1")
            newestKeys = try database.prepare("SELECT key FROM capture ORDER BY seq DESC LIMIT ?1")
            quarantined = try database.prepare(
                "SELECT seq, step, reason FROM quarantine WHERE destination = ?1 ORDER BY seq, step LIMIT ?2")
            quarantinedItem = try database.prepare(
                "SELECT 1 FROM quarantine WHERE destination = ?1 AND seq = ?2 AND step = ?3")
        } catch {
            throw .store(error)
        }
    }

    /// The newest record; nil when there is none.
    public func head() throws(LedgerError) -> LedgerHead? {
        defer { newest.reset() }
        guard try Kept.step(newest) else { return nil }
        let row = StoredRecord(newest)
        guard let hash = row.hash else { throw .damaged(sequence: row.sequence, reason: "it has no hash") }
        return LedgerHead(sequence: row.sequence, hash: hash)
    }

    /// The newest record and the epoch of the last seal, to be witnessed; nil when there is no record.
    public func witness() throws(LedgerError) -> LedgerWitness? {
        guard let head = try head() else { return nil }
        defer { newestSeal.reset() }
        guard try Kept.step(newestSeal), case .seal(let seal) = try StoredRecord(newestSeal).decoded().body else {
            return LedgerWitness(head: head, epoch: nil)
        }
        return LedgerWitness(head: head, epoch: seal.epoch)
    }

    /// Up to `limit` records from number `from` on.
    public func records(from: UInt64, limit: Int) throws(LedgerError) -> [Record] {
        var records: [Record] = []
        for row in try stored(from: from, limit: limit) { records.append(try row.decoded()) }
        return records
    }

    /// The prune records, newest first.
    func prunes() throws(LedgerError) -> [StoredRecord] {
        defer { pruneRecords.reset() }
        var rows: [StoredRecord] = []
        while try Kept.step(pruneRecords) { rows.append(StoredRecord(pruneRecords)) }
        return rows
    }

    /// Ends what another thread reads through this reader now, with an error. The one call that any thread may make.
    public func interrupt() { database.interrupt() }

    /// How many prune records there are: more than before when something was removed in between.
    public func pruneCount() throws(LedgerError) -> Int { try prunes().count }

    /// The record up to which photos were given up, of this generation and those before; 0 when none were.
    public func photosPrunedThrough() throws(LedgerError) -> UInt64 {
        var through: UInt64 = 0
        for row in try prunes() {
            guard let record = LedgerVerifier.decoded(row), case .prune(let entry) = record.body else { continue }
            through = max(through, entry.photosThrough ?? 0)
        }
        return through
    }

    /// The generation of this number that was set aside; nil when there is none.
    public func earlierGeneration(_ number: UInt32) -> EarlierGeneration? {
        let name = LedgerPath.generation(number)
        guard files.exists(folder + "/" + name) else { return nil }
        return EarlierGeneration(name: name, number: number, folder: folder, files: files)
    }

    /// What the counter beside the ledger holds; nil when there is none.
    public func sealedState() -> SealedState? {
        SealCounter(folder: LedgerPath.seals(folder), files).state
    }

    func stored(from: UInt64, limit: Int) throws(LedgerError) -> [StoredRecord] {
        defer { recordsFrom.reset() }
        recordsFrom.bind(1, from)
        recordsFrom.bind(2, Int64(limit))
        var rows: [StoredRecord] = []
        while try Kept.step(recordsFrom) { rows.append(StoredRecord(recordsFrom)) }
        return rows
    }

    /// What the destination is to be sent next; nil when it has everything.
    public func nextDue(destination: String) throws(LedgerError) -> DueItem? {
        guard let position = try query({ () throws(StoreError) in try delivery.next(destination) }) else { return nil }
        guard let record = try records(from: position.sequence, limit: 1).first,
            record.sequence == position.sequence, let row = record.body.dueRow
        else { throw .damaged(sequence: position.sequence, reason: "it is due and not a pass record") }
        let index = Int(position.step) - 1
        guard index < row.photos.count else {
            throw .damaged(sequence: position.sequence, reason: "more photos are due than it has")
        }
        return DueItem(
            sequence: position.sequence, step: position.step, row: row, photo: index < 0 ? nil : row.photos[index])
    }

    /// How many rows the destination does not wholly have.
    public func backlog(destination: String) throws(LedgerError) -> Int {
        try query { () throws(StoreError) in try delivery.backlog(destination) }
    }

    /// What the destination would not take, oldest first.
    public func quarantined(destination: String, limit: Int) throws(LedgerError) -> [QuarantineEntry] {
        defer { quarantined.reset() }
        quarantined.bind(1, text: destination)
        quarantined.bind(2, Int64(limit))
        var entries: [QuarantineEntry] = []
        while try Kept.step(quarantined) {
            entries.append(
                QuarantineEntry(
                    destination: destination, sequence: quarantined.unsigned(0),
                    step: UInt32(truncatingIfNeeded: quarantined.integer(1)), reason: quarantined.text(2)))
        }
        return entries
    }

    /// Whether the destination would not take this item.
    public func isQuarantined(destination: String, sequence: UInt64, step: UInt32) throws(LedgerError) -> Bool {
        defer { quarantinedItem.reset() }
        quarantinedItem.bind(1, text: destination)
        quarantinedItem.bind(2, sequence)
        quarantinedItem.bind(3, Int64(step))
        return try Kept.step(quarantinedItem)
    }

    /// The keys of the newest captures, newest first.
    public func knownCaptureKeys(limit: Int) throws(LedgerError) -> [String] {
        defer { newestKeys.reset() }
        newestKeys.bind(1, Int64(limit))
        var keys: [String] = []
        while try Kept.step(newestKeys) { keys.append(newestKeys.text(0)) }
        return keys
    }

    /// The bytes of a photo, checked against its hash.
    public func photo(_ reference: PhotoReference) throws(LedgerError) -> [UInt8] {
        try photos.load(reference)
    }

    private func query<T>(_ work: () throws(StoreError) -> T) throws(LedgerError) -> T {
        do throws(StoreError) {
            return try work()
        } catch {
            throw .store(error)
        }
    }
}
