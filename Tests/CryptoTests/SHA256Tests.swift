// FIPS 180-4's published examples, and the million of `a`.

import Domain
import Testing

@testable import Crypto

struct SHA256Tests {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func publishedVectorsHold(_ message: String, _ expected: String) {
        #expect(SHA256.digest(Array(message.utf8)).hexadecimal == expected)
    }

    @Test func piecesGiveTheHashOfTheWhole() {
        let hash = SHA256()
        for _ in 0..<1_000 { hash.update([UInt8](repeating: UInt8(ascii: "a"), count: 1_000)) }
        #expect(
            hash.finish().hexadecimal == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test func aFinishedHashStartsAnew() {
        let hash = SHA256()
        hash.update([1, 2, 3])
        _ = hash.finish()
        hash.update(Array("abc".utf8))
        #expect(hash.finish() == SHA256.digest(Array("abc".utf8)))
    }
}
