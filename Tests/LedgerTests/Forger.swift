// Somebody with the database in hands, who can compute: changes records and makes the chain anew behind them.

import Crypto
import Domain
import Store

@testable import Ledger

struct Forger {
    let site: LedgerSite

    /// Rewrites the records from `first` on: `alter` gives each its new body, nil leaves it out. Numbers, chain and the
    /// hashes in seals are made good; a seal is signed with what `key` gives for it, or keeps its old signature.
    func rewrite(
        from first: UInt64, key: (SealEntry) -> SealEntry.Forged? = { _ in nil },
        alter: (Record) throws -> RecordBody?
    ) throws {
        let records = try site.reader().records(from: 1, limit: 100_000)
        let database = try Database.writer(LedgerPath.database(site.folder), LedgerSchema.schema)
        try database.begin()
        var head = LedgerHead(sequence: 0, hash: Chain.genesis(device: LedgerSite.device))
        var lastSeal: UInt64?
        let remove = try database.prepare("DELETE FROM record WHERE seq >= ?1")
        remove.bind(1, first)
        try remove.run()
        for record in records {
            guard record.sequence >= first else {
                head = LedgerHead(sequence: record.sequence, hash: record.hash)
                if case .seal = record.body { lastSeal = record.sequence }
                continue
            }
            guard var body = try alter(record), let kind = body.kind else { continue }
            let header = RecordHeader(
                kind: kind, sequence: head.sequence + 1, laneTime: record.laneTime, wall: record.wall,
                boot: record.boot, token: record.token)
            if case .seal(var seal) = body {
                seal.previousHash = head.hash
                seal.previousSeal = lastSeal
                if let forged = key(seal) {
                    seal.epoch = forged.epoch
                    seal.key = forged.signer.publicKey
                    seal.nextKey = forged.next
                    seal.signature = []
                    let unsigned = try header.canonical(body: try RecordBody.seal(seal).encoded())
                    seal.signature = forged.signer.sign(SealSignature.message(unsigned: unsigned))
                }
                body = .seal(seal)
                lastSeal = header.sequence
            }
            let canonical = try header.canonical(body: try body.encoded())
            head = LedgerHead(sequence: header.sequence, hash: ChainHasher().hash(after: head.hash, canonical))
            let insert = try database.prepare(
                "INSERT INTO record(seq, kind, token, canonical, hash) VALUES(?1, ?2, ?3, ?4, ?5)")
            insert.bind(1, header.sequence)
            insert.bind(2, Int64(header.kindNumber))
            insert.bind(3, header.token.value)
            insert.bind(4, blob: canonical)
            insert.bind(5, blob: head.hash.bytes)
            try insert.run()
        }
        try database.commit()
    }
}

extension SealEntry {
    struct Forged {
        var epoch: UInt64
        var signer: Ed25519PrivateKey
        var next: Ed25519PublicKey
    }
}

extension Forger {
    /// Changes what a prune record says, and makes the chain anew behind it.
    func rewritePrunes(_ change: (inout PruneEntry) -> Void) throws {
        let records = try site.reader().records(from: 1, limit: 100_000)
        guard let prune = records.last(where: { $0.kindNumber == RecordKind.prune.rawValue }),
            case .prune(var entry) = prune.body, let before = records.last(where: { $0.sequence < prune.sequence })
        else { return }
        change(&entry)
        let header = RecordHeader(
            kind: .prune, sequence: prune.sequence, laneTime: prune.laneTime, wall: prune.wall, boot: prune.boot,
            token: prune.token)
        let canonical = try header.canonical(body: try RecordBody.prune(entry).encoded())
        let database = try Database.writer(LedgerPath.database(site.folder), LedgerSchema.schema)
        let update = try database.prepare("UPDATE record SET canonical = ?1, hash = ?2 WHERE seq = ?3")
        update.bind(1, blob: canonical)
        update.bind(2, blob: ChainHasher().hash(after: before.hash, canonical).bytes)
        update.bind(3, prune.sequence)
        try update.run()
    }
}
