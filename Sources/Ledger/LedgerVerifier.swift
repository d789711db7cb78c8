// Verifies a whole ledger, record by record, and names the first thing that is not as it was written.
//
// Invariants: it only reads, and takes nothing as given but the device's name and a head that a witness wrote down.
// Without a witnessed head, a ledger that was cut short at its end cannot be told from one that ends there.
// Limits: it holds at most `rowsPerTurn` records at a time, and of the decisions the numbers of those not yet ended.

import Domain
import Machine

/// What a verification found.
public struct LedgerReport: Sendable {
    public internal(set) var records: UInt64 = 0
    public internal(set) var decisions: UInt64 = 0
    public internal(set) var passes: UInt64 = 0
    public internal(set) var photos: UInt64 = 0
    /// The last record that is as it was written.
    public internal(set) var head: LedgerHead
    /// The first thing that is wrong; nil when all is well.
    public internal(set) var fault: LedgerError?

    public var isSound: Bool { fault == nil }
}

public final class LedgerVerifier {
    private static let rowsPerTurn = 256
    private let reader: LedgerReader
    private let witness: LedgerHead?
    private let checksPhotos: Bool
    private var walk: ChainWalk
    private var report: LedgerReport
    private var boot: UInt32 = 0
    /// Decisions that wait for their outcome, by token: the record and whether it allows.
    private var open: [VehicleToken: (sequence: UInt64, allows: Bool)] = [:]
    /// Tokens of this boot that have an outcome. A token of an earlier boot was closed at that boot's end.
    private var ended: Set<VehicleToken> = []
    private var decided: Set<VehicleToken> = []
    /// Manual releases of this boot, by record: for which vehicle, and at which lane.
    private var releases: [UInt64: (token: VehicleToken, lane: LaneID)] = [:]

    /// `device` is the name that the ledger was begun with; nil takes it from record 1. `witness` is a head that was
    /// written down earlier.
    public init(_ reader: LedgerReader, device: String? = nil, witness: LedgerHead? = nil, checksPhotos: Bool = true)
        throws(LedgerError)
    {
        self.reader = reader
        self.witness = witness
        self.checksPhotos = checksPhotos
        var name = device ?? ""
        if device == nil, let first = try reader.stored(from: 1, limit: 1).first,
            let record = LedgerVerifier.decoded(first), case .boot(_, _, let found) = record.body
        {
            name = found
        }
        let genesis = LedgerHead(sequence: 0, hash: Chain.genesis(device: name))
        walk = ChainWalk(after: genesis)
        report = LedgerReport(head: genesis)
    }

    private static func decoded(_ row: StoredRecord) -> Record? {
        do throws(LedgerError) {
            return try row.decoded()
        } catch {
            // The walk will name it.
            return nil
        }
    }

    /// Walks the whole ledger. What is found wrong stands in the report.
    public func verify() -> LedgerReport {
        do throws(LedgerError) {
            while true {
                let rows = try reader.stored(from: walk.head.sequence + 1, limit: LedgerVerifier.rowsPerTurn)
                guard !rows.isEmpty else { break }
                for row in rows { try check(row) }
            }
            if let witness, witness.sequence > report.head.sequence {
                throw .damaged(
                    sequence: report.head.sequence + 1,
                    reason: "it is missing at the end: a head at record \(witness.sequence) was witnessed")
            }
        } catch {
            report.fault = error
        }
        return report
    }

    private func check(_ row: StoredRecord) throws(LedgerError) {
        var next = walk
        try next.advance(row)
        let record = try row.decoded()
        if let witness, witness.sequence == row.sequence, witness.hash != record.hash {
            throw .damaged(sequence: row.sequence, reason: "its hash is not the one that was witnessed")
        }
        try checkBoot(record)
        switch record.body {
        case .capture(let capture):
            if checksPhotos { try checkPhotos(capture.photos, record.sequence) }
            report.photos += UInt64(capture.photos.count)
        case .decision(let decision, _):
            guard decided.insert(record.token).inserted else {
                throw fault(record, "its token has an earlier decision")
            }
            // A decision that came after the end of its passage opens nothing.
            if !ended.contains(record.token) {
                open[record.token] = (record.sequence, decision.verdict.reason.allows)
            }
            report.decisions += 1
        case .pass(let row):
            try checkPass(row, record)
            report.passes += 1
        case .manualRelease(let release, _): releases[record.sequence] = (record.token, release.lane)
        case .boot, .quarantine, .note, .unrecognised: break
        }
        walk = next
        report.records += 1
        report.head = next.head
    }

    private func checkBoot(_ record: Record) throws(LedgerError) {
        guard case .boot = record.body else {
            guard record.sequence > 1 else { throw fault(record, "the first record is not a boot record") }
            guard record.boot == boot else {
                throw fault(record, "it is of boot \(record.boot) within boot \(boot)")
            }
            return
        }
        guard record.boot == boot + 1 else { throw fault(record, "boot \(record.boot) follows boot \(boot)") }
        boot = record.boot
        ended = []
        decided = []
        releases = [:]
    }

    private func checkPass(_ row: PassRow, _ record: Record) throws(LedgerError) {
        guard ended.insert(record.token).inserted else { throw fault(record, "its token has an earlier outcome") }
        let decision = open.removeValue(forKey: record.token)
        let tokenBoot = UInt32(truncatingIfNeeded: record.token.value >> 32)
        // Only what an earlier boot left open is closed in a later one.
        guard tokenBoot == boot || row.outcome == .interrupted && decision != nil else {
            throw fault(record, "its token is of boot \(tokenBoot) and has no open decision")
        }
        guard row.decisionSequence == decision?.sequence else {
            let named = row.decisionSequence.map { "decision \($0)" } ?? "no decision"
            let found = decision.map { "decision \($0.sequence)" } ?? "no decision"
            throw fault(record, "it names \(named), its token has \(found) open")
        }
        try checkRelease(row, record, isAllowed: decision?.allows == true)
    }

    /// Promise 1: no release without a decision that allows it, or a person's order on record. The arm is up for nobody
    /// in particular under a hold, a fire alarm or maintenance; nobody is released by that.
    private func checkRelease(_ row: PassRow, _ record: Record, isAllowed: Bool) throws(LedgerError) {
        if let number = row.releaseSequence {
            guard let release = releases[number], release.lane == row.lane,
                release.token == record.token || release.token == .none
            else { throw fault(record, "it names a manual release that is not its own") }
        }
        guard row.raisedAt != nil || row.outcome == .completed else { return }
        switch row.raiseCause {
        case .hold, .fire, .protection, .maintenance:
            guard row.outcome != .completed else { throw fault(record, "it is completed and nobody released it") }
        case .person:
            guard row.releaseSequence != nil else { throw fault(record, "no manual release stands for it") }
        case .verdict, nil:
            guard isAllowed else { throw fault(record, "it was released and no decision allowed it") }
        }
    }

    private func checkPhotos(_ photos: [PhotoReference], _ sequence: UInt64) throws(LedgerError) {
        for photo in photos {
            do throws(LedgerError) {
                _ = try reader.photo(photo)
            } catch {
                guard case .photoDamaged(let digest, let reason) = error else { throw error }
                throw .damaged(sequence: sequence, reason: "photo \(digest.hexadecimal): \(reason)")
            }
        }
    }

    private func fault(_ record: Record, _ reason: String) -> LedgerError {
        .damaged(sequence: record.sequence, reason: reason)
    }
}
