// The firmware's entry: what was asked for, and the exit code. 0 done, 1 failed, 2 not understood.

import Machine

@main
struct Gatewarden {
    static func main() {
        endProcess(run(processArguments()))
    }

    private static func run(_ arguments: [String]) -> Int32 {
        switch Command.parse(arguments) {
        case .run(let config, let state, let watchdog):
            return runController(configPath: config, statePath: state, watchdog: watchdog)
        case .ledger(let command): return runLedger(command)
        case .laneReplay(let path): return replayLane(path: path)
        case .check(let config, let state): return checkBoard(configPath: config, statePath: state)
        case .decode(let name, let bytes): return decodeBytes(protocolName: name, bytes: bytes)
        case .version:
            for line in versionLines() { StandardOutput.line(line) }
            return 0
        case .help:
            for line in Command.helpText { StandardOutput.line(line) }
            return 0
        case .misused(let why):
            complain("\(why); see gatewarden --help")
            return 2
        }
    }
}
