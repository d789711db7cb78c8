// What can go wrong in building or running the site itself. A finding about the controller is no error: it stands in
// the report.

import CSystem

public enum SimulationError: Error, CustomStringConvertible {
    /// A system call failed on a thing, with its errno.
    case system(String, Int32)
    case tool(String, String)
    case folder(String, String)
    case timeout(String)
    case controller(String)
    case export(String)

    static func system(_ what: String) -> SimulationError { .system(what, gw_errno()) }

    public var description: String {
        switch self {
        case .system(let what, let code):
            var text = [CChar](repeating: 0, count: 128)
            gw_strerror(code, &text, text.count)
            let end = text.firstIndex(of: 0) ?? text.endIndex
            let words = String(decoding: text[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            return "\(what): \(words)"
        case .tool(let command, let output): return "\(command) failed: \(output)"
        case .folder(let path, let why): return "\(path): \(why)"
        case .timeout(let what): return "\(what) took too long"
        case .controller(let what): return "the controller \(what)"
        case .export(let what): return "the ledger's export: \(what)"
        }
    }
}
