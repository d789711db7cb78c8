// Why the controller does not start, in one line: what, why, and what to do next.

import Configuration
import Crypto
import Domain
import Ledger
import Machine
import Registry

public enum StartFailure: Error, Sendable {
    case stateFolder(path: String, MachineError)
    case ledger(LedgerError)
    case register(RegistryError)
    case lines(MachineError)
    case trust(CryptoError)
    /// The file with the certificates of a platform's authority.
    case authorityFile(MachineError)
    case passwordFile(MachineError)
    /// The file has no password that could be sent: why.
    case password(path: String, reason: String)
    case listen(address: String, MachineError)
    case console(MachineError)
    case watchdog(MachineError)
    case machine(MachineError)
    /// More uplinks than this version drives.
    case tooMany(what: String, count: Int)

    public var description: String {
        switch self {
        case .stateFolder(let path, let error):
            "state folder \(path): \(error.description); make the folder, or give this user the right to write there"
        case .ledger(let error): error.description
        case .register(let error):
            "register: \(error.description); nothing of that file was taken: correct it and start again"
        case .lines(let error):
            "lines: \(error.description); check lines.chip or lines.socket and the lane's inputs and outputs, "
                + "and that no other program holds the lines"
        case .trust(let error): error.description
        case .authorityFile(let error):
            "CA file: \(error.description); put the certificates there that may have signed the platform's, in PEM form"
        case .passwordFile(let error):
            "password file: \(error.description); put the platform's password there, readable for this user only"
        case .password(let path, let reason):
            "password file: \(path): \(reason); put the platform's password into its first line, in UTF-8"
        case .listen(let address, let error):
            "cameras: cannot listen on \(address): \(error.description); "
                + "check web.address and web.port, and that no other program listens there"
        case .console(let error):
            "console: \(error.description); name a short path in a folder that is there as console.socket"
        case .watchdog(let error):
            "watchdog: \(error.description); check watchdog.device, or set it to none on a board that has none"
        case .machine(let error): "\(error.description)"
        case .tooMany(let what, let count):
            "the configuration has \(count) \(what), and this version drives one; leave the others out"
        }
    }
}
