// Replays a trace through the lane's rules and finds where they now act otherwise.
//
// A replay begins at a start of the lane or where it was at rest: what comes before is skipped. After a difference, or
// where records are missing, it takes up again at the next such place.
// Limit: the first 20 differences are kept; all are counted.

import Domain
import LaneCore

/// A step that acts otherwise than it did.
public struct TraceDifference: Sendable {
    public let step: UInt64
    public let lines: [String]
}

public struct ReplayReport: Sendable {
    static let maximumKept = 20

    public internal(set) var replayed = 0
    public internal(set) var skipped = 0
    public internal(set) var differences: [TraceDifference] = []
    public internal(set) var differenceCount = 0
}

/// One step, put together from its records.
private struct TracedStep {
    let first: TraceRecord
    var actions: [TraceWord]
    /// A step that goes on in a record that is missing.
    var isWhole: Bool { actions.count == first.actionCount }
}

extension LaneTrace {
    /// What the rules of this program make of the trace. `replayed` is 0 where there was no place to begin at.
    public func replay() -> ReplayReport {
        var report = ReplayReport()
        var core: LaneCore?
        var expected: UInt64 = 0
        var actions = LaneActions()
        for step in steps() {
            let record = step.first
            if !step.isWhole || record.step != expected { core = nil }
            expected = record.step + 1
            if let levels = record.event.startLevels {
                var fresh = header.core
                fresh.start(levels, at: record.at, &actions)
                core = fresh
            } else if step.isWhole, let event = record.event.event(boot: header.boot) {
                if core == nil, record.before.isAtRest {
                    var fresh = header.core
                    fresh.takeUp(record.before, tokenCounts: record.tokenCounts, at: record.at, &actions)
                    core = fresh
                }
                core?.step(event, at: record.at, &actions)
            } else {
                core = nil
            }
            guard let now = core else {
                report.skipped += 1
                continue
            }
            report.replayed += 1
            if let difference = difference(step, actions, now.state) {
                report.differenceCount += 1
                if report.differences.count < ReplayReport.maximumKept { report.differences.append(difference) }
                core = nil
            }
        }
        return report
    }

    private func steps() -> [TracedStep] {
        var steps: [TracedStep] = []
        for record in records {
            var own: [TraceWord] = []
            for index in 0..<record.ownCount { own.append(record.action(index)) }
            if record.offset == 0 {
                steps.append(TracedStep(first: record, actions: own))
            } else if let last = steps.indices.last, steps[last].first.step == record.step,
                steps[last].actions.count == record.offset
            {
                steps[last].actions += own
            }
        }
        return steps
    }

    private func difference(_ step: TracedStep, _ actions: LaneActions, _ after: LaneState) -> TraceDifference? {
        var made: [TraceWord] = []
        for index in 0..<actions.count { made.append(TraceWord(actions[index])) }
        var lines: [String] = []
        for index in 0..<max(made.count, step.actions.count) {
            let was = index < step.actions.count ? step.actions[index] : nil
            let now = index < made.count ? made[index] : nil
            guard was != now else { continue }
            if let was { lines.append("  - \(was.meaning)") }
            if let now { lines.append("  + \(now.meaning)") }
        }
        if lines.isEmpty && after != step.first.after {
            lines = ["  - then \(step.first.after.meaning)", "  + then \(after.meaning)"]
        }
        guard !lines.isEmpty else { return nil }
        let head = "step \(step.first.step) at \(step.first.at.nanoseconds) ns, \(step.first.event.meaning):"
        return TraceDifference(step: step.first.step, lines: [head] + lines)
    }
}
