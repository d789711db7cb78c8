// What lies in a backup and belongs to none of its sets: photos that no record names any more, since the sets that
// named them made room for newer ones, and files that an interrupted backup left unfinished.
//
// Invariants: a photo is removed only when every set in the folder was read through and none names it, so it stays as
// long as a record that names it; where one cannot be read, nothing is removed. The backup's lock is held meanwhile.
// Limits: 2 MiB of memory whatever the number of photos, at the price of a few photos that stay (1 of 400 when a
// million are named); 100,000 photos at a time.

import Crypto
import Domain
import Machine

/// Marks for photos, four by each hash. One that was put in is always found; one that was not is hardly ever.
struct NamedPhotos {
    private static let bits: UInt32 = 1 << 24
    private var words = [UInt64](repeating: 0, count: Int(NamedPhotos.bits / 64))

    mutating func insert(_ digest: Digest) {
        for mark in NamedPhotos.marks(digest) { words[Int(mark / 64)] |= 1 << UInt64(mark % 64) }
    }

    func contains(_ digest: Digest) -> Bool {
        NamedPhotos.marks(digest).allSatisfy { words[Int($0 / 64)] >> UInt64($0 % 64) & 1 == 1 }
    }

    /// A hash is as good as chance in each of its bytes.
    private static func marks(_ digest: Digest) -> [UInt32] {
        let bytes = digest.bytes
        return [0, 4, 8, 12].map { at in
            let value =
                UInt32(bytes[at]) << 24 | UInt32(bytes[at + 1]) << 16 | UInt32(bytes[at + 2]) << 8
                | UInt32(bytes[at + 3])
            return value % bits
        }
    }
}

extension LedgerBackup {
    private static let photosRemovedAtOnce = 100_000
    /// What taking a name out of a folder is reckoned as.
    private static let removalBytes = 4_096

    /// How many were removed.
    func removeUnnamedPhotos() throws(LedgerError) -> Int {
        var named = NamedPhotos()
        for set in try folder.sets() {
            _ = try folder.read(set) { (record, canonical) throws(LedgerError) in
                for photo in record.ownPhotos { named.insert(photo.digest) }
                try pace.spend(canonical.count)
            }
        }
        var removed = 0
        for byte in UInt8.min...UInt8.max {
            for digest in try photos.names(startingWith: byte) where !named.contains(digest) {
                guard removed < LedgerBackup.photosRemovedAtOnce else { return removed }
                _ = try photos.remove(PhotoReference(kind: .scene, digest: digest, byteCount: 0))
                removed += 1
                try pace.spend(LedgerBackup.removalBytes)
            }
        }
        return removed
    }

    /// A chain file is begun before the first photo is copied: without one that is unfinished, hardly ever is a photo.
    func removeUnfinished(looksEverywhere: Bool) throws(LedgerError) {
        guard try folder.removeUnfinished(in: folder.path) > 0 || looksEverywhere else { return }
        try removeUnfinishedPhotos()
    }

    private func removeUnfinishedPhotos() throws(LedgerError) {
        let subfolders = try LedgerError.file("list the photos") { () throws(MachineError) in
            try folder.files.names(in: photos.folder)
        }
        for name in subfolders where name.utf8.count == 2 {
            _ = try folder.removeUnfinished(in: photos.folder + "/" + name)
        }
    }
}

extension BackupFolder {
    /// Removes `.NAME.new` and says how many there were.
    fileprivate func removeUnfinished(in folder: String) throws(LedgerError) -> Int {
        try LedgerError.file("tidy \(folder)") { () throws(MachineError) in
            var count = 0
            for name in try files.names(in: folder) where name.hasPrefix(".") && name.hasSuffix(".new") {
                try files.remove(folder + "/" + name)
                count += 1
            }
            return count
        }
    }
}
