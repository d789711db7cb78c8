// What runs beside the caller: the lane, the killer, and the reader of the ledger for the screen.

import CSystem
import Foundation

extension Site {
    private static let stepMilliseconds = 4

    func runLane() {
        _ = gw_thread_set_name("site lane")
        while !state.withLock({ $0.isStopping }) {
            let levels = state.withLock { $0.yards.map(\.inputs) }
            let incoming = lines.wait(milliseconds: Site.stepMilliseconds, levels: levels)
            let events = state.withLock { state in
                let now = Clock.now
                for item in incoming { Site.take(item, now, &state) }
                state.lineTrouble = lines.lostMessages + lines.malformedMessages
                return state.yards.indices.flatMap { lane in
                    let sure = state.yards.reduce(0) { $0 + $1.counts.crossed + $1.expected }
                    let goal = options.passes.map { sure >= $0 } ?? false
                    // Nobody comes before the controller is there for the first time.
                    state.yards[lane].isClosed = state.sessions == 0 || goal && state.kills >= options.kills
                    return state.yards[lane].step(now).map { (lane, $0) }
                }
            }
            for (lane, event) in events { react(to: event, lane) }
        }
    }

    private static func take(_ item: LineServer.Incoming, _ now: UInt64, _ state: inout State) {
        switch item {
        case .began:
            state.sessions += 1
            state.isConnected = true
            for lane in state.yards.indices { state.yards[lane].begin(session: state.sessions, now: now) }
        case .ended:
            state.isConnected = false
            for lane in state.yards.indices { state.yards[lane].release() }
        case .drive(let message):
            guard let output = message.output, state.yards.indices.contains(message.lane) else { return }
            state.yards[message.lane].drive(output, message.level != 0, orderedAt: message.nanoseconds, now: now)
        }
    }

    private func react(to event: YardEvent, _ lane: Int) {
        switch event {
        case .level(let input, let level, let at): lines.send(edge: input, lane: lane, level: level, at: at)
        case .arrived(let visit, let attempt):
            let isLate = visit.kind == .lateCamera && attempt == 1
            let delay =
                isLate ? times.verdictDeadline + 300 : Int(Double(visit.cameraDelayMilliseconds) / options.speed)
            cameras.take(visit, lane: lane, attempt: attempt, delayMilliseconds: delay)
        case .crossed(let visit, _):
            state.withLock { $0.crossings[lane].append(visit.plate) }
            note("\(lane + 1)/\(visit.number % 1_000_000) \(visit.plate.text) \(visit.kind.rawValue): passed")
        case .left(let visit, let refusal):
            if visit.kind == .wrongTag { state.withLock { $0.wrongTagged.append(visit.plate) } }
            note("\(lane + 1)/\(visit.number % 1_000_000) \(visit.plate.text) \(visit.kind.rawValue): left \(refusal)")
        case .stranded(let visit):
            find("\(visit.plate.text) (\(visit.kind.rawValue)) tried \(DriverPatience.tries) times in vain")
        }
    }

    /// Kills the controller at drawn moments, verifies the ledger as the kill left it, starts it again.
    func runKiller() {
        var random = SeededRandom(seed: options.seed, part: "kills")
        for _ in 0..<options.kills {
            guard wait(seconds: 60, for: { $0.isConnected }) else {
                if !state.withLock({ $0.isStopping }) { find("the controller did not connect its lines within 60 s") }
                return
            }
            // During a pass: some time after a truck is there.
            _ = wait(seconds: 20, for: { !$0.areYardsEmpty })
            Clock.sleep(milliseconds: Int(Double(random.draw(0...1_800)) / options.speed))
            if state.withLock({ $0.isStopping }) || controller.unexpectedEnd != nil { return }
            controller.kill()
            guard wait(seconds: 10, for: { !$0.isConnected }) else { return }
            do throws(SimulationError) {
                if let broken = try controller.verifyLedger() {
                    find("after a kill the ledger does not verify: \(broken)")
                }
                if state.withLock({ $0.isStopping }) { return }
                try controller.start()
            } catch {
                find("\(error)")
                return
            }
            state.withLock { $0.kills += 1 }
        }
    }

    private func wait(seconds: Double, for condition: (State) -> Bool) -> Bool {
        let deadline = Clock.now + UInt64(seconds * 1e9)
        while Clock.now < deadline {
            let (isMet, isStopping) = state.withLock { (condition($0), $0.isStopping) }
            if isMet { return true }
            if isStopping { return false }
            Clock.sleep(milliseconds: 5)
        }
        return false
    }

    func runWatcher() {
        while !state.withLock({ $0.isStopping }) {
            let began = Clock.now
            // Before the first start there is no ledger yet: the screen waits.
            if let export = try? controller.exportLedger() { state.withLock { $0.latestExport = export } }
            let cost = Int((Clock.now - began) / 1_000_000)
            Clock.sleep(milliseconds: max(1_000, 10 * cost))
        }
    }
}
