// The controller: it opens what a run needs, wires the rings, starts the threads, supervises, and ends orderly.
//
// Invariants: what can fail fails before the first thread starts, with one line that says what to do; the lane is live
// before the network, the uplink and the console; at the end the lane goes first, so that its last words are kept, and
// the ledger goes last. A lane that does not end leaves no output on, and the run does not end well.
// Limits: 8 lanes on one pair of threads, a sign and a tag reader for each, and one uplink in this version.

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
            uplinkGenerations: UplinkKeeper.maximumGenerations, signLanes: settings.signs.map { $0.lane },
            readerCount: settings.readers.count)
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
        let realtime = settings.realtime
        let laneHandle = try start("lane", shortfalls, fifo: realtime.lanePriority, cpu: realtime.laneCPU) {
            laneThread.run()
        }
        // Below the lane: it holds up no edge, and the lane's turns let it come.
        let alarmHandle = try start(
            "lane alarm", shortfalls, fifo: realtime.lanePriority - 1, cpu: realtime.laneCPU
        ) { laneThread.runAlarm() }
        confine(.never, log)

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
        let signStatuses = settings.signs.map { SignStatus("sign \($0.number)") }
        for (sign, status) in zip(settings.signs, signStatuses) {
            if let channels = rings.signs[Int(sign.lane.index)] {
                others.append(try startSign(sign, channels, status, ledgerStatus, shortfalls))
            }
        }
        let readerStatuses = settings.readers.map { ReaderStatus(readerName($0)) }
        for index in readerStatuses.indices {
            others.append(
                try startReader(settings.readers[index], rings.readers[index], readerStatuses[index], shortfalls))
        }
        let netPulse = pulse("net", .seconds(10))
        others.append(try startNet(rings, netPulse, shortfalls))
        let power = PowerStatus()
        let reaches = settings.uplinks.map { UplinkReach(destinationName($0)) }
        let uplinks = startUplinks(rings, power, reaches)
        let powerThread = try startPower(rings.power, laneStatuses, power, shortfalls)
        let backup = try startBackup(rings, shortfalls)
        let consolePulse = pulse("console", .seconds(10))
        let overview = Overview(
            version: version, started: started, lanes: laneStatuses, traces: arms.map { $0.trace },
            ledger: ledgerStatus, pulses: pulses, uplinks: reaches, shortfalls: shortfalls,
            power: settings.ups == nil ? nil : power, readers: readerStatuses, signs: signStatuses,
            cameras: parts.cameraEndpoint.status, faultsAtStart: parts.faults, clockTrust: parts.clockTrust,
            leftAside: settings.leftAside)
        others.append(try startConsole(overview, rings, consolePulse, shortfalls))
        let check = startCheck(rings.checks, ledgerStatus.check, shortfalls)
        log.info("\(settings.lanes.count) lanes live \(clock.now().since(parts.began).milliseconds) ms after start")

        let health = HealthReports(laneStatuses, rings.ledger.notes, ledger: ledgerStatus, started: started)
        let supervisor = Supervisor(
            clock: clock, log: log, signals: parts.signals, wallClock: parts.wallClock, watchdog: parts.watchdog,
            critical: [lanePulse, admissionPulse, ledgerPulse],
            others: pulses.filter { !["lane", "admission", "ledger"].contains($0.name) },
            laneThread: laneThread, laneStatus: laneStatuses, uplinks: uplinks, notes: rings.ledger.notes,
            schedule: HoldSchedule(settings, rings.scheduled), health: health, power: power,
            clockTrust: parts.clockTrust,
            restart: ThreadRestart(now: clock.now(), wasJustDone: parts.wasRestartedForThread))
        var end = supervisor.run()

        for status in laneStatuses { log.info("lane \(status.lane.index + 1): \(status.latency.line)") }
        stop.raise()
        rings.ringAll()
        for uplink in uplinks { uplink.stop() }
        check?.work.stop()
        if let check { others.append(check.thread) }
        end = endLane(laneThread, [laneHandle, alarmHandle], end, supervisor)
        for thread in [admissionHandle] + others {
            if !join(thread, within: .seconds(5), supervisor) { log.warning("a thread did not end in time") }
        }
        // What waits for a medium that hangs is left behind.
        if let backup, !join(backup, within: .seconds(2), supervisor) {
            log.warning("the backup hangs and is left behind: look at its medium")
        }
        if case .threadGone = end { CrashRecord.leave(end.cause) }
        health.tellAll(clock.now())
        _ = rings.ledger.notes.push(.note(.shutdown(cause: end.cause)))
        ledgerStop.raise()
        rings.ledger.bell.ring()
        if !join(ledgerHandle, within: .seconds(20), supervisor) { log.error("the ledger thread did not end in time") }
        guard let powerThread else { return end }
        return leave(powerThread, end, supervisor)
    }

    /// Whatever the lane's threads hang in, and whatever output they could not reach: all go off. Nobody looks at their
    /// heartbeats any more.
    private func endLane(_ lane: LaneThread, _ threads: [Thread], _ end: RunEnd, _ supervisor: Supervisor) -> RunEnd {
        var end = end
        if !threads.allSatisfy({ join($0, within: .seconds(5), supervisor) }) {
            end = .laneHung
        } else if lane.hasFailed.isRaised, let failure = lane.failure {
            // With an empty battery the UPS is more urgent than the lines.
            if case .signal = end { end = .linesLost(failure) }
        } else {
            return end
        }
        CrashRecord.write(end.cause)
        log.error("\(end.cause): all outputs were told to go off")
        return end
    }

    /// The last word goes to the UPS, when the ledger is closed.
    private func leave(_ power: (PowerThread, Thread), _ end: RunEnd, _ supervisor: Supervisor) -> RunEnd {
        // A UPS that babbles is listened to for some time.
        let hasEnded = join(power.1, within: .seconds(60), supervisor)
        guard case .powerOff = end else { return end }
        guard hasEnded else { return .powerBack }
        let assembly = parts.assembly
        let lines = parts.lines
        let isGone = power.0.finish(
            contacts: { mainsContacts(assembly, lines) }, feed: supervisor.feed,
            isAsked: { self.parts.signals.take() != nil })
        return isGone == .goesOff ? .powerOff : .powerBack
    }

    /// Waits for a thread's end, and keeps the watchdog fed meanwhile.
    private func join(_ thread: Thread, within limit: Interval, _ supervisor: Supervisor) -> Bool {
        let began = clock.now()
        repeat {
            supervisor.feed()
            if thread.join(within: .milliseconds(500)) { return true }
        } while clock.now().since(began) < limit
        return false
    }

    // MARK: threads

    private func pulse(_ name: String, _ limit: Interval) -> Pulse {
        let pulse = Pulse(name, limit: limit, now: clock.now())
        pulses.append(pulse)
        return pulse
    }

    private func start(
        _ name: String, _ shortfalls: Shortfalls, fifo: Int? = nil, cpu: Int? = nil, isBackground: Bool = false,
        _ body: @escaping @Sendable () -> Void
    ) throws(MachineError) -> Thread {
        var threadSettings = ThreadSettings(name: name)
        threadSettings.isBackground = isBackground
        threadSettings.fifoPriority = fifo
        threadSettings.cpu = cpu
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
            tagRules: settings.tagRules, channels: rings.admission, clock: clock,
            clockTrust: parts.clockTrust, stop: stop, pulse: pulse, log: log)
    }

    private func startReader(
        _ reader: ReaderSettings, _ channels: ReaderChannels, _ status: ReaderStatus, _ shortfalls: Shortfalls
    ) throws(MachineError) -> Thread {
        let thread = ReaderThread(
            lane: reader.lane, driver: TagReader(reader, clock: clock), interval: reader.poll, channels: channels,
            status: status, clock: clock, stop: stop, pulse: pulse(status.name, .seconds(20)), log: log)
        return try start(status.name, shortfalls) { thread.run() }
    }

    private func startSign(
        _ sign: Configuration.SignSettings, _ channels: SignChannels, _ status: SignStatus, _ ledger: LedgerStatus,
        _ shortfalls: Shortfalls
    ) throws(MachineError) -> Thread {
        let port = SerialLine(SerialSettings(path: sign.port, baud: UInt32(sign.baud)))
        var driverSettings = Devices.SignSettings()
        driverSettings.address = sign.address
        driverSettings.expectsAcknowledgement = sign.expectsAcknowledgement
        let driver = SignDriver(port: port, clock: clock, settings: driverSettings)
        let thread = SignThread(
            driver: driver, channels: channels, status: status, ledger: ledger, clock: clock, stop: stop,
            pulse: pulse(status.name, .seconds(10)), log: log)
        return try start(status.name, shortfalls) { thread.run() }
    }

    private func startNet(_ rings: Rings, _ pulse: Pulse, _ shortfalls: Shortfalls) throws(MachineError) -> Thread {
        let leads = settings.cameras.map { (camera: cameraName($0), lead: $0.lead) }
        let net = NetThread(channels: rings.net, leads: leads, clock: clock, stop: stop, pulse: pulse)
        let receiver = CameraReceiver(routes: settings.cameras.map { CameraRoute($0) }, sink: net)
        let endpoint = parts.cameraEndpoint
        endpoint.handler = receiver
        let log = log
        let begins = PartStart(subject: endpoint.status.name, clock: clock, stop: stop, pulse: pulse, log: log)
        return try start("net", shortfalls) {
            // Before it gives up making sockets.
            guard begins.begin({ _ = rings.cameraNotes.push(.note($0)) }, endpoint.listen) else { return }
            confine(.closed, log)
            do throws(MachineError) {
                try net.run(endpoint.loop)
                endpoint.close()
            } catch {
                log.error("net: \(error.description)")
            }
        }
    }

    /// Nil without a UPS.
    private func startPower(
        _ channels: PowerChannels, _ lanes: [LaneStatus], _ status: PowerStatus, _ shortfalls: Shortfalls
    ) throws(MachineError) -> (PowerThread, Thread)? {
        guard let ups = settings.ups else { return nil }
        let thread = PowerThread(
            device: try upsDevice(ups.line, clock), policy: PowerPolicy(ups), channels: channels, lanes: lanes,
            arms: settings.lanes.filter { $0.arm != nil }.map { $0.id }, status: status, files: parts.files,
            marker: parts.stateFolder + "/power", clock: clock, stop: stop, pulse: pulse("power", .seconds(60)),
            log: log)
        return (thread, try start("power", shortfalls) { thread.run() })
    }

    private func startUplinks(_ rings: Rings, _ power: PowerStatus, _ reaches: [UplinkReach]) -> [UplinkKeeper] {
        if !settings.uplinks.contains(where: { $0.witnessMember != nil }) {
            log.info(
                "no uplink carries the ledger's head: no platform is its witness; uplink.N.witness_member makes it one")
        }
        var keepers: [UplinkKeeper] = []
        for (uplink, reach) in zip(settings.uplinks, reaches) {
            let setup = UplinkSetup(
                uplink, gateCodes: settings.lanes.map { $0.gateCode },
                utcOffsetMinutes: settings.site.utcOffsetMinutes, parts: parts, power: power, reach: reach)
            let keeper = UplinkKeeper(
                setup, rings: rings, clock: clock, log: log, pulse: pulse("uplink", .seconds(20)))
            keeper.start()
            keepers.append(keeper)
        }
        return keepers
    }

    /// Nil when none is configured.
    private func startBackup(_ rings: Rings, _ shortfalls: Shortfalls) throws(MachineError) -> Thread? {
        guard let wanted = settings.backup else { return nil }
        let backup = BackupThread(
            settings: wanted, offsetMinutes: settings.site.utcOffsetMinutes, stateFolder: parts.stateFolder,
            files: DiskFiles(), streams: DiskFiles(), channels: rings.backup, clock: clock, stop: stop,
            pulse: pulse("backup", BackupThread.pulseLimit), log: log)
        return try start("backup", shortfalls, isBackground: true) { backup.run() }
    }

    private func startConsole(
        _ overview: Overview, _ rings: Rings, _ pulse: Pulse, _ shortfalls: Shortfalls
    ) throws(MachineError) -> Thread {
        let console = ConsoleThread(
            overview: overview, desk: OrderDesk(rings.orders, clock: clock), reader: parts.consoleReader,
            backups: rings.backup.states, notes: rings.logins, clock: clock, stop: stop, pulse: pulse)
        let endpoint = parts.consoleEndpoint
        endpoint.source = console
        let log = log
        let begins = PartStart(subject: "console", clock: clock, stop: stop, pulse: pulse, log: log)
        return try start("console", shortfalls) {
            guard begins.begin({ _ = rings.logins.push(.note($0)) }, endpoint.listen) else { return }
            do throws(MachineError) {
                try console.run(endpoint.loop)
                endpoint.close()
            } catch {
                log.error("console: \(error.description)")
            }
        }
    }

    /// The ledger's check can wait: one that cannot start is told, and no reason to keep the gate shut.
    private func startCheck(
        _ results: Ring<Receipt>, _ status: LedgerCheckStatus, _ shortfalls: Shortfalls
    ) -> (work: LedgerCheck, thread: Thread)? {
        do throws(LedgerError) {
            let reader = try LedgerReader(folder: parts.ledgerFolder, files: parts.files)
            do throws(MachineError) {
                let check = try LedgerCheck(reader, results: results, status: status, clock: clock, log: log)
                return (check, try start("ledger check", shortfalls, isBackground: true) { check.run() })
            } catch {
                log.error("ledger check: \(error.description)")
            }
        } catch {
            log.error("ledger check: \(error.description)")
        }
        return nil
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

/// The calling thread, and those that it starts from here on. The lane's two are not among them: they read nothing
/// foreign, and a filter would stand between an edge and its relay.
private func confine(_ confinement: Confinement, _ log: Log) {
    guard let errno = giveUp(confinement) else { return }
    log.warning(
        "threads keep system calls that they do not need: \(systemErrorText(errno)); gatewarden check says how to get "
            + "the kernel's filters")
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
        case .laneHung: "the lane's threads hang"
        case .threadGone(let name): ThreadRestart.cause + name
        case .powerOff, .powerBack: "the battery is nearly empty"
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
