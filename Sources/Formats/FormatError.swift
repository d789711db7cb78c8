// What can be wrong with bytes that came from outside, said so that a technician can find the place.

/// The notations that this room reads.
public enum Format: Equatable, Sendable {
    case json
    case xml
    case base64
    case multipart

    public var name: String {
        switch self {
        case .json: "JSON"
        case .xml: "XML"
        case .base64: "base64"
        case .multipart: "multipart"
        }
    }
}

/// What breaks the notation.
public enum FormatFault: Equatable, Sendable {
    /// The text ends before the value does.
    case unexpectedEnd
    /// Something stands where the notation does not allow it.
    case unexpectedText
    /// Something follows the whole value.
    case trailingText
    case invalidUTF8
    /// U+0000 where a text may not hold it.
    case zeroCharacter
    /// A number that 64 bits cannot hold.
    case numberTooLarge
    /// An end tag that does not match, an undefined entity, or a second root.
    case mismatchedTag
    /// A document type declaration: refused, so that no entity is ever expanded or loaded.
    case documentType
    case unknownEncoding
    /// A base64 text whose length, padding or last digit cannot be right.
    case badPadding
    /// A multipart body whose Content-Type names no boundary of 1 to 70 characters.
    case noBoundary
    case outOfMemory

    public var text: String {
        switch self {
        case .unexpectedEnd: "unexpected end"
        case .unexpectedText: "unexpected text"
        case .trailingText: "text after the end"
        case .invalidUTF8: "invalid UTF-8"
        case .zeroCharacter: "a zero character"
        case .numberTooLarge: "a number too large for 64 bits"
        case .mismatchedTag: "a tag or entity that does not match"
        case .documentType: "a DOCTYPE, which is never accepted,"
        case .unknownEncoding: "an unknown character encoding"
        case .badPadding: "wrong length or padding"
        case .noBoundary: "no usable boundary in the Content-Type"
        case .outOfMemory: "out of memory"
        }
    }
}

/// What is bounded.
public enum FormatBound: Equatable, Sendable {
    case bytes
    case depth
    case values
    case elements
    case textBytes
    case parts
    case headerBytes

    public var text: String {
        switch self {
        case .bytes: "bytes"
        case .depth: "levels of nesting"
        case .values: "values"
        case .elements: "elements"
        case .textBytes: "bytes of text"
        case .parts: "parts"
        case .headerBytes: "bytes of part headers"
        }
    }
}

/// Bytes that are not what they should be. The sender has to change them; nothing of them is used.
public enum FormatError: Error, Equatable, Sendable {
    /// `byte`: the offset at which the reader gave up, 0 for the first byte.
    case invalid(Format, FormatFault, byte: Int)
    case limit(Format, FormatBound, limit: Int)

    /// One line, such as `not JSON: unexpected end at byte 812`.
    public var description: String {
        switch self {
        case .invalid(let format, let fault, let byte):
            "not \(format.name): \(fault.text) at byte \(byte)"
        case .limit(let format, let bound, let limit):
            "\(format.name) too large: more than \(limit) \(bound.text)"
        }
    }
}
