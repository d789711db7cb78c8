// What a controller does in its life, on a simulated disk: boots, passes with photos, decisions, receipts, orderly
// ends. And what must hold of the ledger when the power has gone at any moment of it.

import Domain
import Foundation
import Testing

@testable import Ledger

/// What was acknowledged when so many operations of the disk were done.
struct Acknowledgement {
    var operations: Int
    var head: LedgerHead
    /// How many due items were confirmed.
    var confirmed: Int
    var wall: Int64
}

final class PowerCutWorkload {
    static let destination = "p"

    let disk: SimulatedDisk
    let site: LedgerSite
    private(set) var acknowledgements: [Acknowledgement] = []
    /// The due items in the order in which they were confirmed.
    private(set) var confirmed: [DuePosition] = []
    private var passes = 0
    /// Set where the workload begins with a generation that is to be set aside.
    var inherited: Inheritance?
    /// The disk at the end of a chapter, its log as it is.
    var ending = DiskImage()
    /// Whether a recovery goes on until the ring has wrapped.
    var isLife = false

    init(_ image: DiskImage, moved from: String? = nil) throws {
        disk = SimulatedDisk()
        site = try LedgerSite(disk: disk)
        disk.start(from: image.moved(from: from, to: site.folder))
        acknowledgements.append(
            Acknowledgement(
                operations: 0, head: LedgerHead(sequence: 0, hash: .zero), confirmed: 0,
                wall: site.clock.wallMicroseconds))
    }

    /// Two runs of the program, with an orderly end. Every tenth pass the log is moved into the main file as SQLite
    /// does by itself after a thousand pages, and then written again from its start.
    func run(passes count: Int) throws {
        for part in [0..<count / 2, count / 2..<count] {
            let writer = try site.writer()
            try commit(writer) { try $0.appendBoot(version: "1.0.0", cause: "power-on") }
            try seal(writer, .start)
            for index in part {
                try pass(writer)
                if index % 8 == 2 { try seal(writer, .inTime) }
                if index % 10 == 5 { try site.tamper("PRAGMA wal_checkpoint(PASSIVE)") }
            }
            try seal(writer, .orderlyEnd)
            try writer.settle()
        }
    }

    func seal(_ writer: LedgerWriter, _ reason: SealReason) throws {
        try writer.seal(reason, destinations: [PowerCutWorkload.destination])
        acknowledge(writer)
    }

    /// One vehicle as the threads make it, in three transactions, or in one when all of it came at once; then what the
    /// destination takes.
    func pass(_ writer: LedgerWriter) throws {
        passes += 1
        let key = "\(site.folder) \(passes)"
        let token = site.nextToken(writer)
        // Every third vehicle looks like the one before, byte for byte.
        let name = UInt8(truncatingIfNeeded: passes - (passes.isMultiple(of: 3) ? 1 : 0))
        let photos = [[UInt8](repeating: name, count: 1_300), [0xFF, 0xD8, name]]
        let capture = try site.capture(key, photos: photos)
        let outcome: PassOutcome = passes.isMultiple(of: 7) ? .backedOut : .completed
        let decision = try site.decision(
            token, key: key, reason: outcome == .completed ? .stageAllowed : .stageTooLow)
        let end = site.end(token, outcome)
        let steps: [(LedgerWriter) throws -> Void] = [
            { _ = try $0.append(capture: capture, lane: LaneID(0), token: token) },
            { try $0.append(decision: decision, gate: LedgerSite.gate) },
            { _ = try $0.append(end: end, gate: LedgerSite.gate, direction: .entry) },
        ]
        if passes.isMultiple(of: 4) {
            try commit(writer) { writer in for step in steps { try step(writer) } }
        } else {
            for step in steps { try commit(writer, step) }
        }
        // Two of three, so that there is always something that waits.
        for _ in 0..<2 { try deliver(writer) }
    }

    /// The next due item, its photo read as the uplink does. False when there is none.
    @discardableResult
    func deliver(_ writer: LedgerWriter) throws -> Bool {
        guard let item = try site.reader().nextDue(destination: PowerCutWorkload.destination) else { return false }
        if let photo = item.photo { _ = try site.reader().photo(photo) }
        confirm(item)
        try commit(writer, isReceipt: true) {
            try $0.confirm(destination: PowerCutWorkload.destination, sequence: item.sequence, step: item.step)
        }
        return true
    }

    func confirm(_ item: DueItem) { confirmed.append(DuePosition(sequence: item.sequence, step: item.step)) }

    func commit<T>(
        _ writer: LedgerWriter, isReceipt: Bool = false, _ work: (LedgerWriter) throws -> T
    ) throws {
        _ = try writer.transaction(work)
        acknowledge(writer, isReceipt: isReceipt)
    }

    func acknowledge(_ writer: LedgerWriter, isReceipt: Bool = false) {
        let confirmed = (acknowledgements.last?.confirmed ?? 0) + (isReceipt ? 1 : 0)
        acknowledgements.append(
            Acknowledgement(
                operations: disk.log.count, head: writer.head, confirmed: confirmed,
                wall: site.clock.wallMicroseconds))
    }

    /// What was acknowledged when this many operations were done.
    func acknowledged(after operations: Int) -> Acknowledgement? {
        acknowledgements.last { $0.operations <= operations }
    }

    // MARK: - After a cut

    /// Goes on from what a cut has left, and gives the first thing that is not as it must be. `before` is what was
    /// acknowledged, `positions` the due items in their order.
    func recover(_ before: Acknowledgement, _ positions: [DuePosition]) throws -> String? {
        acknowledgements = [
            Acknowledgement(operations: 0, head: before.head, confirmed: before.confirmed, wall: before.wall)
        ]
        // Some seconds later.
        site.clock.wallMicroseconds = before.wall + 5_000_000
        let reopened = try site.writer()
        if let generation = reopened.generation, inherited == nil || before.head.sequence > 0 {
            return "a new generation began: \(generation.reason)"
        }
        guard reopened.head.sequence >= before.head.sequence else {
            return "records are missing: \(reopened.head.sequence) of \(before.head.sequence)"
        }
        let next = try site.reader().nextPosition(PowerCutWorkload.destination)
        // A receipt that was under way may have become durable; nothing else may.
        let possible = before.confirmed...min(before.confirmed + 1, positions.count)
        guard let count = possible.first(where: { isNext(next, positions.dropFirst($0).first, reopened.head) }) else {
            return "due is \(next.map { "\($0)" } ?? "nothing") after \(before.confirmed) receipts"
        }
        confirmed = Array(positions.prefix(count))
        acknowledgements[0].confirmed = count
        try commit(reopened) { try $0.appendBoot(version: "1.0.0", cause: "power cut") }
        try pass(reopened)
        try seal(reopened, .start)
        if let fault = try checkInherited() { return fault }
        if isLife, let fault = try endsInOrder(reopened) { return fault }
        let report = try site.report(witness: before.head.sequence == 0 ? nil : before.head)
        guard report.isSound else { return report.fault?.description ?? "not sound" }
        guard report.head == reopened.head else { return "the last record is not that of the writer" }
        return nil
    }

    /// Whether this is due where the workload, had it gone on, would have come to `expected`; what it never came to
    /// (nil) is not known.
    private func isNext(_ found: DuePosition?, _ expected: DuePosition?, _ head: LedgerHead) -> Bool {
        guard let expected else { return true }
        return expected.sequence > head.sequence ? found == nil : found == expected
    }
}

extension LedgerReader {
    func nextPosition(_ destination: String) throws -> DuePosition? {
        guard let item = try nextDue(destination: destination) else { return nil }
        return DuePosition(sequence: item.sequence, step: item.step)
    }
}

extension DiskImage {
    /// The same files in another folder.
    func moved(from: String?, to: String) -> DiskImage {
        var image = DiskImage()
        image.folders = [folder(of: to)]
        guard let from else { return image }
        for path in folders where path.hasPrefix(from) { image.folders.insert(to + path.dropFirst(from.count)) }
        for (path, bytes) in files where path.hasPrefix(from) { image.files[to + path.dropFirst(from.count)] = bytes }
        return image
    }
}
