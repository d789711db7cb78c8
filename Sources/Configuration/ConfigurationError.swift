// What is wrong with a configuration: all of it at once, each error with its line, its key and what is allowed.

/// One error of the text.
public struct ConfigurationError: Error, Equatable, Sendable {
    public enum Reason: Equatable, Sendable {
        /// The bytes are no text: not UTF-8, or a control character.
        case notText
        /// The text, or one of its lines, is longer than allowed.
        case tooLong(limit: String)
        /// Not a comment and not `key = value`.
        case notAssignment
        /// No such key; the nearest that exists, when one is near.
        case unknownKey(nearest: String?)
        /// The number within the key is out of its range.
        case numberOutOfRange(allowed: String)
        /// Set before, on that line.
        case duplicate(firstLine: Int)
        /// Mandatory and not set.
        case missing(allowed: String)
        /// The value is not of the key's type or not within its range.
        case notAllowed(value: String, allowed: String)
        /// The value contradicts another key.
        case conflict(why: String)
    }

    /// The line of the text, from 1; 0 when the error is about something that is not there.
    public let line: Int
    /// The key as written; empty when the line has none.
    public let key: String
    public let reason: Reason

    public init(line: Int, key: String, reason: Reason) {
        self.line = line
        self.key = key
        self.reason = reason
    }

    /// One line of English: where, what, why, and what is allowed.
    public var description: String {
        let place = line == 0 ? "" : "line \(line): "
        return place + text
    }

    private var text: String {
        switch reason {
        case .notText: "not readable as text; save the file as UTF-8 without control characters"
        case .tooLong(let limit): "too long; allowed: \(limit)"
        case .notAssignment: "not understood; allowed: key = value, or a comment that starts with #"
        case .unknownKey(let nearest?): "unknown key '\(key)'; the nearest known key is '\(nearest)'"
        case .unknownKey(nearest: nil): "unknown key '\(key)'; 'gwctl config keys' lists those that exist"
        case .numberOutOfRange(let allowed): "the number in '\(key)' is out of range; allowed: \(allowed)"
        case .duplicate(let firstLine): "\(key) is already set on line \(firstLine); keep one of the two"
        case .missing(let allowed): "\(key) is not set and has no default; allowed: \(allowed)"
        case .notAllowed(let value, let allowed): "\(key) = \(value) is not allowed; allowed: \(allowed)"
        case .conflict(let why): "\(key): \(why)"
        }
    }
}

/// A text that is no configuration.
public struct InvalidConfiguration: Error, Sendable {
    /// The most errors that are told at once.
    public static let maximumErrors = 20

    /// In the order of the lines; what is missing comes last.
    public let errors: [ConfigurationError]
    /// How many more there are.
    public let omitted: Int

    init(_ all: [ConfigurationError]) {
        let ordered = all.filter { $0.line > 0 }.sorted { $0.line < $1.line } + all.filter { $0.line == 0 }
        errors = Array(ordered.prefix(InvalidConfiguration.maximumErrors))
        omitted = max(0, ordered.count - InvalidConfiguration.maximumErrors)
    }
}
