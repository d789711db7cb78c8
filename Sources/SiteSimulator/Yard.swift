// The lane of the simulated site: loops, arm, lamps, trucks. A pure state machine: time, relay edges and sign texts
// in; level changes, pictures to take and things that must not happen out. No threads, no sockets.
//
// Invariants: trucks stand in the order of the lane, the one that is furthest first. Time never steps back.

import Domain

/// The inputs of one lane of the controller. On the line socket each lane has 32 numbers.
public enum LineInput: Int, CaseIterable, Sendable {
    case approachLoop = 0
    case safetyLoop = 1
    case openLimit = 2
    case closedLimit = 3

    public static let numbersPerLane = 32

    /// Its number on the line socket, within its lane.
    public var number: Int {
        switch self {
        case .approachLoop: 0
        case .safetyLoop: 1
        case .openLimit: 8
        case .closedLimit: 9
        }
    }
}

/// The outputs of one lane, by their number on the line socket within it.
public enum LineOutput: Int, CaseIterable, Sendable {
    case raiseRelay = 0
    case lowerRelay = 1
    case greenLight = 2
    case redLight = 3
}

/// A rising edge of the raise relay, with what stood before the arm.
public struct RaiseEdge: Sendable {
    /// The controller's stamp and the site's, both nanoseconds of CLOCK_BOOTTIME.
    public var orderedAt: UInt64
    public var seenAt: UInt64
    /// By its index, from 0.
    public var lane: Int
    /// Which connection of the controller ordered it, counted from 1, and when that connection came.
    public var session: Int
    public var sessionBeganAt: UInt64
    /// The truck that stood before the arm.
    public var plate: Plate?
    /// It had to wait for the truck before it, so that its raise says nothing about the decision's speed.
    public var isFollower = false
    /// Ordered because something came under a lowering arm: needs no decision.
    public var isReversal: Bool
    /// Ordered once more because the open limit came late: the arm was on its way up or open already, and nobody stood
    /// before it. Releases nobody, so it needs no decision of its own.
    public var isRepetition = false
}

public enum YardEvent: Sendable {
    case level(LineInput, Bool, at: UInt64)
    /// A truck came onto the approach loop: take its picture.
    case arrived(Visit, attempt: Int)
    case crossed(Visit, attempt: Int)
    case left(Visit, refusal: String)
    /// Tried too often in vain.
    case stranded(Visit)
}

public struct YardCounts: Sendable, Equatable {
    public var visits = 0
    public var crossed = 0
    /// Trucks that the sign refused and that left.
    public var refused = 0
    /// The arm came down on a truck.
    public var contacts = 0
    /// Raise and lower relay energised together.
    public var relayConflicts = 0
    public var stranded = 0
    public var raises = 0
    public var reversals = 0

    static func + (left: YardCounts, right: YardCounts) -> YardCounts {
        var sum = left
        sum.visits += right.visits
        sum.crossed += right.crossed
        sum.refused += right.refused
        sum.contacts += right.contacts
        sum.relayConflicts += right.relayConflicts
        sum.stranded += right.stranded
        sum.raises += right.raises
        sum.reversals += right.reversals
        return sum
    }
}

public struct Yard: Sendable {
    public private(set) var barrier: Barrier
    public private(set) var outputs = [Bool](repeating: false, count: LineOutput.allCases.count)
    public private(set) var inputs = [Bool](repeating: false, count: LineInput.allCases.count)
    public private(set) var counts = YardCounts()
    public private(set) var raises: [RaiseEdge] = []
    var trucks: [Truck] = []
    /// No further truck is to come.
    public var isClosed = false

    let milliseconds: UInt64
    let metresPerSecond: Double
    let pauseAfterReversal: Int
    private let lane: Int
    private var plan: VisitPlan
    private var waitingVisit: Visit
    private var lastStep: UInt64
    private var laneFreeSince: UInt64
    private var lastLeftBackwards = false
    private var session = 0
    private var sessionBeganAt: UInt64 = 0

    /// `speed` 1 is the demo's normal speed; 2 is twice as fast.
    public init(
        plan: VisitPlan, speed: Double, armTravel: Double, pauseAfterReversal: Int, now: UInt64, lane: Int = 0
    ) {
        precondition(speed > 0, "SIM-3 time must pass")
        self.lane = lane
        barrier = Barrier(travel: armTravel)
        milliseconds = UInt64(1_000_000 / speed)
        metresPerSecond = 20 * speed
        self.pauseAfterReversal = pauseAfterReversal
        self.plan = plan
        waitingVisit = self.plan.next()
        lastStep = now
        laneFreeSince = now
    }

    public var isEmpty: Bool { trucks.isEmpty }
    /// The tags before the reader's antenna.
    public var visibleTags: [String] { trucks.filter(\.isBeforeReader).compactMap(\.visit.tag) }
    /// Trucks in the lane that are to cross and have not yet.
    public var expected: Int { trucks.filter { $0.visit.kind.crosses && !$0.hasCrossed }.count }

    // MARK: What the controller and the sign do

    /// The controller has connected.
    public mutating func begin(session: Int, now: UInt64) {
        self.session = session
        sessionBeganAt = now
        release()
    }

    /// The controller has vanished: its relays fall, the arm goes on as it was.
    public mutating func release() {
        outputs = outputs.map { _ in false }
    }

    public mutating func drive(_ output: LineOutput, _ level: Bool, orderedAt: UInt64, now: UInt64) {
        let isRising = level && !outputs[output.rawValue]
        outputs[output.rawValue] = level
        let first = trucks.firstIndex { $0.isBeforeArm }
        switch output {
        case .raiseRelay:
            if isRising { raise(orderedAt: orderedAt, now: now, first: first) }
        case .lowerRelay:
            if isRising { barrier.order(.lowering) }
        case .greenLight:
            if isRising, let first { trucks[first].isInvited = true }
        case .redLight: break
        }
        if outputs[LineOutput.raiseRelay.rawValue] && outputs[LineOutput.lowerRelay.rawValue] {
            counts.relayConflicts += 1
        }
    }

    private mutating func raise(orderedAt: UInt64, now: UInt64, first: Int?) {
        let isReversal = barrier.motion == .lowering && (isOn(.approachLoop) || isOn(.safetyLoop))
        let isRepetition = first == nil && (barrier.motion == .raising || barrier.motion == .still && barrier.isOpen)
        barrier.order(.raising)
        counts.raises += 1
        if isReversal { counts.reversals += 1 }
        raises.append(
            RaiseEdge(
                orderedAt: orderedAt, seenAt: now, lane: lane, session: session, sessionBeganAt: sessionBeganAt,
                plate: first.map { trucks[$0].visit.plate },
                isFollower: first.map { trucks[$0].isFollower } ?? false, isReversal: isReversal,
                isRepetition: isRepetition
            )
        )
        if let first, !isReversal { trucks[first].isInvited = true }
    }

    public mutating func signShows(_ text: String, now: UInt64) {
        guard !text.isEmpty, let first = trucks.firstIndex(where: { $0.isBeforeArm }) else { return }
        trucks[first].signChangedAt = now
        if isRefusal(text) {
            if trucks[first].refusedAt == nil { trucks[first].refusedAt = now }
            trucks[first].refusalText = text
        }
    }

    // MARK: Time

    public mutating func step(_ now: UInt64) -> [YardEvent] {
        let seconds = Double(now - min(now, lastStep)) / 1e9
        lastStep = now
        var events: [YardEvent] = []
        barrier.advance(seconds)
        for index in trucks.indices { move(index, seconds, now, &events) }
        if let last = trucks.last, last.phase == .gone {
            laneFreeSince = now
            lastLeftBackwards = !last.hasCrossed
        }
        trucks.removeAll { $0.phase == .gone }
        admitNext(now)
        watchInputs(now, &events)
        watchArm()
        return events
    }

    private mutating func admitNext(_ now: UInt64) {
        guard !isClosed else { return }
        if let last = trucks.last {
            // Only behind one that can no longer want to reverse.
            guard waitingVisit.isQueued, trucks.count == 1, last.phase == .crossing, last.front > LanePlan.arm else {
                return
            }
        } else {
            let pause = waitingVisit.gapMilliseconds + (lastLeftBackwards ? pauseAfterReversal : 0)
            let waited = now - min(now, laneFreeSince)
            guard waited >= UInt64(pause) * milliseconds else { return }
            // A crash may have left the arm up: nobody waits for ever for it to come down.
            guard barrier.isClosed || waited >= 2_500 * milliseconds else { return }
        }
        var truck = Truck(visit: waitingVisit)
        truck.isFollower = !trucks.isEmpty
        trucks.append(truck)
        counts.visits += 1
        waitingVisit = plan.next()
    }

    private func isOn(_ input: LineInput) -> Bool { inputs[input.rawValue] }

    private func level(_ input: LineInput) -> Bool {
        switch input {
        case .approachLoop: trucks.contains { $0.covers(LanePlan.approachLoop) }
        case .safetyLoop: trucks.contains { $0.covers(LanePlan.safetyLoop) }
        case .openLimit: barrier.isOpen
        case .closedLimit: barrier.isClosed
        }
    }

    private mutating func watchInputs(_ now: UInt64, _ events: inout [YardEvent]) {
        for input in LineInput.allCases {
            let level = level(input)
            if level != inputs[input.rawValue] {
                inputs[input.rawValue] = level
                events.append(.level(input, level, at: now))
            }
        }
    }

    private mutating func watchArm() {
        guard barrier.position < 0.9 && barrier.motion == .lowering || barrier.position < 0.5 else { return }
        for index in trucks.indices where trucks[index].isUnderArm && !trucks[index].hasContact {
            trucks[index].hasContact = true
            counts.contacts += 1
        }
    }

    func duration(_ count: Int) -> UInt64 { UInt64(count) * milliseconds }

    mutating func note(_ change: (inout YardCounts) -> Void) { change(&counts) }
}
