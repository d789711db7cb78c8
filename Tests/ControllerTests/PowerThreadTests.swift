import Configuration
import DeviceProtocols
import Devices
import Domain
import Foundation
import Ledger
import Machine
import Testing

@testable import Controller
@testable import LaneCore

private final class FakeUPS: UPSDevice, @unchecked Sendable {
    private let lock = NSLock()
    private var reading: UPSReading?
    private var orders = 0
    let takesOrders: Bool

    init(takesOrders: Bool = true) {
        self.takesOrders = takesOrders
        show(isOnBattery: false)
    }

    func show(isOnBattery: Bool, isLow: Bool = false, troubles: UPSTroubles = .none) {
        var reading = UPSReading(isOnBattery: isOnBattery, isBatteryLow: isLow)
        reading.chargePercent = 55
        reading.inputDecivolts = 2_301
        reading.troubles = troubles
        lock.withLock { self.reading = reading }
    }

    func unplug() { lock.withLock { reading = nil } }

    var ordered: Int { lock.withLock { orders } }

    func read() throws(UPSFault) -> UPSReading {
        guard let reading = lock.withLock({ self.reading }) else { throw .silent }
        return reading
    }

    func switchOff() throws(UPSFault) -> Interval? {
        lock.withLock { orders += 1 }
        return takesOrders ? .seconds(60) : nil
    }
}

@Suite struct PowerThreadTests {
    private let ups: FakeUPS
    private let bell: Wakeup
    private let bench: Bench
    private let channels: PowerChannels
    private let lane = LaneStatus(LaneID(0))
    private let status = PowerStatus()
    private let folder: String
    private let thread: PowerThread

    init() throws {
        try self.init(takesOrders: true)
    }

    private init(takesOrders: Bool, folder known: String? = nil) throws {
        ups = FakeUPS(takesOrders: takesOrders)
        bell = try Wakeup()
        bench = Bench(bell)
        channels = PowerChannels(
            bell: bell, notes: Ring(capacity: 16, bell: try Wakeup()), orders: Ring(capacity: 16, bell: try Wakeup()))
        let text = """
            site.enterprise_id = 410100TEST001
            site.enterprise_name = 示例
            site.device = gate
            policy.minimum_stage = 5
            lane.1.direction = entry
            lane.1.entrance_gate = A
            lane.1.gate_code = A01
            lines.backend = socket
            lines.socket = /tmp/lines
            ups.kind = q1
            ups.port = /dev/ttyS9
            ups.shed_after_s = 10
            """
        let settings = try Settings(configuration: Array(text.utf8))
        folder = known ?? NSTemporaryDirectory() + "power-\(UInt64.random(in: 0...UInt64.max))"
        try DiskFiles().createFolder(folder)
        thread = PowerThread(
            device: ups, policy: PowerPolicy(try #require(settings.ups)), channels: channels, lanes: [lane],
            arms: [LaneID(0)], status: status, files: DiskFiles(), marker: folder + "/power", clock: bench.clock,
            stop: bench.stop, pulse: bench.pulse, log: bench.log)
    }

    private func start() throws {
        let thread = thread
        try bench.start { thread.run() }
    }

    private var notes: [LedgerNote] {
        var notes: [LedgerNote] = []
        while case .note(let note)? = channels.notes.pop() { notes.append(note) }
        return notes
    }

    private func seconds(_ count: Int) {
        for _ in 0..<count { bench.advance(.seconds(1)) }
    }

    private var isShedding: Bool { status.isShedding.load(ordering: .relaxed) }
    private var isEnding: Bool { status.isEnding.load(ordering: .relaxed) }
    private var isOver: Bool { status.isOver.load(ordering: .relaxed) }
    private var marker: Bool { DiskFiles().exists(folder + "/power") }

    @Test func lossAndReturnAreOnRecordWithTheirTime() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try start()
        seconds(3)
        #expect(notes.isEmpty)
        ups.show(isOnBattery: true)
        seconds(3)
        #expect(notes == [.power(.mainsLost, batteryPercent: 55, detail: "the gate goes on by battery")])
        #expect(marker)
        #expect(status.line(now: bench.clock.now()).hasPrefix("power: on battery for "))
        seconds(20)
        #expect(isShedding)
        ups.show(isOnBattery: false)
        seconds(3)
        guard case .power(.mainsBack, 55, let detail)? = notes.first else {
            Issue.record("no return of the mains")
            return
        }
        #expect(detail.hasPrefix("after ") && detail.hasSuffix(" s on battery"))
        #expect(!marker && !isShedding)
        #expect(status.line(now: bench.clock.now()) == "power: on mains, input 230.1 V, battery 55 %")
        #expect(bench.end())
    }

    @Test func upsThatIsNotHeardIsAFaultThatHeals() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try start()
        ups.unplug()
        seconds(5)
        guard case .faultRaised("ups", let detail)? = notes.first else {
            Issue.record("no fault")
            return
        }
        #expect(detail.contains("does not answer"))
        #expect(status.line(now: bench.clock.now()).contains("NOT HEARD"))
        ups.show(isOnBattery: false, troubles: .overload)
        seconds(2)
        #expect(
            notes == [
                .faultHealed(subject: "ups", detail: "answers again"),
                .faultRaised(subject: "ups state", detail: "overloaded"),
            ])
        #expect(bench.end())
    }

    @Test func lowBatteryLocksTheLaneByARecordedOrderAndThenEnds() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try start()
        ups.show(isOnBattery: true, isLow: true)
        seconds(12)
        let order = try #require(channels.orders.pop())
        #expect(order.order == .lockdown(true) && order.by.person == "power")
        #expect(channels.orders.pop() == nil)
        let words = notes.map { if case .power(let state, _, _) = $0 { state.word } else { "?" } }
        #expect(words == ["mains-lost", "battery-low", "switching-off"])
        #expect(isOver)
        #expect(bench.end())
        #expect(thread.finish(contacts: { .unknown }, feed: {}, isAsked: { false }) == .goesOff)
        #expect(ups.ordered == 1)
        #expect(marker)
    }

    @Test func mainsBackInTimeUnlocksTheLane() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        lane.publish(.passing, VehicleToken(value: 9), idleView)
        try start()
        ups.show(isOnBattery: true, isLow: true)
        seconds(10)
        #expect(!isOver)
        #expect(channels.orders.pop()?.order == .lockdown(true))
        ups.show(isOnBattery: false)
        seconds(3)
        #expect(channels.orders.pop()?.order == .lockdown(false))
        #expect(!isEnding)
        #expect(bench.end())
    }

    /// A UPS that takes no order, or one that has seen the mains come back at the last moment.
    @Test func withoutAnOrderTheMainsIsWaitedForAndTheWatchdogFed() throws {
        let test = try PowerThreadTests(takesOrders: false)
        defer { try? FileManager.default.removeItem(atPath: test.folder) }
        test.ups.show(isOnBattery: true, isLow: true)
        var fed = 0
        let end = test.thread.finish(
            contacts: { .unknown },
            feed: {
                fed += 1
                if fed == 3 { test.ups.show(isOnBattery: false) }
            }, isAsked: { false })
        #expect(end == .startAgain)
        #expect(fed >= 4)
        #expect(test.ups.ordered == 1)
    }

    @Test func mainsThatCameBackAtTheLastMomentGivesNoOrder() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(thread.finish(contacts: { .unknown }, feed: {}, isAsked: { false }) == .startAgain)
        #expect(ups.ordered == 0)
    }

    @Test func lossOfTheRunBeforeIsClosedOnRecord() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let lost = bench.clock.wall().microseconds - 90_000_000
        try DiskFiles().writeDurably(Array("\(lost)".utf8), to: folder + "/power")
        try start()
        seconds(2)
        #expect(
            notes == [
                .power(
                    .mainsBack, batteryPercent: 55,
                    detail: "lost before this start, 90 s ago by the wall clock")
            ])
        #expect(!marker)
        #expect(bench.end())
    }

    private var idleView: LaneView {
        LaneView(
            arm: .open, active: .none, doubtful: .none, isHeldOpen: false, isLockedDown: false,
            isInMaintenance: false)
    }
}
