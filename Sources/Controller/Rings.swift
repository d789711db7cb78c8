// All the rings and bells of a run, in one place: who writes, who reads, how many fit.

import Domain
import Ledger
import Machine

struct Rings: Sendable {
    let lane: LaneChannels
    let admission: AdmissionChannels
    let ledger: LedgerChannels
    let net: NetChannels
    let sign: SignChannels
    /// One ring of receipts for each generation of the uplink, so that a stalled thread that wakes up later cannot
    /// write into the ring of its successor.
    let receipts: [Ring<Receipt>]
    let uplinkBell: Wakeup

    /// - Parameter hasSign: without one, nobody would take what is meant for it.
    init(uplinkGenerations: Int, hasSign: Bool) throws(MachineError) {
        let laneBell = try Wakeup()
        let admissionBell = try Wakeup()
        let ledgerBell = try Wakeup()
        let netBell = try Wakeup()
        let signBell = try Wakeup()
        uplinkBell = try Wakeup()
        let verdicts = Ring<Verdict>(capacity: 64, bell: laneBell)
        let requests = Ring<LaneRequest>(capacity: 256, bell: admissionBell)
        let arrived = Ring<ArrivedCapture>(capacity: 64, bell: admissionBell)
        let decisions = Ring<Decision>(capacity: 64, bell: ledgerBell)
        let captures = Ring<CaptureToKeep>(capacity: 32, bell: ledgerBell)
        let ends = Ring<PassEnd>(capacity: 256, bell: ledgerBell)
        let notes = Ring<Receipt>(capacity: 64, bell: ledgerBell)
        let notices = Ring<SignNotice>(capacity: 64, bell: signBell)
        let signVerdicts = Ring<SignVerdict>(capacity: 64, bell: signBell)
        let kept = Ring<CaptureKept>(capacity: 64, bell: netBell)
        var receipts: [Ring<Receipt>] = []
        for _ in 0..<uplinkGenerations { receipts.append(Ring<Receipt>(capacity: 64, bell: ledgerBell)) }
        self.receipts = receipts
        lane = LaneChannels(
            bell: laneBell, verdicts: verdicts, requests: requests, ends: ends, notices: hasSign ? notices : nil)
        admission = AdmissionChannels(bell: admissionBell, requests: requests, captures: arrived, decisions: decisions)
        ledger = LedgerChannels(
            bell: ledgerBell, captures: captures, decisions: decisions, ends: ends, receipts: receipts, notes: notes,
            verdicts: verdicts, signVerdicts: hasSign ? signVerdicts : nil, kept: kept, uplinkBell: uplinkBell)
        net = NetChannels(bell: netBell, captures: captures, arrived: arrived, kept: kept)
        sign = SignChannels(bell: signBell, notices: notices, verdicts: signVerdicts)
    }

    func ringAll() {
        for bell in [lane.bell, admission.bell, ledger.bell, net.bell, sign.bell, uplinkBell] { bell.ring() }
    }
}
