// Verifies a whole ledger, record by record, and names the first thing that is not as it was written.
//
// Invariants: it only reads, and takes nothing as given but the device's name, the first key when it was written down,
// and a head that a witness wrote down. What no seal covers and no witness saw could be cut off unseen.
// Limits: it holds at most `rowsPerTurn` records at a time, the numbers of decisions not yet ended, and two bits for
// each vehicle of the boot under way.

import Crypto
import Domain
import Machine
import Store

/// What a verification found.
public struct LedgerReport: Sendable {
    public internal(set) var records: UInt64 = 0
    public internal(set) var decisions: UInt64 = 0
    public internal(set) var passes: UInt64 = 0
    public internal(set) var photos: UInt64 = 0
    /// Of these, those whose bytes were read and held against their hash.
    public internal(set) var photosRead: UInt64 = 0
    /// The last record that is as it was written.
    public internal(set) var head: LedgerHead
    /// The first thing that is wrong; nil when all is well.
    public internal(set) var fault: LedgerError?
    public internal(set) var seals: UInt64 = 0
    /// The epoch of the last good seal.
    public internal(set) var epoch: UInt64?
    public internal(set) var generation: UInt32 = 1
    /// Why the head that was given could not be compared, and what to do next, where it is neither right nor wrong.
    public internal(set) var notCompared: String?
    /// Up to this record only the foundation is there.
    var prunedThrough: UInt64 = 0
    /// What an inspector should know of a sound ledger, at most `findingLimit` of them.
    public internal(set) var findings: [LedgerFinding] = []
    public static let findingLimit = 10_000

    mutating func add(_ finding: LedgerFinding) {
        if findings.count < LedgerReport.findingLimit { findings.append(finding) }
    }

    public var isSound: Bool { fault == nil }

    static func removed(_ witness: LedgerHead) -> String {
        "record \(witness.sequence), which was witnessed, was not compared: it was removed after its retention; "
            + "compare it with an export or a backup made before, or give the head of a later record"
    }
}

public final class LedgerVerifier {
    private static let rowsPerTurn = 256
    private let reader: LedgerReader
    private let witness: LedgerHead?
    private let checksPhotos: Bool
    /// Where it is said which photos were given up: the present generation.
    private let present: LedgerReader
    /// Those of a turn, to be read after it. Nil: they are read within it.
    private var photosWaiting: [(photo: PhotoReference, sequence: UInt64)]?
    private let derived: DerivedTables
    private var chain: ChainWalk
    private var report: LedgerReport
    private var boot: UInt32 = 0
    private var seals = SealWalk()
    private var clocks = ClockWalk()
    /// Nothing is pruned: 0.
    private var foundation: PruneEntry?
    private var photosThrough: UInt64 = 0
    private let sealed: SealedState?
    private var previous: LedgerVerifier?
    private var isLinkChecked = false
    private var isWitnessMet = false
    /// Decisions that wait for their outcome, by token: the record and whether it allows.
    private var open: [VehicleToken: (sequence: UInt64, allows: Bool)] = [:]
    /// Tokens of this boot that have an outcome. A token of an earlier boot was closed at that boot's end.
    private var ended = TokenSet()
    private var decided = TokenSet()
    /// Manual releases of this boot, by record: for which vehicle, and at which lane.
    private var releases: [UInt64: (token: VehicleToken, lane: LaneID)] = [:]
    /// How many records there are of each kind that a later version has added.
    private var laterKinds: [UInt16: UInt64] = [:]

    /// `device` is the name that the ledger was begun with; nil takes it from the first record. `witness` is a head
    /// that was written down earlier, `firstKey` the key of the generation's first seal. The counter beside the ledger
    /// is read now, so that a writer which goes on meanwhile is not taken for one that was cut off. `photosThrough` is
    /// the record up to which a later generation, `present`, has given the photos up.
    public init(
        _ reader: LedgerReader, device: String? = nil, witness: LedgerHead? = nil,
        firstKey: Ed25519PublicKey? = nil, checksPhotos: Bool = true, photosThrough given: UInt64 = 0,
        present: LedgerReader? = nil
    ) throws(LedgerError) {
        self.reader = reader
        self.present = present ?? reader
        self.witness = witness
        self.checksPhotos = checksPhotos
        derived = try DerivedTables(reader.database)
        photosThrough = given
        sealed = reader.sealedState()
        var name = device ?? ""
        var first: UInt64 = 1
        if let row = try reader.stored(from: 0, limit: 1).first {
            first = row.sequence
            if let record = LedgerVerifier.decoded(row), case .boot(_, _, let found, let root) = record.body {
                if device == nil { name = found }
                seals.begin(root, expected: firstKey)
            }
        }
        let genesis = LedgerHead(sequence: first &- 1, hash: Chain.genesis(device: name))
        chain = ChainWalk(after: genesis)
        report = LedgerReport(head: genesis)
        report.generation = seals.root?.generation ?? 1
        // Generation 1 begins with record 1; what a later one begins with, its generation record says.
        if report.generation == 1, first > 1 { chain = ChainWalk(after: LedgerHead(sequence: 0, hash: genesis.hash)) }
        for row in try reader.prunes() {
            guard let record = LedgerVerifier.decoded(row), case .prune(let entry) = record.body else { continue }
            if foundation == nil, entry.records != nil { foundation = entry }
            photosThrough = max(photosThrough, entry.photosThrough ?? 0)
        }
        report.prunedThrough = prunedThrough
    }

    /// The same, for a generation that comes after another one, which was verified: it must be what its generation
    /// record says of it. Nil when the one before cannot be read.
    func verify(after before: LedgerVerifier?) -> LedgerReport {
        previous = before
        isLinkChecked = true
        return verify()
    }

    private func checkLink(_ entry: GenerationEntry, _ record: Record) throws(LedgerError) {
        guard let previous, let root = seals.root else {
            report.add(.linked(entry.number, false))
            return
        }
        if let head = entry.lastGood, let row = try previous.reader.stored(from: head.sequence, limit: 1).first,
            row.sequence == head.sequence, row.hash != head.hash
        {
            throw fault(record, "record \(head.sequence) of the generation before is not the one that it names")
        }
        let next = previous.seals.next
        report.add(.linked(entry.number, next.epoch == root.epoch && next.key == root.key))
    }

    static func decoded(_ row: StoredRecord) -> Record? {
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
            if let words = try DerivedTables.structureFault(reader.database) { throw .structure(words) }
            _ = try walk { _ in true }
        } catch {
            report.fault = error
        }
        return report
    }

    /// The same without SQLite's own check of its pages, and in turns: `goesOn` is asked after each, and after each
    /// photo, and given how many records there were, with no read open. Nil when it has answered false.
    public func verifyTables(_ goesOn: (UInt64) -> Bool) -> LedgerReport? {
        photosWaiting = []
        do throws(LedgerError) {
            guard try walk(goesOn) else { return nil }
        } catch {
            report.fault = error
        }
        return report
    }

    /// False when it was told not to go on.
    private func walk(_ goesOn: (UInt64) -> Bool) throws(LedgerError) -> Bool {
        while try reader.database.reading({ () throws(LedgerError) in try turn() }) {
            guard goesOn(report.records), try checkWaiting(goesOn) else { return false }
        }
        if let witness, witness.sequence > report.head.sequence {
            throw .damaged(
                sequence: report.head.sequence + 1,
                reason: "it is missing at the end: a head at record \(witness.sequence) was witnessed")
        }
        try finish()
        try reader.database.reading { () throws(LedgerError) in
            let hasGrown = try reader.head()?.sequence ?? 0 > chain.head.sequence
            try derived.finish(last: chain.head.sequence, open: hasGrown ? nil : open.mapValues { $0.sequence })
        }
        return true
    }

    /// False at the end.
    private func turn() throws(LedgerError) -> Bool {
        let rows = try reader.stored(from: chain.head.sequence + 1, limit: LedgerVerifier.rowsPerTurn)
        guard let first = rows.first, let last = rows.last else { return false }
        derived.begin(max(first.sequence, prunedThrough + 1), last.sequence)
        defer { derived.reset() }
        for row in rows { try check(row) }
        return true
    }

    private func finish() throws(LedgerError) {
        if let sealed, sealed.generation == report.generation, sealed.head.sequence > report.head.sequence {
            throw .damaged(
                sequence: report.head.sequence + 1,
                reason: "it is missing at the end: the counter holds record \(sealed.head.sequence), "
                    + "so the ledger was cut off or rolled back")
        }
        if let sealed, sealed.generation > report.generation, reader.isPresentGeneration {
            throw .damaged(
                sequence: report.head.sequence,
                reason:
                    "the counter is of generation \(sealed.generation): the ledger was rolled back to an earlier one")
        }
        if let witness, !isWitnessMet { report.notCompared = LedgerReport.removed(witness) }
        seals.finish(&report)
        clocks.finish(&report)
        for (kind, records) in laterKinds.sorted(by: { $0.key < $1.key }) {
            report.add(.laterKind(kind, records: records))
        }
    }

    /// The last pruned record: up to it only the foundation is there.
    private var prunedThrough: UInt64 { foundation?.records?.through ?? 0 }

    private func check(_ row: StoredRecord) throws(LedgerError) {
        var next = chain
        let isFoundation = row.sequence <= prunedThrough && row.kind == Int64(RecordKind.seal.rawValue)
        if isFoundation, let record = LedgerVerifier.decoded(row), case .seal(let seal) = record.body {
            // What lay between is gone. The seal's own signature binds it, and it is checked below.
            next = ChainWalk(after: LedgerHead(sequence: row.sequence &- 1, hash: seal.previousHash))
        }
        let header = try next.advance(row)
        let record = try row.decoded(header)
        if let witness, witness.sequence == row.sequence {
            guard witness.hash == record.hash else {
                throw .damaged(sequence: row.sequence, reason: "its hash is not the one that was witnessed")
            }
            isWitnessMet = true
        }
        if let sealed, sealed.generation == report.generation, sealed.head.sequence == row.sequence,
            sealed.head.hash != record.hash
        {
            throw fault(record, "it is not the one that the counter holds: the ledger was rolled back and gone on with")
        }
        try checkBoot(record, isFoundation: isFoundation)
        try clocks.advance(record, &report)
        try checkBody(record, row.canonical)
        if record.sequence > prunedThrough { try derived.check(record) }
        chain = next
        report.records += 1
        report.head = next.head
    }

    private func checkBody(_ record: Record, _ canonical: [UInt8]) throws(LedgerError) {
        switch record.body {
        case .capture(let capture):
            if checksPhotos, record.sequence > photosThrough { try checkPhotos(capture.photos, record.sequence) }
            report.photos += UInt64(capture.photos.count)
        case .supplement(let supplement):
            if checksPhotos, record.sequence > photosThrough { try checkPhotos(supplement.photos, record.sequence) }
        case .decision(let decision, _):
            guard decided.insert(record.token) else {
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
        case .seal(let seal):
            try seals.advance(seal, record, canonical, &report)
        case .prune(let prune): try checkPrune(prune, record)
        case .generation(let entry):
            guard report.records == 1, entry.number == report.generation else {
                throw fault(record, "a generation record is the second of its generation")
            }
            let last = max(entry.lastGood?.sequence ?? 0, entry.counter?.sequence ?? 0)
            guard record.sequence == last &+ 2 else {
                throw fault(record, "the generation does not go on after record \(last)")
            }
            report.add(.generation(entry.number, setAside: entry.setAside, reason: entry.reason))
            if isLinkChecked { try checkLink(entry, record) }
        case .unrecognised: laterKinds[record.kindNumber, default: 0] += 1
        case .boot, .quarantine, .note, .carried: break
        }
        guard report.records != 1 || report.generation == 1 || record.kindNumber == RecordKind.generation.rawValue
        else { throw fault(record, "the second record of a later generation is its generation record") }
        try seals.checkPruneIsSealed(record)
    }

    private func checkPrune(_ prune: PruneEntry, _ record: Record) throws(LedgerError) {
        if prune == foundation, let records = prune.records {
            guard let anchor = seals.seal(records.through), anchor.hash == records.hash else {
                throw fault(record, "the record \(records.through) that it goes back to is no seal with that hash")
            }
            let age = record.wall.microseconds &- anchor.wall.microseconds
            guard age >= Int64(prune.retentionDays) * 86_400_000_000 else {
                throw fault(record, "it removed records younger than the \(prune.retentionDays) days that it states")
            }
            report.add(.pruned(through: records.through, at: record.wall, retentionDays: prune.retentionDays))
        }
        if let through = prune.photosThrough { report.add(.photosPruned(through: through, at: record.wall)) }
    }

    private func checkBoot(_ record: Record, isFoundation: Bool) throws(LedgerError) {
        guard case .boot(_, _, _, let root) = record.body else {
            guard report.records > 0 else { throw fault(record, "the first record is not a boot record") }
            // Within the foundation boot records are gone, and the first record after it may be of any boot.
            if isFoundation || record.sequence == prunedThrough + 1, record.boot >= boot {
                if record.boot > boot { enter(record.boot) }
                return
            }
            guard record.boot == boot else {
                throw fault(record, "it is of boot \(record.boot) within boot \(boot)")
            }
            return
        }
        if report.records == 0 {
            guard let root, seals.root == root else {
                throw fault(record, "it does not name the sealing key that was written down")
            }
            guard root.generation > 1 || record.sequence == 1 && record.boot == 1 else {
                throw fault(record, "a first generation begins with record 1 of boot 1")
            }
        } else {
            let isAfterPrune = record.sequence == prunedThrough + 1 && record.boot > boot
            guard record.boot == boot + 1 || isAfterPrune else {
                throw fault(record, "boot \(record.boot) follows boot \(boot)")
            }
        }
        enter(record.boot)
    }

    private func enter(_ number: UInt32) {
        boot = number
        ended = TokenSet()
        decided = TokenSet()
        releases = [:]
    }

    private func checkPass(_ row: PassRow, _ record: Record) throws(LedgerError) {
        guard ended.insert(record.token) else { throw fault(record, "its token has an earlier outcome") }
        let decision = open.removeValue(forKey: record.token)
        let tokenBoot = UInt32(truncatingIfNeeded: record.token.value >> 32)
        // Only what an earlier boot left open is closed in a later one.
        // What a pruned decision said cannot be looked up.
        let isPruned = row.decisionSequence.map { $0 <= prunedThrough } ?? false
        guard tokenBoot == boot || row.outcome == .interrupted && (decision != nil || isPruned) else {
            throw fault(record, "its token is of boot \(tokenBoot) and has no open decision")
        }
        guard row.decisionSequence == decision?.sequence || isPruned else {
            let named = row.decisionSequence.map { "decision \($0)" } ?? "no decision"
            let found = decision.map { "decision \($0.sequence)" } ?? "no decision"
            throw fault(record, "it names \(named), its token has \(found) open")
        }
        try checkRelease(row, record, isAllowed: decision?.allows == true || isPruned)
    }

    /// Promise 1: no release without a decision that allows it, or a person's order on record. The arm is up for nobody
    /// in particular under a hold, a fire alarm or maintenance; nobody is released by that.
    private func checkRelease(_ row: PassRow, _ record: Record, isAllowed: Bool) throws(LedgerError) {
        if let number = row.releaseSequence {
            let release = releases[number]
            let isOwn =
                release?.lane == row.lane && (release?.token == record.token || release?.token == VehicleToken.none)
            guard isOwn || number <= prunedThrough else {
                throw fault(record, "it names a manual release that is not its own")
            }
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
        if photosWaiting != nil {
            photosWaiting? += photos.map { ($0, sequence) }
            return
        }
        for photo in photos {
            do throws(LedgerError) {
                _ = try reader.photo(photo)
                report.photosRead += 1
            } catch {
                guard case .photoDamaged(let digest, let reason) = error else { throw error }
                throw .damaged(sequence: sequence, reason: "photo \(digest.hexadecimal): \(reason)")
            }
        }
    }

    /// The photos of the turn, one by one. What the running writer has given up meanwhile is no fault.
    private func checkWaiting(_ goesOn: (UInt64) -> Bool) throws(LedgerError) -> Bool {
        let waiting = photosWaiting ?? []
        if !waiting.isEmpty { photosWaiting = [] }
        for (photo, sequence) in waiting {
            do throws(LedgerError) {
                _ = try reader.photo(photo)
                report.photosRead += 1
            } catch {
                guard case .photoDamaged(let digest, let reason) = error else { throw error }
                guard try present.photosPrunedThrough() < sequence else { continue }
                throw .damaged(sequence: sequence, reason: "photo \(digest.hexadecimal): \(reason)")
            }
            guard goesOn(report.records) else { return false }
        }
        return true
    }

    private func fault(_ record: Record, _ reason: String) -> LedgerError {
        .damaged(sequence: record.sequence, reason: reason)
    }
}
