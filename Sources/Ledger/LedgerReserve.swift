// A file that holds disk space back, and is given up when the disk is full: the gate can then still record.
//
// Limits: 4 MiB, about 4,000 decisions; it is made only while ten times as much is free.

import Crypto
import Domain
import Machine

final class LedgerReserve {
    static let byteCount = 4 * 1_024 * 1_024

    private let folder: String
    private let path: String
    private let files: any Files

    init(folder: String, _ files: any Files) {
        self.folder = folder
        path = LedgerPath.reserve(folder)
        self.files = files
    }

    var freeBytes: UInt64? { files.freeBytes(at: folder) }

    /// False when there was none to give up.
    func release() -> Bool {
        guard files.exists(path) else { return false }
        do throws(MachineError) {
            try files.remove(path)
            return true
        } catch {
            return false
        }
    }

    /// Makes it again once there is space. Random bytes: a file system that compresses keeps no space for zeros.
    func renew() {
        guard !files.exists(path), let free = freeBytes,
            free > UInt64(LedgerReserve.byteCount) * 10
        else { return }
        do throws(MachineError) {
            try files.writeDurably(randomBytes(LedgerReserve.byteCount), to: path)
        } catch {
            // Without it a full disk stops the records a little earlier; the next turn tries again.
            return
        }
    }
}
