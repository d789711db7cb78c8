// Multipart bodies (RFC 2046 and RFC 7578): a whole body, split into its parts.
//
// Invariants: a body without its closing boundary is cut short and refused, never taken for what came of it; a line
// that only begins with the boundary is content. What stands before the first boundary and after the last is ignored.
// Limits: `MultipartLimits`.

/// What a multipart body may hold at most; the body itself is bounded by the server that received it.
public struct MultipartLimits: Sendable {
    public var parts: Int
    /// Of one part.
    public var headerBytes: Int

    public init(parts: Int = 16, headerBytes: Int = 4_096) {
        self.parts = parts
        self.headerBytes = headerBytes
    }

    public static let standard = MultipartLimits()
}

public struct MultipartPart: Equatable, Sendable {
    /// `name` of the part's Content-Disposition, or empty.
    public var name = ""
    /// `filename` of the part's Content-Disposition, or empty.
    public var fileName = ""
    /// The part's Content-Type, or empty.
    public var contentType = ""
    public var body: [UInt8] = []
}

public enum Multipart {
    /// Whether a Content-Type is multipart of any kind.
    public static func isMultipart(_ contentType: String) -> Bool {
        contentType.lowercased().hasPrefix("multipart/")
    }

    /// The parts, in order. `contentType` is the header that came with the body.
    public static func parts(
        contentType: String, body: [UInt8], limits: MultipartLimits = .standard
    ) throws(FormatError) -> [MultipartPart] {
        guard isMultipart(contentType), let boundary = parameter("boundary", of: contentType),
            (1...70).contains(boundary.utf8.count)
        else { throw .invalid(.multipart, .noBoundary, byte: 0) }
        let reader = PartReader(body: body, delimiter: Array("--\(boundary)".utf8))
        guard var mark = reader.nextDelimiter(from: 0) else {
            throw .invalid(.multipart, .unexpectedEnd, byte: body.count)
        }
        var parts: [MultipartPart] = []
        while !mark.isLast {
            guard parts.count < limits.parts else { throw .limit(.multipart, .parts, limit: limits.parts) }
            let (part, start) = try reader.headers(from: mark.end, limit: limits.headerBytes)
            guard let next = reader.nextDelimiter(from: start) else {
                throw .invalid(.multipart, .unexpectedEnd, byte: body.count)
            }
            parts.append(part)
            parts[parts.count - 1].body = Array(body[start..<max(start, next.start)])
            mark = next
        }
        return parts
    }

    /// A parameter of a header such as `form-data; name="a"; filename=b`; the parameter's name in any case.
    static func parameter(_ name: String, of header: String) -> String? {
        let bytes = Array(header.utf8)
        var index = bytes.firstIndex(of: 0x3B) ?? bytes.count
        while index < bytes.count {
            index += 1
            let nameStart = index
            while index < bytes.count, bytes[index] != 0x3D, bytes[index] != 0x3B { index += 1 }
            let found = lowercased(trim(bytes[nameStart..<index]))
            guard index < bytes.count, bytes[index] == 0x3D else { continue }
            index += 1
            let value = parameterValue(bytes, &index)
            if found == name { return value }
        }
        return nil
    }

    /// Reads up to the next semicolon outside quotation marks.
    private static func parameterValue(_ bytes: [UInt8], _ index: inout Int) -> String {
        while index < bytes.count, bytes[index] == 0x20 || bytes[index] == 0x09 { index += 1 }
        guard index < bytes.count, bytes[index] == 0x22 else {
            let start = index
            while index < bytes.count, bytes[index] != 0x3B { index += 1 }
            return String(decoding: trim(bytes[start..<index]), as: UTF8.self)
        }
        var value: [UInt8] = []
        index += 1
        while index < bytes.count, bytes[index] != 0x22 {
            if bytes[index] == 0x5C, index + 1 < bytes.count { index += 1 }
            value.append(bytes[index])
            index += 1
        }
        while index < bytes.count, bytes[index] != 0x3B { index += 1 }
        return String(decoding: value, as: UTF8.self)
    }

    fileprivate static func trim(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
        guard let first = bytes.firstIndex(where: { !isBlank($0) }), let last = bytes.lastIndex(where: { !isBlank($0) })
        else { return [] }
        return bytes[first...last]
    }

    fileprivate static func lowercased(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }, as: UTF8.self)
    }
}

private struct PartReader {
    /// A delimiter line: `start` is where the content before it ends, `end` where what follows it begins.
    struct Mark {
        let start: Int
        let end: Int
        let isLast: Bool
    }

    let body: [UInt8]
    let delimiter: [UInt8]

    /// The next delimiter that begins a line at or after `from`.
    func nextDelimiter(from: Int) -> Mark? {
        body.withUnsafeBufferPointer { body in
            var index = from
            while index + delimiter.count < body.count {
                if body[index] == 0x2D, index == from || body[index - 1] == 0x0A, let mark = mark(body, index, from) {
                    return mark
                }
                index += 1
            }
            return nil
        }
    }

    private func mark(_ body: UnsafeBufferPointer<UInt8>, _ index: Int, _ from: Int) -> Mark? {
        for place in 0..<delimiter.count where body[index + place] != delimiter[place] { return nil }
        // The line end before a delimiter belongs to it.
        var start = index
        if start > from, body[start - 1] == 0x0A { start -= 1 }
        if start > from, body[start - 1] == 0x0D { start -= 1 }
        var end = index + delimiter.count
        if end + 1 < body.count, body[end] == 0x2D, body[end + 1] == 0x2D {
            return Mark(start: start, end: end + 2, isLast: true)
        }
        while end < body.count, body[end] == 0x20 || body[end] == 0x09 || body[end] == 0x0D { end += 1 }
        guard end < body.count, body[end] == 0x0A else { return nil }
        return Mark(start: start, end: end + 1, isLast: false)
    }

    /// Reads the header lines up to the empty one, and gives where the part's content begins.
    func headers(from: Int, limit: Int) throws(FormatError) -> (MultipartPart, Int) {
        var part = MultipartPart()
        var index = from
        while true {
            let end = min(body.count, from + limit)
            guard let lineEnd = body[index..<max(index, end)].firstIndex(of: 0x0A) else {
                if end < body.count { throw .limit(.multipart, .headerBytes, limit: limit) }
                throw .invalid(.multipart, .unexpectedEnd, byte: body.count)
            }
            let line = Multipart.trim(body[index..<lineEnd])
            index = lineEnd + 1
            if line.isEmpty { return (part, index) }
            guard let colon = line.firstIndex(of: 0x3A) else {
                throw .invalid(.multipart, .unexpectedText, byte: line.startIndex)
            }
            let value = String(decoding: Multipart.trim(line[(colon + 1)...]), as: UTF8.self)
            switch Multipart.lowercased(Multipart.trim(line[..<colon])) {
            case "content-disposition":
                part.name = Multipart.parameter("name", of: value) ?? ""
                part.fileName = Multipart.parameter("filename", of: value) ?? ""
            case "content-type": part.contentType = value
            default: continue
            }
        }
    }
}
