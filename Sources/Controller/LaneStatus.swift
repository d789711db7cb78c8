// What the lane thread shows of a lane: counters and flags that other threads read without touching its timing.

import Domain
import LaneCore
import Synchronization

final class LaneStatus: Sendable {
    let lane: LaneID
    private let phaseValue = Atomic<UInt8>(LanePhase.idle.rawValue)
    private let tokenValue = Atomic<UInt64>(0)
    private let activeBits = Atomic<UInt32>(0)
    private let doubtfulBits = Atomic<UInt32>(0)
    private let armValue = Atomic<UInt8>(LaneView.Arm.closed.rawValue)
    private let modes = Atomic<UInt8>(0)
    private let outcomes = Counters(16)
    /// For each fault: whether it is there, since when it is so, and how often it came.
    private let faults = Counters(3 * LaneFault.count)
    private let raiseTravel = Atomic<UInt64>(0)
    private let lowerTravel = Atomic<UInt64>(0)
    private let travelCount = Atomic<UInt32>(0)
    /// Messages that a full ring refused: each is a fault that the supervisor reports.
    let lost = Atomic<UInt32>(0)
    /// Of the whole arm, as `latency` is: where two lanes share it, those of both stand under the first one.
    let edgesLost = Atomic<UInt32>(0)
    let latency = LaneLatency()

    init(_ lane: LaneID) {
        self.lane = lane
    }

    var phase: LanePhase { LanePhase(rawValue: phaseValue.load(ordering: .relaxed)) ?? .idle }
    var token: VehicleToken { VehicleToken(value: tokenValue.load(ordering: .relaxed)) }
    var active: SensorSet { SensorSet(bits: activeBits.load(ordering: .relaxed)) }
    /// Active because of a fault alone.
    var doubtful: SensorSet { SensorSet(bits: doubtfulBits.load(ordering: .relaxed)) }
    var arm: LaneView.Arm { LaneView.Arm(rawValue: armValue.load(ordering: .relaxed)) ?? .unknown }
    var isHeldOpen: Bool { modes.load(ordering: .relaxed) & 1 != 0 }
    var isLockedDown: Bool { modes.load(ordering: .relaxed) & 2 != 0 }
    var isInMaintenance: Bool { modes.load(ordering: .relaxed) & 4 != 0 }

    func count(_ outcome: PassOutcome) -> UInt64 { outcomes[Int(outcome.rawValue)] }

    /// How long the last measured way from limit to limit took; nil when none was measured.
    func travel(isUp: Bool) -> Interval? {
        let nanoseconds = isUp ? raiseTravel.load(ordering: .relaxed) : lowerTravel.load(ordering: .relaxed)
        return nanoseconds == 0 ? nil : Interval(nanoseconds: nanoseconds)
    }

    /// How many ways were measured.
    var travels: UInt32 { travelCount.load(ordering: .acquiring) }

    // MARK: the lane thread's side

    func publish(_ phase: LanePhase, _ token: VehicleToken, _ view: LaneView) {
        phaseValue.store(phase.rawValue, ordering: .relaxed)
        tokenValue.store(token.value, ordering: .relaxed)
        activeBits.store(view.active.bits, ordering: .relaxed)
        doubtfulBits.store(view.doubtful.bits, ordering: .relaxed)
        armValue.store(view.arm.rawValue, ordering: .relaxed)
        modes.store(
            (view.isHeldOpen ? 1 : 0) | (view.isLockedDown ? 2 : 0) | (view.isInMaintenance ? 4 : 0),
            ordering: .relaxed)
    }

    func note(_ outcome: PassOutcome) {
        outcomes[Int(outcome.rawValue)] += 1
    }

    func note(_ fault: LaneFault, _ isRaised: Bool, at instant: Instant) {
        let place = 3 * fault.number
        faults[place + 1] = instant.nanoseconds
        faults[place] = isRaised ? 1 : 0
        if isRaised { faults[place + 2] += 1 }
    }

    func noteTravel(isUp: Bool, _ time: Interval) {
        if isUp {
            raiseTravel.store(time.nanoseconds, ordering: .relaxed)
        } else {
            lowerTravel.store(time.nanoseconds, ordering: .relaxed)
        }
        travelCount.wrappingAdd(1, ordering: .releasing)
    }

    // MARK: faults

    /// A fault that is or was: healed ones stay on show until the controller is started anew.
    struct SeenFault: Sendable {
        let fault: LaneFault
        let isPresent: Bool
        /// When it came, or went.
        let since: Instant
        let count: UInt64
    }

    /// Those that are there first.
    var seenFaults: [SeenFault] {
        var present: [SeenFault] = []
        var healed: [SeenFault] = []
        for number in 0..<LaneFault.count {
            guard let fault = LaneFault(number: number), faults[3 * number + 2] > 0 else { continue }
            let seen = SeenFault(
                fault: fault, isPresent: faults[3 * number] != 0,
                since: Instant(nanoseconds: faults[3 * number + 1]), count: faults[3 * number + 2])
            if seen.isPresent { present.append(seen) } else { healed.append(seen) }
        }
        return present + healed
    }
}

/// Numbers that one thread at a time writes and others read.
final class Counters: @unchecked Sendable {
    private let cells: UnsafeMutablePointer<Atomic<UInt64>>

    init(_ count: Int) {
        cells = .allocate(capacity: count)
        for index in 0..<count { (cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        cells.deallocate()
    }

    subscript(index: Int) -> UInt64 {
        get { cells[index].load(ordering: .relaxed) }
        set { cells[index].store(newValue, ordering: .relaxed) }
    }
}
