import Domain
import LaneCore
import Ledger
import Machine
import Testing

@testable import Controller

@Suite struct CalibrationTests {
    @Test func anOrderThatIsNotTakenEndsIt() throws {
        let bell = try Wakeup()
        let channels = OrderChannels(
            bell: bell, orders: Ring(capacity: 2, bell: bell), supplements: Ring(capacity: 2, bell: bell),
            answers: Ring(capacity: 2, bell: bell))
        let clock = BenchClock()
        let by = PersonalAct(person: "console", reason: "示例", means: .console)
        while channels.orders.push(PersonOrder(number: 0, lane: lane, order: .close, by: by, at: clock.now())) {}
        let calibration = Calibration(LaneStatus(lane), now: clock.now())
        calibration.look(OrderDesk(channels, clock: clock), now: clock.now())
        #expect(calibration.isOver)
        #expect(
            calibration.report == [
                "lane 1: up -, down -",
                "calibration ended: not ordered: too many orders wait for the ledger; see status",
            ])
    }
}
