// A disk in memory that knows what would be left of it if the power went now.
//
// Invariants: what a write, a truncation, a creation, a rename or an unlinking has changed is only in the cache until
// the file, or for names the folder, is synchronised. Every such call is one operation of the log, in order.

/// One call that changes the disk, or orders it to keep what was changed. Files are known by number, names are names.
enum DiskOperation {
    case create(path: String, file: Int)
    case write(file: Int, offset: Int, bytes: [UInt8])
    case truncate(file: Int, size: Int)
    case synchronise(file: Int)
    case rename(from: String, to: String)
    case unlink(path: String)
    case createFolder(path: String)
    case synchroniseFolder(path: String)
}

/// What a power cut leaves.
enum CutMode: String, CaseIterable, Sendable {
    /// All operations that were finished, synchronised or not.
    case atomic
    /// The same, and a part of the one that was under way.
    case torn
    /// Of what was not synchronised, any part: whole writes or single sectors, this name and not that one.
    case reordered
    /// Nothing that was not synchronised.
    case dropped
}

/// The files and folders at rest.
struct DiskImage: Equatable {
    var files: [String: [UInt8]] = [:]
    var folders: Set<String> = []
}

/// SplitMix64: the same seed gives the same faults.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    init(_ seed: UInt64) { state = seed }

    static func first(_ seed: UInt64) -> UInt64 {
        var random = SeededRandom(seed)
        return random.next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return String(path[..<slash])
}

/// The disk's content with what is only in its cache.
struct DiskState {
    private static let sectorBytes = 512
    private static let folderNumber = -1

    struct File {
        var live: [UInt8] = []
        var durable: [UInt8] = []
        /// Writes and truncations since it was last synchronised.
        var pending: [DiskOperation] = []
    }

    struct Name {
        var durable: Int?
        /// What it has stood for since its folder was last synchronised, oldest first, and which operation made it so.
        var changes: [(file: Int?, by: Int)] = []
        var live: Int? { changes.last.map(\.file) ?? durable }
    }

    private(set) var files: [Int: File] = [:]
    private(set) var names: [String: Name] = [:]
    private(set) var nextFile = 0
    private var count = 0

    init(_ image: DiskImage = DiskImage()) {
        for folder in image.folders { names[folder] = Name(durable: DiskState.folderNumber) }
        // In the order of the names: a log that begins with this image calls its files by these numbers.
        for (path, bytes) in image.files.sorted(by: { $0.key < $1.key }) {
            files[nextFile] = File(live: bytes, durable: bytes)
            names[path] = Name(durable: nextFile)
            nextFile += 1
        }
    }

    func file(_ path: String) -> Int? {
        guard let number = names[path]?.live, number != DiskState.folderNumber else { return nil }
        return number
    }

    func isFolder(_ path: String) -> Bool { names[path]?.live == DiskState.folderNumber }

    func bytes(_ file: Int) -> [UInt8] { files[file]?.live ?? [] }

    func names(in parent: String) -> [String] {
        names.filter { $0.value.live != nil && folder(of: $0.key) == parent }
            .map { String($0.key.dropFirst(parent.count + 1)) }.sorted()
    }

    mutating func read(_ file: Int, at offset: Int, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard let count = files[file]?.live.count, offset < count else { return 0 }
        let taken = min(buffer.count, count - offset)
        files[file]?.live.withUnsafeBytes { source in
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[offset..<offset + taken]))
        }
        return taken
    }

    mutating func apply(_ operation: DiskOperation) {
        count += 1
        switch operation {
        case .create(let path, let file):
            files[file] = File()
            nextFile = max(nextFile, file + 1)
            names[path, default: Name()].changes.append((file, count))
        case .write(let file, _, _), .truncate(let file, _):
            files[file, default: File()].pending.append(operation)
            DiskState.change(&files[file, default: File()].live, operation)
        case .synchronise(let file):
            guard let live = files[file]?.live else { return }
            files[file] = File(live: live, durable: live)
        case .rename(let from, let to):
            guard let file = names[from]?.live else { return }
            names[from, default: Name()].changes.append((nil, count))
            names[to, default: Name()].changes.append((file, count))
        case .unlink(let path): names[path, default: Name()].changes.append((nil, count))
        case .createFolder(let path): names[path, default: Name()].changes.append((DiskState.folderNumber, count))
        case .synchroniseFolder(let parent):
            for (path, name) in names where !name.changes.isEmpty && folder(of: path) == parent {
                names[path] = name.live.map { Name(durable: $0) }
            }
        }
    }

    private static func change(_ bytes: inout [UInt8], _ operation: DiskOperation) {
        switch operation {
        case .write(_, let offset, let written):
            let end = offset + written.count
            if bytes.count == offset {
                bytes.append(contentsOf: written)
                return
            }
            if bytes.count < end { bytes.append(contentsOf: [UInt8](repeating: 0, count: end - bytes.count)) }
            bytes.withUnsafeMutableBytes { target in
                UnsafeMutableRawBufferPointer(rebasing: target[offset..<end]).copyBytes(from: written)
            }
        case .truncate(_, let size):
            if bytes.count > size {
                bytes.removeLast(bytes.count - size)
            } else {
                bytes.append(contentsOf: [UInt8](repeating: 0, count: size - bytes.count))
            }
        default: break
        }
    }

    // MARK: - Cuts

    /// What is left when the power goes while `operation` is under way. Nil when nothing of `operation` can be there
    /// in this mode that `atomic` or an earlier cut does not show already.
    func cut(_ mode: CutMode, during operation: DiskOperation, _ random: inout SeededRandom) -> DiskImage? {
        switch mode {
        case .atomic:
            return image(name: \.live, bytes: \.live)
        case .dropped:
            return image(name: \.durable, bytes: \.durable)
        case .torn:
            guard case .write(let file, let offset, let bytes) = operation, bytes.count > 1 else { return nil }
            var torn = self
            torn.apply(.write(file: file, offset: offset, bytes: DiskState.part(of: bytes, &random)))
            return torn.image(name: \.live, bytes: \.live)
        case .reordered:
            var issued = self
            switch operation {
            // An order to keep what is there is not obeyed before it is finished.
            case .synchronise, .synchroniseFolder: break
            default: issued.apply(operation)
            }
            return issued.reordered(&random)
        }
    }

    private func image(
        name: (Name) -> Int?, bytes: (File) -> [UInt8]
    ) -> DiskImage {
        var image = DiskImage()
        var kept: [String: Int] = [:]
        for (path, entry) in names {
            guard let number = name(entry) else { continue }
            if number == DiskState.folderNumber { image.folders.insert(path) } else { kept[path] = number }
        }
        for (path, number) in kept where image.folders.contains(folder(of: path)) {
            if let file = files[number] { image.files[path] = bytes(file) }
        }
        return image
    }

    private func reordered(_ random: inout SeededRandom) -> DiskImage {
        var random = random
        // Each operation on names is there or not; a renaming is one, and takes its old name away with the new one.
        let operations = Set(names.values.flatMap { $0.changes.map(\.by) })
        var isKept: [Int: Bool] = [:]
        for operation in operations.sorted() { isKept[operation] = random.next() & 1 == 0 }
        let chosen = names.mapValues { name in
            name.changes.last { isKept[$0.by] == true }.map(\.file) ?? name.durable
        }
        var kept: [Int: [UInt8]] = [:]
        for number in files.keys.sorted() {
            guard let file = files[number] else { continue }
            var bytes = file.durable
            for operation in file.pending {
                for part in DiskState.parts(of: operation, &random) where random.next() & 1 == 0 {
                    DiskState.change(&bytes, part)
                }
            }
            kept[number] = bytes
        }
        var image = DiskImage()
        for (path, number) in chosen where number == DiskState.folderNumber { image.folders.insert(path) }
        for (path, number) in chosen where image.folders.contains(folder(of: path)) {
            if let number, let bytes = kept[number] { image.files[path] = bytes }
        }
        return image
    }

    /// A beginning of the bytes; in half of the cases the rest of the sector that was being written is rubbish.
    private static func part(of bytes: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        let count = 1 + Int(random.next() % UInt64(bytes.count - 1))
        var part = Array(bytes[..<count])
        if random.next() & 1 == 0 {
            let end = min(bytes.count, (count / sectorBytes + 1) * sectorBytes)
            for _ in count..<end { part.append(UInt8(truncatingIfNeeded: random.next())) }
        }
        return part
    }

    /// A write as it is, or by sectors.
    private static func parts(of operation: DiskOperation, _ random: inout SeededRandom) -> [DiskOperation] {
        guard case .write(let file, let offset, let bytes) = operation, random.next() & 1 == 0 else {
            return [operation]
        }
        return stride(from: 0, to: bytes.count, by: sectorBytes).map { start in
            let end = min(bytes.count, start + sectorBytes)
            return .write(file: file, offset: offset + start, bytes: Array(bytes[start..<end]))
        }
    }
}

/// The disk that a program runs on: it records every operation, and fails when it is told to.
final class SimulatedDisk {
    enum Failure: String, CaseIterable, Sendable {
        /// EIO, at any call.
        case input
        /// ENOSPC, at a call that needs space.
        case full
        /// EROFS, at a call that changes something.
        case readOnly

        var errno: Int32 {
            switch self {
            case .input: 5
            case .full: 28
            case .readOnly: 30
            }
        }
    }

    enum Need {
        case read
        case change
        case space
    }

    private(set) var state: DiskState
    private(set) var log: [DiskOperation] = []

    var failure = Failure.input
    /// Calls until the first that fails. Nil: none fails.
    var callsUntilFailure: Int?
    /// Whether the calls after that one fail too.
    var failsOn = true
    private(set) var hasFailed = false
    /// SQLite's reads: of a page, or of a frame of the log.
    private(set) var readCount = 0
    let companions = DiskCompanions()

    init(_ image: DiskImage = DiskImage()) {
        state = DiskState(image)
    }

    /// Begins anew with this content and an empty log.
    func start(from image: DiskImage) {
        state = DiskState(image)
        log = []
    }

    func apply(_ operation: DiskOperation) {
        log.append(operation)
        state.apply(operation)
    }

    func create(_ path: String) -> Int {
        let file = state.nextFile
        apply(.create(path: path, file: file))
        return file
    }

    func read(_ file: Int, at offset: Int, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        readCount += 1
        return state.read(file, at: offset, into: buffer)
    }

    func image() -> DiskImage {
        var random = SeededRandom(0)
        return state.cut(.atomic, during: .unlink(path: ""), &random) ?? DiskImage()
    }

    /// Whether the call that is about to be made fails.
    func fails(_ need: Need) -> Bool {
        guard let left = callsUntilFailure else { return false }
        switch (failure, need) {
        case (.input, _), (.full, .space), (.readOnly, .change), (.readOnly, .space): break
        default: return false
        }
        if left <= 0 { return failsOn && hasFailed }
        callsUntilFailure = left - 1
        if left == 1 { hasFailed = true }
        return left == 1
    }

    func heal() {
        callsUntilFailure = nil
        hasFailed = false
    }
}
