// The tag reader of a lane on its pseudo-terminal: answers each inventory with the tags before its antenna, as an R2000
// board does (A0 | Len | Addr | Cmd | data | check, the sum of all bytes 0).

import CSystem
import Foundation
import Synchronization

final class TagReaderBoard: Sendable {
    static let head: UInt8 = 0xA0
    static let inventory: UInt8 = 0x89
    private static let address: UInt8 = 0x01

    let path: String
    private let master: Int32
    /// Kept open, so that a controller that goes away does not hang up the line.
    private let slave: Int32
    private let isStopped = Atomic(false)
    private let asked = Atomic(0)
    /// The tags before the antenna, in hexadecimal.
    private let visible: @Sendable () -> [String]

    init(visible: @escaping @Sendable () -> [String]) throws(SimulationError) {
        var name = [CChar](repeating: 0, count: 128)
        master = gw_pty_open(&name, name.count)
        guard master >= 0 else { throw .system("open a pseudo-terminal for the tag reader") }
        path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        slave = gw_open(path, O_RDWR | O_NOCTTY | O_CLOEXEC, 0)
        guard slave >= 0, gw_serial_configure(slave, 115_200, 8, Int32(GW_PARITY_NONE), 1) == 0 else {
            throw .system("set \(path) up for the tag reader")
        }
        self.visible = visible
    }

    /// How many inventories were asked for.
    var inventories: Int { asked.load(ordering: .relaxed) }

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
                held.removeAll()
                continue
            }
            var buffer = [UInt8](repeating: 0, count: 256)
            let count = read(master, &buffer, buffer.count)
            guard count > 0 else {
                Clock.sleep(milliseconds: 20)
                continue
            }
            held += buffer.prefix(count)
            while let command = TagReaderBoard.takeFrame(&held) {
                guard command == TagReaderBoard.inventory else { continue }
                asked.wrappingAdd(1, ordering: .relaxed)
                let answer = TagReaderBoard.answer(visible())
                _ = write(master, answer, answer.count)
            }
        }
    }

    /// The command of the first whole frame, which is taken away with what stands before it.
    static func takeFrame(_ held: inout [UInt8]) -> UInt8? {
        while let start = held.firstIndex(of: head) {
            held.removeFirst(start)
            guard held.count >= 2, held.count >= Int(held[1]) + 2 else { return nil }
            let count = Int(held[1]) + 2
            if count >= 5, held.prefix(count).reduce(0, { $0 &+ $1 }) == 0 {
                defer { held.removeFirst(count) }
                return held[3]
            }
            held.removeFirst()
        }
        held.removeAll()
        return nil
    }

    static func answer(_ tags: [String]) -> [UInt8] {
        var bytes: [UInt8] = []
        for tag in tags {
            let epc = stride(from: 0, to: tag.utf8.count, by: 2).compactMap { place in
                UInt8(tag.dropFirst(place).prefix(2), radix: 16)
            }
            // Frequency and antenna, the protocol control word, the EPC, and -60 dBm.
            bytes += frame([0x8C, UInt8(epc.count / 2) << 3, 0] + epc + [69])
        }
        let total = UInt8(min(tags.count, 255))
        return bytes + frame([0, 0, total, 0, 0, 0, total])
    }

    private static func frame(_ data: [UInt8]) -> [UInt8] {
        let bytes = [head, UInt8(data.count + 3), address, inventory] + data
        return bytes + [0 &- bytes.reduce(0) { $0 &+ $1 }]
    }
}
