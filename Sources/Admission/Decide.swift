// Who may pass. One total function from what is known to a reason; nothing is read, kept or timed here.
//
// Invariants: a black list entry beats everything; a white list entry allows even a vehicle that is not registered; no
// stage is ever assumed: not from the plate, not from the registration date. A verdict that allows is of the vehicle
// whose plate was read, or of the one that a tag alone named, and of no other (ADM-1).

import Domain

/// Where Admission looks a plate up. Answers at once, from memory.
public protocol RegisterLookup: AnyObject {
    func vehicle(for plate: Plate) -> Vehicle?
    /// All entries of the plate, expired ones too; at most one of each kind.
    func listEntries(for plate: Plate) -> [ListEntry]
    /// The plate of the vehicle that a tag belongs to.
    func plate(of tag: VehicleTag) -> Plate?
    /// What the vehicle is booked to carry that way; unknown when it is booked for nothing.
    func freight(for plate: Plate, _ direction: Direction) -> Freight
    /// When the register was last imported; nil when it never was.
    var importedAt: WallTime? { get }
}

/// The site's rule.
public struct Policy: Equatable, Sendable {
    /// The lowest stage that may pass. `.unknown` lets no stage pass.
    public var minimumStage: EmissionStage

    public init(minimumStage: EmissionStage) {
        self.minimumStage = minimumStage
    }
}

/// A reason with what it was found upon.
public struct Finding: Sendable {
    public let reason: VerdictReason
    /// The register's row, whether it decided or not.
    public let vehicle: Vehicle?
    /// What the list entry says; empty unless a list decided.
    public let listReason: String
    /// The tag that it stands upon, or that was seen beside.
    public internal(set) var tag: TagMark?
    /// The tag alone named the vehicle; the plate is the tag's vehicle's.
    public internal(set) var isNamedByTag = false

    /// Nobody named the vehicle in time: there was nothing to look up.
    public static let notIdentified = Finding(reason: .notIdentified, vehicle: nil, listReason: "")

    init(reason: VerdictReason, vehicle: Vehicle?, listReason: String) {
        self.reason = reason
        self.vehicle = vehicle
        self.listReason = listReason
    }
}

/// Decides for one vehicle by what the camera read; `plate` is nil when it read none.
public func decide(plate: Plate?, register: any RegisterLookup, policy: Policy, at time: WallTime) -> Finding {
    guard let plate else { return Finding(reason: .plateUnread, vehicle: nil, listReason: "") }
    return decide(
        vehicle: register.vehicle(for: plate), listEntries: register.listEntries(for: plate), policy: policy, at: time)
}

/// Decides for one vehicle by what camera and readers say. `hasRead`: a camera sent something; `plate` is nil when it
/// read none.
public func decide(
    _ token: VehicleToken, hasRead: Bool, plate: Plate?, tags: TagWatch, register: any RegisterLookup, policy: Policy,
    at time: WallTime
) -> Finding {
    let byPlate = hasRead ? decide(plate: plate, register: register, policy: policy, at: time) : .notIdentified
    let evidence: TagEvidence
    if let plate, byPlate.reason != .unknownVehicle {
        evidence = tags.evidence(for: token, plate: plate)
    } else {
        evidence = tags.evidence(for: token)
    }
    var finding = byPlate
    switch evidence {
    case .none:
        break
    case .agrees(let mark), .beside(let mark):
        finding.tag = mark
    case .contradicts(let mark):
        if byPlate.reason != .blacklisted {
            finding = Finding(reason: .identityConflict, vehicle: byPlate.vehicle, listReason: "")
        }
        finding.tag = mark
    case .names(let mark):
        finding = decide(plate: mark.plate, register: register, policy: policy, at: time)
        finding.tag = mark
        finding.isNamedByTag = true
    }
    let isByTag = finding.isNamedByTag
    precondition(
        !finding.reason.allows
            || isByTag == (byPlate.reason == .unknownVehicle || plate == nil)
                && (finding.vehicle == nil || finding.vehicle?.plate == (isByTag ? finding.tag?.plate : plate)),
        "ADM-1 a verdict that allows is of the vehicle whose plate was read, or of the one that its tag named")
    return finding
}

/// Decides upon what the register holds of one plate.
public func decide(vehicle: Vehicle?, listEntries: [ListEntry], policy: Policy, at time: WallTime) -> Finding {
    if let entry = listEntries.first(where: { $0.kind == .black && $0.isValid(at: time) }) {
        return Finding(reason: .blacklisted, vehicle: vehicle, listReason: entry.reason)
    }
    if let entry = listEntries.first(where: { $0.kind == .white && $0.isValid(at: time) }) {
        return Finding(reason: .whitelisted, vehicle: vehicle, listReason: entry.reason)
    }
    return Finding(reason: reason(vehicle: vehicle, policy: policy), vehicle: vehicle, listReason: "")
}

private func reason(vehicle: Vehicle?, policy: Policy) -> VerdictReason {
    guard let vehicle else { return .unknownVehicle }
    guard vehicle.stage != .unknown else { return .stageUnknown }
    return vehicle.stage.satisfies(minimum: policy.minimumStage) ? .stageAllowed : .stageTooLow
}

extension ListEntry {
    /// Whether the entry still holds: up to and including `validUntil`.
    public func isValid(at time: WallTime) -> Bool {
        guard let validUntil else { return true }
        return time <= validUntil
    }
}
