// Where the ledger lies in its folder, and the schema of its database.
//
// FOLDER/ledger.db (with -wal and -shm beside it while it is open), FOLDER/lock, FOLDER/photos/ab/<SHA-256>.jpg.
// Invariants: a photo's name is the hash of its bytes; a photo is durable before the record that names it.

import Crypto
import Domain
import Machine
import Store

enum LedgerSchema {
    /// "GWLD". Everything but `record` is derived from it and from receipts, and is never hashed.
    static let schema = Schema(applicationID: 0x4757_4C44, steps: [version1, version2, version3])

    private static let version1: StaticString = """
        CREATE TABLE record(
            seq INTEGER PRIMARY KEY, kind INTEGER NOT NULL, token INTEGER NOT NULL,
            canonical BLOB NOT NULL, hash BLOB NOT NULL) STRICT;
        CREATE UNIQUE INDEX decision_of_token ON record(token) WHERE kind = 4;
        CREATE UNIQUE INDEX outcome_of_token ON record(token) WHERE kind = 5;
        CREATE INDEX seal_record ON record(seq) WHERE kind = 13;
        CREATE INDEX prune_record ON record(seq) WHERE kind = 14;
        CREATE TABLE capture(seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE) STRICT;
        CREATE TABLE open_decision(token INTEGER PRIMARY KEY, seq INTEGER NOT NULL) STRICT;
        CREATE TABLE due(seq INTEGER PRIMARY KEY, ordinal INTEGER NOT NULL, steps INTEGER NOT NULL) STRICT;
        CREATE TABLE delivery(
            destination TEXT PRIMARY KEY, seq INTEGER NOT NULL, step INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE quarantine(
            destination TEXT NOT NULL, seq INTEGER NOT NULL, step INTEGER NOT NULL, reason TEXT NOT NULL,
            at INTEGER NOT NULL, PRIMARY KEY(destination, seq, step)) STRICT, WITHOUT ROWID;
        CREATE TABLE shared_photo(hash BLOB PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE progress(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        """

    /// The index of the passages, and the records that tell of gaps: boot, fault raised and healed, clock step.
    private static let version2: StaticString = """
        CREATE TABLE word(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
        CREATE TABLE passage(
            second INTEGER NOT NULL, seq INTEGER NOT NULL, facts INTEGER NOT NULL, plate TEXT NOT NULL,
            fleet INTEGER NOT NULL, gate INTEGER NOT NULL, cargo INTEGER NOT NULL,
            PRIMARY KEY(second, seq)) STRICT, WITHOUT ROWID;
        CREATE INDEX passage_of_plate ON passage(plate);
        CREATE INDEX event ON record(seq) WHERE kind IN (1, 7, 8, 9);
        """

    /// The supplements, and the pass that each corrects; 0 for a row that was missed.
    private static let version3: StaticString = """
        CREATE TABLE supplement(seq INTEGER PRIMARY KEY, corrects INTEGER NOT NULL) STRICT;
        """
}

enum LedgerPath {
    static func database(_ folder: String) -> String { folder + "/ledger.db" }
    static func lock(_ folder: String) -> String { folder + "/lock" }
    static func seals(_ folder: String) -> String { folder + "/seal" }
    static func reserve(_ folder: String) -> String { folder + "/reserve" }

    /// The name of a generation that was set aside.
    static func generation(_ number: UInt32) -> String { "ledger-\(padded(Int(number), 4)).db" }
}

/// The pictures, each under its hash.
final class PhotoStore {
    let folder: String
    let files: any Files
    /// The folders, by the first byte of their photos, where some were deleted that a power cut may bring back.
    var foldersUnsettled: Set<UInt8> = []

    init(ledger folder: String, _ files: any Files) {
        self.folder = folder + "/photos"
        self.files = files
    }

    func createFolder() throws(LedgerError) {
        try describe("make the photo folder") { () throws(MachineError) in try files.createFolder(folder) }
    }

    /// Durable when it returns. A file of that name that is already there is written again: a name that was left by a
    /// process that died may not have reached the disk, and equal bytes under the same name cost nothing but the write.
    /// The second value says whether there was one.
    func keep(_ photo: Photo) throws(LedgerError) -> (PhotoReference, wasThere: Bool) {
        let digest = SHA256.digest(photo.jpeg)
        let (subfolder, path) = paths(digest)
        let wasThere = files.exists(path)
        try describe("keep a photo") { () throws(MachineError) in
            if !files.exists(subfolder) { try files.createFolder(subfolder) }
            try files.writeDurably(photo.jpeg, to: path)
        }
        return (PhotoReference(kind: photo.kind, digest: digest, byteCount: UInt32(photo.jpeg.count)), wasThere)
    }

    /// False when it was not there.
    func remove(_ reference: PhotoReference) throws(LedgerError) -> Bool {
        let (_, path) = paths(reference.digest)
        guard files.exists(path) else { return false }
        if let first = reference.digest.bytes.first { foldersUnsettled.insert(first) }
        try describe("delete a photo") { () throws(MachineError) in try files.remove(path) }
        return true
    }

    /// When it returns, what was deleted stays deleted.
    func settle() throws(LedgerError) {
        for first in foldersUnsettled {
            let subfolder = folder + "/" + encodeHexadecimal([first])
            try describe("settle the photos") { () throws(MachineError) in try files.synchronise(folder: subfolder) }
        }
        foldersUnsettled = []
    }

    func has(_ reference: PhotoReference) -> Bool { files.exists(paths(reference.digest).path) }

    /// Keeps bytes that are known to be those of the reference, and reads them back from the disk.
    func keepCopy(
        _ bytes: [UInt8], _ reference: PhotoReference, _ streams: any FileStreams
    ) throws(LedgerError) {
        let (subfolder, path) = paths(reference.digest)
        try describe("copy a photo") { () throws(MachineError) in
            if !files.exists(subfolder) { try files.createFolder(subfolder) }
            let output = try streams.output(path)
            try output.write(bytes)
            try output.publish()
        }
        _ = try load(reference)
    }

    /// The bytes that the reference names, or an error that says how they differ.
    func load(_ reference: PhotoReference) throws(LedgerError) -> [UInt8] {
        let (_, path) = paths(reference.digest)
        guard files.exists(path) else { throw .photoDamaged(reference.digest, reason: "its file is missing") }
        var bytes: [UInt8] = []
        do throws(MachineError) {
            bytes = try files.read(path, limit: LedgerLimits.photoBytes)
        } catch {
            throw .file(what: "read a photo", error)
        }
        guard bytes.count == Int(reference.byteCount) else {
            throw .photoDamaged(
                reference.digest, reason: "its file has \(bytes.count) bytes instead of \(reference.byteCount)")
        }
        guard SHA256.digest(bytes) == reference.digest else {
            throw .photoDamaged(reference.digest, reason: "its file has other bytes than those that were kept")
        }
        return bytes
    }

    private func paths(_ digest: Digest) -> (subfolder: String, path: String) {
        let name = digest.hexadecimal
        let subfolder = folder + "/" + String(name.prefix(2))
        return (subfolder, subfolder + "/" + name + ".jpg")
    }

    private func describe(_ what: String, _ work: () throws(MachineError) -> Void) throws(LedgerError) {
        do throws(MachineError) {
            try work()
        } catch {
            throw .file(what: what, error)
        }
    }
}
