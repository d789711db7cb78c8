// A disk that fails on from its n-th call: a file layer of SQLite's over the usual one, and what the ledger's other
// files ask. One at a time: whose tests use it stand in one serialised suite.

import CSQLite
import Foundation
import Machine

enum FaultyDisk {
    enum Failure: CaseIterable, Sendable {
        /// EIO, at any call.
        case input
        /// ENOSPC, at a call that needs space.
        case full
        /// EROFS, at a call that changes something.
        case readOnly
    }

    enum Need { case read, change, space }

    static let name = "faulty-disk"

    private static let lock = NSLock()
    nonisolated(unsafe) private static var failure: Failure?
    nonisolated(unsafe) private static var left = 0
    nonisolated(unsafe) private static var failed = false
    nonisolated(unsafe) private static var base: UnsafeMutablePointer<sqlite3_vfs>?
    /// The usual methods of each kind of file, by the ones that stand in for them, and the other way round.
    nonisolated(unsafe) private static var usual: [UnsafePointer<sqlite3_io_methods>: sqlite3_io_methods] = [:]
    nonisolated(unsafe) private static var own: [UnsafePointer<sqlite3_io_methods>: UnsafePointer<sqlite3_io_methods>] =
        [:]

    static var hasFailed: Bool { lock.withLock { failed } }

    static func fail(_ kind: Failure, at call: Int) {
        lock.withLock { (failure, left, failed) = (kind, call, false) }
    }

    static func heal() { lock.withLock { failure = nil } }

    /// Whether the call that is about to be made fails; nil: it does not.
    static func fault(_ need: Need) -> Failure? {
        lock.withLock {
            guard let failure else { return nil }
            switch (failure, need) {
            case (.input, _), (.full, .space), (.readOnly, .change), (.readOnly, .space): break
            case (.full, _), (.readOnly, .read): return nil
            }
            left -= 1
            guard left <= 0 else { return nil }
            failed = true
            return failure
        }
    }

    static func check(_ need: Need, _ path: String) throws(MachineError) {
        guard let failure = fault(need) else { return }
        let errno: Int32 =
            switch failure {
            case .input: 5
            case .full: 28
            case .readOnly: 30
            }
        throw .system(call: "write", subject: path, errno: errno)
    }

    static func register() {
        lock.withLock {
            guard base == nil, let found = sqlite3_vfs_find(nil) else { return }
            base = found
            let vfs = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
            vfs.initialize(to: found.pointee)
            vfs.pointee.zName = UnsafePointer(strdup(name))
            vfs.pointee.xOpen = { _, path, file, flags, outFlags in FaultyDisk.open(path, file, flags, outFlags) }
            sqlite3_vfs_register(vfs, 0)
        }
    }

    private static func open(
        _ path: UnsafePointer<CChar>?, _ file: UnsafeMutablePointer<sqlite3_file>?, _ flags: Int32,
        _ outFlags: UnsafeMutablePointer<Int32>?
    ) -> Int32 {
        let code = base?.pointee.xOpen(base, path, file, flags, outFlags) ?? SQLITE_CANTOPEN
        guard code == SQLITE_OK, let file, let methods = file.pointee.pMethods else { return code }
        file.pointee.pMethods = lock.withLock { standIn(methods) }
        return code
    }

    private static func standIn(_ methods: UnsafePointer<sqlite3_io_methods>) -> UnsafePointer<sqlite3_io_methods> {
        if let known = own[methods] { return known }
        let new = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        new.initialize(to: methods.pointee)
        new.pointee.xRead = { file, buffer, count, offset in
            if FaultyDisk.fault(.read) != nil { return SQLITE_IOERR | 1 << 8 }
            return FaultyDisk.usual(file)?.xRead(file, buffer, count, offset) ?? SQLITE_IOERR
        }
        new.pointee.xWrite = { file, buffer, count, offset in
            if let failure = FaultyDisk.fault(.space) { return failure == .full ? SQLITE_FULL : SQLITE_IOERR | 3 << 8 }
            return FaultyDisk.usual(file)?.xWrite(file, buffer, count, offset) ?? SQLITE_IOERR
        }
        new.pointee.xSync = { file, flags in
            if FaultyDisk.fault(.change) != nil { return SQLITE_IOERR | 4 << 8 }
            return FaultyDisk.usual(file)?.xSync(file, flags) ?? SQLITE_IOERR
        }
        new.pointee.xTruncate = { file, size in
            if FaultyDisk.fault(.change) != nil { return SQLITE_IOERR | 6 << 8 }
            return FaultyDisk.usual(file)?.xTruncate(file, size) ?? SQLITE_IOERR
        }
        // Through a memory map it would be read past this layer.
        new.pointee.xFetch = { _, _, _, page in
            page?.pointee = nil
            return SQLITE_OK
        }
        usual[UnsafePointer(new)] = methods.pointee
        own[methods] = UnsafePointer(new)
        return UnsafePointer(new)
    }

    private static func usual(_ file: UnsafeMutablePointer<sqlite3_file>?) -> sqlite3_io_methods? {
        guard let methods = file?.pointee.pMethods else { return nil }
        return lock.withLock { usual[methods] }
    }
}
