// The site's end of the line socket: gives the controller edges, takes its relay orders. One controller at a time; a
// new connection replaces the old one, as a restarted controller does.
//
// Used by one thread only. A controller that does not read is not waited for: the message is lost and its sequence
// number with it, as the kernel does when its event queue is full.

import CSystem

// Unchecked: the lane's thread alone calls it once it is made.
final class LineServer: @unchecked Sendable {
    enum Incoming {
        case began
        case drive(LineMessage)
        case ended
    }

    private let listener: Int32
    private var connection: Int32 = -1
    private var isReady = false
    /// What the controller has, by its greeting: one more than the highest number.
    private var inputCount = 0
    private let lanes: Int
    private var sequence: UInt32 = 0
    private(set) var lostMessages = 0
    private(set) var malformedMessages = 0

    init(path: String, lanes: Int) throws(SimulationError) {
        self.lanes = lanes
        listener = gw_unix_listen(path, Int32(GW_SOCKET_SEQPACKET), 4)
        guard listener >= 0 else { throw .system("listen on \(path)") }
    }

    deinit {
        if connection >= 0 { close(connection) }
        close(listener)
    }

    /// Waits at most so long for the controller; gives what it did.
    func wait(milliseconds: Int, levels: [[Bool]]) -> [Incoming] {
        var watched = [
            pollfd(fd: listener, events: Int16(POLLIN), revents: 0),
            pollfd(fd: connection, events: Int16(POLLIN), revents: 0),
        ]
        guard gw_poll_ns(&watched, watched.count, Int64(milliseconds) * 1_000_000) > 0 else { return [] }
        var happened: [Incoming] = []
        if connection >= 0 && watched[1].revents != 0 { receive(levels, &happened) }
        if watched[0].revents != 0 { accept(&happened) }
        return happened
    }

    func send(edge input: LineInput, lane: Int, level: Bool, at: UInt64) {
        let number = LineInput.numbersPerLane * lane + input.number
        guard isReady, number < inputCount else { return }
        sequence += 1
        put(
            LineMessage(
                .event, line: UInt8(number), level: level ? 1 : 0, sequence: sequence, nanoseconds: at
            )
        )
    }

    private func accept(_ happened: inout [Incoming]) {
        let accepted = gw_accept(listener)
        guard accepted >= 0 else { return }
        end(&happened)
        connection = accepted
    }

    private func end(_ happened: inout [Incoming]) {
        guard connection >= 0 else { return }
        close(connection)
        connection = -1
        if isReady { happened.append(.ended) }
        isReady = false
    }

    private func receive(_ levels: [[Bool]], _ happened: inout [Incoming]) {
        while connection >= 0 {
            var buffer = [UInt8](repeating: 0, count: LineMessage.byteCount + 1)
            let count = recv(connection, &buffer, buffer.count, 0)
            if count < 0 {
                if gw_errno() != EAGAIN { end(&happened) }
                return
            }
            guard count > 0 else {
                end(&happened)
                return
            }
            guard let message = LineMessage(buffer.prefix(count)) else {
                malformedMessages += 1
                continue
            }
            switch message.kind {
            case .hello: greet(message, levels, &happened)
            case .drive:
                if message.lane < lanes, message.output != nil {
                    happened.append(.drive(message))
                } else {
                    malformedMessages += 1
                }
            case .level, .ready, .event: malformedMessages += 1
            }
        }
    }

    private func greet(_ hello: LineMessage, _ levels: [[Bool]], _ happened: inout [Incoming]) {
        let last = LineInput.numbersPerLane * (lanes - 1)
        inputCount = Int(hello.line)
        if inputCount <= last + LineInput.safetyLoop.number || Int(hello.level) <= last + LineOutput.redLight.rawValue {
            malformedMessages += 1
        }
        sequence = 0
        for (lane, levels) in levels.enumerated() {
            for input in LineInput.allCases {
                let number = LineInput.numbersPerLane * lane + input.number
                guard number < inputCount else { continue }
                put(
                    LineMessage(
                        .level, line: UInt8(number), level: levels[input.rawValue] ? 1 : 0, nanoseconds: Clock.now))
            }
        }
        put(LineMessage(.ready, nanoseconds: Clock.now))
        isReady = true
        happened.append(.began)
    }

    private func put(_ message: LineMessage) {
        let bytes = message.bytes
        let sent = gw_send(connection, bytes, bytes.count)
        // One that has just died lost nothing.
        if sent < 0 && gw_errno() == EAGAIN { lostMessages += 1 }
    }
}
