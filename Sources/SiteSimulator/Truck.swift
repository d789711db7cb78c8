// One truck in the lane: where it is, and what its driver knows and decides.
//
// The driver sees the arm, the lamps and the sign, and nothing else. He goes only when he was invited since he came
// and the arm is up; he leaves when the sign refuses him, or when nothing happens for too long.

import Domain

/// Metres from the near edge of the approach loop, in the way of travel.
public enum LanePlan {
    public static let approachLoop = 0.0...2.0
    public static let stopLine = 2.5
    public static let safetyLoop = 3.0...5.0
    public static let arm = 4.0
    public static let start = -2.0
    /// A follower keeps this much behind the truck before it.
    public static let followingGap = 4.5
}

/// Milliseconds at normal speed.
public enum DriverPatience {
    /// Between a refusal on the sign and the reverse gear.
    public static let afterRefusal = 500
    /// After the sign said something else.
    public static let afterOtherText = 4_000
    /// With no sign of any kind.
    public static let withoutAnswer = 7_000
    public static let beforeBackingOut = 400
    /// Tries of a truck that is to cross, before the run is called off.
    public static let tries = 40
}

struct Truck {
    enum Phase: Equatable {
        /// Rolls to the stop line.
        case approaching
        case waiting
        /// The arm is up; goes, or reverses, at this time.
        case reacting(until: UInt64)
        case crossing
        case reversing
        /// Off the lane; comes again at this time.
        case away(until: UInt64)
        case gone
    }

    let visit: Visit
    var front = LanePlan.start
    var phase = Phase.approaching
    var tries = 0
    /// When its front came onto the approach loop, of this try.
    var arrivedAt: UInt64?
    /// A raise edge or a green edge came while it was first before the arm.
    var isInvited = false
    var signChangedAt: UInt64?
    var refusedAt: UInt64?
    var refusalText = ""
    var hasCrossed = false
    var hasContact = false
    /// Followed another while that one was under the arm.
    var isFollower = false

    init(visit: Visit) {
        self.visit = visit
    }

    var rear: Double { front - visit.length }

    /// Before the arm, so that the gate's answers are for it.
    var isBeforeArm: Bool { arrivedAt != nil && front <= LanePlan.safetyLoop.lowerBound && phase != .gone }

    func covers(_ loop: ClosedRange<Double>) -> Bool {
        if case .away = phase { return false }
        return phase != .gone && front > loop.lowerBound && rear < loop.upperBound
    }

    /// The antenna looks at the approach loop, up to the arm.
    var isBeforeReader: Bool {
        if case .away = phase { return false }
        return phase != .gone && front > LanePlan.approachLoop.lowerBound && front < LanePlan.arm
    }

    var isUnderArm: Bool { front > LanePlan.arm && rear < LanePlan.arm && phase != .gone }

    mutating func comeAgain() {
        front = LanePlan.start
        phase = .approaching
        forgetAnswers()
    }

    mutating func forgetAnswers() {
        arrivedAt = nil
        isInvited = false
        signChangedAt = nil
        refusedAt = nil
        refusalText = ""
    }
}

/// Words by which a driver knows that he is refused.
let refusalWords = [
    "禁止", "拒", "不符", "未登记", "黑名单", "未知", "不明", "不得", "劝返", "未识别", "无法识别", "请退", "请返回",
    "请倒车", "不足", "超标", "未通过", "不允许", "限制",
]

func isRefusal(_ text: String) -> Bool {
    refusalWords.contains { text.contains($0) }
}
