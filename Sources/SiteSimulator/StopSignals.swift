// The signals that end a simulation, read one after the other instead of ending the process.

import CSystem
import Foundation

public struct StopSignals: Sendable {
    private let descriptor: Int32

    /// Before any thread starts, so that every thread has them blocked.
    public init() {
        let signals: [Int32] = [SIGINT, SIGTERM, SIGHUP]
        descriptor = gw_signalfd_create(signals, signals.count)
    }

    /// Whether one came within the time; nil waits for as long as it takes.
    public func take(withinMilliseconds limit: Int64?) -> Bool {
        var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return gw_poll_ns(&watched, 1, limit.map { $0 * 1_000_000 } ?? -1) > 0 && gw_signalfd_take(descriptor) > 0
    }
}
