// JSON values: parsed by jansson, written here.
//
// Invariants: what `encoded` writes, `parse` reads as the same value. Members keep their order. A member that is
// repeated counts with its last value, at its first place, as jansson and most receivers have it.
// Limits: `JSONLimits`; depth and number of values are checked before anything is allocated for them.

import CJansson

/// What a JSON text may hold at most.
public struct JSONLimits: Sendable {
    public var bytes: Int
    /// Nested arrays and objects.
    public var depth: Int
    /// Members and elements together.
    public var values: Int

    public init(bytes: Int = 8 << 20, depth: Int = 32, values: Int = 20_000) {
        self.bytes = bytes
        self.depth = depth
        self.values = values
    }

    public static let standard = JSONLimits()
}

public struct JSONMember: Equatable, Sendable {
    public let name: String
    public let value: JSONValue

    public init(_ name: String, _ value: JSONValue) {
        self.name = name
        self.value = value
    }
}

public enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// Finite: JSON has no other.
    case real(Double)
    case string(String)
    case array([JSONValue])
    case object([JSONMember])

    /// Reads one whole value of any kind. A byte order mark before it is passed over.
    public static func parse(_ bytes: [UInt8], limits: JSONLimits = .standard) throws(FormatError) -> JSONValue {
        guard bytes.count <= limits.bytes else { throw .limit(.json, .bytes, limit: limits.bytes) }
        try checkShape(bytes, limits)
        let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        var error = json_error_t()
        let root = bytes.withUnsafeBytes { raw in
            gw_json_load(raw.baseAddress.map { $0 + start }, raw.count - start, &error)
        }
        guard let root else {
            // jansson counts the byte that it did not find.
            let byte = min(start + max(Int(error.position), 0), bytes.count)
            throw .invalid(.json, FormatFault(json_error_code(&error)), byte: byte)
        }
        defer { gw_json_release(root) }
        return JSONValue(root)
    }

    /// The last member of that name; nil when this is no object or has no such member.
    public subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name == name }?.value
    }

    /// A string, or the digits of an integer; nil for anything else.
    public var text: String? {
        switch self {
        case .string(let text): text
        case .integer(let number): String(number)
        case .null, .bool, .real, .array, .object: nil
        }
    }

    /// A whole number, whether written as a number or as a string of digits (cameras do both); nil for anything else.
    public var integer: Int64? {
        switch self {
        case .integer(let number): number
        case .real(let number): Int64(exactly: number)
        case .string(let text): Int64(text)
        case .null, .bool, .array, .object: nil
        }
    }

    public var elements: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// Compact UTF-8.
    public func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return bytes
    }
}

// MARK: - Reading

/// Refuses what is nested too deep or has too many values, before a parser spends memory on it.
private func checkShape(_ bytes: [UInt8], _ limits: JSONLimits) throws(FormatError) {
    var depth = 0
    var values = 0
    var inString = false
    var escaped = false
    for byte in bytes {
        if inString {
            if escaped {
                escaped = false
            } else if byte == 0x5C {
                escaped = true
            } else if byte == 0x22 {
                inString = false
            }
            continue
        }
        switch byte {
        case 0x22: inString = true
        case 0x5B, 0x7B:
            depth += 1
            values += 1
        case 0x5D, 0x7D: depth -= 1
        case 0x2C: values += 1
        default: continue
        }
        guard depth <= limits.depth else { throw .limit(.json, .depth, limit: limits.depth) }
        guard values <= limits.values else { throw .limit(.json, .values, limit: limits.values) }
    }
}

extension FormatFault {
    fileprivate init(_ code: json_error_code) {
        switch code {
        case json_error_premature_end_of_input: self = .unexpectedEnd
        case json_error_end_of_input_expected: self = .trailingText
        case json_error_invalid_utf8: self = .invalidUTF8
        case json_error_null_character, json_error_null_byte_in_key: self = .zeroCharacter
        case json_error_numeric_overflow: self = .numberTooLarge
        case json_error_out_of_memory: self = .outOfMemory
        default: self = .unexpectedText
        }
    }
}

extension JSONValue {
    /// Copies jansson's value. The depth was bounded before.
    fileprivate init(_ value: UnsafeMutablePointer<json_t>) {
        switch gw_json_type(value) {
        case JSON_OBJECT:
            var members: [JSONMember] = []
            members.reserveCapacity(json_object_size(value))
            var place = json_object_iter(value)
            while let found = place {
                if let name = json_object_iter_key(found), let member = json_object_iter_value(found) {
                    members.append(JSONMember(String(cString: name), JSONValue(member)))
                }
                place = json_object_iter_next(value, found)
            }
            self = .object(members)
        case JSON_ARRAY:
            var elements: [JSONValue] = []
            elements.reserveCapacity(json_array_size(value))
            for index in 0..<json_array_size(value) {
                if let element = json_array_get(value, index) {
                    elements.append(JSONValue(element))
                }
            }
            self = .array(elements)
        case JSON_STRING:
            let start = UnsafeRawPointer(json_string_value(value))
            let bytes = UnsafeRawBufferPointer(start: start, count: json_string_length(value))
            self = .string(String(decoding: bytes, as: UTF8.self))
        case JSON_INTEGER: self = .integer(Int64(json_integer_value(value)))
        case JSON_REAL: self = .real(json_real_value(value))
        case JSON_TRUE: self = .bool(true)
        case JSON_FALSE: self = .bool(false)
        default: self = .null
        }
    }
}

// MARK: - Writing

extension JSONValue {
    private func append(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes += "null".utf8
        case .bool(let value): bytes += (value ? "true" : "false").utf8
        case .integer(let value): bytes += String(value).utf8
        case .real(let value):
            precondition(value.isFinite, "FMT-1 JSON holds finite numbers only")
            bytes += value.description.utf8
        case .string(let text): JSONValue.append(text, to: &bytes)
        case .array(let elements):
            bytes.append(0x5B)
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(0x2C) }
                element.append(to: &bytes)
            }
            bytes.append(0x5D)
        case .object(let members):
            bytes.append(0x7B)
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(0x2C) }
                JSONValue.append(member.name, to: &bytes)
                bytes.append(0x3A)
                member.value.append(to: &bytes)
            }
            bytes.append(0x7D)
        }
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        bytes.append(0x22)
        for byte in text.utf8 {
            switch byte {
            case 0x22, 0x5C: bytes += [0x5C, byte]
            case 0x0A: bytes += [0x5C, 0x6E]
            case 0x0D: bytes += [0x5C, 0x72]
            case 0x09: bytes += [0x5C, 0x74]
            case 0..<0x20: bytes += [0x5C, 0x75, 0x30, 0x30, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: bytes.append(byte)
            }
        }
        bytes.append(0x22)
    }
}
