// Opening: goes on with the database that is there when its tail, the counter and the sealing key agree, and otherwise
// sets it aside and begins a new generation. The gate never waits for a damaged file.
//
// Invariants: a database that is set aside is renamed and never written again; what the new generation says of it was
// read from it or from the counter.

import Crypto
import Domain
import Machine
import Store

/// What the writer starts from.
struct OpenedLedger {
    let database: Database
    let statements: WriterStatements
    let delivery: DeliveryQueries
    let index: PassageIndex
    var head: LedgerHead
    var boot: UInt32
    /// The generation, and the epoch and key of the next seal.
    var root: SealingRoot
    /// The last seal's record.
    var lastSeal: UInt64?
    /// Of the photos named since that seal.
    var photoBytes: UInt64 = 0
    /// True until the generation's first record is there.
    var isNew = false
    /// How a later generation came about, and what the one before still owed: to be appended after its boot record.
    var begun: GenerationEntry?
    var carried: [CarriedRow] = []
}

struct LedgerOpening {
    let folder: String
    let files: any Files
    let device: String
    let vfs: String?
    let keys: SealKeys
    let counter: SealCounter

    private var condemned: CondemnedMark { CondemnedMark(folder: folder, files: files) }

    /// What there is in the folder.
    private enum Finding {
        case sound(OpenedLedger)
        /// No record, and nothing that speaks of one.
        case nothing
        /// No record, where there was a ledger.
        case emptied
        case unusable(LedgerTail?, why: String)
    }

    func open() throws(LedgerError) -> OpenedLedger {
        // The connection to a database that is not gone on with is closed when `look` returns: closing it later would
        // remove the log of the new one.
        var finding = try look()
        // A read that failed once may succeed: a whole ledger is not given up for it.
        if case .unusable = finding { finding = try look() }
        switch finding {
        case .sound(let opened): return opened
        case .nothing:
            let key = try keys.begin(after: nil)
            return try begin(generation: 1, key, after: 0, boot: 0, nil)
        case .emptied:
            let newest = firstFreeNumber(from: 1) - 1
            let sealed = counter.state?.generation ?? 0
            if newest >= sealed, newest > 0, let opened = try goOn(after: newest) { return opened }
            return try begin(
                nil, max(newest, sealed), setAside: "",
                why: "it was empty, beside its counter or earlier generations")
        case .unusable(let tail, let why):
            let carried = try owed(tail) { () throws(LedgerError) in try database() }
            let number = try setAside(lowestNumber(tail))
            var opened = try begin(tail, number, setAside: LedgerPath.generation(number), why: why)
            opened.carried = carried
            return opened
        }
    }

    /// The start that set this generation aside came no further: what it owes and how it ended are read once more.
    private func goOn(after number: UInt32) throws(LedgerError) -> OpenedLedger? {
        let name = LedgerPath.generation(number)
        var tail: LedgerTail?
        var carried: [CarriedRow] = []
        var why = "it was set aside by a start that came no further"
        do throws(LedgerError) {
            let old = try Kept.run { () throws(StoreError) in
                try Database.reader(folder + "/" + name, LedgerSchema.schema, vfs: vfs)
            }
            let found = try LedgerTail(old)
            if let device = found.device, !device.utf8.elementsEqual(self.device.utf8) { return nil }
            tail = found
            if let fault = found.fault?.description ?? condemned.reason(found.generation) { why += ": \(fault)" }
            carried = try owed(found) { () throws(LedgerError) in old }
        } catch {
            guard error.isDamage else { throw error }
            why += ": \(error.description)"
        }
        var opened = try begin(tail, number, setAside: name, why: why)
        opened.carried = carried
        return opened
    }

    /// What the old database owes the platforms, as far as it can be read.
    private func owed(
        _ tail: LedgerTail?, _ database: () throws(LedgerError) -> Database
    ) throws(LedgerError) -> [CarriedRow] {
        guard tail?.device != nil else { return [] }
        do throws(LedgerError) {
            return try LedgerCarry.owed(database())
        } catch {
            guard error.isDamage else { throw error }
            return []
        }
    }

    private func look() throws(LedgerError) -> Finding {
        let path = LedgerPath.database(folder)
        // SQLite would delete the log beside an empty main file, and with it what may still be read from it.
        if isEmptyFile(path), files.exists(path + "-wal") || isLogAside {
            return .unusable(nil, why: "its main file was empty beside its log")
        }
        var tail: LedgerTail?
        do throws(LedgerError) {
            let database = try database()
            let found = try LedgerTail(database)
            tail = found
            guard let device = found.device else {
                if let fault = found.fault { return .unusable(found, why: fault.description) }
                let isFirst = counter.state == nil && firstFreeNumber(from: 1) == 1
                return isFirst ? .nothing : .emptied
            }
            guard device.utf8.elementsEqual(self.device.utf8) else {
                throw .otherDevice(folder: folder, found: device, expected: self.device)
            }
            if let fault = found.fault { return .unusable(found, why: fault.description) }
            if let why = condemned.reason(found.generation) { return .unusable(found, why: why) }
            return try check(database, found)
        } catch {
            guard error.isDamage else { throw error }
            return .unusable(tail, why: error.description)
        }
    }

    /// A database that is sound in itself: whether the counter and the key agree with it.
    private func check(_ database: Database, _ tail: LedgerTail) throws(LedgerError) -> Finding {
        guard let root = tail.root, let head = tail.lastGood, let next = tail.next else {
            preconditionFailure("LDG-12 a ledger without a fault has a first record")
        }
        if let why = try contradiction(database, tail, head) { return .unusable(tail, why: why) }
        guard try keys.find(epoch: next.epoch, key: next.key) else {
            return .unusable(tail, why: "the sealing key that its last seal names is not there")
        }
        var opened = try opened(
            database, head: head, boot: tail.boot,
            root: SealingRoot(epoch: next.epoch, key: next.key, generation: root.generation))
        opened.lastSeal = tail.seal?.sequence
        opened.photoBytes = tail.photoBytes
        if let seal = tail.seal, counter.state?.head.sequence ?? 0 < seal.sequence,
            let hash = try LedgerOpening.hash(database, seal.sequence)
        {
            try counter.write(
                SealedState(
                    generation: root.generation, boot: tail.boot, epoch: seal.entry.epoch,
                    head: LedgerHead(sequence: seal.sequence, hash: hash), wall: seal.wall))
        }
        return .sound(opened)
    }

    private func opened(
        _ database: Database, head: LedgerHead, boot: UInt32, root: SealingRoot
    ) throws(LedgerError) -> OpenedLedger {
        let opened = try Kept.run { () throws(StoreError) in
            let statements = try WriterStatements(database)
            // What the writer begins with is read here, where damage has the file set aside.
            _ = try statements.progressValue("photo-bytes")
            return OpenedLedger(
                database: database, statements: statements, delivery: try DeliveryQueries(database),
                index: try PassageIndex(database), head: head, boot: boot, root: root)
        }
        try opened.index.fillIfEmpty(database)
        return opened
    }

    private func database() throws(LedgerError) -> Database {
        do throws(StoreError) {
            return try Database.writer(LedgerPath.database(folder), LedgerSchema.schema, vfs: vfs)
        } catch {
            throw .store(error)
        }
    }

    /// How the counter contradicts the database; nil when it does not.
    private func contradiction(
        _ database: Database, _ tail: LedgerTail, _ head: LedgerHead
    ) throws(LedgerError) -> String? {
        guard let state = counter.state, state.generation >= tail.generation else { return nil }
        guard state.generation == tail.generation else {
            return "it is of generation \(tail.generation), its counter of \(state.generation): it was rolled back"
        }
        guard state.head.sequence <= head.sequence else {
            return "it ends with record \(head.sequence) and was sealed up to \(state.head.sequence): "
                + "it was cut off or rolled back"
        }
        guard try LedgerOpening.hash(database, state.head.sequence) == state.head.hash else {
            return
                "its record \(state.head.sequence) is not the one that was sealed: it was rolled back and gone on with"
        }
        return nil
    }

    private static func hash(_ database: Database, _ sequence: UInt64) throws(LedgerError) -> Digest? {
        let query = try Kept.statement(database, "SELECT hash FROM record WHERE seq = ?1")
        query.bind(1, sequence)
        guard try Kept.step(query) else { return nil }
        defer { query.reset() }
        return Digest(bytes: query.blob(0))
    }

    // MARK: - Beginning

    private func begin(
        _ tail: LedgerTail?, _ number: UInt32, setAside: String, why: String
    ) throws(LedgerError) -> OpenedLedger {
        let state = counter.state
        let sealed = [state?.epoch, tail?.seal?.entry.epoch].compactMap { $0 }.max()
        let entry = GenerationEntry(
            number: number + 1, setAside: setAside, reason: cut(why, 1_024), lastGood: tail?.lastGood,
            counter: state?.head)
        return try begin(
            generation: number + 1, try keys.begin(after: sealed),
            after: max(tail?.lastGood?.sequence ?? 0, state?.head.sequence ?? 0),
            boot: max(tail?.boot ?? 0, state?.boot ?? 0), entry)
    }

    private func begin(
        generation: UInt32, _ key: SealKey, after last: UInt64, boot: UInt32, _ entry: GenerationEntry?
    ) throws(LedgerError) -> OpenedLedger {
        var opened = try opened(
            database(), head: LedgerHead(sequence: last, hash: Chain.genesis(device: device)), boot: boot,
            root: SealingRoot(epoch: key.epoch, key: key.key.publicKey, generation: generation))
        opened.isNew = true
        opened.begun = entry
        return opened
    }

    private func lowestNumber(_ tail: LedgerTail?) -> UInt32 {
        max(tail?.generation ?? 1, counter.state?.generation ?? 1)
    }

    /// A start that came no further has moved the log already, and the main file is to follow.
    private var isLogAside: Bool {
        files.exists(folder + "/" + LedgerPath.generation(firstFreeNumber(from: lowestNumber(nil))) + "-wal")
    }

    private func firstFreeNumber(from lowest: UInt32) -> UInt32 {
        var number = lowest
        while files.exists(folder + "/" + LedgerPath.generation(number)) { number += 1 }
        return number
    }

    /// Renames the files to the first free name from `lowest` on, and returns its number. The log goes first: a crash
    /// in between leaves a main file without its log, which is set aside under the same number.
    private func setAside(_ lowest: UInt32) throws(LedgerError) -> UInt32 {
        let number = firstFreeNumber(from: lowest)
        let path = LedgerPath.database(folder)
        let aside = folder + "/" + LedgerPath.generation(number)
        do throws(MachineError) {
            if files.exists(path + "-wal") { try files.move(path + "-wal", to: aside + "-wal") }
            if files.exists(path + "-shm") { try files.remove(path + "-shm") }
            if files.exists(path) { try files.move(path, to: aside) }
        } catch {
            throw .file(what: "set the old ledger aside", error)
        }
        return number
    }

    private func isEmptyFile(_ path: String) -> Bool {
        guard files.exists(path) else { return false }
        do throws(MachineError) {
            return try files.read(path, limit: 0).isEmpty
        } catch {
            return false
        }
    }
}
