// Everything that a run needs. The ledger's lock comes early, so that a second controller touches nothing of the first;
// the register, whose import the ledger is to tell, comes late; then the boot record, and the watchdog last.
//
// Invariants: nothing here starts a thread or moves an output's relay; a failure of anything but the watchdog leaves
// the ledger's records as they were.

import Admission
import Configuration
import Console
import Crypto
import Domain
import Ledger
import Machine
import Registry
import Web

/// The network side of the cameras, opened early and served later.
final class CameraEndpoint: HTTPHandler, @unchecked Sendable {
    let loop: EventLoop
    private var server: HTTPServer?
    /// Set before the loop runs.
    var handler: (any HTTPHandler)?

    init(_ web: WebSettings) throws(MachineError) {
        loop = try EventLoop()
        var limits = HTTPServerLimits.standard
        limits.bodyBytes = web.bodyLimitBytes
        server = try HTTPServer(loop: loop, address: web.address, port: web.port, limits: limits, handler: self)
    }

    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        if let handler {
            handler.handle(request, exchange)
        } else {
            exchange.answer(HTTPResponse(status: 503, contentType: "text/plain", body: Array("starting\n".utf8)))
        }
    }

    func close() {
        server?.close()
        server = nil
        handler = nil
    }
}

/// The console's socket, opened early and served later.
final class ConsoleEndpoint: ConsoleSource, @unchecked Sendable {
    let loop: EventLoop
    private var server: ConsoleServer?
    /// Set before the loop runs.
    var source: (any ConsoleSource)?

    init(path: String) throws(MachineError) {
        loop = try EventLoop()
        server = try ConsoleServer(loop: loop, path: path, source: self)
    }

    func answer(_ command: ConsoleCommand) -> [String] {
        source?.answer(command) ?? ["starting"]
    }

    func opened(_ session: Int, from: String) { source?.opened(session, from: from) }
    func closed(_ session: Int) { source?.closed(session) }

    func close() {
        server?.close()
        server = nil
        source = nil
    }
}

private let authorityFileLimit = 1_024 * 1_024

/// One platform's credentials, read once at start.
struct UplinkTrust {
    let context: TLSClientContext
    let password: String
}

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
    let knownCaptureKeys: [String]
    let register: Register
    let lines: any LinePort
    let assembly: LaneAssembly
    let trusts: [UplinkTrust]
    let cameraEndpoint: CameraEndpoint
    let consoleEndpoint: ConsoleEndpoint

    public init(
        settings: Settings, configuration: [UInt8], stateFolder: String, files: any Files, version: String,
        clock: any Clock, log: Log
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
        do throws(LedgerError) {
            ledger = try LedgerWriter(folder: ledgerFolder, files: files, clock: clock, device: settings.site.device)
        } catch { throw .ledger(error) }
        trusts = try Preparation.trusts(settings, files, clock)
        assembly = LaneAssembly(settings)
        do throws(MachineError) {
            lines = try Preparation.lines(settings, assembly)
        } catch { throw .lines(error) }
        do throws(MachineError) {
            cameraEndpoint = try CameraEndpoint(settings.web)
        } catch { throw .listen(address: "\(settings.web.address):\(settings.web.port)", error) }
        do throws(MachineError) {
            consoleEndpoint = try ConsoleEndpoint(path: settings.console.socket ?? stateFolder + "/console.sock")
        } catch { throw .console(error) }
        var imports: [LedgerNote] = []
        let registerDatabase: RegisterDatabase
        do throws(RegistryError) {
            let loading = RegisterLoading(files: files, log: log, importedAt: clock.wall())
            (register, registerDatabase) = try loading.load(
                settings.register, path: stateFolder + "/register.db",
                offsetMinutes: settings.site.utcOffsetMinutes, notes: &imports)
        } catch { throw .register(error) }
        do throws(LedgerError) {
            let (writer, notes, digest) = (ledger, imports, SHA256.digest(configuration))
            try Preparation.reading { () throws(LedgerError) in
                try Preparation.boot(writer, version, why, digest, notes, log)
            }
            Preparation.keep(registerDatabase, log)
            CrashRecord.clear()
            StartCause.clear(startPath)
            AcceptedConfiguration.keep(settings, digest, stateFolder: stateFolder, files: files, log: log)
            try writer.keep(settings.admissionRules)
            let reader = try LedgerReader(folder: ledgerFolder, files: files)
            consoleReader = reader
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
            let device = settings.watchdog.device
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

    private static func trusts(_ settings: Settings, _ files: any Files, _ clock: any Clock)
        throws(StartFailure) -> [UplinkTrust]
    {
        var trusts: [UplinkTrust] = []
        for uplink in settings.uplinks {
            let password: [UInt8]
            do throws(MachineError) {
                password = try files.read(uplink.passwordFile, limit: 1_024)
            } catch { throw .passwordFile(error) }
            let text = String(validating: password.prefix { $0 != 0x0A && $0 != 0x0D }, as: UTF8.self)
            guard let text else { throw .password(path: uplink.passwordFile, reason: "is no text in UTF-8") }
            guard !text.isEmpty else { throw .password(path: uplink.passwordFile, reason: "its first line is empty") }
            do throws(MachineError) {
                // OpenSSL opens it again; a pipe or a folder must not come to it.
                _ = try files.read(uplink.caFile, limit: authorityFileLimit)
            } catch { throw .authorityFile(error) }
            do throws(CryptoError) {
                let context = try TLSClientContext(
                    TLSClientSettings(authorityFile: uplink.caFile, serverName: uplink.url.host), now: clock.wall())
                trusts.append(UplinkTrust(context: context, password: text))
            } catch { throw .trust(error) }
        }
        return trusts
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
        if let crash { return "after a crash: " + crash }
        if isFirst { return "first start" }
        return word ?? "start"
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
