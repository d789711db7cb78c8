// `gatewarden lane replay`: what this version's rules make of what a lane once did. 0 the same, 1 otherwise, 2 nothing
// to replay.

import LaneTrace
import Machine

func replayLane(path: String) -> Int32 {
    let text: [UInt8]
    do throws(MachineError) {
        text = try DiskFiles().read(path, limit: LaneTrace.maximumBytes)
    } catch {
        complain("\(path): \(error.description); name a file that `lane N trace` or a crash has left")
        return 2
    }
    let trace: LaneTrace
    do throws(TraceFailure) {
        trace = try LaneTrace(text: text)
    } catch {
        complain("\(path): \(error.description)")
        return 2
    }
    let report = trace.replay()
    guard report.replayed > 0 else {
        complain(
            "\(path): none of \(trace.records.count) records is a start or a lane at rest, where a replay can begin; "
                + "take a longer trace")
        return 2
    }
    for difference in report.differences {
        for line in difference.lines { StandardOutput.line(line) }
    }
    let skipped = report.skipped == 0 ? "" : ", \(report.skipped) before a place to begin at"
    guard report.differenceCount == 0 else {
        StandardOutput.line("\(report.differenceCount) of \(report.replayed) steps act otherwise\(skipped)")
        return 1
    }
    StandardOutput.line("\(report.replayed) steps act as they did\(skipped)")
    return 0
}
