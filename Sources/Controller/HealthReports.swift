// The lanes' health, into the ledger: every hour for a lane that has driven or lost anything since, or when the ledger
// is full otherwise than before, and for each lane at an orderly end. From the supervisor's thread; the lane's own only
// counts.

import Domain
import Ledger
import Machine
import Synchronization

final class HealthReports {
    private let lanes: [LaneStatus]
    private let notes: Ring<Receipt>
    private let ledger: LedgerStatus
    private let started: Instant
    private var next: Instant
    private var told: [LaneHealth] = []

    static let interval = Interval.seconds(3_600)

    /// - Parameters:
    ///   - notes: to the ledger thread; the caller's thread is the one that fills it.
    ///   - started: when the program did, in lane time.
    init(_ lanes: [LaneStatus], _ notes: Ring<Receipt>, ledger: LedgerStatus, started: Instant) {
        self.lanes = lanes
        self.notes = notes
        self.ledger = ledger
        self.started = started
        next = started + HealthReports.interval
    }

    func look(_ now: Instant) {
        guard now >= next else { return }
        next = now + HealthReports.interval
        tell(now, all: false)
    }

    /// At an orderly end.
    func tellAll(_ now: Instant) {
        tell(now, all: true)
    }

    /// A ring that is full has lost this report alone: the next one holds its numbers too.
    private func tell(_ now: Instant, all: Bool) {
        for lane in lanes {
            var health = LaneHealth(lane, uptime: now.since(started))
            let fullness = ledger.fullness.load(ordering: .relaxed)
            health.ledgerFullness = fullness == 0 ? nil : fullness
            guard all || isNews(health) else { continue }
            guard notes.push(.note(.health(health))) else { continue }
            told.removeAll { $0.lane == lane.lane }
            told.append(health)
        }
    }

    private func isNews(_ health: LaneHealth) -> Bool {
        var before = told.first { $0.lane == health.lane } ?? LaneHealth(lane: health.lane, uptimeSeconds: 0)
        before.uptimeSeconds = health.uptimeSeconds
        return before != health
    }
}

extension LaneHealth {
    init(_ status: LaneStatus, uptime: Interval) {
        let longest = status.latency.maximum
        self.init(
            lane: status.lane, uptimeSeconds: UInt32(clamping: uptime.nanoseconds / 1_000_000_000),
            edgeToOutput: status.latency.filled.map {
                LatencyStep(belowMicroseconds: UInt32(clamping: $0.below), count: $0.count)
            },
            longestMicroseconds: longest == .zero ? nil : longest.nanoseconds / 1_000,
            edgesLost: status.edgesLost.load(ordering: .relaxed), messagesLost: status.lost.load(ordering: .relaxed))
    }
}
