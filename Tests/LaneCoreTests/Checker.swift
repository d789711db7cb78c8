// The exhaustive search: every state that any order of events can reach from any start, each transition judged by the
// laws, and from each state the way back to rest.
//
// Breadth first, so that a broken law is shown by a shortest way to it. A state is known by its whole key.

import Domain
import Foundation

@testable import LaneCore

/// A set of keys, numbered in the order of their arrival.
struct KeyTable {
    private(set) var keys: [CheckerKey] = []
    private var places: [UInt32] = Array(repeating: .max, count: 1 << 12)

    /// The key's number, and whether it is new.
    mutating func insert(_ key: CheckerKey) -> (number: Int, isNew: Bool) {
        if keys.count * 2 >= places.count { grow() }
        var place = Int(truncatingIfNeeded: key.hash) & (places.count - 1)
        while places[place] != .max {
            if keys[Int(places[place])] == key { return (Int(places[place]), false) }
            place = (place + 1) & (places.count - 1)
        }
        places[place] = UInt32(keys.count)
        keys.append(key)
        return (keys.count - 1, true)
    }

    private mutating func grow() {
        places = Array(repeating: .max, count: places.count * 2)
        for (number, key) in keys.enumerated() {
            var place = Int(truncatingIfNeeded: key.hash) & (places.count - 1)
            while places[place] != .max { place = (place + 1) & (places.count - 1) }
            places[place] = UInt32(number)
        }
    }
}

struct CheckerReport {
    var states = 0
    var transitions = 0
    var seconds = 0.0
    /// The most ticks from any state to closed and idle.
    var restBound = 0
    var mostActions = 0
    /// A broken law with the way to it.
    var broken: String?

    func line(_ name: String) -> String {
        let head = "lane-check \(name): \(states) states, \(transitions) transitions, "
        return head + String(format: "%.1f s, ", seconds)
            + "at rest within \(restBound) ticks, at most \(mostActions) actions in a step"
    }
}

final class Checker {
    /// The one that runs: a trap in the lane shows the way to it.
    nonisolated(unsafe) private static var running: Checker?

    let setting: CheckerSetting
    private let moves: [Move]
    private var table = KeyTable()
    /// Where each state came from: the state before (none: a start), and the move's code.
    private var parents: [(state: UInt32, move: UInt32)] = []
    private var starts: [SensorSet] = []
    private let drain: Drain
    private var report = CheckerReport()
    private var actions = LaneActions()
    private var here: (state: Int, move: UInt32?) = (0, nil)

    init(_ setting: CheckerSetting) {
        self.setting = setting
        moves = setting.moves
        drain = Drain(setting)
    }

    /// - Parameter limit: more states than this are a fault of the configuration, and never a silent end.
    func run(limit: Int = 30_000_000) -> CheckerReport {
        let began = Date()
        Checker.running = self
        signal(SIGILL) { _ in Checker.showTrap() }
        signal(SIGTRAP) { _ in Checker.showTrap() }
        var frontier: [(state: CheckerState, number: Int)] = []
        startEverywhere(&frontier)
        while !frontier.isEmpty && report.broken == nil {
            var next: [(state: CheckerState, number: Int)] = []
            for (state, number) in frontier where report.broken == nil { expand(state, number, &next) }
            frontier = next
            if table.keys.count > limit { report.broken = "more than \(limit) states: the search does not close" }
        }
        report.states = table.keys.count
        report.restBound = drain.bound
        report.seconds = Date().timeIntervalSince(began)
        Checker.running = nil
        return report
    }

    private static func showTrap() {
        let way = running?.wayHere() ?? ""
        FileHandle.standardError.write(Data("the lane trapped\(way)\n".utf8))
        _exit(1)
    }

    /// LANE-6: the lane starts with its contacts in any state at all.
    private func startEverywhere(_ frontier: inout [(state: CheckerState, number: Int)]) {
        let fitted = setting.fitting.sensors.bits
        var bits: UInt32 = 0
        repeat {
            let levels = SensorSet(bits: bits)
            let state = CheckerState(setting, levels: levels, &actions)
            for index in 0..<actions.count {
                guard case .drive(let output, energised: true) = actions[index] else { continue }
                let isFire = output == .raise && levels.contains(.fireAlarm)
                if [.raise, .lower, .stop].contains(output) && !isFire {
                    report.broken = "LANE-6 moved at start with \(levels)"
                }
            }
            let (number, isNew) = table.insert(state.key(setting))
            if isNew {
                parents.append((.max, UInt32(starts.count)))
                starts.append(levels)
                frontier.append((state, number))
            }
            bits = (bits &- fitted) & fitted  // the next subset of what is fitted
        } while bits != 0
    }

    private func expand(_ state: CheckerState, _ number: Int, _ next: inout [(state: CheckerState, number: Int)]) {
        here = (number, nil)
        if let why = drain.come(from: state, &actions) {
            report.broken = why + wayHere()
            return
        }
        for index in moves.indices {
            let move = moves[index]
            guard let event = state.event(move, setting) else { continue }
            // What is due fires one a step: time stands still until the lane has caught up, and events come between.
            let lateness: ClosedRange<UInt64> =
                state.isBehind ? 0...0 : move == .tick ? 1...1 : setting.hasLateEvents ? 0...1 : 0...0
            for ticks in lateness {
                here.move = UInt32(index * 2) + UInt32(ticks)
                var transition = Transition(before: state, event: event, after: state)
                transition.after.step(event, after: ticks, setting, &actions)
                report.transitions += 1
                report.mostActions = max(report.mostActions, actions.count)
                if let why = transition.brokenLaw(actions, setting) {
                    report.broken = why + wayHere()
                    return
                }
                transition.after.settle(state.core)
                let (found, isNew) = table.insert(transition.after.key(setting))
                guard isNew else { continue }
                parents.append((UInt32(number), UInt32(index * 2) + UInt32(ticks)))
                next.append((transition.after, found))
            }
        }
    }

    /// The events that lead here, each with the lane's answers.
    private func wayHere() -> String {
        var codes: [UInt32] = here.move.map { [$0] } ?? []
        var number = here.state
        while parents[number].state != .max {
            codes.append(parents[number].move)
            number = Int(parents[number].state)
        }
        let levels = starts[Int(parents[number].move)]
        var list = LaneActions()
        var state = CheckerState(setting, levels: levels, &list)
        var text = "\n  start with \(levels.names) -> \(list.text)"
        for (place, code) in codes.reversed().enumerated() {
            let ticks = UInt64(code & 1)
            guard let event = state.event(moves[Int(code >> 1)], setting) else { break }
            text += "\n  +\(ticks) \(event)"
            // The last one may trap.
            if place == codes.count - 1 && here.move != nil { break }
            let before = state.core
            state.step(event, after: ticks, setting, &list)
            state.settle(before)
            text += " -> \(list.text) [\(state.core.arm.position), \(state.core.passages[0].phase)]"
        }
        return text
    }
}

extension SensorSet {
    var names: String {
        (0..<UInt8(LaneSensor.count)).compactMap { LaneSensor(rawValue: $0) }.filter { contains($0) }
            .map { "\($0)" }.joined(separator: ", ")
    }
}

extension LaneActions {
    /// The actions that matter to a reader of a way.
    var text: String {
        var words: [String] = []
        for index in 0..<count {
            switch self[index] {
            case .drive(let output, let isOn):
                if [.raise, .lower, .stop].contains(output) { words.append("\(output) \(isOn ? "on" : "off")") }
            case .passEnded(let end): words.append("\(end.outcome) \(end.token.value & 0xFFFF)")
            case .raised(let cause): words.append("raised for \(cause)")
            case .fault(let fault, let isRaised): words.append("\(fault) \(isRaised)")
            case .identify(_, let token, _, _): words.append("identify \(token.value & 0xFFFF)")
            case .identificationOverdue, .releaseAsked, .notice, .noted, .travelled: break
            }
        }
        return words.joined(separator: ", ")
    }
}
