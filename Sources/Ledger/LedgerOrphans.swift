// Photos that no record names: a crash between a photo and its record leaves one, and so does a transaction given up.
// And photos past their time that a power cut has brought back: their deletion was not on the disk yet.
//
// Invariants: a photo is deleted only when every record whose photos are not given up was looked through, up to the
// head, and none names it; photos and records are written by one thread, so nothing comes in between. What the records
// of a generation that was set aside name may not be readable any more: its photos stay until the photos of the
// present generation's beginning are given up; then every photo that the present one does not name is past its time,
// and goes.
// Limits: about `namesAtOnce` candidates in memory; a step lists one folder, or reads `recordsAtOnce` records, or
// deletes `filesAtOnce` photos. After an orderly end nothing is looked for, unless that run's search was not through.

import Crypto
import Domain
import Machine
import Store

/// How far the search has come.
struct OrphanSweep {
    fileprivate static let folders = 256
    fileprivate static let namesAtOnce = 65_536
    fileprivate static let recordsAtOnce: Int64 = 500
    fileprivate static let filesAtOnce = 50

    /// The next folder to list, by the first byte of its photos.
    fileprivate var folder: Int
    /// Not named by any record up to `through`.
    fileprivate var candidates: Set<Digest> = []
    fileprivate var through: UInt64 = 0
    /// False: unfinished files alone are deleted.
    let deletesPhotos: Bool

    init(isNeeded: Bool, deletesPhotos: Bool = true) {
        folder = isNeeded ? 0 : OrphanSweep.folders
        self.deletesPhotos = deletesPhotos
    }

    fileprivate var isOver: Bool { folder == OrphanSweep.folders && candidates.isEmpty }
}

extension LedgerWriter {
    private static let inheritedName = "inherited-photos"
    private static let inOrderName = "photos-in-order"

    /// What is to be looked for when the ledger was opened or a transaction given up.
    func orphanSweep(isNeeded: Bool) throws(StoreError) -> OrphanSweep {
        let isFirst = memory.root.generation == 1
        let areInheritedSwept = try statements.progressValue(LedgerWriter.inheritedName) > 0
        return OrphanSweep(isNeeded: isNeeded, deletesPhotos: isFirst || areInheritedSwept)
    }

    /// The photos of earlier generations are past their time when those of this one's first record are. False when
    /// there is nothing to do.
    func sweepInherited(photosThrough: UInt64) throws(LedgerError) -> Bool {
        guard memory.root.generation > 1 else { return false }
        let done = try store { () throws(StoreError) in try statements.progressValue(LedgerWriter.inheritedName) }
        guard done == 0, photosThrough >= UInt64(try Kept.value(database, "SELECT min(seq) FROM record")) else {
            return false
        }
        guard orphans.isOver, orphans.deletesPhotos else {
            orphans = OrphanSweep(isNeeded: true)
            return true
        }
        try begin()
        try store { () throws(StoreError) in try statements.setProgress(LedgerWriter.inheritedName, 1) }
        try commit()
        return true
    }

    /// False when the ledger before this run ended in order, and left nothing.
    func mayHaveOrphans() throws(LedgerError) -> Bool {
        guard head.sequence > 0 else { return false }
        let query = statements.recordsFrom
        query.bind(1, head.sequence - 1)
        query.bind(2, head.sequence)
        query.bind(3, Int64(1))
        defer { query.reset() }
        guard try store({ () throws(StoreError) in try query.step() }) else { return true }
        let newest = StoredRecord(query)
        guard newest.kind == Int64(RecordKind.seal.rawValue), case .seal(let seal) = try newest.decoded().body,
            seal.reason == .orderlyEnd
        else { return true }
        return try store { () throws(StoreError) in try statements.progressValue(LedgerWriter.inOrderName) } == 0
    }

    /// Says at an orderly end whether the next run need not look: the search was through, and what was deleted is gone.
    func notePhotosInOrder() throws(LedgerError) {
        var isInOrder = orphans.isOver
        do throws(LedgerError) { try photos.settle() } catch { isInOrder = false }
        try store { () throws(StoreError) in
            try statements.setProgress(LedgerWriter.inOrderName, isInOrder ? 1 : 0)
        }
    }

    /// One step. False when there is nothing to look for. The photos of records up to `photosThrough` are given up.
    func sweepOrphans(photosThrough: UInt64) throws(LedgerError) -> Bool {
        if orphans.through < head.sequence, !orphans.candidates.isEmpty, hasListedEnough {
            try lookThroughRecords()
        } else if !orphans.candidates.isEmpty, hasListedEnough {
            try deleteOrphans()
        } else if orphans.folder < OrphanSweep.folders {
            let found = try photos.names(startingWith: UInt8(orphans.folder))
            if orphans.deletesPhotos { orphans.candidates.formUnion(found) }
            orphans.folder += 1
            orphans.through = photosThrough
        } else {
            return false
        }
        return true
    }

    private var hasListedEnough: Bool {
        orphans.folder == OrphanSweep.folders || orphans.candidates.count >= OrphanSweep.namesAtOnce
    }

    private func lookThroughRecords() throws(LedgerError) {
        let query = statements.recordsFrom
        query.bind(1, orphans.through)
        query.bind(2, head.sequence)
        query.bind(3, OrphanSweep.recordsAtOnce)
        defer { query.reset() }
        var last = head.sequence
        var count: Int64 = 0
        while try store({ () throws(StoreError) in try query.step() }) {
            let row = StoredRecord(query)
            last = row.sequence
            count += 1
            do throws(LedgerError) {
                for photo in try row.photosNamed() { orphans.candidates.remove(photo.digest) }
            } catch {
                // What it names cannot be known: nothing is deleted. The verifier names it.
                orphans = OrphanSweep(isNeeded: false)
                return
            }
        }
        orphans.through = count < OrphanSweep.recordsAtOnce ? head.sequence : last
    }

    private func deleteOrphans() throws(LedgerError) {
        for digest in orphans.candidates.prefix(OrphanSweep.filesAtOnce) {
            _ = try photos.remove(PhotoReference(kind: .scene, digest: digest, byteCount: 0))
            orphans.candidates.remove(digest)
        }
    }
}

extension StoredRecord {
    fileprivate func photosNamed() throws(LedgerError) -> [PhotoReference] {
        let record = try decoded()
        guard case .unrecognised = record.body else { return record.body.namedPhotos }
        // A kind of a later version names its photos in the same field.
        do throws(RecordFault) {
            return try FieldReader(canonical.dropFirst(RecordHeader.byteCount)).photos()
        } catch {
            throw .damaged(sequence: sequence, reason: error.reason)
        }
    }
}

extension RecordBody {
    fileprivate var namedPhotos: [PhotoReference] {
        switch self {
        case .capture(let capture): capture.photos
        case .supplement(let supplement): supplement.photos
        case .carried(let row, _): row.photos
        // A pass repeats those of its capture.
        case .pass, .boot, .decision, .quarantine, .note, .seal, .prune, .generation, .manualRelease, .unrecognised: []
        }
    }
}

extension PhotoStore {
    /// The photos whose hash begins with this byte. What a cut has left unfinished is deleted.
    func names(startingWith byte: UInt8) throws(LedgerError) -> [Digest] {
        let subfolder = folder + "/" + encodeHexadecimal([byte])
        guard files.exists(subfolder) else { return [] }
        let names = try LedgerError.file("list the photos") { () throws(MachineError) in try files.names(in: subfolder)
        }
        for name in names where name.hasPrefix(".") {
            foldersUnsettled.insert(byte)
            try LedgerError.file("delete an unfinished photo") { () throws(MachineError) in
                try files.remove(subfolder + "/" + name)
            }
        }
        return names.compactMap { name in
            guard name.utf8.count == 68, name.hasSuffix(".jpg") else { return nil }
            return decodeHexadecimal(String(name.prefix(64))).flatMap { Digest(bytes: $0) }
        }
    }
}
