// Everything that a run needs. The ledger's lock comes early, so that a second controller touches nothing of the first;
// the register, whose import the ledger is to tell, comes late; then the boot record, and the watchdog last.
//
// Invariants: nothing here starts a thread or moves an output's relay; a failure of anything but the watchdog leaves
// the ledger's records as they were.

import Admission
import Configuration
import Crypto
import Domain
import Ledger
import Machine
import Registry

public final class Preparation {
    let began: Instant
    let stateFolder: String
    let ledgerFolder: String
    let files: any Files
    let signals: EndSignals
    let wallClock: WallClockWatch
    let watchdog: Watchdog?
    let ledger: LedgerWriter
    let consoleReader: LedgerReader
    let clockTrust: ClockTrust
    let wasRestartedForThread: Bool
    let knownCaptureKeys: [String]
    let register: Register
    /// What this run goes on without, for the console.
    let faults: [String]
    let lines: any LinePort
    let assembly: LaneAssembly
    let cameraEndpoint: CameraEndpoint
    let consoleEndpoint: ConsoleEndpoint

    /// - Parameter startedWatchdog: the one that the board has started; fed when the configuration names none.
    public init(
        settings: Settings, configuration: [UInt8], stateFolder: String, files: any Files, version: String,
        watchdog startedWatchdog: String? = nil, clock: any Clock, log: Log
    ) throws(StartFailure) {
        began = clock.now()
        self.files = files
        self.stateFolder = stateFolder
        ledgerFolder = stateFolder + "/ledger"
        guard settings.uplinks.count <= 1 else { throw .tooMany(what: "uplinks", count: settings.uplinks.count) }
        let startPath = stateFolder + "/start"
        let why: StartReason
        do throws(MachineError) {
            signals = try EndSignals()
            wallClock = try WallClockWatch()
        } catch { throw .machine(error) }
        do throws(MachineError) {
            try files.createFolder(stateFolder)
            why = StartReason(
                crash: try CrashRecord.open(stateFolder + "/crash", files: files),
                word: StartCause.word(startPath, files: files))
        } catch { throw .stateFolder(path: stateFolder, error) }
        wasRestartedForThread = why.crash?.hasPrefix(ThreadRestart.cause) == true
        do throws(LedgerError) {
            let folder = ledgerFolder
            ledger = try Preparation.withReserve(folder, files, log) { () throws(LedgerError) in
                try LedgerWriter(folder: folder, files: files, clock: clock, device: settings.site.device)
            }
        } catch { throw .ledger(error) }
        assembly = LaneAssembly(settings)
        do throws(MachineError) {
            lines = try Preparation.lines(settings, assembly)
        } catch { throw .lines(error) }
        do throws(MachineError) {
            cameraEndpoint = try CameraEndpoint(settings.web)
            consoleEndpoint = try ConsoleEndpoint(path: settings.console.socket ?? stateFolder + "/console.sock")
        } catch { throw .machine(error) }
        var imports: [LedgerNote] = []
        var faults: [String] = []
        let registerDatabase: RegisterDatabase?
        (register, registerDatabase) = RegisterLoading(files: files, log: log, importedAt: clock.wall()).load(
            settings.register, path: stateFolder + "/register.db",
            offsetMinutes: settings.site.utcOffsetMinutes, notes: &imports, faults: &faults)
        self.faults = faults
        do throws(LedgerError) {
            let reader = try LedgerReader(folder: ledgerFolder, files: files)
            consoleReader = reader
            clockTrust = ClockTrust(
                newest: try Preparation.reading { () throws(LedgerError) in try reader.newestWall() },
                now: clock.wall())
            if let note = clockTrust.noteAtStart(clock.wall()) { imports.append(note) }
            let (writer, notes, digest) = (ledger, imports, SHA256.digest(configuration))
            try Preparation.withReserve(ledgerFolder, files, log) { () throws(LedgerError) in
                try Preparation.reading { () throws(LedgerError) in
                    try Preparation.boot(writer, version, why, digest, notes, log)
                }
            }
            if let registerDatabase { Preparation.keep(registerDatabase, log) }
            CrashRecord.clear()
            StartCause.clear(startPath)
            AcceptedConfiguration.keep(settings, digest, stateFolder: stateFolder, files: files, log: log)
            try writer.keep(settings.admissionRules)
            knownCaptureKeys = try Preparation.reading { () throws(LedgerError) in
                try reader.knownCaptureKeys(limit: IdentityMatcher.maximumKeys)
            }
        } catch {
            // The next start sets it aside: this one would fail for ever.
            if error.isCorruption || error.isUnreadable, !ledger.condemn(error.description) {
                log.error("the ledger cannot be set aside")
            }
            throw .ledger(error)
        }
        // Last of all: once it runs, only the supervisor's feeding keeps the board up.
        do throws(MachineError) {
            let device = settings.watchdog.device ?? startedWatchdog
            watchdog = if let device { try Watchdog(path: device, timeout: settings.watchdog.timeout) } else { nil }
        } catch { throw .watchdog(error) }
        if let warning = watchdog?.warning, !warning.isEmpty { log.warning(warning) }
    }

    /// A read that failed once may succeed: a whole ledger is not given up for it.
    private static func reading<T>(_ work: () throws(LedgerError) -> T) throws(LedgerError) -> T {
        do throws(LedgerError) {
            return try work()
        } catch {
            guard error.isUnreadable else { throw error }
            return try work()
        }
    }

    /// On a full disk the ledger's reserve is given up, as it is while running: a gate that cannot tell that it began
    /// would not begin.
    private static func withReserve<T>(
        _ folder: String, _ files: any Files, _ log: Log, _ work: () throws(LedgerError) -> T
    ) throws(LedgerError) -> T {
        do throws(LedgerError) {
            return try work()
        } catch {
            let free = files.freeBytes(at: folder)
            let isFull = error.isFull || free.map { $0 < LedgerWriter.reserveBytes } == true
            guard isFull, LedgerWriter.releaseReserve(folder: folder, files: files) else { throw error }
            log.error("\(error.description); the ledger's reserve is given up: make room")
            return try work()
        }
    }

    private static func boot(
        _ ledger: LedgerWriter, _ version: String, _ why: StartReason, _ configuration: Digest,
        _ imports: [LedgerNote], _ log: Log
    ) throws(LedgerError) {
        let cause = why.cause(isFirst: ledger.head.sequence == 0)
        try ledger.begin()
        let interrupted = try ledger.appendBoot(version: version, cause: cause)
        try ledger.append(note: .configurationLoaded(file: configuration))
        for note in imports { try ledger.append(note: note) }
        try ledger.commit()
        log.info("boot \(ledger.bootNumber), \(cause); ledger at record \(ledger.head.sequence)")
        if let begun = ledger.generation {
            log.error("ledger generation \(begun.number) begun, \(begun.setAside) set aside: \(begun.reason)")
        }
        if interrupted > 0 { log.warning("\(interrupted) passages of the last run were cut short") }
    }

    /// What cannot be kept is in force all the same, from memory; the next start imports it again.
    private static func keep(_ register: RegisterDatabase, _ log: Log) {
        do throws(RegistryError) {
            try register.commit()
        } catch {
            log.error("register: \(error.description); what was imported is not kept: this start alone has it")
        }
    }

    private static func lines(_ settings: Settings, _ assembly: LaneAssembly) throws(MachineError) -> any LinePort {
        switch settings.lines.backend {
        case .socket(let path):
            return try SocketLines(path: path, inputs: assembly.inputCount, outputs: assembly.outputCount)
        case .gpio(let chip):
            return try GpioLines(
                chipPath: chip, inputs: assembly.inputNames, outputs: assembly.outputNames,
                electrics: LineElectrics(settings.lines))
        }
    }
}

/// Why this run began, as its boot record says it.
struct StartReason {
    /// What the last run's crash handler or supervisor left.
    let crash: String?
    /// What whoever starts the controller left.
    let word: String?

    /// The firmware's own word says most; then that of who started it.
    func cause(isFirst: Bool) -> String {
        if let crash { return crash.hasPrefix(ThreadRestart.cause) ? crash : "after a crash: " + crash }
        if isFirst { return "first start" }
        return word ?? "start"
    }
}

extension LedgerReader {
    /// The wall time of the newest record; nil of an empty ledger.
    fileprivate func newestWall() throws(LedgerError) -> WallTime? {
        guard let head = try head() else { return nil }
        return try records(from: head.sequence, limit: 1).first?.wall
    }
}

extension Register: RegisterLookup {}

extension LineElectrics {
    init(_ lines: LineSettings) {
        let bias: Bias =
            switch lines.inputBias {
            case .asIs: .asIs
            case .pullUp: .pullUp
            case .pullDown: .pullDown
            }
        self.init(inputBias: bias, outputsActiveLow: !lines.outputsActiveHigh, debounce: lines.debounce)
    }
}
