// The counter beside the database: how far the ledger was sealed. It catches a ledger that was cut short or put back.
//
// Invariants: two files are written in turn, so that a torn write leaves the other; it is written after each seal and
// never with an append.

import Crypto
import Domain
import Machine

/// What the last seal came to.
public struct SealedState: Equatable, Sendable {
    public var generation: UInt32
    public var boot: UInt32
    public var epoch: UInt64
    /// The seal's record.
    public var head: LedgerHead
    public var wall: WallTime
}

final class SealCounter {
    private static let magic = Array("GWCOUNT1".utf8)
    static let fileBytes = 8 + 4 + 4 + 8 + 8 + Digest.byteCount + 8 + Digest.byteCount

    private let files: any Files
    private let paths: [String]
    private(set) var state: SealedState?
    private var lastWritten = 1

    /// Reads the counter in the folder; files that are not whole do not count.
    init(folder: String, _ files: any Files) {
        self.files = files
        paths = [folder + "/counter.0", folder + "/counter.1"]
        for (index, path) in paths.enumerated() {
            guard let found = load(path) else { continue }
            if let state, (state.generation, state.head.sequence) >= (found.generation, found.head.sequence) {
                continue
            }
            state = found
            lastWritten = index
        }
    }

    /// Durable when it returns.
    func write(_ state: SealedState) throws(LedgerError) {
        var writer = ByteWriter()
        writer.put(SealCounter.magic)
        writer.put(state.generation)
        writer.put(state.boot)
        writer.put(state.epoch)
        writer.put(state.head.sequence)
        writer.put(state.head.hash.bytes)
        writer.put(state.wall.microseconds)
        do throws(MachineError) {
            try files.writeDurably(
                writer.bytes + SHA256.digest(writer.bytes).bytes, to: paths[1 - lastWritten])
        } catch {
            throw .file(what: "write the ledger's counter", error)
        }
        lastWritten = 1 - lastWritten
        self.state = state
    }

    private func load(_ path: String) -> SealedState? {
        var bytes: [UInt8] = []
        do throws(MachineError) {
            bytes = try files.read(path, limit: SealCounter.fileBytes)
        } catch {
            return nil
        }
        let count = SealCounter.fileBytes - Digest.byteCount
        guard bytes.count == SealCounter.fileBytes, bytes.starts(with: SealCounter.magic),
            SHA256.digest(Array(bytes.prefix(count))).bytes.elementsEqual(bytes.dropFirst(count))
        else { return nil }
        var reader = ByteReader(bytes.dropFirst(SealCounter.magic.count))
        let generation = reader.take(UInt32.self)
        let boot = reader.take(UInt32.self)
        let epoch = reader.take(UInt64.self)
        let sequence = reader.take(UInt64.self)
        guard let hash = Digest(bytes: reader.take(count: Digest.byteCount)) else { return nil }
        return SealedState(
            generation: generation, boot: boot, epoch: epoch, head: LedgerHead(sequence: sequence, hash: hash),
            wall: WallTime(microseconds: reader.take(Int64.self)))
    }
}
