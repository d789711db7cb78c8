// SQLite's own file layer, with an error at the n-th write or sync.

import CSQLite
import Synchronization

/// Registered once, under the name "fault"; it passes everything on to the default layer. The count is shared by all
/// who use it, so its tests run one after another.
enum FaultVFS {
    static let name = "fault"
    /// Calls until the failing one; it and every later one fails until this is set anew. Negative: none fails.
    static let countdown = Atomic<Int>(-1)
    nonisolated(unsafe) private static var original = UnsafePointer<sqlite3_io_methods>(bitPattern: 0)

    static let isRegistered: Bool = {
        guard let base = sqlite3_vfs_find(nil) else { return false }
        let copy = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        copy.initialize(to: base.pointee)
        let layerName = Array(name.utf8CString)
        let characters = UnsafeMutablePointer<CChar>.allocate(capacity: layerName.count)
        characters.initialize(from: layerName, count: layerName.count)
        copy.pointee.zName = UnsafePointer(characters)
        copy.pointee.pNext = nil
        copy.pointee.xOpen = { vfs, name, file, flags, outFlags in
            guard let base = sqlite3_vfs_find(nil), let file else { return SQLITE_CANTOPEN }
            let code = base.pointee.xOpen(base, name, file, flags, outFlags)
            // Main files and logs have the same writing functions; each keeps the rest of its own table.
            if code == SQLITE_OK, let table = file.pointee.pMethods {
                let copy = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
                copy.initialize(to: table.pointee)
                FaultVFS.original = table
                copy.pointee.xWrite = { file, bytes, count, offset in
                    if FaultVFS.fails() { return SQLITE_FULL }
                    return FaultVFS.original?.pointee.xWrite(file, bytes, count, offset) ?? SQLITE_IOERR
                }
                copy.pointee.xSync = { file, flags in
                    if FaultVFS.fails() { return SQLITE_IOERR | 4 << 8 }
                    return FaultVFS.original?.pointee.xSync(file, flags) ?? SQLITE_IOERR
                }
                file.pointee.pMethods = UnsafePointer(copy)
            }
            return code
        }
        return sqlite3_vfs_register(copy, 0) == SQLITE_OK
    }()

    private static func fails() -> Bool {
        let value = countdown.load(ordering: .sequentiallyConsistent)
        if value < 0 { return false }
        if value > 0 { countdown.store(value - 1, ordering: .sequentiallyConsistent) }
        return value <= 1
    }
}
