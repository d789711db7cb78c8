// What a database says of itself when it is opened: its first record, its last seal, and the records since.
//
// Invariants: it only reads. What is not as it was written is a fault in the result, not an error: a gate whose ledger
// is damaged goes on in a new generation.
// Limits: at most `LedgerLimits.recordsVerifiedAtOpen` records are read, whatever the length of the ledger.

import Crypto
import Domain
import Store

struct LedgerTail {
    /// The last record that is as it was written; nil when there is none.
    var lastGood: LedgerHead?
    /// The last boot's number; 0 when there was none.
    var boot: UInt32 = 0
    /// The device that the first record names; nil when there is no record.
    var device: String?
    var root: SealingRoot?
    /// The last good seal.
    var seal: (sequence: UInt64, entry: SealEntry, wall: WallTime)?
    /// Bytes of the photos named since that seal, by the records that were read.
    var photoBytes: UInt64 = 0
    var fault: LedgerError?

    var generation: UInt32 { root?.generation ?? 1 }

    /// The epoch and key of the next seal.
    var next: (epoch: UInt64, key: Ed25519PublicKey)? {
        if let seal { return (seal.entry.epoch + 1, seal.entry.nextKey) }
        return root.map { ($0.epoch, $0.key) }
    }

    init(_ database: Database) throws(LedgerError) {
        do throws(LedgerError) {
            try read(database)
        } catch {
            guard error.isDamage else { throw error }
            fault = error
        }
    }

    private mutating func read(_ database: Database) throws(LedgerError) {
        let rows = try Kept.statement(
            database, "SELECT seq, kind, token, canonical, hash FROM record WHERE seq >= ?1 ORDER BY seq")
        guard let first = try LedgerTail.row(rows, from: 0) else { return }
        let start = try first.decoded()
        guard case .boot(_, _, let device, let root) = start.body else {
            throw .damaged(sequence: first.sequence, reason: "it is the first and not a boot record")
        }
        self.device = device
        guard let root else {
            throw .damaged(sequence: first.sequence, reason: "it names no sealing key: the ledger was begun without")
        }
        self.root = root
        let newest = try Kept.value(database, "SELECT max(seq) FROM record")
        let seals = try Kept.statement(
            database,
            """
            SELECT seq, kind, token, canonical, hash FROM record INDEXED BY seal_record
            WHERE kind = 13 ORDER BY seq DESC LIMIT 1
            """)
        var walk = ChainWalk(
            after: LedgerHead(sequence: first.sequence &- 1, hash: Chain.genesis(device: device)))
        var from = first.sequence
        if try Kept.step(seals) {
            let row = StoredRecord(seals)
            seals.reset()
            guard case .seal(let entry) = try row.decoded().body, SealSignature.verifies(row.canonical, entry) else {
                throw .damaged(sequence: row.sequence, reason: "its signature is not the one of its key")
            }
            walk = ChainWalk(after: LedgerHead(sequence: row.sequence &- 1, hash: entry.previousHash))
            try take(row, &walk)
            from = row.sequence + 1
        }
        let limit = LedgerLimits.recordsVerifiedAtOpen
        if UInt64(newest) > from + limit, let anchor = try LedgerTail.row(rows, from: UInt64(newest) - limit) {
            // Sealing failed for long: the record before the newest ones is taken as given.
            walk = ChainWalk(after: LedgerHead(sequence: anchor.sequence, hash: try anchor.decoded().hash))
            from = anchor.sequence + 1
        }
        try walkOn(rows, from, &walk)
    }

    private mutating func walkOn(
        _ rows: Statement, _ from: UInt64, _ walk: inout ChainWalk
    ) throws(LedgerError) {
        rows.bind(1, from)
        defer { rows.reset() }
        while try Kept.step(rows) {
            try take(StoredRecord(rows), &walk)
        }
    }

    private mutating func take(_ row: StoredRecord, _ walk: inout ChainWalk) throws(LedgerError) {
        let header = try walk.advance(row)
        let record = try row.decodedForOpening(header)
        if case .seal(let entry) = record.body { seal = (record.sequence, entry, record.wall) }
        if case .capture(let capture) = record.body {
            for photo in capture.photos { photoBytes += UInt64(photo.byteCount) }
        }
        boot = record.boot
        lastGood = walk.head
    }

    private static func row(_ rows: Statement, from: UInt64) throws(LedgerError) -> StoredRecord? {
        rows.bind(1, from)
        defer { rows.reset() }
        return try Kept.step(rows) ? StoredRecord(rows) : nil
    }
}

extension StoredRecord {
    /// A record whose bytes have their hash, and a value that this version does not know, is no damage: a whole ledger
    /// is not set aside for it.
    fileprivate func decodedForOpening(_ header: RecordHeader) throws(LedgerError) -> Record {
        guard let hash else { return try decoded(header) }
        do throws(RecordFault) {
            return try Record(canonical: canonical, header, hash: hash)
        } catch {
            guard case .invalid = error, header.kindNumber != RecordKind.seal.rawValue else {
                return try decoded(header)
            }
            return Record(unread: header, hash: hash)
        }
    }
}

extension LedgerError {
    /// Whether the file is at fault, and not the disk, the rights or the caller: then a new generation helps.
    var isDamage: Bool {
        switch self {
        case .damaged, .structure: true
        case .store(.foreign): true
        case .store(let error): error.isDamage
        case .file, .lockedByAnother, .otherDevice, .photoDamaged, .nothingRecorded, .noSuchRecord, .indexDiffers,
            .backup,
            .limit, .refused:
            false
        }
    }
}
