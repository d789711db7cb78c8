// What a `transportControl` server's reply means (facts hj1321.md §4.A): `{code: "200", status: "text", …}`, any other
// code a refusal in the words of `status`.
//
// Invariant: a reply counts against a report only when the platform itself, in its own form, refuses that report. What
// a proxy, an overload, a wrong address or a cut connection gives says nothing of it.

import Domain
import Formats

extension TransportControl {
    private static let wordLimit = 200

    /// The meaning of a reply to anything but a login.
    public func reply(status: Int, body: [UInt8]) -> PlatformReply {
        let page = "HTTP \(status)"
        switch status {
        case 200...299:
            return reply(body)
        case 401:
            return .tokenRefused(page)
        case 400, 409, 413, 414, 415, 422:
            // It is about this report; the body may say more.
            if case .malformed = reply(body) { return .refused(page) }
            return reply(body)
        default:
            return .unavailable(page)
        }
    }

    private func reply(_ body: [UInt8]) -> PlatformReply {
        let answer: Answer
        do throws(FormatError) {
            guard let read = try Answer(body) else { return .malformed("the reply has no code") }
            answer = read
        } catch {
            return .malformed(error.description)
        }
        if answer.code == "200" { return .accepted }
        if settings.duplicateCodes.contains(answer.code) || answer.says(settings.duplicateWords) {
            return .duplicate(answer.words)
        }
        if settings.tokenCodes.contains(answer.code) || answer.says(settings.tokenWords) {
            return .tokenRefused(answer.words)
        }
        // Servers give their own breakdown the code of HTTP (ours).
        if answer.code.utf8.count == 3, answer.code.hasPrefix("5") { return .unavailable(answer.words) }
        return .refused(answer.words)
    }

    /// The meaning of a reply to a login.
    public func loginReply(status: Int, body: [UInt8]) -> PlatformLogin {
        guard (200...299).contains(status) else {
            return status == 401 || status == 403 ? .refused("HTTP \(status)") : .unavailable("HTTP \(status)")
        }
        do throws(FormatError) {
            guard let answer = try Answer(body) else { return .malformed("the reply has no code") }
            guard answer.code == "200" else { return .refused(answer.words) }
            let token = answer.root["access_token"] ?? answer.root["value"]?["access_token"]
            guard let token = token?.text, !token.isEmpty else { return .malformed("the reply has no access_token") }
            let issued = answer.root["datetime"]?.text.flatMap { CivilTime(text: $0) }
            return .granted(token: token, issuedAt: issued?.wallTime(offsetMinutes: settings.utcOffsetMinutes))
        } catch {
            return .malformed(error.description)
        }
    }

    /// The form that all replies share.
    private struct Answer {
        let root: JSONValue
        let code: String
        let status: String

        /// Nil when there is no code.
        init?(_ body: [UInt8]) throws(FormatError) {
            root = try JSONValue.parse(body, limits: TransportControl.replyLimits)
            guard let code = root["code"]?.text else { return nil }
            self.code = code
            status = root["status"]?.text ?? ""
        }

        /// For people and for the quarantine: the platform's own text with its code, on one line.
        var words: String {
            let line = String(String.UnicodeScalarView(status.unicodeScalars.filter { $0.value >= 0x20 }))
            return "\(line.prefix(TransportControl.wordLimit)) (\(code.prefix(16)))"
        }

        /// Whether the status text holds one of the words, small and capital letters alike.
        func says(_ words: [String]) -> Bool {
            let text = Array(status.lowercased().utf8)
            return words.contains { word in
                let sought = Array(word.lowercased().utf8)
                guard !sought.isEmpty, sought.count <= text.count else { return false }
                return (0...text.count - sought.count).contains { text[$0...].starts(with: sought) }
            }
        }
    }
}

extension CivilTime {
    /// Reads `yyyy-MM-dd HH:mm:ss`; nil for anything else.
    init?(text: String) {
        let bytes = Array(text.utf8)
        let separators: [Int: UInt8] = [4: 0x2D, 7: 0x2D, 10: 0x20, 13: 0x3A, 16: 0x3A]
        guard bytes.count == 19 else { return nil }
        for (index, byte) in bytes.enumerated() {
            if let separator = separators[index] {
                guard byte == separator else { return nil }
            } else {
                guard (0x30...0x39).contains(byte) else { return nil }
            }
        }
        func number(_ start: Int, _ count: Int) -> Int {
            bytes[start..<start + count].reduce(0) { $0 * 10 + Int($1 - 0x30) }
        }
        self.init(
            year: number(0, 4), month: number(5, 2), day: number(8, 2), hour: number(11, 2), minute: number(14, 2),
            second: number(17, 2))
        guard (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 60 else { return nil }
    }
}
