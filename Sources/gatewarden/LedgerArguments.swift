// What stands after `gatewarden ledger`. Pure.

import Domain
import Ledger

enum LedgerCommand {
    case verify(state: String, witness: LedgerHead?)
    case tail(state: String, count: Int)
    case query(state: String, LedgerQuery, newestFirst: Bool, limit: Int, after: UInt64?)
    case count(state: String, LedgerQuery, walks: Bool)
    case export(state: String, ExportFormat, LedgerQuery, until: UInt64?, output: String?)
    case reindex(state: String)
    case backup(state: String, folder: String, isFull: Bool, bytesPerSecond: Int, setsKept: Int)
    case verifyBackup(folder: String)
    case restore(backup: String, state: String)
    case drill(backup: String, scratch: String, state: String?)

    static let maximumTail = 100_000
    static let defaultPage = 50
    static let defaultMegabytesPerSecond = 4

    static func parse(_ arguments: [String]) throws(Misuse) -> LedgerCommand {
        let verb = arguments.first ?? ""
        let rest = Array(arguments.dropFirst())
        switch verb {
        case "verify": return try verify(rest)
        case "tail": return try tail(rest)
        case "query": return try query(rest)
        case "count": return try count(rest)
        case "export": return try export(rest)
        case "reindex":
            var options = Options(rest, known: ["--state"])
            return try finished(&options, .reindex(state: try state(&options, verb)))
        case "backup": return try backup(rest)
        case "restore":
            var options = Options(rest, known: [], words: 2)
            guard let backup = options.takeWord(), let folder = options.takeWord() else {
                throw Misuse(text: options.problem ?? "ledger restore is followed by the backup and a new state folder")
            }
            return try finished(&options, .restore(backup: backup, state: folder))
        case "drill":
            var options = Options(rest, known: ["--state"], words: 2)
            guard let backup = options.takeWord(), let folder = options.takeWord() else {
                throw Misuse(text: options.problem ?? "ledger drill is followed by the backup and a folder to work in")
            }
            let state = options.take("--state")
            return try finished(&options, .drill(backup: backup, scratch: folder, state: state))
        default:
            throw Misuse(
                text: "ledger is followed by verify, tail, query, count, export, backup, restore, drill or reindex")
        }
    }

    private static func finished(_ options: inout Options, _ command: LedgerCommand) throws(Misuse) -> LedgerCommand {
        if let misuse = options.misuse { throw Misuse(text: misuse) }
        return command
    }

    private static func state(_ options: inout Options, _ verb: String) throws(Misuse) -> String {
        if let problem = options.problem { throw Misuse(text: problem) }
        guard let state = options.take("--state") else { throw Misuse(text: "ledger \(verb) needs --state DIR") }
        return state
    }

    private static func number(
        _ options: inout Options, _ name: String, _ range: ClosedRange<Int>
    ) throws(Misuse) -> Int? {
        guard let text = options.take(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw Misuse(text: "\(name) is a number from \(range.lowerBound) to \(range.upperBound), not \"\(text)\"")
        }
        return number
    }

    private static func verify(_ arguments: [String]) throws(Misuse) -> LedgerCommand {
        var options = Options(arguments, known: ["--state", "--witness"])
        let state = try state(&options, "verify")
        var witness: LedgerHead?
        if let text = options.take("--witness") {
            witness = LedgerHead(witness: text)
            guard witness != nil else {
                throw Misuse(text: "--witness is a record's number, a colon and its 64 hexadecimal digits")
            }
        }
        return try finished(&options, .verify(state: state, witness: witness))
    }

    private static func tail(_ arguments: [String]) throws(Misuse) -> LedgerCommand {
        var options = Options(arguments, known: ["--state", "--count"])
        let state = try state(&options, "tail")
        let count = try number(&options, "--count", 1...maximumTail) ?? 20
        return try finished(&options, .tail(state: state, count: count))
    }

    private static func query(_ arguments: [String]) throws(Misuse) -> LedgerCommand {
        var options = Options(
            arguments, known: ["--state", "--order", "--limit", "--after"] + QueryArguments.options)
        let state = try state(&options, "query")
        let query = try QueryArguments.query(&options)
        let order = options.take("--order") ?? "newest"
        guard ["newest", "oldest"].contains(order) else {
            throw Misuse(text: "--order is newest or oldest, not \"\(order)\"")
        }
        let limit = try number(&options, "--limit", 1...LedgerReader.pageLimit) ?? defaultPage
        let after = try number(&options, "--after", 1...Int.max)
        return try finished(
            &options,
            .query(
                state: state, query, newestFirst: order == "newest", limit: limit, after: after.map { UInt64($0) }))
    }

    private static func count(_ arguments: [String]) throws(Misuse) -> LedgerCommand {
        var options = Options(arguments, known: ["--state"] + QueryArguments.options, flags: ["--walk"])
        let state = try state(&options, "count")
        var query = try QueryArguments.query(&options)
        // Vehicles that crossed, as in the table of an export, unless other ones are asked for.
        if query.outcomes.isEmpty, query.reasons.isEmpty, query.delivery == nil { query.isDueOnly = true }
        let walks = options.take(flag: "--walk")
        if walks, query.delivery != nil { throw Misuse(text: "--walk reads the records: delivery is not in them") }
        return try finished(&options, .count(state: state, query, walks: walks))
    }

    private static func export(_ arguments: [String]) throws(Misuse) -> LedgerCommand {
        var options = Options(
            arguments, known: ["--state", "--format", "--until", "--output"] + QueryArguments.options)
        let state = try state(&options, "export")
        let query = try QueryArguments.query(&options)
        let format: ExportFormat
        switch options.take("--format") ?? "csv" {
        case "csv": format = .csv
        case "jsonl": format = .jsonLines
        case let other: throw Misuse(text: "--format is csv or jsonl, not \"\(other)\"")
        }
        let until = try number(&options, "--until", 1...Int.max)
        let output = options.take("--output")
        return try finished(
            &options, .export(state: state, format, query, until: until.map { UInt64($0) }, output: output))
    }

    private static func backup(_ arguments: [String]) throws(Misuse) -> LedgerCommand {
        if arguments.first == "verify" {
            var options = Options(Array(arguments.dropFirst()), known: [], words: 1)
            guard let folder = options.takeWord() else {
                throw Misuse(text: options.problem ?? "ledger backup verify is followed by the backup's folder")
            }
            return try finished(&options, .verifyBackup(folder: folder))
        }
        var options = Options(arguments, known: ["--state", "--rate", "--keep"], flags: ["--full"], words: 1)
        let state = try state(&options, "backup")
        guard let folder = options.takeWord() else {
            throw Misuse(text: "ledger backup is followed by the folder that it is to be kept in")
        }
        let rate = try number(&options, "--rate", 1...1_000) ?? defaultMegabytesPerSecond
        let isFull = options.take(flag: "--full")
        let setsKept = try number(&options, "--keep", 1...60) ?? LedgerBackup.setsKept
        return try finished(
            &options,
            .backup(state: state, folder: folder, isFull: isFull, bytesPerSecond: rate << 20, setsKept: setsKept))
    }
}

extension LedgerHead {
    /// `NUMBER:HASH`, as a witness wrote it down.
    fileprivate init?(witness text: String) {
        let parts = text.split(separator: ":").map { String($0) }
        guard parts.count == 2, let sequence = UInt64(parts[0]), let hash = Digest(hexadecimal: parts[1]) else {
            return nil
        }
        self.init(sequence: sequence, hash: hash)
    }
}
