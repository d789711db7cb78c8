// The guided calibration of one arm: maintenance on, three times up and down, and what the limit switches measured. The
// console's thread looks after it.
//
// Invariants: each movement is an order like any other, recorded first; LaneCore moves nothing down on a vehicle. It
// ends by itself: after three rounds, or when a movement takes longer than `patience`, with maintenance off.

import Domain
import LaneCore
import Machine

final class Calibration {
    private enum Step {
        case begin
        case lower
        case raise
        case over
    }

    let lane: LaneID
    /// Its outcome was shown.
    var isTold = false
    private let status: LaneStatus
    private var step = Step.begin
    private var movedAt: Instant
    private var seenTravels: UInt32
    private var up: [Interval] = []
    private var down: [Interval] = []
    private var trouble: String?

    private static let rounds = 3
    private static let patience = Interval.seconds(20)
    private static let pause = Interval.seconds(1)

    init(_ status: LaneStatus, now: Instant) {
        lane = status.lane
        self.status = status
        movedAt = now
        seenTravels = status.travels
    }

    var isOver: Bool { step == .over }

    func look(_ desk: OrderDesk, now: Instant) {
        switch step {
        case .over:
            return
        case .begin:
            guard order(.maintenance(true), desk) else { return }
            move(status.arm == .open ? .lower : .raise, desk, now)
        case .raise, .lower:
            guard status.isInMaintenance || now.since(movedAt) < Calibration.pause else {
                return end("maintenance has ended: a fire alarm, somebody else, or its time limit", desk)
            }
            if status.travels == seenTravels {
                if now.since(movedAt) > Calibration.patience {
                    end("no limit switch came in time: are both fitted, is the travel long enough?", desk)
                }
                return
            }
            guard now.since(movedAt) > Calibration.pause else { return }
            seenTravels = status.travels
            if let time = status.travel(isUp: step == .raise) {
                if step == .raise { up.append(time) } else { down.append(time) }
            }
            if up.count >= Calibration.rounds && down.count >= Calibration.rounds { return end(nil, desk) }
            move(step == .raise ? .lower : .raise, desk, now)
        }
    }

    private func move(_ next: Step, _ desk: OrderDesk, _ now: Instant) {
        movedAt = now
        seenTravels = status.travels
        guard order(.energise(next == .raise ? .raise : .lower, true), desk) else { return }
        step = next
    }

    private func order(_ order: LaneOrder, _ desk: OrderDesk) -> Bool {
        let answer = desk.give(order, lane, reason: "calibration")
        guard answer.utf8.starts(with: "record".utf8) else {
            trouble = answer
            step = .over
            return false
        }
        return true
    }

    private func end(_ trouble: String?, _ desk: OrderDesk) {
        _ = order(.maintenance(false), desk)
        self.trouble = trouble
        step = .over
    }

    /// How far it is, or what came of it.
    var report: [String] {
        let name = "lane \(lane.index + 1)"
        let measured = [
            "\(name): up " + words(up) + ", down " + words(down)
        ]
        if let trouble { return measured + ["calibration ended: \(trouble)"] }
        guard step == .over else { return measured + ["calibration is under way: type \(name) calibrate again"] }
        return measured + [
            "recommended, a half more than the longest:",
            "lane.\(lane.index + 1).raise_travel_ms = \(recommended(up))",
            "lane.\(lane.index + 1).lower_travel_ms = \(recommended(down))",
        ]
    }

    private func words(_ times: [Interval]) -> String {
        times.isEmpty ? "-" : times.map { "\($0.milliseconds)" }.joined(separator: " ") + " ms"
    }

    private func recommended(_ times: [Interval]) -> UInt64 {
        var longest: UInt64 = 0
        for time in times { longest = max(longest, time.milliseconds) }
        return min(15_000, max(300, (longest * 3 / 2 + 99) / 100 * 100))
    }
}
