// The admission thread: binds reads to vehicles and decides. Its decisions go to the ledger, never to the lane.
//
// Invariants: one decision a vehicle, also where two of a lane wait for one; the register is a snapshot in memory;
// nothing here waits for flash or network. A lane without a reader is decided by its reads alone; what tags mean is
// `TagWatch`'s.

import Admission
import Domain
import Machine

final class AdmissionThread: @unchecked Sendable {
    private struct LaneState {
        let lane: LaneID
        let direction: Direction
        var matcher: IdentityMatcher
        /// Who waits for a decision: at most the vehicle that is being served and the one behind it.
        var open: [(token: VehicleToken, askedAt: Instant)] = []
        /// Nil without a reader.
        var tags: TagWatch?
        /// Named by a camera, and waiting for what the reader says; each is open too.
        var waiting: [(found: Identification, until: Instant)] = []
    }

    private let requests: Ring<LaneRequest>
    private let captures: Ring<ArrivedCapture>
    private let inventories: [Ring<ArrivedInventory>]
    private let decisions: Ring<Decision>
    private let bell: Wakeup
    private let register: any RegisterLookup
    private let policy: Policy
    private let clock: any Clock
    private let clockTrust: ClockTrust
    private let stop: Flag
    private let pulse: Pulse
    private let log: Log
    private var lanes: [LaneState]

    private static let longestWait = Interval.milliseconds(200)
    private static let openLimit = 2

    init(
        lanes: [(lane: LaneID, direction: Direction)], register: any RegisterLookup, policy: Policy,
        knownKeys: [String], tagRules: [LaneID: TagRules] = [:], channels: AdmissionChannels, clock: any Clock,
        clockTrust: ClockTrust, stop: Flag, pulse: Pulse, log: Log
    ) {
        self.lanes = lanes.map {
            LaneState(
                lane: $0.lane, direction: $0.direction, matcher: IdentityMatcher(knownKeys: knownKeys),
                tags: tagRules[$0.lane].map { TagWatch($0) })
        }
        self.register = register
        self.policy = policy
        requests = channels.requests
        captures = channels.captures
        inventories = channels.inventories
        decisions = channels.decisions
        bell = channels.bell
        self.clock = clock
        self.clockTrust = clockTrust
        self.stop = stop
        self.pulse = pulse
        self.log = log
    }

    func run() {
        var waiting = WaitSet()
        waiting.add(bell.fileDescriptor)
        while !stop.isRaised {
            let now = clock.now()
            pulse.beat(now)
            var wait = AdmissionThread.longestWait
            for lane in lanes {
                if let deadline = lane.matcher.nextDeadline { wait = min(wait, deadline.since(now)) }
                for waiting in lane.waiting { wait = min(wait, waiting.until.since(now)) }
            }
            waiting.wait(atMost: wait)
            bell.take()
            for ring in inventories {
                while let arrived = ring.pop() { take(arrived) }
            }
            // A request before the reads: a read that is here now may belong to the vehicle that is asked for now.
            while let request = requests.pop() { take(request) }
            while let arrived = captures.pop() { take(arrived) }
            let later = clock.now()
            for index in lanes.indices {
                if let identification = lanes[index].matcher.tick(now: later) { decide(index, identification) }
                settle(index, now: later)
            }
        }
    }

    private func index(of lane: LaneID) -> Int? {
        lanes.firstIndex { $0.lane == lane }
    }

    private func take(_ request: LaneRequest) {
        let now = clock.now()
        switch request {
        case .identify(let lane, let token, let arrivedAt, let attempt):
            // A later attempt asks the camera anew, and nobody else.
            guard attempt == 1, let index = index(of: lane) else { return }
            if lanes[index].open.count == AdmissionThread.openLimit { lanes[index].open.removeFirst() }
            lanes[index].open.append((token, now))
            lanes[index].tags?.arrived(token, at: arrivedAt)
            if let found = lanes[index].matcher.request(token, arrivedAt: arrivedAt, now: now) {
                decide(index, found)
            }
        case .overdue(let lane, let token):
            guard let index = index(of: lane) else { return }
            overdue(index, token)
        case .ended(let lane, let token, let at):
            guard let index = index(of: lane) else { return }
            lanes[index].matcher.left(token, at: at)
            lanes[index].tags?.left(token, at: at)
            lanes[index].waiting.removeAll { $0.found.token == token }
            lanes[index].open.removeAll { $0.token == token }
        }
    }

    private func take(_ arrived: ArrivedCapture) {
        guard let index = index(of: arrived.lane) else { return }
        if let found = lanes[index].matcher.capture(
            arrived.capture, receivedAt: arrived.receivedAt, lead: arrived.lead)
        {
            decide(index, found)
        }
    }

    /// Tags that the register does not know are those of goods, and nobody's.
    private func take(_ arrived: ArrivedInventory) {
        guard let index = index(of: arrived.lane) else { return }
        lanes[index].tags?.looked(at: arrived.at)
        for tag in arrived.tags {
            guard let plate = register.plate(of: tag) else { continue }
            lanes[index].tags?.saw(tag, of: plate, by: arrived.reader, at: arrived.at)
        }
    }

    private func decide(_ index: Int, _ found: Identification) {
        guard let open = lanes[index].open.first(where: { $0.token == found.token }) else { return }
        guard let tags = lanes[index].tags else {
            let finding = Admission.decide(
                plate: found.capture.plate, register: register, policy: policy, at: clockTrust.forDates(clock.wall()))
            give(index, found.token, finding, capture: found.capture)
            return
        }
        var until = clock.now() + tags.rules.wait
        let isKnown = found.capture.plate.map { register.vehicle(for: $0) != nil } ?? false
        // The tag may be all that there is.
        if let alone = tags.rules.aloneAfter, !isKnown { until = max(until, open.askedAt + alone) }
        lanes[index].waiting.append((found, until))
    }

    private func overdue(_ index: Int, _ token: VehicleToken) {
        guard let tags = lanes[index].tags, lanes[index].open.contains(where: { $0.token == token }) else {
            give(index, token, .notIdentified, capture: nil)
            return
        }
        let waiting = lanes[index].waiting.first { $0.found.token == token }
        conclude(index, token, tags, capture: waiting?.found.capture)
    }

    /// Decides upon plate and tag together.
    private func conclude(_ index: Int, _ token: VehicleToken, _ tags: TagWatch, capture: Capture?) {
        let finding = Admission.decide(
            token, hasRead: capture != nil, plate: capture?.plate, tags: tags, register: register, policy: policy,
            at: clockTrust.forDates(clock.wall()))
        give(index, token, finding, capture: capture)
    }

    /// Those whose own tag has come, or who have waited long enough; then those whom a tag alone names.
    private func settle(_ index: Int, now: Instant) {
        guard let tags = lanes[index].tags else { return }
        for waiting in lanes[index].waiting {
            var hasOwnTag = false
            if let plate = waiting.found.capture.plate {
                if case .agrees = tags.evidence(for: waiting.found.token, plate: plate) { hasOwnTag = true }
            }
            guard hasOwnTag || now >= waiting.until else { continue }
            conclude(index, waiting.found.token, tags, capture: waiting.found.capture)
        }
        guard let alone = tags.rules.aloneAfter else { return }
        for open in lanes[index].open where now >= open.askedAt + alone {
            guard !lanes[index].waiting.contains(where: { $0.found.token == open.token }) else { continue }
            if case .names = tags.evidence(for: open.token) { conclude(index, open.token, tags, capture: nil) }
        }
    }

    private func give(_ index: Int, _ token: VehicleToken, _ finding: Finding, capture: Capture?) {
        lanes[index].waiting.removeAll { $0.found.token == token }
        guard let place = lanes[index].open.firstIndex(where: { $0.token == token }) else { return }
        let open = lanes[index].open.remove(at: place)
        let verdict = Verdict(lane: lanes[index].lane, token: open.token, reason: finding.reason)
        var decision = Decision(
            verdict: verdict, direction: lanes[index].direction, askedAt: open.askedAt, decidedAt: clock.now())
        if let capture {
            decision.captureKey = capture.key
            decision.camera = capture.camera
            decision.rawPlate = capture.rawPlate
            decision.plate = capture.plate
        }
        note(index, finding, &decision)
        decision.vehicle = finding.vehicle
        decision.listReason = finding.listReason
        decision.registerImportedAt = register.importedAt
        if let vehicle = finding.vehicle {
            decision.vehicleSource = .register
            decision.vehicleKnownAt = register.importedAt
            decision.freight = register.freight(for: vehicle.plate, decision.direction)
        }
        if !decisions.push(decision) {
            log.error("a decision was lost: the ledger does not keep up; the vehicle stays refused")
        }
    }

    /// What the decision says of the tag, and what the lane remembers of who stood there.
    private func note(_ index: Int, _ finding: Finding, _ decision: inout Decision) {
        let token = decision.verdict.token
        if let mark = finding.tag {
            decision.tag = mark.tag.text
            decision.tagReader = mark.reader
            decision.tagSeenAt = mark.seenAt
            decision.tagPlate = mark.plate
            decision.isNamedByTag = finding.isNamedByTag
            if finding.isNamedByTag {
                decision.plate = mark.plate
                lanes[index].matcher.named(token, as: mark.plate, at: decision.decidedAt)
            }
        }
        guard let plate = decision.plate else { return }
        lanes[index].tags?.named(token, as: plate, by: finding.isNamedByTag ? finding.tag?.tag : nil)
    }
}

struct AdmissionChannels: Sendable {
    let bell: Wakeup
    let requests: Ring<LaneRequest>
    let captures: Ring<ArrivedCapture>
    let decisions: Ring<Decision>
    /// Of each reader.
    var inventories: [Ring<ArrivedInventory>] = []
}
