// The one writer of the ledger. It has no thread of its own: the ledger thread calls it.
//
// Invariants: what `commit` has returned from is on the disk. A transaction that fails leaves neither a record nor a
// change in memory. Sequence numbers run from 1 without a gap; each record's hash covers the one before. A vehicle
// token has at most one decision and at most one outcome.
// Limits: `LedgerLimits`; opening reads the records since the last seal, whatever the length of the ledger.

import Crypto
import Domain
import Machine
import Store

public final class LedgerWriter {
    let clock: any Clock
    let device: String
    private let condemned: CondemnedMark
    let photos: PhotoStore
    let statements: WriterStatements
    let delivery: DeliveryQueries
    let index: PassageIndex
    let database: Database
    let keys: SealKeys
    let counter: SealCounter
    let reserve: LedgerReserve
    private let lock: FileLock
    private let hasher = ChainHasher()

    /// What a failed transaction is set back to.
    struct Memory {
        var head: LedgerHead
        var boot: UInt32
        var hasBooted = false
        /// The generation, and the epoch and key of the next seal.
        var root: SealingRoot
        /// True until the generation's first record is there, and how the generation came about.
        var isNew: Bool
        var begun: GenerationEntry?
        var carried: [CarriedRow]
        var lastSeal: UInt64?
        /// Lane time of this boot's last seal, or of its boot record.
        var sealedAt: Instant?
        var isSealedInThisBoot = false
        var photoBytes: UInt64
        /// The manual releases of this boot that no pass has used: by vehicle, and, for whoever comes, by lane.
        var releases: [VehicleToken: UInt64] = [:]
        var blindReleases: [LaneID: UInt64] = [:]
        /// What was last recorded of each destination.
        var deliveries: [DeliveryState] = []
    }

    var memory: Memory
    /// The search for photos that no record names.
    var orphans = OrphanSweep(isNeeded: false)
    private var memoryAtBegin: Memory?

    /// How often the ledger is sealed, also when nothing happens.
    public var sealInterval = Interval.seconds(900)

    /// Opens the ledger in `folder`, or begins one there (the folder's parent must exist), and verifies its records
    /// since the last seal. One that cannot be gone on with is set aside, and a new generation begins: `generation`
    /// tells of it. `device` names the controller for the life of the ledger. `vfs` names a file layer of SQLite's;
    /// `makeSeed` makes the sealing keys.
    public init(
        folder: String, files: any Files, clock: any Clock, device: String, vfs: String? = nil,
        makeSeed: @escaping () -> [UInt8] = { randomBytes(Ed25519PrivateKey.seedByteCount) }
    ) throws(LedgerError) {
        guard device.utf8.count <= LedgerLimits.textBytes else {
            throw .limit(what: "the device's name", limit: LedgerLimits.textBytes)
        }
        lock = try LedgerWriter.takeLock(folder, files)
        self.clock = clock
        self.device = device
        condemned = CondemnedMark(folder: folder, files: files)
        photos = PhotoStore(ledger: folder, files)
        try photos.createFolder()
        do throws(MachineError) {
            try files.createFolder(LedgerPath.seals(folder))
        } catch {
            throw .file(what: "make the folder of the sealing key", error)
        }
        keys = SealKeys(folder: LedgerPath.seals(folder), files, makeSeed: makeSeed)
        counter = SealCounter(folder: LedgerPath.seals(folder), files)
        reserve = LedgerReserve(folder: folder, files)
        let opened = try LedgerOpening(
            folder: folder, files: files, device: device, vfs: vfs, keys: keys, counter: counter
        ).open()
        database = opened.database
        statements = opened.statements
        delivery = opened.delivery
        index = opened.index
        memory = Memory(
            head: opened.head, boot: opened.boot, root: opened.root, isNew: opened.isNew, begun: opened.begun,
            carried: opened.carried, lastSeal: opened.lastSeal, photoBytes: opened.photoBytes)
        generation = opened.begun
        do throws(StoreError) {
            memory.photoBytes += UInt64(max(0, try statements.progressValue("photo-bytes")))
        } catch {
            throw .store(error)
        }
        let mayHaveOrphans = try mayHaveOrphans()
        do throws(StoreError) { orphans = try orphanSweep(isNeeded: mayHaveOrphans) } catch { throw .store(error) }
    }

    /// Set when this opening has begun a new generation, and why.
    public let generation: GenerationEntry?

    /// Has the next start set this database aside, for an error that `isCorruption`. False when that could not be kept.
    public func condemn(_ reason: String) -> Bool {
        do throws(MachineError) {
            try condemned.write(memory.root.generation, reason)
            return true
        } catch {
            return false
        }
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
        let hasBegun = memoryAtBegin?.isNew == true && !memory.isNew
        memoryAtBegin = nil
        if hasBegun { condemned.remove() }
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

    func note(release sequence: UInt64, of token: VehicleToken, _ lane: LaneID) {
        if token == .none {
            memory.blindReleases[lane] = sequence
        } else {
            memory.releases[token] = sequence
        }
    }

    /// The manual release that a passage came under; it is used up by this.
    func takeRelease(of end: PassEnd) -> UInt64? {
        if let sequence = memory.releases.removeValue(forKey: end.token) { return sequence }
        return end.cause == .person ? memory.blindReleases.removeValue(forKey: end.lane) : nil
    }

    func undo() {
        database.rollback()
        if let memoryAtBegin {
            memory = memoryAtBegin
            orphans = OrphanSweep(isNeeded: true, deletesPhotos: orphans.deletesPhotos)
        }
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
        let body = RecordBody.boot(
            version: cut(version, LedgerLimits.textBytes), cause: cut(cause, LedgerLimits.textBytes), device: device,
            root: memory.isNew ? memory.root : nil)
        let header = nextHeader(body, .none)
        try insert(header, try header.canonical(body: try body.encoded()))
        memory.sealedAt = header.laneTime
        memory.isNew = false
        if let begun = memory.begun { try insert(.generation(begun), .none) }
        memory.begun = nil
        try append(carried: memory.carried)
        memory.carried = []
        return try closeOpenDecisions()
    }

    /// Appends one record and returns its sequence number.
    @discardableResult
    func insert(_ body: RecordBody, _ token: VehicleToken) throws(LedgerError) -> UInt64 {
        precondition(memoryAtBegin != nil, "LDG-6 append comes between begin and commit")
        precondition(memory.hasBooted, "LDG-7 the boot record comes first")
        let header = nextHeader(body, token)
        try insert(header, try header.canonical(body: try body.encoded()))
        return header.sequence
    }

    func nextHeader(_ body: RecordBody, _ token: VehicleToken) -> RecordHeader {
        guard let kind = body.kind else { preconditionFailure("LDG-8 a record has a kind of this format") }
        return RecordHeader(
            kind: kind, sequence: memory.head.sequence + 1, laneTime: clock.now(), wall: clock.wall(),
            boot: memory.boot, token: token)
    }

    func insert(_ header: RecordHeader, _ canonical: [UInt8]) throws(LedgerError) {
        let hash = hasher.hash(after: memory.head.hash, canonical)
        try store { () throws(StoreError) in
            let statement = statements.insertRecord
            statement.bind(1, header.sequence)
            statement.bind(2, Int64(header.kindNumber))
            statement.bind(3, header.token.value)
            statement.bind(4, blob: canonical)
            statement.bind(5, blob: hash.bytes)
            try statement.run()
        }
        memory.head = LedgerHead(sequence: header.sequence, hash: hash)
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
