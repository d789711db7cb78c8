// The checks of a run: what the site saw, what the ledger says and what the platform holds must agree. Pure.

import Domain

/// What a platform is sent for a vehicle that went through unread: it takes no empty plate.
private let unreadPlate = "未识别"

/// What the site itself saw.
public struct Observation: Sendable {
    public var raises: [RaiseEdge] = []
    public var pictures: [TakenPicture] = []
    public var book = PlatformBook()
    /// Without a kill or a crash every crossing must have its completed pass.
    public var wasDisturbed = false
    /// Plates that crossed, by lane, in order.
    public var crossings: [[Plate]] = []
    /// The plates of those that wore another vehicle's tag, once for each time that they left.
    public var wrongTagged: [Plate] = []

    public init() {}
}

public struct Audit: Sendable {
    /// Raise edges without an allowing decision before them that no other raise used up.
    public private(set) var unrecordedRaises = 0
    /// Raise edges whose decision names another plate than the truck before the arm.
    public private(set) var mismatchedRaises = 0
    public private(set) var missing = 0
    public private(set) var unexpected = 0
    public private(set) var differing = 0
    public private(set) var isInOrder = true
    public private(set) var delivered = 0
    /// Between the question of the lane and the answer, by the ledger, in milliseconds.
    public private(set) var slowestLaneDecision = 0.0
    /// One line each, for people.
    public private(set) var findings: [String] = []

    /// The platform lacks nothing: what is still to be waited for.
    public var isComplete: Bool { missing == 0 }

    public init(ledger: LedgerExport, observed: Observation) {
        checkRaises(ledger, observed)
        checkDelivery(ledger, observed)
        checkCrossings(ledger, observed)
        checkTags(ledger, observed)
        for decision in ledger.decisions {
            let length = Double(decision.decision.decidedAt) - Double(decision.decision.askedAt)
            slowestLaneDecision = max(slowestLaneDecision, length / 1e6)
        }
    }

    private mutating func find(_ text: String) {
        findings.append(text)
    }

    private mutating func checkRaises(_ ledger: LedgerExport, _ observed: Observation) {
        var unused = ledger.decisions.filter { $0.decision.allows }
        for edge in observed.raises where !edge.isReversal && !edge.isRepetition {
            // Both stamps are of the same clock; the earlier one is the stricter.
            let at = min(edge.orderedAt, edge.seenAt)
            let fitting = unused.lastIndex { row, decision in
                row.lane == edge.lane && max(row.laneTime, decision.decidedAt) <= at
                    && decision.decidedAt >= edge.sessionBeganAt
            }
            guard let fitting else {
                unrecordedRaises += 1
                find("raise at \(at) ns for \(edge.plate?.text ?? "nobody") has no decision in the ledger before it")
                continue
            }
            let named = unused.remove(at: fitting).decision.plate
            if let plate = edge.plate, plate.text != named {
                mismatchedRaises += 1
                find("raise at \(at) ns for \(plate.text) was decided for \(named)")
            }
        }
    }

    private mutating func checkDelivery(_ ledger: LedgerExport, _ observed: Observation) {
        let due = ledger.duePasses
        var held: [String: HeldRecord] = [:]
        for record in observed.book.records { held[record.serial] = record }
        let photos = Dictionary(grouping: observed.book.photos) { $0.serial }
        let takenOf = Dictionary(
            observed.pictures.flatMap { picture in picture.photos.map { ($0, picture.plate.text) } },
            uniquingKeysWith: { first, _ in first }
        )
        for pass in due {
            guard let record = held.removeValue(forKey: pass.serial) else {
                missing += 1
                find("the platform lacks \(pass.serial)")
                continue
            }
            delivered += 1
            compare(pass, record)
            let there = Set((photos[pass.serial] ?? []).map(\.digest))
            if !there.isSuperset(of: pass.photos) {
                missing += 1
                find("the platform lacks a photo of \(pass.serial)")
            } else if there != Set(pass.photos) || photos[pass.serial]?.count ?? 0 != pass.photos.count {
                differing += 1
                find("the platform has other photos of \(pass.serial)")
            }
            for digest in pass.photos where !pass.plate.isEmpty && takenOf[digest] != pass.plate {
                differing += 1
                find("photo \(digest.prefix(12)) of \(pass.serial) was not taken of \(pass.plate)")
            }
        }
        unexpected = held.count
        for serial in held.keys.sorted() { find("the platform holds \(serial), the ledger does not") }
        let serials = Set(due.map(\.serial))
        if serials.count != due.count {
            differing += 1
            find("a serial number stands twice in the ledger")
        }
        let stray = photos.keys.filter { !serials.contains($0) }
        unexpected += stray.count
        for serial in stray { find("the platform holds photos of \(serial), the ledger does not") }
        let order = observed.book.records.map(\.serial).filter { serials.contains($0) }
        let arrived = Set(order)
        isInOrder = order == due.map(\.serial).filter { arrived.contains($0) }
        if !isInOrder { find("the platform received records in another order than the ledger's") }
    }

    private mutating func compare(_ pass: ExportedPass, _ record: HeldRecord) {
        let stageAgrees = pass.stage.isEmpty ? ["", "X"].contains(record.stage) : record.stage == pass.stage
        let plateAgrees = pass.plate.isEmpty ? record.plate == unreadPlate : record.plate == pass.plate
        guard plateAgrees, record.direction == pass.direction, record.date == pass.date, stageAgrees
        else {
            differing += 1
            find(
                "\(pass.serial): the ledger says \(pass.plate) \(pass.direction) \(pass.date) stage \(pass.stage), the "
                    + "platform \(record.plate) \(record.direction) \(record.date) stage \(record.stage)"
            )
            return
        }
    }

    private mutating func checkCrossings(_ ledger: LedgerExport, _ observed: Observation) {
        guard !observed.wasDisturbed else { return }
        for (lane, crossings) in observed.crossings.enumerated() {
            check(lane, crossings.map(\.text), ledger)
        }
    }

    /// Who wore another vehicle's tag was refused for it, and nobody else was.
    private mutating func checkTags(_ ledger: LedgerExport, _ observed: Observation) {
        for (_, decision) in ledger.decisions where !decision.tag.isEmpty && !decision.plate.isEmpty {
            if (decision.tagPlate != decision.plate) != decision.isConflict {
                differing += 1
                find("\(decision.plate) with the tag of \(decision.tagPlate) was decided as \(decision.reason)")
            }
        }
        guard !observed.wasDisturbed else { return }
        let refused = ledger.decisions.filter { $0.decision.isConflict }.map(\.decision.plate).sorted()
        let wrong = observed.wrongTagged.map(\.text).sorted()
        if refused != wrong {
            differing += 1
            find("wrong tags were worn by \(wrong), and refused to \(refused)")
        }
    }

    private mutating func check(_ lane: Int, _ crossed: [String], _ ledger: LedgerExport) {
        let passed = ledger.rows.filter { $0.lane == lane }.compactMap(\.pass)
            .filter { $0.outcome == PassOutcome.completed.word }.map(\.plate)
        if passed != crossed {
            differing += 1
            let place = zip(passed, crossed).prefix { $0 == $1 }.count
            find(
                "lane \(lane + 1): \(crossed.count) trucks crossed, the ledger has \(passed.count) completed passes; "
                    + "they part at number \(place + 1)"
            )
        }
    }
}
