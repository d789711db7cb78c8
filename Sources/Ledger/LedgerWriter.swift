// The one writer of the ledger. It has no thread of its own: the ledger thread calls it.
//
// Invariants: what `commit` has returned from is on the disk. A transaction that fails leaves neither a record nor a
// change in memory. Sequence numbers run from 1 without a gap; each record's hash covers the one before. A vehicle
// token has at most one decision and at most one outcome.
// Limits: `LedgerLimits`; opening reads the newest 1000 records, whatever the length of the ledger.

import Domain
import Machine
import Store

public final class LedgerWriter {
    let clock: any Clock
    let device: String
    let photos: PhotoStore
    let statements: WriterStatements
    let delivery: DeliveryQueries
    let index: PassageIndex
    private let database: Database
    private let lock: FileLock

    /// What a failed transaction is set back to.
    private struct Memory {
        var head: LedgerHead
        var boot: UInt32
        var hasBooted = false
    }

    private var memory: Memory
    private var memoryAtBegin: Memory?

    /// Opens the ledger in `folder`, or begins one there (the folder's parent must exist), and verifies its newest
    /// records. `device` names the controller for the life of the ledger. `vfs` names a file layer of SQLite's.
    public init(
        folder: String, files: any Files, clock: any Clock, device: String, vfs: String? = nil
    ) throws(LedgerError) {
        guard device.utf8.count <= LedgerLimits.textBytes else {
            throw .limit(what: "the device's name", limit: LedgerLimits.textBytes)
        }
        lock = try LedgerWriter.takeLock(folder, files)
        self.clock = clock
        self.device = device
        photos = PhotoStore(ledger: folder, files)
        try photos.createFolder()
        do throws(StoreError) {
            database = try Database.writer(LedgerPath.database(folder), LedgerSchema.schema, vfs: vfs)
            statements = try WriterStatements(database)
            delivery = try DeliveryQueries(database)
            index = try PassageIndex(database)
        } catch {
            throw .store(error)
        }
        let tail = try LedgerTail.verified(database, folder: folder, device: device)
        memory = Memory(head: tail.head, boot: tail.boot)
        try index.fillIfEmpty(database)
    }

    static func takeLock(_ folder: String, _ files: any Files) throws(LedgerError) -> FileLock {
        var taken: FileLock?
        do throws(MachineError) {
            try files.createFolder(folder)
            taken = try FileLock.take(LedgerPath.lock(folder))
        } catch {
            throw .file(what: "open \(folder)", error)
        }
        guard let taken else { throw .lockedByAnother(folder: folder) }
        return taken
    }

    /// The number of this boot, from `appendBoot` on; before that, of the last one. Vehicle tokens carry it.
    public var bootNumber: UInt32 { memory.boot }

    /// The newest record, committed or not.
    public var head: LedgerHead { memory.head }

    // MARK: - Transactions

    /// Starts a transaction. What is appended is durable when `commit` returns, and not before.
    public func begin() throws(LedgerError) {
        precondition(memoryAtBegin == nil, "LDG-2 transactions do not nest")
        do throws(StoreError) {
            try database.begin()
        } catch {
            throw .store(error)
        }
        memoryAtBegin = memory
    }

    /// When it returns, everything since `begin` is on the disk. When it throws, nothing of it was kept.
    public func commit() throws(LedgerError) {
        precondition(memoryAtBegin != nil, "LDG-3 commit follows begin")
        try store { () throws(StoreError) in try database.commit() }
        memoryAtBegin = nil
    }

    /// Moves everything from the write-ahead log into the main file, for an orderly end: whoever copies ledger.db alone
    /// then has the whole ledger. Not needed for durability.
    public func settle() throws(LedgerError) {
        precondition(memoryAtBegin == nil, "LDG-5 settling comes between transactions")
        try store { () throws(StoreError) in try database.checkpoint() }
    }

    /// Gives up everything since `begin`; photos that were written stay as files that no record names. Does nothing
    /// when the failure that led here has undone it already.
    public func rollback() {
        if memoryAtBegin != nil { undo() }
    }

    func undo() {
        database.rollback()
        if let memoryAtBegin { memory = memoryAtBegin }
        memoryAtBegin = nil
    }

    /// Runs work on the database. An error undoes the whole transaction.
    func store<T>(_ work: () throws(StoreError) -> T) throws(LedgerError) -> T {
        do throws(StoreError) {
            return try work()
        } catch {
            undo()
            throw .store(error)
        }
    }

    // MARK: - The next record

    /// Appends the first record of this run. Decisions that the last run left without an outcome are closed as
    /// interrupted; the result is how many there were.
    @discardableResult
    public func appendBoot(version: String, cause: String) throws(LedgerError) -> Int {
        precondition(!memory.hasBooted, "LDG-5 a run has one boot record")
        precondition(memoryAtBegin != nil, "LDG-6 append comes between begin and commit")
        memory.boot += 1
        memory.hasBooted = true
        try insert(
            .boot(
                version: cut(version, LedgerLimits.textBytes), cause: cut(cause, LedgerLimits.textBytes),
                device: device),
            .none)
        return try closeOpenDecisions()
    }

    /// Appends one record and returns its sequence number.
    @discardableResult
    func insert(_ body: RecordBody, _ token: VehicleToken) throws(LedgerError) -> UInt64 {
        precondition(memoryAtBegin != nil, "LDG-6 append comes between begin and commit")
        precondition(memory.hasBooted, "LDG-7 the boot record comes first")
        guard let kind = body.kind else { preconditionFailure("LDG-8 a record has a kind of this format") }
        let header = RecordHeader(
            kind: kind, sequence: memory.head.sequence + 1, laneTime: clock.now(), wall: clock.wall(),
            boot: memory.boot, token: token)
        let canonical = try header.canonical(body: try body.encoded())
        let hash = Chain.hash(after: memory.head.hash, canonical)
        try store { () throws(StoreError) in
            let statement = statements.insertRecord
            statement.bind(1, header.sequence)
            statement.bind(2, Int64(header.kindNumber))
            statement.bind(3, token.value)
            statement.bind(4, blob: canonical)
            statement.bind(5, blob: hash.bytes)
            try statement.run()
        }
        memory.head = LedgerHead(sequence: header.sequence, hash: hash)
        return header.sequence
    }

    /// The record that a statement of the form "SELECT … WHERE x = ?1" finds.
    func record(_ statement: Statement) throws(LedgerError) -> Record? {
        defer { statement.reset() }
        guard try store({ () throws(StoreError) in try statement.step() }) else { return nil }
        do throws(LedgerError) {
            return try StoredRecord(statement).decoded()
        } catch {
            // Going on from a record that is not what was written would spread the damage.
            undo()
            throw error
        }
    }
}

/// The writer's prepared statements.
final class WriterStatements {
    let insertRecord: Statement
    let decisionOfToken: Statement
    let outcomeOfToken: Statement
    let captureOfKey: Statement
    let insertCapture: Statement
    let openDecision: Statement
    let closeDecision: Statement
    let firstOpenDecision: Statement
    let insertDue: Statement
    let moveCursor: Statement
    let insertQuarantine: Statement

    init(_ database: Database) throws(StoreError) {
        insertRecord = try database.prepare(
            "INSERT INTO record(seq, kind, token, canonical, hash) VALUES(?1, ?2, ?3, ?4, ?5)")
        decisionOfToken = try database.prepare(
            "SELECT seq, kind, token, canonical, hash FROM record WHERE kind = 4 AND token = ?1")
        outcomeOfToken = try database.prepare(
            "SELECT seq, kind, token, canonical, hash FROM record WHERE kind = 5 AND token = ?1")
        captureOfKey = try database.prepare(
            """
            SELECT record.seq, kind, token, canonical, hash FROM capture JOIN record ON record.seq = capture.seq
            WHERE capture.key = ?1
            """)
        insertCapture = try database.prepare("INSERT INTO capture(seq, key) VALUES(?1, ?2)")
        openDecision = try database.prepare("INSERT INTO open_decision(token, seq) VALUES(?1, ?2)")
        closeDecision = try database.prepare("DELETE FROM open_decision WHERE token = ?1")
        firstOpenDecision = try database.prepare(
            """
            SELECT record.seq, kind, record.token, canonical, hash
            FROM open_decision JOIN record ON record.seq = open_decision.seq ORDER BY record.seq LIMIT 1
            """)
        insertDue = try database.prepare("INSERT INTO due(seq, ordinal, steps) VALUES(?1, ?2, ?3)")
        moveCursor = try database.prepare(
            """
            INSERT INTO delivery(destination, seq, step) VALUES(?1, ?2, ?3)
            ON CONFLICT(destination) DO UPDATE SET seq = excluded.seq, step = excluded.step
            """)
        insertQuarantine = try database.prepare(
            "INSERT INTO quarantine(destination, seq, step, reason, at) VALUES(?1, ?2, ?3, ?4, ?5)")
    }
}
