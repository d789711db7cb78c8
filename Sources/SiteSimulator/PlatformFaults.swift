// How the platform misbehaves, drawn from the seed. No item is disturbed more than twice, so that a controller that
// goes on trying gets through.

public enum PlatformFault: String, CaseIterable, Sendable {
    /// Says no, and takes it the next time.
    case refuse
    /// Does not answer for a while, then hangs up.
    case stall
    /// Hangs up without having stored.
    case cutBefore = "cut-before"
    /// Stores, and hangs up without an answer.
    case cutAfter = "cut-after"
    /// Sends its answer twice on the same connection.
    case twice
    /// HTTP 503 with a web page.
    case error5xx = "5xx"
    /// Forgets all access tokens.
    case expiry
}

/// The set of faults of one run.
public struct FaultProfile: Sendable {
    public static let names = ["none", "cut", "all"] + PlatformFault.allCases.map(\.rawValue)

    public let name: String
    public let faults: [PlatformFault]
    /// Of each request.
    public var percent = 15

    public static let none = FaultProfile(name: "none", faults: [])

    /// One fault's name, `cut` for both cuts, `all`, `none`, or several joined by commas.
    public init?(name: String) {
        var faults: [PlatformFault] = []
        for word in name.split(separator: ",") {
            switch word {
            case "none": break
            case "all": faults += PlatformFault.allCases
            case "cut": faults += [.cutBefore, .cutAfter]
            default:
                guard let fault = PlatformFault(rawValue: String(word)) else { return nil }
                faults.append(fault)
            }
        }
        self.init(name: name, faults: faults)
    }

    private init(name: String, faults: [PlatformFault]) {
        self.name = name
        self.faults = faults
    }
}

struct FaultDealer {
    private static let limitPerItem = 2
    private let profile: FaultProfile
    private var random: SeededRandom
    private var dealt: [String: Int] = [:]
    private(set) var counts: [PlatformFault: Int] = [:]

    init(profile: FaultProfile, seed: UInt64) {
        self.profile = profile
        random = SeededRandom(seed: seed, part: "platform")
    }

    mutating func deal(item: String) -> PlatformFault? {
        guard !profile.faults.isEmpty, random.chance(percent: profile.percent),
            dealt[item, default: 0] < FaultDealer.limitPerItem
        else { return nil }
        let fault = random.pick(profile.faults)
        dealt[item, default: 0] += 1
        counts[fault, default: 0] += 1
        return fault
    }
}
