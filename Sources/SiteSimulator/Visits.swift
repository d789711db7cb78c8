// Who comes to the gate, in which order, and how they behave. Drawn from the seed, without end.

import Domain

/// Which make of camera reads a visit.
public enum CameraMake: String, Sendable {
    case vzenith
    case hikvision
}

/// What a visit is for, in the eyes of the site's author. The driver does not know; the gate must find out.
public enum VisitKind: String, CaseIterable, Sendable {
    case allowed
    case whitelisted
    /// Allowed, and the first picture cannot be read: refused once, comes again.
    case unreadFirst = "unread-first"
    /// Allowed, and the first push of the camera comes after the verdict's deadline: comes again.
    case lateCamera = "late-camera"
    case tooLow = "stage-too-low"
    case stageUnknown = "stage-unknown"
    case unknown
    case blacklisted
    /// Allowed, and leaves backwards when the arm is up.
    case backsOut = "backs-out"
    /// Allowed by its plate, and wears another vehicle's tag.
    case wrongTag = "wrong-tag"

    /// Whether the truck is to go through in the end.
    public var crosses: Bool {
        switch self {
        case .allowed, .whitelisted, .unreadFirst, .lateCamera: true
        case .tooLow, .stageUnknown, .unknown, .blacklisted, .backsOut, .wrongTag: false
        }
    }
}

/// One truck's visit. Times are at normal speed.
public struct Visit: Sendable {
    public var number: Int
    public var kind: VisitKind
    public var vehicle: Vehicle
    public var make: CameraMake
    public var cameraDelayMilliseconds: Int
    /// The camera sends the read once more although it was answered.
    public var isResent: Bool
    /// Follows the truck before it onto the approach loop while that one is still under the arm.
    public var isQueued: Bool
    /// Metres. A short one leaves the approach loop before it reaches the safety loop.
    public var length: Double
    public var reactionMilliseconds: Int
    public var gapMilliseconds: Int
    /// The tag that it wears, in hexadecimal; nil: none.
    public var tag: String?

    public var plate: Plate { vehicle.plate }
}

/// The endless sequence of visits of one seed. Kinds are dealt from shuffled decks, so that few visits show all.
public struct VisitPlan: Sendable {
    public static let deck: [VisitKind] =
        Array(repeating: .allowed, count: 8)
        + [.whitelisted, .unreadFirst, .tooLow, .unknown, .blacklisted, .backsOut]

    private let fleet: Fleet
    private var random: SeededRandom
    private var cards: [VisitKind] = []
    private var decksDealt = 0
    private var dealt: Int
    private var previous: VisitKind?
    /// Draws what only a site with tags has, so that the others stay as they were.
    private var tagRandom: SeededRandom?

    /// Each lane has a sequence of its own, with numbers of its own.
    public init(fleet: Fleet, seed: UInt64, lane: Int = 0, hasTags: Bool = false) {
        self.fleet = fleet
        dealt = lane * 1_000_000
        random = SeededRandom(seed: seed, part: lane == 0 ? "visits" : "visits of lane \(lane + 1)")
        tagRandom = hasTags ? SeededRandom(seed: seed, part: "tags of lane \(lane + 1)") : nil
    }

    public mutating func next() -> Visit {
        if cards.isEmpty {
            cards =
                VisitPlan.deck + (tagRandom == nil ? [] : [.wrongTag, .wrongTag]) + [
                    decksDealt.isMultiple(of: 2) ? .lateCamera : .stageUnknown
                ]
            cards.shuffle(using: &random)
            decksDealt += 1
        }
        let kind = cards.removeLast()
        dealt += 1
        let follows = previous?.crosses == true && random.chance(percent: 25)
        previous = kind
        let isShort = random.chance(percent: 15)
        let vehicle = random.pick(group(kind))
        return Visit(
            number: dealt, kind: kind, vehicle: vehicle,
            make: random.chance(percent: 50) ? .vzenith : .hikvision,
            cameraDelayMilliseconds: random.draw(50...400),
            isResent: random.chance(percent: 12),
            isQueued: follows,
            length: isShort ? 0.6 : Double(random.draw(50...80)) / 10,
            reactionMilliseconds: random.draw(40...200),
            gapMilliseconds: random.draw(50...300),
            tag: tag(kind, vehicle)
        )
    }

    /// One in five wears none.
    private mutating func tag(_ kind: VisitKind, _ vehicle: Vehicle) -> String? {
        guard tagRandom != nil else { return nil }
        if kind == .wrongTag { return fleet.tag(of: fleet.absent[dealt % fleet.absent.count].plate) }
        return tagRandom?.chance(percent: 80) == true ? fleet.tag(of: vehicle.plate) : nil
    }

    private func group(_ kind: VisitKind) -> [Vehicle] {
        switch kind {
        case .allowed, .unreadFirst, .lateCamera, .backsOut, .wrongTag: fleet.allowed
        case .whitelisted: fleet.whitelisted
        case .tooLow: fleet.tooLow
        case .stageUnknown: fleet.stageUnknown
        case .unknown: fleet.strangers
        case .blacklisted: fleet.blacklisted
        }
    }
}
