// The second backend of the line seam: inputs and outputs over a local SEQPACKET socket, for the simulated site.
//
// The site listens, the controller connects. Each message is 16 bytes, little-endian:
//   type u8 · line u8 · level u8 · 0 · sequence u32 · nanoseconds u64 (CLOCK_BOOTTIME)
// Controller to site: 1 hello (line = inputs, level = outputs), 5 drive. Site to controller: 2 level of an input (after
// the hello, for each input that the site has; one that is not told is low), 3 ready, 4 event, whose sequence counts
// from 1 without a gap.
// An input's number is 32 × lane (0 to 7) + the sensor's number in LaneCore's `LaneSensor`, an output's is 32 × lane +
// the number in `LaneOutput`. Where two lanes share an arm, all that is at it has the first one's lane, and the second
// lane's own sensors and outputs are those whose names begin with `second`. The hello tells one more than the highest
// number in use. A high level means that the sensor is active.
// Limits: 255 inputs and 255 outputs; the greeting takes at most two seconds. No heap after the greeting.

import CSystem
import Domain
import Synchronization

public final class SocketLines: LinePort {
    private enum MessageType {
        static let hello: UInt8 = 1
        static let level: UInt8 = 2
        static let ready: UInt8 = 3
        static let event: UInt8 = 4
        static let drive: UInt8 = 5
    }

    private struct Message {
        var type: UInt8
        var line: UInt8
        var level: UInt8
        var zero: UInt8 = 0
        var sequence: UInt32 = 0
        var nanoseconds: UInt64 = 0
    }

    private static let maximumLines = 256

    private let fileDescriptor: Int32
    private let reads: InterruptibleReads
    private let path: String
    /// Written by who reads events, and read by whoever asks.
    private let levels = UnsafeMutablePointer<Atomic<Bool>>.allocate(capacity: SocketLines.maximumLines)
    private let inputs: UInt8
    private var driven: UInt32 = 0

    public init(path: String, inputs: Int, outputs: Int) throws(MachineError) {
        precondition(inputs < 256 && outputs < 256, "LINE-1 at most 255 inputs and 255 outputs")
        self.path = path
        self.inputs = UInt8(inputs)
        for line in 0..<SocketLines.maximumLines { (levels + line).initialize(to: Atomic(false)) }
        fileDescriptor = gw_unix_connect(path, Int32(GW_SOCKET_SEQPACKET))
        reads = InterruptibleReads(fileDescriptor)
        if fileDescriptor < 0 { throw .lastSystemError("connect", path) }
        try greet(outputs: UInt8(outputs))
    }

    deinit {
        if fileDescriptor >= 0 { close(fileDescriptor) }
        levels.deallocate()
    }

    private func greet(outputs: UInt8) throws(MachineError) {
        try send(Message(type: MessageType.hello, line: inputs, level: outputs))
        let deadline = gw_clock_boottime_ns() + 2_000_000_000
        while true {
            guard let message = try receive() else {
                var descriptor = pollfd(fd: fileDescriptor, events: Int16(POLLIN), revents: 0)
                let remaining = deadline - gw_clock_boottime_ns()
                guard remaining > 0 else { throw .deadline(subject: path) }
                _ = gw_poll_ns(&descriptor, 1, remaining)
                continue
            }
            if message.type == MessageType.ready { return }
            guard message.type == MessageType.level, message.line < inputs else {
                throw .library(name: "line socket", subject: path, reason: "unexpected greeting")
            }
            note(message)
        }
    }

    private func note(_ message: Message) {
        levels[Int(message.line)].store(message.level != 0, ordering: .relaxed)
    }

    public func level(input: Int) throws(MachineError) -> Bool {
        levels[input].load(ordering: .relaxed)
    }

    public func waitForEvents() throws(MachineError) {
        try reads.wait(path)
    }

    public func interrupt() {
        reads.interrupt()
    }

    public func nextEvent() throws(MachineError) -> LineEvent? {
        guard let message = try receive() else { return nil }
        guard message.type == MessageType.event, message.line < inputs else {
            throw .library(name: "line socket", subject: path, reason: "a message of an unknown type")
        }
        note(message)
        return LineEvent(
            input: message.line, isHigh: message.level != 0, at: Instant(nanoseconds: message.nanoseconds),
            sequence: message.sequence)
    }

    public func drive(output: Int, _ energised: Bool) throws(MachineError) {
        driven &+= 1
        var message = Message(type: MessageType.drive, line: UInt8(output), level: energised ? 1 : 0)
        message.sequence = driven
        message.nanoseconds = UInt64(gw_clock_boottime_ns())
        try send(message)
    }

    private func send(_ message: Message) throws(MachineError) {
        var message = message
        let size = MemoryLayout<Message>.size
        // Not the descriptor's flag: nextEvent may wait, and this may not.
        let count = CSystem.send(fileDescriptor, &message, size, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
        if count != size { throw .lastSystemError("send", path) }
    }

    /// The next message, or nil when it may not wait and there is none.
    private func receive() throws(MachineError) -> Message? {
        var message = Message(type: 0, line: 0, level: 0)
        let count = recv(fileDescriptor, &message, MemoryLayout<Message>.size, 0)
        if count == MemoryLayout<Message>.size { return message }
        if count == 0 { throw .closed(subject: path) }
        let error = gw_errno()
        if count < 0 && (error == EAGAIN || error == EINTR) { return nil }
        guard count < 0 else { throw .library(name: "line socket", subject: path, reason: "a short message") }
        throw .system(call: "recv", subject: path, errno: error)
    }
}
