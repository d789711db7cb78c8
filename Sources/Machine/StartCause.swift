// Why the controller is started, as whoever starts it knows it: on our image board/init/serve.c, which sees how the
// last run and the last boot ended. A file beside the crash record, one line, kept until the ledger has it.
//
// Limits: 200 bytes; what is no text on one line is no word at all.

import CSystem

public enum StartCause {
    private static let limit = 200

    /// Nil when nobody left a word, or none that can be read: a start does not fail for it.
    public static func word(_ path: String, files: any Files) -> String? {
        guard files.exists(path) else { return nil }
        do throws(MachineError) {
            let bytes = try files.read(path, limit: limit).prefix { $0 != 0x0A }
            guard !bytes.isEmpty, bytes.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        } catch {
            return nil
        }
    }

    /// Forgets it, once the ledger has it. Not synced: whoever left it writes it anew at each start.
    public static func clear(_ path: String) {
        _ = unlink(path)
    }
}
