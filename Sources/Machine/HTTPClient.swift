// The HTTP/1.1 client of one server, over TLS or (for a closed network, and tests) in plain text.
//
// Invariants: one request at a time; its completion is called exactly once, after the client has forgotten it, so that
// it may post the next one. A request is never sent twice: what to do after a failure is the caller's to decide.
// Each request has a connection of its own, with its own TLS handle: HTTP/1.1 does not say which request a reply
// belongs to, and a reply that a server or a proxy sends twice would be taken for the next one's.
// Its timers are its own and end with it: that is why their handlers need not keep it (Embedded Swift knows no other
// reference without ownership than unowned(unsafe)).
// Limits: `Limits`. A host name is resolved to its IPv4 address; for IPv6 give the address.
//
// It reads bufferevents itself rather than through evhttp, which knows no deadline for the connection alone, hides why
// a connection failed, and connects again on a TLS handle that has been used.

import CLibevent
import CSystem
import Domain

/// What makes a connection secure, given by the room that knows TLS.
public struct SecureLayer {
    /// A new `SSL *` for one connection, which frees it; nil when none can be made.
    public let makeHandle: () -> OpaquePointer?
    /// Why the connection of this handle failed, in the library's words, given its last error code; nil when TLS was
    /// not the cause.
    public let failure: (OpaquePointer, UInt) -> String?

    public init(makeHandle: @escaping () -> OpaquePointer?, failure: @escaping (OpaquePointer, UInt) -> String?) {
        self.makeHandle = makeHandle
        self.failure = failure
    }
}

public final class HTTPClient: HTTPTransport {
    public struct Limits: Sendable {
        /// From the start of name resolution to the end of the TLS handshake.
        public var connect = Interval.seconds(10)
        /// From `post` to the last byte of the reply.
        public var request = Interval.seconds(30)
        public var requestBytes = 16 << 20
        public var responseBytes = 1 << 20
        /// Names the DNS servers; read again at each connection.
        public var resolverFile = "/etc/resolv.conf"

        public init() {}
    }

    private struct Pending {
        let message: [UInt8]
        var reader: HTTPResponseReader
        let completion: (Result<HTTPResponse, MachineError>) -> Void
    }

    private struct Connection {
        let stream: OpaquePointer
        let tlsHandle: OpaquePointer?
        var isOpen = false
    }

    /// For the supervisor: cuts this client's connection off from another thread.
    public let cutoff: SocketCutoff
    private let loop: EventLoop
    private let host: String
    private let port: UInt16
    private let secure: SecureLayer?
    private let limits: Limits
    private let resolver: OpaquePointer
    private var connection: Connection?
    private var pending: Pending?
    private var requestTimer: EventWatch?
    private var connectTimer: EventWatch?

    /// `host` is a name or an address without brackets; `secure` nil means plain HTTP.
    public init(
        loop: EventLoop, host: String, port: UInt16, secure: SecureLayer?, limits: Limits = Limits(),
        cutoff: SocketCutoff = SocketCutoff()
    ) throws(MachineError) {
        guard let resolver = evdns_base_new(loop.base, 0) else {
            throw .library(name: "libevent", subject: "evdns_base_new", reason: "out of memory")
        }
        self.resolver = resolver
        self.loop = loop
        self.host = host
        self.port = port
        self.secure = secure
        self.limits = limits
        self.cutoff = cutoff
        // Without it the first write to a connection that the server closed would end the process.
        gw_ignore_sigpipe()
    }

    deinit {
        if let connection { bufferevent_free(connection.stream) }
        evdns_base_free(resolver, 0)
    }

    public func post(
        path: String, contentType: String, body: [UInt8],
        completion: @escaping (Result<HTTPResponse, MachineError>) -> Void
    ) {
        precondition(pending == nil, "MACH-32 one request at a time")
        pending = Pending(
            message: head(path, contentType, body.count) + body,
            reader: HTTPResponseReader(bodyLimit: limits.responseBytes),
            completion: completion
        )
        do throws(MachineError) {
            requestTimer = try loop.timer(limits.request, repeats: false) { [unowned(unsafe) self] in
                self.fail(.deadline(subject: "the reply of \(self.peer)"))
            }
            guard body.count <= limits.requestBytes else {
                throw .limit(subject: "the request to \(peer)", limit: limits.requestBytes)
            }
            try connect()
        } catch {
            failLater(error)
        }
    }

    public func disconnect() {
        if pending != nil { fail(.closed(subject: "the connection to \(peer), by this side")) }
    }

    private var peer: String { "\(host):\(port)" }

    private func head(_ path: String, _ contentType: String, _ length: Int) -> [UInt8] {
        let isSafe = (path + contentType + host).utf8.allSatisfy { $0 > 0x1F && $0 != 0x7F }
        precondition(isSafe && path.utf8.first == 0x2F && !path.contains(" "), "MACH-33 a path is /… without blanks")
        let name = host.contains(":") ? "[\(host)]" : host
        let usualPort: UInt16 = secure == nil ? 80 : 443
        let lines = [
            "POST \(path) HTTP/1.1", "Host: \(name)" + (port == usualPort ? "" : ":\(port)"), "User-Agent: gatewarden",
            "Accept: */*", "Content-Type: \(contentType)", "Content-Length: \(length)", "Connection: close", "", "",
        ]
        return Array(lines.joined(separator: "\r\n").utf8)
    }

    // MARK: the connection

    private func connect() throws(MachineError) {
        let stream: OpaquePointer?
        var handle: OpaquePointer?
        let options = Int32(BEV_OPT_CLOSE_ON_FREE.rawValue | BEV_OPT_DEFER_CALLBACKS.rawValue)
        if let secure {
            handle = secure.makeHandle()
            guard let handle else {
                throw .library(name: "TLS", subject: peer, reason: "no handle for this server name")
            }
            // It frees the handle, also when it fails.
            stream = bufferevent_openssl_socket_new(loop.base, -1, handle, BUFFEREVENT_SSL_CONNECTING, options)
        } else {
            stream = bufferevent_socket_new(loop.base, -1, options)
        }
        guard let stream else { throw .library(name: "libevent", subject: peer, reason: "no connection can be made") }
        connection = Connection(stream: stream, tlsHandle: handle)
        connectTimer = try loop.timer(limits.connect, repeats: false) { [unowned(unsafe) self] in
            self.fail(.deadline(subject: "connecting to \(self.peer)"))
        }
        bufferevent_setcb(
            stream, { _, client in HTTPClient.from(client).readable() }, nil,
            { _, what, client in HTTPClient.from(client).happened(Int32(what)) },
            Unmanaged.passUnretained(self).toOpaque()
        )
        bufferevent_enable(stream, Int16(EV_READ | EV_WRITE))
        var family = AF_UNSPEC
        if !gw_event_is_address(host) {
            family = AF_INET
            readResolverFile()
        }
        guard bufferevent_socket_connect_hostname(stream, resolver, family, host, Int32(port)) == 0 else {
            throw .system(call: "connect", subject: peer, errno: gw_errno())
        }
        cutoff.publish(bufferevent_getfd(stream))
    }

    private func readResolverFile() {
        evdns_base_clear_nameservers_and_suspend(resolver)
        // Without a readable file it asks the resolver on this machine; the failure then shows as the name's.
        _ = evdns_base_resolv_conf_parse(resolver, DNS_OPTION_NAMESERVERS | DNS_OPTION_MISC, limits.resolverFile)
        evdns_base_resume(resolver)
    }

    private static func from(_ context: UnsafeMutableRawPointer?) -> HTTPClient {
        guard let context else { preconditionFailure("MACH-34 a connection knows its client") }
        return Unmanaged<HTTPClient>.fromOpaque(context).takeUnretainedValue()
    }

    private func happened(_ what: Int32) {
        guard connection != nil else { return }
        if what & BEV_EVENT_CONNECTED != 0 {
            connection?.isOpen = true
            connectTimer = nil
            if let stream = connection?.stream { cutoff.publish(bufferevent_getfd(stream)) }
            send()
            return
        }
        let error = reason(what)
        // Only an orderly end completes a reply that lasts until the end: over TLS a cut one ends in an error.
        if what & BEV_EVENT_EOF != 0, let response = pending?.reader.close() {
            drop()
            finish(.success(response))
        } else if pending != nil {
            fail(error)
        } else {
            drop()
        }
    }

    private func send() {
        guard let pending, let stream = connection?.stream else { return }
        if bufferevent_write(stream, pending.message, pending.message.count) != 0 {
            failLater(.library(name: "libevent", subject: peer, reason: "out of memory"))
        }
    }

    private func readable() {
        guard let stream = connection?.stream, let input = bufferevent_get_input(stream) else { return }
        let count = evbuffer_get_length(input)
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = max(0, Int(evbuffer_remove(input, buffer.baseAddress, count)))
        }
        guard let progress = pending?.reader.take(bytes) else { return }
        switch progress {
        case .needsMore:
            return
        case .complete(let response):
            drop()
            finish(.success(response))
        case .tooLarge(let limit):
            fail(.limit(subject: "the reply of \(peer)", limit: limit))
        case .malformed(let reason):
            fail(.library(name: "HTTP", subject: peer, reason: "malformed \(reason)"))
        }
    }

    private func reason(_ what: Int32) -> MachineError {
        let socketError = gw_errno()
        guard let connection else { return .closed(subject: peer) }
        let nameError = bufferevent_socket_get_dns_error(connection.stream)
        if nameError != 0 {
            return .library(name: "DNS", subject: host, reason: String(cString: evutil_gai_strerror(nameError)))
        }
        if what & BEV_EVENT_EOF != 0 {
            let moment = pending?.reader.hasStarted == true ? "in the middle of its reply" : "before its reply"
            return .closed(subject: "\(peer), \(moment)")
        }
        if let handle = connection.tlsHandle,
            let words = secure?.failure(handle, UInt(bufferevent_get_openssl_error(connection.stream)))
        {
            return .library(name: "TLS", subject: peer, reason: words)
        }
        return .system(call: connection.isOpen ? "recv" : "connect", subject: peer, errno: socketError)
    }

    // MARK: the end of a request

    private func drop() {
        connectTimer = nil
        guard let stream = connection?.stream else { return }
        cutoff.withdraw()
        connection = nil
        bufferevent_free(stream)
    }

    private func fail(_ error: MachineError) {
        drop()
        finish(.failure(error))
    }

    /// For what goes wrong within `post`: its caller is not called back before it returns.
    private func failLater(_ error: MachineError) {
        drop()
        do throws(MachineError) {
            requestTimer = try loop.timer(.zero, repeats: false) { [unowned(unsafe) self] in self.fail(error) }
        } catch {
            // Not even a timer can be made: better early than never.
            finish(.failure(error))
        }
    }

    private func finish(_ result: Result<HTTPResponse, MachineError>) {
        guard let done = pending else { return }
        pending = nil
        requestTimer = nil
        done.completion(result)
    }
}
