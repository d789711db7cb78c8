// The uplink thread of one destination, and its keeper.
//
// Invariants: a stalled uplink is cut off, and if that does not wake it, given up and started anew, alone; each
// generation has a reader, a loop, a connection and a ring of receipts of its own, so that an old one that wakes up
// late can neither write into the new one's ring nor move its state.
// Limits: eight generations a run; after that the uplink stays down, and the log, the console and the ledger say so.

import Configuration
import Crypto
import Domain
import Ledger
import Machine
import PlatformProtocols
import Synchronization
import Uplink

/// An uplink, as the console shows it and an update's self-test judges it.
final class UplinkReach: Sendable {
    private enum State {
        static let untried: UInt8 = 0
        static let reached: UInt8 = 1
        static let away: UInt8 = 2
        static let untrusted: UInt8 = 3
    }

    let destination: String
    private let state = Atomic<UInt8>(State.untried)

    init(_ destination: String) {
        self.destination = destination
    }

    func show(isOutage: Bool, isConnected: Bool) {
        // A new life of the uplink knows neither, and changes nothing.
        guard isOutage || isConnected else { return }
        state.store(isOutage ? State.away : State.reached, ordering: .relaxed)
    }

    /// Its password or certificates do not serve, or serve again.
    func show(isTrusted: Bool) {
        if !isTrusted {
            state.store(State.untrusted, ordering: .relaxed)
        } else if state.load(ordering: .relaxed) == State.untrusted {
            state.store(State.untried, ordering: .relaxed)
        }
    }

    var word: String {
        switch state.load(ordering: .relaxed) {
        case State.reached: "in reach"
        case State.away: "out of reach"
        case State.untrusted: "out of reach, its password or certificates cannot be used: see the log"
        default: "not reached yet"
        }
    }
}

/// One life of the uplink. Everything in it is used by its own thread, but for the flag, the pulse and the cut-off.
private final class UplinkGeneration: ReceiptSink, @unchecked Sendable {
    let stop = Flag()
    let cutoff = SocketCutoff()
    private let pulse: Pulse
    private let clock: any Clock
    private let log: Log
    private let bell: Wakeup
    private let receipts: Ring<Receipt>
    private let loop: EventLoop
    private let delivery: LedgerDelivery
    private let setup: UplinkSetup
    private let reach: UplinkReach

    private static let tick = Interval.milliseconds(500)

    init(
        _ setup: UplinkSetup, receipts: Ring<Receipt>, bell: Wakeup, pulse: Pulse, clock: any Clock, log: Log
    ) throws(MachineError) {
        self.pulse = pulse
        self.clock = clock
        self.log = log
        self.bell = bell
        self.receipts = receipts
        do throws(LedgerError) {
            let reader = try LedgerReader(folder: setup.ledgerFolder, files: setup.files)
            delivery = LedgerDelivery(reader: reader, destination: setup.destination)
        } catch {
            throw .library(name: "ledger", subject: setup.destination, reason: error.description)
        }
        loop = try EventLoop()
        self.setup = setup
        reach = setup.reach
    }

    /// Nil when the run ends before they can be used.
    private func trust() -> UplinkTrust? {
        var found: UplinkTrust?
        let start = PartStart(subject: setup.destination, clock: clock, stop: stop, pulse: pulse, log: log)
        let isFound = start.begin({ self.give(.note($0)) }) {
            do throws(UplinkTrustFault) {
                found = try UplinkTrust(setup.settings, files: setup.files, now: clock.wall())
                reach.show(isTrusted: true)
                return nil
            } catch {
                reach.show(isTrusted: false)
                return error.description
            }
        }
        return isFound ? found : nil
    }

    func run() {
        guard let trust = trust() else { return }
        let power = setup.power
        do throws(MachineError) {
            let client = try HTTPClient(
                loop: loop, host: setup.settings.url.host, port: setup.settings.url.port,
                secure: SecureLayer(trust.context), cutoff: cutoff)
            var platform = setup.platform
            platform.password = trust.password
            let drain = Drain(
                source: delivery, transport: client, platform: TransportControl(platform), settings: setup.drain,
                clock: clock, alarm: LoopAlarm(loop), sink: self)
            let bellWatch = try loop.watch(readable: bell.fileDescriptor) {
                self.bell.take()
                drain.ledgerMoved()
            }
            let tickWatch = try loop.timer(UplinkGeneration.tick, repeats: true) {
                self.pulse.beat(self.clock.now())
                drain.hold(power.isShedding.load(ordering: .relaxed))
                self.reach.show(isOutage: drain.status.isOutage, isConnected: drain.status.isConnected)
                if self.stop.isRaised { self.loop.stop() }
            }
            drain.start()
            loop.run()
            drain.stop()
            bellWatch.cancel()
            tickWatch.cancel()
        } catch {
            log.error("uplink: \(error.description)")
        }
    }

    // MARK: ReceiptSink

    func confirm(destination: String, sequence: UInt64, step: UInt32) {
        give(.confirmed(destination: destination, sequence: sequence, step: step))
    }

    func quarantine(destination: String, sequence: UInt64, step: UInt32, reason: String) {
        log.warning("\(destination): record \(sequence) step \(step) set aside: \(reason)")
        give(.quarantined(destination: destination, sequence: sequence, step: step, reason: reason))
    }

    func outageBegan(destination: String, reason: String) {
        log.warning("\(destination): out of reach: \(reason)")
        give(.note(.uplinkState(destination: destination, isReachable: false, detail: reason)))
    }

    func outageEnded(destination: String) {
        log.info("\(destination): in reach again")
        give(.note(.uplinkState(destination: destination, isReachable: true, detail: "")))
    }

    /// A receipt that finds the ring full is given again by the drain, whose cursor has not moved.
    private func give(_ receipt: Receipt) {
        if !receipts.push(receipt) { log.warning("a receipt found its ring full") }
    }
}

/// What every generation of one uplink is made from.
struct UplinkSetup {
    let destination: String
    let settings: UplinkSettings
    let ledgerFolder: String
    let files: any Files
    /// Without the password, which comes with the rest of its credentials.
    let platform: TransportControlSettings
    let drain: DrainSettings
    let power: PowerStatus
    let reach: UplinkReach

    init(
        _ settings: UplinkSettings, gateCodes: [String], utcOffsetMinutes: Int, parts: Preparation,
        power: PowerStatus, reach: UplinkReach
    ) {
        destination = reach.destination
        self.reach = reach
        self.settings = settings
        self.power = power
        ledgerFolder = parts.ledgerFolder
        files = parts.files
        var platformSettings = TransportControlSettings(
            organ: settings.organ, username: settings.username, password: "", gateCodes: gateCodes)
        platformSettings.pathPrefix = settings.url.prefix
        platformSettings.utcOffsetMinutes = utcOffsetMinutes
        platformSettings.duplicateWords = settings.duplicateWords
        platformSettings.witnessMember = settings.witnessMember
        platform = platformSettings
        var drain = DrainSettings(destination: destination, seed: parts.began.nanoseconds)
        drain.faultPause = BackOff(first: settings.retryFirst, limit: settings.retryLimit)
        drain.refusalLimit = settings.refusalsBeforeQuarantine
        self.drain = drain
    }
}

/// Keeps one uplink going. Used by the supervisor's thread.
final class UplinkKeeper {
    static let maximumGenerations = 8
    /// How long a generation that was cut off has to come back.
    private static let grace = Interval.seconds(20)

    private let setup: UplinkSetup
    private let rings: Rings
    private let clock: any Clock
    private let log: Log
    private let pulse: Pulse
    private var generation: UplinkGeneration?
    private var thread: Thread?
    private var generations = 0
    private var cutAt: Instant?
    private var isGivenUp = false

    init(_ setup: UplinkSetup, rings: Rings, clock: any Clock, log: Log, pulse: Pulse) {
        self.setup = setup
        self.rings = rings
        self.clock = clock
        self.log = log
        self.pulse = pulse
    }

    /// Starts the next generation. One that cannot start is tried again like one that stalled.
    func start() {
        let number = generations
        generations += 1
        cutAt = nil
        do throws(MachineError) {
            let next = try UplinkGeneration(
                setup, receipts: rings.receipts[number], bell: rings.uplinkBell, pulse: pulse, clock: clock, log: log)
            thread = try Thread(ThreadSettings(name: "uplink"), shortfall: { _ in }) { next.run() }
            generation = next
        } catch {
            log.error("\(setup.destination): \(error.description)")
        }
    }

    func check(_ now: Instant) {
        guard pulse.age(now) > pulse.limit else {
            cutAt = nil
            return
        }
        guard let cutAt else {
            log.warning("\(setup.destination): stalled; its connection is cut off")
            generation?.cutoff.cut()
            self.cutAt = now
            return
        }
        guard now.since(cutAt) > UplinkKeeper.grace, !isGivenUp else { return }
        guard generations < UplinkKeeper.maximumGenerations else {
            isGivenUp = true
            log.error(
                "\(setup.destination): stays down until the controller is started anew; the ledger keeps its rows")
            return
        }
        log.error("\(setup.destination): does not come back; a new thread takes over")
        generation?.stop.raise()
        pulse.beat(now)
        start()
    }

    func stop() {
        generation?.stop.raise()
        rings.uplinkBell.ring()
        if let thread, !thread.join(within: .seconds(5)) { log.warning("\(setup.destination) did not end in time") }
    }
}
