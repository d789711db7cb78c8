// The check values of the field protocols.

public enum Checksum {
    /// CRC-16/MODBUS: polynomial 0x8005 reflected, start 0xFFFF, no final exclusive-or. Check value of "123456789":
    /// 0x4B37. Sent low byte first by the FK/OLM sign.
    public static func crc16Modbus(_ bytes: some Sequence<UInt8>) -> UInt16 {
        var crc: UInt16 = 0xFFFF
        for byte in bytes {
            crc ^= UInt16(byte)
            for _ in 0..<8 {
                crc = crc & 1 == 1 ? crc >> 1 ^ 0xA001 : crc >> 1
            }
        }
        return crc
    }

    /// CRC-16/MCRF4XX: polynomial 0x1021 reflected, start 0xFFFF, no final exclusive-or. Check value of "123456789":
    /// 0x6F91. Sent low byte first by the UHFReader family.
    public static func crc16MCRF4XX(_ bytes: some Sequence<UInt8>) -> UInt16 {
        var crc: UInt16 = 0xFFFF
        for byte in bytes {
            crc ^= UInt16(byte)
            for _ in 0..<8 {
                crc = crc & 1 == 1 ? crc >> 1 ^ 0x8408 : crc >> 1
            }
        }
        return crc
    }

    /// CRC-16/GENIBUS: polynomial 0x1021, start 0xFFFF, all bits turned at the end. Check value of "123456789": 0xD64E.
    /// What a tag of ISO 18000-6C puts after its PC and EPC.
    public static func crc16Genibus(_ bytes: some Sequence<UInt8>) -> UInt16 {
        var crc: UInt16 = 0xFFFF
        for byte in bytes {
            crc ^= UInt16(byte) << 8
            for _ in 0..<8 {
                crc = crc & 0x8000 != 0 ? crc << 1 ^ 0x1021 : crc << 1
            }
        }
        return ~crc
    }
}
