// The mark that has the next start set the database aside: damage was met where opening does not look, and what is to
// be appended cannot be.
//
// Invariants: it speaks of one generation, whose number it begins with, and is nothing to any other. So it may stay
// until the next generation's first records are on the disk, and a power cut that brings it back does no harm. One that
// cannot be read is none: the damage is met again, and said again.

import Domain
import Machine

struct CondemnedMark {
    let folder: String
    let files: any Files

    static let fileName = "condemned"
    private static let reasonBytes = 1_024
    private var path: String { folder + "/" + CondemnedMark.fileName }

    /// Durable when it returns.
    func write(_ generation: UInt32, _ reason: String) throws(MachineError) {
        let text = CondemnedMark.start(generation) + cut(reason, CondemnedMark.reasonBytes)
        try files.writeDurably(Array(text.utf8), to: path)
    }

    /// Why that generation is not to be gone on with; nil when nothing is said against it.
    func reason(_ generation: UInt32) -> String? {
        guard files.exists(path) else { return nil }
        do throws(MachineError) {
            let bytes = try files.read(path, limit: 2 * CondemnedMark.reasonBytes)
            let start = CondemnedMark.start(generation)
            guard bytes.starts(with: start.utf8) else { return nil }
            return String(decoding: bytes.dropFirst(start.utf8.count), as: UTF8.self)
        } catch {
            return nil
        }
    }

    /// Harmless when it fails: what is left speaks of an earlier generation.
    func remove() {
        guard files.exists(path) else { return }
        do throws(MachineError) { try files.remove(path) } catch { return }
    }

    private static func start(_ generation: UInt32) -> String { "\(generation) " }
}
