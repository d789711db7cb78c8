// Reads one HTTP/1.x reply out of the bytes of a connection. Pure: no I/O.
//
// Invariants: the result does not depend on how the bytes were cut; a reply that is not whole is never given out.
// Limits: `headerLimit` for the status line with the header fields, the given limit for the body; both are refused
// when exceeded. Trailers, interim (1xx) replies and what follows the reply are dropped.

/// The state of reading one reply.
struct HTTPResponseReader {
    static let headerLimit = 16 * 1_024
    private static let chunkLineLimit = 256

    enum Progress {
        case needsMore
        case complete(HTTPResponse)
        case tooLarge(limit: Int)
        case malformed(reason: String)
    }

    private enum Stage {
        case header
        case sized(remaining: Int)
        case untilClosed
        case chunkSize
        case chunk(remaining: Int)
        case chunkEnd
        case trailer
    }

    /// Whether a byte of the reply has arrived.
    private(set) var hasStarted = false
    private let bodyLimit: Int
    private var stage = Stage.header
    private var line: [UInt8] = []
    private var headerCount = 0
    private var status = 0
    private var fields: [(name: String, value: String)] = []
    private var body: [UInt8] = []

    init(bodyLimit: Int) {
        self.bodyLimit = bodyLimit
    }

    /// Takes the next bytes of the connection. After anything but `needsMore` the reader is used up.
    mutating func take(_ bytes: [UInt8]) -> Progress {
        var index = 0
        while index < bytes.count {
            hasStarted = true
            let progress: Progress
            switch stage {
            case .sized(let remaining):
                let count = min(remaining, bytes.count - index)
                body.append(contentsOf: bytes[index..<index + count])
                index += count
                stage = .sized(remaining: remaining - count)
                progress = remaining == count ? whole() : .needsMore
            case .chunk(let remaining):
                let count = min(remaining, bytes.count - index)
                body.append(contentsOf: bytes[index..<index + count])
                index += count
                stage = remaining == count ? .chunkEnd : .chunk(remaining: remaining - count)
                progress = .needsMore
            case .untilClosed:
                guard body.count + bytes.count - index <= bodyLimit else { return .tooLarge(limit: bodyLimit) }
                body.append(contentsOf: bytes[index...])
                index = bytes.count
                progress = .needsMore
            case .header, .chunkSize, .chunkEnd, .trailer:
                progress = takeLineByte(bytes[index])
                index += 1
            }
            if case .needsMore = progress { continue }
            return progress
        }
        return .needsMore
    }

    /// The connection was closed in order: completes a reply that ends with it, else nil.
    mutating func close() -> HTTPResponse? {
        guard case .untilClosed = stage else { return nil }
        return response()
    }

    private mutating func takeLineByte(_ byte: UInt8) -> Progress {
        if case .header = stage { headerCount += 1 }
        if case .trailer = stage { headerCount += 1 }
        guard headerCount <= HTTPResponseReader.headerLimit else {
            return .tooLarge(limit: HTTPResponseReader.headerLimit)
        }
        guard byte == 0x0A else {
            line.append(byte)
            switch stage {
            case .chunkSize, .chunkEnd:
                guard line.count <= HTTPResponseReader.chunkLineLimit else { return .malformed(reason: "chunk size") }
            case .header, .trailer, .sized, .chunk, .untilClosed: break
            }
            return .needsMore
        }
        if line.last == 0x0D { line.removeLast() }
        let text = String(decoding: line, as: UTF8.self)
        line.removeAll(keepingCapacity: true)
        return takeLine(text)
    }

    private mutating func takeLine(_ text: String) -> Progress {
        switch stage {
        case .header:
            if status == 0 { return takeStatus(text) }
            if text.isEmpty { return headerEnded() }
            return takeField(text)
        case .chunkSize:
            let digits = text.prefix { $0 != ";" && $0 != " " }
            guard let size = Int(digits, radix: 16), size >= 0, digits.first != "+" else {
                return .malformed(reason: "chunk size")
            }
            guard size <= bodyLimit - body.count else { return .tooLarge(limit: bodyLimit) }
            stage = size == 0 ? .trailer : .chunk(remaining: size)
            return .needsMore
        case .chunkEnd:
            guard text.isEmpty else { return .malformed(reason: "chunk end") }
            stage = .chunkSize
            return .needsMore
        case .trailer:
            return text.isEmpty ? whole() : .needsMore
        case .sized, .chunk, .untilClosed:
            preconditionFailure("MACH-31 a line is read only between bodies")
        }
    }

    private mutating func takeStatus(_ text: String) -> Progress {
        let bytes = Array(text.utf8)
        guard bytes.count >= 12, bytes.starts(with: "HTTP/1.".utf8), bytes[8] == 0x20,
            bytes[9...11].allSatisfy({ (0x30...0x39).contains($0) }), bytes.count == 12 || bytes[12] == 0x20
        else { return .malformed(reason: "status line") }
        status = bytes[9...11].reduce(0) { $0 * 10 + Int($1 - 0x30) }
        return status >= 100 ? .needsMore : .malformed(reason: "status line")
    }

    private mutating func takeField(_ text: String) -> Progress {
        guard let colon = text.firstIndex(of: ":"), colon != text.startIndex else {
            return .malformed(reason: "header field")
        }
        let value = text[text.index(after: colon)...]
        fields.append((name: text[..<colon].lowercased(), value: trimmed(value)))
        return .needsMore
    }

    private mutating func headerEnded() -> Progress {
        if (100...199).contains(status) {
            guard status != 101 else { return .malformed(reason: "protocol switch") }
            status = 0
            fields = []
            return .needsMore
        }
        if status == 204 || status == 304 { return whole() }
        if let coding = field("transfer-encoding") {
            guard coding.lowercased() == "chunked" else { return .malformed(reason: "transfer coding \(coding)") }
            stage = .chunkSize
            return .needsMore
        }
        guard let length = field("content-length") else {
            stage = .untilClosed
            return .needsMore
        }
        let agrees = fields.allSatisfy { $0.name != "content-length" || $0.value == length }
        guard let size = Int(length), size >= 0, agrees else { return .malformed(reason: "content length") }
        guard size <= bodyLimit else { return .tooLarge(limit: bodyLimit) }
        stage = .sized(remaining: size)
        return size == 0 ? whole() : .needsMore
    }

    private func whole() -> Progress { .complete(response()) }

    private func response() -> HTTPResponse {
        HTTPResponse(status: status, contentType: field("content-type") ?? "", body: body)
    }

    private func field(_ name: String) -> String? {
        fields.first { $0.name == name }?.value
    }
}

private func trimmed(_ text: Substring) -> String {
    var rest = text
    while rest.first == " " || rest.first == "\t" { rest.removeFirst() }
    while rest.last == " " || rest.last == "\t" { rest.removeLast() }
    return String(rest)
}
