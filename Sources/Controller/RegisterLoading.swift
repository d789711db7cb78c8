// Loads the register at start: imports the CSV files that the configuration names, and takes the snapshot.
//
// Invariants: what was imported is kept by the caller, once the ledger has the records of it: a cut of power in between
// makes import and records anew at the next start. A file that is wrong changes nothing: where that table was imported
// before, the gate goes on with what it has, which is logged and kept as a fault (promise 7); where it never was, the
// start fails.

import Configuration
import Crypto
import Domain
import Ledger
import Machine
import Registry

struct RegisterLoading {
    let files: any Files
    let log: Log
    let importedAt: WallTime

    func load(
        _ settings: RegisterSettings, path: String, offsetMinutes: Int, notes: inout [LedgerNote]
    ) throws(RegistryError) -> (register: Register, database: RegisterDatabase) {
        let database = try RegisterDatabase(path: path, offsetMinutes: offsetMinutes)
        if let file = settings.vehicles {
            try take(file, .vehicles, database, &notes)
        }
        if let file = settings.lists {
            try take(file, .lists, database, &notes)
        }
        let register = try database.snapshot()
        log.info(
            "register: \(register.vehicleCount) vehicles, \(register.listedPlateCount) plates on lists"
                + (register.tagCount > 0 ? ", \(register.tagCount) tags" : ""))
        return (register, database)
    }

    private func take(
        _ file: String, _ source: RegisterDatabase.Source, _ database: RegisterDatabase, _ notes: inout [LedgerNote]
    ) throws(RegistryError) {
        do throws(RegistryError) {
            let bytes = try read(file)
            notes += try importing(bytes, file, source, database)
        } catch {
            guard case .table(let problems, let omitted) = error else { throw error }
            let named = RegistryError.table(
                problems: problems.map { $0.hasPrefix(file) ? $0 : "\(file): \($0)" }, omitted: omitted)
            guard try database.lastImport(of: source) != nil else { throw named }
            log.error("register: \(named.description); what was imported before stays in force: correct the file")
            notes.append(.faultRaised(subject: "register \(source.rawValue)", detail: named.description))
        }
    }

    /// Empty when this very file was imported last.
    private func importing(
        _ bytes: [UInt8], _ file: String, _ source: RegisterDatabase.Source, _ database: RegisterDatabase
    ) throws(RegistryError) -> [LedgerNote] {
        let digest = SHA256.digest(bytes)
        switch source {
        case .vehicles:
            guard let report = try database.importVehicles(bytes, digest: digest, at: importedAt) else { return [] }
            for warning in report.warnings { log.warning("\(file): \(warning)") }
            return [.registerImported(vehicles: UInt32(report.rows), listEntries: 0, refused: 0, file: digest)]
        case .lists:
            guard let report = try database.importLists(bytes, digest: digest, at: importedAt) else { return [] }
            let note = LedgerNote.registerImported(
                vehicles: 0, listEntries: UInt32(report.rows), refused: 0, file: digest)
            return [note] + (report.lists.map { notes($0, file) } ?? [])
        }
    }

    /// Each change of the lists; of more than have records of their own, how many there are.
    private func notes(_ lists: ListDifference, _ file: String) -> [LedgerNote] {
        guard lists.isWhole else {
            return [
                .act(
                    person: "", act: "replace lists", subject: file,
                    detail: "\(lists.added) entries added, \(lists.changed) changed, \(lists.removed) removed",
                    means: .file)
            ]
        }
        return lists.changes.map {
            .listChanged(entry: $0.entry, isRemoved: $0.isRemoved, person: file, means: .file)
        }
    }

    private func read(_ file: String) throws(RegistryError) -> [UInt8] {
        do throws(MachineError) {
            return try files.read(file, limit: TableLimits.fileBytes)
        } catch {
            throw .table(problems: [error.description], omitted: 0)
        }
    }
}
