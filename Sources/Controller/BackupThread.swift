// The backup thread: copies the ledger to another disk by the schedule, with a reader of its own, behind everybody
// else.
//
// Invariants: it writes nothing into the ledger: what became of a backup goes to the ledger thread through a ring of
// its own. Nobody waits for it. A medium that hangs hangs this thread alone; the supervisor says so, and an end
// does not wait for it.
// Limits: a failure is tried again after the configured pause, which doubles up to an hour; it is a record when it
// begins, and once a day while it lasts.

import Configuration
import Domain
import Ledger
import Machine

struct BackupChannels: Sendable {
    let bell: Wakeup
    /// To the ledger.
    let notes: Ring<Receipt>
    /// To the console.
    let states: Ring<BackupState>
}

final class BackupThread: @unchecked Sendable {
    /// How long a medium may take for one call before the thread counts as stalled.
    static let pulseLimit = Interval.seconds(60)
    private static let tick = Interval.seconds(1)
    private static let longestPause = Interval.seconds(3_600)
    private static let day = Interval.seconds(86_400)

    private let settings: BackupSettings
    private let plan: BackupPlan
    private let ledgerFolder: String
    private let historyPath: String
    private let files: any Files
    private let streams: any FileStreams
    private let channels: BackupChannels
    private let clock: any Clock
    private let stop: Flag
    private let pulse: Pulse
    private let log: Log

    private var state: BackupState
    private var isTold = false
    private var pending: LedgerNote?
    private var nextTry = Instant(nanoseconds: 0)
    private var failureRecorded: Instant?
    private var overdueTold: Instant?

    init(
        settings: BackupSettings, offsetMinutes: Int, stateFolder: String, files: any Files, streams: any FileStreams,
        channels: BackupChannels, clock: any Clock, stop: Flag, pulse: Pulse, log: Log
    ) {
        self.settings = settings
        plan = BackupPlan(
            minuteOfDay: settings.minuteOfDay, fullDay: settings.fullDay, offsetMinutes: offsetMinutes)
        ledgerFolder = stateFolder + "/ledger"
        historyPath = stateFolder + "/backup.state"
        self.files = files
        self.streams = streams
        self.channels = channels
        self.clock = clock
        self.stop = stop
        self.pulse = pulse
        self.log = log
        let history = BackupHistory(historyPath, folder: settings.folder, files: files, now: clock.wall())
        state = BackupState(history: history, began: clock.now())
    }

    func run() {
        var waiting = WaitSet()
        waiting.add(channels.bell.fileDescriptor)
        if state.history.done == nil { save() }
        while !stop.isRaised {
            let now = clock.now()
            pulse.beat(now)
            tell()
            if now >= nextTry, isDue(now) { attempt() }
            tellOverdue()
            tell()
            waiting.wait(atMost: BackupThread.tick)
            channels.bell.take()
        }
    }

    private func isDue(_ now: Instant) -> Bool {
        guard let done = state.history.done else { return true }
        let wall = clock.wall()
        // The clock stands before the last backup: it says nothing.
        guard wall >= done else { return now.since(state.doneAt ?? state.began) >= BackupThread.day }
        return done < plan.moment(upTo: wall)
    }

    private var isFullDue: Bool {
        guard let full = state.history.full else { return true }
        let wall = clock.wall()
        return full > wall || full < plan.fullMoment(upTo: wall)
    }

    // MARK: one backup

    private func attempt() {
        state.runningSince = clock.now()
        isTold = false
        tell()
        do throws(LedgerError) {
            let warning = try checkPlace()
            let reader = try LedgerReader(folder: ledgerFolder, files: files)
            let pace = Pace(bytesPerSecond: settings.bytesPerSecond) { [self] in
                pulse.beat(clock.now())
                return !stop.isRaised
            }
            let backup = LedgerBackup(
                folder: settings.folder, files: files, streams: streams, pace: pace, setsKept: settings.fullsKept)
            succeed(try backup.run(reader, isFull: isFullDue), warning)
        } catch {
            // An end in the middle is no failure: the next run makes up for it.
            if !stop.isRaised { fail(error) }
        }
        state.runningSince = nil
        isTold = false
    }

    /// A stick that is not there leaves its empty folder on the system's disk.
    private func checkPlace() throws(LedgerError) -> String {
        var place = settings.folder
        if !files.exists(place) {
            place = String(place[..<(place.utf8.lastIndex(of: UInt8(ascii: "/")) ?? place.startIndex)]) + "/"
        }
        guard let disk = files.fileSystem(at: place) else {
            throw .backup(folder: settings.folder, reason: "\(place) is not there: is the medium in, and mounted?")
        }
        guard disk == files.fileSystem(at: ledgerFolder) || disk == files.fileSystem(at: "/") else { return "" }
        guard settings.allowsOwnDisk else {
            throw .backup(
                folder: settings.folder,
                reason: "it lies on the controller's own disk: is the medium in, and mounted? To allow it all the "
                    + "same, set backup.same_disk = yes")
        }
        return "it lies on the controller's own disk and is lost with it"
    }

    private func succeed(_ report: BackupReport, _ placeWarning: String) {
        let now = clock.now()
        state.history.done = clock.wall()
        if report.kind == .full { state.history.full = state.history.done }
        state.doneAt = now
        state.last = report.words
        state.warning = [report.warning, placeWarning].filter { !$0.isEmpty }.joined(separator: "; ")
        state.failures = 0
        state.failingSince = nil
        failureRecorded = nil
        overdueTold = nil
        nextTry = now
        save()
        note(
            BackupEntry(
                folder: settings.folder, result: report.result, bytes: report.bytes, head: report.head,
                detail: state.warning))
        log.info("backup: \(report.line)")
    }

    private func fail(_ error: LedgerError) {
        let now = clock.now()
        let reason = error.description
        state.failures += 1
        if state.failingSince == nil { state.failingSince = now }
        state.failure = reason
        let doubled = settings.retry.nanoseconds << UInt64(min(state.failures - 1, 8))
        let longest = max(settings.retry.nanoseconds, BackupThread.longestPause.nanoseconds)
        nextTry = now + Interval(nanoseconds: min(doubled, longest))
        state.nextTry = nextTry
        log.error("backup: failed: \(reason)")
        if let failureRecorded, now.since(failureRecorded) < BackupThread.day { return }
        failureRecorded = now
        note(BackupEntry(folder: settings.folder, result: .failed, detail: reason))
    }

    // MARK: what the others are told

    /// One that finds its ring full is given again; there is never more than one, since each comes a retry later.
    private func note(_ entry: BackupEntry) {
        pending = .backup(entry)
        tell()
    }

    private func tell() {
        if let note = pending, channels.notes.push(.note(note)) { pending = nil }
        if !isTold { isTold = channels.states.push(state) }
    }

    /// In the log once a day; the console says it as long as it is so.
    private func tellOverdue() {
        let now = clock.now()
        guard state.isOverdue(wall: clock.wall(), now: now) else { return }
        if let overdueTold, now.since(overdueTold) < BackupThread.day { return }
        overdueTold = now
        for line in state.lines(wall: clock.wall(), now: now) { log.error(line) }
    }

    private func save() {
        do throws(MachineError) {
            try state.history.save(historyPath, files)
        } catch {
            log.warning("backup: when it was made is forgotten at a restart: \(error.description)")
        }
    }
}

extension BackupReport {
    fileprivate var result: BackupEntry.Result {
        switch kind {
        case .full: .full
        case .part: .part
        case .nothingNew: .nothingNew
        }
    }

    fileprivate var words: String {
        "\(result.word), up to record \(head.sequence), \(bytes >> 10) KiB written"
    }
}
