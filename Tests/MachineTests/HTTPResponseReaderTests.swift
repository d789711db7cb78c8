import Testing

@testable import Machine

private enum Outcome: Equatable {
    case needsMore
    case complete(status: Int, type: String, body: String)
    case tooLarge(Int)
    case malformed(String)

    init(_ progress: HTTPResponseReader.Progress) {
        switch progress {
        case .needsMore: self = .needsMore
        case .complete(let response):
            self = .complete(
                status: response.status, type: response.contentType,
                body: String(decoding: response.body, as: UTF8.self))
        case .tooLarge(let limit): self = .tooLarge(limit)
        case .malformed(let reason): self = .malformed(reason)
        }
    }
}

/// Feeds the text in pieces of `size` bytes until the reader is used up.
private func read(_ text: String, by size: Int = .max, limit: Int = 1_000) -> Outcome {
    var reader = HTTPResponseReader(bodyLimit: limit)
    var rest = ArraySlice(Array(text.utf8))
    while !rest.isEmpty {
        let piece = rest.prefix(size)
        rest = rest.dropFirst(piece.count)
        let outcome = Outcome(reader.take(Array(piece)))
        if outcome != .needsMore { return outcome }
    }
    return .needsMore
}

private let sized = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nhello"
private let chunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: 1\r\n\r\n"

@Test(arguments: [sized, chunked, "HTTP/1.1 100 Continue\r\n\r\n" + sized])
func replyIsTheSameHoweverItIsCut(text: String) {
    let whole = read(text)
    for size in 1...text.utf8.count {
        #expect(read(text, by: size) == whole)
    }
    guard case .complete(200, _, "hello") = whole else {
        Issue.record("\(whole)")
        return
    }
}

@Test func everyTruncationOfASizedOrChunkedReplyIsIncomplete() {
    for text in [sized, chunked] {
        for count in 0..<text.utf8.count {
            var reader = HTTPResponseReader(bodyLimit: 100)
            let outcome = Outcome(reader.take(Array(text.utf8.prefix(count))))
            #expect(outcome == .needsMore)
            #expect(reader.close() == nil)
            #expect(reader.hasStarted == (count > 0))
        }
    }
}

@Test func replyWithoutLengthLastsUntilTheConnectionIsClosed() {
    var reader = HTTPResponseReader(bodyLimit: 100)
    #expect(Outcome(reader.take(Array("HTTP/1.0 200 OK\r\n\r\nhel".utf8))) == .needsMore)
    #expect(Outcome(reader.take(Array("lo".utf8))) == .needsMore)
    #expect(reader.close()?.body == Array("hello".utf8))
}

@Test func whatFollowsAReplyIsDropped() {
    #expect(read(sized + sized) == read(sized))
    #expect(read("HTTP/1.1 204 No Content\r\n\r\nmore") == .complete(status: 204, type: "", body: ""))
}

@Test func replyAboveALimitIsRefused() {
    #expect(read("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n", limit: 10) == .tooLarge(10))
    #expect(read("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n") == .malformed("content length"))
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n123456\r\n5\r\n"
    #expect(read(chunks, limit: 10) == .tooLarge(10))
    #expect(read("HTTP/1.1 200 OK\r\n\r\n12345678901", limit: 10) == .tooLarge(10))
    let header = "HTTP/1.1 200 OK\r\n" + String(repeating: "a: b\r\n", count: 4_000)
    #expect(read(header) == .tooLarge(HTTPResponseReader.headerLimit))
}

@Test(arguments: [
    "HTTP/2 200 OK\r\n", "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 2x0 OK\r\n", "HTTP/1.1 099 OK\r\n", "\r\n",
    "HTTP/1.1 200 OK\r\nno colon\r\n", "HTTP/1.1 200 OK\r\n: empty\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
    "HTTP/1.1 101 Switching\r\n\r\n",
])
func malformedReplyIsNamed(text: String) {
    guard case .malformed = read(text, by: 1) else {
        Issue.record("\(read(text, by: 1))")
        return
    }
}
