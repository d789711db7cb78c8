// How long an inspector waits: each question that the ledger answers, asked of one that holds two years of a gate.

import Domain
import Foundation
import Ledger
import Machine

enum QueryBench {
    private static let times = 3
    private static let shown = 20

    /// The longest of three answers to each question, in milliseconds, by the question's name.
    static func run(_ folder: String, records: Int) throws -> [String: Double] {
        let last = try fill(folder, records)
        let reader = try LedgerReader(folder: folder, files: DiskFiles())
        var figures: [String: Double] = ["records": Double(last)]
        func ask(_ name: String, _ work: () throws -> Int, finds: ClosedRange<Int>) throws {
            var slowest = 0.0
            for _ in 0..<times {
                let from = now()
                let found = try work()
                slowest = max(slowest, now() - from)
                guard finds.contains(found) else { throw BenchFault(what: "\(name): \(found) found") }
            }
            figures[name + "_ms"] = slowest * 1e3
        }
        func page(_ name: String, finds: ClosedRange<Int>, _ change: (inout LedgerQuery) -> Void) throws {
            var query = LedgerQuery()
            change(&query)
            try ask(
                name, { try reader.passages(query, newestFirst: true, limit: shown).rows.count }, finds: finds)
        }
        let one = 1...1
        let none = 0...0
        let full = shown...shown
        let rare = SyntheticLedger.Rare.self
        try page("newest", finds: full) { _ in }
        try page("plate", finds: one) { $0.plate = rare.plate }
        try page("plate_miss", finds: none) { $0.plate = "沪Z00000" }
        try page("plate_part", finds: one) { $0.plate = "*Z999*" }
        try page("plate_part_miss", finds: none) { $0.plate = "*Z000*" }
        try page("colour", finds: one) { $0.colours = [.green] }
        try page("direction", finds: full) { $0.directions = [.exit] }
        try page("lane_miss", finds: none) { $0.lanes = [LaneID(7)] }
        try page("stage", finds: one) { $0.stages = [.china1] }
        try page("verdict", finds: one) { $0.reasons = [.whitelisted] }
        try page("gate", finds: one) { $0.gate = rare.gate }
        try page("cargo", finds: one) { $0.cargo = rare.cargo }
        try page("fleet", finds: one) { $0.fleet = rare.fleet }
        try page("outcome", finds: one) { $0.outcomes = [.aborted] }
        try page("delivery_miss", finds: none) { $0.delivery = .quarantined }
        try page("combination", finds: one) {
            $0.directions = [.exit]
            $0.stages = [.china1]
            $0.plate = "*Z*"
        }
        func end(newest: Bool) throws -> Int64 {
            try reader.passages(LedgerQuery(), newestFirst: newest, limit: 1).rows[0].pass.passedWall.second
        }
        let middle = try (end(newest: false) + end(newest: true)) / 2
        var day = LedgerQuery()
        day.fromSecond = middle
        day.toSecond = middle + 86_400
        try ask("day_count", { try reader.counts(day).total }, finds: 1...10_000)
        try ask("day_gaps", { try reader.gaps(day).count }, finds: 1...1_000)
        var month = day
        month.toSecond = middle + 30 * 86_400
        try ask("month_count", { try reader.counts(month).total }, finds: 1...100_000)
        try ask("all_gaps", { try reader.gaps(LedgerQuery()).count }, finds: 1...Int.max)
        return figures
    }

    /// A vehicle each 190 s: a million records are two years.
    private static func fill(_ folder: String, _ records: Int) throws -> UInt64 {
        let ledger = try SyntheticLedger(folder)
        try ledger.varied(to: UInt64(records), each: .seconds(190))
        return ledger.writer.head.sequence
    }
}
