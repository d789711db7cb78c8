// The hash chain. A third party needs this file's three lines and the canonical bytes, and nothing else.

import Crypto
import Domain

enum Chain {
    /// The hash before record 1 names the device, so that the ledger of another cannot stand in for it.
    static func genesis(device: String) -> Digest {
        SHA256.digest(Array("gatewarden ledger v1 genesis\n".utf8) + Array(device.utf8))
    }
}

/// Hashes one record after the other, with one context.
final class ChainHasher {
    private static let line = Array("gatewarden ledger v1\n".utf8)
    private let hash = SHA256()

    /// The hash of a record: over a fixed line, the hash before it, and its canonical bytes.
    func hash(after previous: Digest, _ canonical: [UInt8]) -> Digest {
        hash.update(ChainHasher.line)
        hash.update(previous)
        hash.update(canonical)
        return hash.finish()
    }
}
