// What the lane thread's tests share: lines in memory, and the two threads at them.

import Domain
import Foundation
import LaneCore
import LaneTrace
import Machine
import Testing

@testable import Controller

/// The lines of eight arms in memory, by 32 × arm + number, as at a simulated site. Edges wait here until the thread
/// takes them.
final class BenchLines: LinePort, @unchecked Sendable {
    private let lock = NSLock()
    private let readable: Wakeup
    private var isToWait = false
    private var isReaderWaiting = false
    private var isDeaf = false
    private var isStalled = false
    private var isHeld = false
    private var isCallStalled = false
    private var isCallHeld = false
    private var events: [LineEvent] = []
    private var levels = [Bool](repeating: false, count: 256)
    private var outputs = [Bool](repeating: false, count: 256)
    private var energised: [Int] = []
    private var sequence: UInt32 = 0
    private var failing = false
    private var stuck: Int?

    init() throws { readable = try Wakeup() }

    func waitForEvents() throws(MachineError) {
        lock.withLock { isToWait = true }
    }

    func interrupt() {
        while lock.withLock({
            isCallHeld = isCallStalled
            return isCallStalled
        }) { usleep(500) }
        if lock.withLock({ isDeaf }) { return }
        lock.withLock { isToWait = false }
        readable.ring()
    }

    func level(input: Int) throws(MachineError) -> Bool {
        try check()
        return lock.withLock { levels[input] }
    }

    func nextEvent() throws(MachineError) -> LineEvent? {
        while true {
            readable.take()
            try check()
            let (event, mayWait) = lock.withLock {
                isReaderWaiting = events.isEmpty && isToWait
                return (events.isEmpty ? nil : events.removeFirst(), isToWait)
            }
            if event != nil || !mayWait { return event }
            var waiting = WaitSet()
            waiting.add(readable.fileDescriptor)
            waiting.wait(atMost: nil)
        }
    }

    func drive(output: Int, _ energised: Bool) throws(MachineError) {
        try check()
        while lock.withLock({
            isHeld = isStalled
            return isStalled
        }) { usleep(500) }
        if lock.withLock({ stuck == output }) { throw .closed(subject: "line \(output)") }
        lock.withLock {
            outputs[output] = energised
            if energised { self.energised.append(output) }
        }
    }

    private func check() throws(MachineError) {
        if lock.withLock({ failing }) { throw .closed(subject: "lines") }
    }

    // MARK: the test's side

    /// A read of the lines would wait.
    var isWaitedFor: Bool { lock.withLock { isToWait } }

    /// All edges so far are dealt with.
    var isIdle: Bool { lock.withLock { events.isEmpty && isReaderWaiting } }

    func isOn(_ output: LaneOutput, arm: Int = 0) -> Bool {
        lock.withLock { outputs[32 * arm + Int(output.rawValue)] }
    }

    func times(_ output: LaneOutput, arm: Int = 0) -> Int {
        lock.withLock { energised.count { $0 == 32 * arm + Int(output.rawValue) } }
    }

    var areAllOff: Bool { lock.withLock { !outputs.contains(true) } }

    func set(_ sensor: LaneSensor, _ isHigh: Bool, arm: Int = 0, at instant: Instant, lost: UInt32 = 0) {
        let input = 32 * arm + Int(sensor.rawValue)
        lock.withLock {
            sequence += 1 + lost
            levels[input] = isHigh
            events.append(LineEvent(input: UInt8(input), isHigh: isHigh, at: instant, sequence: sequence))
        }
    }

    /// A level of which no edge has come yet.
    func setLevel(_ sensor: LaneSensor, _ isHigh: Bool) { lock.withLock { levels[Int(sensor.rawValue)] = isHigh } }

    func wake() { readable.ring() }

    /// A reader that waits comes back for edges alone, as one that hangs.
    func hang(_ hangs: Bool) { lock.withLock { isDeaf = hangs } }

    /// Somebody hangs in driving an output.
    var isHolding: Bool { lock.withLock { isHeld } }

    /// Whoever drives an output hangs in it.
    func stall(_ stalls: Bool) { lock.withLock { isStalled = stalls } }

    /// Who calls the reader hangs in it.
    func stallCalls(_ stalls: Bool) { lock.withLock { isCallStalled = stalls } }

    var isHoldingCaller: Bool { lock.withLock { isCallHeld } }

    /// This output can be driven no more.
    func jam(_ output: LaneOutput) { lock.withLock { stuck = Int(output.rawValue) } }

    func fail() {
        lock.withLock { failing = true }
        readable.ring()
    }
}

final class LaneBench {
    static let timings = LaneTimings(
        verdictDeadline: .seconds(3), authorisedWindow: .seconds(30), backOut: .milliseconds(1_500),
        closeDelay: .seconds(1), raiseTravel: .seconds(2), lowerTravel: .seconds(2),
        relayPulse: .milliseconds(500), deadTime: .milliseconds(300))

    let lines: BenchLines
    let channels: LaneChannels
    let statuses: [LaneStatus]
    let bench: Bench
    let thread: LaneThread

    var status: LaneStatus { statuses[0] }

    /// - Parameters:
    ///   - arms: how many, each with a lane of the same number.
    ///   - second: the first arm's layout, when lane `arms` is its second lane.
    convenience init(
        ringCapacity: Int = 64, arms: Int = 1, sensors: [LaneSensor] = [.approach, .safety],
        second: LaneLayout? = nil, activeLow: [LaneSensor] = [], prepare: (BenchLines) -> Void = { _ in }
    ) throws {
        var fitted = SensorSet.none
        for sensor in sensors { fitted = fitted.with(sensor) }
        let laneArms = (0..<arms).map { index in
            let lane = LaneID(UInt8(index))
            guard index == 0, let second else {
                let fitting = LaneFitting(sensors: fitted)
                return LaneArm(
                    TraceHeader(lane: lane, second: nil, boot: 1, timings: LaneBench.timings, fitting: fitting))
            }
            let other = LaneID(UInt8(arms))
            return LaneArm(
                TraceHeader(
                    lane: lane, second: other, boot: 1, timings: LaneBench.timings,
                    fitting: LaneFitting(layout: second, sensors: fitted)))
        }
        var inputs: [LaneWiring.Input] = []
        var outputs: [LaneWiring.Output] = []
        for arm in 0..<arms {
            for sensor in sensors {
                inputs.append(
                    LaneWiring.Input(
                        port: UInt8(32 * arm) + sensor.rawValue, arm: UInt8(arm), sensor: sensor,
                        isActiveHigh: !activeLow.contains(sensor)))
            }
            for raw in 0..<UInt8(LaneOutput.count) {
                guard let output = LaneOutput(rawValue: raw) else { continue }
                outputs.append(LaneWiring.Output(port: UInt8(32 * arm) + raw, arm: UInt8(arm), output: output))
            }
        }
        let wiring = LaneWiring(inputs: inputs, outputs: outputs)
        let lanes = arms + (second == nil ? 0 : 1)
        try self.init(ringCapacity, laneArms, wiring, lanes: lanes, prepare)
    }

    init(
        _ ringCapacity: Int, _ arms: [LaneArm], _ wiring: LaneWiring, lanes: Int, _ prepare: (BenchLines) -> Void
    ) throws {
        lines = try BenchLines()
        prepare(lines)
        let bell = try Wakeup()
        let elsewhere = try Wakeup()
        channels = LaneChannels(
            bell: bell, moved: try Wakeup(), words: Ring(capacity: 64, bell: bell),
            requests: Ring(capacity: ringCapacity, bell: elsewhere),
            reports: Ring(capacity: ringCapacity, bell: elsewhere),
            notices: (0..<8).map { _ in Ring(capacity: ringCapacity, bell: elsewhere) })
        bench = Bench(bell)
        statuses = (0..<lanes).map { LaneStatus(LaneID(UInt8($0))) }
        thread = LaneThread(
            arms: arms, wiring: wiring, lines: lines, clock: bench.clock, channels: channels, stop: bench.stop,
            pulse: bench.pulse, statuses: statuses)
        let thread = thread
        // Ends with the bench's bell.
        _ = try Machine.Thread(ThreadSettings(name: "alarm"), shortfall: { _ in }) { thread.runAlarm() }
        try bench.start { thread.run() }
        // The alarm's heartbeats do not say that the lane has read its levels.
        let lines = lines
        #expect(eventually { lines.isIdle || thread.hasFailed.isRaised }, "the lane starts")
    }

    var ends: [PassEnd] {
        channels.reports.all().compactMap { if case .ended(let end) = $0 { end } else { nil } }
    }

    /// An edge now, and everything that follows from it.
    func edge(_ sensor: LaneSensor, _ isHigh: Bool, arm: Int = 0, lost: UInt32 = 0) {
        lines.set(sensor, isHigh, arm: arm, at: bench.clock.now(), lost: lost)
        lines.wake()
        #expect(eventually { self.lines.isIdle })
        bench.settle()
    }

    /// The alarm's thread hangs from now on, outside: it has just looked.
    func hangAlarm() {
        lines.stallCalls(true)
        bench.clock.advance(.milliseconds(300))
        channels.bell.ring()
        #expect(eventually { self.lines.isHoldingCaller })
    }

    /// An edge that the lane thread has dealt with; the alarm need not live.
    func pass(_ sensor: LaneSensor, _ isHigh: Bool) {
        lines.set(sensor, isHigh, at: bench.clock.now())
        lines.wake()
        #expect(eventually { self.lines.isIdle })
    }

    func verdict(_ reason: VerdictReason, _ token: VehicleToken, lane: LaneID = lane) {
        #expect(channels.words.push(.verdict(Verdict(lane: lane, token: token, reason: reason))))
        bench.settle()
    }

    func order(_ order: LaneOrder, lane: LaneID = lane) {
        #expect(channels.words.push(.order(lane, order)))
        bench.settle()
    }

    /// A vehicle comes, waits in vain and leaves backwards.
    func visitInVain() {
        edge(.approach, true)
        edge(.approach, false)
        bench.advance(.seconds(2))
    }

    /// Lets time pass in steps, each a turn.
    func wait(seconds: Int) {
        for _ in 0..<seconds * 4 { bench.advance(.milliseconds(250)) }
    }
}
