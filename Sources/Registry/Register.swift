// The register as Admission uses it: a snapshot in memory that answers at once and never changes.

import Domain

public final class Register: Sendable {
    private let vehicles: [Plate: Vehicle]
    private let entries: [Plate: [ListEntry]]
    private let tags: [VehicleTag: Plate]
    /// When vehicles or lists were last imported; nil when they never were.
    public let importedAt: WallTime?

    init(vehicles: [Plate: Vehicle], entries: [Plate: [ListEntry]], tags: [VehicleTag: Plate], importedAt: WallTime?) {
        self.vehicles = vehicles
        self.entries = entries
        self.tags = tags
        self.importedAt = importedAt
    }

    public var vehicleCount: Int { vehicles.count }
    /// How many plates stand on a list.
    public var listedPlateCount: Int { entries.count }

    public func vehicle(for plate: Plate) -> Vehicle? {
        vehicles[plate]
    }

    public var tagCount: Int { tags.count }

    /// The plate of the vehicle that a tag belongs to: one at most.
    public func plate(of tag: VehicleTag) -> Plate? {
        tags[tag]
    }

    /// All entries of the plate, expired ones too; at most one of each kind.
    public func listEntries(for plate: Plate) -> [ListEntry] {
        entries[plate] ?? []
    }
}
