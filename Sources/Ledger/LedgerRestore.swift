// Makes a ledger again out of a backup, in a folder where none is.
//
// Invariants: a folder that has a ledger is refused. The new one gets its name when it is whole, durable and verified;
// a restore that was cut off leaves only a hidden folder, which the next one begins anew. The records' bytes and hashes
// are those of the backup; everything else is derived from them, but how far the destinations were: that is as the
// backup has it, so what was delivered after it is sent once more. The sealing key is in no backup: whoever goes on
// with a restored ledger begins a new generation, which names the last record of this one. A drill does all of it in a
// folder that it makes and takes away again, but for the photos, which it reads where they lie.

import Domain
import Formats
import Machine
import Store

public struct RestoreReport: Sendable {
    public internal(set) var report: LedgerReport
    public internal(set) var photos: UInt64 = 0
    public internal(set) var missing: UInt64 = 0
    /// Passages in the restored index.
    public internal(set) var passages = 0
    public internal(set) var device = ""
}

public enum LedgerRestore {
    private static let recordsPerTransaction = 1_000

    /// - Parameter state: the new state folder; made when it is missing (its parent must exist).
    public static func run(
        _ backup: LedgerBackup, state: String, files: any Files, streams: any FileStreams
    ) throws(LedgerError) -> RestoreReport {
        let target = state + "/ledger"
        let unfinished = state + "/.restoring"
        guard !files.exists(target) else {
            throw .backup(folder: target, reason: "there is a ledger already; name another folder to restore to")
        }
        try LedgerError.file("make \(state)") { () throws(MachineError) in
            try files.createFolder(state)
            try files.createFolder(unfinished)
            try removeDatabase(unfinished, files)
        }
        let photos = PhotoStore(ledger: unfinished, files)
        try photos.createFolder()
        var result = try fill(unfinished, backup) { (bytes, photo) throws(LedgerError) in
            if !photos.has(photo) { try photos.keepCopy(bytes, photo, streams) }
        }
        // No connection may be open when the folder gets its name.
        result.report = try LedgerVerifier(LedgerReader(folder: unfinished, files: files), checksPhotos: false).verify()
        if let fault = result.report.fault { throw fault }
        try LedgerError.file("name \(target)") { () throws(MachineError) in
            try files.move(unfinished, to: target)
        }
        return result
    }

    /// Makes a ledger of the backup in `scratch`, verifies it, counts its passages by the index and by the records, and
    /// takes it away again. With `live`, that ledger must hold the backup's last record; it is only read.
    ///
    /// - Parameter scratch: a folder that is not there yet; what the records take is needed beside it.
    public static func drill(
        _ backup: LedgerBackup, scratch: String, live: LedgerReader?, files: any Files
    ) throws(LedgerError) -> RestoreReport {
        guard !files.exists(scratch) else {
            throw .backup(folder: scratch, reason: "it is there already; name a folder that the drill may make")
        }
        try LedgerError.file("make \(scratch)") { () throws(MachineError) in try files.createFolder(scratch) }
        let result: RestoreReport
        do throws(LedgerError) {
            result = try proven(backup, scratch, live, files)
        } catch {
            // Why it failed is what counts.
            do throws(MachineError) { try clear(scratch, files) } catch {}
            throw error
        }
        try LedgerError.file("remove \(scratch)") { () throws(MachineError) in try clear(scratch, files) }
        return result
    }

    private static func proven(
        _ backup: LedgerBackup, _ scratch: String, _ live: LedgerReader?, _ files: any Files
    ) throws(LedgerError) -> RestoreReport {
        var result = try fill(scratch, backup) { (_, _) throws(LedgerError) in }
        let reader = try LedgerReader(folder: scratch, files: files)
        result.report = try LedgerVerifier(reader, checksPhotos: false).verify()
        if let fault = result.report.fault { throw fault }
        result.passages = try reader.counts(LedgerQuery()).total
        let walked = try reader.countsByWalking(LedgerQuery()).total
        guard walked == result.passages else {
            throw .backup(folder: scratch, reason: "the index has \(result.passages) passages, the records \(walked)")
        }
        guard let live else { return result }
        let device = try live.beginning().device
        guard device.utf8.elementsEqual(result.device.utf8) else {
            throw .backup(folder: scratch, reason: "it is of device \"\(result.device)\", the ledger of \"\(device)\"")
        }
        let head = result.report.head
        let same = try live.records(from: head.sequence, limit: 1).first
        guard let same, same.sequence == head.sequence, same.hash == head.hash else {
            throw .backup(folder: scratch, reason: "its last record, \(head.sequence), is not in the ledger")
        }
        return result
    }

    private static func removeDatabase(_ folder: String, _ files: any Files) throws(MachineError) {
        for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] where files.exists(folder + "/" + name) {
            try files.remove(folder + "/" + name)
        }
    }

    /// Nothing but the database is in it; what else is there stays, and the folder with it.
    private static func clear(_ scratch: String, _ files: any Files) throws(MachineError) {
        try removeDatabase(scratch, files)
        try files.removeFolder(scratch)
    }

    /// Fills a database with the backup's records, and gives each photo with its bytes, which are checked.
    private static func fill(
        _ folder: String, _ backup: LedgerBackup,
        _ take: ([UInt8], PhotoReference) throws(LedgerError) -> Void
    ) throws(LedgerError) -> RestoreReport {
        let database = try Kept.run { () throws(StoreError) in
            try Database.writer(LedgerPath.database(folder), LedgerSchema.schema)
        }
        let tables = try Kept.run { () throws(StoreError) in try RestoredTables(database) }
        var result = RestoreReport(report: LedgerReport(head: LedgerHead(sequence: 0, hash: .zero)))
        var count = 0
        try Kept.run { () throws(StoreError) in try database.begin() }
        let (_, end) = try backup.eachRecord { (record, canonical) throws(LedgerError) in
            for photo in record.ownPhotos {
                result.photos += 1
                if let bytes = try backup.photo(photo) {
                    try take(bytes, photo)
                } else {
                    result.missing += 1
                }
            }
            try Kept.run { () throws(StoreError) in try tables.add(record, canonical) }
            count += 1
            guard count % recordsPerTransaction == 0 else { return }
            try Kept.run { () throws(StoreError) in
                try database.commit()
                try database.begin()
            }
        }
        try Kept.run { () throws(StoreError) in
            for delivery in end.deliveries?.elements ?? [] {
                guard let destination = delivery["destination"]?.text, let sequence = delivery["seq"]?.integer,
                    let step = delivery["step"]?.integer
                else { continue }
                try tables.setDelivery(destination, sequence, step)
            }
            try database.commit()
            try database.checkpoint()
        }
        guard result.missing <= end.missing else {
            throw .backup(folder: folder, reason: "\(result.missing) photos are not in the backup")
        }
        result.device = end.device
        return result
    }
}

/// The tables of the database as the writer would have filled them.
private final class RestoredTables {
    private let index: PassageIndex
    private let delivery: DeliveryQueries
    private let statements: WriterStatements
    private let outcome: Statement

    init(_ database: Database) throws(StoreError) {
        index = try PassageIndex(database)
        delivery = try DeliveryQueries(database)
        statements = try WriterStatements(database)
        outcome = try database.prepare("SELECT 1 FROM record WHERE kind = 5 AND token = ?1")
    }

    func add(_ record: Record, _ canonical: [UInt8]) throws(StoreError) {
        let insert = statements.insertRecord
        insert.bind(1, record.sequence)
        insert.bind(2, Int64(record.kindNumber))
        insert.bind(3, record.token.value)
        insert.bind(4, blob: canonical)
        insert.bind(5, blob: record.hash.bytes)
        try insert.run()
        switch record.body {
        case .capture(let capture):
            statements.insertCapture.bind(1, record.sequence)
            statements.insertCapture.bind(2, text: capture.key)
            try statements.insertCapture.run()
        case .decision:
            defer { outcome.reset() }
            outcome.bind(1, record.token.value)
            guard try !outcome.step() else { return }
            statements.openDecision.bind(1, record.token.value)
            statements.openDecision.bind(2, record.sequence)
            try statements.openDecision.run()
        case .pass(let row): try add(row, record)
        case .quarantine(let entry):
            let statement = statements.insertQuarantine
            statement.bind(1, text: entry.destination)
            statement.bind(2, entry.sequence)
            statement.bind(3, Int64(entry.step))
            statement.bind(4, text: entry.reason)
            statement.bind(5, record.wall.microseconds)
            try statement.run()
        case .carried(let row, _): try owe(row, record)
        case .supplement(let supplement): try statements.add(supplement, record.sequence)
        case .boot, .note, .seal, .prune, .generation, .manualRelease, .unrecognised: break
        }
    }

    private func add(_ row: PassRow, _ record: Record) throws(StoreError) {
        statements.closeDecision.bind(1, record.token.value)
        try statements.closeDecision.run()
        try index.add(row, record.sequence)
        if row.isDue { try owe(row, record) }
    }

    private func owe(_ row: PassRow, _ record: Record) throws(StoreError) {
        statements.insertDue.bind(1, record.sequence)
        statements.insertDue.bind(2, try delivery.lastOrdinal() + 1)
        statements.insertDue.bind(3, Int64(1 + row.photos.count))
        try statements.insertDue.run()
    }

    func setDelivery(_ destination: String, _ sequence: Int64, _ step: Int64) throws(StoreError) {
        statements.moveCursor.bind(1, text: destination)
        statements.moveCursor.bind(2, sequence)
        statements.moveCursor.bind(3, step)
        try statements.moveCursor.run()
    }
}
