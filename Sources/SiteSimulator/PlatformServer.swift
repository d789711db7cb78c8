// The platform on the network: listens with TLS, one thread a connection, and can be away.
//
// Limits: a connection is dropped after 60 s of silence.

import CSystem
import Foundation
import Synchronization

final class PlatformServer: Sendable {
    private struct State {
        var book = PlatformBook()
        var dealer: FaultDealer
        var listener: Int32 = -1
        var connections: Set<Int32> = []
        var isAway = false
        var handshakesRefused = 0
        var requests = 0
        var isAnsweringAfterStop = false
    }

    private static let stallMilliseconds = 3_000
    let port: UInt16
    private let context: TLSContext
    private let state: Mutex<State>

    init(certificate: String, key: String, profile: FaultProfile, seed: UInt64) throws(SimulationError) {
        context = try TLSContext(certificate: certificate, key: key)
        let found = try Loopback.listen(port: 0)
        port = found.port
        state = Mutex(State(dealer: FaultDealer(profile: profile, seed: seed), listener: found.descriptor))
        accept(on: found.descriptor)
    }

    var book: PlatformBook { state.withLock { $0.book } }
    var faults: [PlatformFault: Int] { state.withLock { $0.dealer.counts } }
    var isAway: Bool { state.withLock { $0.isAway } }
    var requests: Int { state.withLock { $0.requests } }

    /// Closes the listening socket and every connection.
    func goAway() {
        state.withLock { state in
            guard !state.isAway else { return }
            state.isAway = true
            for descriptor in state.connections { _ = gw_shutdown(descriptor) }
            // The accepting thread closes it.
            _ = gw_shutdown(state.listener)
            state.listener = -1
        }
    }

    func comeBack() throws(SimulationError) {
        guard isAway else { return }
        let deadline = Clock.now + 5_000_000_000
        while true {
            do throws(SimulationError) {
                let found = try Loopback.listen(port: port)
                state.withLock {
                    $0.isAway = false
                    $0.listener = found.descriptor
                }
                accept(on: found.descriptor)
                return
            } catch {
                guard Clock.now < deadline else { throw error }
                Clock.sleep(milliseconds: 50)
            }
        }
    }

    private func accept(on listener: Int32) {
        Thread.detachNewThread { [self] in
            while true {
                let descriptor = gw_accept(listener)
                if descriptor >= 0 {
                    _ = gw_set_nonblocking(descriptor, false)
                    Thread.detachNewThread { [self] in serve(descriptor) }
                } else if gw_errno() != EINTR && gw_errno() != ECONNABORTED {
                    break
                }
            }
            close(listener)
        }
    }

    private func serve(_ descriptor: Int32) {
        Loopback.limit(descriptor, seconds: 60)
        let isWelcome = state.withLock { state in
            if !state.isAway { state.connections.insert(descriptor) }
            return !state.isAway
        }
        guard isWelcome else {
            close(descriptor)
            return
        }
        if let stream = TLSStream(context, descriptor: descriptor) {
            let reader = HTTPReader(stream)
            while let request = reader.next(), handle(request, stream) {}
            state.withLock { _ = $0.connections.remove(descriptor) }
        } else {
            state.withLock {
                $0.connections.remove(descriptor)
                $0.handshakesRefused += 1
            }
        }
    }

    /// False when the connection is to end.
    private func handle(_ message: HTTPMessage, _ stream: TLSStream) -> Bool {
        let prefix = "/restapi/transportControl/"
        let object = try? JSONSerialization.jsonObject(with: Data(message.body)) as? [String: Any]
        guard message.start.hasPrefix("POST "), message.target.hasPrefix(prefix), let object else {
            return stream.write(page(404, "Not Found"))
        }
        let verb = String(message.target.dropFirst(prefix.count))
        let fault = state.withLock { state in
            state.requests += 1
            return state.dealer.deal(item: itemName(object))
        }
        switch fault {
        case .refuse:
            return reply(["code": "600", "status": "数据校验失败,请重新上报"], stream)
        case .stall:
            Clock.sleep(milliseconds: PlatformServer.stallMilliseconds)
            return false
        case .cutBefore: return false
        case .error5xx: return stream.write(page(503, "Service Unavailable"))
        case .expiry: state.withLock { $0.book.forgetTokens() }
        case .cutAfter, .twice, nil: break
        }
        let answer = take(verb, message.body)
        switch fault {
        case .cutAfter: return false
        case .twice: return reply(answer, stream) && reply(answer, stream)
        case .refuse, .stall, .cutBefore, .error5xx, .expiry, nil: return reply(answer, stream)
        }
    }

    /// The answer's JSON. The body is read again inside, because a parsed object may not cross into the lock.
    private func take(_ verb: String, _ body: [UInt8]) -> [UInt8] {
        state.withLock { state in
            // A request that was on its way when the platform went away was never seen by it.
            guard !state.isAway else { return [] }
            let object = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]
            let answer = state.book.answer(verb: verb, request: object ?? [:], now: Date())
            return json(answer)
        }
    }

    private func reply(_ object: [String: String], _ stream: TLSStream) -> Bool {
        reply(json(object), stream)
    }

    private func reply(_ body: [UInt8], _ stream: TLSStream) -> Bool {
        guard !body.isEmpty else { return false }
        let head =
            "HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=UTF-8\r\nContent-Length: \(body.count)\r\n\r\n"
        return stream.write(Array(head.utf8) + body)
    }

    private func page(_ status: Int, _ reason: String) -> [UInt8] {
        let body = "<html><body><h1>\(status) \(reason)</h1></body></html>"
        let head =
            "HTTP/1.1 \(status) \(reason)\r\nContent-Type: text/html\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
        return Array((head + body).utf8)
    }

    private func itemName(_ object: [String: Any]) -> String {
        let value = object["value"] as? [String: Any] ?? [:]
        return "\(object["ipctype"] ?? "") \(value["serialNum"] ?? "") \(value["imageNum"] ?? "")"
    }
}

private func json(_ object: [String: Any]) -> [UInt8] {
    let data = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys])
    return Array(data ?? Data())
}
