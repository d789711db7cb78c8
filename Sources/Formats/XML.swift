// XML: a small tree of elements, read by expat.
//
// Invariants: names come without their namespace prefix (Hikvision's differ by firmware, and by the recorder between);
// attributes are not kept. A document type declaration is refused where it begins, so that no entity but the five of
// XML itself is ever expanded, and nothing outside the bytes is ever loaded.
// Limits: `XMLLimits`.

import CExpat

/// What an XML document may hold at most.
public struct XMLLimits: Sendable {
    public var bytes: Int
    public var depth: Int
    public var elements: Int
    public var textBytes: Int

    public init(bytes: Int = 1 << 20, depth: Int = 32, elements: Int = 4_096, textBytes: Int = 256 << 10) {
        self.bytes = bytes
        self.depth = depth
        self.elements = elements
        self.textBytes = textBytes
    }

    public static let standard = XMLLimits()
}

public struct XMLElement: Equatable, Sendable {
    /// Without the namespace prefix.
    public let name: String
    /// The text directly inside, without blanks and line ends around it.
    public let text: String
    public let children: [XMLElement]

    public init(_ name: String, text: String = "", _ children: [XMLElement] = []) {
        self.name = name
        self.text = text
        self.children = children
    }

    /// Reads one whole document: UTF-8, or what its declaration names out of UTF-16, ISO-8859-1 and ASCII.
    public static func parse(_ bytes: [UInt8], limits: XMLLimits = .standard) throws(FormatError) -> XMLElement {
        guard bytes.count <= limits.bytes, bytes.count <= Int(Int32.max) else {
            throw .limit(.xml, .bytes, limit: limits.bytes)
        }
        guard let parser = XML_ParserCreate(nil) else { throw .invalid(.xml, .outOfMemory, byte: 0) }
        defer { XML_ParserFree(parser) }
        let builder = TreeBuilder(parser, limits)
        builder.listen()
        let status = bytes.withUnsafeBytes { raw in
            XML_Parse(parser, raw.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(raw.count), 1)
        }
        if let error = builder.error { throw error }
        guard status == XML_STATUS_OK, let root = builder.root else {
            let byte = min(max(Int(XML_GetCurrentByteIndex(parser)), 0), bytes.count)
            throw .invalid(.xml, FormatFault(XML_GetErrorCode(parser)), byte: byte)
        }
        return root
    }

    /// The first child of that name.
    public subscript(name: String) -> XMLElement? {
        children.first { $0.name == name }
    }
}

/// Collects expat's callbacks into a tree.
private final class TreeBuilder {
    private struct Open {
        let name: String
        var text: [UInt8] = []
        var children: [XMLElement] = []
    }

    private let parser: XML_Parser
    private let limits: XMLLimits
    private var open: [Open] = []
    private var elements = 0
    private var textBytes = 0
    private(set) var root: XMLElement?
    private(set) var error: FormatError?

    init(_ parser: XML_Parser, _ limits: XMLLimits) {
        self.parser = parser
        self.limits = limits
    }

    /// The parser must not outlive this object.
    func listen() {
        XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
        XML_SetElementHandler(
            parser,
            { context, name, _ in TreeBuilder.of(context)?.start(name) },
            { context, _ in TreeBuilder.of(context)?.end() }
        )
        XML_SetCharacterDataHandler(parser) { context, start, count in
            TreeBuilder.of(context)?.append(UnsafeRawBufferPointer(start: start, count: Int(count)))
        }
        XML_SetStartDoctypeDeclHandler(parser) { context, _, _, _, _ in
            guard let builder = TreeBuilder.of(context) else { return }
            let byte = max(Int(XML_GetCurrentByteIndex(builder.parser)), 0)
            builder.stop(.invalid(.xml, .documentType, byte: byte))
        }
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> TreeBuilder? {
        context.map { Unmanaged<TreeBuilder>.fromOpaque($0).takeUnretainedValue() }
    }

    private func start(_ name: UnsafePointer<CChar>?) {
        guard error == nil, let name else { return }
        elements += 1
        guard open.count < limits.depth else { return stop(.limit(.xml, .depth, limit: limits.depth)) }
        guard elements <= limits.elements else { return stop(.limit(.xml, .elements, limit: limits.elements)) }
        let whole = String(cString: name).utf8
        let local = whole.lastIndex(of: 0x3A).map { whole[whole.index(after: $0)...] } ?? whole[...]
        open.append(Open(name: String(local) ?? ""))
    }

    private func end() {
        guard error == nil, let done = open.popLast() else { return }
        let element = XMLElement(done.name, text: trimmed(done.text), done.children)
        if open.isEmpty {
            root = element
        } else {
            open[open.count - 1].children.append(element)
        }
    }

    private func append(_ text: UnsafeRawBufferPointer) {
        guard error == nil, !open.isEmpty else { return }
        textBytes += text.count
        guard textBytes <= limits.textBytes else { return stop(.limit(.xml, .textBytes, limit: limits.textBytes)) }
        open[open.count - 1].text.append(contentsOf: text)
    }

    private func stop(_ error: FormatError) {
        guard self.error == nil else { return }
        self.error = error
        _ = XML_StopParser(parser, XML_Bool(0))
    }

    private func trimmed(_ text: [UInt8]) -> String {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        guard let first = text.firstIndex(where: { !isBlank($0) }),
            let last = text.lastIndex(where: { !isBlank($0) })
        else { return "" }
        return String(decoding: text[first...last], as: UTF8.self)
    }
}

extension FormatFault {
    fileprivate init(_ code: XML_Error) {
        switch code {
        case XML_ERROR_NO_ELEMENTS, XML_ERROR_UNCLOSED_TOKEN, XML_ERROR_PARTIAL_CHAR, XML_ERROR_UNCLOSED_CDATA_SECTION:
            self = .unexpectedEnd
        case XML_ERROR_JUNK_AFTER_DOC_ELEMENT: self = .trailingText
        case XML_ERROR_TAG_MISMATCH, XML_ERROR_UNDEFINED_ENTITY, XML_ERROR_ASYNC_ENTITY: self = .mismatchedTag
        case XML_ERROR_UNKNOWN_ENCODING, XML_ERROR_INCORRECT_ENCODING: self = .unknownEncoding
        case XML_ERROR_NO_MEMORY: self = .outOfMemory
        default: self = .unexpectedText
        }
    }
}
