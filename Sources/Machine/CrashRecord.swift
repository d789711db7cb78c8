// What a crash leaves behind for the next boot: one short file in the state folder.
//
// Invariants: the file is opened before anything can crash, so that the handler only writes; an empty file means that
// nothing happened. The handler uses async-signal-safe calls only.
// Limits: one record a run, 512 bytes.

import CSystem

private nonisolated(unsafe) var crashDescriptor: Int32 = -1

public enum CrashRecord {
    private static let limit = 512

    /// What the last run left, or nil.
    public static func last(_ path: String, files: any Files) throws(MachineError) -> String? {
        guard files.exists(path) else { return nil }
        let bytes = try files.read(path, limit: 64 * 1_024)
        return bytes.isEmpty ? nil : String(decoding: bytes.prefix(limit), as: UTF8.self)
    }

    /// Forgets what the last run left, once that is kept elsewhere, and makes the file ready for this one.
    public static func begin(_ path: String) throws(MachineError) {
        crashDescriptor = gw_open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        if crashDescriptor < 0 { throw .lastSystemError("open", path) }
        _ = gw_crash_handler_install { signal in
            CrashRecord.writeSignal(signal)
        }
    }

    /// Writes the record. The process ends right after, and the kernel keeps what was written; no fsync, since the disk
    /// may be the very thing that hangs.
    public static func write(_ text: String) {
        let bytes = Array(text.utf8.prefix(limit))
        _ = CSystem.write(crashDescriptor, bytes, bytes.count)
    }

    private static func writeSignal(_ signal: Int32) {
        var text: (UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8) = (
            0x73, 0x69, 0x67, 0x6E, 0x61, 0x6C, 0x20, UInt8(0x30 + signal / 10 % 10), UInt8(0x30 + signal % 10)
        )
        _ = CSystem.write(crashDescriptor, &text, 9)
    }
}
