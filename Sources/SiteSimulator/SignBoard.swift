// The sign on its pseudo-terminal: reads frames, acknowledges them, keeps what it shows.

import CSystem
import Foundation
import Synchronization

public struct SignState: Sendable {
    /// By line, 0 to 3.
    public var lines = ["", "", "", ""]
    public var speech = ""
    public var frames = 0
    /// Bytes that belonged to no frame.
    public var noise = 0

    public var text: String { lines.filter { !$0.isEmpty }.joined(separator: " ") }
}

final class SignBoard: Sendable {
    let path: String
    private let master: Int32
    /// Kept open, so that a controller that goes away does not hang up the line.
    private let slave: Int32
    private let state = Mutex(SignState())
    private let isStopped = Atomic(false)
    private let changed: @Sendable (String) -> Void

    /// `changed` is called with the new text of a line, or the spoken words.
    init(changed: @escaping @Sendable (String) -> Void) throws(SimulationError) {
        var name = [CChar](repeating: 0, count: 128)
        master = gw_pty_open(&name, name.count)
        guard master >= 0 else { throw .system("open a pseudo-terminal for the sign") }
        path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        slave = gw_open(path, O_RDWR | O_NOCTTY | O_CLOEXEC, 0)
        guard slave >= 0, gw_serial_configure(slave, 9600, 8, Int32(GW_PARITY_NONE), 1) == 0 else {
            throw .system("set \(path) up for the sign")
        }
        self.changed = changed
    }

    var shown: SignState { state.withLock { $0 } }

    func start() {
        Thread.detachNewThread { [self] in run() }
    }

    func stop() {
        isStopped.store(true, ordering: .relaxed)
    }

    private func run() {
        var held: [UInt8] = []
        while !isStopped.load(ordering: .relaxed) {
            var watched = [pollfd(fd: master, events: Int16(POLLIN), revents: 0)]
            guard gw_poll_ns(&watched, 1, 200_000_000) > 0 else {
                // Silence ends a frame that was cut off.
                if !held.isEmpty { state.withLock { $0.noise += held.count } }
                held.removeAll()
                continue
            }
            var buffer = [UInt8](repeating: 0, count: 1024)
            let count = read(master, &buffer, buffer.count)
            guard count > 0 else {
                Clock.sleep(milliseconds: 20)
                continue
            }
            held += buffer.prefix(count)
            take(&held)
        }
    }

    private func take(_ held: inout [UInt8]) {
        while true {
            switch SignFrame.scan(held) {
            case .incomplete: return
            case .noise(let count):
                held.removeFirst(count)
                state.withLock { $0.noise += count }
            case .frame(let frame, let taken):
                held.removeFirst(taken)
                let answer = frame.acknowledgement
                _ = write(master, answer, answer.count)
                show(frame)
            }
        }
    }

    private func show(_ frame: SignFrame) {
        let text = frame.text
        let speech = frame.speech
        state.withLock { state in
            state.frames += 1
            if let text, (0...3).contains(text.line) { state.lines[text.line] = text.text }
            if let speech { state.speech = speech }
        }
        if let words = text?.text ?? speech { changed(words) }
    }
}
