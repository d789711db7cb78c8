// Makes a ledger again out of a backup, in a folder where none is.
//
// Invariants: a folder that has a ledger is refused. The new one gets its name when it is whole, durable and verified;
// a restore that was cut off leaves only a hidden folder, which the next one begins anew. The records' bytes and hashes
// are those of the backup; everything else is derived from them, but how far the destinations were: that is as the
// backup has it, so what was delivered after it is sent once more. The sealing key is in no backup: whoever goes on
// with a restored ledger begins a new generation, which names the last record of this one.

import Domain
import Formats
import Machine
import Store

public struct RestoreReport: Sendable {
    public internal(set) var report: LedgerReport
    public internal(set) var photos: UInt64 = 0
    public internal(set) var missing: UInt64 = 0
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
            for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] where files.exists(unfinished + "/" + name) {
                try files.remove(unfinished + "/" + name)
            }
        }
        let photos = PhotoStore(ledger: unfinished, files)
        try photos.createFolder()
        var result = try fill(unfinished, backup, photos, streams)
        // No connection may be open when the folder gets its name.
        result.report = try LedgerVerifier(LedgerReader(folder: unfinished, files: files), checksPhotos: false).verify()
        if let fault = result.report.fault { throw fault }
        try LedgerError.file("name \(target)") { () throws(MachineError) in
            try files.move(unfinished, to: target)
        }
        return result
    }

    private static func fill(
        _ folder: String, _ backup: LedgerBackup, _ photos: PhotoStore, _ streams: any FileStreams
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
                if photos.has(photo) { continue }
                if let bytes = try backup.photo(photo) {
                    try photos.keepCopy(bytes, photo, streams)
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
