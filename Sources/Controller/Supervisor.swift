// The supervisor: heartbeats, the hardware watchdog, the wall clock, signals. It runs on the main thread.
//
// Invariants: the watchdog is fed only while every critical heartbeat is fresh; a critical stall ends the process
// abruptly with a crash record, so that the relays fall and init or the watchdog starts it anew. A stalled uplink is
// cut off and started anew, alone; any other thread that stands still ends the run at a quiet moment (ThreadRestart).

import Domain
import Ledger
import Machine
import Synchronization

/// How a run ended.
public enum RunEnd: Sendable {
    case signal(Int32)
    case linesLost(MachineError)
    /// One of the lane's threads did not end when it was told to.
    case laneHung
    /// A thread that no lane needs stood still for good, and nobody is at a lane: start again.
    case threadGone(String)
    /// The battery was nearly empty, and the UPS switches itself off, to come back with the mains.
    case powerOff
    /// The battery was nearly empty, and the mains is back: start again.
    case powerBack
}

final class Supervisor {
    private let clock: any Clock
    private let log: Log
    private let signals: EndSignals
    private let wallClock: WallClockWatch
    private let watchdog: Watchdog?
    private let critical: [Pulse]
    private let others: [Pulse]
    private let laneThread: LaneThread
    private let laneStatus: [LaneStatus]
    private let uplinks: [UplinkKeeper]
    private let notes: Ring<Receipt>
    private let schedule: HoldSchedule
    private let health: HealthReports
    private let power: PowerStatus
    private let clockTrust: ClockTrust
    private var restart: ThreadRestart
    private var stalled: [String] = []
    private var reportedLoss: UInt32 = 0
    /// Wall time minus lane time, to tell by how much the wall clock was set.
    private var wallOffset: Int64

    private var lastLook: Instant
    private var lateLooks = 0
    /// A watchdog that cannot be fed is told once.
    private var isFeedFailing = false

    private static let tick = Interval.milliseconds(100)
    private static let ownLateness = Interval.milliseconds(300)
    private static let lateLooksToEnd = 3

    init(
        clock: any Clock, log: Log, signals: EndSignals, wallClock: WallClockWatch, watchdog: Watchdog?,
        critical: [Pulse], others: [Pulse], laneThread: LaneThread, laneStatus: [LaneStatus], uplinks: [UplinkKeeper],
        notes: Ring<Receipt>, schedule: HoldSchedule, health: HealthReports, power: PowerStatus,
        clockTrust: ClockTrust, restart: ThreadRestart
    ) {
        self.clock = clock
        self.log = log
        self.signals = signals
        self.wallClock = wallClock
        self.watchdog = watchdog
        self.critical = critical
        self.others = others
        self.laneThread = laneThread
        self.laneStatus = laneStatus
        self.uplinks = uplinks
        self.notes = notes
        self.schedule = schedule
        self.health = health
        self.power = power
        self.clockTrust = clockTrust
        self.restart = restart
        wallOffset = Supervisor.offset(clock)
        lastLook = clock.now()
    }

    func run() -> RunEnd {
        var waiting = WaitSet()
        waiting.add(signals.fileDescriptor)
        waiting.add(wallClock.fileDescriptor)
        while true {
            waiting.wait(atMost: Supervisor.tick)
            if let signal = signals.take() { return .signal(signal) }
            if wallClock.wasSet() { noteClockStep() }
            if laneThread.hasFailed.isRaised, let failure = laneThread.failure { return .linesLost(failure) }
            if power.isOver.load(ordering: .acquiring) { return .powerOff }
            let now = clock.now()
            checkCritical(now)
            checkOthers(now)
            for uplink in uplinks { uplink.check(now) }
            reportLosses()
            schedule.look(wall: clock.wall(), now: now)
            health.look(now)
            if let note = clockTrust.look(clock.wall()) { tell(note) }
            feed()
            let isQuiet = laneStatus.allSatisfy { $0.isQuiet }
            if let gone = restart.look(stalled: stalled, isQuiet: isQuiet, now: now) { return .threadGone(gone) }
        }
    }

    /// One late look is not enough: after a suspend, or when this process got no CPU, the threads are as late as this
    /// one.
    private func checkCritical(_ now: Instant) {
        let wasAsleep = now.since(lastLook) > Supervisor.ownLateness
        lastLook = now
        let late = critical.filter { $0.age(now) > $0.limit }
        lateLooks = late.isEmpty || wasAsleep ? 0 : lateLooks + 1
        guard lateLooks >= Supervisor.lateLooksToEnd else { return }
        for pulse in late {
            let text = "thread \(pulse.name) stalled for \(pulse.age(now).milliseconds) ms"
            // Before the log, whose terminal may hold up who writes.
            CrashRecord.write(text)
            log.error("\(text): safe outputs and restart")
            endProcess(70)
        }
    }

    private func checkOthers(_ now: Instant) {
        for pulse in others {
            let isStalled = pulse.age(now) > pulse.limit
            let wasStalled = stalled.contains(pulse.name)
            guard isStalled != wasStalled else { continue }
            if isStalled {
                stalled.append(pulse.name)
                tell(.faultRaised(subject: "thread \(pulse.name)", detail: "stalled"))
                log.warning("thread \(pulse.name) stalled")
            } else {
                stalled.removeAll { $0 == pulse.name }
                tell(.faultHealed(subject: "thread \(pulse.name)", detail: "goes on"))
                log.info("thread \(pulse.name) goes on")
            }
        }
    }

    private func reportLosses() {
        let lost = laneStatus.reduce(0) { $0 &+ $1.lost.load(ordering: .relaxed) }
        guard lost != reportedLoss else { return }
        reportedLoss = lost
        log.error("\(lost) messages of the lanes found their ring full")
        tell(.faultRaised(subject: "lane rings", detail: "\(lost) messages lost"))
    }

    private func noteClockStep() {
        let offset = Supervisor.offset(clock)
        let after = clock.wall()
        let before = WallTime(microseconds: after.microseconds - (offset - wallOffset))
        wallOffset = offset
        tell(.clockStep(before: before, after: after))
        log.warning("the wall clock was set by \((after.microseconds - before.microseconds) / 1_000) ms")
    }

    private static func offset(_ clock: any Clock) -> Int64 {
        clock.wall().microseconds - Int64(clock.now().nanoseconds / 1_000)
    }

    func feed() {
        guard let watchdog else { return }
        do throws(MachineError) {
            try watchdog.feed()
            isFeedFailing = false
        } catch {
            if !isFeedFailing { log.error("watchdog: \(error.description)") }
            isFeedFailing = true
        }
    }

    private func tell(_ note: LedgerNote) {
        if !notes.push(.note(note)) { log.error("a note for the ledger found its ring full") }
    }
}
