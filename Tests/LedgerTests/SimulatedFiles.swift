// The seam `Files` on a simulated disk, call by call as the real one makes them.

import Machine

final class SimulatedFiles: Files {
    private let disk: SimulatedDisk

    init(_ disk: SimulatedDisk) {
        self.disk = disk
    }

    private func call(_ name: String, _ path: String, _ need: SimulatedDisk.Need) throws(MachineError) {
        if disk.fails(need) { throw .system(call: name, subject: path, errno: disk.failure.errno) }
    }

    func read(_ path: String, limit: Int) throws(MachineError) -> [UInt8] {
        try call("read", path, .read)
        guard let file = disk.state.file(path) else { throw .system(call: "open", subject: path, errno: 2) }
        let bytes = disk.state.bytes(file)
        guard bytes.count <= limit else { throw .limit(subject: path, limit: limit) }
        return bytes
    }

    func writeDurably(_ bytes: [UInt8], to path: String) throws(MachineError) {
        let parent = folder(of: path)
        guard disk.state.isFolder(parent) else { throw .system(call: "open", subject: path, errno: 2) }
        let temporary = parent + "/." + path.dropFirst(parent.count + 1) + ".new"
        do throws(MachineError) {
            try call("open", temporary, .space)
            let file = disk.state.file(temporary) ?? disk.create(temporary)
            if !disk.state.bytes(file).isEmpty { disk.apply(.truncate(file: file, size: 0)) }
            try call("write", temporary, .space)
            disk.apply(.write(file: file, offset: 0, bytes: bytes))
            try call("fsync", temporary, .change)
            disk.apply(.synchronise(file: file))
            try call("rename", path, .change)
        } catch {
            if disk.state.file(temporary) != nil { disk.apply(.unlink(path: temporary)) }
            throw error
        }
        let isNew = !exists(path)
        disk.apply(.rename(from: temporary, to: path))
        do throws(MachineError) {
            try call("fsync", parent, .change)
        } catch {
            if isNew { disk.apply(.unlink(path: path)) }
            throw error
        }
        disk.apply(.synchroniseFolder(path: parent))
    }

    func exists(_ path: String) -> Bool {
        disk.state.file(path) != nil || disk.state.isFolder(path)
    }

    func names(in folder: String) throws(MachineError) -> [String] {
        try call("readdir", folder, .read)
        guard disk.state.isFolder(folder) else { throw .system(call: "opendir", subject: folder, errno: 2) }
        return disk.state.names(in: folder)
    }

    func remove(_ path: String) throws(MachineError) {
        try call("unlink", path, .change)
        guard disk.state.file(path) != nil else { throw .system(call: "unlink", subject: path, errno: 2) }
        disk.apply(.unlink(path: path))
    }

    func synchronise(folder: String) throws(MachineError) {
        try call("fsync", folder, .change)
        disk.apply(.synchroniseFolder(path: folder))
    }

    func move(_ path: String, to newPath: String) throws(MachineError) {
        try call("rename", path, .change)
        guard disk.state.file(path) != nil else { throw .system(call: "rename", subject: path, errno: 2) }
        disk.apply(.rename(from: path, to: newPath))
        try call("fsync", folder(of: newPath), .change)
        disk.apply(.synchroniseFolder(path: folder(of: newPath)))
    }

    func overwrite(_ path: String, with bytes: [UInt8]) throws(MachineError) {
        try call("open", path, .change)
        guard let file = disk.state.file(path) else { throw .system(call: "open", subject: path, errno: 2) }
        try call("write", path, .change)
        disk.apply(.write(file: file, offset: 0, bytes: bytes))
        try call("fsync", path, .change)
        disk.apply(.synchronise(file: file))
    }

    func freeBytes(at path: String) -> UInt64? { nil }

    func createFolder(_ path: String) throws(MachineError) {
        if !disk.state.isFolder(path) {
            try call("mkdir", path, .space)
            disk.apply(.createFolder(path: path))
        }
        try call("fsync", path, .change)
        disk.apply(.synchroniseFolder(path: folder(of: path)))
    }
}
