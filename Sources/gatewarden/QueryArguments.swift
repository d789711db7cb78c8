// What a person asks about passages, from words to a `LedgerQuery`. Pure.

import Domain
import Ledger

/// Why an option's value is not understood.
struct Misuse: Error {
    let text: String
}

enum QueryArguments {
    static let options = [
        "--from", "--to", "--plate", "--colour", "--direction", "--lane", "--gate", "--stage", "--fleet", "--outcome",
        "--cargo", "--verdict", "--reason", "--delivery", "--destination",
    ]

    static let helpText = [
        "which passages (all of them together; lists with commas):",
        "  --from TIME --to TIME       2026-03-01, 2026-03-01T08:00 or 2026-03-01T08:00:00, both included,",
        "                              China Standard Time",
        "  --plate TEXT                a whole plate, or a part: 冀A1* or *345*",
        "  --colour blue|yellow|white|black|green|other|yellow-green   --direction in|out",
        "  --lane N   --gate CODE      --stage 0…6,D,X (X: not known)   --fleet NAME   --cargo NAME",
        "  --outcome completed|backed-out|expired|forced|interrupted|all",
        "  --verdict allowed|refused|none    --reason stage-too-low,blacklisted,…",
        "  --delivery not-due|waiting|delivered|quarantined [--destination uplink-1]",
    ]

    static func query(_ options: inout Options) throws(Misuse) -> LedgerQuery {
        var query = LedgerQuery()
        query.fromSecond = try options.take("--from").map { (text) throws(Misuse) in try time("--from", text).first }
        query.toSecond = try options.take("--to").map { (text) throws(Misuse) in try time("--to", text).end }
        if let from = query.fromSecond, let to = query.toSecond, from >= to {
            throw Misuse(text: "--to lies before --from")
        }
        query.plate = try options.take("--plate").map { (text) throws(Misuse) in try plate(text) }
        query.colours = try list(&options, "--colour", PlateColour.allCases.map { ($0.word, $0) })
        query.directions = try list(&options, "--direction", [("in", .entry), ("out", .exit)])
        query.lanes = try list(
            &options, "--lane", (0..<UInt8(LaneID.maximumCount)).map { (String($0 + 1), LaneID($0)) })
        query.stages = try list(&options, "--stage", EmissionStage.allCases.map { ($0.code, $0) })
        query.gate = options.take("--gate")
        query.fleet = options.take("--fleet")
        query.cargo = options.take("--cargo")
        try outcomes(&options, &query)
        query.delivery = try list(&options, "--delivery", RowDelivery.allCases.map { ($0.word, $0) }, limit: 1).first
        query.destination = options.take("--destination")
        if query.destination != nil, query.delivery == nil {
            throw Misuse(text: "--destination goes with --delivery")
        }
        return query
    }

    private static func outcomes(_ options: inout Options, _ query: inout LedgerQuery) throws(Misuse) {
        var words = PassOutcome.allCases.map { ($0.word, [$0]) }
        words.append(("all", PassOutcome.allCases))
        for outcome in try list(&options, "--outcome", words) { query.outcomes += outcome }
        query.reasons = try list(&options, "--reason", VerdictReason.allCases.map { ($0.word, $0) })
        let verdicts: [(String, [VerdictReason?])] = [
            ("allowed", VerdictReason.allCases.filter { $0.allows }.map { $0 }),
            ("refused", VerdictReason.allCases.filter { !$0.allows }.map { $0 }),
            ("none", [nil]),
        ]
        let chosen = try list(&options, "--verdict", verdicts)
        guard !chosen.isEmpty else { return }
        guard query.reasons.isEmpty else { throw Misuse(text: "give --verdict or --reason, not both") }
        for reasons in chosen { query.reasons += reasons }
    }

    /// The values that the words of a comma-separated list stand for.
    private static func list<T>(
        _ options: inout Options, _ name: String, _ known: [(String, T)], limit: Int = 64
    ) throws(Misuse) -> [T] {
        guard let text = options.take(name) else { return [] }
        var values: [T] = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let entry = known.first(where: { $0.0.utf8.elementsEqual(word.utf8) }), values.count < limit else {
                let words = known.map { $0.0 }.joined(separator: ", ")
                throw Misuse(text: "\(name) is one of \(words), not \"\(word)\"")
            }
            values.append(entry.1)
        }
        return values
    }

    /// A plate as the ledger has it: normalised, its stars kept.
    private static func plate(_ text: String) throws(Misuse) -> String {
        let star = UInt8(ascii: "*")
        var middle = Array(text.utf8)
        let starts = middle.first == star
        if starts { middle.removeFirst() }
        let ends = middle.last == star
        if ends { middle.removeLast() }
        guard !middle.contains(star) else { throw Misuse(text: "--plate has stars at its ends only") }
        guard let plate = Plate(String(decoding: middle, as: UTF8.self), colour: .other) else {
            throw Misuse(text: "--plate is up to \(Plate.maximumBytes) bytes of letters and digits, not \"\(text)\"")
        }
        return (starts ? "*" : "") + plate.text + (ends ? "*" : "")
    }

    /// The first second of a day, a minute or a second, and the one after its last.
    static func time(_ name: String, _ text: String) throws(Misuse) -> (first: Int64, end: Int64) {
        guard let seconds = LedgerQuery.seconds(of: text) else {
            throw Misuse(
                text: "\(name) is a time as 2026-03-01, 2026-03-01T08:00 or 2026-03-01T08:00:00, not \"\(text)\"")
        }
        return seconds
    }
}
