// What can go wrong between the firmware and the operating system, the network or a field bus.
// An errno that means a programming error traps where it occurs; what reaches this type is the world's doing.

/// An operating error of the machine. `description` says what failed and why; the caller knows what to do next.
public enum MachineError: Error, Sendable {
    /// A system call was refused: its name, what it was about (a path, an address, a line), and errno.
    case system(call: String, subject: String, errno: Int32)
    /// A library refused: its name, what it was about, and its own words.
    case library(name: String, subject: String, reason: String)
    /// The other end closed.
    case closed(subject: String)
    /// Nothing came in the time allowed.
    case deadline(subject: String)
    /// More than the stated limit.
    case limit(subject: String, limit: Int)
}
