import Domain
import Testing

@testable import Admission

private let now = WallTime(microseconds: 1_000_000)
private let before = WallTime(microseconds: 999_999)

private func plate(_ text: String = "冀A12345") throws -> Plate {
    try #require(Plate(text, colour: .yellow))
}

/// What the register can say of a plate through its lists.
private enum Lists: CaseIterable {
    case none, white, black, both, whiteEnded, blackEnded, whiteAndBlackEnded, whiteEndedAndBlack

    func entries(_ plate: Plate) -> [ListEntry] {
        func entry(_ kind: ListEntry.Kind, _ until: WallTime?) -> ListEntry {
            ListEntry(plate: plate, kind: kind, reason: kind == .white ? "抢险" : "超标", validUntil: until)
        }
        switch self {
        case .none: return []
        case .white: return [entry(.white, nil)]
        case .black: return [entry(.black, now)]
        case .both: return [entry(.white, nil), entry(.black, nil)]
        case .whiteEnded: return [entry(.white, before)]
        case .blackEnded: return [entry(.black, before)]
        case .whiteAndBlackEnded: return [entry(.white, now), entry(.black, before)]
        case .whiteEndedAndBlack: return [entry(.white, before), entry(.black, nil)]
        }
    }

    var ruling: VerdictReason? {
        switch self {
        case .none, .whiteEnded, .blackEnded: nil
        case .white, .whiteAndBlackEnded: .whitelisted
        case .black, .both, .whiteEndedAndBlack: .blacklisted
        }
    }
}

private final class OnePlate: RegisterLookup {
    func freight(for plate: Plate, _ direction: Direction) -> Freight { .unknown }

    let known: Vehicle
    let importedAt: WallTime? = nil

    init(_ known: Vehicle) { self.known = known }

    func vehicle(for plate: Plate) -> Vehicle? { plate == known.plate ? known : nil }
    func listEntries(for plate: Plate) -> [ListEntry] { [] }
    func plate(of tag: VehicleTag) -> Plate? { nil }
}

struct DecideTests {
    /// Stages in the order of the rule, spelled out here so that the table does not lean on the code under test.
    private let order: [EmissionStage] = [
        .china0, .china1, .china2, .china3, .china4, .china5, .china6, .electric,
    ]

    @Test func theWholeTable() throws {
        let plate = try plate()
        for minimum in EmissionStage.allCases {
            for lists in Lists.allCases {
                for stage in EmissionStage.allCases.map(Optional.some) + [nil] {
                    let expected: VerdictReason
                    if let ruling = lists.ruling {
                        expected = ruling
                    } else if let stage {
                        let rank = order.firstIndex(of: stage)
                        let bound = order.firstIndex(of: minimum) ?? Int.max
                        expected = rank.map { $0 >= bound ? .stageAllowed : .stageTooLow } ?? .stageUnknown
                    } else {
                        expected = .unknownVehicle
                    }
                    let found = decide(
                        vehicle: stage.map { Vehicle(plate: plate, stage: $0) }, listEntries: lists.entries(plate),
                        policy: Policy(minimumStage: minimum), at: now)
                    #expect(found.reason == expected, "\(minimum) \(lists) \(String(describing: stage))")
                    #expect(found.vehicle?.stage == stage, "the register's row is handed on as it is")
                    let said: [VerdictReason?: String] = [.whitelisted: "抢险", .blacklisted: "超标"]
                    #expect(found.listReason == said[lists.ruling] ?? "")
                }
            }
        }
    }

    @Test func anUnreadPlateIsRefusedWithoutALookup() throws {
        let register = OnePlate(Vehicle(plate: try plate(), stage: .china6))
        let found = decide(plate: nil, register: register, policy: Policy(minimumStage: .china0), at: now)
        #expect(found.reason == .plateUnread && found.vehicle == nil)
    }

    @Test func aPlateOfAnotherColourIsAnotherVehicle() throws {
        let register = OnePlate(Vehicle(plate: try plate(), stage: .china6))
        let policy = Policy(minimumStage: .china5)
        #expect(decide(plate: try plate(), register: register, policy: policy, at: now).reason == .stageAllowed)
        let other = try #require(Plate("冀A12345", colour: .blue))
        #expect(decide(plate: other, register: register, policy: policy, at: now).reason == .unknownVehicle)
    }

    @Test func anEightCharacterPlateProvesNoStage() throws {
        let plate = try #require(Plate("冀AD12345", colour: .green))
        let register = OnePlate(Vehicle(plate: plate, stage: .unknown))
        let found = decide(plate: plate, register: register, policy: Policy(minimumStage: .china0), at: now)
        #expect(found.reason == .stageUnknown)
    }
}
