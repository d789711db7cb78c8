import Foundation
import Testing

@testable import Formats

private func parse(_ text: String, limits: XMLLimits = .standard) throws(FormatError) -> XMLElement {
    try XMLElement.parse(Array(text.utf8), limits: limits)
}

struct XMLTests {
    @Test func elementsTextAndLocalNamesAreRead() throws {
        let root = try parse(
            """
            <?xml version="1.0" encoding="UTF-8"?>
            <ns1:a xmlns:ns1="http://x" y="z"><b> 冀&lt;1&#x41; </b><c/><ns2:b><![CDATA[<&]]></ns2:b></ns1:a>
            """
        )
        #expect(
            root
                == XMLElement("a", [XMLElement("b", text: "冀<1A"), XMLElement("c"), XMLElement("b", text: "<&")])
        )
        #expect(root["b"]?.text == "冀<1A")
        #expect(root["d"] == nil)
    }

    @Test func otherEncodingsThatAreDeclaredAreRead() throws {
        let latin = Array("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>".utf8) + [0xE9] + Array("</a>".utf8)
        #expect(try XMLElement.parse(latin).text == "é")
    }

    @Test func aDoctypeIsRefusedBeforeAnyEntityExists() {
        var bomb = "<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY l0 \"lol\">"
        for level in 1...9 {
            let inside = String(repeating: "&l\(level - 1);", count: 10)
            bomb += "<!ENTITY l\(level) \"\(inside)\">"
        }
        bomb += "]><l>&l9;</l>"
        let external = "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>"
        let entity = "<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><a>&e;</a>"
        for text in [bomb, external, entity] {
            do throws(FormatError) {
                _ = try parse(text)
                Issue.record("accepted")
            } catch {
                guard case .invalid(.xml, .documentType, _) = error else {
                    Issue.record("\(error.description)")
                    continue
                }
            }
        }
    }

    @Test(arguments: [
        ("<a><b></a>", FormatFault.mismatchedTag), ("<a>", .unexpectedEnd), ("", .unexpectedEnd),
        ("<a/><b/>", .trailingText), ("<a>&e;</a>", .mismatchedTag), ("{}", .unexpectedText),
        ("<?xml version=\"1.0\" encoding=\"x-none\"?><a/>", .unknownEncoding),
    ])
    func whatIsNotXMLIsRefusedByName(_ text: String, _ fault: FormatFault) {
        do throws(FormatError) {
            _ = try parse(text)
            Issue.record("accepted \(text)")
        } catch {
            guard case .invalid(.xml, fault, let byte) = error else {
                Issue.record("\(text): \(error.description)")
                return
            }
            #expect((0...text.utf8.count).contains(byte))
        }
    }

    @Test func theLimitsHold() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth)
        }
        _ = try parse(nested(32))
        #expect(throws: FormatError.limit(.xml, .depth, limit: 32)) { try parse(nested(33)) }
        let wide = "<a>" + String(repeating: "<b/>", count: 4_096) + "</a>"
        #expect(throws: FormatError.limit(.xml, .elements, limit: 4_096)) { try parse(wide) }
        let long = "<a>" + String(repeating: "x", count: (256 << 10) + 1) + "</a>"
        #expect(throws: FormatError.limit(.xml, .textBytes, limit: 256 << 10)) { try parse(long) }
        #expect(throws: FormatError.limit(.xml, .bytes, limit: 3)) { try parse("<a/>", limits: XMLLimits(bytes: 3)) }
    }

    @Test func mutatedAndCutDocumentsNeverCrash() {
        var random = Seeded(state: 3)
        let whole = Array("<?xml version=\"1.0\"?><n:a xmlns:n=\"u\"><b>1</b><n:c d='e'>&amp;冀</n:c></n:a>".utf8)
        for length in 0..<whole.count {
            #expect(throws: FormatError.self) { try XMLElement.parse(Array(whole[..<length])) }
        }
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try? XMLElement.parse(bytes)
        }
    }
}
