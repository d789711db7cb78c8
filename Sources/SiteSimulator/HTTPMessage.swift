// HTTP/1.1 messages as both of the site's ends need them: a request read by the platform, an answer read by a camera.
//
// Limits: 64 KiB of head, 32 MiB of body.

import Foundation

struct HTTPMessage {
    /// The request line or the status line.
    var start: String
    /// Names in lower case.
    var fields: [String: String]
    var body: [UInt8]

    var status: Int? {
        let parts = start.split(separator: " ")
        return start.hasPrefix("HTTP/") && parts.count > 1 ? Int(parts[1]) : nil
    }

    var target: String {
        let parts = start.split(separator: " ")
        return parts.count > 1 ? String(parts[1]) : ""
    }
}

/// Reads messages one after the other from a stream that is kept alive.
final class HTTPReader {
    private static let headLimit = 65_536
    private static let bodyLimit = 33_554_432
    private static let blankLine: [UInt8] = [13, 10, 13, 10]
    private let stream: any ByteStream
    private var held: [UInt8] = []

    init(_ stream: any ByteStream) {
        self.stream = stream
    }

    /// Nil when the stream ends, breaks the rules or is too slow.
    func next() -> HTTPMessage? {
        guard var message = head() else { return nil }
        if message.status == 100 { return next() }
        if message.fields["expect"]?.lowercased() == "100-continue" {
            guard stream.write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) else { return nil }
        }
        if message.fields["transfer-encoding"]?.lowercased() == "chunked" {
            guard let body = chunks() else { return nil }
            message.body = body
        } else if let length = message.fields["content-length"] {
            guard let count = Int(length), (0...HTTPReader.bodyLimit).contains(count), let body = take(count) else {
                return nil
            }
            message.body = body
        }
        return message
    }

    private func head() -> HTTPMessage? {
        var searched = 0
        while true {
            if let end = find(HTTPReader.blankLine, from: max(0, searched - 3)) {
                let text = String(decoding: held[..<end], as: UTF8.self)
                held.removeFirst(end + 4)
                return HTTPReader.parse(text)
            }
            searched = held.count
            guard held.count <= HTTPReader.headLimit, more() else { return nil }
        }
    }

    private static func parse(_ head: String) -> HTTPMessage {
        var lines = head.components(separatedBy: "\r\n")
        let start = lines.isEmpty ? "" : lines.removeFirst()
        var fields: [String: String] = [:]
        for line in lines {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            fields[line[..<colon].lowercased()] = value
        }
        return HTTPMessage(start: start, fields: fields, body: [])
    }

    private func chunks() -> [UInt8]? {
        var body: [UInt8] = []
        while body.count <= HTTPReader.bodyLimit {
            guard let line = line(), let size = Int(line.prefix { $0 != ";" }, radix: 16), size >= 0 else { return nil }
            if size == 0 {
                while let trailer = self.line() {
                    if trailer.isEmpty { return body }
                }
                return nil
            }
            guard size <= HTTPReader.bodyLimit, let chunk = take(size), take(2) == [13, 10] else { return nil }
            body += chunk
        }
        return nil
    }

    private func line() -> String? {
        while true {
            if let end = find([13, 10], from: 0) {
                let text = String(decoding: held[..<end], as: UTF8.self)
                held.removeFirst(end + 2)
                return text
            }
            guard held.count <= HTTPReader.headLimit, more() else { return nil }
        }
    }

    private func take(_ count: Int) -> [UInt8]? {
        while held.count < count {
            guard more() else { return nil }
        }
        let taken = Array(held[..<count])
        held.removeFirst(count)
        return taken
    }

    private func more() -> Bool {
        guard let bytes = stream.read() else { return false }
        held += bytes
        return true
    }

    private func find(_ pattern: [UInt8], from start: Int) -> Int? {
        guard held.count >= start + pattern.count else { return nil }
        return (start...held.count - pattern.count).first { at in
            pattern.indices.allSatisfy { held[at + $0] == pattern[$0] }
        }
    }
}
