// From the cells of a row to a vehicle or a list entry.
//
// Invariant: every cell of a row is looked at, so that all that is wrong with it is told at once.

import Domain

/// The cells of one row as values; what is not allowed goes to `problems`.
private struct RowReader<Field: TableField> {
    let row: TableRow
    var problems: Problems

    /// Nil, and a problem, when the cell is not allowed.
    mutating func mandatory<Value>(_ field: Field, _ value: (String) -> Value?) -> Value? {
        let cell = row.cells[field.rawValue]
        if let value = value(cell) { return value }
        let column = Field.columns[field.rawValue]
        problems.add("line \(row.line): \(column.name) \"\(shown(cell))\" is not \(column.allowed)")
        return nil
    }

    /// Nil for an empty cell too: the site does not know.
    mutating func optional<Value>(_ field: Field, _ value: (String) -> Value?) -> Value? {
        row.cells[field.rawValue].isEmpty ? nil : mandatory(field, value)
    }

    /// Nil when the vehicle cannot be told.
    mutating func plate(_ text: Field, _ colour: Field) -> Plate? {
        let colour = mandatory(colour) { PlateColour(cell: $0) }
        return mandatory(text) { Plate($0, colour: colour ?? .other) }.flatMap { colour == nil ? nil : $0 }
    }
}

/// A row of the vehicles' file.
struct RegisteredVehicle {
    let vehicle: Vehicle
    let tag: VehicleTag?
    /// Nil: it is booked for nothing.
    let booking: Booking?
}

/// Reads a vehicle, adding to `problems` what is wrong with the row. Nil when the vehicle cannot be told.
func registeredVehicle(_ row: TableRow, _ problems: inout Problems) -> RegisteredVehicle? {
    var reader = RowReader<VehicleField>(row: row, problems: problems)
    defer { problems = reader.problems }
    let plate = reader.plate(.plate, .colour)
    let stage = reader.optional(.stage) { EmissionStage(code: Cell.capitals($0)) } ?? .unknown
    let vin = reader.optional(.vin) { Cell.vin($0) } ?? ""
    let date = reader.optional(.registrationDate) { CivilTime(date: $0)?.dateText } ?? ""
    let type = reader.optional(.vehicleType) { Cell.code($0, length: 3) } ?? ""
    let fuel = reader.optional(.fuel) { FuelType(code: Cell.capitals($0)) }
    let model = reader.optional(.model) { Cell.text($0) } ?? ""
    let engineModel = reader.optional(.engineModel) { Cell.text($0) } ?? ""
    let engineMaker = reader.optional(.engineMaker) { Cell.text($0) } ?? ""
    let engineNumber = reader.optional(.engineNumber) { Cell.text($0) } ?? ""
    let usage = reader.optional(.usage) { Cell.letter($0) } ?? ""
    let networked = reader.optional(.networked) { Cell.flag($0) }
    let fleet = reader.optional(.fleet) { Cell.text($0) } ?? ""
    let tag = reader.optional(.tag) { VehicleTag($0) }
    let cargo = reader.optional(.cargo) { Cell.cargo($0) } ?? ""
    let kilograms = reader.optional(.amount) { Cell.kilograms($0) }
    let direction = reader.optional(.cargoDirection) { Cell.direction($0) }
    guard let plate else { return nil }
    var vehicle = Vehicle(plate: plate, stage: stage)
    vehicle.vin = vin
    vehicle.registrationDate = date
    vehicle.vehicleType = type
    vehicle.fuel = fuel
    vehicle.model = model
    vehicle.engineModel = engineModel
    vehicle.engineMaker = engineMaker
    vehicle.engineNumber = engineNumber
    vehicle.usage = usage
    vehicle.networked = networked
    vehicle.fleet = fleet
    let booking = Booking(cargo: cargo, kilograms: kilograms, direction: direction)
    return RegisteredVehicle(vehicle: vehicle, tag: tag, booking: booking)
}

/// What makes a row doubtful; it is kept as it is.
func warnings(_ vehicle: Vehicle, line: Int) -> [String] {
    var warnings: [String] = []
    if !vehicle.vin.isEmpty && !VIN.isChecked(vehicle.vin) {
        warnings.append("line \(line): the VIN's check digit is wrong")
    }
    if StageDates.contradict(vehicle) {
        warnings.append("line \(line): stage \(vehicle.stage.code) does not go with its registration date")
    }
    return warnings
}

/// Reads a list entry, adding to `problems` what is wrong with the row. `offsetMinutes`: the site's time zone.
func listEntry(_ row: TableRow, offsetMinutes: Int, _ problems: inout Problems) -> ListEntry? {
    var reader = RowReader<ListField>(row: row, problems: problems)
    defer { problems = reader.problems }
    let plate = reader.plate(.plate, .colour)
    let kind = reader.mandatory(.list) { ListEntry.Kind(cell: $0) }
    let reason = reader.optional(.reason) { Cell.text($0) } ?? ""
    let until = reader.optional(.validUntil) { WallTime(until: $0, offsetMinutes: offsetMinutes) }
    guard let plate, let kind else { return nil }
    return ListEntry(plate: plate, kind: kind, reason: reason, validUntil: until)
}
