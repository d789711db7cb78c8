// Delivers what is due to one destination: login, row, its photos in order, next row; store and forward.
//
// Invariants (promise 5):
// - an item is sent only when the ledger's durable cursor stands right before it, and the next one only after the
//   cursor moved; what was sent and got no answer is sent again with the same serial;
// - nothing is dropped. An item leaves the queue by a receipt: confirmed by the platform, or quarantined with the
//   reason. Faults of the network, of TLS, of the login and of the platform as a whole never quarantine by their
//   number; see `DrainSettings.poisonTime` for the one way around an item that breaks the platform;
// - one request at a time, one alarm at a time; no threads, no waiting. All calls come on one thread.
// Limits: a pause is at most `BackOff.limit`; the transport ends each request within its own deadline.

import Domain
import Ledger
import Machine
import PlatformProtocols

public final class Drain {
    private enum State {
        /// Nothing is due.
        case idle
        /// A request is under way.
        case asking
        /// A receipt was given; the cursor is to move past its item.
        case awaiting
        /// Nothing is done before this moment.
        case pausing(until: Instant)
        case stopped
    }

    private struct Place: Equatable {
        let sequence: UInt64
        let step: UInt32
    }

    private struct Receipt {
        let place: Place
        /// Nil: confirmed.
        let quarantineReason: String?
    }

    private struct Token {
        let text: String
        let until: Instant
    }

    public private(set) var status = DrainStatus()
    private let source: any DeliverySource
    private let transport: any HTTPTransport
    private var platform: TransportControl
    private let settings: DrainSettings
    private let clock: any Clock
    private let alarm: any DrainAlarm
    private let sink: any ReceiptSink
    private var jitter: Jitter
    private var state = State.idle
    private var isHeld = false
    private var token: Token?
    private var heartbeatDue: Instant
    /// The item that is being tried, and the count of its refusals.
    private var trying: Place?
    private var refusals = 0
    /// The newest receipt: its item is not sent again while the cursor stands before it.
    private var given: Receipt?
    private var faultsInARow = 0
    private var tokenRefusalsInARow = 0
    private var quarantinesInARow = 0
    /// Whether the platform answered since the last fault; since when, and how often, it did while this item failed.
    private var hasAnswered = false
    private var suspectSince: Instant?
    private var suspectTries = 0

    /// The drain and its alarm hold each other until `stop`.
    public init(
        source: any DeliverySource, transport: any HTTPTransport, platform: TransportControl, settings: DrainSettings,
        clock: any Clock, alarm: any DrainAlarm, sink: any ReceiptSink
    ) {
        self.source = source
        self.transport = transport
        self.platform = platform
        self.settings = settings
        self.clock = clock
        self.alarm = alarm
        self.sink = sink
        jitter = Jitter(seed: settings.seed)
        heartbeatDue = clock.now()
    }

    /// Begins. Call it once, on the loop's thread or before the loop runs.
    public func start() {
        proceed()
    }

    /// The ledger grew, or this destination's cursor moved. May be called at any time, also without cause.
    public func ledgerMoved() {
        proceed()
    }

    /// True: sends nothing more and lets the connection go, after the request under way, until told otherwise. For a
    /// box on battery; the platform is not out of reach by that.
    public func hold(_ isHeld: Bool) {
        guard self.isHeld != isHeld else { return }
        self.isHeld = isHeld
        proceed()
    }

    /// Ends: the request under way is given up and its answer ignored. The ledger's cursor says where to go on.
    public func stop() {
        state = .stopped
        alarm.cancel()
        transport.disconnect()
    }

    // MARK: what to do next

    private func proceed() {
        switch state {
        case .stopped, .asking: return
        case .pausing where isHeld, .idle where isHeld, .awaiting where isHeld:
            alarm.cancel()
            transport.disconnect()
        case .pausing(let until) where clock.now() < until: wake(after: until.since(clock.now()))
        case .pausing, .idle, .awaiting: look()
        }
    }

    private func look() {
        let item: DueItem?
        do throws(LedgerError) {
            status.backlog = try source.backlog()
            item = try source.nextDue()
            platform.witness = try source.witness()
        } catch {
            return ledgerFault(error)
        }
        guard let item else { return rest() }
        let place = Place(sequence: item.sequence, step: item.step)
        if let given, given.place == place {
            if case .awaiting = state { return }
            return give(given)
        }
        if place != trying { begin(place) }
        attend(item, place)
    }

    private func begin(_ place: Place) {
        trying = place
        refusals = 0
        status.attempts = 0
        suspectSince = nil
        suspectTries = 0
    }

    /// Nothing is due: the heartbeat keeps the platform and the status informed.
    private func rest() {
        state = .idle
        guard let heartbeat = settings.heartbeat else { return alarm.cancel() }
        let now = clock.now()
        if now >= heartbeatDue { return beat(heartbeat) }
        wake(after: heartbeatDue.since(now))
    }

    private func attend(_ item: DueItem, _ place: Place) {
        if let heartbeat = settings.heartbeat, clock.now() >= heartbeatDue, faultsInARow == 0 {
            return beat(heartbeat)
        }
        do throws(LedgerError) {
            if place.step > 0, try source.isRowQuarantined(sequence: place.sequence) {
                return quarantine(place, "its row stands in quarantine")
            }
            guard let token = currentToken() else { return login() }
            if let request = try request(for: item, token) { send(request, place) }
        } catch .photoDamaged(let digest, let reason) {
            quarantine(place, "photo \(digest.hexadecimal): \(reason)")
        } catch {
            ledgerFault(error)
        }
    }

    private func request(for item: DueItem, _ token: String) throws(LedgerError) -> PlatformRequest? {
        let report = PassageReport(item.row)
        guard let reference = item.photo else { return platform.record(report, token: token) }
        let jpeg = try source.photo(reference)
        let photo = PhotoReport(number: Int(item.step), kind: reference.kind, jpeg: jpeg)
        return platform.photo(photo, of: report, token: token)
    }

    private func currentToken() -> String? {
        guard let token, clock.now() < token.until else { return nil }
        return token.text
    }

    // MARK: asking

    private func ask(
        _ request: PlatformRequest, _ answered: @escaping (Result<HTTPResponse, MachineError>) -> Void
    ) {
        state = .asking
        alarm.cancel()
        transport.post(path: request.path, contentType: request.contentType, body: request.body) { result in
            if case .asking = self.state { answered(result) }
        }
    }

    private func login() {
        ask(platform.login()) { result in
            switch result {
            case .failure(let error): self.loginFailed(error.description)
            case .success(let reply): self.loggedIn(self.platform.loginReply(status: reply.status, body: reply.body))
            }
        }
    }

    private func loggedIn(_ reply: PlatformLogin) {
        switch reply {
        case .granted(let text, let issuedAt):
            hasAnswered = true
            // The age that the platform's own stamp gives the token shortens its use; a clock ahead of it cannot
            // lengthen it.
            var lifetime = settings.tokenLifetime.nanoseconds
            if let issuedAt {
                let age = clock.wall().microseconds - issuedAt.microseconds
                if age > 0, UInt64(age) < lifetime / 1_000 { lifetime -= UInt64(age) * 1_000 }
            }
            token = Token(text: text, until: clock.now() + Interval(nanoseconds: lifetime))
            goOn()
        case .refused(let words): loginFailed("login refused: \(words)")
        case .unavailable(let words): loginFailed("login: \(words)")
        case .malformed(let words): loginFailed("login: \(words)")
        }
    }

    private func loginFailed(_ reason: String) {
        suspectSince = nil
        suspectTries = 0
        hasAnswered = false
        fault(reason)
    }

    private func beat(_ interval: Interval) {
        guard let token = currentToken() else { return login() }
        heartbeatDue = clock.now() + interval
        ask(platform.heartbeat(token: token)) { result in
            switch self.meaning(result) {
            case .accepted, .duplicate:
                self.recovered()
                self.goOn()
            case .refused(let words):
                // A platform may do without heartbeats; nothing depends on them.
                self.recovered()
                self.status.lastError = "heartbeat refused: \(words)"
                self.goOn()
            case .tokenRefused(let words): self.tokenRefused(words)
            case .unavailable(let words), .malformed(let words): self.fault(words)
            }
        }
    }

    private func send(_ request: PlatformRequest, _ place: Place) {
        status.attempts += 1
        ask(request) { result in
            switch self.meaning(result) {
            case .accepted, .duplicate: self.acknowledged(place)
            case .refused(let words): self.refused(place, words)
            case .tokenRefused(let words): self.tokenRefused(words)
            case .unavailable(let words), .malformed(let words): self.itemFault(place, words)
            }
        }
    }

    private func meaning(_ result: Result<HTTPResponse, MachineError>) -> PlatformReply {
        switch result {
        case .failure(let error): .unavailable(error.description)
        case .success(let reply): platform.reply(status: reply.status, body: reply.body)
        }
    }

    // MARK: what came of it

    private func acknowledged(_ place: Place) {
        recovered()
        quarantinesInARow = 0
        status.lastError = ""
        status.lastAcknowledged = DrainStatus.Acknowledgement(
            sequence: place.sequence, step: place.step, at: clock.wall())
        give(Receipt(place: place, quarantineReason: nil))
    }

    private func refused(_ place: Place, _ words: String) {
        recovered()
        status.lastError = "refused: \(words)"
        refusals += 1
        if refusals >= settings.refusalLimit {
            quarantinesInARow += 1
            return quarantine(place, words)
        }
        pause(settings.refusalPause.pause(refusals + quarantinesInARow, &jitter))
    }

    private func quarantine(_ place: Place, _ reason: String) {
        give(Receipt(place: place, quarantineReason: reason))
    }

    /// Gives the receipt, and again at each `receiptPause` for as long as the cursor does not move.
    private func give(_ receipt: Receipt) {
        state = .awaiting
        given = receipt
        alarm.set(after: settings.receiptPause) {
            if case .awaiting = self.state { self.goOn() }
        }
        let (destination, place) = (settings.destination, receipt.place)
        if let reason = receipt.quarantineReason {
            sink.quarantine(
                destination: destination, sequence: place.sequence, step: place.step, reason: reason)
        } else {
            sink.confirm(destination: destination, sequence: place.sequence, step: place.step)
        }
    }

    /// A token that just came is not taken either: a fault. Else a new one is asked for at once.
    private func tokenRefused(_ words: String) {
        token = nil
        tokenRefusalsInARow += 1
        if tokenRefusalsInARow > 1 { return fault("token refused: \(words)") }
        goOn()
    }

    /// The item got no answer of the platform. The next try logs in first, which tells whether the platform is there.
    private func itemFault(_ place: Place, _ reason: String) {
        token = nil
        let now = clock.now()
        if hasAnswered {
            if suspectSince == nil { suspectSince = now }
            suspectTries += 1
        }
        hasAnswered = false
        if let suspectSince, suspectTries >= settings.poisonTries, now.since(suspectSince) >= settings.poisonTime {
            let hours = now.since(suspectSince).milliseconds / 3_600_000
            let tries = "\(suspectTries) tries over \(hours) h, each after a login"
            return quarantine(place, "no answer in \(tries): \(reason)")
        }
        fault(reason)
    }

    private func fault(_ reason: String) {
        status.isConnected = false
        status.lastError = reason
        faultsInARow += 1
        if !status.isOutage {
            status.isOutage = true
            sink.outageBegan(destination: settings.destination, reason: reason)
        }
        pause(settings.faultPause.pause(faultsInARow, &jitter))
    }

    /// The ledger could not be read: no fault of the platform's.
    private func ledgerFault(_ error: LedgerError) {
        status.lastError = error.description
        faultsInARow += 1
        pause(settings.faultPause.pause(faultsInARow, &jitter))
    }

    private func recovered() {
        status.isConnected = true
        hasAnswered = true
        faultsInARow = 0
        tokenRefusalsInARow = 0
        guard status.isOutage else { return }
        status.isOutage = false
        sink.outageEnded(destination: settings.destination)
    }

    private func goOn() {
        state = .idle
        proceed()
    }

    private func pause(_ interval: Interval) {
        state = .pausing(until: clock.now() + interval)
        wake(after: interval)
    }

    private func wake(after interval: Interval) {
        alarm.set(after: interval) { self.proceed() }
    }
}

extension PassageReport {
    init(_ row: PassRow) {
        self.init(
            serial: row.serial, enterpriseID: row.gate.enterpriseID, enterpriseName: row.gate.enterpriseName,
            entranceGateCode: row.gate.entranceGateCode, gateCode: row.gate.gateCode, direction: row.direction,
            arrivedAt: row.arrivedWall, passedAt: row.passedWall, endedAt: row.endedWall, plate: row.plate,
            vehicle: row.vehicle)
    }
}
