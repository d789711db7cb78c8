// Loads the register at start: imports the CSV files that the configuration names, and takes the snapshot.
//
// Invariants: what was imported is kept by the caller, once the ledger has the records of it: a cut of power in between
// makes import and records anew at the next start. A file that is wrong changes nothing: the gate goes on with what it
// has, which after a first start is nothing, so that nobody is released but by a person (promise 7). A register.db
// that cannot be used is set aside, or the register kept in memory alone: each is logged, kept as a fault and shown. No
// start fails for it.

import Configuration
import Crypto
import Domain
import Ledger
import Machine
import Registry

struct RegisterLoading {
    /// Without a database nothing can be kept.
    typealias Loaded = (register: Register, database: RegisterDatabase?)

    let files: any Files
    let log: Log
    let importedAt: WallTime

    private static let shownBytes = 400

    /// - Parameters:
    ///   - notes: what the ledger is to hear.
    ///   - faults: what the console shows while this run lasts.
    func load(
        _ settings: RegisterSettings, path: String, offsetMinutes: Int, notes: inout [LedgerNote],
        faults: inout [String]
    ) -> Loaded {
        do throws(RegistryError) {
            return try open(path, settings, offsetMinutes, &notes, &faults)
        } catch {
            guard error.needsNewFile else { return inMemory(error, settings, offsetMinutes, &notes, &faults) }
            fault("database", error.description + "; it is set aside, and the files are imported anew", &notes, &faults)
        }
        do throws(RegistryError) {
            setAside(path)
            return try open(path, settings, offsetMinutes, &notes, &faults)
        } catch {
            return inMemory(error, settings, offsetMinutes, &notes, &faults)
        }
    }

    private func inMemory(
        _ error: RegistryError, _ settings: RegisterSettings, _ offsetMinutes: Int, _ notes: inout [LedgerNote],
        _ faults: inout [String]
    ) -> Loaded {
        fault("database", error.description + "; the register is kept in memory alone", &notes, &faults)
        do throws(RegistryError) {
            return try open(":memory:", settings, offsetMinutes, &notes, &faults)
        } catch {
            fault("database", error.description + "; no vehicle is known", &notes, &faults)
            return (.empty, nil)
        }
    }

    private func open(
        _ path: String, _ settings: RegisterSettings, _ offsetMinutes: Int, _ notes: inout [LedgerNote],
        _ faults: inout [String]
    ) throws(RegistryError) -> Loaded {
        let told = (notes, faults)
        do throws(RegistryError) {
            return try imported(path, settings, offsetMinutes, &notes, &faults)
        } catch {
            // Nothing of it was kept.
            (notes, faults) = told
            throw error
        }
    }

    private func imported(
        _ path: String, _ settings: RegisterSettings, _ offsetMinutes: Int, _ notes: inout [LedgerNote],
        _ faults: inout [String]
    ) throws(RegistryError) -> Loaded {
        let database = try RegisterDatabase(path: path, offsetMinutes: offsetMinutes)
        if let file = settings.vehicles {
            try take(file, .vehicles, database, &notes, &faults)
        }
        if let file = settings.lists {
            try take(file, .lists, database, &notes, &faults)
        }
        let register = try database.snapshot()
        log.info(
            "register: \(register.vehicleCount) vehicles, \(register.listedPlateCount) plates on lists"
                + (register.tagCount > 0 ? ", \(register.tagCount) tags" : ""))
        return (register, database)
    }

    /// What cannot be moved will show itself when the next one is opened.
    private func setAside(_ path: String) {
        for suffix in ["", "-wal", "-shm"] where files.exists(path + suffix) {
            do throws(MachineError) {
                try files.move(path + suffix, to: path + ".damaged" + suffix)
            } catch {
                log.error("register: \(error.description)")
            }
        }
    }

    private func fault(_ what: String, _ detail: String, _ notes: inout [LedgerNote], _ faults: inout [String]) {
        log.error("register \(what): \(detail)")
        notes.append(.faultRaised(subject: "register \(what)", detail: detail))
        faults.append(
            "register: FAULT at the start, \(what): "
                + String(decoding: detail.utf8.prefix(RegisterLoading.shownBytes), as: UTF8.self))
    }

    private func take(
        _ file: String, _ source: RegisterDatabase.Source, _ database: RegisterDatabase,
        _ notes: inout [LedgerNote], _ faults: inout [String]
    ) throws(RegistryError) {
        do throws(RegistryError) {
            let bytes = try read(file)
            notes += try importing(bytes, file, source, database)
        } catch {
            guard case .table(let problems, let omitted) = error else { throw error }
            let named = RegistryError.table(
                problems: problems.map { $0.hasPrefix(file) ? $0 : "\(file): \($0)" }, omitted: omitted)
            let kept = try database.lastImport(of: source) != nil
            fault(
                source.rawValue,
                named.description
                    + (kept
                        ? "; what was imported before stays in force: correct the file and start again"
                        : "; nothing of that file was taken: correct it and start again"),
                &notes, &faults)
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
