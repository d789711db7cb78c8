// SQLite's file layer on simulated disks: main files, journals, logs and the shared memory of the log's index.
//
// Invariants: it does what SQLite's own layer for Unix does, in the same order (a new journal or log has its folder
// synchronised after its own first synchronisation). A path belongs to the disk that was mounted over it.

import CSQLite
import Foundation
import Synchronization

enum SimulatedVFS {
    static let name = "simulated"

    private struct Mounts: @unchecked Sendable {
        var disks: [String: SimulatedDisk] = [:]
    }

    private static let mounts = Mutex(Mounts())

    /// Everything in `folder` is on this disk from now on.
    static func mount(_ disk: SimulatedDisk, at folder: String) {
        precondition(isRegistered)
        mounts.withLock { $0.disks[folder] = disk }
    }

    static func unmount(_ folder: String) {
        mounts.withLock { _ = $0.disks.removeValue(forKey: folder) }
    }

    fileprivate static func disk(_ path: String) -> SimulatedDisk? {
        mounts.withLock { $0.disks[folder(of: path)] }
    }

    private static let isRegistered: Bool = {
        guard let base = sqlite3_vfs_find(nil) else { return false }
        let vfs = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        vfs.initialize(to: base.pointee)
        vfs.pointee.zName = UnsafePointer(strdup(name))
        vfs.pointee.pNext = nil
        vfs.pointee.szOsFile = Int32(MemoryLayout<OpenFile>.size)
        vfs.pointee.xOpen = { _, name, file, flags, outFlags in
            guard let name, let file else { return SQLITE_CANTOPEN }
            return open(String(cString: name), file, flags, outFlags)
        }
        vfs.pointee.xDelete = { _, name, alsoFolder in
            guard let name else { return SQLITE_IOERR }
            return delete(String(cString: name), alsoFolder != 0)
        }
        vfs.pointee.xAccess = { _, name, _, result in
            guard let name, let disk = disk(String(cString: name)) else { return SQLITE_IOERR }
            if disk.fails(.read) { return SQLITE_IOERR | 13 << 8 }
            result?.pointee = disk.state.file(String(cString: name)) == nil ? 0 : 1
            return SQLITE_OK
        }
        vfs.pointee.xFullPathname = { _, name, capacity, out in
            guard let name, let out, strlen(name) < Int(capacity) else { return SQLITE_CANTOPEN }
            strcpy(out, name)
            return SQLITE_OK
        }
        return sqlite3_vfs_register(vfs, 0) == SQLITE_OK
    }()

    private static func open(
        _ path: String, _ file: UnsafeMutablePointer<sqlite3_file>, _ flags: Int32,
        _ outFlags: UnsafeMutablePointer<Int32>?
    ) -> Int32 {
        file.pointee.pMethods = nil
        guard let disk = disk(path) else { return SQLITE_CANTOPEN }
        if disk.fails(.read) { return SQLITE_CANTOPEN }
        var number = disk.state.file(path)
        let isNew = number == nil
        if isNew {
            guard flags & SQLITE_OPEN_CREATE != 0, disk.state.isFolder(folder(of: path)), !disk.fails(.space) else {
                return SQLITE_CANTOPEN
            }
            number = disk.create(path)
        }
        guard let number else { return SQLITE_CANTOPEN }
        let handle = OpenHandle(disk, number, path)
        handle.synchronisesFolder = isNew && flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL) != 0
        let opened = UnsafeMutableRawPointer(file).bindMemory(to: OpenFile.self, capacity: 1)
        opened.initialize(to: OpenFile(handle: Unmanaged.passRetained(handle)))
        opened.pointee.base.pMethods = ioMethods
        outFlags?.pointee = flags
        return SQLITE_OK
    }

    private static func delete(_ path: String, _ alsoFolder: Bool) -> Int32 {
        guard let disk = disk(path) else { return SQLITE_IOERR }
        if disk.fails(.change) { return SQLITE_IOERR | 10 << 8 }
        guard disk.state.file(path) != nil else { return SQLITE_IOERR | 23 << 8 }
        disk.apply(.unlink(path: path))
        if alsoFolder {
            if disk.fails(.change) { return SQLITE_IOERR | 5 << 8 }
            disk.apply(.synchroniseFolder(path: folder(of: path)))
        }
        return SQLITE_OK
    }
}

// MARK: - Open files

private struct OpenFile {
    var base = sqlite3_file()
    var handle: Unmanaged<OpenHandle>
}

private final class OpenHandle {
    let disk: SimulatedDisk
    let file: Int
    let path: String
    var synchronisesFolder = false
    var lock = SQLITE_LOCK_NONE
    var sharedLocks: Set<Int> = []
    var ownLocks: Set<Int> = []
    var isMapped = false

    init(_ disk: SimulatedDisk, _ file: Int, _ path: String) {
        self.disk = disk
        self.file = file
        self.path = path
        disk.companions.handles[file, default: []].append(self)
    }

    var others: [OpenHandle] {
        disk.companions.handles[file, default: []].filter { $0 !== self }
    }

    func close() {
        disk.companions.handles[file]?.removeAll { $0 === self }
    }
}

private func handle(_ file: UnsafeMutablePointer<sqlite3_file>?) -> OpenHandle {
    UnsafeMutableRawPointer(file!).assumingMemoryBound(to: OpenFile.self).pointee.handle.takeUnretainedValue()
}

/// What the open files of a disk share.
final class DiskCompanions {
    fileprivate var handles: [Int: [OpenHandle]] = [:]
    private var regions: [Int: [UnsafeMutableRawPointer]] = [:]

    deinit {
        for region in regions.values.joined() { region.deallocate() }
    }

    func region(_ file: Int, _ index: Int, _ size: Int, extend: Bool) -> UnsafeMutableRawPointer? {
        while regions[file, default: []].count <= index {
            guard extend else { return nil }
            let region = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
            region.initializeMemory(as: UInt8.self, repeating: 0, count: size)
            regions[file, default: []].append(region)
        }
        return regions[file]?[index]
    }

    func release(_ file: Int) {
        for region in regions.removeValue(forKey: file) ?? [] { region.deallocate() }
    }
}

nonisolated(unsafe) private let ioMethods: UnsafePointer<sqlite3_io_methods> = {
    let methods = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
    methods.initialize(to: sqlite3_io_methods())
    methods.pointee.iVersion = 2
    setContentMethods(&methods.pointee)
    setLockMethods(&methods.pointee)
    setSharedMemoryMethods(&methods.pointee)
    return UnsafePointer(methods)
}()

private func setContentMethods(_ methods: inout sqlite3_io_methods) {
    methods.xClose = { file in
        handle(file).close()
        UnsafeMutableRawPointer(file!).assumingMemoryBound(to: OpenFile.self).pointee.handle.release()
        return SQLITE_OK
    }
    methods.xRead = { file, buffer, count, offset in
        let handle = handle(file)
        if handle.disk.fails(.read) { return SQLITE_IOERR | 1 << 8 }
        let target = UnsafeMutableRawBufferPointer(start: buffer, count: Int(count))
        let taken = handle.disk.read(handle.file, at: Int(offset), into: target)
        guard taken < Int(count) else { return SQLITE_OK }
        memset(buffer! + taken, 0, Int(count) - taken)
        return SQLITE_IOERR | 2 << 8
    }
    methods.xWrite = { file, buffer, count, offset in
        let handle = handle(file)
        if handle.disk.fails(.space) {
            return handle.disk.failure == .full ? SQLITE_FULL : SQLITE_IOERR | 3 << 8
        }
        let bytes = [UInt8](UnsafeRawBufferPointer(start: buffer, count: Int(count)))
        handle.disk.apply(.write(file: handle.file, offset: Int(offset), bytes: bytes))
        return SQLITE_OK
    }
    methods.xTruncate = { file, size in
        let handle = handle(file)
        if handle.disk.fails(.change) { return SQLITE_IOERR | 6 << 8 }
        handle.disk.apply(.truncate(file: handle.file, size: Int(size)))
        return SQLITE_OK
    }
    methods.xSync = { file, _ in
        let handle = handle(file)
        if handle.disk.fails(.change) { return SQLITE_IOERR | 4 << 8 }
        handle.disk.apply(.synchronise(file: handle.file))
        if handle.synchronisesFolder {
            if handle.disk.fails(.change) { return SQLITE_IOERR | 5 << 8 }
            handle.disk.apply(.synchroniseFolder(path: folder(of: handle.path)))
            handle.synchronisesFolder = false
        }
        return SQLITE_OK
    }
    methods.xFileSize = { file, size in
        let handle = handle(file)
        if handle.disk.fails(.read) { return SQLITE_IOERR | 7 << 8 }
        size?.pointee = sqlite3_int64(handle.disk.state.bytes(handle.file).count)
        return SQLITE_OK
    }
    methods.xFileControl = { _, _, _ in SQLITE_NOTFOUND }
    methods.xSectorSize = { _ in 4_096 }
    // What SQLite's own layer says of every disk: a write changes no bytes beside it.
    methods.xDeviceCharacteristics = { _ in SQLITE_IOCAP_POWERSAFE_OVERWRITE }
}

private func setLockMethods(_ methods: inout sqlite3_io_methods) {
    methods.xLock = { file, level in
        let handle = handle(file)
        guard level > handle.lock else { return SQLITE_OK }
        let highest = handle.others.map(\.lock).max() ?? SQLITE_LOCK_NONE
        let limit: Int32 =
            level == SQLITE_LOCK_SHARED
            ? SQLITE_LOCK_RESERVED : level == SQLITE_LOCK_RESERVED ? SQLITE_LOCK_SHARED : SQLITE_LOCK_NONE
        if highest > limit { return SQLITE_BUSY }
        handle.lock = level
        return SQLITE_OK
    }
    methods.xUnlock = { file, level in
        let handle = handle(file)
        handle.lock = min(handle.lock, level)
        return SQLITE_OK
    }
    methods.xCheckReservedLock = { file, result in
        let handle = handle(file)
        result?.pointee = ([handle] + handle.others).contains { $0.lock >= SQLITE_LOCK_RESERVED } ? 1 : 0
        return SQLITE_OK
    }
}

private func setSharedMemoryMethods(_ methods: inout sqlite3_io_methods) {
    methods.xShmMap = { file, index, size, extend, out in
        let handle = handle(file)
        if handle.disk.fails(.read) { return SQLITE_IOERR | 21 << 8 }
        handle.isMapped = true
        out?.pointee = handle.disk.companions
            .region(handle.file, Int(index), Int(size), extend: extend != 0)
            .map { UnsafeMutableRawPointer($0) }
        return SQLITE_OK
    }
    methods.xShmLock = { file, first, count, flags in
        let handle = handle(file)
        let range = Set(Int(first)..<Int(first + count))
        if flags & SQLITE_SHM_UNLOCK != 0 {
            if flags & SQLITE_SHM_SHARED != 0 {
                handle.sharedLocks.subtract(range)
            } else {
                handle.ownLocks.subtract(range)
            }
        } else if flags & SQLITE_SHM_SHARED != 0 {
            if handle.others.contains(where: { !$0.ownLocks.isDisjoint(with: range) }) { return SQLITE_BUSY }
            handle.sharedLocks.formUnion(range)
        } else {
            let isTaken = handle.others.contains {
                !$0.ownLocks.isDisjoint(with: range) || !$0.sharedLocks.isDisjoint(with: range)
            }
            if isTaken { return SQLITE_BUSY }
            handle.ownLocks.formUnion(range)
        }
        return SQLITE_OK
    }
    methods.xShmBarrier = { _ in }
    methods.xShmUnmap = { file, _ in
        let handle = handle(file)
        handle.isMapped = false
        if !handle.others.contains(where: \.isMapped) { handle.disk.companions.release(handle.file) }
        return SQLITE_OK
    }
}
