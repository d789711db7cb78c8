// What goes from thread to thread, each kind in a ring of its own.
// The lane's rings carry values without heap.

import Domain
import LaneCore
import Ledger

/// Lane to admission.
enum LaneRequest: Sendable {
    case identify(LaneID, VehicleToken, arrivedAt: Instant)
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
