// The console thread: answers questions over the local socket. It reads what the others publish and asks none of them.

import Console
import Domain
import LaneCore
import Ledger
import Machine
import Synchronization

final class ConsoleThread: ConsoleSource, @unchecked Sendable {
    private let overview: Overview
    private let reader: LedgerReader
    private let clock: any Clock
    private let stop: Flag
    private let pulse: Pulse

    private static let tick = Interval.milliseconds(500)

    init(overview: Overview, reader: LedgerReader, clock: any Clock, stop: Flag, pulse: Pulse) {
        self.overview = overview
        self.reader = reader
        self.clock = clock
        self.stop = stop
        self.pulse = pulse
    }

    func run(_ loop: EventLoop) throws(MachineError) {
        let tickWatch = try loop.timer(ConsoleThread.tick, repeats: true) {
            self.pulse.beat(self.clock.now())
            if self.stop.isRaised { loop.stop() }
        }
        loop.run()
        tickWatch.cancel()
    }

    func answer(_ command: ConsoleCommand) -> [String] {
        switch command {
        case .status: overview.status(now: clock.now()) + backlog()
        case .lanes: overview.lanes.map { $0.line }
        case .ledgerTail(let count): tail(count)
        case .ledgerFind(let plate):
            answered { () throws(LedgerError) in
                var query = LedgerQuery()
                query.plate = plate
                let page = try reader.passages(query, newestFirst: true, limit: ConsoleThread.rowsFound)
                return page.rows.map { $0.line }
            }
        case .ledgerCount(let day):
            onDay(day) { (query) throws(LedgerError) in
                var query = query
                query.isDueOnly = true
                let counts = try reader.counts(query)
                return try counts.table + [counts.summary(query)] + reader.gaps(query).map { $0.line }
            }
        case .ledgerGaps(let day):
            onDay(day) { (query) throws(LedgerError) in try reader.gaps(query).map { $0.line } }
        }
    }

    private static let rowsFound = 20

    private func onDay(
        _ text: String?, _ work: (LedgerQuery) throws(LedgerError) -> [String]
    ) -> [String] {
        guard let day = LedgerQuery.seconds(of: text ?? CivilTime(clock.wall()).dateText) else {
            return ["a day is written as 2026-03-01"]
        }
        var query = LedgerQuery()
        query.fromSecond = day.first
        query.toSecond = day.end
        return answered { () throws(LedgerError) in try work(query) }
    }

    private func answered(_ work: () throws(LedgerError) -> [String]) -> [String] {
        do throws(LedgerError) {
            let lines = try work()
            return lines.isEmpty ? ["nothing found"] : lines
        } catch {
            return [error.description]
        }
    }

    private func backlog() -> [String] {
        overview.destinations.map { destination in
            do throws(LedgerError) {
                return "uplink \(destination): \(try reader.backlog(destination: destination)) waiting"
            } catch {
                return "uplink \(destination): \(error.description)"
            }
        }
    }

    private func tail(_ count: Int) -> [String] {
        do throws(LedgerError) {
            guard let head = try reader.head() else { return [] }
            let first = head.sequence > UInt64(count) ? head.sequence - UInt64(count) + 1 : 1
            return try reader.records(from: first, limit: count).map { $0.line }
        } catch {
            return [error.description]
        }
    }
}

/// What there is to say of the running controller.
final class Overview: Sendable {
    let version: String
    let started: Instant
    let lanes: [LaneStatus]
    let ledger: LedgerStatus
    let pulses: [Pulse]
    let destinations: [String]
    let shortfalls: Shortfalls

    init(
        version: String, started: Instant, lanes: [LaneStatus], ledger: LedgerStatus, pulses: [Pulse],
        destinations: [String], shortfalls: Shortfalls
    ) {
        self.version = version
        self.started = started
        self.lanes = lanes
        self.ledger = ledger
        self.pulses = pulses
        self.destinations = destinations
        self.shortfalls = shortfalls
    }

    func status(now: Instant) -> [String] {
        var lines = ["gatewarden \(version), up \(now.since(started).milliseconds / 1_000) s"]
        lines += lanes.map { $0.line }
        let state = ledger.isFailing.load(ordering: .relaxed) ? "failing" : "ok"
        lines.append("ledger: \(state), record \(ledger.head.load(ordering: .relaxed))\(ledger.keptWords)")
        let late = pulses.filter { $0.age(now) > $0.limit }
        lines.append(late.isEmpty ? "threads: ok" : "threads: stalled:" + late.map { " " + $0.name }.joined())
        if shortfalls.count > 0 { lines.append("real time: \(shortfalls.count) shortfalls, see the log") }
        return lines
    }
}

extension LedgerStatus {
    /// How far it is sealed, and how much room there is.
    fileprivate var keptWords: String {
        let epoch = epoch.load(ordering: .relaxed)
        let fullness = LedgerFullness(rawValue: fullness.load(ordering: .relaxed)) ?? .normal
        return (epoch < 0 ? ", not sealed" : ", sealed to epoch \(epoch)") + ", "
            + "\(databaseBytes.load(ordering: .relaxed) >> 20) MiB and "
            + "\(photoBytes.load(ordering: .relaxed) >> 20) MiB of photos, \(fullness.word)"
    }
}

/// How many real-time properties the kernel did not grant.
final class Shortfalls: Sendable {
    private let counter = Atomic<Int>(0)

    var count: Int { counter.load(ordering: .relaxed) }

    func note() {
        counter.wrappingAdd(1, ordering: .relaxed)
    }
}

extension LaneStatus {
    /// One line for the console.
    var line: String {
        "lane \(lane.index + 1): \(phase.word), approach \(isApproachActive ? "on" : "off"), "
            + "safety \(isSafetyActive ? "on" : "off"), \(count(.completed)) completed, "
            + "\(count(.backedOut)) backed out, \(count(.expired)) expired, \(count(.forced)) forced, "
            + "\(count(.interrupted)) interrupted, \(edgesLost.load(ordering: .relaxed)) times edges lost, "
            + "\(lost.load(ordering: .relaxed)) messages lost"
    }
}
