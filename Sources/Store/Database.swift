// One SQLite file, opened the one way that this firmware opens it.
//
// Invariants: exactly one connection a file writes, and it alone checkpoints; every other connection is read-only.
// A committed transaction is on the disk (WAL with synchronous=FULL). SQL text is fixed at compile time: data comes in
// by binding only, which `StaticString` enforces.
// Limits: a statement waits at most `busyMilliseconds` for a lock; the WAL is cut back to 16 MiB after a checkpoint.

import CSQLite
import Domain

/// Which program and which schema a file belongs to. The schema grows by steps, and step n brings version n to n + 1;
/// a step that has shipped is never changed. Steps only add: the version before goes on with what a later one has made
/// (docs/LEDGER-FORMAT.md, "What a later version may add").
public struct Schema: Sendable {
    /// From this number on an earlier program does not know its way about the file, and refuses it.
    public static let firstOfAnotherLayout: Int32 = 1_000

    /// PRAGMA application_id: four letters, big-endian.
    public let applicationID: Int32
    public let steps: [StaticString]

    public init(applicationID: Int32, steps: [StaticString]) {
        self.applicationID = applicationID
        self.steps = steps
    }
}

/// A connection to one SQLite file. One thread at a time uses it.
public final class Database {
    public static let busyMilliseconds: Int32 = 2_000

    let handle: OpaquePointer
    public let path: String
    /// Understood once: they frame every transaction.
    private var beginStatement: OpaquePointer?
    private var commitStatement: OpaquePointer?

    /// Opens the file for writing, makes it when it is missing, and brings its schema up to date.
    /// `vfs` names another file layer of SQLite's, registered before: fault injection enters there.
    public static func writer(_ path: String, _ schema: Schema, vfs: String? = nil) throws(StoreError) -> Database {
        let database = try Database(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs)
        try database.configure()
        let isEmpty = try database.checkIdentity(schema)
        // Readers never wait for the writer, and a commit is one sequential write and one fsync of the WAL.
        try database.execute("PRAGMA journal_mode = WAL")
        // FULL: the WAL is fsynced at each commit (NORMAL would lose the last transactions at a power cut).
        try database.execute("PRAGMA synchronous = FULL")
        // Checkpoint each 1000 pages, and give the WAL's space back when one spike has made it grow.
        try database.execute("PRAGMA wal_autocheckpoint = 1000")
        try database.execute("PRAGMA journal_size_limit = 16777216")
        try database.migrate(schema, isEmpty: isEmpty)
        return database
    }

    /// Opens the file for reading only; it must have been written before. Where the folder cannot be written to and no
    /// writer has the file open, it is read as it lies there.
    public static func reader(_ path: String, _ schema: Schema, vfs: String? = nil) throws(StoreError) -> Database {
        do throws(StoreError) {
            return try reader(Database(path, SQLITE_OPEN_READONLY, vfs), schema)
        } catch {
            // A writer keeps a -shm file as long as it has the database open: with one there, nothing may be assumed.
            guard error.isDeniedWrite, vfs == nil, !gw_sqlite_file_exists(path + "-shm") else { throw error }
            return try atRest(path, schema)
        }
    }

    private static func reader(_ database: Database, _ schema: Schema) throws(StoreError) -> Database {
        try database.configure()
        guard try !database.checkIdentity(schema) else { throw .empty(path: database.path) }
        return database
    }

    /// Reads without locks and without shared memory, both of which need write access.
    private static func atRest(_ path: String, _ schema: Schema) throws(StoreError) -> Database {
        guard gw_sqlite_file_exists(path + "-wal") else {
            let name = "file:" + uriPath(path) + "?immutable=1"
            return try reader(Database(name, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, nil), schema)
        }
        // A write-ahead log was left behind: its index is made in this process's own memory.
        let database = try Database(path, SQLITE_OPEN_READONLY, "unix-none")
        try database.execute("PRAGMA locking_mode = EXCLUSIVE")
        return try reader(database, schema)
    }

    /// What a file's path is in a URI: everything but letters, digits, `/`, `.`, `-` and `_` by its number.
    private static func uriPath(_ path: String) -> String {
        var bytes: [UInt8] = []
        for byte in path.utf8 {
            switch byte {
            case 0x2D...0x39, 0x41...0x5A, 0x5F, 0x61...0x7A: bytes.append(byte)
            default: bytes += [UInt8(ascii: "%")] + Array(encodeHexadecimal([byte]).utf8)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private init(_ path: String, _ flags: Int32, _ vfs: String?) throws(StoreError) {
        // NOMUTEX: one thread uses a connection, so its lock is cost without use. NOFOLLOW is not set: the state
        // folder may be a link.
        let flags = flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        var opened: OpaquePointer?
        let code =
            if let vfs {
                sqlite3_open_v2(path, &opened, flags, vfs)
            } else {
                sqlite3_open_v2(path, &opened, flags, nil)
            }
        guard let opened else { throw .sqlite(what: "open \(path)", code: code, message: "out of memory") }
        guard code == SQLITE_OK else {
            let error = Database.error(opened, code, "open \(path)")
            sqlite3_close_v2(opened)
            throw error
        }
        handle = opened
        self.path = path
    }

    deinit {
        sqlite3_finalize(beginStatement)
        sqlite3_finalize(commitStatement)
        // _v2: statements that are still held keep the connection until they are released.
        sqlite3_close_v2(handle)
    }

    private func configure() throws(StoreError) {
        sqlite3_busy_timeout(handle, Database.busyMilliseconds)
        // No SQL can write the schema table or the file's pages directly.
        _ = gw_sqlite_db_switch(handle, SQLITE_DBCONFIG_DEFENSIVE, 1)
        // A schema that somebody else put into the file calls no functions with side effects.
        _ = gw_sqlite_db_switch(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
        // Damaged pages are found when they are read, not when they are believed.
        try execute("PRAGMA cell_size_check = ON")
        // An I/O error must come as an error; through a memory map it would come as SIGBUS.
        try execute("PRAGMA mmap_size = 0")
        // Sorting never writes to flash.
        try execute("PRAGMA temp_store = MEMORY")
        // At most 4 MiB of pages a connection.
        try execute("PRAGMA cache_size = -4096")
    }

    /// True when the file is new. Changes nothing, so that another program's database is left as it was.
    private func checkIdentity(_ schema: Schema) throws(StoreError) -> Bool {
        let applicationID = try Int32(truncatingIfNeeded: value("PRAGMA application_id"))
        let version = try Int32(truncatingIfNeeded: value("PRAGMA user_version"))
        if applicationID == 0, version == 0, try value("SELECT count(*) FROM sqlite_schema") == 0 { return true }
        guard applicationID == schema.applicationID else { throw .foreign(path: path, applicationID: applicationID) }
        // A later version's further steps have added to what is used here, and are left as they are.
        guard version < Schema.firstOfAnotherLayout else {
            throw .newer(path: path, found: version, known: Int32(schema.steps.count))
        }
        return false
    }

    private func migrate(_ schema: Schema, isEmpty: Bool) throws(StoreError) {
        let version = try isEmpty ? 0 : Int(value("PRAGMA user_version"))
        guard version < schema.steps.count else { return }
        try begin()
        do throws(StoreError) {
            for step in schema.steps[version...] { try execute(step) }
            // A pragma's value cannot be bound; these two are numbers of our own.
            try executeText("PRAGMA application_id = \(schema.applicationID)")
            try executeText("PRAGMA user_version = \(schema.steps.count)")
            try commit()
        } catch {
            rollback()
            throw error
        }
    }

    /// Runs SQL that gives no rows and takes no data; several statements may follow one another.
    public func execute(_ sql: StaticString) throws(StoreError) {
        let code = sqlite3_exec(handle, Database.characters(sql), nil, nil, nil)
        guard code == SQLITE_OK else { throw failure(code, sql.description) }
    }

    private func executeText(_ sql: String) throws(StoreError) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw failure(code, sql) }
    }

    /// The first column of the first row, a number; 0 when there is no row or it is NULL.
    public func value(_ sql: StaticString) throws(StoreError) -> Int64 {
        let statement = try prepare(sql)
        return try statement.step() ? statement.integer(0) : 0
    }

    /// A statement for its owner to keep and use again and again.
    public func prepare(_ sql: StaticString) throws(StoreError) -> Statement {
        try Statement(self, sql)
    }

    /// Starts a transaction that writes; waits at most `busyMilliseconds` for another writer.
    public func begin() throws(StoreError) {
        try run(&beginStatement, "BEGIN IMMEDIATE")
    }

    /// When it returns, everything since `begin` is on the disk. When it throws, call `rollback`.
    public func commit() throws(StoreError) {
        try run(&commitStatement, "COMMIT")
    }

    private func run(_ kept: inout OpaquePointer?, _ sql: StaticString) throws(StoreError) {
        if kept == nil {
            let code = sqlite3_prepare_v3(
                handle, Database.characters(sql), -1, UInt32(SQLITE_PREPARE_PERSISTENT), &kept, nil)
            guard code == SQLITE_OK else { throw failure(code, sql.description) }
        }
        let code = sqlite3_step(kept)
        guard code == SQLITE_DONE else {
            let error = failure(code, sql.description)
            sqlite3_reset(kept)
            throw error
        }
        sqlite3_reset(kept)
    }

    /// All that `work` reads is of one moment, and the file is locked for it once. It lasts no longer than `work`: an
    /// open read holds back the log.
    public func reading<T, E: Error>(_ work: () throws(E) -> T) throws(E) -> T {
        // It fails only inside another transaction, whose moment then holds.
        let isOwn = sqlite3_exec(handle, "BEGIN", nil, nil, nil) == SQLITE_OK
        defer { if isOwn { _ = sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) } }
        return try work()
    }

    /// Moves the write-ahead log into the main file. Does nothing while a reader is in the middle of something.
    public func checkpoint() throws(StoreError) {
        let statement = try prepare("PRAGMA wal_checkpoint(TRUNCATE)")
        _ = try statement.step()
    }

    /// Ends what another thread reads through this connection now, with an error. The connection must stay open
    /// meanwhile.
    public func interrupt() {
        sqlite3_interrupt(handle)
    }

    /// Undoes everything since `begin`. Harmless when SQLite has already done so because of an error.
    public func rollback() {
        guard isInTransaction else { return }
        // It can only fail with an error that has itself undone the transaction.
        _ = sqlite3_exec(handle, "ROLLBACK", nil, nil, nil)
    }

    public var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    func failure(_ code: Int32, _ what: String) -> StoreError {
        Database.error(handle, code, "\(path): \(what)")
    }

    private static func error(_ handle: OpaquePointer, _ code: Int32, _ what: String) -> StoreError {
        let extended = sqlite3_extended_errcode(handle)
        let message = sqlite3_errmsg(handle).map { String(cString: $0) } ?? "no message"
        return .sqlite(what: what, code: extended == SQLITE_OK ? code : extended, message: message)
    }

    static func characters(_ sql: StaticString) -> UnsafePointer<CChar> {
        UnsafeRawPointer(sql.utf8Start).assumingMemoryBound(to: CChar.self)
    }
}
