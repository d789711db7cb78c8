// The register on disk: register.db in the state folder, apart from the ledger.
//
// Invariants: an import replaces a whole table, or changes nothing; a file whose content is the one last imported is
// not imported again, so that a restart does not make old lists look new. What was imported is seen at once through
// this object, and is on the disk after `commit`: a cut before, and the next start imports and tells it again.
// `valid_until` is kept as the site's civil time, so that it stays right when the site's offset from UTC is set
// otherwise later.
// Limits: `TableLimits`.

import Domain
import Store

/// What an import took.
public struct ImportReport: Sendable {
    public let rows: Int
    /// Rows that were kept and look wrong, at most 20, and how many more there are.
    public let warnings: [String]
    public let omittedWarnings: Int
    /// What the lists' import changed; nil of the vehicles'.
    public internal(set) var lists: ListDifference?
}

public final class RegisterDatabase {
    private static let schema = Schema(
        applicationID: 0x4757_5247,  // "GWRG"
        steps: [
            """
            CREATE TABLE vehicle(
                plate TEXT NOT NULL, colour INTEGER NOT NULL, vin TEXT NOT NULL, registration_date TEXT NOT NULL,
                vehicle_type TEXT NOT NULL, fuel TEXT NOT NULL, stage INTEGER NOT NULL, model TEXT NOT NULL,
                engine_model TEXT NOT NULL, engine_maker TEXT NOT NULL, engine_number TEXT NOT NULL,
                usage TEXT NOT NULL, networked INTEGER, fleet TEXT NOT NULL,
                PRIMARY KEY(plate, colour)) STRICT, WITHOUT ROWID;
            CREATE TABLE list_entry(
                plate TEXT NOT NULL, colour INTEGER NOT NULL, kind INTEGER NOT NULL, reason TEXT NOT NULL,
                valid_until INTEGER, PRIMARY KEY(plate, colour, kind)) STRICT, WITHOUT ROWID;
            CREATE TABLE import(
                what TEXT PRIMARY KEY, digest BLOB NOT NULL, at INTEGER NOT NULL, rows INTEGER NOT NULL)
                STRICT, WITHOUT ROWID;
            """,
            """
            CREATE TABLE tag(epc TEXT PRIMARY KEY, plate TEXT NOT NULL, colour INTEGER NOT NULL) STRICT, WITHOUT ROWID;
            """,
            """
            CREATE TABLE booking(
                plate TEXT NOT NULL, colour INTEGER NOT NULL, cargo TEXT NOT NULL, kilograms INTEGER, direction INTEGER,
                PRIMARY KEY(plate, colour)) STRICT, WITHOUT ROWID;
            """,
        ])

    /// The two tables, each imported from a file of its own.
    public enum Source: String, Sendable {
        case vehicles
        case lists
    }

    private let database: Database
    private let offsetMinutes: Int

    /// Opens the register, or begins an empty one. `offsetMinutes`: the site's time zone, for "valid until".
    public init(path: String, offsetMinutes: Int) throws(RegistryError) {
        self.offsetMinutes = offsetMinutes
        do throws(StoreError) {
            database = try Database.writer(path, RegisterDatabase.schema)
        } catch { throw .store(error) }
    }

    /// When it returns, what was imported is on the disk.
    public func commit() throws(RegistryError) {
        guard database.isInTransaction else { return }
        do throws(StoreError) {
            try database.commit()
        } catch {
            database.rollback()
            throw .store(error)
        }
    }

    /// Replaces all vehicles. Nil when this very file was the last one imported.
    public func importVehicles(_ bytes: [UInt8], digest: Digest, at time: WallTime) throws(RegistryError)
        -> ImportReport?
    {
        var lines: [Plate: Int] = [:]
        var owners: [VehicleTag: (plate: Plate, line: Int)] = [:]
        return try replace(.vehicles, digest, time) { (problems, doubts) throws(StoreError) in
            try database.execute("DELETE FROM vehicle")
            try database.execute("DELETE FROM tag")
            try database.execute("DELETE FROM booking")
            let insertBooking = try database.prepare(
                "INSERT INTO booking(plate, colour, cargo, kilograms, direction) VALUES(?1, ?2, ?3, ?4, ?5)")
            let insertTag = try database.prepare("INSERT INTO tag(epc, plate, colour) VALUES(?1, ?2, ?3)")
            let insert = try database.prepare(
                """
                INSERT INTO vehicle(plate, colour, vin, registration_date, vehicle_type, fuel, stage, model,
                    engine_model, engine_maker, engine_number, usage, networked, fleet)
                VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
                """)
            var table = TableReader(bytes, VehicleField.columns, &problems)
            while let row = table.next(&problems) {
                guard let registered = registeredVehicle(row, &problems) else { continue }
                let vehicle = registered.vehicle
                if let line = lines.updateValue(row.line, forKey: vehicle.plate) {
                    problems.add("line \(row.line): \(vehicle.plate.text) stands already on line \(line)")
                }
                if let tag = registered.tag,
                    let owner = owners.updateValue((vehicle.plate, row.line), forKey: tag)
                {
                    problems.add(
                        "line \(row.line): the tag \(tag.text) of \(vehicle.plate.text) is already that of "
                            + "\(owner.plate.text) on line \(owner.line): a tag names one vehicle, "
                            + "so correct one of them"
                    )
                }
                for warning in warnings(vehicle, line: row.line) { doubts.add(warning) }
                guard problems.isEmpty else { continue }
                insert.bind(vehicle)
                try insert.run()
                if let tag = registered.tag {
                    insertTag.bind(tag, of: vehicle.plate)
                    try insertTag.run()
                }
                if let booking = registered.booking {
                    insertBooking.bind(booking, of: vehicle.plate)
                    try insertBooking.run()
                }
            }
            return table.rowCount
        }
    }

    /// Replaces both lists. Nil when this very file was the last one imported.
    public func importLists(_ bytes: [UInt8], digest: Digest, at time: WallTime) throws(RegistryError)
        -> ImportReport?
    {
        var lines: [ListEntry.Kind: [Plate: Int]] = [:]
        var difference = ListDifference()
        var report = try replace(.lists, digest, time) { (problems, _) throws(StoreError) in
            let old = try database.prepare("SELECT plate, colour, kind, reason, valid_until FROM list_entry")
            while try old.step() {
                if let entry = old.listEntry(offsetMinutes: offsetMinutes) { difference.had(entry) }
            }
            old.reset()
            try database.execute("DELETE FROM list_entry")
            let insert = try database.prepare(
                "INSERT INTO list_entry(plate, colour, kind, reason, valid_until) VALUES(?1, ?2, ?3, ?4, ?5)")
            var table = TableReader(bytes, ListField.columns, &problems)
            while let row = table.next(&problems) {
                guard let entry = listEntry(row, offsetMinutes: offsetMinutes, &problems) else { continue }
                if let line = lines[entry.kind, default: [:]].updateValue(row.line, forKey: entry.plate) {
                    problems.add("line \(row.line): \(entry.plate.text) stands already on that list, on line \(line)")
                }
                guard problems.isEmpty else { continue }
                insert.bind(entry, offsetMinutes: offsetMinutes)
                try insert.run()
                difference.has(entry)
            }
            return table.rowCount
        }
        difference.finish()
        report?.lists = difference
        return report
    }

    /// When a table was last imported; nil when it never was.
    public func lastImport(of source: Source) throws(RegistryError) -> WallTime? {
        do throws(StoreError) {
            let query = try database.prepare("SELECT at FROM import WHERE what = ?1")
            query.bind(1, text: source.rawValue)
            return try query.step() ? WallTime(microseconds: query.integer(0)) : nil
        } catch { throw .store(error) }
    }

    /// The whole register, in memory.
    public func snapshot() throws(RegistryError) -> Register {
        do throws(StoreError) {
            var vehicles: [Plate: Vehicle] = [:]
            vehicles.reserveCapacity(Int(try database.value("SELECT count(*) FROM vehicle")))
            var texts = SharedTexts()
            let rows = try database.prepare("SELECT * FROM vehicle")
            while try rows.step() {
                if let vehicle = rows.vehicle(&texts) { vehicles[vehicle.plate] = vehicle }
            }
            var entries: [Plate: [ListEntry]] = [:]
            let listed = try database.prepare("SELECT * FROM list_entry")
            while try listed.step() {
                if let entry = listed.listEntry(offsetMinutes: offsetMinutes) {
                    entries[entry.plate, default: []].append(entry)
                }
            }
            var tags: [VehicleTag: Plate] = [:]
            let tagged = try database.prepare("SELECT plate, colour, epc FROM tag")
            while try tagged.step() {
                if let plate = tagged.plate(), let tag = VehicleTag(tagged.text(2)) { tags[tag] = plate }
            }
            let last = try database.prepare("SELECT max(at) FROM import")
            let isImported = try last.step() && !last.isNull(0)
            var bookings: [Plate: Booking] = [:]
            let booked = try database.prepare("SELECT * FROM booking")
            while try booked.step() {
                if let plate = booked.plate() { bookings[plate] = booked.booking() }
            }
            return Register(
                vehicles: vehicles, entries: entries, tags: tags, bookings: bookings,
                importedAt: isImported ? WallTime(microseconds: last.integer(0)) : nil)
        } catch { throw .store(error) }
    }

    /// Runs `body`, which fills a table anew and says how many rows the file has, within the transaction of all
    /// imports; it alone is undone when there is any problem. The doubts change nothing.
    private func replace(
        _ source: Source, _ digest: Digest, _ time: WallTime,
        _ body: (_ problems: inout Problems, _ doubts: inout Problems) throws(StoreError) -> Int
    ) throws(RegistryError) -> ImportReport? {
        var problems = Problems()
        var doubts = Problems()
        do throws(StoreError) {
            guard try !isLast(source, digest) else { return nil }
            if !database.isInTransaction { try database.begin() }
            try database.execute("SAVEPOINT import")
            let rows = try body(&problems, &doubts)
            if problems.isEmpty {
                try note(source, digest, time, rows)
                try database.execute("RELEASE import")
                return ImportReport(rows: rows, warnings: doubts.first, omittedWarnings: doubts.omitted)
            }
            try database.execute("ROLLBACK TO import; RELEASE import")
        } catch {
            database.rollback()
            throw .store(error)
        }
        throw .table(problems: problems.first, omitted: problems.omitted)
    }

    private func isLast(_ source: Source, _ digest: Digest) throws(StoreError) -> Bool {
        let query = try database.prepare("SELECT digest FROM import WHERE what = ?1")
        query.bind(1, text: source.rawValue)
        return try query.step() && query.blob(0) == digest.bytes
    }

    private func note(_ source: Source, _ digest: Digest, _ time: WallTime, _ rows: Int) throws(StoreError) {
        let note = try database.prepare(
            "INSERT OR REPLACE INTO import(what, digest, at, rows) VALUES(?1, ?2, ?3, ?4)")
        note.bind(1, text: source.rawValue)
        note.bind(2, blob: digest.bytes)
        note.bind(3, time.microseconds)
        note.bind(4, Int64(rows))
        try note.run()
    }
}

extension Statement {
    fileprivate func bind(_ vehicle: Vehicle) {
        bind(1, text: vehicle.plate.text)
        bind(2, Int64(vehicle.plate.colour.rawValue))
        bind(3, text: vehicle.vin)
        bind(4, text: vehicle.registrationDate)
        bind(5, text: vehicle.vehicleType)
        bind(6, text: vehicle.fuel?.code ?? "")
        bind(7, Int64(vehicle.stage.rawValue))
        bind(8, text: vehicle.model)
        bind(9, text: vehicle.engineModel)
        bind(10, text: vehicle.engineMaker)
        bind(11, text: vehicle.engineNumber)
        bind(12, text: vehicle.usage)
        if let networked = vehicle.networked { bind(13, Int64(networked ? 1 : 0)) } else { bindNull(13) }
        bind(14, text: vehicle.fleet)
    }

    fileprivate func bind(_ entry: ListEntry, offsetMinutes: Int) {
        bind(1, text: entry.plate.text)
        bind(2, Int64(entry.plate.colour.rawValue))
        bind(3, Int64(entry.kind.rawValue))
        bind(4, text: entry.reason)
        if let until = entry.validUntil {
            bind(5, until.shifted(minutes: offsetMinutes).microseconds)
        } else {
            bindNull(5)
        }
    }

    fileprivate func bind(_ tag: VehicleTag, of plate: Plate) {
        bind(1, text: tag.text)
        bind(2, text: plate.text)
        bind(3, Int64(plate.colour.rawValue))
    }

    fileprivate func bind(_ booking: Booking, of plate: Plate) {
        bind(1, text: plate.text)
        bind(2, Int64(plate.colour.rawValue))
        bind(3, text: booking.freight.cargo)
        if let kilograms = booking.freight.netKilograms { bind(4, Int64(kilograms)) } else { bindNull(4) }
        if let direction = booking.direction { bind(5, Int64(direction.rawValue)) } else { bindNull(5) }
    }

    fileprivate func booking() -> Booking? {
        Booking(
            cargo: text(2), kilograms: isNull(3) ? nil : UInt32(clamping: integer(3)),
            direction: isNull(4) ? nil : Direction(rawValue: UInt8(clamping: integer(4))))
    }

    fileprivate func plate() -> Plate? {
        Plate(text(0), colour: PlateColour(rawValue: UInt8(clamping: integer(1))) ?? .other)
    }

    fileprivate func vehicle(_ texts: inout SharedTexts) -> Vehicle? {
        guard let plate = plate() else { return nil }
        var vehicle = Vehicle(plate: plate, stage: EmissionStage(rawValue: UInt8(clamping: integer(6))) ?? .unknown)
        vehicle.vin = text(2)
        vehicle.registrationDate = text(3)
        vehicle.vehicleType = text(4)
        vehicle.fuel = FuelType(code: text(5))
        vehicle.model = texts.shared(text(7))
        vehicle.engineModel = texts.shared(text(8))
        vehicle.engineMaker = texts.shared(text(9))
        vehicle.engineNumber = text(10)
        vehicle.usage = text(11)
        vehicle.networked = isNull(12) ? nil : integer(12) != 0
        vehicle.fleet = texts.shared(text(13))
        return vehicle
    }

    fileprivate func listEntry(offsetMinutes: Int) -> ListEntry? {
        guard let plate = plate(), let kind = ListEntry.Kind(rawValue: UInt8(clamping: integer(2))) else { return nil }
        let until = isNull(4) ? nil : WallTime(microseconds: integer(4)).shifted(minutes: -offsetMinutes)
        return ListEntry(plate: plate, kind: kind, reason: text(3), validUntil: until)
    }
}

/// Holds a text that many vehicles share (model, engine, fleet) once.
private struct SharedTexts {
    private var known: Set<String> = []

    mutating func shared(_ text: String) -> String {
        known.insert(text).memberAfterInsert
    }
}

extension WallTime {
    fileprivate func shifted(minutes: Int) -> WallTime {
        WallTime(microseconds: microseconds + Int64(minutes) * 60_000_000)
    }
}
