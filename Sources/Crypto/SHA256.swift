// SHA-256 (FIPS 180-4) over OpenSSL, for the ledger's chain and the names of photos.
//
// Limits: OpenSSL's digest calls fail only when memory runs out or a call is out of order; both trap.

import COpenSSL
import Domain

/// One hash under way. `finish` once.
public final class SHA256 {
    private let context: OpaquePointer

    public init() {
        guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            preconditionFailure("CRY-1 OpenSSL gives a SHA-256 context")
        }
        self.context = context
    }

    deinit {
        EVP_MD_CTX_free(context)
    }

    public func update(_ bytes: [UInt8]) {
        let accepted = bytes.withUnsafeBytes { EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
        precondition(accepted == 1, "CRY-2 update comes before finish")
    }

    public func update(_ digest: Digest) {
        let accepted = digest.withBytes { EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
        precondition(accepted == 1, "CRY-2 update comes before finish")
    }

    /// The hash of everything given. The object starts anew with the empty message.
    public func finish() -> Digest {
        let digest = withUnsafeTemporaryAllocation(byteCount: Digest.byteCount, alignment: 8) { bytes -> Digest? in
            let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            // Without a name the algorithm of before is taken, and not looked for again.
            guard EVP_DigestFinal_ex(context, start, nil) == 1, EVP_DigestInit_ex(context, nil, nil) == 1 else {
                return nil
            }
            return Digest(UnsafeRawBufferPointer(bytes))
        }
        guard let digest else { preconditionFailure("CRY-3 SHA-256 gives 32 bytes") }
        return digest
    }

    /// The hash of one message.
    public static func digest(_ bytes: [UInt8]) -> Digest {
        let hash = SHA256()
        hash.update(bytes)
        return hash.finish()
    }
}
