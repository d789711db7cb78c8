// Ed25519 signatures (RFC 8032) and random bytes over OpenSSL, for the ledger's seals.
//
// Invariants: a private key is held as OpenSSL's object only and is wiped when it is freed; equal keys and messages
// give equal signatures. Limits: OpenSSL's calls fail only when memory runs out or the random generator has no source;
// both trap.

import COpenSSL

/// A public key: 32 bytes.
public struct Ed25519PublicKey: Equatable, Sendable {
    public static let byteCount = 32
    public let bytes: [UInt8]

    public init?(bytes: [UInt8]) {
        guard bytes.count == Ed25519PublicKey.byteCount else { return nil }
        self.bytes = bytes
    }

    /// Whether the signature over the message is this key's. Bytes that are no key or no signature are not.
    public func verifies(_ signature: [UInt8], over message: [UInt8]) -> Bool {
        defer { ERR_clear_error() }
        guard let key = EVP_PKEY_new_raw_public_key(NID_ED25519, nil, bytes, bytes.count) else { return false }
        defer { EVP_PKEY_free(key) }
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("CRY-5 OpenSSL gives a context") }
        defer { EVP_MD_CTX_free(context) }
        guard EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1 else { return false }
        return EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }
}

/// A private key under way.
public final class Ed25519PrivateKey {
    public static let seedByteCount = 32
    public static let signatureByteCount = 64

    private let key: OpaquePointer
    public let publicKey: Ed25519PublicKey

    /// Nil unless the seed has 32 bytes. The caller wipes its copy.
    public init?(seed: [UInt8]) {
        guard seed.count == Ed25519PrivateKey.seedByteCount,
            let key = EVP_PKEY_new_raw_private_key(NID_ED25519, nil, seed, seed.count)
        else { return nil }
        var bytes = [UInt8](repeating: 0, count: Ed25519PublicKey.byteCount)
        var count = bytes.count
        guard EVP_PKEY_get_raw_public_key(key, &bytes, &count) == 1, let publicKey = Ed25519PublicKey(bytes: bytes)
        else { preconditionFailure("CRY-6 a private key has a public one") }
        self.key = key
        self.publicKey = publicKey
    }

    deinit {
        EVP_PKEY_free(key)
    }

    public func sign(_ message: [UInt8]) -> [UInt8] {
        var signature = [UInt8](repeating: 0, count: Ed25519PrivateKey.signatureByteCount)
        var count = signature.count
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("CRY-5 OpenSSL gives a context") }
        defer { EVP_MD_CTX_free(context) }
        guard EVP_DigestSignInit(context, nil, nil, nil, key) == 1,
            EVP_DigestSign(context, &signature, &count, message, message.count) == 1, count == signature.count
        else { preconditionFailure("CRY-7 Ed25519 signs any message") }
        return signature
    }
}

/// Bytes that nobody can guess.
public func randomBytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    precondition(RAND_bytes(&bytes, Int32(count)) == 1, "CRY-8 the random generator has a source")
    return bytes
}

/// Overwrites a secret in memory.
public func wipe(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) }
}
