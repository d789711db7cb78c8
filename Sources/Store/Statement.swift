// One prepared statement.
//
// Invariants: a statement that gives rows is reset before its owner goes on, because an open read holds back the WAL.
// A wrong parameter is a programming error and traps (numbered STO-…).

import CSQLite

/// A prepared statement, kept by its owner. Parameters count from 1 and columns from 0, as in SQLite.
public final class Statement {
    private let database: Database
    private let handle: OpaquePointer

    init(_ database: Database, _ sql: StaticString) throws(StoreError) {
        var prepared: OpaquePointer?
        // PERSISTENT: it lives long, so its memory does not come from the connection's small pool.
        let code = sqlite3_prepare_v3(
            database.handle, Database.characters(sql), -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
        guard let prepared, code == SQLITE_OK else {
            // A text that SQLite does not understand means that somebody has taken a table out of the file.
            throw database.failure(code, sql.description)
        }
        self.database = database
        handle = prepared
    }

    deinit {
        sqlite3_finalize(handle)
    }

    public func bind(_ parameter: Int32, _ value: Int64) {
        check(sqlite3_bind_int64(handle, parameter, value))
    }

    /// The bit pattern: SQLite's integers are signed.
    public func bind(_ parameter: Int32, _ value: UInt64) {
        bind(parameter, Int64(bitPattern: value))
    }

    public func bind(_ parameter: Int32, text: String) {
        var text = text
        check(
            text.withUTF8 { bytes in
                // A NULL pointer would bind NULL instead of an empty text.
                guard let start = bytes.baseAddress else {
                    return sqlite3_bind_text(handle, parameter, "", 0, gw_sqlite_transient())
                }
                let characters = UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self)
                return sqlite3_bind_text(handle, parameter, characters, Int32(bytes.count), gw_sqlite_transient())
            })
    }

    public func bind(_ parameter: Int32, blob: [UInt8]) {
        check(
            blob.withUnsafeBytes { bytes in
                guard let start = bytes.baseAddress, !bytes.isEmpty else {
                    return sqlite3_bind_zeroblob(handle, parameter, 0)
                }
                return sqlite3_bind_blob(handle, parameter, start, Int32(bytes.count), gw_sqlite_transient())
            })
    }

    public func bindNull(_ parameter: Int32) {
        check(sqlite3_bind_null(handle, parameter))
    }

    /// Whether the column of the row holds this text, byte for byte.
    public func holds(_ column: Int32, _ text: String) -> Bool {
        let found = bytes(column, sqlite3_column_text(handle, column))
        guard found.count == text.utf8.count else { return false }
        let isSame = text.utf8.withContiguousStorageIfAvailable { text in
            for index in 0..<found.count where found[index] != text[index] { return false }
            return true
        }
        return isSame ?? found.elementsEqual(text.utf8)
    }

    /// The bytes of a blob, as long as `body` runs and without a copy.
    public func withBlob<Result>(_ column: Int32, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        body(bytes(column, sqlite3_column_blob(handle, column)))
    }

    /// True when there is a row to read. When it throws, the statement has been reset.
    public func step() throws(StoreError) -> Bool {
        let code = sqlite3_step(handle)
        switch code {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            let error = database.failure(code, sqlite3_sql(handle).map { String(cString: $0) } ?? "statement")
            reset()
            throw error
        }
    }

    /// Steps a statement that gives no rows to its end, and makes it ready to be used again.
    public func run() throws(StoreError) {
        let hasRow = try step()
        precondition(!hasRow, "STO-1 run() is for statements without rows")
        reset()
    }

    /// Makes the statement ready for new parameters and ends its read.
    public func reset() {
        // Its result only repeats the error of the last step.
        _ = sqlite3_reset(handle)
    }

    public func isNull(_ column: Int32) -> Bool {
        sqlite3_column_type(handle, column) == SQLITE_NULL
    }

    public func integer(_ column: Int32) -> Int64 {
        sqlite3_column_int64(handle, column)
    }

    public func unsigned(_ column: Int32) -> UInt64 {
        UInt64(bitPattern: integer(column))
    }

    public func text(_ column: Int32) -> String {
        String(decoding: bytes(column, sqlite3_column_text(handle, column)), as: UTF8.self)
    }

    public func blob(_ column: Int32) -> [UInt8] {
        Array(bytes(column, sqlite3_column_blob(handle, column)))
    }

    private func bytes(_ column: Int32, _ start: UnsafeRawPointer?) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(sqlite3_column_bytes(handle, column)))
    }

    private func bytes(_ column: Int32, _ start: UnsafePointer<UInt8>?) -> UnsafeRawBufferPointer {
        bytes(column, start.map { UnsafeRawPointer($0) })
    }

    private func check(_ code: Int32) {
        // Out of range is a programming error; out of memory cannot be survived; SQLITE_TOOBIG is over a gigabyte.
        precondition(code == SQLITE_OK, "STO-2 a parameter can be bound")
    }
}
