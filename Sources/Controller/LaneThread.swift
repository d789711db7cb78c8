// The lane thread: edges, verdicts and orders in, relays out, for all arms of the board. It waits in its poll and
// nowhere
// else.
//
// Invariants: no heap, no lock, no log, no file. What it has to say goes into rings, and a full ring is counted, never
// waited for. The ring of words is filled by the ledger thread alone, after the commit: a raise without a durable
// decision or order has no way to come about (promise 1).
// When the lines fail, each output is switched off for itself, as far as it can be reached, and the thread ends: the
// supervisor ends the process.
// Limits: 8 arms with at most 8 lanes together.

import Domain
import LaneCore
import LaneTrace
import Machine
import Synchronization

/// One arm, with the lane or the two lanes that it closes.
struct LaneArm: Sendable {
    var core: LaneCore
    let lane: LaneID
    let second: LaneID?
    let trace: ArmTrace
    fileprivate var recorder = TraceRecorder()
    /// The core's next deadline, so that a turn asks no core that has nothing to say.
    fileprivate var deadline: Instant?

    /// - Parameter header: what the core was made of, for its trace.
    init(_ header: TraceHeader) {
        core = header.core
        lane = header.lane
        second = header.second
        trace = ArmTrace(header)
    }
}

/// What a core is given: the first time its levels, then events.
enum LaneStep: Sendable {
    case start(SensorSet)
    case event(LaneEvent)
}

final class LaneThread: @unchecked Sendable {
    private let lines: any LinePort
    private let clock: any Clock
    private let channels: LaneChannels
    private let wiring: LaneWiring
    private let stop: Flag
    private let pulse: Pulse
    /// By lane.
    private let statuses: [LaneStatus?]
    private let arms: UnsafeMutableBufferPointer<LaneArm>
    /// The arm of each lane; -1 for a lane that this controller does not have.
    private let armOfLane: InlineArray<8, Int8>
    private var actions = LaneActions()
    private var lastSequence: UInt32 = 0
    /// Raised, after `failure` was set, when the thread ends because of the lines.
    let hasFailed = Flag()
    /// Read only once `hasFailed` is raised.
    private(set) var failure: MachineError?

    /// A chattering input must not keep verdicts, timers and the heartbeat out.
    private static let eventsPerTurn = 64
    /// The longest wait, so that the heart beats.
    private static let longestWait = Interval.milliseconds(100)

    /// - Parameter known: one for each lane of the arms.
    init(
        arms given: [LaneArm], wiring: LaneWiring, lines: any LinePort, clock: any Clock, channels: LaneChannels,
        stop: Flag, pulse: Pulse, statuses known: [LaneStatus]
    ) {
        precondition(given.count <= LaneID.maximumCount, "LTH-1 at most 8 arms")
        arms = .allocate(capacity: given.count)
        _ = arms.initialize(from: given)
        var places = InlineArray<8, Int8>(repeating: -1)
        for (index, arm) in given.enumerated() {
            places[Int(arm.lane.index)] = Int8(index)
            if let second = arm.second { places[Int(second.index)] = Int8(index) }
        }
        armOfLane = places
        var statuses = [LaneStatus?](repeating: nil, count: LaneID.maximumCount)
        for status in known { statuses[Int(status.lane.index)] = status }
        self.statuses = statuses
        self.wiring = wiring
        self.lines = lines
        self.clock = clock
        self.channels = channels
        self.stop = stop
        self.pulse = pulse
    }

    deinit {
        arms.deinitialize()
        arms.deallocate()
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
        waiting.add(channels.bell.fileDescriptor)
        for arm in arms.indices { try step(.start(try levels(arm)), arm, at: clock.now()) }
        while !stop.isRaised {
            let now = clock.now()
            pulse.beat(now)
            waiting.wait(atMost: longestWait(now))
            // Edges first: an arm must not begin to fall on a presence that is already known to the kernel.
            var taken = 0
            while taken < LaneThread.eventsPerTurn, let event = try lines.nextEvent() {
                try take(event)
                taken += 1
            }
            channels.bell.take()
            while let word = channels.words.pop() {
                let arm = Int(armOfLane[Int(word.lane.index)])
                if arm >= 0 { try step(.event(word.event), arm, at: clock.now()) }
            }
            for arm in arms.indices {
                guard let deadline = arms[arm].deadline else { continue }
                let later = clock.now()
                if deadline <= later { try step(.event(.timer), arm, at: later) }
            }
        }
    }

    private func longestWait(_ now: Instant) -> Interval {
        var wait = LaneThread.longestWait
        for arm in arms.indices {
            if let deadline = arms[arm].deadline { wait = min(wait, deadline.since(now)) }
        }
        return wait
    }

    // MARK: what comes in

    private func take(_ event: LineEvent) throws(MachineError) {
        if event.sequence != lastSequence &+ 1 {
            for arm in arms.indices {
                status(arms[arm].lane)?.edgesLost.wrappingAdd(1, ordering: .relaxed)
                try step(.event(.edgesLost), arm, at: event.at)
                try reread(arm, at: event.at)
            }
        }
        lastSequence = event.sequence
        for index in wiring.range(ofPort: event.input) {
            let input = wiring.inputs[index]
            let isActive = event.isHigh == input.isActiveHigh
            try step(.event(.sensor(input.sensor, isActive: isActive)), Int(input.arm), at: event.at, isEdge: true)
        }
    }

    private func reread(_ arm: Int, at instant: Instant) throws(MachineError) {
        let levels = try levels(arm)
        // Presence first: an approach loop that clears while the safety loop is held means a way forward.
        try tell(arm, levels, presence: true, at: instant)
        try tell(arm, levels, presence: false, at: instant)
    }

    private func tell(_ arm: Int, _ levels: SensorSet, presence: Bool, at instant: Instant) throws(MachineError) {
        for index in wiring.inputs.indices where Int(wiring.inputs[index].arm) == arm {
            let sensor = wiring.inputs[index].sensor
            guard SensorSet.presence.contains(sensor) == presence else { continue }
            try step(.event(.sensor(sensor, isActive: levels.contains(sensor))), arm, at: instant)
        }
    }

    private func levels(_ arm: Int) throws(MachineError) -> SensorSet {
        var levels = SensorSet.none
        for index in wiring.inputs.indices where Int(wiring.inputs[index].arm) == arm {
            if try isActive(index) { levels = levels.with(wiring.inputs[index].sensor) }
        }
        return levels
    }

    private func isActive(_ index: Int) throws(MachineError) -> Bool {
        let input = wiring.inputs[index]
        return try lines.level(input: Int(input.port)) == input.isActiveHigh
    }

    /// A presence sensor of the arm that is active at this very moment.
    private func presence(_ arm: Int) throws(MachineError) -> LaneSensor? {
        for index in wiring.inputs.indices where Int(wiring.inputs[index].arm) == arm {
            let sensor = wiring.inputs[index].sensor
            if SensorSet.presence.contains(sensor), try isActive(index) { return sensor }
        }
        return nil
    }

    // MARK: what comes of it

    /// Every step of every arm passes here, and nowhere else: what goes in, its stamp, the actions, and what it
    /// leads to.
    private func step(_ step: LaneStep, _ arm: Int, at instant: Instant, isEdge: Bool = false) throws(MachineError) {
        let word: TraceWord
        switch step {
        case .start(let levels):
            arms[arm].core.start(levels, at: instant, &actions)
            word = TraceWord(start: levels)
        case .event(let event):
            arms[arm].core.step(event, at: instant, &actions)
            word = TraceWord(event)
        }
        // Relays before words.
        var unseen: LaneSensor?
        var hasDriven = false
        for index in 0..<actions.count {
            guard case .drive(let output, let energised) = actions.action(index) else { continue }
            // The kernel may hold an edge that is not read yet: the level of this very moment has the last word.
            if output == .lower && energised {
                unseen = try presence(arm)
                if unseen != nil { continue }
            }
            guard let port = wiring.port(output, ofArm: arm) else { continue }
            try lines.drive(output: port, energised)
            hasDriven = true
        }
        if isEdge && hasDriven { status(arms[arm].lane)?.latency.note(clock.now().since(instant)) }
        arms[arm].recorder.note(word, at: instant, arms[arm].core, &actions, into: arms[arm].trace)
        arms[arm].deadline = arms[arm].core.nextDeadline
        publish(arm)
        for index in 0..<actions.count { tell(arm, actions.action(index)) }
        if let unseen {
            try self.step(.event(.sensor(unseen, isActive: true)), arm, at: clock.now())
        }
    }

    private func status(_ lane: LaneID) -> LaneStatus? { statuses[Int(lane.index)] }

    private func publish(_ arm: Int) {
        let view = arms[arm].core.view
        status(arms[arm].lane)?.publish(arms[arm].core.phase(0), arms[arm].core.token(0), view)
        if let second = arms[arm].second {
            status(second)?.publish(arms[arm].core.phase(1), arms[arm].core.token(1), view)
        }
    }

    private func tell(_ arm: Int, _ action: LaneAction) {
        let isTaken: Bool
        let lane = arms[arm].lane
        switch action {
        case .drive:
            return
        case .identify(let lane, let token, let arrivedAt, let attempt):
            isTaken = channels.requests.push(.identify(lane, token, arrivedAt: arrivedAt, attempt: attempt))
        case .identificationOverdue(let lane, let token):
            isTaken = channels.requests.push(.overdue(lane, token))
        case .notice(let lane, let notice, let token):
            guard let ring = channels.notices[Int(lane.index)] else { return }
            isTaken = ring.push(SignNotice(lane: lane, token: token, notice: notice))
        case .passEnded(let end):
            status(end.lane)?.note(end.outcome)
            let isEndTaken = channels.reports.push(.ended(end))
            isTaken = channels.requests.push(.ended(end.lane, end.token, at: end.endedAt)) && isEndTaken
        case .releaseAsked(let lane, let token, let button):
            isTaken = channels.reports.push(.releaseAsked(lane, token, by: button, at: clock.now()))
        case .fault(let fault, let isRaised):
            status(lane)?.note(fault, isRaised, at: clock.now())
            isTaken = channels.reports.push(.fault(lane, fault, isRaised: isRaised))
        case .noted(let sensor, let isActive):
            isTaken = channels.reports.push(.noted(lane, sensor, isActive: isActive))
        case .raised(let cause):
            isTaken = channels.reports.push(.raised(lane, cause))
        case .travelled(let isUp, let time):
            status(lane)?.noteTravel(isUp: isUp, time)
            return
        }
        if !isTaken { status(lane)?.lost.wrappingAdd(1, ordering: .relaxed) }
    }

    /// Each output for itself: one that cannot be reached must not keep the others on.
    private func allOff() {
        for index in wiring.outputs.indices {
            do throws(MachineError) {
                try lines.drive(output: Int(wiring.outputs[index].port), false)
            } catch {
                failure = failure ?? error
            }
        }
    }
}

/// The lane thread's rings.
struct LaneChannels: Sendable {
    let bell: Wakeup
    /// Durable verdicts and orders, from the ledger thread alone.
    let words: Ring<LaneWord>
    let requests: Ring<LaneRequest>
    let reports: Ring<LaneReport>
    /// By lane; nil for one that has no sign.
    let notices: [Ring<SignNotice>?]
}
