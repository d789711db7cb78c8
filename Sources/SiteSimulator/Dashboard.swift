// The picture of the site in a terminal, as lines of text. Pure: a view in, lines out.

import Domain
import Foundation

private enum Ink {
    static let plain = "\u{1B}[0m"
    static let bold = "\u{1B}[1m"
    static let dim = "\u{1B}[2m"
    static let red = "\u{1B}[31m"
    static let green = "\u{1B}[32m"
    static let yellow = "\u{1B}[33m"
    static let cyan = "\u{1B}[36m"
}

extension Site {
    private static let width = 100
    private static let half = 48
    private static let columnsPerMetre = 5.0
    private static let leftEdge = -3.0
    private static let listLines = 9

    /// The whole screen.
    public func dashboard() -> [String] {
        let view = self.view
        return heading(view) + [""] + lane(view) + others(view) + [""] + signAndLamps(view) + [""] + lists(view)
            + faultLines(view)
    }

    private func heading(_ view: SiteView) -> [String] {
        let seconds = Int(elapsedSeconds)
        let clock = String(format: "%02d:%02d", seconds / 60, seconds % 60)
        let goal = options.passes.map { "/\($0)" } ?? ""
        let link = view.isConnected ? "\(Ink.green)controller running" : "\(Ink.red)controller away"
        return [
            "\(Ink.bold)Gatewarden\(Ink.plain) · simulated site · seed \(options.seed) · \(clock) · \(link)\(Ink.plain)"
                + " · Ctrl-C ends",
            "passed \(Ink.green)\(view.counts.crossed)\(goal)\(Ink.plain) · refused \(Ink.red)\(view.counts.refused)"
                + "\(Ink.plain) · visits \(view.counts.visits) · raises \(view.counts.raises)"
                + (options.kills > 0 ? " · kills \(view.kills)/\(options.kills)" : ""),
        ]
    }

    private func column(_ metres: Double) -> Int { Int(((metres - Site.leftEdge) * Site.columnsPerMetre).rounded()) }

    private func lane(_ view: SiteView) -> [String] {
        var road = [Character](repeating: " ", count: Site.width)
        var loops = [Character](repeating: "─", count: Site.width)
        func mark(_ loop: ClosedRange<Double>, _ isOn: Bool) {
            for index in column(loop.lowerBound)...column(loop.upperBound) { loops[index] = isOn ? "█" : "░" }
        }
        mark(LanePlan.approachLoop, view.inputs[LineInput.approachLoop.rawValue])
        mark(LanePlan.safetyLoop, view.inputs[LineInput.safetyLoop.rawValue])
        var names = ""
        for truck in view.trucks {
            let from = max(0, column(truck.front - truck.visit.length))
            let to = min(Site.width - 1, column(truck.front))
            if from < to { for index in from..<to { road[index] = "▓" } }
            if (0..<Site.width).contains(to) { road[to] = truck.isReversing ? "◁" : "▷" }
            names += "   \(truck.visit.plate.text) (\(truck.visit.kind.rawValue))"
        }
        let percent = Int((view.barrier.position * 100).rounded())
        let height = 4
        let arm = column(LanePlan.arm)
        var rows: [String] = []
        for level in stride(from: height, to: 0, by: -1) {
            let isHere = view.barrier.position * Double(height) >= Double(level) - 0.25
            rows.append(String(repeating: " ", count: arm) + (isHere ? "\(Ink.yellow)┃\(Ink.plain)" : ""))
        }
        let motion =
            switch view.barrier.motion {
            case .still: percent > 50 ? "up" : "down"
            case .raising: "rising"
            case .lowering: "coming down"
            }
        rows[0] += padded("", 4) + "arm \(percent) % \(motion)"
        if view.barrier.position < 0.3, road[arm] == " " { road[arm] = "┿" }
        return rows + [
            Ink.cyan + String(road) + Ink.plain, String(loops),
            padded("", column(LanePlan.approachLoop.lowerBound)) + "approach"
                + padded("", 7) + "safety" + names,
        ]
    }

    /// A line for each lane beside the first.
    private func others(_ view: SiteView) -> [String] {
        view.others.enumerated().map { index, other in
            let percent = Int((other.barrier.position * 100).rounded())
            return "lane \(index + 2): arm \(padded("\(percent) %", 6)) passed \(other.counts.crossed) · refused "
                + "\(other.counts.refused) · visits \(other.counts.visits)"
        }
    }

    private func signAndLamps(_ view: SiteView) -> [String] {
        let shown = signShown
        func lamp(_ output: LineOutput, _ name: String, _ ink: String) -> String {
            view.outputs[output.rawValue] ? "\(ink)● \(name)\(Ink.plain)" : "\(Ink.dim)○ \(name)\(Ink.plain)"
        }
        let lamps = [
            lamp(.greenLight, "green", Ink.green), lamp(.redLight, "red", Ink.red),
            lamp(.raiseRelay, "raise relay", Ink.yellow), lamp(.lowerRelay, "lower relay", Ink.yellow),
        ]
        let inner = 30
        let frame = String(repeating: "─", count: inner)
        var lines = ["┌\(frame)┐  \(lamps[0])   \(lamps[1])"]
        let right = ["   \(lamps[2])   \(lamps[3])", "   \(Ink.dim)says: \(shown.speech)\(Ink.plain)"]
        for (index, text) in shown.lines.prefix(2).enumerated() {
            lines.append("│\(Ink.red)\(Ink.bold)\(padded(" " + text, inner))\(Ink.plain)│" + right[index])
        }
        return lines + ["└\(frame)┘"]
    }

    private func lists(_ view: SiteView) -> [String] {
        let rows = ledgerRows
        let book = platformBook
        let left =
            ["\(Ink.bold)ledger\(Ink.plain), \(rows.count) records"]
            + rows.suffix(Site.listLines).map { row in "\(row.sequence) \(ledgerWords(row))" }
        let away = isPlatformAway ? " \(Ink.red)AWAY\(Ink.plain)" : ""
        let right =
            ["\(Ink.bold)platform\(Ink.plain), \(book.records.count) records, \(book.photos.count) photos\(away)"]
            + book.records.suffix(Site.listLines).map { "\($0.plate) 国\($0.stage) \($0.date.suffix(8)) \($0.serial)" }
        let count = Site.listLines + 1
        let lines = (0..<count).map { index in
            padded(index < left.count ? left[index] : "", Site.half) + "│ "
                + (index < right.count ? right[index] : "")
        }
        let latest = view.log.suffix(5).map { "  " + $0 }
        return lines + ["", "\(Ink.bold)at the gate\(Ink.plain)"] + latest
    }

    private func ledgerWords(_ row: LedgerRow) -> String {
        if let decision = row.decision {
            let ink = decision.allows ? Ink.green : Ink.red
            return "decision \(decision.plate.isEmpty ? "—" : decision.plate) \(ink)\(decision.reason)\(Ink.plain)"
        }
        if let pass = row.pass { return "pass \(pass.plate) \(pass.outcome)" }
        return row.kind
    }

    private func faultLines(_ view: SiteView) -> [String] {
        let faults = platformFaults.sorted { $0.key.rawValue < $1.key.rawValue }
        let dealt = faults.map { "\($0.key.rawValue) \($0.value)" }.joined(separator: ", ")
        let camera = cameraCounts
        return [
            "",
            "\(Ink.dim)camera pushes \(camera.pushes), unanswered \(camera.unanswered), duplicates "
                + "\(camera.duplicates) · platform repeats \(platformBook.repeats)"
                + (dealt.isEmpty ? "" : " · platform faults: \(dealt)") + Ink.plain,
            view.counts.contacts > 0 ? "\(Ink.red)arm on a truck: \(view.counts.contacts)\(Ink.plain)" : "",
        ]
    }
}
