// One vehicle's passage, and what is known of the one that follows it. Plain state: the rules are in PassageRules and
// FollowerRules.

import Domain

public enum LanePhase: UInt8, Sendable {
    /// Nobody is being served.
    case idle = 0
    /// A vehicle waits on the approach loop for its verdict.
    case identifying = 1
    /// A vehicle that may not pass stands there.
    case refused = 2
    /// The arm is going up or is up for a vehicle that has not yet reached it.
    case released = 3
    /// The released vehicle is under the arm.
    case passing = 4
    /// Presence is clear, but the approach loop may hold the same vehicle's trailer, or the next one.
    case straddling = 5
    /// A vehicle is under the arm without a release.
    case intruded = 6
    /// Something is or may be under the arm, and how it came there was not seen.
    case unsettled = 7
}

/// Who comes behind a vehicle that is passing.
struct Follower: Sendable {
    enum State: UInt8, Sendable {
        case none
        /// On the approach loop.
        case waiting
        /// Has left the approach loop while something was under the arm: forward, unless an axle follows.
        case entering
    }

    var state = State.none
    /// None until it is asked for.
    var token = VehicleToken.none
    var isDecided = false
    var isAllowed = false
    /// May be the trailer of the vehicle before it.
    var isSuspected = false
    /// Why it may not pass, once decided.
    var refusal = VerdictReason.notIdentified
    var arrivedAt = Instant(nanoseconds: 0)
}

struct Passage: Sendable {
    var phase = LanePhase.idle
    /// Which approach loop it came by: 0 or 1.
    var side = 0
    var token = VehicleToken.none
    /// Its verdict has come.
    var isDecided = false
    /// Why it may pass; nil while it may not.
    var cause: RaiseCause?
    var refusal = VerdictReason.notIdentified
    /// Allowed, but the lane is locked down.
    var isLockedOut = false
    /// Released for whoever comes: no vehicle was seen yet.
    var isBlind = false
    var hasEntered = false
    /// The approach loop became clear while the vehicle was under the arm: it is going forward.
    var hasLeftApproach = false
    var hasReachedClearing = false
    var isReverse = false
    /// Stood here when the controller started, or when maintenance ended.
    var isFromBefore = false
    /// The gate stood open for everybody when it entered.
    var isFree = false
    var attempt: UInt8 = 0
    var follower = Follower()

    // For the record alone.
    var arrivedAt = Instant(nanoseconds: 0)
    var raisedAt: Instant?
    var enteredAt: Instant?
    var clearedAt = Instant(nanoseconds: 0)

    /// The arm stays up for it.
    var holdsArm: Bool {
        switch phase {
        case .released, .passing, .straddling: true
        case .idle, .identifying, .refused, .intruded, .unsettled: false
        }
    }
}
