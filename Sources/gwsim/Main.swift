// gwsim: the simulated site, in a terminal or without one. Its last line is the run's result as JSON.

import Foundation
import SiteSimulator

@main
struct Main {
    private static let pollMilliseconds: Int64 = 120

    static func main() {
        let options: RunOptions
        switch RunOptions.parse(Array(CommandLine.arguments.dropFirst())) {
        case .run(let parsed): options = parsed
        case .help:
            print(RunOptions.usage)
            exit(0)
        case .wrong(let why):
            complain("gwsim: \(why)\n\(RunOptions.usage)")
            exit(2)
        }
        let signals = StopSignals()
        let terminal = options.isHeadless ? nil : Terminal()
        do {
            let report = try run(options, signals, terminal)
            terminal?.leave()
            for finding in report.findings { complain("gwsim: \(finding)") }
            print(report.json)
            exit(report.isGood ? 0 : 1)
        } catch {
            terminal?.leave()
            complain("gwsim: \(error)")
            var report = SiteReport()
            report.findings = ["\(error)"]
            print(report.json)
            exit(1)
        }
    }

    private static func run(
        _ options: RunOptions, _ signals: StopSignals, _ terminal: Terminal?
    ) throws(SimulationError) -> SiteReport {
        let site = try Site(options.site)
        do throws(SimulationError) {
            try site.start()
            terminal?.enter()
            let isInterrupted = try watch(site, signals, terminal)
            terminal?.leave()
            if terminal != nil { complain("gwsim: waiting for the platform, then checking the ledger") }
            return try site.finish(isInterrupted: isInterrupted)
        } catch {
            site.abandon()
            throw error
        }
    }

    /// Draws and waits until the last truck has left. True when it was told to stop before.
    private static func watch(
        _ site: Site, _ signals: StopSignals, _ terminal: Terminal?
    ) throws(SimulationError) -> Bool {
        while try !site.isDone() {
            if signals.take(withinMilliseconds: pollMilliseconds) {
                endAtOnceOnSecondSignal(site, signals)
                return true
            }
            terminal?.draw(site.dashboard())
        }
        return false
    }

    private static func endAtOnceOnSecondSignal(_ site: Site, _ signals: StopSignals) {
        Thread.detachNewThread {
            _ = signals.take(withinMilliseconds: nil)
            site.abandon()
            exit(130)
        }
    }

    private static func complain(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}
