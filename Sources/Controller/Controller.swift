// The controller: it opens what a run needs, wires the rings, starts the threads, supervises, and ends orderly.
//
// Invariants: what can fail fails before the first thread starts, with one line that says what to do; the lane is live
// before the network, the uplink and the console; at the end the lane goes first, so that its last words are kept, and
// the ledger goes last.
// Limits: 8 lanes on one thread, a sign for each, and one uplink in this version.

import Admission
import Configuration
import DeviceProtocols
import Devices
import Domain
import LaneCore
import Ledger
import Machine
import Web

public final class Controller {
    private let settings: Settings
    private let parts: Preparation
    private let clock: any Clock
    private let log: Log
    private let version: String

    private let stop = Flag()
    private let ledgerStop = Flag()
    private var pulses: [Pulse] = []

    /// - Parameter parts: everything opened, by `Preparation`.
    public init(settings: Settings, parts: Preparation, clock: any Clock, log: Log, version: String) {
        self.settings = settings
        self.parts = parts
        self.clock = clock
        self.log = log
        self.version = version
    }

    /// Runs until a signal or the loss of the lines. Returns how it ended.
    public func run() throws(StartFailure) -> RunEnd {
        do throws(MachineError) {
            return try serve()
        } catch { throw .machine(error) }
    }

    private func serve() throws(MachineError) -> RunEnd {
        let rings = try Rings(
            uplinkGenerations: UplinkKeeper.maximumGenerations, signLanes: settings.signs.map { $0.lane })
        let shortfalls = Shortfalls()
        let started = clock.now()
        let laneStatuses = settings.lanes.map { LaneStatus($0.id) }
        let ledgerStatus = LedgerStatus()
        if settings.realtime.locksMemory, let errno = lockMemory() {
            shortfalls.note()
            log.warning("real time: memory is not locked: \(systemErrorText(errno))")
        }

        let lanePulse = pulse("lane", .milliseconds(1_000))
        let arms = parts.assembly.laneArms(boot: parts.ledger.bootNumber)
        keepTraces(arms)
        let laneThread = LaneThread(
            arms: arms, wiring: parts.assembly.wiring,
            lines: parts.lines, clock: clock, channels: rings.lane, stop: stop, pulse: lanePulse,
            statuses: laneStatuses)
        let laneHandle = try start("lane", shortfalls, settings.realtime) { laneThread.run() }

        let admissionPulse = pulse("admission", .seconds(5))
        let admissionThread = admissionThread(rings, admissionPulse)
        let admissionHandle = try start("admission", shortfalls) { admissionThread.run() }

        let ledgerPulse = pulse("ledger", .seconds(30))
        let ledgerThread = LedgerThread(
            writer: parts.ledger, keeping: LedgerKeeping(settings), gates: settings.lanes.map { gate($0) },
            channels: rings.ledger, clock: clock, stop: ledgerStop,
            pulse: ledgerPulse, status: ledgerStatus, log: log)
        let ledgerHandle = try start("ledger", shortfalls) { ledgerThread.run() }

        var others: [Thread] = []
        for sign in settings.signs {
            if let channels = rings.signs[Int(sign.lane.index)] {
                others.append(try startSign(sign, channels, shortfalls))
            }
        }
        let netPulse = pulse("net", .seconds(10))
        others.append(try startNet(rings, netPulse, shortfalls))
        let uplinks = startUplinks(rings)
        let consolePulse = pulse("console", .seconds(10))
        let overview = Overview(
            version: version, started: started, lanes: laneStatuses, traces: arms.map { $0.trace },
            ledger: ledgerStatus, pulses: pulses,
            destinations: settings.uplinks.map { destinationName($0) }, shortfalls: shortfalls)
        others.append(try startConsole(overview, rings.orders, consolePulse, shortfalls))
        log.info("\(settings.lanes.count) lanes live \(clock.now().since(parts.began).milliseconds) ms after start")

        let health = HealthReports(laneStatuses, rings.ledger.notes, started: started)
        let supervisor = Supervisor(
            clock: clock, log: log, signals: parts.signals, wallClock: parts.wallClock, watchdog: parts.watchdog,
            critical: [lanePulse, admissionPulse, ledgerPulse],
            others: pulses.filter { !["lane", "admission", "ledger"].contains($0.name) },
            laneThread: laneThread, laneStatus: laneStatuses, uplinks: uplinks, notes: rings.ledger.notes,
            schedule: HoldSchedule(settings, rings.scheduled), health: health)
        let end = supervisor.run()

        for status in laneStatuses { log.info("lane \(status.lane.index + 1): \(status.latency.line)") }
        stop.raise()
        rings.ringAll()
        for uplink in uplinks { uplink.stop() }
        for thread in [laneHandle, admissionHandle] + others {
            if !thread.join(within: .seconds(5)) { log.warning("a thread did not end in time") }
            supervisor.feed()
        }
        health.tellAll(clock.now())
        _ = rings.ledger.notes.push(.note(.shutdown(cause: end.cause)))
        ledgerStop.raise()
        rings.ledger.bell.ring()
        if !ledgerHandle.join(within: .seconds(20)) { log.error("the ledger thread did not end in time") }
        return end
    }

    // MARK: threads

    private func pulse(_ name: String, _ limit: Interval) -> Pulse {
        let pulse = Pulse(name, limit: limit, now: clock.now())
        pulses.append(pulse)
        return pulse
    }

    private func start(
        _ name: String, _ shortfalls: Shortfalls, _ realtime: RealtimeSettings? = nil,
        _ body: @escaping @Sendable () -> Void
    ) throws(MachineError) -> Thread {
        var threadSettings = ThreadSettings(name: name)
        threadSettings.fifoPriority = realtime?.lanePriority
        threadSettings.cpu = realtime?.laneCPU
        let log = log
        return try Thread(
            threadSettings,
            shortfall: { shortfall in
                shortfalls.note()
                log.warning("real time: \(name) has no \(shortfall.what): \(systemErrorText(shortfall.errno))")
            }, body)
    }

    /// A trace that cannot be kept for the time after a crash is said, and no reason to keep the gate shut.
    private func keepTraces(_ arms: [LaneArm]) {
        for arm in arms {
            do throws(MachineError) {
                try arm.trace.keepThroughCrash(
                    parts.stateFolder + "/lane-\(arm.lane.index + 1).trace", files: parts.files)
            } catch {
                log.warning("lane \(arm.lane.index + 1): no trace after a crash: \(error.description)")
            }
        }
    }

    private func admissionThread(_ rings: Rings, _ pulse: Pulse) -> AdmissionThread {
        AdmissionThread(
            lanes: settings.lanes.map { ($0.id, $0.direction) }, register: parts.register,
            policy: Policy(minimumStage: settings.policy.minimumStage), knownKeys: parts.knownCaptureKeys,
            channels: rings.admission, clock: clock,
            stop: stop, pulse: pulse, log: log)
    }

    private func startSign(_ sign: Configuration.SignSettings, _ channels: SignChannels, _ shortfalls: Shortfalls)
        throws(MachineError) -> Thread
    {
        let port = SerialLine(SerialSettings(path: sign.port, baud: UInt32(sign.baud)))
        var driverSettings = Devices.SignSettings()
        driverSettings.address = sign.address
        driverSettings.expectsAcknowledgement = sign.expectsAcknowledgement
        let driver = SignDriver(port: port, clock: clock, settings: driverSettings)
        let name = "sign \(sign.number)"
        let thread = SignThread(
            name: name, driver: driver, channels: channels, clock: clock, stop: stop, pulse: pulse(name, .seconds(10)),
            log: log)
        return try start(name, shortfalls) { thread.run() }
    }

    private func startNet(_ rings: Rings, _ pulse: Pulse, _ shortfalls: Shortfalls) throws(MachineError) -> Thread {
        let leads = settings.cameras.map { (camera: cameraName($0), lead: $0.lead) }
        let net = NetThread(channels: rings.net, leads: leads, clock: clock, stop: stop, pulse: pulse)
        let receiver = CameraReceiver(routes: settings.cameras.map { CameraRoute($0) }, sink: net)
        let endpoint = parts.cameraEndpoint
        endpoint.handler = receiver
        let log = log
        return try start("net", shortfalls) {
            do throws(MachineError) {
                try net.run(endpoint.loop)
                endpoint.close()
            } catch {
                log.error("net: \(error.description)")
            }
        }
    }

    private func startUplinks(_ rings: Rings) -> [UplinkKeeper] {
        var keepers: [UplinkKeeper] = []
        for (uplink, trust) in zip(settings.uplinks, parts.trusts) {
            let setup = UplinkSetup(
                uplink, trust, gateCodes: settings.lanes.map { $0.gateCode },
                utcOffsetMinutes: settings.site.utcOffsetMinutes, parts: parts)
            let keeper = UplinkKeeper(
                setup, rings: rings, clock: clock, log: log, pulse: pulse("uplink", .seconds(20)))
            keeper.start()
            keepers.append(keeper)
        }
        return keepers
    }

    private func startConsole(
        _ overview: Overview, _ orders: OrderChannels, _ pulse: Pulse, _ shortfalls: Shortfalls
    ) throws(MachineError) -> Thread {
        let console = ConsoleThread(
            overview: overview, desk: OrderDesk(orders, clock: clock), reader: parts.consoleReader, clock: clock,
            stop: stop, pulse: pulse)
        let endpoint = parts.consoleEndpoint
        endpoint.source = console
        let log = log
        return try start("console", shortfalls) {
            do throws(MachineError) {
                try console.run(endpoint.loop)
                endpoint.close()
            } catch {
                log.error("console: \(error.description)")
            }
        }
    }

    private func gate(_ lane: LaneSettings) -> LaneGate {
        LaneGate(
            lane: lane.id, direction: lane.direction,
            codes: GateCodes(
                enterpriseID: settings.site.enterpriseID, enterpriseName: settings.site.enterpriseName,
                entranceGateCode: lane.entranceGate, gateCode: lane.gateCode),
            videoChannel: lane.videoChannel)
    }
}

extension LedgerKeeping {
    init(_ settings: Settings) {
        let ledger = settings.ledger
        self.init(
            sealInterval: ledger.sealInterval,
            retention: RetentionPolicy(
                recordDays: ledger.recordDays, photoDays: ledger.photoDays,
                destinations: settings.uplinks.map { destinationName($0) }),
            databaseLimitBytes: ledger.sizeLimitBytes, photoLimitBytes: ledger.photoLimitBytes,
            whenFull: ledger.stopsWhenFull ? .stop : .goOn)
    }
}

extension RunEnd {
    var cause: String {
        switch self {
        case .signal(let signal): "signal \(signal)"
        case .linesLost(let error): "lines lost: \(error.description)"
        }
    }
}

extension CameraRoute {
    init(_ camera: CameraSettings) {
        let make: CameraMake =
            switch camera.make {
            case .vzenith: .vzenith
            case .hikvision: .hikvision
            }
        self.init(path: camera.path, make: make, lane: camera.lane, name: cameraName(camera), address: camera.address)
    }
}

func cameraName(_ camera: CameraSettings) -> String { "camera \(camera.number)" }

/// What the ledger calls a destination; it stays when the address changes.
public func destinationName(_ uplink: UplinkSettings) -> String { "uplink-\(uplink.number)" }
