// What goes from thread to thread, each kind in a ring of its own.
// The lane's rings carry values without heap.

import Domain
import LaneCore
import Ledger

/// Ledger to lane: what is durable. Nothing else moves an arm.
enum LaneWord: Sendable {
    case verdict(Verdict)
    case order(LaneID, LaneOrder)

    var lane: LaneID {
        switch self {
        case .verdict(let verdict): verdict.lane
        case .order(let lane, _): lane
        }
    }

    var event: LaneEvent {
        switch self {
        case .verdict(let verdict): .verdict(verdict)
        case .order(_, let order): .order(order)
        }
    }
}

/// Lane to ledger, in the order in which it happened. Where two lanes share an arm, the first one's stands for the arm.
enum LaneReport: Sendable {
    case ended(PassEnd)
    case fault(LaneID, LaneFault, isRaised: Bool)
    case noted(LaneID, LaneSensor, isActive: Bool)
    case raised(LaneID, RaiseCause)
    /// A button was pressed: the release is to be recorded, then ordered.
    case releaseAsked(LaneID, VehicleToken, by: LaneSensor, at: Instant)
}

/// Ledger to console.
struct OrderAnswer: Sendable {
    let number: UInt32
    /// The order's record; nil when it could not be kept, and nothing was ordered.
    let record: UInt64?
    /// Why it was not, when the ledger itself refused it.
    var refusal = ""
}

/// Console to ledger: a person's correction.
struct SupplementOrder: Sendable {
    /// By which its answer is found.
    let number: UInt32
    let supplement: Supplement
    let at: Instant
}

/// Lane to admission.
enum LaneRequest: Sendable {
    /// `attempt` counts from 1; later ones ask for the same vehicle again.
    case identify(LaneID, VehicleToken, arrivedAt: Instant, attempt: UInt8)
    /// Nobody named the vehicle in time: refuse it as not identified, unless it is decided already.
    case overdue(LaneID, VehicleToken)
    case ended(LaneID, VehicleToken, at: Instant)
}

/// Net to admission: a read, without its photos.
struct ArrivedCapture: Sendable {
    let lane: LaneID
    let capture: Capture
    let receivedAt: Instant
    let lead: Interval
}

/// Net to ledger: a read with its photos, to be kept before the camera is answered.
struct CaptureToKeep: Sendable {
    let request: UInt32
    let lane: LaneID
    var capture: Capture
}

/// Ledger to net.
struct CaptureKept: Sendable {
    let request: UInt32
    /// Nil when it could not be kept.
    let fate: CaptureFate?
}

/// Lane to sign.
struct SignNotice: Sendable {
    let lane: LaneID
    let token: VehicleToken
    let notice: LaneNotice
}

/// Ledger to sign: what to say of a vehicle once its verdict has reached the lane.
struct SignVerdict: Sendable {
    let token: VehicleToken
    let plate: String
    let stage: EmissionStage?
    let reason: VerdictReason
}

/// Uplink to ledger.
enum Receipt: Sendable {
    case confirmed(destination: String, sequence: UInt64, step: UInt32)
    case quarantined(destination: String, sequence: UInt64, step: UInt32, reason: String)
    case note(LedgerNote)
}
