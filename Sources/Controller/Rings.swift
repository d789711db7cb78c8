// All the rings and bells of a run, in one place: who writes, who reads, how many fit.

import Domain
import Ledger
import Machine

struct Rings: Sendable {
    let lane: LaneChannels
    let admission: AdmissionChannels
    let ledger: LedgerChannels
    let net: NetChannels
    /// By lane; nil for one that has no sign.
    let signs: [SignChannels?]
    let orders: OrderChannels
    let power: PowerChannels
    /// In the order of the configuration.
    let readers: [ReaderChannels]
    /// From the schedule.
    let scheduled: Ring<PersonOrder>
    /// One ring of receipts for each generation of the uplink, so that a stalled thread that wakes up later cannot
    /// write into the ring of its successor.
    let receipts: [Ring<Receipt>]
    /// From the check of the ledger.
    let checks: Ring<Receipt>
    /// From the net thread.
    let cameraNotes: Ring<Receipt>
    /// From the console.
    let logins: Ring<Receipt>
    let uplinkBell: Wakeup
    let backup: BackupChannels

    /// - Parameter signLanes: the lanes that have a sign; without one, nobody would take what is meant for it.
    init(uplinkGenerations: Int, signLanes: [LaneID], readerCount: Int = 0) throws(MachineError) {
        let laneBell = try Wakeup()
        let admissionBell = try Wakeup()
        let ledgerBell = try Wakeup()
        let netBell = try Wakeup()
        let orderBell = try Wakeup()
        uplinkBell = try Wakeup()
        let words = Ring<LaneWord>(capacity: 256, bell: laneBell)
        let requests = Ring<LaneRequest>(capacity: 256, bell: admissionBell)
        let arrived = Ring<ArrivedCapture>(capacity: 64, bell: admissionBell)
        let decisions = Ring<Decision>(capacity: 64, bell: ledgerBell)
        let captures = Ring<CaptureToKeep>(capacity: 32, bell: ledgerBell)
        let reports = Ring<LaneReport>(capacity: 1_024, bell: ledgerBell)
        let ordered = Ring<PersonOrder>(capacity: 16, bell: ledgerBell)
        scheduled = Ring<PersonOrder>(capacity: 16, bell: ledgerBell)
        let supplements = Ring<SupplementOrder>(capacity: 4, bell: ledgerBell)
        let answers = Ring<OrderAnswer>(capacity: 32, bell: orderBell)
        let notes = Ring<Receipt>(capacity: 64, bell: ledgerBell)
        power = PowerChannels(
            bell: try Wakeup(), notes: Ring<Receipt>(capacity: 16, bell: ledgerBell),
            orders: Ring<PersonOrder>(capacity: 16, bell: ledgerBell))
        var signs = [SignChannels?](repeating: nil, count: LaneID.maximumCount)
        for lane in signLanes {
            let bell = try Wakeup()
            signs[Int(lane.index)] = SignChannels(
                bell: bell, notices: Ring<SignNotice>(capacity: 64, bell: bell),
                verdicts: Ring<SignVerdict>(capacity: 64, bell: bell))
        }
        self.signs = signs
        var readers: [ReaderChannels] = []
        for _ in 0..<readerCount {
            readers.append(
                ReaderChannels(
                    bell: try Wakeup(), inventories: Ring<ArrivedInventory>(capacity: 32, bell: admissionBell),
                    notes: Ring<Receipt>(capacity: 4, bell: ledgerBell)))
        }
        self.readers = readers
        let kept = Ring<CaptureKept>(capacity: 64, bell: netBell)
        var receipts: [Ring<Receipt>] = []
        for _ in 0..<uplinkGenerations { receipts.append(Ring<Receipt>(capacity: 64, bell: ledgerBell)) }
        self.receipts = receipts
        checks = Ring<Receipt>(capacity: 8, bell: ledgerBell)
        cameraNotes = Ring<Receipt>(capacity: 4, bell: ledgerBell)
        logins = Ring<Receipt>(capacity: 16, bell: ledgerBell)
        lane = LaneChannels(
            bell: laneBell, moved: try Wakeup(), words: words, requests: requests, reports: reports,
            notices: signs.map { $0?.notices })
        admission = AdmissionChannels(
            bell: admissionBell, requests: requests, captures: arrived, decisions: decisions,
            inventories: readers.map { $0.inventories })
        let backupNotes = Ring<Receipt>(capacity: 4, bell: ledgerBell)
        let backupBell = try Wakeup()
        // The console looks in by itself; nobody waits for this bell.
        let stateBell = try Wakeup()
        backup = BackupChannels(
            bell: backupBell, notes: backupNotes, states: Ring<BackupState>(capacity: 16, bell: stateBell))
        ledger = LedgerChannels(
            bell: ledgerBell, captures: captures, decisions: decisions, reports: reports,
            orders: [ordered, scheduled, power.orders], supplements: supplements,
            receipts: receipts + [power.notes, backupNotes, checks, cameraNotes, logins] + readers.map { $0.notes },
            notes: notes, words: words, answers: answers,
            signVerdicts: signs.map { $0?.verdicts }, kept: kept, uplinkBell: uplinkBell)
        net = NetChannels(bell: netBell, captures: captures, arrived: arrived, kept: kept)
        orders = OrderChannels(bell: orderBell, orders: ordered, supplements: supplements, answers: answers)
    }

    func ringAll() {
        let bells = [lane.bell, admission.bell, ledger.bell, net.bell, uplinkBell, power.bell, backup.bell]
        for bell in bells { bell.ring() }
        for sign in signs { sign?.bell.ring() }
        for reader in readers { reader.bell.ring() }
    }
}
