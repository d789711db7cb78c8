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

/// Ends the process at once. What is to be orderly was done before: the libraries' own clean-up at exit would run under
/// threads that may still live.
public func endProcess(_ code: Int32) -> Never {
    _exit(code)
}
