// FK/OLM card frames, version byte 0x64, decoded on the sign's side (OLM V2.6).
// DA | 64 | PN PN | CMD | DL | DATA | CRC low, CRC high; CRC-16/MODBUS over DA to DATA.

import Foundation

struct SignFrame: Equatable {
    static let minimumBytes = 8
    static let showText: UInt8 = 0x62
    static let speak: UInt8 = 0x30

    var address: UInt8
    var command: UInt8
    var data: [UInt8]

    /// The first whole frame in `bytes` and how many bytes it took; nil while more is needed or nothing fits.
    enum Scan: Equatable {
        case frame(SignFrame, taken: Int)
        /// So many bytes at the start are no frame.
        case noise(Int)
        case incomplete
    }

    static func scan(_ bytes: [UInt8]) -> Scan {
        guard bytes.count >= 2 else { return .incomplete }
        guard bytes[1] == 0x64 else { return .noise(1) }
        guard bytes.count >= minimumBytes else { return .incomplete }
        let whole = minimumBytes + Int(bytes[5])
        guard bytes.count >= whole else { return .incomplete }
        let sum = crc(bytes[..<(whole - 2)])
        guard bytes[whole - 2] == UInt8(sum & 0xFF), bytes[whole - 1] == UInt8(sum >> 8) else { return .noise(1) }
        let frame = SignFrame(address: bytes[0], command: bytes[4], data: Array(bytes[6..<(whole - 2)]))
        return .frame(frame, taken: whole)
    }

    static func crc(_ bytes: some Sequence<UInt8>) -> UInt16 {
        bytes.reduce(0xFFFF) { sum, byte in
            (0..<8).reduce(sum ^ UInt16(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xA001 : value >> 1 }
        }
    }

    /// The card's answer: the same shape, DATA 0 for "done".
    var acknowledgement: [UInt8] {
        let bytes: [UInt8] = [address, 0x64, 0xFF, 0xFF, command, 1, 0]
        let sum = SignFrame.crc(bytes)
        return bytes + [UInt8(sum & 0xFF), UInt8(sum >> 8)]
    }

    /// The line and text of a "temporary text" frame (command 62).
    var text: (line: Int, text: String)? {
        guard command == SignFrame.showText, data.count >= 19 else { return nil }
        let count = Int(data[17]) | Int(data[18]) << 8
        guard data.count == 19 + count else { return nil }
        return decodeGB2312(Array(data[19...])).map { (Int(data[0]), $0) }
    }

    /// The words of a voice frame (command 30).
    var speech: String? {
        guard command == SignFrame.speak, data.count > 1 else { return nil }
        return decodeGB2312(Array(data[1...]))
    }
}

/// GB 18030 reads every GB 2312 text.
func decodeGB2312(_ bytes: [UInt8]) -> String? {
    String(bytes: bytes, encoding: String.Encoding(rawValue: 0x8000_0632))
}
