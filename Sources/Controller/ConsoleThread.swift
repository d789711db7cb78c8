// The console thread: answers questions over the local socket. It reads what the others publish; what a person
// orders goes to the ledger first, and it waits for that record no longer than a few seconds.

import Console
import Domain
import LaneCore
import Ledger
import Machine
import Synchronization

final class ConsoleThread: ConsoleSource, @unchecked Sendable {
    private let overview: Overview
    private let desk: OrderDesk
    private var calibrations: [Calibration] = []
    private let backups: Ring<BackupState>
    /// The last word of the backup thread; nil when there is none.
    private var backup: BackupState?
    private let reader: LedgerReader
    private let notes: Ring<Receipt>
    private var logins = ConsoleLogins()
    private let clock: any Clock
    private let stop: Flag
    private let pulse: Pulse

    private static let tick = Interval.milliseconds(500)

    init(
        overview: Overview, desk: OrderDesk, reader: LedgerReader, backups: Ring<BackupState>,
        notes: Ring<Receipt>, clock: any Clock, stop: Flag, pulse: Pulse
    ) {
        self.overview = overview
        self.desk = desk
        self.reader = reader
        self.backups = backups
        self.notes = notes
        self.clock = clock
        self.stop = stop
        self.pulse = pulse
    }

    func run(_ loop: EventLoop) throws(MachineError) {
        let tickWatch = try loop.timer(ConsoleThread.tick, repeats: true) {
            self.pulse.beat(self.clock.now())
            self.takeBackups()
            for calibration in self.calibrations { calibration.look(self.desk, now: self.clock.now()) }
            if self.stop.isRaised { loop.stop() }
        }
        loop.run()
        tickWatch.cancel()
    }

    func answer(_ command: ConsoleCommand) -> [String] {
        switch command {
        case .status: overview.status(now: clock.now(), wall: clock.wall()) + backlog() + backupLines()
        case .lanes: overview.lanes.flatMap { $0.lines(now: clock.now()) }
        case .lane(let lane, let command): carryOut(command, lane)
        case .latency(let lane): latency(lane)
        case .trace(let lane, let count):
            overview.traces.first { $0.serves(lane) }?.lines(count) ?? [unknown(lane)]
        case .ledgerTail(let count): tail(count)
        case .ledgerFind(let plate):
            answered { () throws(LedgerError) in
                var query = LedgerQuery()
                query.plate = plate
                let page = try reader.passages(query, newestFirst: true, limit: ConsoleThread.rowsFound)
                return page.rows.flatMap { $0.lines }
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
        case .ledgerSupplement(let words): supplement(words)
        }
    }

    func opened(_ session: Int, from: String) {
        logins.opened(session, from: from, now: clock.now()) { notes.push(.note($0)) }
    }

    func closed(_ session: Int) {
        logins.closed(session) { notes.push(.note($0)) }
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

    /// The last line names the head, as every report does.
    private func answered(_ work: () throws(LedgerError) -> [String]) -> [String] {
        do throws(LedgerError) {
            let lines = try work()
            let end = try reader.witness().map { [$0.line] } ?? []
            return (lines.isEmpty ? ["nothing found"] : lines) + end
        } catch {
            return [error.description]
        }
    }

    private func supplement(_ words: [String]) -> [String] {
        do throws(SupplementFault) {
            return [desk.give(try reader.supplement(typed: words, means: .console))]
        } catch {
            return ["not recorded: \(error.text)"]
        }
    }

    private func latency(_ lane: LaneID) -> [String] {
        let first = overview.traces.first { $0.serves(lane) }?.lane
        return overview.lanes.first { $0.lane == first }?.latency.table ?? [unknown(lane)]
    }

    private func unknown(_ lane: LaneID) -> String {
        "there is no lane \(lane.index + 1) in this configuration: type lanes"
    }

    private func carryOut(_ command: LaneCommand, _ lane: LaneID) -> [String] {
        guard let status = overview.lanes.first(where: { $0.lane == lane }) else {
            return [unknown(lane)]
        }
        switch command {
        case .release(let reason):
            let isWaiting = status.phase == .identifying || status.phase == .refused
            return [desk.give(.release(lane, isWaiting ? status.token : .none), lane, reason: reason)]
        case .close: return [desk.give(.close, lane, reason: "")]
        case .stop: return [desk.give(.stop, lane, reason: "")]
        case .hold(let isOn): return [desk.give(.hold(isOn), lane, reason: "")]
        case .lockdown(let isOn): return [desk.give(.lockdown(isOn), lane, reason: "")]
        case .maintenance(let isOn): return [desk.give(.maintenance(isOn), lane, reason: "")]
        case .identify: return [desk.give(.identifyAgain(lane), lane, reason: "")]
        case .energise(let word, let isOn):
            guard let output = LaneOutput(word: word) else {
                return ["\"\(word)\" is no output: raise, lower, stop, green, red, fill, siren, beacon, trigger"]
            }
            guard status.isInMaintenance else {
                return [
                    "not ordered: only in maintenance: type lane \(lane.index + 1) maintenance on"
                ]
            }
            return [desk.give(.energise(output, isOn), lane, reason: "")]
        case .calibrate:
            if let known = calibrations.first(where: { $0.lane == lane }) {
                if !known.isOver { return known.report }
                calibrations.removeAll { $0.lane == lane }
                if !known.isTold {
                    known.isTold = true
                    calibrations.append(known)
                    return known.report
                }
            }
            let calibration = Calibration(status, now: clock.now())
            calibrations.append(calibration)
            calibration.look(desk, now: clock.now())
            return calibration.report
        }
    }

    private func takeBackups() {
        while let state = backups.pop() { backup = state }
    }

    private func backupLines() -> [String] {
        takeBackups()
        return backup?.lines(wall: clock.wall(), now: clock.now()) ?? ["backup: off, backup.folder is not set"]
    }

    private func backlog() -> [String] {
        overview.uplinks.map { uplink in
            let name = uplink.destination
            do throws(LedgerError) {
                return "uplink \(name): \(try reader.backlog(destination: name)) waiting, \(uplink.word)"
            } catch {
                return "uplink \(name): \(error.description), \(uplink.word)"
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
    let traces: [ArmTrace]
    let ledger: LedgerStatus
    let pulses: [Pulse]
    let uplinks: [UplinkReach]
    let shortfalls: Shortfalls
    /// Nil without a UPS.
    let power: PowerStatus?
    let readers: [ReaderStatus]
    let signs: [SignStatus]
    /// What of a later version's configuration has no effect.
    let leftAside: [String]
    let cameras: PartStatus
    /// What this run goes on without, by what stands before the colon.
    let faultsAtStart: [String]
    let clockTrust: ClockTrust

    init(
        version: String, started: Instant, lanes: [LaneStatus], traces: [ArmTrace], ledger: LedgerStatus,
        pulses: [Pulse], uplinks: [UplinkReach], shortfalls: Shortfalls, power: PowerStatus?,
        readers: [ReaderStatus], signs: [SignStatus], cameras: PartStatus, faultsAtStart: [String],
        clockTrust: ClockTrust, leftAside: [String] = []
    ) {
        self.version = version
        self.started = started
        self.lanes = lanes
        self.traces = traces
        self.ledger = ledger
        self.pulses = pulses
        self.uplinks = uplinks
        self.shortfalls = shortfalls
        self.power = power
        self.readers = readers
        self.signs = signs
        self.leftAside = leftAside
        self.cameras = cameras
        self.faultsAtStart = faultsAtStart
        self.clockTrust = clockTrust
    }

    private static let linesShown = 20

    func status(now: Instant, wall: WallTime) -> [String] {
        var lines = ["gatewarden \(version), up \(now.since(started).milliseconds / 1_000) s"]
        for lane in lanes { lines += lane.lines(now: now) }
        let state = ledger.isFailing.load(ordering: .relaxed) ? "failing" : "ok"
        let head = ledger.head.load(ordering: .relaxed)
        lines.append("ledger: \(state), record \(head)\(ledger.keptWords)")
        lines.append(ledger.check.line(head: head))
        let late = pulses.filter { $0.age(now) > $0.limit }
        lines.append(late.isEmpty ? "threads: ok" : "threads: stalled:" + late.map { " " + $0.name }.joined())
        if let line = cameras.line { lines.append(line) }
        lines += faultsAtStart
        if let line = clockTrust.line(wall) { lines.append(line) }
        for sign in signs { lines.append(sign.line) }
        for reader in readers { lines.append(reader.line) }
        if let power { lines.append(power.line(now: now)) }
        if !leftAside.isEmpty {
            lines.append("configuration: for a later version, \(leftAside.count) of its lines left aside")
            lines += leftAside.prefix(Overview.linesShown).map { "  " + $0 }
        }
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
    /// For the console: what stands there, what was, and each fault that is or was.
    func lines(now: Instant) -> [String] {
        var words = ["\(phase.word)", "arm \(arm.word)"]
        if isHeldOpen { words.append("held open") }
        if isLockedDown { words.append("locked down") }
        if isInMaintenance { words.append("in maintenance") }
        for raw in 0..<UInt8(LaneSensor.count) {
            guard let sensor = LaneSensor(rawValue: raw), active.contains(sensor) else { continue }
            words.append(sensor.word + (doubtful.contains(sensor) ? " counts as on" : " on"))
        }
        for outcome in PassOutcome.allCases where count(outcome) > 0 {
            words.append("\(count(outcome)) \(outcome.word)")
        }
        let edges = edgesLost.load(ordering: .relaxed)
        if edges > 0 { words.append("\(edges) times edges lost") }
        let messages = lost.load(ordering: .relaxed)
        if messages > 0 { words.append("\(messages) messages lost") }
        return ["lane \(lane.index + 1): " + words.joined(separator: ", ")]
            + seenFaults.map { seen in
                let age = now.since(seen.since).milliseconds / 1_000
                let state = seen.isPresent ? "FAULT for \(age) s" : "healed \(age) s ago"
                return "  \(seen.fault.subject): \(state), \(seen.count) times: \(seen.fault.detail)"
            }
    }
}
