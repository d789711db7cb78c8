// The lane thread: edges and verdicts in, relays out. It waits in its poll and nowhere else.
//
// Invariants: no heap, no lock, no log, no file. What it has to say goes into rings, and a full ring is counted, never
// waited for. The ring of verdicts is filled by the ledger thread alone, after the commit: a raise without a durable
// decision has no way to come about (promise 1).
// When the lines fail, each output is switched off for itself, as far as it can be reached, and the thread ends: the
// supervisor ends the process.

import Domain
import LaneCore
import Machine
import Synchronization

/// Inputs of the port, in its order.
enum LaneInput {
    static let approach = 0
    static let safety = 1
    static let count = 2
}

final class LaneThread: @unchecked Sendable {
    private let lines: any LinePort
    private let clock: any Clock
    private let verdicts: Ring<Verdict>
    private let requests: Ring<LaneRequest>
    private let ends: Ring<PassEnd>
    private let notices: Ring<SignNotice>?
    private let bell: Wakeup
    private let stop: Flag
    private let pulse: Pulse
    private let status: LaneStatus
    /// Whether a high level of an input means presence.
    private let activeHigh: (approach: Bool, safety: Bool)
    private var core: LaneCore
    private var lastSequence: UInt32 = 0
    /// Raised, after `failure` was set, when the thread ends because of the lines.
    let hasFailed = Flag()
    /// Read only once `hasFailed` is raised.
    private(set) var failure: MachineError?

    /// A chattering input must not keep verdicts, timers and the heartbeat out.
    private static let eventsPerTurn = 64
    /// The longest wait, so that the heart beats.
    private static let longestWait = Interval.milliseconds(100)

    init(
        core: LaneCore, lines: any LinePort, clock: any Clock, wiring: (approach: Bool, safety: Bool),
        channels: LaneChannels, stop: Flag, pulse: Pulse, status: LaneStatus
    ) {
        self.core = core
        self.lines = lines
        self.clock = clock
        activeHigh = wiring
        verdicts = channels.verdicts
        requests = channels.requests
        ends = channels.ends
        notices = channels.notices
        bell = channels.bell
        self.stop = stop
        self.pulse = pulse
        self.status = status
    }

    func run() {
        do throws(MachineError) {
            try serve()
        } catch {
            failure = error
        }
        allOff()
        if failure != nil { hasFailed.raise() }
    }

    private func serve() throws(MachineError) {
        var waiting = WaitSet()
        waiting.add(lines.fileDescriptor)
        waiting.add(bell.fileDescriptor)
        let approach = try isActive(LaneInput.approach)
        let safety = try isActive(LaneInput.safety)
        try perform(core.start(approach: approach, safety: safety, at: clock.now()))
        while !stop.isRaised {
            let now = clock.now()
            pulse.beat(now)
            var wait = LaneThread.longestWait
            if let deadline = core.nextDeadline { wait = min(wait, deadline.since(now)) }
            waiting.wait(atMost: wait)
            // Edges first: an arm must not begin to fall on a presence that is already known to the kernel.
            var taken = 0
            while taken < LaneThread.eventsPerTurn, let event = try lines.nextEvent() {
                try take(event)
                taken += 1
            }
            bell.take()
            while let verdict = verdicts.pop() {
                try perform(core.step(.verdict(verdict), at: clock.now()))
            }
            if let deadline = core.nextDeadline, deadline <= clock.now() {
                try perform(core.step(.timer, at: clock.now()))
            }
        }
    }

    private func take(_ event: LineEvent) throws(MachineError) {
        if event.sequence != lastSequence &+ 1 {
            status.edgesLost.wrappingAdd(1, ordering: .relaxed)
            try perform(core.step(.edgesLost, at: event.at))
            try reread(at: event.at)
        }
        lastSequence = event.sequence
        guard let sensor = LaneSensor(rawValue: event.input) else { return }
        let isActive = event.isHigh == isActiveHigh(sensor)
        try perform(core.step(.sensor(sensor, isActive: isActive), at: event.at))
    }

    private func reread(at instant: Instant) throws(MachineError) {
        let approach = try isActive(LaneInput.approach)
        let safety = try isActive(LaneInput.safety)
        // The safety loop first: an approach loop that clears while the safety loop is held means a way forward.
        try perform(core.step(.sensor(.safety, isActive: safety), at: instant))
        try perform(core.step(.sensor(.approach, isActive: approach), at: instant))
    }

    private func isActive(_ input: Int) throws(MachineError) -> Bool {
        try lines.level(input: input) == (input == LaneInput.approach ? activeHigh.approach : activeHigh.safety)
    }

    private func isActiveHigh(_ sensor: LaneSensor) -> Bool {
        switch sensor {
        case .approach: activeHigh.approach
        case .safety: activeHigh.safety
        }
    }

    private func perform(_ actions: LaneActions) throws(MachineError) {
        // Relays before words.
        for index in 0..<actions.count {
            guard case .drive(let output, let energised) = actions[index] else { continue }
            // The kernel may hold an edge that is not read yet: the level of this very moment has the last word.
            if output == .lower && energised, try isActive(LaneInput.safety) {
                try perform(core.step(.sensor(.safety, isActive: true), at: clock.now()))
                continue
            }
            try lines.drive(output: Int(output.rawValue), energised)
        }
        status.publish(core)
        for index in 0..<actions.count {
            tell(actions[index])
        }
    }

    private func tell(_ action: LaneAction) {
        let isTaken: Bool
        switch action {
        case .drive:
            isTaken = true
        case .identify(let token, let arrivedAt):
            isTaken = requests.push(.identify(core.lane, token, arrivedAt: arrivedAt))
        case .identificationOverdue(let token):
            isTaken = requests.push(.overdue(core.lane, token))
        case .notice(let notice, let token):
            isTaken = notices?.push(SignNotice(lane: core.lane, token: token, notice: notice)) ?? true
        case .passEnded(let end):
            status.note(end.outcome)
            let isEndTaken = ends.push(end)
            isTaken = requests.push(.ended(core.lane, end.token, at: end.endedAt)) && isEndTaken
        }
        if !isTaken { status.lost.wrappingAdd(1, ordering: .relaxed) }
    }

    /// Each output for itself: one that cannot be reached must not keep the others on.
    private func allOff() {
        for output in [LaneOutput.raise, .lower, .green, .red] {
            do throws(MachineError) {
                try lines.drive(output: Int(output.rawValue), false)
            } catch {
                failure = failure ?? error
            }
        }
    }
}

/// The rings of one lane.
struct LaneChannels: Sendable {
    let bell: Wakeup
    let verdicts: Ring<Verdict>
    let requests: Ring<LaneRequest>
    let ends: Ring<PassEnd>
    /// Nil when the lane has no sign.
    let notices: Ring<SignNotice>?
}
