// The bus thread of one tag reader: asks it what it sees, and tells admission.
//
// Invariants: a slow, absent or babbling reader holds up this thread alone; a tag goes to admission and nowhere else,
// never to the lane. A reader that fails is a fault on record after three inventories in a row, and heals with one.
// Limits: a tag that is new is told in the log once a second at most.

import DeviceProtocols
import Devices
import Domain
import Ledger
import Machine
import Synchronization

/// Reader to admission: what one inventory found.
struct ArrivedInventory: Sendable {
    let lane: LaneID
    let reader: String
    let tags: [VehicleTag]
    let at: Instant
}

struct ReaderChannels: Sendable {
    /// Rung at the end alone.
    let bell: Wakeup
    let inventories: Ring<ArrivedInventory>
    let notes: Ring<Receipt>
}

/// A reader, as the console shows it.
final class ReaderStatus: Sendable {
    let name: String
    let isFailing = Atomic<Bool>(false)
    let inSight = Atomic<Int>(0)
    let inventories = Atomic<UInt64>(0)
    let damagedFrames = Atomic<UInt64>(0)

    init(_ name: String) {
        self.name = name
    }

    var line: String {
        let damaged = damagedFrames.load(ordering: .relaxed)
        return name + ": "
            + (isFailing.load(ordering: .relaxed) ? "NOT HEARD" : "\(inSight.load(ordering: .relaxed)) tags in sight")
            + ", \(inventories.load(ordering: .relaxed)) inventories"
            + (damaged > 0 ? ", \(damaged) damaged frames" : "")
    }
}

final class ReaderThread: @unchecked Sendable {
    private let lane: LaneID
    private let driver: TagReader
    private let interval: Interval
    private let channels: ReaderChannels
    private let status: ReaderStatus
    private let clock: any Clock
    private let stop: Flag
    private let pulse: Pulse
    private let log: Log
    private var failures = 0
    private var untold: [LedgerNote] = []
    private var lastTold: (tag: VehicleTag, at: Instant)?

    private static let failuresToTell = 3
    private static let tellingPause = Interval.seconds(1)

    init(
        lane: LaneID, driver: TagReader, interval: Interval, channels: ReaderChannels, status: ReaderStatus,
        clock: any Clock, stop: Flag, pulse: Pulse, log: Log
    ) {
        self.lane = lane
        self.driver = driver
        self.interval = interval
        self.channels = channels
        self.status = status
        self.clock = clock
        self.stop = stop
        self.pulse = pulse
        self.log = log
    }

    func run() {
        var waiting = WaitSet()
        waiting.add(channels.bell.fileDescriptor)
        while !stop.isRaised {
            let began = clock.now()
            pulse.beat(began)
            look()
            while let note = untold.first, channels.notes.push(.note(note)) { untold.removeFirst() }
            let spent = clock.now().since(began)
            let rest = Interval(nanoseconds: interval.nanoseconds - min(spent.nanoseconds, interval.nanoseconds))
            // Also where an inventory takes longer than the interval, the line rests between two.
            waiting.wait(atMost: max(rest, .milliseconds(10)))
            channels.bell.take()
        }
    }

    private func look() {
        do throws(ReaderFault) {
            let sights = try driver.inventory()
            let now = clock.now()
            heard(sights.count)
            // A ring that is full is counted; what was seen is seen again at the next inventory.
            _ = channels.inventories.push(
                ArrivedInventory(lane: lane, reader: status.name, tags: sights.map { $0.tag }, at: now))
            if let first = sights.first { tell(first.tag, first.dBm, now) }
        } catch {
            failed(error)
        }
        status.damagedFrames.store(driver.damagedFrames, ordering: .relaxed)
    }

    private func heard(_ count: Int) {
        if failures >= ReaderThread.failuresToTell {
            log.info("\(status.name): answers again")
            untold.append(.faultHealed(subject: status.name, detail: "answers again"))
        }
        failures = 0
        status.isFailing.store(false, ordering: .relaxed)
        status.inSight.store(count, ordering: .relaxed)
        status.inventories.wrappingAdd(1, ordering: .relaxed)
    }

    private func failed(_ fault: ReaderFault) {
        failures += 1
        guard failures == ReaderThread.failuresToTell else { return }
        log.warning("\(status.name): \(fault.description)")
        untold.append(.faultRaised(subject: status.name, detail: fault.description))
        status.isFailing.store(true, ordering: .relaxed)
        status.inSight.store(0, ordering: .relaxed)
    }

    /// So that an installer sees which tag the antenna reads, and how strongly.
    private func tell(_ tag: VehicleTag, _ dBm: Int?, _ now: Instant) {
        if let lastTold, lastTold.tag == tag || now.since(lastTold.at) < ReaderThread.tellingPause { return }
        lastTold = (tag, now)
        log.info("\(status.name): sees \(tag.text)" + (dBm.map { " at \($0) dBm" } ?? ""))
    }
}
