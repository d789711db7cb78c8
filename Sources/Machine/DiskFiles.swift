// The real `Files`: the state folder on the disk, and the lock that keeps a second writer out.
//
// Invariants: a file written durably is on the disk under its name, whole, or not there at all; a temporary file never
// bears a name that anybody reads (`.NAME.new`, overwritten by the next attempt).
// Limits: a name in a folder has at most 255 bytes.

import CSystem

/// Plain files through the system calls.
public final class DiskFiles: Files {
    public init() {}

    public func read(_ path: String, limit: Int) throws(MachineError) -> [UInt8] {
        // Without O_NONBLOCK a pipe would be waited for.
        let file = try Descriptor(path, O_RDONLY | O_NONBLOCK)
        var info = gw_file_info()
        guard gw_fstat(file.number, &info) == 0 else { throw .lastSystemCall("fstat", path) }
        guard !info.is_directory else { throw .system(call: "read", subject: path, errno: EISDIR) }
        guard info.is_regular else { throw .library(name: "read", subject: path, reason: "is no regular file") }
        guard info.size <= UInt64(limit) else { throw .limit(subject: path, limit: limit) }
        var bytes = [UInt8](repeating: 0, count: Int(info.size))
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                CSystem.read(file.number, buffer.baseAddress?.advanced(by: done), buffer.count - done)
            }
            if count < 0 {
                if gw_errno() == EINTR { continue }
                throw .lastSystemCall("read", path)
            }
            // The file was cut shorter in the meantime: what is there is what it is.
            if count == 0 { break }
            done += count
        }
        bytes.removeLast(bytes.count - done)
        return bytes
    }

    public func writeDurably(_ bytes: [UInt8], to path: String) throws(MachineError) {
        let folder = DiskFiles.folder(of: path)
        let temporary = folder + "/." + DiskFiles.name(of: path) + ".new"
        do throws(MachineError) {
            let file = try Descriptor(temporary, O_WRONLY | O_CREAT | O_TRUNC)
            try file.write(bytes)
            try file.synchronise()
        } catch {
            _ = unlink(temporary)
            throw error
        }
        let isNew = !exists(path)
        guard rename(temporary, path) == 0 else {
            let error = MachineError.lastSystemCall("rename", path)
            _ = unlink(temporary)
            throw error
        }
        do throws(MachineError) {
            try DiskFiles.synchronise(folder: folder)
        } catch {
            // Nobody may rely on a name that could be gone after a power cut.
            if isNew { _ = unlink(path) }
            throw error
        }
    }

    public func exists(_ path: String) -> Bool {
        var info = gw_file_info()
        return gw_stat(path, &info) == 0
    }

    public func names(in folder: String) throws(MachineError) -> [String] {
        guard let directory = gw_directory_open(folder) else { throw .lastSystemCall("opendir", folder) }
        defer { _ = gw_directory_close(directory) }
        var names: [String] = []
        var name = [CChar](repeating: 0, count: 256)
        while true {
            let found = gw_directory_next(directory, &name, name.count)
            guard found >= 0 else { throw .lastSystemCall("readdir", folder) }
            guard found > 0 else { break }
            names.append(name.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" })
        }
        return names.sorted()
    }

    public func remove(_ path: String) throws(MachineError) {
        guard unlink(path) == 0 else { throw .lastSystemCall("unlink", path) }
    }

    public func move(_ path: String, to newPath: String) throws(MachineError) {
        guard rename(path, newPath) == 0 else { throw .lastSystemCall("rename", path) }
        try DiskFiles.synchronise(folder: DiskFiles.folder(of: newPath))
    }

    public func overwrite(_ path: String, with bytes: [UInt8]) throws(MachineError) {
        let file = try Descriptor(path, O_WRONLY)
        try file.write(bytes)
        try file.synchronise()
    }

    public func freeBytes(at path: String) -> UInt64? {
        var free: UInt64 = 0
        var total: UInt64 = 0
        return gw_disk_space(path, &free, &total) == 0 ? free : nil
    }

    public func createFolder(_ path: String) throws(MachineError) {
        if mkdir(path, 0o750) != 0 {
            guard gw_errno() == EEXIST else { throw .lastSystemCall("mkdir", path) }
            var info = gw_file_info()
            guard gw_stat(path, &info) == 0 else { throw .lastSystemCall("stat", path) }
            guard info.is_directory else { throw .system(call: "mkdir", subject: path, errno: ENOTDIR) }
        }
        try DiskFiles.synchronise(folder: DiskFiles.folder(of: path))
    }

    public func removeFolder(_ path: String) throws(MachineError) {
        guard rmdir(path) == 0 else { throw .lastSystemCall("rmdir", path) }
    }

    public func fileSystem(at path: String) -> UInt64? {
        var info = gw_file_info()
        return gw_stat(path, &info) == 0 ? info.device : nil
    }

    public func synchronise(folder: String) throws(MachineError) {
        try DiskFiles.synchronise(folder: folder)
    }

    static func synchronise(folder: String) throws(MachineError) {
        try Descriptor(folder, O_RDONLY | O_DIRECTORY).synchronise()
    }

    /// `.` for a name without a slash, `/` for one in the root.
    static func folder(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: 0x2F) else { return "." }
        return slash == path.utf8.startIndex ? "/" : String(path[..<slash])
    }

    static func name(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: 0x2F) else { return path }
        return String(path[path.utf8.index(after: slash)...])
    }
}

/// An exclusive lock on a file, held as long as this object lives or the process does.
public final class FileLock {
    private let file: Descriptor

    /// Nil when another process (or another object of this one) holds it.
    public static func take(_ path: String) throws(MachineError) -> FileLock? {
        let file = try Descriptor(path, O_RDWR | O_CREAT)
        if gw_lock_exclusive(file.number) == 0 { return FileLock(file) }
        guard gw_errno() == EWOULDBLOCK else { throw .lastSystemCall("flock", path) }
        return nil
    }

    private init(_ file: Descriptor) {
        self.file = file
    }

    deinit {
        // Closing alone does not release it while a child process stands between fork and exec with the same open file.
        _ = gw_unlock(file.number)
    }
}

/// An open file that closes itself.
final class Descriptor {
    let number: Int32
    private let path: String

    init(_ path: String, _ flags: Int32) throws(MachineError) {
        self.path = path
        while true {
            let opened = gw_open(path, flags, 0o640)
            if opened >= 0 {
                number = opened
                return
            }
            guard gw_errno() == EINTR else { throw .lastSystemCall("open", path) }
        }
    }

    deinit {
        // After fsync a failing close loses nothing, and there is nothing to be done about it.
        _ = close(number)
    }

    func read(_ bytes: inout [UInt8]) throws(MachineError) -> Int {
        while true {
            let count = bytes.withUnsafeMutableBytes { CSystem.read(number, $0.baseAddress, $0.count) }
            if count >= 0 { return count }
            guard gw_errno() == EINTR else { throw .lastSystemCall("read", path) }
        }
    }

    func write(_ bytes: [UInt8]) throws(MachineError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                CSystem.write(number, buffer.baseAddress?.advanced(by: done), buffer.count - done)
            }
            if count < 0 {
                if gw_errno() == EINTR { continue }
                throw .lastSystemCall("write", path)
            }
            done += count
        }
    }

    func synchronise() throws(MachineError) {
        while fsync(number) != 0 {
            guard gw_errno() == EINTR else { throw .lastSystemCall("fsync", path) }
        }
    }
}

extension MachineError {
    fileprivate static func lastSystemCall(_ call: String, _ subject: String) -> MachineError {
        .system(call: call, subject: subject, errno: gw_errno())
    }
}
