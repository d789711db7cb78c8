// What a crash leaves behind for the next boot: one short file in the state folder, and outputs that are off.
//
// Invariants: the file is opened before anything can crash, so that the handler only writes; an empty file means that
// nothing happened. The handler uses async-signal-safe calls only.
// Limits: one record a run, 512 bytes.

import CSystem

private nonisolated(unsafe) var crashDescriptor: Int32 = -1

public enum CrashRecord {
    private static let limit = 512

    /// What the last run left, or nil, and opens the file for this run. What was left stays until `clear`, so that a
    /// start that fails does not lose it.
    public static func open(_ path: String, files: any Files) throws(MachineError) -> String? {
        var last: String?
        if files.exists(path) {
            do throws(MachineError) {
                let bytes = try files.read(path, limit: 64 * 1_024)
                if !bytes.isEmpty { last = String(decoding: bytes.prefix(limit), as: UTF8.self) }
            } catch {
                // A start does not fail for it.
                last = "what the last run left cannot be read: \(error.description)"
            }
        }
        crashDescriptor = gw_open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        if crashDescriptor < 0 { throw .lastSystemError("open", path) }
        _ = gw_crash_handler_install { signal in
            CrashRecord.writeSignal(signal)
        }
        return last
    }

    /// Forgets what the last run left, once the ledger has it.
    public static func clear() {
        _ = ftruncate(crashDescriptor, 0)
    }

    /// Writes the record. The process is about to end, and the kernel keeps what was written; no fsync, since the disk
    /// may be the very thing that hangs.
    public static func write(_ text: String) {
        CrashOutputs.off()
        let bytes = Array(text.utf8.prefix(limit))
        clear()
        _ = CSystem.write(crashDescriptor, bytes, bytes.count)
        CrashTrace.write()
        CrashOutputs.off()
    }

    /// The last word of a run that ends orderly and wants it told: no output moves.
    public static func leave(_ text: String) {
        let bytes = Array(text.utf8.prefix(limit))
        clear()
        _ = CSystem.write(crashDescriptor, bytes, bytes.count)
    }

    private static func writeSignal(_ signal: Int32) {
        CrashOutputs.off()
        var text: (UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8) = (
            0x73, 0x69, 0x67, 0x6E, 0x61, 0x6C, 0x20, UInt8(0x30 + signal / 10 % 10), UInt8(0x30 + signal % 10)
        )
        clear()
        _ = CSystem.write(crashDescriptor, &text, 9)
        CrashTrace.write()
        CrashOutputs.off()
    }
}
