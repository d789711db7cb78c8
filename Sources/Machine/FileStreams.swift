// Files that are too large for the memory: written and read piece by piece. The seam for exports and backups.
//
// Invariants: an output has its name only after `publish`, whole and durable; given up before, it leaves nothing.
// Limits: 64 KiB are held of a file at a time, and at most 8 MiB of it wait in the kernel: a slow stick must not fill
// the memory with what it has not taken yet, which would hold up everybody who writes.

import CSystem

/// A file under way.
public protocol FileOutput: AnyObject {
    func write(_ bytes: [UInt8]) throws(MachineError)
    /// When it returns, the file is on the disk under its name, and what is read of it next comes from the disk.
    func publish() throws(MachineError)
}

/// A file being read from its beginning.
public protocol FileInput: AnyObject {
    /// The next bytes, 64 KiB at most; none at the end.
    func next() throws(MachineError) -> [UInt8]
}

public protocol FileStreams: AnyObject {
    /// Begins a file; one of that name stays as it is until `publish`.
    func output(_ path: String) throws(MachineError) -> any FileOutput
    func input(_ path: String) throws(MachineError) -> any FileInput
}

extension DiskFiles: FileStreams {
    static let pieceBytes = 64 * 1_024
    fileprivate static let unsynchronisedBytes = 8 * 1_024 * 1_024

    public func output(_ path: String) throws(MachineError) -> any FileOutput {
        try DiskOutput(path)
    }

    public func input(_ path: String) throws(MachineError) -> any FileInput {
        try DiskInput(path)
    }
}

private final class DiskOutput: FileOutput {
    private let path: String
    private let temporary: String
    private let file: Descriptor
    private var pending: [UInt8] = []
    private var isPublished = false
    private var unsynchronised = 0

    init(_ path: String) throws(MachineError) {
        self.path = path
        temporary = DiskFiles.folder(of: path) + "/." + DiskFiles.name(of: path) + ".new"
        file = try Descriptor(temporary, O_WRONLY | O_CREAT | O_TRUNC)
    }

    deinit {
        if !isPublished { _ = unlink(temporary) }
    }

    func write(_ bytes: [UInt8]) throws(MachineError) {
        pending += bytes
        if pending.count >= DiskFiles.pieceBytes { try flush() }
    }

    private func flush() throws(MachineError) {
        try file.write(pending)
        unsynchronised += pending.count
        if unsynchronised >= DiskFiles.unsynchronisedBytes {
            try file.synchronise()
            unsynchronised = 0
        }
        pending.removeAll(keepingCapacity: true)
    }

    func publish() throws(MachineError) {
        try flush()
        try file.synchronise()
        guard rename(temporary, path) == 0 else { throw .lastSystemError("rename", path) }
        isPublished = true
        try DiskFiles.synchronise(folder: DiskFiles.folder(of: path))
        gw_forget_pages(file.number)
    }
}

private final class DiskInput: FileInput {
    private let file: Descriptor

    init(_ path: String) throws(MachineError) {
        // Without O_NONBLOCK a pipe would be waited for.
        file = try Descriptor(path, O_RDONLY | O_NONBLOCK)
    }

    func next() throws(MachineError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: DiskFiles.pieceBytes)
        let count = try file.read(&bytes)
        bytes.removeLast(bytes.count - count)
        return bytes
    }
}
