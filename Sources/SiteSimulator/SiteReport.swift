// The outcome of a run: one JSON line, and sentences for people.

import Domain
import Foundation

public struct SiteReport: Sendable {
    public var passes = 0
    public var refusals = 0
    /// Decisions with a tag, and those that plate and tag of two vehicles refused.
    public var tagged = 0
    public var identityConflicts = 0
    public var records = 0
    public var delivered = 0
    public var isVerified = false
    public var slowestDecision = 0.0
    public var slowestLaneDecision = 0.0
    public var photos = 0
    public var visits = 0
    public var kills = 0
    public var starts = 0
    public var repeats = 0
    public var faults = 0
    public var unrecordedRaises = 0
    public var mismatchedRaises = 0
    public var contacts = 0
    public var relayConflicts = 0
    public var reversals = 0
    public var missing = 0
    public var unexpected = 0
    public var differing = 0
    public var quarantined = 0
    public var isInOrder = true
    public var cameraPushes = 0
    public var cameraDuplicates = 0
    public var signFrames = 0
    public var seconds = 0.0
    /// Everything that must not be; the run is good when there is nothing.
    public var findings: [String] = []

    public init() {}

    public var isGood: Bool { findings.isEmpty && isVerified }

    /// Without a line break.
    public var json: String {
        let parts: [(String, String)] = [
            ("passes", "\(passes)"), ("refusals", "\(refusals)"), ("records", "\(records)"),
            ("delivered", "\(delivered)"), ("verified", "\(isVerified)"),
            ("slowest_decision_ms", SiteReport.decimal(slowestDecision)),
            ("slowest_lane_decision_ms", SiteReport.decimal(slowestLaneDecision)), ("photos", "\(photos)"),
            ("visits", "\(visits)"), ("kills", "\(kills)"), ("starts", "\(starts)"), ("repeats", "\(repeats)"),
            ("platform_faults", "\(faults)"), ("unrecorded_raises", "\(unrecordedRaises)"),
            ("mismatched_raises", "\(mismatchedRaises)"), ("contacts", "\(contacts)"),
            ("relay_conflicts", "\(relayConflicts)"), ("reversals", "\(reversals)"), ("missing", "\(missing)"),
            ("unexpected", "\(unexpected)"), ("differing", "\(differing)"), ("quarantined", "\(quarantined)"),
            ("in_order", "\(isInOrder)"), ("camera_pushes", "\(cameraPushes)"),
            ("camera_duplicates", "\(cameraDuplicates)"), ("sign_frames", "\(signFrames)"),
            ("tagged", "\(tagged)"), ("identity_conflicts", "\(identityConflicts)"),
            ("seconds", SiteReport.decimal(seconds)), ("ok", "\(isGood)"),
        ]
        return "{" + parts.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
    }

    private static func decimal(_ value: Double) -> String {
        String(format: "%.1f", locale: Locale(identifier: "en_US_POSIX"), value)
    }

    /// The slowest way from a camera's push to the raise relay, in milliseconds, where nothing else delayed it.
    static func slowestDecision(raises: [RaiseEdge], pictures: [TakenPicture]) -> Double {
        let slowest = raises.filter { !$0.isReversal && !$0.isFollower }.compactMap { edge in
            pictures
                .filter { $0.isRead && $0.isPrompt && $0.plate == edge.plate && $0.pushedAt <= edge.seenAt }
                .map { edge.seenAt - $0.pushedAt }.min()
        }.max()
        return Double(slowest ?? 0) / 1e6
    }
}
