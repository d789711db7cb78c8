// What a key of the configuration is: its name, its type with its range, its default and its words for people.
// The tables of all keys are in SiteKeys.swift and LaneKeys.swift.

import Domain

/// The type of a value.
enum ValueKind: Sendable {
    /// A whole number, with the unit in which it is told.
    case integer(ClosedRange<Int>, unit: String)
    case milliseconds(ClosedRange<Int>)
    case yesOrNo
    /// Printable characters of any script; the range counts characters.
    case text(ClosedRange<Int>)
    /// Letters A-Z a-z, digits, `-` and `_`.
    case token(ClosedRange<Int>)
    /// One capital letter.
    case letter
    /// Words between commas.
    case words(maximum: Int)
    /// The absolute path of a file, of at most so many bytes.
    case path(maximum: Int)
    /// The path part of a URL.
    case urlPath
    /// An IPv4 address of this box.
    case address
    case url
    case choice([String])
    case stage
    /// The offset or the name of a GPIO line.
    case line
    /// Times of the day, `06:00-07:30`, at most so many, between commas.
    case hours(maximum: Int)
    /// A time of the day, `03:30`.
    case time
    /// A version of this program, `0.1.0`.
    case version
}

/// Whether a key must be set.
enum Presence: Sendable {
    /// The example stands in the annotated default.
    case mandatory(example: String)
    /// Unset, or `none`, means without. `shown`: the annotated default sets the example.
    case optional(example: String, shown: Bool)
    /// What holds when it is not set.
    case fallback(String)
}

/// One key. `N` within the name stands for the number of a lane, camera, sign or uplink.
struct Key: Sendable {
    let name: String
    let kind: ValueKind
    let presence: Presence
    /// One line of English, and a short one of Chinese.
    let english: String
    let chinese: String

    init(_ name: String, _ kind: ValueKind, _ presence: Presence, _ english: String, _ chinese: String) {
        self.name = name
        self.kind = kind
        self.presence = presence
        self.english = english
        self.chinese = chinese
    }

    /// What may be written, in words.
    var allowed: String {
        guard case .optional = presence else { return kind.allowed }
        return kind.allowed + ", or none"
    }

    /// The name with the number put in.
    func name(number: Int?) -> String {
        guard let number, let group = Group.of(pattern: name) else { return name }
        return group.prefix + ".\(number)." + group.rest(ofPattern: name)
    }
}

/// Keys that come once for each lane, camera, sign, reader or uplink.
struct Group: Sendable {
    let prefix: String
    let numbers: ClosedRange<Int>

    static let all = [
        Group(prefix: "lane", numbers: 1...LaneID.maximumCount),
        Group(prefix: "camera", numbers: 1...LaneID.maximumCount * camerasPerLane),
        Group(prefix: "sign", numbers: 1...LaneID.maximumCount),
        Group(prefix: "reader", numbers: 1...LaneID.maximumCount),
        Group(prefix: "uplink", numbers: 1...4),
    ]

    static let camerasPerLane = 4
    /// The controller refuses more.
    static let uplinksDriven = 1

    static func of(pattern: String) -> Group? {
        all.first { pattern.utf8.starts(with: ($0.prefix + ".N.").utf8) }
    }

    func rest(ofPattern pattern: String) -> String {
        String(decoding: pattern.utf8.dropFirst(prefix.utf8.count + 3), as: UTF8.self)
    }

    var keys: [Key] { Key.all.filter { Group.of(pattern: $0.name)?.prefix == prefix } }
}

extension Key {
    /// Every key, in the order of the annotated default.
    static let all: [Key] = KeySection.all.flatMap { $0.keys }
}

/// A chapter of the annotated default.
struct KeySection: Sendable {
    let english: String
    let chinese: String
    let keys: [Key]

    static let all = [
        site, lane, lines, web, camera, sign, reader, register, policy, ledger, backup, uplink, ups, watchdog, console,
        realtime,
    ]
}
