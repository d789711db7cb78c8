// When a backup is due, and what is known of the last ones. Pure but for the one small file that outlives a run.
//
// Invariants: a backup that was missed (no power, no stick) is due until it is made; a wall clock that stands before
// the last backup does not make it due again and again, nor never: lane time decides then.

import Configuration
import Domain
import Machine

/// The daily and the weekly moment.
struct BackupPlan: Sendable {
    private static let minute: Int64 = 60_000_000
    private static let day: Int64 = 1_440 * minute
    /// 1970-01-01 was a Thursday.
    private static let firstWeekday: Int64 = 4

    let minuteOfDay: Int
    let fullDay: Weekday
    let offsetMinutes: Int

    /// The latest moment of the schedule up to `wall`.
    func moment(upTo wall: WallTime) -> WallTime {
        let local = wall.microseconds + Int64(offsetMinutes) * BackupPlan.minute
        let day = BackupPlan.floor(local - Int64(minuteOfDay) * BackupPlan.minute)
        return self.wall(ofDay: day)
    }

    /// The latest moment of a full one up to `wall`.
    func fullMoment(upTo wall: WallTime) -> WallTime {
        let local = wall.microseconds + Int64(offsetMinutes) * BackupPlan.minute
        let day = BackupPlan.floor(local - Int64(minuteOfDay) * BackupPlan.minute)
        let weekday = (day % 7 + 7 + BackupPlan.firstWeekday) % 7
        return self.wall(ofDay: day - (weekday - Int64(fullDay.number) + 7) % 7)
    }

    private func wall(ofDay day: Int64) -> WallTime {
        WallTime(
            microseconds: day * BackupPlan.day + Int64(minuteOfDay - offsetMinutes) * BackupPlan.minute)
    }

    private static func floor(_ local: Int64) -> Int64 {
        let quotient = local / day
        return local % day < 0 ? quotient - 1 : quotient
    }
}

/// What is known of the backups into one folder. Kept in the state folder, for the time after a restart.
struct BackupHistory: Equatable, Sendable {
    private static let fileLimit = 1_024

    var folder: String
    /// Since when there should be one.
    var since: WallTime
    var done: WallTime?
    var full: WallTime?

    /// What the file says, when it is of this folder; otherwise a new history.
    init(_ path: String, folder: String, files: any Files, now: WallTime) {
        self.folder = folder
        since = now
        guard files.exists(path) else { return }
        let bytes: [UInt8]
        do throws(MachineError) { bytes = try files.read(path, limit: BackupHistory.fileLimit) } catch { return }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 4, String(lines[3]).utf8.elementsEqual(folder.utf8), let since = Int64(lines[0]) else {
            return
        }
        self.since = WallTime(microseconds: since)
        done = Int64(lines[1]).map { WallTime(microseconds: $0) }
        full = Int64(lines[2]).map { WallTime(microseconds: $0) }
    }

    func save(_ path: String, _ files: any Files) throws(MachineError) {
        let words = [since, done, full].map { $0.map { String($0.microseconds) } ?? "-" } + [folder]
        try files.writeDurably(Array((words.joined(separator: "\n") + "\n").utf8), to: path)
    }
}

/// What the backup's thread tells the console.
struct BackupState: Sendable {
    static let overdueAfter = Interval.seconds(48 * 3_600)

    var history: BackupHistory
    /// When this run began to want one, and when it last made one.
    let began: Instant
    var doneAt: Instant?
    /// What the last one of this run was.
    var last = ""
    var runningSince: Instant?
    var failures = 0
    var failingSince: Instant?
    var failure = ""
    var nextTry: Instant?
    var warning = ""

    /// How long ago the last one was made, or since when one is wanted. The wall clock may lie behind.
    func age(wall: WallTime, now: Instant) -> Interval {
        if let doneAt { return now.since(doneAt) }
        let from = history.done ?? history.since
        let run = now.since(began)
        guard wall > from else { return run }
        return max(run, .microseconds(UInt64(wall.microseconds - from.microseconds)))
    }

    func isOverdue(wall: WallTime, now: Instant) -> Bool {
        age(wall: wall, now: now) > BackupState.overdueAfter
    }

    func lines(wall: WallTime, now: Instant) -> [String] {
        let age = BackupState.words(age(wall: wall, now: now))
        var line = "backup: " + (isOverdue(wall: wall, now: now) ? "OVERDUE, " : "")
        line += history.done == nil ? "none yet, wanted for \(age)" : "last made \(age) ago"
        if !last.isEmpty { line += " (\(last))" }
        line += ", to \(history.folder)"
        if let runningSince { line += ", one is under way for \(BackupState.words(now.since(runningSince)))" }
        var lines = [line]
        if failures > 0 {
            let since = failingSince.map { BackupState.words(now.since($0)) } ?? "0 s"
            let next = nextTry.map { $0 > now ? "in \(BackupState.words($0.since(now)))" : "now" } ?? "now"
            lines.append("  FAILED \(failures) times, for \(since): \(failure); next try \(next)")
        }
        if !warning.isEmpty { lines.append("  warning: \(warning)") }
        return lines
    }

    static func words(_ interval: Interval) -> String {
        let seconds = interval.milliseconds / 1_000
        if seconds < 120 { return "\(seconds) s" }
        if seconds < 7_200 { return "\(seconds / 60) min" }
        return "\(seconds / 3_600) h"
    }
}
