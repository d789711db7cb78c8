// The ledger thread: the one writer. It takes what the others have, makes it durable in one transaction, and only then
// lets its effects out: verdicts and orders to the lane, texts to the sign, answers to the cameras and the console,
// "the cursor moved" to the uplink.
//
// Invariants: nothing leaves before the commit that holds it (promise 1). What a failed commit held is tried again,
// except captures, whose camera keeps them and is told so, and orders of persons, which are refused when they are older
// than `PersonOrder.lifetime`: they may not be meant any more.
// Limits: 64 items of a kind in one transaction; 256 of a kind wait for a failing disk, then new ones are refused by
// their rings.

import Domain
import Ledger
import Machine
import Synchronization

/// What the others know of the ledger without asking its file.
final class LedgerStatus: Sendable {
    let head = Atomic<UInt64>(0)
    let isFailing = Atomic<Bool>(false)
    let refused = Atomic<UInt32>(0)
    /// The epoch of the last seal; -1 before the first.
    let epoch = Atomic<Int64>(-1)
    /// `LedgerFullness`, and what it was reckoned from.
    let fullness = Atomic<UInt8>(0)
    let databaseBytes = Atomic<UInt64>(0)
    let photoBytes = Atomic<UInt64>(0)

    var isFull: Bool { fullness.load(ordering: .relaxed) >= LedgerFullness.full.rawValue }

    let check = LedgerCheckStatus()
}

struct LaneGate: Sendable {
    let lane: LaneID
    let direction: Direction
    let codes: GateCodes
    /// The recorder and channel that film the lane; empty when none does.
    var videoChannel = ""
}

final class LedgerThread: @unchecked Sendable {
    private let writer: LedgerWriter
    private let keeper: LedgerKeeper
    private let gates: [LaneGate]
    private let channels: LedgerChannels
    private let clock: any Clock
    private let stop: Flag
    private let pulse: Pulse
    private let status: LedgerStatus
    private let log: Log

    private var decisions: [Decision] = []
    private var reports: [LaneReport] = []
    private var orders: [PersonOrder] = []
    private var supplements: [SupplementOrder] = []
    private var receipts: [Receipt] = []
    private var captures: [CaptureToKeep] = []
    private var limit = ReportLimit()
    private var damage = LedgerDamage()
    /// The same of sealing and making room.
    private var keepingDamage = LedgerDamage()
    /// From the first transaction that failed to the one that tells of it.
    private var outage: LedgerOutage?

    private static let longestWait = Interval.milliseconds(200)
    private static let retryPause = Interval.seconds(1)
    private static let batchLimit = 64
    private static let waitingLimit = 256

    init(
        writer: LedgerWriter, keeping: LedgerKeeping, gates: [LaneGate], channels: LedgerChannels, clock: any Clock,
        stop: Flag, pulse: Pulse, status: LedgerStatus, log: Log
    ) {
        self.writer = writer
        keeper = LedgerKeeper(writer: writer, keeping: keeping, clock: clock, status: status, log: log)
        self.gates = gates
        self.channels = channels
        self.clock = clock
        self.stop = stop
        self.pulse = pulse
        self.status = status
        self.log = log
        status.head.store(writer.head.sequence, ordering: .relaxed)
    }

    func run() {
        serve()
        keeper.end()
        do throws(LedgerError) {
            try writer.settle()
        } catch {
            log.warning(error.description)
        }
    }

    private func serve() {
        var waiting = WaitSet()
        waiting.add(channels.bell.fileDescriptor)
        var isFailing = false
        while true {
            pulse.beat(clock.now())
            let isLast = stop.isRaised
            waiting.wait(atMost: isLast ? .zero : isFailing ? LedgerThread.retryPause : LedgerThread.longestWait)
            channels.bell.take()
            collect()
            let hadWork = hasWork || outage != nil
            if hadWork {
                isFailing = !turn()
                if status.isFailing.exchange(isFailing, ordering: .relaxed) && !isFailing {
                    log.info("the ledger takes records again")
                }
            }
            if isLast && (isFailing || !hadWork) { return }
            if !isLast && !isFailing { keep(isIdle: !hadWork) }
        }
    }

    private func keep(isIdle: Bool) {
        switch keeper.turn(isIdle: isIdle) {
        case .notTried: break
        case .done: keepingDamage.noteSuccess()
        case .failed(let error): if keepingDamage.isToEnd(after: error, now: clock.now()) { giveUp(error) }
        }
    }

    private var hasWork: Bool {
        !(captures.isEmpty && decisions.isEmpty && reports.isEmpty && orders.isEmpty && supplements.isEmpty
            && receipts.isEmpty)
    }

    /// Against the order in which things come about, so that a cause is always here when its effect is: the net thread
    /// gives a read to the ledger before it gives it to admission, and admission decides before the lane can end.
    private func collect() {
        takeReports()
        for ring in channels.orders { drain(ring, into: &orders) }
        drain(channels.supplements, into: &supplements)
        drain(channels.decisions, into: &decisions)
        drain(channels.captures, into: &captures)
        for ring in channels.receipts { drain(ring, into: &receipts) }
        drain(channels.notes, into: &receipts)
    }

    private func takeReports() {
        let now = clock.now()
        var taken = 0
        while taken < LedgerThread.batchLimit, reports.count < LedgerThread.waitingLimit,
            let report = channels.reports.pop()
        {
            taken += 1
            guard limit.takes(report, now: now) else { continue }
            if let order = PersonOrder(report) { orders.append(order) } else { reports.append(report) }
        }
        if let note = limit.summary(now: now) { receipts.append(.note(note)) }
    }

    private func drain<Element>(_ ring: Ring<Element>, into waiting: inout [Element]) {
        var taken = 0
        while taken < LedgerThread.batchLimit, waiting.count < LedgerThread.waitingLimit, let element = ring.pop() {
            waiting.append(element)
            taken += 1
        }
    }

    private func refuseOldOrders() {
        let now = clock.now()
        for order in orders where now.since(order.at) > PersonOrder.lifetime {
            log.warning("\(order.words): not recorded in time, and not carried out")
            answer(order, record: nil)
        }
        let waiting = orders.count + supplements.count
        orders.removeAll { now.since($0.at) > PersonOrder.lifetime }
        // Its person was told that nothing is recorded, and may have typed it again.
        supplements.removeAll { now.since($0.at) > PersonOrder.lifetime }
        outage?.refusedOrders += waiting - orders.count - supplements.count
    }

    /// One transaction. False when the disk did not take it.
    private func turn() -> Bool {
        var kept: [CaptureKept] = []
        var decided: [Decision] = []
        var ordered: [(order: PersonOrder, record: UInt64?)] = []
        var answers: [OrderAnswer] = []
        refuseOldOrders()
        do throws(LedgerError) {
            try writer.begin()
            for note in outage?.notes(now: clock.now()) ?? [] { try writer.append(note: note) }
            for capture in captures {
                kept.append(try keep(capture))
                // Photos are slow, and slow is not stalled.
                pulse.beat(clock.now())
            }
            for decision in decisions {
                if let decision = try append(decision) { decided.append(decision) }
            }
            for order in orders { ordered.append((order, try append(order))) }
            for order in supplements { answers.append(try append(order)) }
            for report in reports { try append(report) }
            for receipt in receipts { try append(receipt) }
            try writer.commit()
        } catch {
            // Only what has undone the transaction comes here: `refuse` keeps the rest.
            if !status.isFailing.load(ordering: .relaxed) { log.error(error.description) }
            if error.isFull { keeper.diskIsFull() }
            if damage.isToEnd(after: error, now: clock.now()) { giveUp(error) }
            if outage == nil { outage = LedgerOutage(error, now: clock.now(), wall: clock.wall()) }
            outage?.refusedReads += captures.count
            for capture in captures { answer(CaptureKept(request: capture.request, fate: nil)) }
            captures = []
            return false
        }
        damage.noteSuccess()
        outage = nil
        status.head.store(writer.head.sequence, ordering: .relaxed)
        let hadReceipts = !receipts.isEmpty
        let hadReports = !reports.isEmpty
        captures = []
        decisions = []
        reports = []
        orders = []
        supplements = []
        receipts = []
        for decision in decided { release(decision) }
        for (order, record) in ordered { give(order, record: record) }
        for answer in answers { _ = channels.answers.push(answer) }
        for answer in kept { self.answer(answer) }
        if hadReceipts || hadReports { channels.uplinkBell.ring() }
        return true
    }

    /// The damage lies where opening does not look: the next start sets the file aside, and the gate goes on. A medium
    /// that does not take that mark is no better for a new file: then it is tried again.
    private func giveUp(_ error: LedgerError) {
        guard writer.condemn(error.description) else { return }
        let waiting = decisions.count + reports.count + orders.count + supplements.count + receipts.count
        let lost = waiting == 0 ? "" : "\(waiting) items could not be recorded and are lost: "
        let text = lost + error.description
        CrashRecord.write(text)
        log.error("\(text): safe outputs and restart, in a new ledger")
        endProcess(70)
    }

    // MARK: what goes in

    private func keep(_ capture: CaptureToKeep) throws(LedgerError) -> CaptureKept {
        var capture = capture
        if keeper.dropsPhotos { capture.capture.photos = [] }
        do throws(LedgerError) {
            let fate = try writer.append(capture: capture.capture, lane: capture.lane, token: nil)
            return CaptureKept(request: capture.request, fate: fate)
        } catch {
            try refuse(error)
            return CaptureKept(request: capture.request, fate: nil)
        }
    }

    /// The decision as it was recorded; nil when the ledger does not take it.
    private func append(_ decision: Decision) throws(LedgerError) -> Decision? {
        guard let gate = gate(decision.verdict.lane) else { return nil }
        var decision = decision
        if keeper.stopsReleases, decision.verdict.reason.allows {
            decision.verdict = Verdict(
                lane: decision.verdict.lane, token: decision.verdict.token, reason: .ledgerFull)
        }
        do throws(LedgerError) {
            try writer.append(decision: decision, gate: gate.codes)
            return decision
        } catch {
            try refuse(error)
            return nil
        }
    }

    private func append(_ report: LaneReport) throws(LedgerError) {
        switch report {
        case .ended(let end): try append(end)
        case .fault, .noted, .raised, .releaseAsked:
            if let note = report.note { try append(Receipt.note(note)) }
        }
    }

    /// The number of the record that stands for the order; nil when the ledger will not take it.
    private func append(_ order: PersonOrder) throws(LedgerError) -> UInt64? {
        guard let gate = gate(order.lane) else { return nil }
        do throws(LedgerError) {
            guard case .release(let lane, let token) = order.order else {
                return try writer.append(note: order.note)
            }
            return try writer.append(
                release: ManualRelease(lane: lane, direction: gate.direction, by: order.by), token: token,
                gate: gate.codes)
        } catch {
            try refuse(error)
            return nil
        }
    }

    /// A vehicle that was missed has the codes of its lane's gate.
    private func append(_ order: SupplementOrder) throws(LedgerError) -> OrderAnswer {
        var supplement = order.supplement
        if supplement.correctedSequence == nil, let lane = supplement.lane {
            guard let gate = gate(lane) else {
                return OrderAnswer(number: order.number, record: nil, refusal: "there is no lane \(lane.index + 1)")
            }
            supplement.gate = gate.codes
            supplement.direction = supplement.direction ?? gate.direction
        }
        do throws(LedgerError) {
            return OrderAnswer(number: order.number, record: try writer.append(supplement: supplement))
        } catch {
            try refuse(error)
            return OrderAnswer(number: order.number, record: nil, refusal: error.description)
        }
    }

    private func append(_ end: PassEnd) throws(LedgerError) {
        guard let gate = gate(end.lane) else { return }
        do throws(LedgerError) {
            try writer.append(
                end: end, gate: gate.codes, direction: gate.direction, videoChannel: gate.videoChannel)
        } catch {
            try refuse(error)
        }
    }

    private func append(_ receipt: Receipt) throws(LedgerError) {
        do throws(LedgerError) {
            switch receipt {
            case .confirmed(let destination, let sequence, let step):
                try writer.confirm(destination: destination, sequence: sequence, step: step)
            case .quarantined(let destination, let sequence, let step, let reason):
                try writer.quarantine(destination: destination, sequence: sequence, step: step, reason: reason)
            case .note(let note):
                try writer.append(note: note)
            }
        } catch {
            try refuse(error)
        }
    }

    /// One item that the ledger will not take must not hold up the others; a failing disk concerns them all.
    private func refuse(_ error: LedgerError) throws(LedgerError) {
        if error.undoesTransaction { throw error }
        status.refused.wrappingAdd(1, ordering: .relaxed)
        log.error(error.description)
    }

    private func gate(_ lane: LaneID) -> LaneGate? {
        gates.first { $0.lane == lane }
    }

    // MARK: what comes out, after the commit

    private func release(_ decision: Decision) {
        let verdict = decision.verdict
        // The sign's words first, so that they are there when the lane speaks of them.
        let words = SignVerdict(
            token: verdict.token, plate: decision.plate?.text ?? decision.rawPlate, stage: decision.vehicle?.stage,
            reason: verdict.reason)
        let sign = channels.signVerdicts[Int(verdict.lane.index)]
        if sign?.push(words) == false { log.warning("the sign does not keep up") }
        if !channels.words.push(.verdict(verdict)) {
            log.error("a durable verdict found its ring full; the vehicle stays refused")
        }
        let plate = decision.plate?.text ?? "-"
        log.info("lane \(verdict.lane.index + 1): \(plate) \(verdict.reason.word)")
    }

    private func give(_ order: PersonOrder, record: UInt64?) {
        if record != nil {
            log.info(order.words)
            if !channels.words.push(.order(order.lane, order.order)) {
                log.error("\(order.words): recorded, but its ring is full; not carried out")
            }
        }
        answer(order, record: record)
    }

    /// The console alone waits for one.
    private func answer(_ order: PersonOrder, record: UInt64?) {
        guard order.by.means == .console else { return }
        _ = channels.answers.push(OrderAnswer(number: order.number, record: record))
    }

    private func answer(_ kept: CaptureKept) {
        if !channels.kept.push(kept) { log.error("an answer to a camera found its ring full") }
    }
}

struct LedgerChannels: Sendable {
    let bell: Wakeup
    let captures: Ring<CaptureToKeep>
    let decisions: Ring<Decision>
    let reports: Ring<LaneReport>
    let orders: [Ring<PersonOrder>]
    let supplements: Ring<SupplementOrder>
    let receipts: [Ring<Receipt>]
    let notes: Ring<Receipt>
    let words: Ring<LaneWord>
    let answers: Ring<OrderAnswer>
    /// By lane; nil for one that has no sign.
    let signVerdicts: [Ring<SignVerdict>?]
    let kept: Ring<CaptureKept>
    let uplinkBell: Wakeup
}
