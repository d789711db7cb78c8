// The register as Admission uses it: a snapshot in memory that answers at once and never changes.

import Domain

public final class Register: Sendable {
    private let vehicles: [Plate: Vehicle]
    private let entries: [Plate: [ListEntry]]
    /// When vehicles or lists were last imported; nil when they never were.
    public let importedAt: WallTime?

    init(vehicles: [Plate: Vehicle], entries: [Plate: [ListEntry]], importedAt: WallTime?) {
        self.vehicles = vehicles
        self.entries = entries
        self.importedAt = importedAt
    }

    public var vehicleCount: Int { vehicles.count }
    /// How many plates stand on a list.
    public var listedPlateCount: Int { entries.count }

    public func vehicle(for plate: Plate) -> Vehicle? {
        vehicles[plate]
    }

    /// All entries of the plate, expired ones too; at most one of each kind.
    public func listEntries(for plate: Plate) -> [ListEntry] {
        entries[plate] ?? []
    }
}
