// A lane on a bench: drives LaneCore by hand, keeps every action, and checks the invariants after each step.

import Domain
import LaneCore

struct LaneRig {
    static let timings = LaneTimings(
        verdictDeadline: .seconds(3), authorisedWindow: .seconds(30), backOut: .milliseconds(1_500),
        closeDelay: .seconds(1), raiseTravel: .seconds(2), lowerTravel: .seconds(2),
        relayPulse: .milliseconds(500), deadTime: .milliseconds(300))
    static let lane = LaneID(0)

    var core: LaneCore
    var now = Instant(nanoseconds: 1_000_000_000)
    var actions: [LaneAction] = []
    var outputs: Set<LaneOutput> = []
    var raises = 0
    var lowers = 0
    var ends: [PassEnd] = []
    var identified: [VehicleToken] = []
    /// Broken invariants, each as a sentence.
    var violations: [String] = []
    private var allowed: Set<VehicleToken> = []
    private var approach: Bool
    private var safety: Bool

    init(approach: Bool = false, safety: Bool = false, timings: LaneTimings = LaneRig.timings) {
        core = LaneCore(lane: LaneRig.lane, boot: 7, timings: timings)
        self.approach = approach
        self.safety = safety
        let actions = core.start(approach: approach, safety: safety, at: now)
        take(actions, cause: "start", wasLowering: false)
    }

    var outcomes: [PassOutcome] { ends.map(\.outcome) }

    mutating func approach(_ isActive: Bool) {
        approach = isActive
        step(.sensor(.approach, isActive: isActive))
    }

    mutating func safety(_ isActive: Bool) {
        safety = isActive
        step(.sensor(.safety, isActive: isActive))
    }

    mutating func loseEdges() {
        let before = (approach, safety)
        (approach, safety) = (true, true)
        step(.edgesLost)
        safety(before.1)
        approach(before.0)
    }

    mutating func verdict(_ reason: VerdictReason, for token: VehicleToken? = nil) {
        let verdict = Verdict(lane: LaneRig.lane, token: token ?? core.token, reason: reason)
        if reason.allows { allowed.insert(verdict.token) }
        step(.verdict(verdict))
    }

    /// Lets time pass, with a timer event at each deadline on the way.
    mutating func wait(_ interval: Interval) {
        let end = now + interval
        while let deadline = core.nextDeadline, deadline <= end {
            now = max(now, deadline)
            step(.timer)
        }
        now = end
    }

    mutating func step(_ event: LaneEvent) {
        let wasLowering = core.phase == .lowering
        take(core.step(event, at: now), cause: "\(event)", wasLowering: wasLowering)
        if let deadline = core.nextDeadline, deadline < now {
            violations.append("a deadline of the past stays after \(event)")
        }
    }

    private mutating func take(_ list: LaneActions, cause: String, wasLowering: Bool) {
        for index in 0..<list.count {
            let action = list[index]
            actions.append(action)
            switch action {
            case .drive(let output, let energised):
                drive(output, energised, cause, wasLowering)
            case .passEnded(let end):
                if ends.contains(where: { $0.token == end.token }) {
                    violations.append("LANE-4 \(end.token) ended twice at \(cause)")
                }
                ends.append(end)
            case .identify(let token, _):
                identified.append(token)
            case .identificationOverdue, .notice:
                break
            }
            if outputs.isSuperset(of: [.raise, .lower]) { violations.append("LANE-1 both relays on at \(cause)") }
        }
        if safety && outputs.contains(.lower) { violations.append("LANE-2 lower relay on over presence at \(cause)") }
    }

    private mutating func drive(_ output: LaneOutput, _ energised: Bool, _ cause: String, _ wasLowering: Bool) {
        if energised { outputs.insert(output) } else { outputs.remove(output) }
        guard energised else { return }
        switch output {
        case .raise:
            raises += 1
            let isReopening = core.phase == .intruded || core.phase == .unsettled
            if !isReopening && !allowed.contains(core.token) {
                violations.append("LANE-3 raise without a cause at \(cause)")
            }
        case .lower:
            lowers += 1
            if safety { violations.append("LANE-2 lower ordered over presence at \(cause)") }
        case .green, .red:
            break
        }
    }
}
