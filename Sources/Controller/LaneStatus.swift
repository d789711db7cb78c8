// What the lane thread shows of itself: counters that other threads read without touching its timing.

import Domain
import LaneCore
import Synchronization

final class LaneStatus: Sendable {
    let lane: LaneID
    private let phaseValue = Atomic<UInt8>(LaneCore.Phase.idle.rawValue)
    private let tokenValue = Atomic<UInt64>(0)
    private let loops = Atomic<UInt8>(0)
    private let outcomes = OutcomeCounters()
    /// Messages that a full ring refused: each is a fault that the supervisor reports.
    let lost = Atomic<UInt32>(0)
    let edgesLost = Atomic<UInt32>(0)

    init(_ lane: LaneID) {
        self.lane = lane
    }

    var phase: LaneCore.Phase { LaneCore.Phase(rawValue: phaseValue.load(ordering: .relaxed)) ?? .idle }
    var token: VehicleToken { VehicleToken(value: tokenValue.load(ordering: .relaxed)) }
    var isApproachActive: Bool { loops.load(ordering: .relaxed) & 1 != 0 }
    var isSafetyActive: Bool { loops.load(ordering: .relaxed) & 2 != 0 }

    func count(_ outcome: PassOutcome) -> UInt32 { outcomes.count(outcome) }

    func publish(_ core: LaneCore) {
        phaseValue.store(core.phase.rawValue, ordering: .relaxed)
        tokenValue.store(core.token.value, ordering: .relaxed)
        loops.store((core.isActive(.approach) ? 1 : 0) | (core.isActive(.safety) ? 2 : 0), ordering: .relaxed)
    }

    func note(_ outcome: PassOutcome) {
        outcomes.note(outcome)
    }
}

/// One counter an outcome.
private final class OutcomeCounters: Sendable {
    private let completed = Atomic<UInt32>(0)
    private let backedOut = Atomic<UInt32>(0)
    private let expired = Atomic<UInt32>(0)
    private let forced = Atomic<UInt32>(0)
    private let interrupted = Atomic<UInt32>(0)

    func count(_ outcome: PassOutcome) -> UInt32 {
        switch outcome {
        case .completed: completed.load(ordering: .relaxed)
        case .backedOut: backedOut.load(ordering: .relaxed)
        case .expired: expired.load(ordering: .relaxed)
        case .forced: forced.load(ordering: .relaxed)
        case .interrupted: interrupted.load(ordering: .relaxed)
        }
    }

    func note(_ outcome: PassOutcome) {
        switch outcome {
        case .completed: completed.wrappingAdd(1, ordering: .relaxed)
        case .backedOut: backedOut.wrappingAdd(1, ordering: .relaxed)
        case .expired: expired.wrappingAdd(1, ordering: .relaxed)
        case .forced: forced.wrappingAdd(1, ordering: .relaxed)
        case .interrupted: interrupted.wrappingAdd(1, ordering: .relaxed)
        }
    }
}

extension LaneCore.Phase {
    /// A stable word for the console.
    var word: String {
        switch self {
        case .idle: "idle"
        case .identifying: "identifying"
        case .refused: "refused"
        case .released: "released"
        case .passing: "passing"
        case .clearing: "clearing"
        case .lowering: "lowering"
        case .intruded: "intruded"
        case .unsettled: "unsettled"
        }
    }
}
