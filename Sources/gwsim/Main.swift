// gwsim: the simulated site, in a terminal or without one. Its last line is the run's result as JSON.

import CSystem
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
        // Before any thread starts, so that every thread has them blocked.
        let signals: [Int32] = [SIGINT, SIGTERM, SIGHUP]
        let watch = gw_signalfd_create(signals, signals.count)
        let terminal = options.isHeadless ? nil : Terminal()
        do {
            let report = try run(options, watch, terminal)
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
        _ options: RunOptions, _ signals: Int32, _ terminal: Terminal?
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
        _ site: Site, _ signals: Int32, _ terminal: Terminal?
    ) throws(SimulationError) -> Bool {
        while try !site.isDone() {
            var watched = pollfd(fd: signals, events: Int16(POLLIN), revents: 0)
            if gw_poll_ns(&watched, 1, pollMilliseconds * 1_000_000) > 0, gw_signalfd_take(signals) > 0 {
                endAtOnceOnSecondSignal(site, signals)
                return true
            }
            terminal?.draw(site.dashboard())
        }
        return false
    }

    private static func endAtOnceOnSecondSignal(_ site: Site, _ signals: Int32) {
        Thread.detachNewThread {
            var watched = pollfd(fd: signals, events: Int16(POLLIN), revents: 0)
            _ = gw_poll_ns(&watched, 1, -1)
            site.abandon()
            exit(130)
        }
    }

    private static func complain(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}
