// Where the cameras push: one path a camera. Decodes a push, hands the capture to what keeps it, and answers when that
// has spoken.
//
// Invariants: a read is acknowledged only after the sink said that it is kept, so a camera that is told 200 may forget
// it; whatever cannot be kept now is answered 503, and the camera keeps it. No push, however broken, ends the server.
// Limits: the server's (body, connections, time); a push waits in the sink, never here.

import DeviceProtocols
import Domain
import Machine

/// A camera that may push.
public struct CameraRoute: Sendable {
    /// The exact path, such as `/cameras/1`.
    public let path: String
    public let make: CameraMake
    public let lane: LaneID
    /// The camera's name in the configuration.
    public let name: String
    /// The only peer that may push there; nil: any. Cameras show no credentials, so this is all there is to go by.
    public let address: String?
    public let codes: CameraCodes

    /// `codes`: nil for the make's own.
    public init(
        path: String, make: CameraMake, lane: LaneID, name: String, address: String? = nil, codes: CameraCodes? = nil
    ) {
        self.path = path
        self.make = make
        self.lane = lane
        self.name = name
        self.address = address
        self.codes = codes ?? make.codes
    }
}

/// What became of a capture.
public enum CaptureFate: Sendable {
    /// Durable.
    case kept
    /// Durable since an earlier push.
    case duplicate
    /// Not kept: the ledger is full, busy or broken.
    case refused
}

/// What keeps captures. `completion` is called once, on the thread that called `take`.
public protocol CaptureSink: AnyObject {
    func take(_ capture: Capture, lane: LaneID, camera: String, completion: @escaping (CaptureFate) -> Void)
}

/// What came by one route since the start.
public struct CameraCounters: Equatable, Sendable {
    public var accepted: UInt64 = 0
    public var duplicate: UInt64 = 0
    public var refused: UInt64 = 0
    /// Pushes that could not be decoded.
    public var malformed: UInt64 = 0
    /// Pushes from an address that is not the camera's.
    public var foreign: UInt64 = 0
    /// Heartbeats and other messages that are no read.
    public var heartbeats: UInt64 = 0
    /// Pictures that were no JPEG and were left out.
    public var droppedPhotos: UInt64 = 0
}

public final class CameraReceiver: HTTPHandler {
    public let routes: [CameraRoute]
    /// In the order of `routes`.
    public private(set) var counters: [CameraCounters]
    private let sink: CaptureSink

    /// No two routes have the same path.
    public init(routes: [CameraRoute], sink: CaptureSink) {
        precondition(Set(routes.map { $0.path }).count == routes.count, "WEB-1 each camera has a path of its own")
        self.routes = routes
        self.sink = sink
        counters = routes.map { _ in CameraCounters() }
    }

    public func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        guard let route = routes.firstIndex(where: { $0.path == request.path }) else {
            return exchange.answer(plain(404, "no camera pushes to this path"))
        }
        if let address = routes[route].address, address != request.peer {
            counters[route].foreign += 1
            return exchange.answer(plain(403, "this path belongs to another camera's address"))
        }
        guard request.method == "POST" else {
            return exchange.answer(plain(405, "a camera pushes with POST"))
        }
        do throws(DeviceProtocolError) {
            switch routes[route].make {
            case .vzenith: try takeVzenith(request, route, exchange)
            case .hikvision: try takeHikvision(request, route, exchange)
            }
        } catch {
            counters[route].malformed += 1
            exchange.answer(plain(400, error.description))
        }
    }

    private func takeVzenith(
        _ request: HTTPRequest, _ route: Int, _ exchange: HTTPExchange
    ) throws(DeviceProtocolError) {
        let message = try decodeVzenith(
            contentType: request.contentType, body: request.body, codes: routes[route].codes
        )
        let answer = HTTPResponse(status: 200, contentType: "application/json", body: message.answer)
        switch message {
        case .plate(let push): keep(push.read, route, exchange, answer)
        case .heartbeat, .input, .serialData, .snapshot: acknowledge(route, exchange, answer)
        }
    }

    private func takeHikvision(
        _ request: HTTPRequest, _ route: Int, _ exchange: HTTPExchange
    ) throws(DeviceProtocolError) {
        let message = try decodeHikvision(
            contentType: request.contentType, body: request.body, codes: routes[route].codes
        )
        let answer = plain(200, "OK")
        switch message {
        case .plate(let read): keep(read, route, exchange, answer)
        case .event: acknowledge(route, exchange, answer)
        }
    }

    private func keep(_ read: CameraRead, _ route: Int, _ exchange: HTTPExchange, _ answer: HTTPResponse) {
        counters[route].droppedPhotos += UInt64(read.droppedPhotos)
        let (lane, name) = (routes[route].lane, routes[route].name)
        sink.take(read.capture, lane: lane, camera: name) { [self] fate in
            switch fate {
            case .kept:
                counters[route].accepted += 1
                exchange.answer(answer)
            case .duplicate:
                counters[route].duplicate += 1
                exchange.answer(answer)
            case .refused:
                counters[route].refused += 1
                exchange.answer(plain(503, "the read could not be kept now: send it again"))
            }
        }
    }

    private func acknowledge(_ route: Int, _ exchange: HTTPExchange, _ answer: HTTPResponse) {
        counters[route].heartbeats += 1
        exchange.answer(answer)
    }
}

private func plain(_ status: Int, _ line: String) -> HTTPResponse {
    HTTPResponse(status: status, contentType: "text/plain; charset=utf-8", body: Array("\(line)\n".utf8))
}
