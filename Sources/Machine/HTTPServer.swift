// The HTTP server of the net thread: libevent's evhttp, bounded on every side.
//
// evhttp parses (chunked bodies, Expect: 100-continue, keep-alive) and takes one request at a time from a connection.
// It sets no end to a client that keeps sending slowly, takes connections without number, and closes on a client that
// is still sending, which resets the connection before the client reads its answer. So each connection's bufferevent
// is held here as well, and a sweep four times a second ends what is over its time, and keeps a connection that evhttp
// has let go open and drained until the client has read its answer.
// Invariants: used on the loop's thread only; each request is answered once, by the handler or here with 503.
// Limits: `HTTPServerLimits`; memory at worst is connections × bodyBytes.

import CLibevent
import CSystem
import Domain

public struct HTTPServerLimits: Sendable {
    /// A larger body is answered 413.
    public var bodyBytes: Int
    /// Request line and headers together; more is answered 400.
    public var headerBytes: Int
    /// One more is answered 503 and closed.
    public var connections: Int
    /// From the connection, or the answer before, until a request is whole. Slower clients are cut off.
    public var receiving: Interval
    /// For the handler to answer; then the answer is 503.
    public var answering: Interval
    /// How long a connection is drained after its last answer.
    public var lingering: Interval

    public init(
        bodyBytes: Int = 8 << 20, headerBytes: Int = 8 << 10, connections: Int = 32,
        receiving: Interval = .seconds(60), answering: Interval = .seconds(30), lingering: Interval = .seconds(2)
    ) {
        self.bodyBytes = bodyBytes
        self.headerBytes = headerBytes
        self.connections = connections
        self.receiving = receiving
        self.answering = answering
        self.lingering = lingering
    }

    public static let standard = HTTPServerLimits()
}

public final class HTTPServer {
    /// The port that is listened on; the kernel's choice when 0 was asked.
    public let port: UInt16
    /// Connections now held, those that are only drained included.
    public var connectionCount: Int { connections.count }
    /// Connections refused because there were too many.
    public private(set) var refusedConnections = 0
    /// Connections cut off because a request did not become whole in time.
    public private(set) var slowConnections = 0

    private let loop: EventLoop
    private let limits: HTTPServerLimits
    private let handler: HTTPHandler
    private var http: OpaquePointer?
    private var connections: [Connection] = []
    private var sweeper: EventWatch?
    private var urgentSweep: EventWatch?

    /// Listens on a numeric address, `0.0.0.0` or `::` for all.
    public init(
        loop: EventLoop, address: String, port: UInt16, limits: HTTPServerLimits = .standard, handler: HTTPHandler
    ) throws(MachineError) {
        // libevent writes to peers that have left.
        gw_ignore_sigpipe()
        guard let listener = gw_event_listen_tcp(loop.base, nil, nil, address, port) else {
            throw .system(call: "bind", subject: "\(address):\(port)", errno: gw_errno())
        }
        guard let http = evhttp_new(loop.base) else {
            evconnlistener_free(listener)
            throw .library(name: "libevent", subject: "evhttp_new", reason: "out of memory")
        }
        guard evhttp_bind_listener(http, listener) != nil else {
            evconnlistener_free(listener)
            evhttp_free(http)
            throw .library(name: "libevent", subject: "evhttp_bind_listener", reason: "out of memory")
        }
        self.loop = loop
        self.limits = limits
        self.handler = handler
        self.http = http
        self.port = gw_event_local_port(evconnlistener_get_fd(listener))
        evhttp_set_max_body_size(http, limits.bodyBytes)
        evhttp_set_max_headers_size(http, limits.headerBytes)
        // evhttp answers a method that is not allowed with 501; this server says 405.
        evhttp_set_allowed_methods(http, 0x1FF)
        // The callbacks hold no reference, so that the server can end; `close` takes them away before it does.
        let this = Unmanaged.passUnretained(self)
        let context = this.toOpaque()
        evhttp_set_bevcb(http, { base, context in HTTPServer.of(context)?.accept(base) }, context)
        evhttp_set_gencb(
            http,
            { request, context in
                guard let request else { return }
                HTTPServer.of(context)?.take(request)
            },
            context
        )
        sweeper = try loop.timer(.milliseconds(250), repeats: true) { this.takeUnretainedValue().sweep() }
    }

    deinit {
        close()
    }

    /// Stops listening and drops every connection; requests that wait for their answer are forgotten.
    public func close() {
        guard let http else { return }
        self.http = nil
        sweeper = nil
        urgentSweep = nil
        for connection in connections { connection.exchange?.abandon() }
        evhttp_free(http)
        for connection in connections { connection.release() }
        connections = []
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> HTTPServer? {
        context.map { Unmanaged<HTTPServer>.fromOpaque($0).takeUnretainedValue() }
    }

    /// evhttp asks for the bufferevent of a new connection; nil would let it make one that nobody watches.
    private func accept(_ base: OpaquePointer?) -> OpaquePointer? {
        guard let bufferevent = bufferevent_socket_new(base, -1, Int32(BEV_OPT_CLOSE_ON_FREE.rawValue)) else {
            return nil
        }
        let connection = Connection(bufferevent, until: now() + limits.receiving)
        let served = connections.reduce(0) { $0 + ($1.isServed ? 1 : 0) }
        if served >= limits.connections {
            refusedConnections += 1
            connection.state = .surplus
            // The socket is not attached yet: it is answered in the loop's next turn.
            let this = Unmanaged.passUnretained(self)
            urgentSweep = try? loop.timer(.zero, repeats: false) { this.takeUnretainedValue().sweep() }
        }
        connections.append(connection)
        return bufferevent
    }

    private func take(_ request: OpaquePointer) {
        let evhttpConnection = evhttp_request_get_connection(request)
        let bufferevent = evhttp_connection_get_bufferevent(evhttpConnection)
        guard let connection = connections.first(where: { $0.bufferevent == bufferevent }) else {
            evhttp_send_error(request, 503, nil)
            return
        }
        let exchange = EventExchange(request, connection, receiving: limits.receiving)
        connection.exchange = exchange
        if case .surplus = connection.state {
            // Its request was quicker than the sweep.
            _ = evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close")
            exchange.answer(plain(503, "too many connections"))
            return
        }
        connection.state = .answering(until: now() + limits.answering)
        guard let method = methodName(evhttp_request_get_command(request)) else {
            exchange.answer(plain(405, "only GET, POST and PUT are served"))
            return
        }
        var path = ""
        if let uri = evhttp_request_get_evhttp_uri(request), let text = evhttp_uri_get_path(uri) {
            path = String(cString: text)
        }
        var contentType = ""
        if let text = evhttp_find_header(evhttp_request_get_input_headers(request), "Content-Type") {
            contentType = String(cString: text)
        }
        var peer: UnsafeMutablePointer<CChar>?
        var peerPort: UInt16 = 0
        evhttp_connection_get_peer(evhttpConnection, &peer, &peerPort)
        let received = HTTPRequest(
            method: method, path: path.isEmpty ? "/" : path, contentType: contentType,
            peer: peer.map { String(cString: $0) } ?? "", body: drain(evhttp_request_get_input_buffer(request))
        )
        handler.handle(received, exchange)
    }

    /// Ends what is over its time. A connection that evhttp has let go has no callbacks any more.
    private func sweep() {
        let time = now()
        for connection in connections {
            if connection.isLetGo {
                let hasRoom = connections.count <= 2 * limits.connections
                connection.drain(until: hasRoom ? time + limits.lingering : time)
            }
            switch connection.state {
            case .receiving(let until) where until < time:
                slowConnections += 1
                connection.cut()
            case .answering(let until) where until < time:
                connection.exchange?.answer(plain(503, "no answer in time"))
            case .draining(let until) where until <= time: connection.release()
            case .surplus:
                connection.refuse()
            case .receiving, .answering, .draining, .cut, .released: continue
            }
        }
        connections.removeAll { $0.isReleased }
    }
}

/// One accepted connection. evhttp owns the bufferevent; a second reference to it is kept here until `release`.
private final class Connection {
    enum State {
        case receiving(until: Instant)
        case answering(until: Instant)
        /// Over the limit of connections, not yet told.
        case surplus
        /// Shut down: evhttp is about to let it go.
        case cut
        /// evhttp has let it go.
        case draining(until: Instant)
        case released
    }

    let bufferevent: OpaquePointer
    var state: State
    var exchange: EventExchange?

    init(_ bufferevent: OpaquePointer, until: Instant) {
        self.bufferevent = bufferevent
        state = .receiving(until: until)
        bufferevent_incref(bufferevent)
    }

    /// Whether it counts against the limit of connections.
    var isServed: Bool {
        switch state {
        case .receiving, .answering: !isLetGo
        case .surplus, .cut, .draining, .released: false
        }
    }

    var isReleased: Bool {
        if case .released = state { true } else { false }
    }

    /// evhttp frees a bufferevent by taking its callbacks away and dropping its reference.
    var isLetGo: Bool {
        switch state {
        case .draining, .released: return false
        case .receiving, .answering, .surplus, .cut: break
        }
        var read: bufferevent_data_cb?
        var write: bufferevent_data_cb?
        var event: bufferevent_event_cb?
        bufferevent_getcb(bufferevent, &read, &write, &event, nil)
        return read == nil && write == nil && event == nil
    }

    /// Reads and forgets until the client has closed. The socket's sending side is shut already.
    func drain(until: Instant) {
        state = .draining(until: until)
        let context = Unmanaged.passUnretained(self).toOpaque()
        bufferevent_setcb(
            bufferevent,
            { bufferevent, _ in
                let input = bufferevent_get_input(bufferevent)
                evbuffer_drain(input, evbuffer_get_length(input))
            },
            nil,
            { _, _, context in
                guard let context else { return }
                Unmanaged<Connection>.fromOpaque(context).takeUnretainedValue().release()
            },
            context
        )
        let input = bufferevent_get_input(bufferevent)
        evbuffer_drain(input, evbuffer_get_length(input))
        _ = bufferevent_enable(bufferevent, Int16(EV_READ))
    }

    /// Makes evhttp see the end of the connection.
    func cut() {
        state = .cut
        _ = gw_shutdown(bufferevent_getfd(bufferevent))
    }

    func refuse() {
        let answer = Array("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8)
        _ = gw_send(bufferevent_getfd(bufferevent), answer, answer.count)
        cut()
    }

    func release() {
        guard !isReleased else { return }
        state = .released
        bufferevent_setcb(bufferevent, nil, nil, nil, nil)
        bufferevent_decref(bufferevent)
    }
}

/// A request that waits for its answer. The request is evhttp's; `closecb` tells when it goes.
private final class EventExchange: HTTPExchange {
    private var request: OpaquePointer?
    private let connection: Connection
    private let receiving: Interval

    init(_ request: OpaquePointer, _ connection: Connection, receiving: Interval) {
        self.request = request
        self.connection = connection
        self.receiving = receiving
        evhttp_connection_set_closecb(
            evhttp_request_get_connection(request),
            { _, context in
                guard let context else { return }
                Unmanaged<EventExchange>.fromOpaque(context).takeUnretainedValue().abandon()
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }

    func answer(_ response: HTTPResponse) {
        guard let request else { return }
        abandon()
        connection.state = .receiving(until: now() + receiving)
        evhttp_connection_set_closecb(evhttp_request_get_connection(request), nil, nil)
        guard let body = evbuffer_new() else {
            evhttp_send_error(request, 503, nil)
            return
        }
        defer { evbuffer_free(body) }
        _ = response.body.withUnsafeBytes { evbuffer_add(body, $0.baseAddress, $0.count) }
        _ = evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", response.contentType)
        evhttp_send_reply(request, Int32(response.status), nil, body)
    }

    /// Forgets the request: it is answered, or gone with its connection.
    func abandon() {
        request = nil
        if connection.exchange === self { connection.exchange = nil }
    }
}

private func now() -> Instant {
    Instant(nanoseconds: UInt64(gw_clock_boottime_ns()))
}

private func plain(_ status: Int, _ line: String) -> HTTPResponse {
    HTTPResponse(status: status, contentType: "text/plain; charset=utf-8", body: Array("\(line)\n".utf8))
}

private func methodName(_ command: evhttp_cmd_type) -> String? {
    switch command {
    case EVHTTP_REQ_GET: "GET"
    case EVHTTP_REQ_POST: "POST"
    case EVHTTP_REQ_PUT: "PUT"
    default: nil
    }
}

private func drain(_ buffer: OpaquePointer?) -> [UInt8] {
    let length = evbuffer_get_length(buffer)
    return [UInt8](unsafeUninitializedCapacity: length) { bytes, count in
        count = max(0, Int(evbuffer_remove(buffer, bytes.baseAddress, length)))
    }
}
