// Holds arms open at the hours of the day that the configuration names. Used by the supervisor's thread.
//
// Invariants: only the beginning and the end of an hour order something, so that what a person orders in between
// stands;
// each order goes by the ledger, like a person's. After a start within an hour the arm is held.

import Configuration
import Domain
import LaneCore
import Ledger
import Machine

final class HoldSchedule {
    private struct Entry {
        let lane: LaneID
        let hours: [DailyHours]
        var isHeld = false
    }

    private var entries: [Entry] = []
    private let offsetMinutes: Int
    private let orders: Ring<PersonOrder>

    convenience init(_ settings: Settings, _ orders: Ring<PersonOrder>) {
        self.init(
            settings.lanes.map { ($0.id, $0.holdOpen) }, offsetMinutes: settings.site.utcOffsetMinutes, orders)
    }

    init(_ lanes: [(lane: LaneID, hours: [DailyHours])], offsetMinutes: Int, _ orders: Ring<PersonOrder>) {
        for (lane, hours) in lanes where !hours.isEmpty { entries.append(Entry(lane: lane, hours: hours)) }
        self.offsetMinutes = offsetMinutes
        self.orders = orders
    }

    func look(wall: WallTime, now: Instant) {
        guard !entries.isEmpty else { return }
        let local = CivilTime(wall, offsetMinutes: offsetMinutes)
        let minute = local.hour * 60 + local.minute
        for index in entries.indices {
            let isHeld = entries[index].hours.contains { $0.contains(minute: minute) }
            guard isHeld != entries[index].isHeld else { continue }
            let order = PersonOrder(
                number: 0, lane: entries[index].lane, order: .hold(isHeld),
                by: PersonalAct(
                    person: "schedule", reason: "lane.\(entries[index].lane.index + 1).hold_open", means: .file),
                at: now)
            // A full ring is tried again at the next look.
            if orders.push(order) { entries[index].isHeld = isHeld }
        }
    }
}
