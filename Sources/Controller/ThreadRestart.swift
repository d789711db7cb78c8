// When a thread that no lane needs (cameras, console, readers, signs, UPS, uplink) stands still or has ended, the
// firmware is started anew, at a moment when nobody is at a lane.
//
// Invariants: a lane that is in use is never interrupted for it, however long; the backup's thread is not among them,
// since a process whose thread waits for a medium that hangs cannot end.
// Limits: once the thread stood still for a minute beyond its own limit; once an hour where one restart did not help.

import Domain
import LaneCore

struct ThreadRestart {
    /// What the next run's boot record says, with the thread's name.
    static let cause = "restarted for a thread that stood still: "

    private static let patience = Interval.seconds(60)
    private static let quiet = Interval.seconds(10)
    private static let between = Interval.seconds(3_600)
    private static let excepted = ["backup"]

    private let notBefore: Instant
    private var since: [(name: String, from: Instant)] = []
    private var quietSince: Instant?

    /// - Parameter wasJustDone: this run began for such a thread.
    init(now: Instant, wasJustDone: Bool) {
        notBefore = wasJustDone ? now + ThreadRestart.between : now
    }

    /// - Parameter stalled: the threads that are beyond their limit.
    /// - Returns: the thread for which the run is to end now.
    mutating func look(stalled: [String], isQuiet: Bool, now: Instant) -> String? {
        since.removeAll { known in !stalled.contains(known.name) }
        for name in stalled where !ThreadRestart.excepted.contains(name) {
            if !since.contains(where: { $0.name == name }) { since.append((name, now)) }
        }
        quietSince = isQuiet ? quietSince ?? now : nil
        guard let quietSince, now.since(quietSince) >= ThreadRestart.quiet, now >= notBefore else { return nil }
        return since.first { now.since($0.from) >= ThreadRestart.patience }?.name
    }
}

extension LaneStatus {
    /// Nobody is there, and the arm does not move.
    var isQuiet: Bool {
        phase == .idle && active.bits == 0 && arm != .opening && arm != .closing
    }
}
