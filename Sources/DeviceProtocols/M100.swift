// The protocol of M100, QM100, YRM100 and JRD-4035 modules, head 0xBB (115200 8N1):
//
//     BB | Type | Cmd | PL hi | PL lo | PARAMETERS[PL] | Check | 7E      Check: the sum of Type…PARAMETERS
//
// Type: 00 command, 01 answer, 02 notice. 0x22, single poll: a notice for each tag, RSSI (signed dBm) | PC[2] | EPC |
// CRC[2]; or the answer 0xFF with an error code, 0x15 for no tag. The tag's CRC is checked too: the frame's own sum is
// weak.

import Domain

enum M100 {
    static let head: UInt8 = 0xBB
    static let end: UInt8 = 0x7E
    static let command: UInt8 = 0x00
    static let answer: UInt8 = 0x01
    static let notice: UInt8 = 0x02
    static let singlePoll: UInt8 = 0x22
    static let failed: UInt8 = 0xFF
    static let noTag: UInt8 = 0x15
    /// More than any answer to a poll has.
    static let maximumParameters = 250

    static func frame(type: UInt8, command: UInt8, parameters: [UInt8]) -> [UInt8] {
        precondition(parameters.count <= maximumParameters, "DEV-31 an M100 frame has at most 250 parameters")
        var bytes = [head, type, command, 0, UInt8(parameters.count)] + parameters
        bytes.append(check(bytes[1...]))
        bytes.append(end)
        return bytes
    }

    static func frame(prefixOf bytes: ArraySlice<UInt8>) throws(ReaderFrameError) -> ReaderFrame {
        let at = bytes.startIndex
        guard bytes.first == head else { throw .noFrame }
        guard bytes.count >= 5 else { throw .cutShort(expected: 7, got: bytes.count) }
        let length = Int(bytes[at + 3]) << 8 | Int(bytes[at + 4])
        guard bytes[at + 1] <= notice, length <= maximumParameters else { throw .noFrame }
        let count = length + 7
        guard bytes.count >= count else { throw .cutShort(expected: count, got: bytes.count) }
        let last = at + count - 2
        let expected = check(bytes[(at + 1)..<last])
        guard bytes[last] == expected else {
            throw .checksum(expected: UInt16(expected), got: UInt16(bytes[last]), byteCount: count)
        }
        guard bytes[last + 1] == end else { throw .noFrame }
        return ReaderFrame(
            address: bytes[at + 1], command: bytes[at + 2], data: bytes[(at + 5)..<last], byteCount: count)
    }

    static func message(_ frame: ReaderFrame) -> ReaderMessage? {
        if frame.address == answer, frame.command == failed, let code = frame.data.first {
            return ReaderMessage([], isLast: true, failure: code == noTag ? nil : code)
        }
        let data = frame.data
        guard frame.address == notice, frame.command == singlePoll, data.count > 5 else { return nil }
        let byteCount = epcByteCount(controlHigh: data[1])
        guard data.count == byteCount + 5, let tag = VehicleTag(bytes: data[3..<(3 + byteCount)]),
            Checksum.crc16Genibus(data[1..<(3 + byteCount)]) == UInt16(data[3 + byteCount]) << 8
                | UInt16(data[4 + byteCount])
        else { return nil }
        return ReaderMessage([TagSight(tag: tag, dBm: Int(Int8(bitPattern: data[0])))], isLast: false)
    }

    private static func check(_ bytes: ArraySlice<UInt8>) -> UInt8 {
        bytes.reduce(0) { $0 &+ $1 }
    }
}
