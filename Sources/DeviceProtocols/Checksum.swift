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
}
