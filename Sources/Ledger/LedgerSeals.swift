// Sealing: a signed record at each start, at each interval or thousand records, at an orderly end, and with each prune.
//
// Invariants: the next key is durable before the seal that names it; the key moves and the counter is written after the
// commit, and an open ledger finishes both when a crash came between.
// Limits: a seal costs six syncs and is never part of an append.

import Crypto
import Domain
import Machine
import Store

/// A head to be witnessed: it goes with every upload, onto every export and page.
public struct LedgerWitness: Equatable, Sendable {
    public let head: LedgerHead
    /// The epoch of the last seal at or before the head; nil before the first.
    public let epoch: UInt64?

    /// `number:hash`, as `--witness` takes it.
    public var words: String { "\(head.sequence):\(head.hash.hexadecimal)" }

    /// What a report ends with.
    public var line: String {
        "head \(head.sequence) \(head.hash.hexadecimal)" + (epoch.map { ", epoch \($0)" } ?? "")
    }
}

extension LedgerWriter {
    /// A seal comes later than this only when it says so. A verifier allows twice as much.
    private static let punctualSlack = Interval.seconds(60)

    /// The newest record, committed or not, and how far it is sealed.
    public var witness: LedgerWitness {
        LedgerWitness(head: head, epoch: memory.lastSeal == nil ? nil : memory.root.epoch - 1)
    }

    /// Seals when the interval has passed, when nothing of this boot is sealed yet, or when many records are not.
    /// Between transactions. True when it has.
    @discardableResult
    public func sealWhenDue(destinations: [String] = []) throws(LedgerError) -> Bool {
        guard let sealedAt = memory.sealedAt else { return false }
        let passed = clock.now().since(sealedAt)
        let isFirst = !memory.isSealedInThisBoot
        let unsealed = head.sequence - (memory.lastSeal ?? 0)
        guard isFirst || passed >= sealInterval || unsealed >= LedgerLimits.recordsBetweenSeals else { return false }
        let isLate = passed > sealInterval + LedgerWriter.punctualSlack
        try seal(isLate ? .late : isFirst ? .start : .inTime, destinations: destinations)
        return true
    }

    /// Seals everything so far in a transaction of its own, with what has changed of the destinations' deliveries. An
    /// error after the commit leaves the seal in place, and is made up for with the next one.
    public func seal(_ reason: SealReason, destinations: [String] = []) throws(LedgerError) {
        try sealed(reason) { () throws(LedgerError) in
            for destination in destinations { try appendDeliveryState(destination) }
            if reason == .orderlyEnd { try notePhotosInOrder() }
        }
    }

    /// The work and the seal in one transaction.
    func sealed(_ reason: SealReason, _ work: () throws(LedgerError) -> Void) throws(LedgerError) {
        let pair = try keys.prepareNext()
        try begin()
        do throws(LedgerError) {
            try work()
            try insertSeal(reason, pair.current, pair.next)
            try store { () throws(StoreError) in try statements.setProgress("photo-bytes", memory.photoBytes) }
            try commit()
        } catch {
            rollback()
            throw error
        }
        keys.sealed()
        try keys.finishMove()
        try counter.write(
            SealedState(
                generation: memory.root.generation, boot: memory.boot, epoch: pair.current.epoch, head: head,
                wall: clock.wall()))
    }

    private func insertSeal(_ reason: SealReason, _ key: SealKey, _ next: SealKey) throws(LedgerError) {
        precondition(key.epoch == memory.root.epoch, "LDG-13 the sealing key is that of the epoch")
        var entry = SealEntry(
            epoch: key.epoch, intervalSeconds: UInt32(sealInterval.nanoseconds / 1_000_000_000),
            key: key.key.publicKey, nextKey: next.key.publicKey, reason: reason, previousSeal: memory.lastSeal,
            previousHash: memory.head.hash, signature: [])
        let header = nextHeader(.seal(entry), .none)
        let unsigned = try header.canonical(body: try RecordBody.seal(entry).encoded())
        entry.signature = key.key.sign(SealSignature.message(unsigned: unsigned))
        try insert(header, try header.canonical(body: try RecordBody.seal(entry).encoded()))
        memory.lastSeal = header.sequence
        memory.sealedAt = header.laneTime
        memory.isSealedInThisBoot = true
        memory.root = SealingRoot(
            epoch: next.epoch, key: next.key.publicKey, generation: memory.root.generation)
    }

    private func appendDeliveryState(_ destination: String) throws(LedgerError) {
        let state = try store { () throws(StoreError) in
            statements.countQuarantine.bind(1, text: destination)
            defer { statements.countQuarantine.reset() }
            _ = try statements.countQuarantine.step()
            return DeliveryState(
                destination: destination, through: try delivery.cursor(destination)?.sequence,
                rowsDue: UInt64(try delivery.lastOrdinal()), rowsWaiting: UInt64(try delivery.backlog(destination)),
                itemsQuarantined: statements.countQuarantine.unsigned(0))
        }
        guard !memory.deliveries.contains(state) else { return }
        try insert(.note(.deliveryState(state)), .none)
        memory.deliveries.removeAll { $0.destination.utf8.elementsEqual(destination.utf8) }
        memory.deliveries.append(state)
    }
}
