// What a person may ask of the firmware on the command line. Pure.

import Domain

enum Command {
    case run(config: String, state: String, watchdog: String?)
    case ledger(LedgerCommand)
    case laneReplay(path: String)
    case check(config: String, state: String?)
    case decode(protocolName: String, bytes: [UInt8])
    case version
    case help
    case misused(String)

    static let helpText =
        [
            "gatewarden: the controller of a factory gate",
            "",
            "  gatewarden run --config FILE --state DIR [--watchdog DEVICE]",
            "                                               drive the lane until a signal ends it; DEVICE is fed",
            "                                               when the configuration names no watchdog",
            "  gatewarden ledger verify --state DIR [--witness NUMBER:HASH]",
            "                                               walk the whole ledger; exit 0 only if it is sound",
            "                                               and goes on from the head that was witnessed",
            "  gatewarden ledger tail --state DIR [--count N]",
            "                                               the newest N records (20), one a line",
            "  gatewarden ledger query --state DIR [which] [--order newest|oldest] [--limit N] [--after RECORD]",
            "                                               passages, 50 a page, and the gaps in their time",
            "  gatewarden ledger count --state DIR [which] [--walk]",
            "                                               how many a day, by direction and stage",
            "                                               --walk: from the records, checking the chain",
            "  gatewarden ledger export --state DIR [which] [--format csv|jsonl] [--output FILE] [--until RECORD]",
            "                                               rows for Excel, or every record; with --output",
            "                                               the proof FILE.proof beside it",
            "  gatewarden ledger backup FOLDER --state DIR [--full] [--rate MB] [--keep N]",
            "                                               copy what is new, or all; at most MB a second (4);",
            "                                               N full copies are kept (2)",
            "  gatewarden ledger backup verify FOLDER       read a backup through: chain and photos",
            "  gatewarden ledger restore FOLDER DIR         make a ledger of a backup in a new state folder",
            "  gatewarden ledger drill FOLDER DIR [--state DIR]",
            "                                               restore into a new folder DIR, prove it, remove it;",
            "                                               --state: the ledger that it must be a copy of",
            "  gatewarden ledger reindex --state DIR        fill the index of queries again; controller stopped",
            "  gatewarden lane replay FILE                  run a lane's trace through this version's rules;",
            "                                               exit 0 only if every step acts as it did",
            "  gatewarden check --config FILE [--state DIR] whether this board gives the lane what it needs;",
            "                                               exit 0 only if every item holds",
            "  gatewarden decode PROTOCOL HEX               say what a captured frame means",
            "  gatewarden --version                         this version, and the libraries inside",
            "  gatewarden --help",
            "",
            "The configuration is explained key by key in gatewarden.conf itself.",
            "",
        ] + QueryArguments.helpText

    static func parse(_ arguments: [String]) -> Command {
        guard let verb = arguments.first else { return .misused("nothing was asked for") }
        let rest = Array(arguments.dropFirst())
        switch verb {
        case "--help", "-h", "help": return .help
        case "--version": return .version
        case "run": return run(rest)
        case "ledger": return ledger(rest)
        case "lane":
            guard rest.count == 2, rest[0] == "replay" else { return .misused("lane is followed by replay and a FILE") }
            return .laneReplay(path: rest[1])
        case "check": return check(rest)
        case "decode": return decode(rest)
        default: return .misused("\"\(verb)\" is not a command")
        }
    }

    private static func run(_ arguments: [String]) -> Command {
        var options = Options(arguments, known: ["--config", "--state", "--watchdog"])
        guard let config = options.take("--config") else { return .misused("run needs --config FILE") }
        guard let state = options.take("--state") else { return .misused("run needs --state DIR") }
        let watchdog = options.take("--watchdog")
        return options.misuse.map { .misused($0) } ?? .run(config: config, state: state, watchdog: watchdog)
    }

    private static func check(_ arguments: [String]) -> Command {
        var options = Options(arguments, known: ["--config", "--state"])
        guard let config = options.take("--config") else { return .misused("check needs --config FILE") }
        let state = options.take("--state")
        return options.misuse.map { .misused($0) } ?? .check(config: config, state: state)
    }

    private static func ledger(_ arguments: [String]) -> Command {
        do throws(Misuse) {
            return .ledger(try LedgerCommand.parse(arguments))
        } catch {
            return .misused(error.text)
        }
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
