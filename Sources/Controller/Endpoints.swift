// What the cameras and the console's users connect to. Opened before the first thread, so that a camera that comes
// early finds somebody; what cannot be opened then is tried again by its thread (PartStart).

import Configuration
import Console
import Domain
import Machine
import Web

/// The network side of the cameras, opened early and served later.
final class CameraEndpoint: HTTPHandler, @unchecked Sendable {
    let loop: EventLoop
    let status = PartStatus("cameras")
    private let settings: WebSettings
    private var server: HTTPServer?
    /// Set before the loop runs.
    var handler: (any HTTPHandler)?

    init(_ settings: WebSettings) throws(MachineError) {
        loop = try EventLoop()
        self.settings = settings
        _ = listen()
    }

    /// Nil when it listens; else why it does not.
    func listen() -> String? {
        if server != nil { return nil }
        var limits = HTTPServerLimits.standard
        limits.bodyBytes = settings.bodyLimitBytes
        do throws(MachineError) {
            server = try HTTPServer(
                loop: loop, address: settings.address, port: settings.port, limits: limits, handler: self)
        } catch {
            status.show(isFailing: true)
            return "cannot listen on \(settings.address):\(settings.port): \(error.description); check web.address and "
                + "web.port, and that no other program listens there"
        }
        status.show(isFailing: false)
        return nil
    }

    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        if let handler {
            handler.handle(request, exchange)
        } else {
            exchange.answer(HTTPResponse(status: 503, contentType: "text/plain", body: Array("starting\n".utf8)))
        }
    }

    func close() {
        server?.close()
        server = nil
        handler = nil
    }
}

/// The console's socket, opened early and served later.
final class ConsoleEndpoint: ConsoleSource, @unchecked Sendable {
    let loop: EventLoop
    private let path: String
    private var server: ConsoleServer?
    /// Set before the loop runs.
    var source: (any ConsoleSource)?

    init(path: String) throws(MachineError) {
        loop = try EventLoop()
        self.path = path
        _ = listen()
    }

    /// Nil when it listens; else why it does not.
    func listen() -> String? {
        if server != nil { return nil }
        do throws(MachineError) {
            server = try ConsoleServer(loop: loop, path: path, source: self)
            return nil
        } catch {
            return "\(error.description); name a short path in a folder that is there as console.socket"
        }
    }

    func answer(_ command: ConsoleCommand) -> [String] {
        source?.answer(command) ?? ["starting"]
    }

    func opened(_ session: Int, from: String) { source?.opened(session, from: from) }
    func closed(_ session: Int) { source?.closed(session) }

    func close() {
        server?.close()
        server = nil
        source = nil
    }
}
