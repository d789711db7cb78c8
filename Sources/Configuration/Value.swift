// From the text of a value to the value, by the key's type.

import Domain

enum Value: Sendable {
    case number(Int)
    case yes(Bool)
    case text(String)
    case words([String])
    case url(ServiceURL)
    case stage(EmissionStage)
    case line(LineReference)
    case hours([DailyHours])
    case none
}

extension Key {
    /// Nil when the text is not allowed.
    func value(_ text: String) -> Value? {
        if case .optional = presence, text == "none" { return Value.none }
        return kind.value(text)
    }
}

extension ValueKind {
    /// The longest GPIO chip that the kernel's tools number, and the longest name of a line.
    private static let lineOffsets = 0...1_023
    private static let lineNameBytes = 31

    /// What may be written, in words.
    var allowed: String {
        switch self {
        case .integer(let range, let unit):
            "\(range.lowerBound) to \(range.upperBound)" + (unit.isEmpty ? "" : " " + unit)
        case .milliseconds(let range): "\(range.lowerBound) to \(range.upperBound) ms"
        case .yesOrNo: "yes or no"
        case .text(let range): "\(range.lowerBound) to \(range.upperBound) characters"
        case .token(let range): "\(range.lowerBound) to \(range.upperBound) of A-Z a-z 0-9 - _"
        case .letter: "one letter A to Z"
        case .words(let maximum): "1 to \(maximum) words between commas"
        case .path(let maximum): "an absolute path of at most \(maximum) bytes"
        case .urlPath: "/ and 1 to 63 of A-Z a-z 0-9 - _ . /"
        case .address: "an IPv4 address"
        case .url: "https://host[:port][/prefix]"
        case .choice(let words): list(words)
        case .stage: "0 to 6, or D"
        case .line: "an offset 0 to 1023 or a line's name"
        case .time: "a time of the day HH:MM"
        case .version: "a version such as \(gatewardenVersion)"
        case .hours(let maximum): "1 to \(maximum) times HH:MM-HH:MM between commas"
        }
    }

    private func list(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " or " + last
    }

    func value(_ text: String) -> Value? {
        switch self {
        case .integer(let range, _), .milliseconds(let range):
            return wholeNumber(text, in: range).map { .number($0) }
        case .yesOrNo:
            return text == "yes" ? .yes(true) : text == "no" ? .yes(false) : nil
        case .text(let range):
            return range.contains(text.count) ? .text(text) : nil
        case .token(let range):
            return range.contains(text.utf8.count) && text.utf8.allSatisfy(isTokenByte) ? .text(text) : nil
        case .letter:
            return text.utf8.count == 1 && text.utf8.allSatisfy { (0x41...0x5A).contains($0) } ? .text(text) : nil
        case .words(let maximum):
            return words(text, maximum: maximum)
        case .path(let maximum):
            return text.utf8.first == 0x2F && text.utf8.count <= maximum ? .text(text) : nil
        case .urlPath:
            return isURLPath(text) ? .text(text) : nil
        case .address:
            return isIPv4(text) ? .text(text) : nil
        case .url:
            return ServiceURL(text).map { .url($0) }
        case .choice(let words):
            return words.contains(text) ? .text(text) : nil
        case .stage:
            return EmissionStage(code: text).flatMap { $0 == .unknown ? nil : .stage($0) }
        case .line:
            return line(text).map { .line($0) }
        case .hours(let maximum):
            return hours(text, maximum: maximum)
        case .version:
            return ProgramVersion(text).map { .text($0.text) }
        case .time:
            return DailyHours.minute(text).flatMap { $0 < 1_440 ? .number($0) : nil }
        }
    }

    private func words(_ text: String, maximum: Int) -> Value? {
        let words = split(text, at: 0x2C).map { trimmed($0) }
        guard words.count <= maximum, words.allSatisfy({ !$0.isEmpty }) else { return nil }
        return .words(words)
    }

    private func hours(_ text: String, maximum: Int) -> Value? {
        let parts = split(text, at: 0x2C).map { DailyHours(trimmed($0)) }
        var hours: [DailyHours] = []
        for part in parts {
            guard let part else { return nil }
            hours.append(part)
        }
        return hours.count <= maximum ? .hours(hours) : nil
    }

    private func line(_ text: String) -> LineReference? {
        if text.utf8.allSatisfy(isDigit) {
            return wholeNumber(text, in: ValueKind.lineOffsets).map { .offset(UInt32($0)) }
        }
        guard text.utf8.count <= ValueKind.lineNameBytes, text.utf8.allSatisfy({ $0 > 0x20 }) else { return nil }
        return .name(text)
    }
}

extension DailyHours {
    /// Nil unless `text` is `HH:MM-HH:MM` with two different times; 24:00 is the end of the day.
    init?(_ text: String) {
        let ends = split(text, at: 0x2D).map { DailyHours.minute($0) }
        guard ends.count == 2, let from = ends[0], let to = ends[1], from != to, from < 1_440 else { return nil }
        self.init(fromMinute: from, toMinute: to)
    }

    /// Minutes since midnight; 1,440 for 24:00.
    static func minute(_ text: String) -> Int? {
        let parts = split(text, at: 0x3A)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }),
            let hour = wholeNumber(parts[0], in: 0...24), let minute = wholeNumber(parts[1], in: 0...59),
            hour < 24 || minute == 0
        else { return nil }
        return hour * 60 + minute
    }
}

extension ServiceURL {
    static let defaultPort: UInt16 = 443

    /// Nil unless `text` is `https://host[:port][/prefix]`.
    init?(_ text: String) {
        let scheme = Array("https://".utf8)
        guard text.utf8.starts(with: scheme) else { return nil }
        let rest = Array(text.utf8.dropFirst(scheme.count))
        let slash = rest.firstIndex(of: 0x2F) ?? rest.count
        var path = rest[slash...]
        while path.last == 0x2F { path = path.dropLast() }
        prefix = String(decoding: path, as: UTF8.self)
        guard prefix.isEmpty || isURLPath(prefix) else { return nil }

        let authority = split(String(decoding: rest[..<slash], as: UTF8.self), at: 0x3A)
        guard let name = authority.first, authority.count <= 2, ServiceURL.isHost(name) else { return nil }
        host = name
        guard authority.count == 2 else {
            port = ServiceURL.defaultPort
            return
        }
        guard let given = wholeNumber(authority[1], in: 1...65_535) else { return nil }
        port = UInt16(given)
    }

    private static func isHost(_ text: String) -> Bool {
        (1...253).contains(text.utf8.count) && text.utf8.allSatisfy { isTokenByte($0) && $0 != 0x5F || $0 == 0x2E }
            && text.utf8.first != 0x2E && text.utf8.first != 0x2D
    }
}

func isDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte)
}

private func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
    default: false
    }
}

private func isURLPath(_ text: String) -> Bool {
    text.utf8.first == 0x2F && (2...64).contains(text.utf8.count)
        && text.utf8.allSatisfy { isTokenByte($0) || $0 == 0x2E || $0 == 0x2F }
}

private func isIPv4(_ text: String) -> Bool {
    let parts = split(text, at: 0x2E)
    return parts.count == 4 && parts.allSatisfy { wholeNumber($0, in: 0...255) != nil && $0.utf8.count <= 3 }
}

/// A whole number of digits with at most a minus before them; nil when it is none or out of the range.
func wholeNumber(_ text: String, in range: ClosedRange<Int>) -> Int? {
    let digits = text.utf8.first == 0x2D ? text.utf8.dropFirst() : text.utf8[...]
    guard (1...9).contains(digits.count), digits.allSatisfy(isDigit) else { return nil }
    guard let value = Int(text), range.contains(value) else { return nil }
    return value
}

/// The parts between separators; always at least one.
func split(_ text: String, at separator: UInt8) -> [String] {
    text.utf8.split(separator: separator, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
}

/// Without blanks and tabs at both ends.
func trimmed(_ text: String) -> String {
    var bytes = text.utf8[...]
    while let first = bytes.first, first == 0x20 || first == 0x09 { bytes = bytes.dropFirst() }
    while let last = bytes.last, last == 0x20 || last == 0x09 { bytes = bytes.dropLast() }
    return String(decoding: bytes, as: UTF8.self)
}
