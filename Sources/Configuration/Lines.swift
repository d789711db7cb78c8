// From bytes to assignments: one `key = value` a line; a comment starts with `#`, at the start or after a blank.
//
// Limits: 256 KiB, 4,000 lines, 1 KiB a line.

struct Assignment {
    let line: Int
    let key: String
    let value: String
}

struct TextLimits {
    static let bytes = 256 * 1_024
    static let lines = 4_000
    static let lineBytes = 1_024
}

/// The assignments of a text; what is none of them goes to `errors`.
func assignments(_ bytes: [UInt8], _ errors: inout [ConfigurationError]) -> [Assignment] {
    guard bytes.count <= TextLimits.bytes else {
        errors.append(ConfigurationError(line: 0, key: "", reason: .tooLong(limit: "256 KiB")))
        return []
    }
    let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let body = bytes.starts(with: byteOrderMark) ? bytes[3...] : bytes[...]
    let lines = body.split(separator: 0x0A, omittingEmptySubsequences: false)
    guard lines.count <= TextLimits.lines else {
        errors.append(ConfigurationError(line: 0, key: "", reason: .tooLong(limit: "4000 lines")))
        return []
    }
    var result: [Assignment] = []
    for (index, bytes) in lines.enumerated() {
        switch assignment(bytes.last == 0x0D ? bytes.dropLast() : bytes, line: index + 1) {
        case .success(let found?): result.append(found)
        case .success(nil): continue
        case .failure(let error): errors.append(error)
        }
    }
    return result
}

private func assignment(_ bytes: ArraySlice<UInt8>, line: Int) -> Result<Assignment?, ConfigurationError> {
    func failure(_ reason: ConfigurationError.Reason, key: String = "") -> Result<Assignment?, ConfigurationError> {
        .failure(ConfigurationError(line: line, key: key, reason: reason))
    }
    guard bytes.count <= TextLimits.lineBytes else { return failure(.tooLong(limit: "1024 bytes a line")) }
    guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }),
        let text = String(validating: bytes, as: UTF8.self)
    else { return failure(.notText) }

    let content = trimmed(withoutComment(text))
    guard !content.isEmpty else { return .success(nil) }
    guard let equals = content.utf8.firstIndex(of: 0x3D) else { return failure(.notAssignment) }
    let key = trimmed(String(decoding: content.utf8[..<equals], as: UTF8.self))
    let value = trimmed(String(decoding: content.utf8[equals...].dropFirst(), as: UTF8.self))
    guard !key.isEmpty, !value.isEmpty else { return failure(.notAssignment, key: key) }
    return .success(Assignment(line: line, key: key, value: value))
}

private func withoutComment(_ text: String) -> String {
    var before: UInt8 = 0x20
    var count = 0
    for byte in text.utf8 {
        if byte == 0x23, before == 0x20 || before == 0x09 { break }
        before = byte
        count += 1
    }
    return String(decoding: text.utf8.prefix(count), as: UTF8.self)
}
