// The register as Admission uses it: a snapshot in memory that answers at once and never changes.

import Domain

/// What a vehicle is booked to carry, by the vehicles' file.
struct Booking: Sendable {
    let freight: Freight
    /// Nil: both ways.
    let direction: Direction?

    /// Nil when it says nothing.
    init?(cargo: String, kilograms: UInt32?, direction: Direction?) {
        guard !cargo.isEmpty || kilograms != nil else { return nil }
        var freight = Freight.unknown
        freight.cargo = cargo
        freight.netKilograms = kilograms
        freight.source = kilograms == nil ? nil : .booking
        self.freight = freight
        self.direction = direction
    }
}

public final class Register: Sendable {
    private let vehicles: [Plate: Vehicle]
    private let entries: [Plate: [ListEntry]]
    private let tags: [VehicleTag: Plate]
    private let bookings: [Plate: Booking]
    /// When vehicles or lists were last imported; nil when they never were.
    public let importedAt: WallTime?

    init(
        vehicles: [Plate: Vehicle], entries: [Plate: [ListEntry]], tags: [VehicleTag: Plate],
        bookings: [Plate: Booking], importedAt: WallTime?
    ) {
        self.vehicles = vehicles
        self.entries = entries
        self.tags = tags
        self.bookings = bookings
        self.importedAt = importedAt
    }

    /// One that knows nobody.
    public static let empty = Register(vehicles: [:], entries: [:], tags: [:], bookings: [:], importedAt: nil)

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

    /// What the vehicle is booked to carry that way; unknown when it is booked for nothing.
    public func freight(for plate: Plate, _ direction: Direction) -> Freight {
        guard let booking = bookings[plate], booking.direction ?? direction == direction else { return .unknown }
        return booking.freight
    }

    /// All entries of the plate, expired ones too; at most one of each kind.
    public func listEntries(for plate: Plate) -> [ListEntry] {
        entries[plate] ?? []
    }
}
