// The protocol of UHFReader18, UHFReader86 and their relatives (57600 8N1 as delivered):
//
//     Len | Adr | Cmd | DATA | CRC lo | CRC hi      Len counts what follows it; CRC-16/MCRF4XX over Len…DATA
//
// An answer's DATA begins with a status. To 0x01, inventory: count | {length | EPC} (UHFReader18), or antennas |
// count | {length | EPC | strength} (UHFReader86, whose strength has no stated unit). A reader in active mode sends
// 0xEE by itself; some send the heartbeat 56 00 00 00 00 00, which has no check value.

import Domain

enum UHFReader {
    static let inventory: UInt8 = 0x01
    static let heartbeat: UInt8 = 0x56
    static let heartbeatByteCount = 6
    private static let shortestLength = 4

    private static let done: UInt8 = 0x01
    private static let outOfTime: UInt8 = 0x02
    private static let moreComes: UInt8 = 0x03
    private static let full: UInt8 = 0x04
    private static let noTag: UInt8 = 0xFB

    static func command(address: UInt8, command: UInt8) -> [UInt8] {
        let bytes = [UInt8(shortestLength), address, command]
        let crc = Checksum.crc16MCRF4XX(bytes)
        return bytes + [UInt8(crc & 0xFF), UInt8(crc >> 8)]
    }

    static func frame(prefixOf bytes: ArraySlice<UInt8>) throws(ReaderFrameError) -> ReaderFrame {
        guard let length = bytes.first else { throw .cutShort(expected: shortestLength + 1, got: 0) }
        let at = bytes.startIndex
        if length == heartbeat, bytes.prefix(heartbeatByteCount).dropFirst().allSatisfy({ $0 == 0 }) {
            guard bytes.count >= heartbeatByteCount else {
                throw .cutShort(expected: heartbeatByteCount, got: bytes.count)
            }
            return ReaderFrame(address: 0, command: heartbeat, data: [], byteCount: heartbeatByteCount)
        }
        guard length >= shortestLength else { throw .noFrame }
        let count = Int(length) + 1
        guard bytes.count >= count else { throw .cutShort(expected: count, got: bytes.count) }
        let end = at + count - 2
        let expected = Checksum.crc16MCRF4XX(bytes[at..<end])
        let got = UInt16(bytes[end]) | UInt16(bytes[end + 1]) << 8
        guard expected == got else { throw .checksum(expected: expected, got: got, byteCount: count) }
        return ReaderFrame(
            address: bytes[at + 1], command: bytes[at + 2], data: bytes[(at + 3)..<end], byteCount: count)
    }

    static func message(_ frame: ReaderFrame, tellsStrength: Bool) -> ReaderMessage? {
        guard frame.command == inventory, let status = frame.data.first else { return nil }
        switch status {
        case done, outOfTime, moreComes, full:
            guard let sights = sights(frame.data.dropFirst(), tellsStrength) else { return nil }
            return ReaderMessage(sights, isLast: status == done || status == outOfTime)
        case noTag:
            return ReaderMessage([], isLast: true)
        default:
            return ReaderMessage([], isLast: true, failure: status)
        }
    }

    /// Nil when the counts do not fit the bytes.
    private static func sights(_ body: ArraySlice<UInt8>, _ tellsStrength: Bool) -> [TagSight]? {
        var rest = body
        var antenna: Int?
        if tellsStrength {
            guard let antennas = rest.popFirst() else { return nil }
            // A bit for each; several may have seen it.
            antenna = antennas == 0 ? nil : antennas.trailingZeroBitCount + 1
        }
        guard let count = rest.popFirst() else { return nil }
        var sights: [TagSight] = []
        for _ in 0..<count {
            guard let length = rest.popFirst(), rest.count >= Int(length) + (tellsStrength ? 1 : 0),
                let tag = VehicleTag(bytes: rest.prefix(Int(length)))
            else { return nil }
            sights.append(TagSight(tag: tag, antenna: antenna))
            rest = rest.dropFirst(Int(length) + (tellsStrength ? 1 : 0))
        }
        return rest.isEmpty ? sights : nil
    }
}
