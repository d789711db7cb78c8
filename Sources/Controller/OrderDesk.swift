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
        let by = PersonalAct(person: "console", reason: reason, means: .console)
        return handIn("ordered", "lane \(lane.index + 1) is told to \(order.words)") { number, now in
            channels.orders.push(PersonOrder(number: number, lane: lane, order: order, by: by, at: now))
        }
    }

    /// The same of a correction.
    func give(_ supplement: Supplement) -> String {
        let what = supplement.correctedSequence.map { "supplement to record \($0)" } ?? "supplement of a missed row"
        return handIn("recorded", "\(what) by \(supplement.by.person)") { number, now in
            channels.supplements.push(SupplementOrder(number: number, supplement: supplement, at: now))
        }
    }

    private func handIn(
        _ done: String, _ words: String, _ push: (_ number: UInt32, _ now: Instant) -> Bool
    ) -> String {
        lastNumber &+= 1
        let now = clock.now()
        while channels.answers.pop() != nil {}
        guard push(lastNumber, now) else {
            return "not \(done): too many orders wait for the ledger; see status"
        }
        var waiting = WaitSet()
        waiting.add(channels.bell.fileDescriptor)
        while true {
            channels.bell.take()
            while let answer = channels.answers.pop() {
                guard answer.number == lastNumber else { continue }
                guard let record = answer.record else {
                    let why = answer.refusal.isEmpty ? "the ledger did not take it; see the log" : answer.refusal
                    return "not \(done): \(why)"
                }
                return "record \(record): \(words)"
            }
            let waited = clock.now().since(now)
            guard waited < OrderDesk.patience else {
                return "the ledger does not answer: nothing is \(done) unless it does within "
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
    let supplements: Ring<SupplementOrder>
    let answers: Ring<OrderAnswer>
}
