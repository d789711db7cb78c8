// The rules of seals and clocks, as the verifier walks from record to record.

import Crypto
import Domain

/// What an inspector should know of a ledger that is sound.
public enum LedgerFinding: Equatable, Sendable {
    /// Nothing was recorded from the last record of a boot to the next boot record.
    case downtime(boot: UInt32, from: WallTime, to: WallTime)
    /// A seal that came late, and says so.
    case lateSeal(UInt64, after: Interval)
    /// The wall clock was set, by so many microseconds.
    case clockStep(UInt64, microseconds: Int64)
    /// The wall clock moved against lane time by so many microseconds, and no clock step says so.
    case clockMoved(UInt64, microseconds: Int64)
    /// The records after the last seal: who holds the device could still change them.
    case unsealed(records: UInt64)
    case pruned(through: UInt64, at: WallTime, retentionDays: UInt32)
    case photosPruned(through: UInt64, at: WallTime)
    case generation(UInt32, setAside: String, reason: String)
    /// Whether the first key of a generation is the one that the last seal before it names.
    case linked(UInt32, Bool)
    /// Records of this kind, which a later version wrote: a part of the chain, and not read.
    case laterKind(UInt16, records: UInt64)

    /// One English line.
    public var line: String {
        switch self {
        case .downtime(let boot, let from, let to):
            "boot \(boot): nothing was recorded from \(CivilTime(from).text) to \(CivilTime(to).text)"
        case .lateSeal(let sequence, let after):
            "record \(sequence): sealed late, after \(after.nanoseconds / 1_000_000_000) s"
        case .clockStep(let sequence, let step):
            "record \(sequence): the wall clock was set by \(step / 1_000) ms"
        case .clockMoved(let sequence, let step):
            "record \(sequence): the wall clock moved by \(step / 1_000) ms, and no clock step was recorded"
        case .unsealed(let count): "the last \(count) records are not sealed yet"
        case .pruned(let through, let at, let days):
            "records up to \(through) were removed at \(CivilTime(at).text), after \(days) days"
                + (days < 730 ? ", which is less than 24 months" : "")
        case .photosPruned(let through, let at):
            "photos of records up to \(through) were removed at \(CivilTime(at).text)"
        case .generation(let number, let setAside, let reason):
            "generation \(number) was begun, and \(setAside.isEmpty ? "nothing" : setAside) set aside: \(reason)"
        case .linked(let number, let isLinked):
            isLinked
                ? "generation \(number) was begun with the key that the one before names"
                : "generation \(number) was not begun with the key that the one before names"
        case .laterKind(let kind, let records):
            "\(records) records are of kind \(kind), not known to this version: their bytes were checked, not read"
        }
    }
}

/// Where the chain of sealing keys stands.
struct SealWalk {
    /// Beyond the interval, how late a seal may be without saying so.
    static let slack = Interval.seconds(120)

    private(set) var root: SealingRoot?
    private var epoch: UInt64 = 0
    private var key: Ed25519PublicKey?
    private var last: (sequence: UInt64, boot: UInt32, laneTime: Instant)?
    /// The seals, for prune records to name; what a prune may name is the newest ones only, but all are few.
    private var known: [UInt64: (hash: Digest, wall: WallTime)] = [:]
    private var isPruneOpen = false

    mutating func begin(_ root: SealingRoot?, expected: Ed25519PublicKey?) {
        self.root = root
        epoch = root?.epoch ?? 0
        key = expected ?? root?.key
        // A key that was written down and is not the one in the first record is found there.
        if let expected, let root, expected != root.key { self.root = nil }
    }

    func seal(_ sequence: UInt64) -> (hash: Digest, wall: WallTime)? { known[sequence] }

    /// The epoch and key that the next seal must have.
    var next: (epoch: UInt64, key: Ed25519PublicKey?) { (epoch, key) }

    mutating func advance(
        _ seal: SealEntry, _ record: Record, _ canonical: [UInt8], _ report: inout LedgerReport
    ) throws(LedgerError) {
        func fault(_ reason: String) -> LedgerError { .damaged(sequence: record.sequence, reason: reason) }
        guard seal.epoch == epoch else {
            throw fault("it seals epoch \(seal.epoch), and epoch \(epoch) is due: seals are missing or were made anew")
        }
        guard seal.key == key else {
            throw fault("it is sealed with another key than the seal before it names")
        }
        guard SealSignature.verifies(canonical, seal) else { throw fault("its signature is not the one of its key") }
        guard seal.previousSeal == last?.sequence else {
            throw fault("it does not name the seal before it")
        }
        guard seal.previousHash == report.head.hash || report.head.sequence + 1 != record.sequence else {
            throw fault("it does not name the hash before it")
        }
        if let last, last.boot == record.boot {
            try checkGap(seal, record, since: last.laneTime, &report)
        } else if let booted = clockOfBoot, booted.boot == record.boot {
            try checkGap(seal, record, since: booted.laneTime, &report)
        }
        known[record.sequence] = (record.hash, record.wall)
        last = (record.sequence, record.boot, record.laneTime)
        epoch += 1
        key = seal.nextKey
        report.seals += 1
        report.epoch = seal.epoch
    }

    private var clockOfBoot: (boot: UInt32, laneTime: Instant)?

    private func checkGap(
        _ seal: SealEntry, _ record: Record, since: Instant, _ report: inout LedgerReport
    ) throws(LedgerError) {
        let gap = record.laneTime.since(since)
        guard gap > Interval.seconds(UInt64(seal.intervalSeconds)) + SealWalk.slack else { return }
        guard seal.reason == .late else {
            throw .damaged(
                sequence: record.sequence,
                reason: "its seal comes \(gap.nanoseconds / 1_000_000_000) s after the one before it, at an interval "
                    + "of \(seal.intervalSeconds) s: seals in between are missing")
        }
        report.add(.lateSeal(record.sequence, after: gap))
    }

    /// Every record passes here: a prune must be followed by a seal.
    mutating func checkPruneIsSealed(_ record: Record) throws(LedgerError) {
        let kind = RecordKind(rawValue: record.kindNumber)
        if isPruneOpen, kind != .seal {
            throw .damaged(sequence: record.sequence, reason: "a prune record comes before it, and it is no seal")
        }
        isPruneOpen = kind == .prune
        if kind == .boot { clockOfBoot = (record.boot, record.laneTime) }
    }

    func finish(_ report: inout LedgerReport) {
        let unsealed = report.head.sequence - (last?.sequence ?? 0)
        if unsealed > 0 { report.add(.unsealed(records: last == nil ? report.records : unsealed)) }
    }
}

/// The two clocks of one boot against each other.
struct ClockWalk {
    private static let tolerance: Int64 = 2_000_000
    private static let explanation = Interval.seconds(60)

    private var boot: UInt32 = 0
    private var before: (laneTime: Instant, wall: WallTime)?
    private var unexplained: (sequence: UInt64, microseconds: Int64, laneTime: Instant)?
    private var lastStep: Instant?

    mutating func advance(_ record: Record, _ report: inout LedgerReport) throws(LedgerError) {
        defer { before = (record.laneTime, record.wall) }
        guard record.boot == boot else {
            if let before, boot > 0, case .boot = record.body {
                report.add(.downtime(boot: boot, from: before.wall, to: record.wall))
            }
            tell(&report)
            boot = record.boot
            lastStep = nil
            return
        }
        guard let before else { return }
        guard record.laneTime >= before.laneTime else {
            throw .damaged(sequence: record.sequence, reason: "its lane time goes back within boot \(boot)")
        }
        if let unexplained, record.laneTime.since(unexplained.laneTime) > ClockWalk.explanation { tell(&report) }
        if case .note(.clockStep(let from, let to)) = record.body {
            report.add(.clockStep(record.sequence, microseconds: to.microseconds &- from.microseconds))
            unexplained = nil
            lastStep = record.laneTime
        }
        let passed = Int64(record.laneTime.since(before.laneTime).nanoseconds / 1_000)
        let moved = record.wall.microseconds &- before.wall.microseconds &- passed
        guard moved.magnitude > UInt64(ClockWalk.tolerance + passed / 500) else { return }
        if let lastStep, record.laneTime.since(lastStep) <= ClockWalk.explanation { return }
        if unexplained == nil { unexplained = (record.sequence, moved, record.laneTime) }
    }

    mutating func finish(_ report: inout LedgerReport) {
        tell(&report)
    }

    private mutating func tell(_ report: inout LedgerReport) {
        if let unexplained {
            report.add(.clockMoved(unexplained.sequence, microseconds: unexplained.microseconds))
        }
        unexplained = nil
    }
}
