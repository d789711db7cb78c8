// What can go wrong between the firmware and the operating system, the network or a field bus.
// An errno that means a programming error traps where it occurs; what reaches this type is the world's doing.

import CSystem

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

extension MachineError {
    /// The error that errno now holds.
    static func lastSystemError(_ call: String, _ subject: String) -> MachineError {
        .system(call: call, subject: subject, errno: gw_errno())
    }

    /// One line: what failed, and why.
    public var description: String {
        switch self {
        case .system(let call, let subject, let errno): "\(subject): \(call) failed: \(systemErrorText(errno))"
        case .library(let name, let subject, let reason): "\(subject): \(name): \(reason)"
        case .closed(let subject): "\(subject): the other end closed"
        case .deadline(let subject): "\(subject): no answer in time"
        case .limit(let subject, let limit): "\(subject): over the limit of \(limit)"
        }
    }
}

/// The C library's English words for an errno value.
public func systemErrorText(_ errno: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
        guard let start = buffer.baseAddress else { return "errno \(errno)" }
        gw_strerror(errno, start, buffer.count)
        return String(cString: start)
    }
}
