// Walking the chain row by row: the checks that opening and verifying share.

import Domain
import Store

/// A row of the table `record`, as it lies in the file.
struct StoredRecord {
    let sequence: UInt64
    let kind: Int64
    let token: VehicleToken
    let canonical: [UInt8]
    /// Nil when it does not have 32 bytes.
    let hash: Digest?

    init(_ statement: Statement) {
        sequence = statement.unsigned(0)
        kind = statement.integer(1)
        token = VehicleToken(value: statement.unsigned(2))
        canonical = statement.blob(3)
        hash = statement.withBlob(4) { Digest($0) }
    }

    /// `header` is that of its bytes, when it is known already.
    func decoded(_ header: RecordHeader? = nil) throws(LedgerError) -> Record {
        guard let hash else {
            throw .damaged(sequence: sequence, reason: "its hash does not have 32 bytes")
        }
        do throws(RecordFault) {
            if let header { return try Record(canonical: canonical, header, hash: hash) }
            return try Record(canonical: canonical, hash: hash)
        } catch {
            throw .damaged(sequence: sequence, reason: error.reason)
        }
    }
}

/// Where a walk stands. Each row must follow on the one before.
struct ChainWalk {
    private(set) var head: LedgerHead
    private let hasher = ChainHasher()

    /// Starts after a record that is taken as given: the genesis, or the record before the newest ones.
    init(after head: LedgerHead) {
        self.head = head
    }

    @discardableResult
    mutating func advance(_ row: StoredRecord) throws(LedgerError) -> RecordHeader {
        let expected = head.sequence &+ 1
        guard row.sequence == expected else {
            throw .damaged(sequence: expected, reason: "it is missing: record \(row.sequence) follows")
        }
        guard let hash = row.hash, hash == hasher.hash(after: head.hash, row.canonical) else {
            throw .damaged(sequence: expected, reason: "its hash does not match its bytes and the hash before it")
        }
        let header = try header(row)
        guard header.sequence == row.sequence else {
            throw .damaged(sequence: expected, reason: "its bytes say that they are record \(header.sequence)")
        }
        guard Int64(header.kindNumber) == row.kind, header.token == row.token else {
            throw .damaged(sequence: expected, reason: "its row is filed under another kind or token than its bytes")
        }
        head = LedgerHead(sequence: row.sequence, hash: hash)
        return header
    }

    private func header(_ row: StoredRecord) throws(LedgerError) -> RecordHeader {
        do throws(RecordFault) {
            return try RecordHeader(canonical: row.canonical)
        } catch {
            throw .damaged(sequence: row.sequence, reason: error.reason)
        }
    }
}

extension LedgerReader {
    private static let rowsPerWalk = 256

    /// Calls `take` with each of these records, once its hash has been found to follow on the one before.
    func walkChain(
        from first: UInt64, through last: UInt64, _ take: (Record, StoredRecord) throws(LedgerError) -> Void
    ) throws(LedgerError) {
        var walk = ChainWalk(after: try head(before: first))
        while walk.head.sequence < last {
            let rows = try stored(from: walk.head.sequence + 1, limit: LedgerReader.rowsPerWalk)
            guard !rows.isEmpty else {
                throw .damaged(sequence: walk.head.sequence + 1, reason: "it is missing at the end")
            }
            for row in rows where row.sequence <= last {
                try walk.advance(row)
                try take(try row.decoded(), row)
            }
        }
    }

    /// Where the chain stands before a record from which on all are kept.
    func head(before sequence: UInt64) throws(LedgerError) -> LedgerHead {
        let (first, device) = try beginning()
        if sequence <= first.sequence {
            return LedgerHead(sequence: first.sequence - 1, hash: Chain.genesis(device: device))
        }
        guard let row = try stored(from: sequence - 1, limit: 1).first, row.sequence == sequence - 1 else {
            throw .damaged(sequence: sequence - 1, reason: "it is missing")
        }
        return LedgerHead(sequence: row.sequence, hash: try row.decoded().hash)
    }

    /// The oldest record from which on all are kept: behind it is the foundation alone, when the ledger was pruned.
    func oldest() throws(LedgerError) -> Record {
        var first: UInt64 = 0
        for row in try prunes() {
            guard case .prune(let prune) = try row.decoded().body, let records = prune.records else { continue }
            first = records.through + 1
            break
        }
        guard let record = try records(from: first, limit: 1).first else { throw .nothingRecorded }
        return record
    }

    /// The newest record.
    func newestRecord() throws(LedgerError) -> Record {
        guard let head = try head(), let record = try records(from: head.sequence, limit: 1).first else {
            throw .nothingRecorded
        }
        return record
    }

    /// The generation's first record, and the name that the ledger was begun with.
    func beginning() throws(LedgerError) -> (first: Record, device: String) {
        guard let first = try records(from: 0, limit: 1).first, first.sequence > 0 else { throw .nothingRecorded }
        guard case .boot(_, _, let device, _) = first.body else {
            throw .damaged(sequence: first.sequence, reason: "it is the first and not a boot record")
        }
        return (first, device)
    }
}

/// The store's calls with the ledger's error.
enum Kept {
    static func statement(_ database: Database, _ sql: StaticString) throws(LedgerError) -> Statement {
        do throws(StoreError) { return try database.prepare(sql) } catch { throw .store(error) }
    }

    static func value(_ database: Database, _ sql: StaticString) throws(LedgerError) -> Int64 {
        do throws(StoreError) { return try database.value(sql) } catch { throw .store(error) }
    }

    static func step(_ statement: Statement) throws(LedgerError) -> Bool {
        do throws(StoreError) { return try statement.step() } catch { throw .store(error) }
    }

    @discardableResult
    static func run<T>(_ work: () throws(StoreError) -> T) throws(LedgerError) -> T {
        do throws(StoreError) { return try work() } catch { throw .store(error) }
    }
}

/// Vehicle tokens. Those of one boot and lane follow on each other, so that one word serves 64 of them.
struct TokenSet {
    private var words: [UInt64: UInt64] = [:]

    func contains(_ token: VehicleToken) -> Bool {
        words[token.value >> 6, default: 0] & 1 << (token.value & 63) != 0
    }

    /// False when it was there already.
    mutating func insert(_ token: VehicleToken) -> Bool {
        let bit: UInt64 = 1 << (token.value & 63)
        let word = words[token.value >> 6, default: 0]
        words[token.value >> 6] = word | bit
        return word & bit == 0
    }
}
