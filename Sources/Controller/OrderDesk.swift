// Where the console hands in an order and waits for its record, on the console's thread.
//
// Invariant: no wait is longer than `patience`; an order that is not on record by then is not carried out later than
// `PersonOrder.lifetime` after it was given.

import Domain
import LaneCore
import Ledger
import Machine

final class OrderDesk: @unchecked Sendable {
    private let channels: OrderChannels
    private let clock: any Clock
    private var lastNumber: UInt32 = 0

    private static let patience = Interval.seconds(3)

    init(_ channels: OrderChannels, clock: any Clock) {
        self.channels = channels
        self.clock = clock
    }

    /// Hands an order in and waits for its record; says in one line what became of it.
    func give(_ order: LaneOrder, _ lane: LaneID, reason: String) -> String {
        lastNumber &+= 1
        let by = PersonalAct(person: "console", reason: reason, means: .console)
        let now = clock.now()
        while channels.answers.pop() != nil {}
        guard channels.orders.push(PersonOrder(number: lastNumber, lane: lane, order: order, by: by, at: now)) else {
            return "not ordered: too many orders wait for the ledger; see status"
        }
        var waiting = WaitSet()
        waiting.add(channels.bell.fileDescriptor)
        while true {
            channels.bell.take()
            while let answer = channels.answers.pop() {
                guard answer.number == lastNumber else { continue }
                guard let record = answer.record else { return "not ordered: the ledger did not take it; see the log" }
                return "record \(record): lane \(lane.index + 1) is told to \(order.words)"
            }
            let waited = clock.now().since(now)
            guard waited < OrderDesk.patience else {
                return "the ledger does not answer: nothing is ordered unless it does within "
                    + "\(PersonOrder.lifetime.milliseconds / 1_000) s; see status"
            }
            waiting.wait(atMost: .milliseconds(100))
        }
    }
}

/// The console's way to the ledger.
struct OrderChannels: Sendable {
    let bell: Wakeup
    let orders: Ring<PersonOrder>
    let answers: Ring<OrderAnswer>
}
