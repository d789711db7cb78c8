// What a person may ask of the firmware on the command line. Pure.

import DeviceProtocols
import Domain
import Ledger

enum Command {
    case run(config: String, state: String)
    case ledgerVerify(state: String, witness: LedgerHead?)
    case ledgerTail(state: String, count: Int)
    case ledgerExport(state: String, format: ExportFormat)
    case check(config: String)
    case decode(protocolName: String, bytes: [UInt8])
    case version
    case help
    case misused(String)

    static let maximumTail = 100_000

    static let helpText = [
        "gatewarden: the controller of a factory gate",
        "",
        "  gatewarden run --config FILE --state DIR     drive the lane until a signal ends it",
        "  gatewarden ledger verify --state DIR [--witness NUMBER:HASH]",
        "                                               walk the whole ledger; exit 0 only if it is sound",
        "                                               and goes on from the head that was witnessed",
        "  gatewarden ledger tail --state DIR [--count N]",
        "                                               the newest N records (20), one a line",
        "  gatewarden ledger export --state DIR [--format csv|jsonl]",
        "                                               to standard output: rows for Excel, or every record",
        "  gatewarden check --config FILE               whether this board gives the lane what it should have;",
        "                                               exit 0 only if every item holds",
        "  gatewarden decode PROTOCOL HEX               say what a captured frame means",
        "  gatewarden --version                         this version, and the libraries inside",
        "  gatewarden --help",
        "",
        "The configuration is explained key by key in gatewarden.conf itself.",
    ]

    static func parse(_ arguments: [String]) -> Command {
        guard let verb = arguments.first else { return .misused("nothing was asked for") }
        let rest = Array(arguments.dropFirst())
        switch verb {
        case "--help", "-h", "help": return .help
        case "--version": return .version
        case "run": return run(rest)
        case "ledger": return ledger(rest)
        case "check": return check(rest)
        case "decode": return decode(rest)
        default: return .misused("\"\(verb)\" is not a command")
        }
    }

    private static func run(_ arguments: [String]) -> Command {
        var options = Options(arguments, known: ["--config", "--state"])
        guard let config = options.take("--config") else { return .misused("run needs --config FILE") }
        guard let state = options.take("--state") else { return .misused("run needs --state DIR") }
        return options.misuse.map { .misused($0) } ?? .run(config: config, state: state)
    }

    private static func check(_ arguments: [String]) -> Command {
        var options = Options(arguments, known: ["--config"])
        guard let config = options.take("--config") else { return .misused("check needs --config FILE") }
        return options.misuse.map { .misused($0) } ?? .check(config: config)
    }

    private static func ledger(_ arguments: [String]) -> Command {
        let verb = arguments.first ?? ""
        var options = Options(Array(arguments.dropFirst()), known: ["--state", "--count", "--format", "--witness"])
        guard ["verify", "tail", "export"].contains(verb) else {
            return .misused("ledger is followed by verify, tail or export")
        }
        guard let state = options.take("--state") else { return .misused("ledger \(verb) needs --state DIR") }
        let command: Command
        switch verb {
        case "verify":
            var witness: LedgerHead?
            if let text = options.take("--witness") {
                witness = LedgerHead(witness: text)
                guard witness != nil else {
                    return .misused("--witness is a record's number, a colon and its 64 hexadecimal digits")
                }
            }
            command = .ledgerVerify(state: state, witness: witness)
        case "tail":
            let text = options.take("--count") ?? "20"
            guard let count = Int(text), (1...maximumTail).contains(count) else {
                return .misused("--count is a number from 1 to \(maximumTail), not \"\(text)\"")
            }
            command = .ledgerTail(state: state, count: count)
        default:
            switch options.take("--format") ?? "csv" {
            case "csv": command = .ledgerExport(state: state, format: .csv)
            case "jsonl": command = .ledgerExport(state: state, format: .jsonLines)
            case let other: return .misused("--format is csv or jsonl, not \"\(other)\"")
            }
        }
        return options.misuse.map { .misused($0) } ?? command
    }

    private static func decode(_ arguments: [String]) -> Command {
        guard let name = arguments.first, arguments.count >= 2 else {
            return .misused("decode needs a protocol and hexadecimal digits")
        }
        guard let bytes = decodeHexadecimal(arguments.dropFirst().joined(separator: " ")), !bytes.isEmpty else {
            return .misused("what follows the protocol is pairs of hexadecimal digits, blanks allowed")
        }
        return .decode(protocolName: name, bytes: bytes)
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

/// `--name value` pairs.
private struct Options {
    private var values: [(name: String, value: String)] = []
    private var problem: String?

    init(_ arguments: [String], known: [String]) {
        var index = 0
        while index < arguments.count, problem == nil {
            let name = arguments[index]
            if !known.contains(name) {
                problem = "\"\(name)\" is not known here"
            } else if index + 1 >= arguments.count {
                problem = "\(name) needs a value"
            } else if values.contains(where: { $0.name == name }) {
                problem = "\(name) is given twice"
            } else {
                values.append((name, arguments[index + 1]))
            }
            index += 2
        }
    }

    /// What is wrong, once everything wanted has been taken.
    var misuse: String? {
        problem ?? values.first.map { "\($0.name) has no meaning here" }
    }

    mutating func take(_ name: String) -> String? {
        guard let index = values.firstIndex(where: { $0.name == name }) else { return nil }
        return values.remove(at: index).value
    }
}
