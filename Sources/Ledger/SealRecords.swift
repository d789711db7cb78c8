// The records that hold the ledger together: seals, prunes, and the beginning of a generation.

import Crypto
import Domain

/// Why a seal was made. Stored by number.
public enum SealReason: UInt8, Sendable {
    case inTime = 1
    case start = 2
    case orderlyEnd = 3
    case prune = 4
    /// The disk did not take it in time.
    case late = 5
}

/// What the first seal of a generation must be: part of the generation's first record.
public struct SealingRoot: Equatable, Sendable {
    public var epoch: UInt64
    public var key: Ed25519PublicKey
    /// 1 for the first.
    public var generation: UInt32
}

public struct SealEntry: Equatable, Sendable {
    public var epoch: UInt64
    public var intervalSeconds: UInt32
    public var key: Ed25519PublicKey
    public var nextKey: Ed25519PublicKey
    public var reason: SealReason
    /// Nil in a generation's first seal.
    public var previousSeal: UInt64?
    public var previousHash: Digest
    public var signature: [UInt8]
}

public struct PruneEntry: Equatable, Sendable {
    /// Everything up to the seal `through` was removed but the foundation; nil when this prune removed photos only.
    public var records: (through: UInt64, hash: Digest, count: UInt64)?
    public var retentionDays: UInt32
    /// Photos of captures up to this record were removed.
    public var photosThrough: UInt64?

    public static func == (a: PruneEntry, b: PruneEntry) -> Bool {
        a.records?.through == b.records?.through && a.records?.hash == b.records?.hash
            && a.records?.count == b.records?.count && a.retentionDays == b.retentionDays
            && a.photosThrough == b.photosThrough
    }
}

/// How a generation came about.
public struct GenerationEntry: Equatable, Sendable {
    public var number: UInt32
    /// The name that the old database now has.
    public var setAside: String
    public var reason: String
    /// The last good record of the generation before; nil when nothing could be read.
    public var lastGood: LedgerHead?
    /// What the counter held.
    public var counter: LedgerHead?
}

/// The signature of a seal covers a fixed line and the record without its last field.
enum SealSignature {
    /// Number, length and 64 bytes.
    static let fieldBytes = 2 + 4 + Ed25519PrivateKey.signatureByteCount

    static func message(unsigned canonical: some Collection<UInt8>) -> [UInt8] {
        Array("gatewarden ledger v1 seal\n".utf8) + canonical
    }

    /// Whether the seal's bytes carry the signature of the key that they name.
    static func verifies(_ canonical: [UInt8], _ seal: SealEntry) -> Bool {
        canonical.count > fieldBytes
            && seal.key.verifies(seal.signature, over: message(unsigned: canonical.dropLast(fieldBytes)))
    }
}

extension FieldWriter {
    mutating func put(_ root: SealingRoot?) {
        guard let root else { return }
        put(.epoch, root.epoch)
        put(.nextPublicKey, root.key.bytes)
        if root.generation > 1 { put(.generation, root.generation) }
    }

    mutating func put(_ seal: SealEntry) {
        put(.epoch, seal.epoch)
        put(.sealInterval, seal.intervalSeconds)
        put(.publicKey, seal.key.bytes)
        put(.nextPublicKey, seal.nextKey.bytes)
        put(.sealReason, seal.reason.rawValue)
        put(.previousSeal, optional: seal.previousSeal)
        put(.previousHash, seal.previousHash)
        // Absent while the bytes to be signed are made.
        if !seal.signature.isEmpty { put(.signature, seal.signature) }
    }

    mutating func put(_ prune: PruneEntry) {
        if let records = prune.records {
            put(.prunedThrough, records.through)
            put(.prunedHash, records.hash)
            put(.prunedCount, records.count)
        }
        put(.pruneReason, UInt8(1))
        put(.retentionDays, prune.retentionDays)
        put(.photosPrunedThrough, optional: prune.photosThrough)
    }

    mutating func put(_ generation: GenerationEntry) throws(LedgerError) {
        try put(.subject, generation.setAside)
        try put(.detail, generation.reason)
        put(.generation, generation.number)
        if let head = generation.lastGood {
            put(.lastGoodSequence, head.sequence)
            put(.lastGoodHash, head.hash)
        }
        if let head = generation.counter {
            put(.counterSequence, head.sequence)
            put(.counterHash, head.hash)
        }
    }
}

extension FieldReader {
    func sealingRoot() throws(RecordFault) -> SealingRoot? {
        guard let epoch = try integer(.epoch, UInt64.self) else { return nil }
        return SealingRoot(
            epoch: epoch, key: try publicKey(.nextPublicKey),
            generation: try integer(.generation, UInt32.self) ?? 1)
    }

    func seal() throws(RecordFault) -> SealEntry {
        guard let signature = bytes(.signature) else { throw .missing(Field.signature.rawValue) }
        guard signature.count == Ed25519PrivateKey.signatureByteCount else {
            throw .invalid(Field.signature.rawValue)
        }
        return SealEntry(
            epoch: try required(.epoch, UInt64.self), intervalSeconds: try required(.sealInterval, UInt32.self),
            key: try publicKey(.publicKey), nextKey: try publicKey(.nextPublicKey),
            reason: try requiredWord(.sealReason, SealReason.self),
            previousSeal: try integer(.previousSeal, UInt64.self), previousHash: try digest(.previousHash),
            signature: Array(signature))
    }

    func prune() throws(RecordFault) -> PruneEntry {
        var entry = PruneEntry(
            records: nil, retentionDays: try required(.retentionDays, UInt32.self),
            photosThrough: try integer(.photosPrunedThrough, UInt64.self))
        if let through = try integer(.prunedThrough, UInt64.self) {
            entry.records = (through, try digest(.prunedHash), try required(.prunedCount, UInt64.self))
        }
        return entry
    }

    func generation() throws(RecordFault) -> GenerationEntry {
        GenerationEntry(
            number: try required(.generation, UInt32.self), setAside: try text(.subject), reason: try text(.detail),
            lastGood: try head(.lastGoodSequence, .lastGoodHash), counter: try head(.counterSequence, .counterHash))
    }

    private func head(_ sequence: Field, _ hash: Field) throws(RecordFault) -> LedgerHead? {
        guard let number = try integer(sequence, UInt64.self) else { return nil }
        return LedgerHead(sequence: number, hash: try digest(hash))
    }
}
