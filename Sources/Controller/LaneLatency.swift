// How long a lane takes from an edge's stamp to the output that it drives, as a histogram that the lane fills.
//
// Buckets of microseconds, eight to each doubling: a figure is at most an eighth too high. The highest holds 16 s and
// more.
// Invariant: one thread at a time notes, without heap; any thread reads.

import Domain
import Synchronization

final class LaneLatency: Sendable {
    private let buckets = Counters(LaneLatency.bucketCount)
    private let longest = Atomic<UInt64>(0)

    static let bucketCount = 184

    /// Who takes the lane's turn.
    func note(_ time: Interval) {
        let microseconds = time.nanoseconds / 1_000
        buckets[LaneLatency.bucket(microseconds)] += 1
        if time.nanoseconds > longest.load(ordering: .relaxed) {
            longest.store(time.nanoseconds, ordering: .relaxed)
        }
    }

    static func bucket(_ microseconds: UInt64) -> Int {
        guard microseconds >= 8 else { return Int(microseconds) }
        let exponent = 63 - microseconds.leadingZeroBitCount
        let place = Int(microseconds >> UInt64(exponent - 3) & 7)
        return min((exponent - 2) * 8 + place, bucketCount - 1)
    }

    /// The first number of microseconds beyond the bucket.
    static func end(ofBucket bucket: Int) -> UInt64 {
        guard bucket >= 8 else { return UInt64(bucket) + 1 }
        return UInt64(8 + bucket % 8 + 1) << UInt64(bucket / 8 - 1)
    }

    var count: UInt64 { (0..<LaneLatency.bucketCount).reduce(0) { $0 + buckets[$1] } }

    /// Below how many microseconds the share of all was; nil without any.
    func microseconds(perMille: UInt64) -> UInt64? {
        let all = count
        guard all > 0 else { return nil }
        let wanted = (all * perMille + 999) / 1_000
        var seen: UInt64 = 0
        for bucket in 0..<LaneLatency.bucketCount {
            seen += buckets[bucket]
            if seen >= wanted {
                return min(LaneLatency.end(ofBucket: bucket), max(1, (maximum.nanoseconds + 999) / 1_000))
            }
        }
        return nil
    }

    var maximum: Interval { Interval(nanoseconds: longest.load(ordering: .relaxed)) }

    /// For the console and the log.
    var line: String {
        guard let median = microseconds(perMille: 500), let most = microseconds(perMille: 999) else {
            return "edge to output: none yet"
        }
        return "edge to output: \(count) times, median below \(median) us, 99.9 % below \(most) us, "
            + "longest \(maximum.nanoseconds / 1_000) us"
    }

    /// The buckets that hold any: the first number of microseconds beyond each, and how many it holds.
    var filled: [(below: UInt64, count: UInt64)] {
        (0..<LaneLatency.bucketCount).filter { buckets[$0] > 0 }.map {
            (below: LaneLatency.end(ofBucket: $0), count: buckets[$0])
        }
    }

    /// One line a bucket that holds any.
    var table: [String] {
        [line] + filled.map { "  below \($0.below) us: \($0.count)" }
    }
}
