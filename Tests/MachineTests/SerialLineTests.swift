import CSystem
import Domain
import Foundation
import Testing

@testable import Machine

/// A pseudo-terminal: the test holds one end, the serial line opens the other.
private final class Terminal {
    let descriptor: Int32
    let path: String

    init() throws {
        var name = [CChar](repeating: 0, count: 64)
        descriptor = gw_pty_open(&name, name.count)
        try #require(descriptor >= 0)
        path = String(decoding: name.prefix { $0 != 0 }.map { UInt8($0) }, as: UTF8.self)
    }

    deinit {
        close(descriptor)
    }

    func send(_ bytes: [UInt8]) {
        #expect(write(descriptor, bytes, bytes.count) == bytes.count)
    }

    func receive(_ count: Int) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        let got = read(descriptor, &buffer, count)
        return Array(buffer.prefix(max(got, 0)))
    }
}

private func elapsed(_ body: () throws -> Void) rethrows -> Duration {
    let clock = ContinuousClock()
    let start = clock.now
    try body()
    return clock.now - start
}

@Suite struct SerialLineTests {
    private static let allBytes = (UInt8(0)...0xFF).map { $0 }

    @Test func everyByteValuePassesUnchangedInBothDirections() throws {
        let terminal = try Terminal()
        let line = SerialLine(SerialSettings(path: terminal.path, baud: 9600))
        try line.write(SerialLineTests.allBytes, within: .seconds(1))
        #expect(terminal.receive(256) == SerialLineTests.allBytes)
        terminal.send(SerialLineTests.allBytes)
        var received: [UInt8] = []
        while received.count < 256 {
            let bytes = try line.read(limit: 100, within: .seconds(1))
            #expect((1...100).contains(bytes.count))
            received += bytes
        }
        #expect(received == SerialLineTests.allBytes)
    }

    @Test func silenceEndsTheReadAtItsDeadline() throws {
        let terminal = try Terminal()
        let line = SerialLine(SerialSettings(path: terminal.path, baud: 9600))
        let time = elapsed {
            #expect { try line.read(limit: 1, within: .milliseconds(50)) } throws: {
                if case MachineError.deadline = $0 { true } else { false }
            }
        }
        #expect((.milliseconds(50)...(.seconds(5))).contains(time))
        // The port is still good.
        terminal.send([7])
        #expect(try line.read(limit: 1, within: .seconds(1)) == [7])
    }

    @Test func portThatTakesNoBytesEndsTheWriteAtItsDeadline() throws {
        let terminal = try Terminal()
        let line = SerialLine(SerialSettings(path: terminal.path, baud: 9600))
        let time = elapsed {
            #expect { try line.write([UInt8](repeating: 1, count: 1 << 20), within: .milliseconds(50)) } throws: {
                if case MachineError.deadline = $0 { true } else { false }
            }
        }
        #expect((.milliseconds(50)...(.seconds(5))).contains(time))
    }

    @Test func missingPortIsNamed() {
        let line = SerialLine(SerialSettings(path: "/dev/gatewarden-no-such-port", baud: 9600))
        #expect { try line.open() } throws: {
            if case MachineError.system("open", "/dev/gatewarden-no-such-port", ENOENT) = $0 { true } else { false }
        }
    }

    @Test func rateThatTheSystemDoesNotKnowIsRefused() throws {
        let terminal = try Terminal()
        let line = SerialLine(SerialSettings(path: terminal.path, baud: 12_345))
        #expect { try line.open() } throws: {
            if case MachineError.system(_, terminal.path, EINVAL) = $0 { true } else { false }
        }
        #expect(line.fileDescriptor == -1)
    }

    @Test func portWithoutRS485DriverWorksAndSaysSo() throws {
        let terminal = try Terminal()
        var settings = SerialSettings(path: terminal.path, baud: 9600)
        settings.drivesRS485 = true
        let line = SerialLine(settings)
        try line.write([1], within: .seconds(1))
        #expect(terminal.receive(1) == [1])
        #expect(line.warning.contains(terminal.path))
    }

    @Test func adapterThatIsPulledAndPutBackWorksAgain() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gw-serial-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let link = folder.appendingPathComponent("port").path
        var terminal: Terminal? = try Terminal()
        try #require(symlink(terminal?.path ?? "", link) == 0)
        let line = SerialLine(SerialSettings(path: link, baud: 9600))
        try line.write([1], within: .seconds(1))
        #expect(terminal?.receive(1) == [1])

        terminal = nil
        #expect(throws: MachineError.self) { try line.read(limit: 1, within: .milliseconds(100)) }
        #expect(line.fileDescriptor == -1)

        let replacement = try Terminal()
        try #require(unlink(link) == 0 && symlink(replacement.path, link) == 0)
        try line.write([2], within: .seconds(1))
        #expect(replacement.receive(1) == [2])
    }
}
