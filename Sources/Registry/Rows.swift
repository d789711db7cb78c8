// From the cells of a row to a vehicle or a list entry.

import Domain

/// What one cell's check found wrong, told with its line and column.
private struct RowReader {
    let row: TableRow
    let columns: [Column]
    var problems: Problems

    func cell(_ position: Int) -> String { row.cells[position] }

    mutating func refuse(_ position: Int) {
        let column = columns[position]
        problems.add("line \(row.line): \(column.name) \"\(cell(position))\" is not \(column.allowed)")
    }

    mutating func take<Value>(_ position: Int, _ value: Value?, or standIn: Value) -> Value {
        if let value { return value }
        refuse(position)
        return standIn
    }
}

/// Reads a vehicle, adding to `problems` what is wrong with the row. Nil when its plate cannot be told.
func vehicle(_ row: TableRow, _ problems: inout Problems) -> Vehicle? {
    var reader = RowReader(row: row, columns: Column.vehicle, problems: problems)
    defer { problems = reader.problems }
    func cell(_ field: VehicleField) -> String { row.cells[field.rawValue] }
    let colour = reader.take(VehicleField.colour.rawValue, PlateColour(cell: cell(.colour)), or: .other)
    guard let plate = Plate(cell(.plate), colour: colour) else {
        reader.refuse(VehicleField.plate.rawValue)
        return nil
    }
    let stage = reader.take(VehicleField.stage.rawValue, Cell.stage(cell(.stage)), or: .unknown)
    var vehicle = Vehicle(plate: plate, stage: stage)
    vehicle.vin = reader.take(VehicleField.vin.rawValue, Cell.vin(cell(.vin)), or: "")
    let date = cell(.registrationDate)
    let registration = date.isEmpty ? "" : CivilTime(date: date)?.dateText
    vehicle.registrationDate = reader.take(VehicleField.registrationDate.rawValue, registration, or: "")
    vehicle.vehicleType = reader.take(
        VehicleField.vehicleType.rawValue, Cell.code(cell(.vehicleType), length: 3), or: "")
    vehicle.fuel = reader.take(VehicleField.fuel.rawValue, Cell.fuel(cell(.fuel)), or: nil)
    vehicle.model = reader.take(VehicleField.model.rawValue, Cell.text(cell(.model)), or: "")
    vehicle.engineModel = reader.take(VehicleField.engineModel.rawValue, Cell.text(cell(.engineModel)), or: "")
    vehicle.engineMaker = reader.take(VehicleField.engineMaker.rawValue, Cell.text(cell(.engineMaker)), or: "")
    vehicle.engineNumber = reader.take(VehicleField.engineNumber.rawValue, Cell.text(cell(.engineNumber)), or: "")
    vehicle.usage = reader.take(VehicleField.usage.rawValue, Cell.usage(cell(.usage)), or: "")
    vehicle.networked = reader.take(VehicleField.networked.rawValue, Cell.networked(cell(.networked)), or: nil)
    vehicle.fleet = reader.take(VehicleField.fleet.rawValue, Cell.text(cell(.fleet)), or: "")
    return vehicle
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
    var reader = RowReader(row: row, columns: Column.list, problems: problems)
    defer { problems = reader.problems }
    func cell(_ field: ListField) -> String { row.cells[field.rawValue] }
    let colour = reader.take(ListField.colour.rawValue, PlateColour(cell: cell(.colour)), or: .other)
    guard let plate = Plate(cell(.plate), colour: colour) else {
        reader.refuse(ListField.plate.rawValue)
        return nil
    }
    let kind = reader.take(ListField.list.rawValue, ListEntry.Kind(cell: cell(.list)), or: .black)
    let reason = reader.take(ListField.reason.rawValue, Cell.text(cell(.reason)), or: "")
    var validUntil: WallTime?
    if !cell(.validUntil).isEmpty {
        if let until = CivilTime(until: cell(.validUntil)) {
            validUntil = until.wallTime(offsetMinutes: offsetMinutes)
        } else {
            reader.refuse(ListField.validUntil.rawValue)
        }
    }
    return ListEntry(plate: plate, kind: kind, reason: reason, validUntil: validUntil)
}
