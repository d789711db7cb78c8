// The admission thread: binds reads to vehicles and decides. Its decisions go to the ledger, never to the lane.
//
// Invariants: one decision a vehicle, also where two of a lane wait for one; the register is a snapshot in memory;
// nothing here waits for flash or network.

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
    }

    private let requests: Ring<LaneRequest>
    private let captures: Ring<ArrivedCapture>
    private let decisions: Ring<Decision>
    private let bell: Wakeup
    private let register: any RegisterLookup
    private let policy: Policy
    private let clock: any Clock
    private let stop: Flag
    private let pulse: Pulse
    private let log: Log
    private var lanes: [LaneState]

    private static let longestWait = Interval.milliseconds(200)
    private static let openLimit = 2

    init(
        lanes: [(lane: LaneID, direction: Direction)], register: any RegisterLookup, policy: Policy,
        knownKeys: [String], channels: AdmissionChannels, clock: any Clock, stop: Flag, pulse: Pulse, log: Log
    ) {
        self.lanes = lanes.map {
            LaneState(lane: $0.lane, direction: $0.direction, matcher: IdentityMatcher(knownKeys: knownKeys))
        }
        self.register = register
        self.policy = policy
        requests = channels.requests
        captures = channels.captures
        decisions = channels.decisions
        bell = channels.bell
        self.clock = clock
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
            }
            waiting.wait(atMost: wait)
            bell.take()
            // A request before the reads: a read that is here now may belong to the vehicle that is asked for now.
            while let request = requests.pop() { take(request) }
            while let arrived = captures.pop() { take(arrived) }
            let later = clock.now()
            for index in lanes.indices {
                if let identification = lanes[index].matcher.tick(now: later) { decide(index, identification) }
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
            if let found = lanes[index].matcher.request(token, arrivedAt: arrivedAt, now: now) {
                decide(index, found)
            }
        case .overdue(let lane, let token):
            guard let index = index(of: lane) else { return }
            give(index, token, .notIdentified, capture: nil)
        case .ended(let lane, let token, let at):
            guard let index = index(of: lane) else { return }
            lanes[index].matcher.left(token, at: at)
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

    private func decide(_ index: Int, _ found: Identification) {
        guard lanes[index].open.contains(where: { $0.token == found.token }) else { return }
        let finding = Admission.decide(
            plate: found.capture.plate, register: register, policy: policy, at: clock.wall())
        give(index, found.token, finding, capture: found.capture)
    }

    private func give(_ index: Int, _ token: VehicleToken, _ finding: Finding, capture: Capture?) {
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
        decision.vehicle = finding.vehicle
        decision.listReason = finding.listReason
        decision.registerImportedAt = register.importedAt
        if finding.vehicle != nil {
            decision.vehicleSource = .register
            decision.vehicleKnownAt = register.importedAt
        }
        if !decisions.push(decision) {
            log.error("a decision was lost: the ledger does not keep up; the vehicle stays refused")
        }
    }
}

struct AdmissionChannels: Sendable {
    let bell: Wakeup
    let requests: Ring<LaneRequest>
    let captures: Ring<ArrivedCapture>
    let decisions: Ring<Decision>
}
