// Walking the chain row by row: the checks that opening and verifying share.

import Domain
import Store

/// A row of the table `record`, as it lies in the file.
struct StoredRecord {
    let sequence: UInt64
    let kind: Int64
    let token: VehicleToken
    let canonical: [UInt8]
    let hash: [UInt8]

    init(_ statement: Statement) {
        sequence = statement.unsigned(0)
        kind = statement.integer(1)
        token = VehicleToken(value: statement.unsigned(2))
        canonical = statement.blob(3)
        hash = statement.blob(4)
    }

    func decoded() throws(LedgerError) -> Record {
        guard let digest = Digest(bytes: hash) else {
            throw .damaged(sequence: sequence, reason: "its hash does not have 32 bytes")
        }
        do throws(RecordFault) {
            return try Record(canonical: canonical, hash: digest)
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

    mutating func advance(_ row: StoredRecord) throws(LedgerError) {
        let expected = head.sequence &+ 1
        guard row.sequence == expected else {
            throw .damaged(sequence: expected, reason: "it is missing: record \(row.sequence) follows")
        }
        guard let hash = Digest(bytes: row.hash), hash == hasher.hash(after: head.hash, row.canonical) else {
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
    }

    private func header(_ row: StoredRecord) throws(LedgerError) -> RecordHeader {
        do throws(RecordFault) {
            return try RecordHeader(canonical: row.canonical)
        } catch {
            throw .damaged(sequence: row.sequence, reason: error.reason)
        }
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
