// The process: its arguments and its end. Embedded Swift has no CommandLine.

import CSystem

/// The arguments without the program's name.
public func processArguments() -> [String] {
    var arguments: [String] = []
    for index in 1..<max(1, Int(gw_argument_count())) {
        if let text = gw_argument(Int32(index)) { arguments.append(String(cString: text)) }
    }
    return arguments
}

/// Ends the process orderly.
public func exitProcess(_ code: Int32) -> Never {
    exit(code)
}

/// Ends the process at once, without any orderly work: relays fall to their resting state, and the board's init or
/// watchdog starts it anew.
public func endAbruptly(code: Int32) -> Never {
    _exit(code)
}
