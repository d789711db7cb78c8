// Looks for the costliest step: a lane goes wherever it has not been yet, and in every state that it comes to, every
// event is tried: now, with the next timer that ends, and so late that all have ended. What takes long by the clock is
// kept, to be counted.

import CSystem
import Domain
import LaneCore

struct CostlyStep {
    var core: LaneCore
    var event: LaneEvent
    var now: Instant
    var nanoseconds: UInt64
}

/// The steps that took longest, with the states that they began in.
struct CostlySteps {
    private(set) var all: [CostlyStep] = []
    /// What takes no longer is not kept.
    private(set) var least: UInt64 = 0
    private static let kept = 4_000

    mutating func keep(_ step: CostlyStep) {
        all.append(step)
        guard all.count >= 2 * CostlySteps.kept else { return }
        all.sort { $0.nanoseconds > $1.nanoseconds }
        all.removeLast(all.count - CostlySteps.kept)
        least = all[all.count - 1].nanoseconds
    }

    /// As they lie in memory: only this very program reads them again.
    func writeAll() {
        for step in all {
            withUnsafeBytes(of: step) { _ = write(1, $0.baseAddress, $0.count) }
        }
    }

    /// In place of the one before. False at the end.
    mutating func readOne() -> Bool {
        let size = MemoryLayout<CostlyStep>.size
        return withUnsafeTemporaryAllocation(byteCount: size, alignment: 16) { bytes in
            guard read(0, bytes.baseAddress, size) == size else { return false }
            all = [bytes.load(as: CostlyStep.self)]
            return true
        }
    }
}

struct Search {
    private var random: Seeded
    private var site: Site
    private var actions = LaneActions()
    private var now = Instant(nanoseconds: 1_000_000_000)
    private var seen: Set<UInt64> = []
    private(set) var tried = 0
    /// The vehicles that were asked for last.
    private var asked: [(lane: LaneID, token: VehicleToken)] = []

    init(seed: UInt64) {
        random = Seeded(seed)
        site = Site(seed: seed, &random, at: now)
    }

    /// The different states that it went to.
    var states: Int { seen.count }

    mutating func run(_ states: Int, _ costly: inout CostlySteps) {
        for _ in 0..<states {
            var best: (event: LaneEvent, now: Instant)?
            var isNew = false
            var count = 0
            for event in events() {
                for instant in instants() {
                    let after = attempt(event, instant, &costly)
                    // A lane that is late is tried, and seldom gone on with: it does nothing but catch up.
                    guard instant < now + .seconds(600) || random.chance(1) else { continue }
                    let isUnseen = !seen.contains(after)
                    if isUnseen && !isNew { count = 0 }
                    guard isUnseen || !isNew else { continue }
                    isNew = isUnseen
                    count += 1
                    if random.below(count) == 0 { best = (event, instant) }
                }
            }
            if let best { go(best.event, best.now) }
        }
    }

    /// - Returns: the state that it leads to, as a trace has it.
    private mutating func attempt(_ event: LaneEvent, _ instant: Instant, _ costly: inout CostlySteps) -> UInt64 {
        tried += 1
        var took = UInt64.max
        var after: UInt64 = 0
        for round in 0..<3 where round == 0 || took > costly.least {
            var core = site.core
            let began = clock()
            measuredStep(&core, event, instant, &actions)
            took = min(took, clock() - began)
            after = core.state.bits
        }
        if took > costly.least {
            costly.keep(CostlyStep(core: site.core, event: event, now: instant, nanoseconds: took))
        }
        return after
    }

    private func clock() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    private mutating func go(_ event: LaneEvent, _ instant: Instant) {
        now = instant
        if case .sensor(let sensor, let isActive) = event, site.fitted.contains(sensor) {
            let bit: UInt32 = 1 << UInt32(sensor.rawValue)
            site.levels = isActive ? site.levels | bit : site.levels & ~bit
        }
        measuredStep(&site.core, event, now, &actions)
        seen.insert(site.core.state.bits)
        for index in 0..<actions.count {
            guard case .identify(let lane, let token, _, _) = actions[index] else { continue }
            if asked.count == 4 { asked.removeFirst() }
            asked.append((lane, token))
        }
    }

    private func instants() -> [Instant] {
        let deadline = site.core.nextDeadline ?? now
        if deadline < now { return [now] }
        return [now + .milliseconds(1), deadline, now + .seconds(700)]
    }

    private func events() -> [LaneEvent] {
        var events: [LaneEvent] = [.timer, .edgesLost]
        for raw in 0..<UInt8(LaneSensor.count) {
            guard let sensor = LaneSensor(rawValue: raw), site.fitted.contains(sensor) else { continue }
            let isActive = site.levels & (1 << UInt32(raw)) != 0
            events.append(.sensor(sensor, isActive: !isActive))
            if site.core.view.doubtful.contains(sensor) { events.append(.sensor(sensor, isActive: isActive)) }
        }
        for (lane, token) in asked {
            events.append(.verdict(Verdict(lane: lane, token: token, reason: .stageAllowed)))
            events.append(.verdict(Verdict(lane: lane, token: token, reason: .stageTooLow)))
        }
        for side in 0..<2 {
            let lane = LaneID(UInt8(side))
            let token = site.core.token(side)
            let orders: [LaneOrder] = [.release(lane, token), .release(lane, .none), .identifyAgain(lane)]
            for order in orders { events.append(.order(order)) }
        }
        for isOn in [false, true] {
            let orders: [LaneOrder] = [
                .hold(isOn), .lockdown(isOn), .maintenance(isOn), .energise(.raise, isOn), .energise(.lower, isOn),
                .energise(.stop, isOn), .energise(.siren, isOn),
            ]
            for order in orders { events.append(.order(order)) }
        }
        return events + [.order(.close), .order(.stop)]
    }
}
