// A file layer of SQLite's over the usual one, in which one page of one file cannot be read.

import CSQLite
import Foundation

/// Once a process: the file is known by its inode, whatever it is renamed to.
enum UnreadablePage {
    static let name = "unreadable-page"

    nonisolated(unsafe) private static var inode: ino_t = 0
    nonisolated(unsafe) private static var offset: sqlite3_int64 = -1
    nonisolated(unsafe) private static let methods = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
    nonisolated(unsafe) private static var usual: sqlite3_io_methods?
    nonisolated(unsafe) private static var base: UnsafeMutablePointer<sqlite3_vfs>?

    /// Registers the layer, and takes page `number` of the file away.
    static func take(page number: Int64, of path: String) {
        inode = UnreadablePage.number(path)
        offset = (number - 1) * 4_096
        guard base == nil, let found = sqlite3_vfs_find(nil) else { return }
        base = found
        let vfs = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        vfs.initialize(to: found.pointee)
        vfs.pointee.zName = UnsafePointer(strdup(name))
        vfs.pointee.xOpen = { _, path, file, flags, outFlags in UnreadablePage.open(path, file, flags, outFlags) }
        sqlite3_vfs_register(vfs, 0)
    }

    private static func number(_ path: String) -> ino_t {
        var found = stat()
        return stat(path, &found) == 0 ? found.st_ino : 0
    }

    private static func open(
        _ path: UnsafePointer<CChar>?, _ file: UnsafeMutablePointer<sqlite3_file>?, _ flags: Int32,
        _ outFlags: UnsafeMutablePointer<Int32>?
    ) -> Int32 {
        let code = base?.pointee.xOpen(base, path, file, flags, outFlags) ?? SQLITE_CANTOPEN
        guard code == SQLITE_OK, let path, let file, number(String(cString: path)) == inode else { return code }
        usual = file.pointee.pMethods.pointee
        methods.initialize(to: file.pointee.pMethods.pointee)
        methods.pointee.xRead = { file, buffer, count, offset in
            let wanted = UnreadablePage.offset
            if offset <= wanted, wanted < offset + sqlite3_int64(count) { return SQLITE_IOERR | 1 << 8 }
            return UnreadablePage.usual?.xRead(file, buffer, count, offset) ?? SQLITE_IOERR
        }
        // Through a memory map it would be read past this layer.
        methods.pointee.xFetch = { _, _, _, page in
            page?.pointee = nil
            return SQLITE_OK
        }
        file.pointee.pMethods = UnsafePointer(methods)
        return code
    }
}
