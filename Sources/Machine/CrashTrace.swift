// What the lanes did last, for the next boot: a file an arm, which a crash completes.
//
// Invariants: the head of each file is written at the start, so that a crash only adds records; adding them is
// async-signal-safe. What a crash has left is kept as FILE.last until the next crash.
// Limits: 8 rings, the newest 256 records of each, 512 bytes a record.

import CSystem

private struct KeptRing {
    let ring: Unmanaged<RecordRing>
    let descriptor: Int32
}

private nonisolated(unsafe) var keptRings: InlineArray<8, KeptRing?> = InlineArray(repeating: nil)
private nonisolated(unsafe) var keptCount = 0
private nonisolated(unsafe) let lineBuffer = UnsafeMutablePointer<UInt8>.allocate(capacity: 512)

public enum CrashTrace {
    private static let records = 256

    /// The ring's newest records are to be found in the file after a crash, behind `head`. At start, before its thread.
    public static func keep(_ ring: RecordRing, path: String, head: String, files: any Files) throws(MachineError) {
        precondition(keptCount < 8, "RECORD-2 at most 8 rings are kept")
        let bytes = Array(head.utf8)
        if files.exists(path), try files.read(path, limit: 256 * 1_024).count > bytes.count {
            if rename(path, path + ".last") != 0 { throw .lastSystemError("rename", path) }
        }
        let descriptor = gw_open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        if descriptor < 0 { throw .lastSystemError("open", path) }
        if CSystem.write(descriptor, bytes, bytes.count) != bytes.count { throw .lastSystemError("write", path) }
        lineBuffer.initialize(repeating: 0, count: 512)
        keptRings[keptCount] = KeptRing(ring: Unmanaged.passRetained(ring), descriptor: descriptor)
        keptCount += 1
    }

    /// Adds what the rings hold. From a crash handler, or right before an abrupt end.
    public static func write() {
        var record = InlineArray<16, UInt64>(repeating: 0)
        for index in 0..<keptCount {
            guard let kept = keptRings[index] else { continue }
            let ring = kept.ring.takeUnretainedValue()
            for number in ring.newest(records) where ring.read(number, into: &record) {
                let length = hexadecimal(record)
                _ = CSystem.write(kept.descriptor, lineBuffer, length)
            }
        }
    }

    private static func hexadecimal(_ record: InlineArray<16, UInt64>) -> Int {
        var length = 0
        for index in 0..<RecordRing.wordCount {
            let word = record[index]
            var digits = max(1, (67 - word.leadingZeroBitCount) / 4)
            while digits > 0 {
                digits -= 1
                let digit = UInt8(truncatingIfNeeded: word >> UInt64(4 * digits) & 15)
                lineBuffer[length] = digit < 10 ? 0x30 + digit : 0x57 + digit
                length += 1
            }
            lineBuffer[length] = index == RecordRing.wordCount - 1 ? 0x0A : 0x20
            length += 1
        }
        return length
    }
}
