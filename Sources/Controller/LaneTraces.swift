// The trace of one arm: the ring that the lane thread fills and the console and a crash read.
//
// Limits: 4,096 records an arm, the newest.

import Domain
import LaneTrace
import Machine

final class ArmTrace: TraceSink, Sendable {
    static let capacity = 4_096

    let header: TraceHeader
    let ring = RecordRing(capacity: ArmTrace.capacity)

    init(_ header: TraceHeader) {
        self.header = header
    }

    func take(_ record: borrowing TraceRecord) {
        ring.push(record.words)
    }

    /// The arm's lane, or the first of its two.
    var lane: LaneID { header.lane }

    func serves(_ lane: LaneID) -> Bool { header.lane == lane || header.second == lane }

    /// The newest records, as the text that `gatewarden lane replay` takes.
    func lines(_ count: Int) -> [String] {
        var lines = LaneTrace.headerLines(header)
        var record = TraceRecord()
        for number in ring.newest(count) where ring.read(number, into: &record.words) {
            lines.append(LaneTrace.line(record))
        }
        return lines
    }

    /// After a crash the newest records are in the file.
    func keepThroughCrash(_ path: String, files: any Files) throws(MachineError) {
        let head = LaneTrace.headerLines(header).joined(separator: "\n") + "\n"
        try CrashTrace.keep(ring, path: path, head: head, files: files)
    }
}
