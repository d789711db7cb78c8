// One step of the lane as a record of fixed size, and the recorder that makes records of steps.
//
// 16 words: instant, event, state before, state after, place (count of actions u8 · first action here u8 · step u48),
// token counts before (u32 each), and ten actions. A step with more actions goes on in the next record, with the same
// first words but for the place.
// Invariant: no heap.

import Domain
import LaneCore

public struct TraceRecord: Equatable, Sendable {
    public static let wordCount = 16
    static let actionsPerRecord = 10
    private static let firstAction = 6

    public var words: InlineArray<16, UInt64>

    public init() {
        words = InlineArray(repeating: 0)
    }

    public static func == (left: TraceRecord, right: TraceRecord) -> Bool {
        for index in 0..<wordCount where left.words[index] != right.words[index] { return false }
        return true
    }

    public var at: Instant { Instant(nanoseconds: words[0]) }
    public var event: TraceWord { TraceWord(bits: words[1]) }
    public var before: LaneState { LaneState(bits: words[2]) }
    public var after: LaneState { LaneState(bits: words[3]) }
    /// Of the whole step.
    public var actionCount: Int { Int(words[4] & 0xFF) }
    /// The number in its step of the first action here.
    var offset: Int { Int(words[4] >> 8 & 0xFF) }
    public var step: UInt64 { words[4] >> 16 }
    var tokenCounts: (UInt32, UInt32) {
        (UInt32(truncatingIfNeeded: words[5]), UInt32(truncatingIfNeeded: words[5] >> 32))
    }
    /// How many actions are in this record.
    public var ownCount: Int { max(0, min(actionCount - offset, TraceRecord.actionsPerRecord)) }

    public func action(_ index: Int) -> TraceWord {
        precondition(index < ownCount, "TRACE-1 an action is read within its record")
        return TraceWord(bits: words[TraceRecord.firstAction + index])
    }

    fileprivate mutating func set(_ step: UInt64, _ actions: inout LaneActions, from first: Int) {
        words[4] = UInt64(actions.count) | UInt64(first) << 8 | step << 16
        for index in 0..<TraceRecord.actionsPerRecord {
            let number = first + index
            words[TraceRecord.firstAction + index] = number < actions.count ? TraceWord(actions.action(number)).bits : 0
        }
    }
}

/// Where records go. The lane thread's ring, or a test's array.
public protocol TraceSink: AnyObject {
    func take(_ record: borrowing TraceRecord)
}

/// Makes a record of each step. Kept by the thread that steps the lane.
public struct TraceRecorder: Sendable {
    private var record = TraceRecord()
    private var stepNumber: UInt64 = 0
    private var counts: UInt64 = 0

    public init() {}

    /// After the step, so that nothing stands between an event and its outputs.
    public mutating func note(
        _ event: TraceWord, at instant: Instant, _ core: borrowing LaneCore, _ actions: inout LaneActions,
        into sink: some TraceSink
    ) {
        record.words[0] = instant.nanoseconds
        record.words[1] = event.bits
        record.words[2] = record.words[3]
        record.words[5] = counts
        record.words[3] = core.state.bits
        stepNumber += 1
        var first = 0
        repeat {
            record.set(stepNumber, &actions, from: first)
            sink.take(record)
            first += TraceRecord.actionsPerRecord
        } while first < actions.count
        counts = UInt64(core.tokenCount(0)) | UInt64(core.tokenCount(1)) << 32
    }
}
