// What the ledger is measured against: SQLite with nothing around it, and the disk with nothing around it.

import CSQLite
import Foundation

struct BenchFault: Error {
    let what: String
}

/// One table and one row an insertion, durable in the same way and with the same settings as the ledger's database.
final class BareSQLite {
    private let handle: OpaquePointer
    private let insert: OpaquePointer
    private var row: [UInt8]

    init(_ path: String, rowBytes: Int) throws {
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
        guard sqlite3_open_v2(path, &opened, flags, nil) == SQLITE_OK, let opened else {
            throw BenchFault(what: "cannot open \(path)")
        }
        let setup = """
            PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 1000;
            PRAGMA journal_size_limit = 16777216; PRAGMA mmap_size = 0; PRAGMA cache_size = -4096;
            CREATE TABLE row(seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
            """
        var statement: OpaquePointer?
        guard sqlite3_exec(opened, setup, nil, nil, nil) == SQLITE_OK,
            sqlite3_prepare_v2(opened, "INSERT INTO row(bytes) VALUES(?1)", -1, &statement, nil) == SQLITE_OK,
            let statement
        else { throw BenchFault(what: "cannot set \(path) up") }
        handle = opened
        insert = statement
        row = (0..<rowBytes).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    }

    deinit {
        sqlite3_finalize(insert)
        sqlite3_close_v2(handle)
    }

    /// One durable row. Its bytes differ from those before, as a record's do.
    func append() throws {
        row[0] &+= 1
        let code = row.withUnsafeBytes { bytes in
            sqlite3_bind_blob(insert, 1, bytes.baseAddress, Int32(bytes.count), nil)
            return sqlite3_step(insert)
        }
        sqlite3_reset(insert)
        guard code == SQLITE_DONE else { throw BenchFault(what: "SQLite refused a row: \(code)") }
    }

    /// How many bytes a row of the ledger with this record kind has, in the mean of the newest hundred.
    static func meanRecordBytes(ledger path: String, kind: Int32) throws -> Int {
        var opened: OpaquePointer?
        var statement: OpaquePointer?
        let sql = """
            SELECT avg(n) FROM (SELECT length(canonical) + length(hash) + 9 AS n FROM record WHERE kind = ?1
            ORDER BY seq DESC LIMIT 100)
            """
        defer {
            sqlite3_finalize(statement)
            sqlite3_close_v2(opened)
        }
        guard sqlite3_open_v2(path, &opened, SQLITE_OPEN_READONLY, nil) == SQLITE_OK,
            sqlite3_prepare_v2(opened, sql, -1, &statement, nil) == SQLITE_OK,
            sqlite3_bind_int(statement, 1, kind) == SQLITE_OK, sqlite3_step(statement) == SQLITE_ROW
        else { throw BenchFault(what: "cannot read \(path)") }
        return Int(sqlite3_column_int64(statement, 0))
    }
}

/// A page's worth of bytes into a file that has its size already, and fdatasync: the least that is durable.
final class BareDisk {
    private static let blocks = 2_048
    private static let blockBytes = 4_120
    private let file: Int32
    private var block: [UInt8]
    private var next = 0

    init(_ path: String) throws {
        file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)
        block = [UInt8](repeating: 7, count: BareDisk.blockBytes)
        guard file >= 0 else { throw BenchFault(what: "cannot open \(path)") }
        for index in 0..<BareDisk.blocks {
            _ = pwrite(file, block, block.count, off_t(index * BareDisk.blockBytes))
        }
        fsync(file)
    }

    deinit {
        close(file)
    }

    func append() throws {
        block[0] &+= 1
        let offset = off_t(next % BareDisk.blocks * BareDisk.blockBytes)
        next += 1
        guard pwrite(file, block, block.count, offset) == block.count, fdatasync(file) == 0 else {
            throw BenchFault(what: "the disk refused a write")
        }
    }
}
