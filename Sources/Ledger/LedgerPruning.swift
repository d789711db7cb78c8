// The ring: what is past its retention and delivered to every destination makes room, oldest first, in small steps.
//
// Invariants: a prune goes up to a seal, leaves the foundation (LEDGER-FORMAT.md, "The ring"), and is sealed in that
// transaction; photos are deleted only after the prune record that says so is durable, and never one that a later
// capture names too. Nothing that a destination still waits for is touched.
// Limits: at most `PruneBatch.most` records or one epoch a step; 200 records a step when photos are deleted.

import Crypto
import Domain
import Machine
import Store

/// How long things are kept.
public struct RetentionPolicy: Sendable {
    public var recordDays: UInt32
    /// At most as long as the records: photos go first.
    public var photoDays: UInt32
    /// Who must have everything before it goes.
    public var destinations: [String]

    public init(recordDays: UInt32, photoDays: UInt32, destinations: [String]) {
        self.recordDays = recordDays
        self.photoDays = min(photoDays, recordDays)
        self.destinations = destinations
    }
}

/// How many records one prune takes at least, so that its seal is worth it, and at most.
public struct PruneBatch: Sendable {
    public var least: UInt64 = 1_000
    public var most: UInt64 = 5_000

    public init() {}
}

/// What the ledger takes up on the disk.
public struct LedgerSpace: Equatable, Sendable {
    /// Pages in use; free pages inside the file are used again before it grows.
    public var databaseBytes: UInt64
    public var databaseFileBytes: UInt64
    /// Since this count is kept at seals, it may be off by the photos of one epoch after a crash.
    public var photoBytes: UInt64
    /// Nil when it cannot be told.
    public var freeBytes: UInt64?
}

extension LedgerWriter {
    private static let recordsSweptAtOnce: Int64 = 200
    private static let sweptName = "swept"
    /// How many rows that end after a seal are looked at for photos that were taken before it.
    private static let rowsThatMayReachBack: Int64 = 512

    public func space() throws(LedgerError) -> LedgerSpace {
        let pageBytes = UInt64(try Kept.value(database, "PRAGMA page_size"))
        let pages = UInt64(try Kept.value(database, "PRAGMA page_count"))
        let free = UInt64(try Kept.value(database, "PRAGMA freelist_count"))
        return LedgerSpace(
            databaseBytes: (pages - min(free, pages)) * pageBytes, databaseFileBytes: pages * pageBytes,
            photoBytes: memory.photoBytes, freeBytes: reserve.freeBytes)
    }

    /// Gives up the space that is held back for a full disk. False when there is none.
    public func releaseReserve() -> Bool { reserve.release() }

    /// How much it holds back.
    public static let reserveBytes = UInt64(LedgerReserve.byteCount)

    /// The same before the ledger is open, for a start on a full disk.
    public static func releaseReserve(folder: String, files: any Files) -> Bool {
        LedgerReserve(folder: folder, files).release()
    }

    /// Holds space back for a full disk, when there is enough.
    public func renewReserve() { reserve.renew() }

    /// One step of making room, between transactions. False when there was nothing to do.
    public func tidy(_ policy: RetentionPolicy, batch: PruneBatch = PruneBatch()) throws(LedgerError) -> Bool {
        // A prune's seal is not to come late.
        if try sealWhenDue(destinations: policy.destinations) { return true }
        let state = try pruneState()
        if state.swept < state.photosThrough {
            try sweep(from: state.swept, through: state.photosThrough)
            return true
        }
        let settled = try settledThrough(policy.destinations)
        if let seal = try photoSeal(after: state.photosThrough, days: policy.photoDays, settled, batch) {
            try sealed(.prune) { () throws(LedgerError) in
                try insert(
                    .prune(
                        PruneEntry(records: nil, retentionDays: policy.photoDays, photosThrough: seal.sequence)), .none)
            }
            return true
        }
        // Photos go first, so that their names are still there when their files are deleted.
        let bound = min(settled, state.photosThrough)
        guard let seal = try seal(after: state.through, days: policy.recordDays, bound, batch) else {
            if try sweepOrphans(photosThrough: state.photosThrough) { return true }
            return try sweepInherited(photosThrough: state.photosThrough)
        }
        try prune(from: state.through, seal, policy.recordDays)
        return true
    }

    /// How far the ledger is pruned.
    private func pruneState() throws(LedgerError) -> (through: UInt64, photosThrough: UInt64, swept: UInt64) {
        var through: UInt64?
        var photosThrough: UInt64?
        let query = statements.newestPrune
        defer { query.reset() }
        while through == nil || photosThrough == nil, try step(query) {
            guard case .prune(let entry) = try StoredRecord(query).decoded().body else { continue }
            if through == nil { through = entry.records?.through }
            if photosThrough == nil { photosThrough = entry.photosThrough }
        }
        let swept = try store { () throws(StoreError) in try statements.progressValue(LedgerWriter.sweptName) }
        return (through ?? 0, photosThrough ?? 0, UInt64(swept))
    }

    /// The last record that nobody waits for.
    private func settledThrough(_ destinations: [String]) throws(LedgerError) -> UInt64 {
        try store { () throws(StoreError) in
            var bound = head.sequence
            for destination in destinations {
                if let next = try delivery.next(destination) { bound = min(bound, next.sequence - 1) }
            }
            defer { statements.firstOpenSequence.reset() }
            if try statements.firstOpenSequence.step(), !statements.firstOpenSequence.isNull(0) {
                bound = min(bound, statements.firstOpenSequence.unsigned(0) - 1)
            }
            return bound
        }
    }

    /// The same for photos: a row that waits names photos that were taken before it, and these stay.
    private func photoSeal(
        after from: UInt64, days: UInt32, _ settled: UInt64, _ batch: PruneBatch
    ) throws(LedgerError) -> Record? {
        guard let seal = try seal(after: from, days: days, settled, batch) else { return nil }
        var lowest = seal.sequence + 1
        for key in try captureKeysWaiting(after: settled) {
            statements.captureOfKey.bind(1, text: key)
            if let capture = try record(statements.captureOfKey) { lowest = min(lowest, capture.sequence) }
        }
        return lowest > seal.sequence ? seal : try self.seal(after: from, days: days, lowest - 1, batch)
    }

    private func captureKeysWaiting(after settled: UInt64) throws(LedgerError) -> [String] {
        let query = statements.dueFrom
        query.bind(1, settled)
        query.bind(2, LedgerWriter.rowsThatMayReachBack)
        defer { query.reset() }
        var keys: [String] = []
        while try step(query) {
            if case .pass(let row) = try StoredRecord(query).decoded().body { keys.append(row.captureKey) }
        }
        return keys
    }

    /// The newest seal of the next batch that is old enough; nil when the batch would be too small.
    private func seal(
        after from: UInt64, days: UInt32, _ bound: UInt64, _ batch: PruneBatch
    ) throws(LedgerError) -> Record? {
        let latest = clock.wall().microseconds - Int64(days) * 86_400_000_000
        var seal = try newestSeal(statements.sealBetween, from, min(bound, from + batch.most), latest)
        if seal == nil { seal = try newestSeal(statements.sealAfter, from, bound, latest) }
        guard let seal, seal.sequence - from >= batch.least else { return nil }
        return seal
    }

    private func newestSeal(
        _ query: Statement, _ from: UInt64, _ bound: UInt64, _ latest: Int64
    ) throws(LedgerError) -> Record? {
        query.bind(1, from)
        query.bind(2, bound)
        defer { query.reset() }
        while try step(query) {
            let record = try StoredRecord(query).decoded()
            if record.wall.microseconds <= latest { return record }
        }
        return nil
    }

    private func prune(from: UInt64, _ seal: Record, _ days: UInt32) throws(LedgerError) {
        try sealed(.prune) { () throws(LedgerError) in
            let count = try store { () throws(StoreError) in
                let count = statements.countRecords
                count.bind(1, from)
                count.bind(2, seal.sequence)
                defer { count.reset() }
                _ = try count.step()
                let number = count.unsigned(0)
                try index.remove(after: from, through: seal.sequence)
                statements.removeRecords.bind(1, from)
                statements.removeRecords.bind(2, seal.sequence)
                try statements.removeRecords.run()
                for removal in [
                    statements.removeCaptures, statements.removeDue, statements.removeQuarantine,
                    statements.removeSupplements,
                ] {
                    removal.bind(1, seal.sequence)
                    try removal.run()
                }
                return number
            }
            try insert(
                .prune(
                    PruneEntry(
                        records: (seal.sequence, seal.hash, count), retentionDays: days, photosThrough: nil)), .none)
        }
    }

    /// Deletes the photos of the next records that were given up.
    private func sweep(from: UInt64, through: UInt64) throws(LedgerError) {
        let query = statements.recordsFrom
        query.bind(1, from)
        query.bind(2, through)
        query.bind(3, LedgerWriter.recordsSweptAtOnce)
        var references: [PhotoReference] = []
        var last = through
        var count: Int64 = 0
        do {
            defer { query.reset() }
            while try step(query) {
                let row = StoredRecord(query)
                count += 1
                last = row.sequence
                switch try row.decoded().body {
                case .capture(let capture): references += capture.photos
                case .supplement(let supplement): references += supplement.photos
                case .carried(let row, _): references += row.photos
                case .boot, .decision, .pass, .quarantine, .note, .seal, .prune, .generation, .manualRelease,
                    .unrecognised:
                    break
                }
            }
        }
        if count < LedgerWriter.recordsSweptAtOnce { last = through }
        var deleted: [Digest] = []
        for photo in references where try sharedUntil(photo.digest) ?? 0 <= through {
            if try photos.remove(photo) {
                memory.photoBytes -= min(memory.photoBytes, UInt64(photo.byteCount))
                deleted.append(photo.digest)
            }
        }
        try begin()
        try store { () throws(StoreError) in
            for digest in deleted {
                statements.unsharePhoto.bind(1, blob: digest.bytes)
                try statements.unsharePhoto.run()
            }
            try statements.setProgress(LedgerWriter.sweptName, last)
        }
        try commit()
    }

    /// The last capture that names a photo which several name.
    private func sharedUntil(_ digest: Digest) throws(LedgerError) -> UInt64? {
        let query = statements.sharedPhoto
        query.bind(1, blob: digest.bytes)
        defer { query.reset() }
        return try step(query) ? query.unsigned(0) : nil
    }

    private func step(_ query: Statement) throws(LedgerError) -> Bool {
        try store { () throws(StoreError) in try query.step() }
    }
}
