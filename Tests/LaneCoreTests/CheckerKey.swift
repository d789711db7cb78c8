// The canonical form of a lane's state: all that its behaviour depends on, and nothing else, in 48 bytes.
//
// Times are taken relative to now; what is kept for the record alone is left out, and so are the siren's and the camera
// trigger's timers, which only lamps depend on. Two states with the same key behave alike for ever.

import Domain

@testable import LaneCore

struct CheckerKey: Equatable {
    static let wordCount = 6
    var words: InlineArray<6, UInt64> = InlineArray(repeating: 0)

    static func == (left: CheckerKey, right: CheckerKey) -> Bool {
        for index in 0..<wordCount where left.words[index] != right.words[index] { return false }
        return true
    }

    var hash: UInt64 {
        var value: UInt64 = 0x9E37_79B9_7F4A_7C15
        for index in 0..<CheckerKey.wordCount {
            value = (value ^ words[index]) &* 0xFF51_AFD7_ED55_8CCD
            value ^= value >> 32
        }
        return value
    }
}

struct KeyPacker {
    private(set) var key = CheckerKey()
    private var word = 0
    private var used: UInt64 = 0

    mutating func put(_ value: UInt64, _ bits: UInt64) {
        precondition(value >> bits == 0, "a field of the state outgrew its bits")
        if used + bits > 64 {
            word += 1
            used = 0
        }
        key.words[word] |= value << used
        used += bits
    }

    mutating func put(_ flag: Bool) { put(flag ? 1 : 0, 1) }
}

/// All that the checker knows of one state: the lane, and what the checker itself remembers of its past.
struct CheckerState {
    var core: LaneCore
    var ghost: CheckerGhost

    func key(_ setting: CheckerSetting) -> CheckerKey {
        var packer = KeyPacker()
        pack(sensors: core.sensors, &packer)
        pack(arm: core.arm, &packer)
        pack(timers: core.timers, setting, &packer)
        for slot in 0..<core.slotCount { pack(passage: core.passages[slot], setting, &packer) }
        packer.put(UInt64(core.departing), 2)
        packer.put(core.isClear)
        packer.put(core.isHeldOpen)
        packer.put(core.isLockedDown)
        packer.put(core.isInMaintenance)
        packer.put(core.opening != .none)
        packer.put(core.opening == .none ? 0 : UInt64(core.openingCause.rawValue), 3)
        packer.put(UInt64(core.armed), 12)
        ghost.pack(core, setting, &packer)
        return packer.key
    }

    private func pack(sensors: Sensors, _ packer: inout KeyPacker) {
        packer.put(UInt64(sensors.levels.bits), 17)
        packer.put(UInt64(sensors.uncertain.bits), 8)
        packer.put(UInt64(sensors.chattering.bits), 8)
        packer.put(UInt64(sensors.stuck.bits), 8)
        for index in 0..<LaneSensor.vehicleSensorCount { packer.put(UInt64(sensors.edges[index]), 2) }
    }

    private func pack(arm: Arm, _ packer: inout KeyPacker) {
        packer.put(UInt64(arm.position.rawValue), 3)
        packer.put(code(arm.drive.energised), 2)
        packer.put(code(arm.drive.pending), 2)
        packer.put(code(arm.drive.released), 2)
        packer.put(arm.drive.isStopEnergised)
        packer.put(arm.isAtOpen)
        packer.put(arm.isAtClosed)
        packer.put(UInt64(arm.faults), 4)
    }

    private func pack(timers: LaneTimers, _ setting: CheckerSetting, _ packer: inout KeyPacker) {
        for index in 0..<LaneTimer.count where setting.timers & 1 << UInt64(index) != 0 {
            let isRunning = timers.running & 1 << UInt64(index) != 0
            // A timer that has ended and has not fired ends now, for time stands still meanwhile: which of several
            // fires first is by their order alone.
            let left = isRunning ? timers.deadlines[index] - core.now.nanoseconds : 0
            packer.put(isRunning ? left / CheckerSetting.tick.nanoseconds + 1 : 0, 3)
        }
    }

    private func pack(passage: Passage, _ setting: CheckerSetting, _ packer: inout KeyPacker) {
        packer.put(UInt64(passage.phase.rawValue), 3)
        packer.put(UInt64(passage.side), 1)
        packer.put(passage.token != .none)
        packer.put(passage.isDecided)
        packer.put(UInt64(passage.cause?.rawValue ?? 0), 3)
        packer.put(UInt64(passage.refusal.rawValue), 6)
        packer.put(passage.isLockedOut)
        packer.put(passage.isBlind)
        packer.put(passage.hasEntered)
        packer.put(passage.hasLeftApproach)
        packer.put(passage.hasReachedClearing)
        packer.put(passage.isReverse)
        packer.put(passage.isFromBefore)
        packer.put(passage.isFree)
        packer.put(setting.fitting.attempts > 1 ? UInt64(passage.attempt) : 0, 2)
        let follower = passage.follower
        packer.put(follower.state == .none ? 0 : follower.state == .waiting ? 1 : 2, 2)
        packer.put(follower.token != .none)
        packer.put(follower.isDecided)
        packer.put(follower.isAllowed)
        packer.put(follower.isSuspected)
        packer.put(UInt64(follower.refusal.rawValue), 6)
        packer.put(ghost.mandate(passage.token).code, 3)
        packer.put(ghost.mandate(follower.token).code, 3)
    }

    private func code(_ direction: ArmDrive.Direction?) -> UInt64 {
        switch direction {
        case nil: 0
        case .raise: 1
        case .lower: 2
        }
    }
}
