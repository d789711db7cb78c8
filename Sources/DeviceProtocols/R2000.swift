// The protocol of Impinj R2000 reader boards, head 0xA0 (115200 or 38400 8N1):
//
//     A0 | Len | Addr | Cmd | DATA | Check      Len counts Addr…Check; Check makes the sum of all bytes 0
//
// 0x89, real-time inventory: a frame for each tag, FreqAnt | PC[2] | EPC | RSSI, then one with Ant | rate[2] |
// total[4]; or one with an error code. RSSI − 129 is dBm (as pyImpinj reads it).

import Domain

enum R2000 {
    static let head: UInt8 = 0xA0
    static let realTimeInventory: UInt8 = 0x89
    private static let endByteCount = 7

    static func frame(address: UInt8, command: UInt8, data: [UInt8]) -> [UInt8] {
        precondition(data.count <= 252, "DEV-30 an R2000 frame has at most 252 bytes of data")
        var bytes = [head, UInt8(data.count + 3), address, command] + data
        bytes.append(check(bytes[...]))
        return bytes
    }

    static func frame(prefixOf bytes: ArraySlice<UInt8>) throws(ReaderFrameError) -> ReaderFrame {
        let at = bytes.startIndex
        guard bytes.first == head else { throw .noFrame }
        guard bytes.count >= 2 else { throw .cutShort(expected: 5, got: bytes.count) }
        let count = Int(bytes[at + 1]) + 2
        guard count >= 5 else { throw .noFrame }
        guard bytes.count >= count else { throw .cutShort(expected: count, got: bytes.count) }
        let last = at + count - 1
        let expected = check(bytes[at..<last])
        guard bytes[last] == expected else {
            throw .checksum(expected: UInt16(expected), got: UInt16(bytes[last]), byteCount: count)
        }
        return ReaderFrame(
            address: bytes[at + 2], command: bytes[at + 3], data: bytes[(at + 4)..<last], byteCount: count)
    }

    static func message(_ frame: ReaderFrame) -> ReaderMessage? {
        guard frame.command == realTimeInventory else { return nil }
        let data = frame.data
        if data.count == 1 { return ReaderMessage([], isLast: true, failure: data[0]) }
        if data.count == endByteCount { return ReaderMessage([], isLast: true) }
        guard data.count > 4 else { return nil }
        let byteCount = epcByteCount(controlHigh: data[1])
        guard data.count == byteCount + 4, let tag = VehicleTag(bytes: data[3..<(3 + byteCount)]) else { return nil }
        let sight = TagSight(tag: tag, dBm: Int(data[3 + byteCount]) - 129, antenna: Int(data[0] & 3) + 1)
        return ReaderMessage([sight], isLast: false)
    }

    private static func check(_ bytes: ArraySlice<UInt8>) -> UInt8 {
        0 &- bytes.reduce(0) { $0 &+ $1 }
    }
}

/// How many bytes of EPC follow the protocol control word of a tag: its upper five bits count words.
func epcByteCount(controlHigh high: UInt8) -> Int {
    Int(high >> 3) * 2
}
