// The frame of the "FK/OLM" LED sign card, version byte 0x64 (OLM card protocol V2.6):
//
//     DA | VR=64 | PN[2] | CMD | DL | DATA[DL] | CRC lo | CRC hi      CRC-16/MODBUS over DA…DATA
//
// Limits: DATA is at most 255 bytes. Version 0xC8, whose DL has two bytes, is refused by name: nothing here sends it.

import Domain

/// Why bytes are not a frame of the sign, or its data not what the command says.
public enum LedSignError: Error, Equatable, Sendable {
    /// Fewer bytes than the shortest frame, or than DL promises.
    case cutShort(expected: Int, got: Int)
    case unsupportedVersion(UInt8)
    case checksum(expected: UInt16, got: UInt16)
    /// The data of a temporary text is shorter than its fixed part, or TL does not match what follows it.
    case malformedText(byteCount: Int)

    public var description: String {
        switch self {
        case .cutShort(let expected, let got):
            "the frame is cut short: \(expected) bytes expected, \(got) there; capture it whole"
        case .unsupportedVersion(let version):
            "the version byte is 0x\(encodeHexadecimal([version])), and only 0x64 is supported; "
                + "set the sign card to version 100"
        case .checksum(let expected, let got):
            "the checksum does not match: expected \(LedSignFrame.word(expected)), got \(LedSignFrame.word(got)); "
                + "check wiring, baud rate and termination"
        case .malformedText(let byteCount):
            "the \(byteCount) bytes of data are no temporary text: 19 bytes and then the text of the stated length "
                + "expected"
        }
    }
}

/// One frame, to the sign or from it.
public struct LedSignFrame: Equatable, Sendable {
    public static let version: UInt8 = 0x64
    /// The address that every sign listens to.
    public static let everySign: UInt8 = 0x00
    /// PN of the last or only packet; 0, 1, 2… count the packets before it.
    public static let onlyPacket: UInt16 = 0xFFFF
    public static let maximumDataByteCount = 255

    private static let headerByteCount = 6
    private static let checksumByteCount = 2

    /// DA.
    public var address: UInt8
    /// PN. Its byte order is not published; FFFF reads the same in both, and low byte first is assumed.
    public var packet: UInt16
    /// CMD.
    public var command: UInt8
    /// DATA.
    public var data: [UInt8]

    /// The only packet of a command.
    public init(address: UInt8, command: UInt8, data: [UInt8]) {
        precondition(data.count <= LedSignFrame.maximumDataByteCount, "DEV-2 a sign frame has 0...255 bytes of data")
        self.address = address
        packet = LedSignFrame.onlyPacket
        self.command = command
        self.data = data
    }

    /// The frame at the start of `bytes`; what follows it is left alone.
    public init(prefixOf bytes: ArraySlice<UInt8>) throws(LedSignError) {
        let at = bytes.startIndex
        let shortest = LedSignFrame.headerByteCount + LedSignFrame.checksumByteCount
        guard bytes.count >= shortest else {
            throw .cutShort(expected: shortest, got: bytes.count)
        }
        guard bytes[at + 1] == LedSignFrame.version else {
            throw .unsupportedVersion(bytes[at + 1])
        }
        let dataEnd = at + LedSignFrame.headerByteCount + Int(bytes[at + 5])
        guard bytes.endIndex >= dataEnd + LedSignFrame.checksumByteCount else {
            throw .cutShort(expected: dataEnd + LedSignFrame.checksumByteCount - at, got: bytes.count)
        }
        let expected = Checksum.crc16Modbus(bytes[at..<dataEnd])
        let got = UInt16(bytes[dataEnd]) | UInt16(bytes[dataEnd + 1]) << 8
        guard expected == got else { throw .checksum(expected: expected, got: got) }
        address = bytes[at]
        packet = UInt16(bytes[at + 2]) | UInt16(bytes[at + 3]) << 8
        command = bytes[at + 4]
        data = Array(bytes[at + LedSignFrame.headerByteCount..<dataEnd])
    }

    public var byteCount: Int {
        LedSignFrame.headerByteCount + data.count + LedSignFrame.checksumByteCount
    }

    public var encoded: [UInt8] {
        var bytes = [address, LedSignFrame.version, UInt8(packet & 0xFF), UInt8(packet >> 8), command]
        bytes.append(UInt8(data.count))
        bytes.append(contentsOf: data)
        let crc = Checksum.crc16Modbus(bytes)
        bytes.append(UInt8(crc & 0xFF))
        bytes.append(UInt8(crc >> 8))
        return bytes
    }

    /// The sign's reply to this frame: the same shape, and one byte of data, 0 for done.
    public func acknowledgement(code: UInt8) -> LedSignFrame {
        LedSignFrame(address: address, command: command, data: [code])
    }

    /// The sign's answer to this frame, somewhere among bytes received: its code, or nil while there is none. Bytes of
    /// no frame are passed over, and so is an echo of the frame itself, as half-duplex adapters give it.
    public func acknowledgementCode(in received: [UInt8]) -> UInt8? {
        for start in received.indices {
            guard let reply = try? LedSignFrame(prefixOf: received[start...]), reply.command == command,
                reply.data.count == 1, reply.data != data,
                address == LedSignFrame.everySign || reply.address == address
            else { continue }
            return reply.data[0]
        }
        return nil
    }

    static func word(_ value: UInt16) -> String {
        "0x" + encodeHexadecimal([UInt8(value >> 8), UInt8(value & 0xFF)])
    }
}
