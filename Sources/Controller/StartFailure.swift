// Why the controller does not start, in one line: what, why, and what to do next.

import Configuration
import Domain
import Ledger
import Machine

public enum StartFailure: Error, Sendable {
    case stateFolder(path: String, MachineError)
    case ledger(LedgerError)
    case lines(MachineError)
    case watchdog(MachineError)
    case machine(MachineError)
    /// More uplinks than this version drives.
    case tooMany(what: String, count: Int)

    public var description: String {
        switch self {
        case .stateFolder(let path, let error):
            "state folder \(path): \(error.description); make the folder, or give this user the right to write there"
        case .ledger(let error): error.description
        case .lines(let error):
            "lines: \(error.description); check lines.chip or lines.socket and the lane's inputs and outputs, "
                + "and that no other program holds the lines"
        case .watchdog(let error):
            "watchdog: \(error.description); check watchdog.device, or set it to none on a board that has none"
        case .machine(let error): "\(error.description)"
        case .tooMany(let what, let count):
            "the configuration has \(count) \(what), and this version drives one; leave the others out"
        }
    }
}
