// The private sealing keys on the disk, and how one follows on the other. LEDGER-FORMAT.md, "Seals", has the steps.
//
// Invariants: a key signs one committed seal; the next key is durable before the seal that names it; the old one is
// overwritten before the next takes its name. At any crash the key that the last committed seal names is in one of the
// two files.

import Crypto
import Domain
import Machine

/// The key of one epoch.
struct SealKey {
    let epoch: UInt64
    let key: Ed25519PrivateKey
}

final class SealKeys {
    private static let magic = Array("GWSEALK1".utf8)
    /// Magic, epoch, seed, SHA-256.
    static let fileBytes = 8 + 8 + Ed25519PrivateKey.seedByteCount + Digest.byteCount

    private let files: any Files
    private let path: String
    private let nextPath: String
    /// Makes the seeds; a test gives known ones.
    private let makeSeed: () -> [UInt8]
    /// The key that the next seal is signed with.
    private(set) var current: SealKey?
    /// The one after it, durable in `key.next`; kept over failed attempts, since one of them may have reached the disk.
    private(set) var prepared: SealKey?
    /// The seal is committed, and the files still have the state before it.
    private var isMoveDue = false

    init(folder: String, _ files: any Files, makeSeed: @escaping () -> [UInt8]) {
        self.files = files
        self.makeSeed = makeSeed
        path = folder + "/key"
        nextPath = folder + "/key.next"
    }

    // MARK: - At opening

    /// Finds the key that the last seal (or the first record) names, and finishes a move that a crash interrupted.
    /// False when neither file holds it.
    func find(epoch: UInt64, key: Ed25519PublicKey) throws(LedgerError) -> Bool {
        let stored = try load(path)
        let next = try load(nextPath)
        if let stored, stored.epoch == epoch, stored.key.publicKey == key {
            current = stored
            prepared = next?.epoch == epoch + 1 ? next : nil
            return true
        }
        guard let next, next.epoch == epoch, next.key.publicKey == key else { return false }
        try adopt(next)
        return true
    }

    /// The key for the first seal of a generation: the one under way when it has signed nothing, or a new one.
    /// Epochs up to `after` have been signed.
    func begin(after: UInt64?) throws(LedgerError) -> SealKey {
        let lowest = after.map { $0 + 1 } ?? 0
        let stored = try load(path)
        if let stored, stored.epoch >= lowest {
            current = stored
            // A next key of its may or may not be named by a seal that is lost: it is not used.
            prepared = nil
            return stored
        }
        if let next = try load(nextPath), next.epoch >= lowest {
            try adopt(next)
            return next
        }
        let key = try write(epoch: lowest, to: path)
        current = key
        prepared = nil
        return key
    }

    private func adopt(_ next: SealKey) throws(LedgerError) {
        current = nil
        prepared = next
        isMoveDue = true
        try finishMove()
    }

    // MARK: - At each seal

    /// Makes the next key durable; does nothing when that is done already.
    func prepareNext() throws(LedgerError) -> (current: SealKey, next: SealKey) {
        try finishMove()
        guard let current else { preconditionFailure("LDG-10 an open ledger has a sealing key") }
        if let prepared { return (current, prepared) }
        let next = try write(epoch: current.epoch + 1, to: nextPath)
        prepared = next
        return (current, next)
    }

    /// The seal that names the next key is committed: from here on it is the next that counts, whatever the files say.
    func sealed() {
        isMoveDue = true
    }

    /// Destroys the old key and puts the next in its place.
    func finishMove() throws(LedgerError) {
        guard isMoveDue, let next = prepared else { return }
        do throws(MachineError) {
            if files.exists(path) {
                try files.overwrite(path, with: [UInt8](repeating: 0, count: SealKeys.fileBytes))
            }
            try files.move(nextPath, to: path)
        } catch {
            throw .file(what: "move the sealing key", error)
        }
        current = next
        prepared = nil
        isMoveDue = false
    }

    // MARK: - The files

    private func write(epoch: UInt64, to path: String) throws(LedgerError) -> SealKey {
        var seed = makeSeed()
        defer { wipe(&seed) }
        guard let key = Ed25519PrivateKey(seed: seed) else { preconditionFailure("LDG-11 a seed has 32 bytes") }
        var writer = ByteWriter()
        writer.put(SealKeys.magic)
        writer.put(epoch)
        writer.put(seed)
        var bytes = writer.bytes + SHA256.digest(writer.bytes).bytes
        defer { wipe(&bytes) }
        do throws(MachineError) {
            try files.writeDurably(bytes, to: path)
        } catch {
            throw .file(what: "write the sealing key", error)
        }
        return SealKey(epoch: epoch, key: key)
    }

    /// Nil when there is none, or one that was not written whole.
    private func load(_ path: String) throws(LedgerError) -> SealKey? {
        guard files.exists(path) else { return nil }
        var bytes: [UInt8] = []
        do throws(MachineError) {
            bytes = try files.read(path, limit: 4_096)
        } catch {
            throw .file(what: "read the sealing key", error)
        }
        defer { wipe(&bytes) }
        let count = SealKeys.fileBytes - Digest.byteCount
        guard bytes.count == SealKeys.fileBytes, bytes.starts(with: SealKeys.magic),
            SHA256.digest(Array(bytes.prefix(count))).bytes.elementsEqual(bytes.dropFirst(count))
        else { return nil }
        var reader = ByteReader(bytes.dropFirst(SealKeys.magic.count))
        let epoch = reader.take(UInt64.self)
        var seed = reader.take(count: Ed25519PrivateKey.seedByteCount)
        defer { wipe(&seed) }
        return Ed25519PrivateKey(seed: seed).map { SealKey(epoch: epoch, key: $0) }
    }
}
