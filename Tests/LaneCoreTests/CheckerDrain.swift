// The way back to rest: faults stop, the vehicles have left, what persons ordered is over, and the arm obeys. How long
// until the lane is closed and idle?

import Domain

@testable import LaneCore

final class Drain {
    /// The most ticks from any state so far.
    private(set) var bound = 0
    private let setting: CheckerSetting
    private var table = KeyTable()
    private var ticksFrom: [Int] = []
    private static let most = 40

    init(_ setting: CheckerSetting) {
        self.setting = setting
    }

    /// The arm itself: 0 down, 2 up, 1 between.
    private struct Barrier {
        var height = 0
        var way = 0
        let isMaintained: Bool

        init(_ core: LaneCore) {
            isMaintained = core.fitting.drive == .maintained
            let fitted = core.fitting.sensors
            let levels = core.sensors.levels
            let isOpen = levels.contains(.openLimit)
            let isClosed = levels.contains(.closedLimit)
            switch (fitted.contains(.openLimit), fitted.contains(.closedLimit)) {
            case (true, true): height = isOpen == isClosed ? 1 : isOpen ? 2 : 0
            case (true, false): height = isOpen ? 2 : core.arm.position == .closed ? 0 : 1
            case (false, true): height = isClosed ? 0 : core.arm.position == .open ? 2 : 1
            case (false, false): height = core.arm.position == .closed ? 0 : core.arm.position == .open ? 2 : 1
            }
            switch core.arm.position {
            case .opening: way = 1
            case .closing: way = -1
            case .closed, .open, .stopped, .unknown: way = 0
            }
        }

        mutating func obey(_ actions: LaneActions) {
            for index in 0..<actions.count {
                switch actions[index] {
                case .drive(.raise, energised: true): way = 1
                case .drive(.lower, energised: true): way = -1
                case .drive(.stop, energised: true): way = 0
                case .drive(.raise, energised: false), .drive(.lower, energised: false): if isMaintained { way = 0 }
                default: break
                }
            }
        }

        mutating func move() { height = min(2, max(0, height + way)) }

        /// Somebody puts an arm back that was knocked off.
        mutating func mend(_ arm: Arm) {
            if arm.isKnockedOff && arm.position == .unknown { height = 0 }
        }
    }

    /// nil: the lane came to rest; otherwise why not.
    func come(from start: CheckerState, _ actions: inout LaneActions) -> String? {
        var state = start
        var barrier = Barrier(state.core)
        var isStuckBehind = false
        func step(_ event: LaneEvent, _ ticks: UInt64) {
            state.step(event, after: ticks, setting, &actions)
            barrier.obey(actions)
            var rounds = 0
            while state.isBehind && rounds < Drain.most {
                state.step(.timer, after: 0, setting, &actions)
                barrier.obey(actions)
                rounds += 1
            }
            if state.isBehind { isStuckBehind = true }
        }
        step(.timer, 0)
        leave(state, step)
        var passed: [Int] = []
        var ticks = 0
        while !isAtRest(state) {
            guard ticks < Drain.most else { return "the lane does not come to rest" }
            if isStuckBehind { return "timers that are due never end" }
            var key = state.key(setting)
            key.words[CheckerKey.wordCount - 1] ^= UInt64(barrier.way + 1) << 62 ^ UInt64(barrier.height) << 60
            let (number, isNew) = table.insert(key)
            if !isNew {
                guard ticksFrom[number] >= 0 else { return "the lane goes in a circle" }
                note(passed, ticksFrom[number])
                return nil
            }
            ticksFrom.append(-1)
            passed.append(number)
            barrier.mend(state.core.arm)
            showLimits(barrier, state, step)
            step(.timer, 1)
            barrier.move()
            ticks += 1
        }
        note(passed, 0)
        // What the key leaves out comes to its end too.
        step(.timer, CheckerSetting.never.nanoseconds / CheckerSetting.tick.nanoseconds)
        return state.core.isAtRest || state.core.arm.faults != 0 ? nil : "idle and closed, and not at rest"
    }

    private func note(_ passed: [Int], _ rest: Int) {
        for (place, number) in passed.reversed().enumerated() { ticksFrom[number] = rest + place + 1 }
        bound = max(bound, rest + passed.count)
    }

    private func leave(_ state: CheckerState, _ step: (LaneEvent, UInt64) -> Void) {
        let core = state.core
        for raw in 0..<UInt8(LaneSensor.count) {
            guard let sensor = LaneSensor(rawValue: raw), core.fitting.sensors.contains(sensor) else { continue }
            if sensor == .openLimit || sensor == .closedLimit { continue }
            if core.sensors.levels.contains(sensor) || core.sensors.uncertain.contains(sensor) {
                step(.sensor(sensor, isActive: false), 0)
            }
        }
        if core.isInMaintenance { step(.order(.maintenance(false)), 0) }
        if core.isHeldOpen { step(.order(.hold(false)), 0) }
        if core.isLockedDown { step(.order(.lockdown(false)), 0) }
        if core.arm.position == .stopped { step(.order(.close), 0) }
    }

    private func showLimits(_ barrier: Barrier, _ state: CheckerState, _ step: (LaneEvent, UInt64) -> Void) {
        let core = state.core
        for (sensor, isActive) in [(LaneSensor.openLimit, barrier.height == 2), (.closedLimit, barrier.height == 0)]
        where core.fitting.sensors.contains(sensor) && core.sensors.levels.contains(sensor) != isActive {
            step(.sensor(sensor, isActive: isActive), 0)
        }
    }

    private func isAtRest(_ state: CheckerState) -> Bool {
        let core = state.core
        return core.timers.running & setting.timers == 0 && core.arm.position == .closed
            && core.arm.drive.energised == nil && core.arm.drive.pending == nil && core.passages[0].phase == .idle
            && core.passages[1].phase == .idle
            // That it did not come up is known until it does.
            && core.arm.faults & ~Arm.Fault.openLimitMissed.rawValue == 0
    }
}
