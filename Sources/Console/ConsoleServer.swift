// The console: a person (or a script) on the board types lines into a local socket and reads plain text.
//
// Each reply is lines of text and then a line with a single ".". A reply line that begins with "." gets another one in
// front (as SMTP does), so that no text can end a reply early.
// Invariants: what is typed here moves an arm only by way of a record in the ledger. Only the socket's owner gets in.
// Limits: 4 sessions, 1,024 bytes a line, 5 minutes of silence, `LocalConnection.maximumPendingBytes` unread.

import Domain
import Machine

/// What answers the console's questions, on the console's thread. It must not wait for another thread without a
/// deadline.
public protocol ConsoleSource: AnyObject {
    /// Lines of plain text.
    func answer(_ command: ConsoleCommand) -> [String]
    /// A session begins; `from` tells the socket and the user at its other end.
    func opened(_ session: Int, from: String)
    func closed(_ session: Int)
}

/// Serves the console on an event loop.
public final class ConsoleServer {
    public static let maximumSessions = 4
    public static let idleLimit = Interval.seconds(300)

    private let socket: LocalSocketServer

    /// - Parameter path: of the socket; a stale one is replaced.
    public convenience init(loop: EventLoop, path: String, source: any ConsoleSource) throws(MachineError) {
        try self.init(loop: loop, path: path, source: source, idleLimit: ConsoleServer.idleLimit)
    }

    init(loop: EventLoop, path: String, source: any ConsoleSource, idleLimit: Interval) throws(MachineError) {
        let busy = ["busy: \(ConsoleServer.maximumSessions) sessions are open; end one with quit, then try again"]
        socket = try LocalSocketServer(
            loop: loop, path: path, maximumConnections: ConsoleServer.maximumSessions, idleLimit: idleLimit,
            refusal: consoleReply(busy), handler: ConsoleSessions(source: source, path: path))
    }

    deinit {
        close()
    }

    /// Ends every session and removes the socket. Call it on the loop's thread.
    public func close() {
        socket.close()
    }
}

/// The open sessions: bytes in, replies out.
private final class ConsoleSessions: LocalSocketHandler {
    private let source: any ConsoleSource
    private let path: String
    private var lines: [Int: ConsoleLines] = [:]

    init(source: any ConsoleSource, path: String) {
        self.source = source
        self.path = path
    }

    func opened(_ connection: LocalConnection) {
        lines[connection.number] = ConsoleLines()
        let user = connection.user.map { "user \($0)" } ?? "user unknown"
        source.opened(connection.number, from: "\(path), \(user)")
    }

    func received(_ bytes: [UInt8], from connection: LocalConnection) {
        guard let complete = lines[connection.number]?.take(bytes) else { return }
        for line in complete where connection.isOpen {
            switch line {
            case .tooLong:
                let limit = ConsoleLines.maximumLineBytes
                connection.send(consoleReply(["the line has more than \(limit) bytes: type help for the commands"]))
            case .text(let text):
                serve(ConsoleRequest(text), connection)
            }
        }
    }

    func closed(_ connection: LocalConnection) {
        lines[connection.number] = nil
        source.closed(connection.number)
    }

    private func serve(_ request: ConsoleRequest, _ connection: LocalConnection) {
        switch request {
        case .nothing:
            break
        case .help:
            connection.send(consoleReply(ConsoleRequest.helpText))
        case .quit:
            connection.send(consoleReply(["bye"]))
            connection.closeAfterSending()
        case .ask(let command):
            connection.send(consoleReply(source.answer(command)))
        case .refused(let why):
            connection.send(consoleReply([why]))
        }
    }
}

/// A reply as it goes out. A line feed inside a line would be two lines: it becomes a blank.
func consoleReply(_ lines: [String]) -> [UInt8] {
    var bytes: [UInt8] = []
    for line in lines {
        if line.utf8.first == UInt8(ascii: ".") { bytes.append(UInt8(ascii: ".")) }
        for byte in line.utf8 {
            bytes.append(byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") ? UInt8(ascii: " ") : byte)
        }
        bytes.append(UInt8(ascii: "\n"))
    }
    return bytes + [UInt8(ascii: "."), UInt8(ascii: "\n")]
}
