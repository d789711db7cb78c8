// The lane: edges, verdicts and orders in, relays out, for all arms of the board. Two threads take turns at it. The
// lane thread waits in the read of the lines and nowhere else, which is the shortest way from an edge to a relay, and
// takes edges; the alarm's thread waits for words and deadlines, and takes these too.
//
// Invariants: one thread at a time is inside, and none waits for the other (Turnstile). Each edge that was read is
// taken before each word and each timer, and as long as edges follow each other the lane thread reads on: it looks at
// words and timers only for an alarm that found it inside, or that has not come for many edges. A lost edge is noticed:
// one that the kernel drops is an older one and missed by its number, and the ring's own says so itself. The heart
// beats only while edges are read and somebody looks at words and timers. No heap, no lock, no log, no file. What it
// has to say goes into rings, and a full ring is counted, never waited for. The ring of words is filled by the ledger
// thread alone, after the commit: a raise without a durable decision or order has no way to come about (promise 1).
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
    private let alarm: LaneAlarm
    private let turnstile = Turnstile()
    /// From the lane thread to whoever is inside.
    private let edges = Ring<LineEvent>(capacity: 256, bell: nil)
    /// The ring was full: it refuses the newest, and nothing that follows need tell that one is missing.
    private let hasDropped = Atomic<Bool>(false)
    /// When the lane thread last came out of its read, in lane time.
    private let lastReturn: Atomic<UInt64>
    /// The alarm, since the lane thread last asked.
    private let hasLooked = Atomic<Bool>(false)
    private let isAlarmOut = Flag()
    private var readFailure: MachineError?
    /// Raised after `readFailure` was set.
    private let hasReadFailed = Flag()
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

    /// After so many edges without a look of the alarm's the lane thread looks itself: a chattering input keeps the
    /// alarm's thread from its processor, and is no reason to die.
    private static let edgesPerLook = 64
    /// A lane thread that has had no edge for so long is called, and misses its heartbeats if it does not come.
    private static let calledAfter = Interval.milliseconds(200)
    private static let missedAfter = Interval.milliseconds(400)

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
        alarm = LaneAlarm(bell: channels.bell, moved: channels.moved)
        lastReturn = Atomic(clock.now().nanoseconds)
        self.stop = stop
        self.pulse = pulse
    }

    deinit {
        arms.deinitialize()
        arms.deallocate()
    }

    /// The body of the lane thread.
    func run() {
        let isStarted = attempt { () throws(MachineError) in
            for arm in arms.indices { try step(.start(try levels(arm)), arm, at: clock.now()) }
            repeat { try turn(looks: true) } while !turnstile.leave()
        }
        let isToSwitchOff = isStarted && serve()
        // Who looks at the lines from now on does not wait for an edge.
        lines.interrupt()
        guard isToSwitchOff else { return }
        allOff()
        if failure != nil { hasFailed.raise() }
    }

    /// The body of the alarm's thread, whose priority is one below the lane's: an edge does not wait for it.
    func runAlarm() {
        alarm.run(clock, until: stop) {
            visit(looks: true)
            hasLooked.store(true, ordering: .relaxed)
            let now = clock.now()
            let silence = now.since(Instant(nanoseconds: lastReturn.load(ordering: .relaxed)))
            if silence > LaneThread.calledAfter { lines.interrupt() }
            if silence < LaneThread.missedAfter { pulse.beat(now) }
        }
        isAlarmOut.raise()
        lines.interrupt()
    }

    /// False when the lines failed.
    private func serve() -> Bool {
        var unlooked = 0
        while !isAlarmOut.isRaised {
            let event: LineEvent?
            do throws(MachineError) {
                event = try lines.nextEvent()
                if event == nil { try lines.waitForEvents() }
            } catch {
                readFailure = error
                hasReadFailed.raise()
                visit(looks: false)
                return false
            }
            let looks = unlooked == LaneThread.edgesPerLook
            // Without an edge it was the alarm that called. With one, only a look says that words and timers are well.
            var isWell = event == nil
            if let event {
                if !edges.push(event) { hasDropped.store(true, ordering: .releasing) }
                isWell = visit(looks: looks) && looks
            }
            let now = clock.now()
            lastReturn.store(now.nanoseconds, ordering: .relaxed)
            unlooked = hasLooked.exchange(false, ordering: .relaxed) || looks ? 0 : unlooked + 1
            if isWell { pulse.beat(now) }
        }
        return true
    }

    /// False when the other thread is inside and takes the turn, or when the lines failed.
    @discardableResult
    private func visit(looks: Bool) -> Bool {
        guard turnstile.enter() else { return false }
        return attempt { () throws(MachineError) in
            try turn(looks: looks)
            // Who came meanwhile may have been the alarm.
            while !turnstile.leave() { try turn(looks: true) }
        }
    }

    /// When it fails, whoever it was stays inside, and nobody takes a turn any more.
    private func attempt(_ work: () throws(MachineError) -> Void) -> Bool {
        do throws(MachineError) {
            try work()
            return true
        } catch {
            failure = error
            allOff()
            hasFailed.raise()
            return false
        }
    }

    /// Edges first, always: an arm must not begin to fall on a presence that is known already.
    private func turn(looks: Bool) throws(MachineError) {
        if hasReadFailed.isRaised, let readFailure { throw readFailure }
        try takeEdges()
        if looks { try look() }
        alarm.set(soonest)
    }

    private func look() throws(MachineError) {
        while let word = channels.words.pop() {
            try takeEdges()
            let arm = Int(armOfLane[Int(word.lane.index)])
            if arm >= 0 { try step(.event(word.event), arm, at: clock.now()) }
        }
        for arm in arms.indices where arms[arm].deadline != nil {
            try takeEdges()
            let now = clock.now()
            if let deadline = arms[arm].deadline, deadline <= now { try step(.event(.timer), arm, at: now) }
        }
    }

    private func takeEdges() throws(MachineError) {
        while let event = edges.pop() {
            if event.sequence != lastSequence &+ 1 { try noteLoss(at: event.at) }
            lastSequence = event.sequence
            for index in wiring.range(ofPort: event.input) {
                let input = wiring.inputs[index]
                let isActive = event.isHigh == input.isActiveHigh
                try step(
                    .event(.sensor(input.sensor, isActive: isActive)), Int(input.arm), at: event.at, isEdge: true)
            }
        }
        if hasDropped.exchange(false, ordering: .acquiringAndReleasing) { try noteLoss(at: clock.now()) }
    }

    /// The arms' next deadline.
    private var soonest: Instant? {
        var soonest: Instant?
        for arm in arms.indices {
            guard let deadline = arms[arm].deadline else { continue }
            soonest = min(soonest ?? deadline, deadline)
        }
        return soonest
    }

    // MARK: what comes in

    /// Edges are missing: each arm counts as occupied until its levels are read.
    private func noteLoss(at instant: Instant) throws(MachineError) {
        for arm in arms.indices {
            status(arms[arm].lane)?.edgesLost.wrappingAdd(1, ordering: .relaxed)
            try step(.event(.edgesLost), arm, at: instant)
            let levels = try levels(arm)
            // Presence first: an approach loop that clears while the safety loop is held means a way forward.
            try tell(arm, levels, presence: true, at: instant)
            try tell(arm, levels, presence: false, at: instant)
        }
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
        switch step {
        case .start(let levels): arms[arm].core.start(levels, at: instant, &actions)
        case .event(let event): arms[arm].core.step(event, at: instant, &actions)
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
        let word =
            switch step {
            case .start(let levels): TraceWord(start: levels)
            case .event(let event): TraceWord(event)
            }
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
    /// LaneAlarm's own.
    let moved: Wakeup
    /// Durable verdicts and orders, from the ledger thread alone.
    let words: Ring<LaneWord>
    let requests: Ring<LaneRequest>
    let reports: Ring<LaneReport>
    /// By lane; nil for one that has no sign.
    let notices: [Ring<SignNotice>?]
}
