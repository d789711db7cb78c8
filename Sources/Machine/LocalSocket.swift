// A local stream socket on an event loop: the console's way in.
//
// Invariants: the socket file has mode 0600 and goes with the server; a stale one is replaced, a live one refused.
// All calls and handlers run on the loop's thread. No handler is called after `closed`.
// Limits: the stated count of connections and idle time, and `LocalConnection.maximumPendingBytes` of unsent output.

import CLibevent
import CSystem
import Domain

/// What serves the connections of a `LocalSocketServer`.
public protocol LocalSocketHandler: AnyObject {
    func opened(_ connection: LocalConnection)
    func received(_ bytes: [UInt8], from connection: LocalConnection)
    func closed(_ connection: LocalConnection)
}

/// One accepted connection.
public final class LocalConnection {
    /// A peer that lets more than this pile up unread is cut off.
    public static let maximumPendingBytes = 256 * 1024

    /// How long the peer may leave output unread.
    private static let writeLimit = Interval.seconds(30)
    private static let readChunk = 4096

    /// Unique for the life of the server.
    public let number: Int
    /// The user at the other end, by the kernel; nil when it does not say.
    public let user: UInt32?
    private let server: LocalSocketServer
    private var stream: OpaquePointer?
    private var isEnding = false

    fileprivate init(number: Int, user: UInt32?, server: LocalSocketServer, stream: OpaquePointer) {
        self.number = number
        self.user = user
        self.server = server
        self.stream = stream
    }

    /// Whether what is sent now can still arrive.
    public var isOpen: Bool { stream != nil && !isEnding }

    /// Sends after what was sent before; does nothing when the connection is no longer open.
    public func send(_ bytes: [UInt8]) {
        guard let stream, isOpen, !bytes.isEmpty else { return }
        let pending = evbuffer_get_length(bufferevent_get_output(stream))
        guard pending + bytes.count <= LocalConnection.maximumPendingBytes else {
            close()
            return
        }
        _ = bufferevent_write(stream, bytes, bytes.count)
    }

    /// Reads no more, and closes when everything sent has left.
    public func closeAfterSending() {
        guard let stream, !isEnding else { return }
        isEnding = true
        _ = bufferevent_disable(stream, Int16(EV_READ))
        if evbuffer_get_length(bufferevent_get_output(stream)) == 0 { close() }
    }

    public func close() {
        guard let stream else { return }
        self.stream = nil
        bufferevent_free(stream)
        server.forget(self)
    }

    fileprivate func start(idleLimit: Interval) {
        guard let stream else { return }
        var idle = timeval(idleLimit)
        var write = timeval(LocalConnection.writeLimit)
        bufferevent_set_timeouts(stream, &idle, &write)
        bufferevent_setcb(
            stream,
            { _, context in LocalConnection.from(context)?.readable() },
            { _, context in LocalConnection.from(context)?.written() },
            { _, what, context in LocalConnection.from(context)?.happened(Int32(what)) },
            Unmanaged.passUnretained(self).toOpaque()
        )
        _ = bufferevent_enable(stream, Int16(EV_READ | EV_WRITE))
    }

    private static func from(_ context: UnsafeMutableRawPointer?) -> LocalConnection? {
        context.map { Unmanaged<LocalConnection>.fromOpaque($0).takeUnretainedValue() }
    }

    private func readable() {
        while let stream, !isEnding {
            var count = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: LocalConnection.readChunk) { buffer, filled in
                count = bufferevent_read(stream, buffer.baseAddress, LocalConnection.readChunk)
                filled = count
            }
            guard count > 0 else { return }
            server.handler.received(bytes, from: self)
        }
    }

    private func written() {
        if isEnding { close() }
    }

    private func happened(_ what: Int32) {
        // A peer that only shut its own half (`printf status | socat - UNIX:…`) still gets its answers.
        if what & BEV_EVENT_EOF != 0 { closeAfterSending() } else { close() }
    }
}

/// Listens and accepts. Call `close` before the last reference goes: server and connections hold each other.
public final class LocalSocketServer {
    public let path: String
    fileprivate let handler: any LocalSocketHandler
    private let loop: EventLoop
    private let maximumConnections: Int
    private let idleLimit: Interval
    private let refusal: [UInt8]
    private var listener: Int32
    private var watch: EventWatch?
    private var connections: [LocalConnection] = []
    private var acceptedCount = 0

    /// - Parameters:
    ///   - refusal: what a peer beyond `maximumConnections` is told before it is closed.
    ///   - idleLimit: how long a peer may be silent.
    public init(
        loop: EventLoop, path: String, maximumConnections: Int, idleLimit: Interval, refusal: [UInt8],
        handler: any LocalSocketHandler
    ) throws(MachineError) {
        let probe = gw_unix_connect(path, Int32(GW_SOCKET_STREAM))
        guard probe < 0 else {
            _ = CSystem.close(probe)
            throw .system(call: "listen", subject: path, errno: EADDRINUSE)
        }
        listener = gw_unix_listen(path, Int32(GW_SOCKET_STREAM), 8)
        guard listener >= 0 else {
            throw .lastSystemError("listen", path)
        }
        self.loop = loop
        self.path = path
        self.maximumConnections = maximumConnections
        self.idleLimit = idleLimit
        self.refusal = refusal
        self.handler = handler
        watch = try loop.watch(readable: listener) { self.accept() }
    }

    deinit {
        close()
    }

    /// Stops listening, closes every connection and removes the socket file.
    public func close() {
        guard listener >= 0 else { return }
        watch?.cancel()
        watch = nil
        _ = CSystem.close(listener)
        listener = -1
        _ = unlink(path)
        for connection in connections { connection.close() }
    }

    private func accept() {
        while listener >= 0 {
            let descriptor = gw_accept(listener)
            guard descriptor >= 0 else { return }
            guard connections.count < maximumConnections,
                let stream = bufferevent_socket_new(loop.base, descriptor, Int32(BEV_OPT_CLOSE_ON_FREE.rawValue))
            else {
                _ = gw_send(descriptor, refusal, refusal.count)
                _ = CSystem.close(descriptor)
                continue
            }
            acceptedCount += 1
            var user: UInt32 = 0
            let isKnown = gw_peer_uid(descriptor, &user) == 0
            let connection = LocalConnection(
                number: acceptedCount, user: isKnown ? user : nil, server: self, stream: stream)
            connections.append(connection)
            connection.start(idleLimit: idleLimit)
            handler.opened(connection)
        }
    }

    fileprivate func forget(_ connection: LocalConnection) {
        connections.removeAll { $0 === connection }
        handler.closed(connection)
    }
}
