// The running log: one line an event, to standard error, where the console and the boot log pick it up.
//
// Invariants: one write(2) a line, so that lines of several threads do not mix; an output that takes nothing (a stopped
// reader, XOFF on the serial console) is not waited for: the line is lost. The kernel's log, /dev/kmsg, takes each
// line, though poll(2) never calls it writable. The lane thread does not log.
// Limits: 1,000 bytes a line; the rest is cut.

import CSystem
import Domain

public enum LogLevel: Sendable {
    case info
    case warning
    case error

    var word: String {
        switch self {
        case .info: "info"
        case .warning: "warning"
        case .error: "error"
        }
    }
}

public final class Log: Sendable {
    private static let lineLimit = 1_000
    private let offsetMinutes: Int
    private let outputTakesAll: Bool

    public init(offsetMinutes: Int) {
        self.offsetMinutes = offsetMinutes
        outputTakesAll = gw_takes_all(STDERR_FILENO)
    }

    public func write(_ level: LogLevel, _ text: String) {
        let time = CivilTime(WallTime(microseconds: gw_clock_realtime_ns() / 1_000), offsetMinutes: offsetMinutes)
        var line = Array("\(time.text) \(level.word): \(text)".utf8.prefix(Log.lineLimit))
        for index in line.indices where line[index] < 0x20 { line[index] = 0x20 }
        line.append(0x0A)
        var output = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
        guard outputTakesAll || gw_poll_ns(&output, 1, 0) == 1 else { return }
        _ = CSystem.write(STDERR_FILENO, line, line.count)
    }

    public func info(_ text: String) { write(.info, text) }
    public func warning(_ text: String) { write(.warning, text) }
    public func error(_ text: String) { write(.error, text) }
}

/// Standard output, for the commands that answer there.
public enum StandardOutput {
    /// Writes all bytes. False when nobody reads any more.
    @discardableResult
    public static func write(_ bytes: [UInt8]) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                buffer.baseAddress.map { CSystem.write(STDOUT_FILENO, $0 + done, buffer.count - done) } ?? 0
            }
            if count < 0 && gw_errno() == EINTR { continue }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }

    @discardableResult
    public static func line(_ text: String) -> Bool {
        write(Array(text.utf8) + [0x0A])
    }
}

/// Standard error, for the one line that says why a command failed.
public func complain(_ text: String) {
    let line = Array("gatewarden: \(text)\n".utf8)
    _ = CSystem.write(STDERR_FILENO, line, line.count)
}
