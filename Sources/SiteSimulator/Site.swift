// The simulated site, whole: lane, cameras, sign, platform and the controller under test, from the first truck to the
// report.
//
// Threads: the lane's own; one for each picture on its way; the sign's; the platform's; the killer's; and the caller's,
// which watches and draws. What they share stands behind a lock each. The lane's thread waits for nobody.

import CSystem
import Domain
import Foundation
import Synchronization

public struct SiteOptions: Sendable {
    /// The emulator, if one is needed, and the controller's program.
    public var command: [String] = []
    /// How many trucks are to go through; nil: until it is told to stop.
    public var passes: Int?
    public var seed: UInt64 = 1
    public var folder = ""
    public var kills = 0
    public var outageAfter: Int?
    public var outagePasses = 0
    public var faults = FaultProfile.none
    public var speed = 1.0
    /// 1 to 8, each with an arm, two cameras and a sign of its own.
    public var lanes = 1
    /// Each lane has a tag reader, and most vehicles a tag, some the wrong one.
    public var hasReaders = false
    /// Reads the ledger again and again for the picture on the screen.
    public var watchesLedger = false
    /// A platform that gets nothing new for so long at the end gets nothing more.
    public var idleSeconds = 45.0

    public init() {}
}

/// What is shown: the first lane whole, and a little of the others.
public struct SiteView: Sendable {
    public struct TruckView: Sendable {
        public var visit: Visit
        public var front: Double
        public var isReversing: Bool
    }

    public var barrier: Barrier
    public var inputs: [Bool]
    public var outputs: [Bool]
    public var trucks: [TruckView]
    public var counts: YardCounts
    public struct OtherLane: Sendable {
        public var barrier: Barrier
        public var counts: YardCounts
    }

    public var others: [OtherLane]
    public var log: [String]
    public var isConnected: Bool
    public var kills: Int
}

public final class Site: Sendable {
    struct State {
        /// One a lane.
        var yards: [Yard]
        var log: [String] = []
        /// By lane.
        var crossings: [[Plate]]
        /// Each time a truck with another vehicle's tag left.
        var wrongTagged: [Plate] = []
        var isConnected = false
        var sessions = 0
        var kills = 0
        var isStopping = false
        var lineTrouble = 0
        var findings: [String] = []
        var latestExport: LedgerExport?

        init(yards: [Yard]) {
            self.yards = yards
            crossings = yards.map { _ in [] }
        }

        var areYardsEmpty: Bool { yards.allSatisfy(\.isEmpty) }
        var isOver: Bool { yards.allSatisfy { $0.isClosed && $0.isEmpty } }
        var counts: YardCounts { yards.reduce(YardCounts()) { $0 + $1.counts } }
    }

    /// For the first connection of the controller.
    private static let connectSeconds = 60.0

    public let options: SiteOptions
    public let files: SiteFiles
    let platform: PlatformServer
    let cameras: Cameras
    let signs: [SignBoard]
    let readers: [TagReaderBoard]
    let controller: Controller
    let lines: LineServer
    let times: LaneTimes
    let state: Mutex<State>
    private let began = Clock.now

    /// Makes the folder and everything in it, and opens the platform, the line socket and the sign.
    public convenience init(_ options: SiteOptions) throws(SimulationError) {
        gw_ignore_sigpipe()
        let files = try SiteFiles(folder: options.folder)
        try self.init(options, files)
    }

    private init(_ options: SiteOptions, _ files: SiteFiles) throws(SimulationError) {
        let fleet = Fleet(seed: options.seed)
        let times = LaneTimes(speed: options.speed)
        let yards = (0..<options.lanes).map { lane in
            Yard(
                plan: VisitPlan(fleet: fleet, seed: options.seed, lane: lane, hasTags: options.hasReaders),
                speed: options.speed,
                armTravel: Double(times.armTravel) / 1_000,
                pauseAfterReversal: Int(Double(times.backOut + 300) * options.speed), now: Clock.now, lane: lane
            )
        }
        let relay = SignRelay()
        let sight = TagSightRelay()
        state = Mutex(State(yards: yards))
        self.options = options
        self.files = files
        self.times = times
        try files.write("vehicles.csv", options.hasReaders ? fleet.taggedRegisterCSV : fleet.registerCSV)
        try files.write("lists.csv", fleet.listsCSV)
        try files.write("platform.password", PlatformBook.password + "\n")
        _ = chmod(files.folder + "/platform.password", 0o600)
        try files.makeCertificates()
        platform = try PlatformServer(
            certificate: files.certificate, key: files.key, profile: options.faults, seed: options.seed
        )
        lines = try LineServer(path: files.socket, lanes: options.lanes)
        var signs: [SignBoard] = []
        for lane in 0..<options.lanes { signs.append(try SignBoard { text in relay.pass(text, lane) }) }
        self.signs = signs
        var readers: [TagReaderBoard] = []
        if options.hasReaders {
            for lane in 0..<options.lanes { readers.append(try TagReaderBoard { sight.tags(lane) }) }
        }
        self.readers = readers
        let webPort = try Loopback.freePort()
        cameras = Cameras(port: webPort, seed: options.seed)
        controller = Controller(command: options.command, files: files)
        let text = configurationText(
            files: files, times: times, webPort: webPort, platformPort: platform.port, signPaths: signs.map(\.path),
            readerPaths: readers.map(\.path)
        )
        try files.write("gatewarden.conf", text)
        relay.connect { [weak self] text, lane in self?.signShows(text, lane) }
        sight.connect { [weak self] lane in self?.state.withLock { $0.yards[lane].visibleTags } ?? [] }
    }

    public func start() throws(SimulationError) {
        for sign in signs { sign.start() }
        for reader in readers { reader.start() }
        try controller.start()
        Thread.detachNewThread { [self] in runLane() }
        if options.kills > 0 { Thread.detachNewThread { [self] in runKiller() } }
        if options.watchesLedger { Thread.detachNewThread { [self] in runWatcher() } }
    }

    /// No more trucks; those in the lane are left where they are.
    public func stop() {
        state.withLock { $0.isStopping = true }
    }

    /// Whether the last truck has left. Throws when the run cannot go on.
    public func isDone() throws(SimulationError) -> Bool {
        if let end = controller.unexpectedEnd {
            throw .controller("ended by itself (\(end)). Its last words:\n\(controller.lastWords)")
        }
        try watchOutage()
        let (hasBegun, isStopping) = state.withLock { ($0.sessions > 0, $0.isStopping) }
        guard hasBegun || isStopping else {
            guard elapsedSeconds < Site.connectSeconds else {
                throw .timeout("the controller's way to the line socket")
            }
            return false
        }
        let isOver = state.withLock { $0.isOver }
        return isStopping || isOver && cameras.isIdle
    }

    private func watchOutage() throws(SimulationError) {
        guard let after = options.outageAfter else { return }
        let (crossed, isClosed) = state.withLock { ($0.counts.crossed, $0.isOver) }
        let isDue = crossed >= after && crossed < after + options.outagePasses && !isClosed
        if isDue && !platform.isAway {
            platform.goAway()
            note("the platform is away")
        } else if !isDue && platform.isAway {
            try platform.comeBack()
            note("the platform is back")
        }
    }

    public var view: SiteView {
        let kills = state.withLock { $0.kills }
        return state.withLock { state in
            SiteView(
                barrier: state.yards[0].barrier, inputs: state.yards[0].inputs, outputs: state.yards[0].outputs,
                trucks: state.yards[0].trucks.map {
                    SiteView.TruckView(visit: $0.visit, front: $0.front, isReversing: $0.phase == .reversing)
                },
                counts: state.counts,
                others: state.yards.dropFirst().map { SiteView.OtherLane(barrier: $0.barrier, counts: $0.counts) },
                log: state.log, isConnected: state.isConnected, kills: kills
            )
        }
    }

    public var ledgerRows: [LedgerRow] { state.withLock { $0.latestExport?.rows ?? [] } }
    public var signShown: SignState { signs[0].shown }
    public var platformBook: PlatformBook { platform.book }
    public var isPlatformAway: Bool { platform.isAway }
    public var platformFaults: [PlatformFault: Int] { platform.faults }
    public var cameraCounts: CameraCounts { cameras.counts }
    public var elapsedSeconds: Double { Double(Clock.now - began) / 1e9 }

    func note(_ text: String) {
        state.withLock { $0.log.append(text) }
    }

    func find(_ text: String) {
        state.withLock { $0.findings.append(text) }
    }

    private func signShows(_ text: String, _ lane: Int) {
        state.withLock { $0.yards[lane].signShows(text, now: Clock.now) }
    }
}

/// What a reader's antenna sees, likewise.
private final class TagSightRelay: Sendable {
    private let source = Mutex<(@Sendable (Int) -> [String])?>(nil)

    func connect(_ source: @escaping @Sendable (Int) -> [String]) {
        self.source.withLock { $0 = source }
    }

    func tags(_ lane: Int) -> [String] {
        source.withLock { $0 }?(lane) ?? []
    }
}

/// The sign is made before the site is whole; its texts find their way through here.
private final class SignRelay: Sendable {
    private let target = Mutex<(@Sendable (String, Int) -> Void)?>(nil)

    func connect(_ target: @escaping @Sendable (String, Int) -> Void) {
        self.target.withLock { $0 = target }
    }

    func pass(_ text: String, _ lane: Int) {
        target.withLock { $0 }?(text, lane)
    }
}
