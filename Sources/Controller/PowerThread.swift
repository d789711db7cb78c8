// The power thread: looks at the UPS (or the lanes' mains failure contacts) every second, records what the power does,
// sheds, and ends the run orderly before the battery does.
//
// Invariants: a slow, absent or babbling UPS holds up this thread alone; the lanes learn of the power by recorded
// orders (lockdown), so that their own rules say how an arm comes down. A note that finds its ring full is given again.
// Limits: on battery since when is kept in the file `power` of the state folder, for the time after a loss of power.

import DeviceProtocols
import Devices
import Domain
import LaneCore
import Ledger
import Machine
import Synchronization

/// Power to ledger.
struct PowerChannels: Sendable {
    let bell: Wakeup
    let notes: Ring<Receipt>
    let orders: Ring<PersonOrder>
}

/// How the power left the controller when it had ended.
enum PowerEnd {
    /// The UPS switches itself off, and on again with the mains.
    case goesOff
    /// The mains is back, or a signal came: start again.
    case startAgain
}

final class PowerThread: @unchecked Sendable {
    private let device: (any UPSDevice)?
    private var policy: PowerPolicy
    private let channels: PowerChannels
    private let lanes: [LaneStatus]
    /// The lanes that have an arm of their own.
    private let arms: [LaneID]
    private let status: PowerStatus
    private let files: any Files
    private let marker: String
    private let clock: any Clock
    private let stop: Flag
    private let pulse: Pulse
    private let log: Log

    /// Wait for room in the ring.
    private var untold: [LedgerNote] = []
    private var unordered: [PersonOrder] = []
    /// Those that the end has locked down.
    private var lockedDown: [LaneID] = []
    private var failedLooks = 0
    private var troubles = UPSTroubles.none
    private var percent: UInt8?
    /// The mains was lost before this run, at that wall time.
    private var lostBefore: WallTime?

    private static let lookEvery = Interval.seconds(1)
    private static let failuresToTell = 2
    /// HJ 1321-2023: the UPS serves for at least 2 h.
    private static let dutyMinutes: UInt64 = 120

    init(
        device: (any UPSDevice)?, policy: PowerPolicy, channels: PowerChannels, lanes: [LaneStatus], arms: [LaneID],
        status: PowerStatus, files: any Files, marker: String, clock: any Clock, stop: Flag, pulse: Pulse, log: Log
    ) {
        self.device = device
        self.policy = policy
        self.channels = channels
        self.lanes = lanes
        self.arms = arms
        self.status = status
        self.files = files
        self.marker = marker
        self.clock = clock
        self.stop = stop
        self.pulse = pulse
        self.log = log
    }

    func run() {
        readMarker()
        var waiting = WaitSet()
        waiting.add(channels.bell.fileDescriptor)
        while !stop.isRaised {
            pulse.beat(clock.now())
            look()
            push()
            waiting.wait(atMost: PowerThread.lookEvery)
            channels.bell.take()
        }
    }

    private func look() {
        let sight = sight()
        if sight == .mains, policy.onBatterySince == nil, let before = lostBeforeWords {
            tell(.mainsBack, before)
            removeMarker()
        }
        for act in policy.look(sight, isQuiet: isQuiet, now: clock.now()) { carryOut(act) }
        status.onBatterySince.store(policy.onBatterySince?.nanoseconds ?? 0, ordering: .relaxed)
    }

    // MARK: what is seen

    private func sight() -> PowerSight {
        guard let device else {
            let isLost = lanes.contains { $0.active.contains(.mainsFail) }
            return isLost ? .battery(isLow: false, percent: nil, runtime: nil) : .mains
        }
        do throws(UPSFault) {
            let reading = try device.read()
            heard(reading)
            guard reading.isOnBattery else { return .mains }
            return .battery(isLow: reading.isBatteryLow, percent: reading.chargePercent, runtime: reading.runtime)
        } catch {
            failedLooks += 1
            if failedLooks == PowerThread.failuresToTell {
                log.warning("ups: \(error.description)")
                untold.append(.faultRaised(subject: "ups", detail: error.description))
                status.isLost.store(true, ordering: .relaxed)
            }
            return .unknown
        }
    }

    private func heard(_ reading: UPSReading) {
        if failedLooks >= PowerThread.failuresToTell {
            log.info("ups: answers again")
            untold.append(.faultHealed(subject: "ups", detail: "answers again"))
        }
        failedLooks = 0
        status.isLost.store(false, ordering: .relaxed)
        status.show(reading)
        percent = reading.chargePercent
        guard reading.troubles != troubles else { return }
        troubles = reading.troubles
        let words = troubles.words
        log.warning("ups: \(words.isEmpty ? "in order again" : words)")
        untold.append(
            words.isEmpty
                ? .faultHealed(subject: "ups state", detail: "in order again")
                : .faultRaised(subject: "ups state", detail: words))
    }

    /// Nobody is in a lane or released, and every arm is down.
    private var isQuiet: Bool {
        lanes.allSatisfy { $0.phase == .idle || $0.phase == .refused }
            && lanes.allSatisfy { lane in !arms.contains(lane.lane) || lane.arm == .closed }
    }

    // MARK: what follows

    private func carryOut(_ act: PowerAct) {
        switch act {
        case .mainsLost:
            tell(.mainsLost, lostBefore == nil ? "the gate goes on by battery" : "still away at this start")
            if lostBefore == nil { keepMarker() }
        case .mainsBack(let time):
            tell(.mainsBack, "after \(words(time)) on battery" + (lostBeforeWords.map { "; \($0)" } ?? ""))
            removeMarker()
        case .shed(let isShedding):
            status.isShedding.store(isShedding, ordering: .relaxed)
            log.info(isShedding ? "power: delivery waits for the mains" : "power: delivery goes on")
        case .batteryLow(let time, let why):
            tell(.batteryLow, "\(why); after \(words(time)) on battery" + duty(time))
        case .closeLanes(let closes):
            status.isEnding.store(closes, ordering: .relaxed)
            closes ? lockDown() : unlock()
        case .switchOff(let time):
            tell(.switchingOff, "after \(words(time)) on battery" + (isQuiet ? "" : "; not every lane was free"))
            push()
            status.isOver.store(true, ordering: .releasing)
        }
    }

    private func lockDown() {
        for lane in lanes where arms.contains(lane.lane) && !lane.isLockedDown {
            lockedDown.append(lane.lane)
            order(.lockdown(true), lane.lane, "the battery is nearly empty")
        }
    }

    private func unlock() {
        for lane in lockedDown { order(.lockdown(false), lane, "the mains is back") }
        lockedDown = []
    }

    private func order(_ order: LaneOrder, _ lane: LaneID, _ reason: String) {
        unordered.append(
            PersonOrder(
                number: 0, lane: lane, order: order,
                by: PersonalAct(person: "power", reason: reason, means: .file), at: clock.now()))
    }

    private func tell(_ state: PowerState, _ detail: String) {
        log.warning("power: \(state.word): \(detail)")
        untold.append(.power(state, batteryPercent: percent, detail: detail))
    }

    private func push() {
        while let note = untold.first, channels.notes.push(.note(note)) { untold.removeFirst() }
        while let order = unordered.first, channels.orders.push(order) { unordered.removeFirst() }
    }

    private func words(_ time: Interval) -> String {
        let seconds = time.milliseconds / 1_000
        return seconds < 60 ? "\(seconds) s" : "\(seconds / 60) min \(seconds % 60) s"
    }

    private func duty(_ time: Interval) -> String {
        time.milliseconds / 60_000 >= PowerThread.dutyMinutes
            ? "" : ": less than the \(PowerThread.dutyMinutes) min that HJ 1321 asks for"
    }

    // MARK: the marker

    private func readMarker() {
        guard files.exists(marker) else { return }
        do throws(MachineError) {
            let text = String(validating: try files.read(marker, limit: 32), as: UTF8.self) ?? ""
            lostBefore = WallTime(microseconds: Int64(text) ?? clock.wall().microseconds)
        } catch {
            log.warning("power: \(error.description)")
        }
    }

    private func keepMarker() {
        do throws(MachineError) {
            try files.writeDurably(Array("\(clock.wall().microseconds)".utf8), to: marker)
        } catch {
            log.warning("power: \(error.description)")
        }
    }

    private var lostBeforeWords: String? {
        guard let lostBefore else { return nil }
        let seconds = (clock.wall().microseconds - lostBefore.microseconds) / 1_000_000
        return "lost before this start, \(seconds) s ago by the wall clock"
    }

    private func removeMarker() {
        lostBefore = nil
        do throws(MachineError) {
            if files.exists(marker) { try files.remove(marker) }
        } catch {
            log.warning("power: \(error.description)")
        }
    }

    // MARK: after the end

    /// Called when this thread and every other has ended and the ledger is closed: orders the UPS off, or waits for the
    /// mains.
    /// - Parameters:
    ///   - contacts: what the mains failure contacts say, now that the lane thread does not look any more.
    ///   - feed: the watchdog.
    ///   - isAsked: whether a signal asks for the end.
    func finish(contacts: () -> PowerSight, feed: () -> Void, isAsked: () -> Bool) -> PowerEnd {
        feed()
        if let device, case .battery = sight() {
            feed()
            do throws(UPSFault) {
                if let delay = try device.switchOff() {
                    log.info("power: the UPS goes off in \(delay.milliseconds / 1_000) s, and on with the mains")
                    return .goesOff
                }
            } catch {
                log.warning("ups: \(error.description)")
            }
        }
        log.info("power: ended; waiting for the mains")
        var waiting = WaitSet()
        var looks = 0
        var heardAt = clock.now()
        // A UPS that is not heard for long is no reason to stay away: the board is alive, so there is power.
        while looks < PowerThread.looksToStart, clock.now().since(heardAt) < PowerThread.longestRest, !isAsked() {
            feed()
            let sight = device == nil ? contacts() : sight()
            if sight != .unknown { heardAt = clock.now() }
            looks = sight == .mains ? looks + 1 : 0
            waiting.wait(atMost: PowerThread.lookEvery)
        }
        return .startAgain
    }

    private static let looksToStart = 2
    private static let longestRest = Interval.seconds(600)
}
