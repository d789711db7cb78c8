// What can go wrong with keys and certificates. Each case says in one line what failed, why, and what to do.

import Domain

/// An operating error of the Crypto room.
public enum CryptoError: Error, Equatable, Sendable {
    /// What a PEM file should hold.
    public enum Content: Equatable, Sendable {
        case certificate
        case privateKey

        var word: String {
            switch self {
            case .certificate: "certificate"
            case .privateKey: "private key"
            }
        }
    }

    /// A file could not be opened; `reason` is the operating system's.
    case unreadable(path: String, reason: String)
    /// A file was read and holds no such content in PEM form.
    case missing(Content, path: String)
    /// The private key asks for a pass phrase, which nobody is there to type.
    case lockedKey(path: String)
    /// Every certificate of the file ended before now; `until` is the day of the latest.
    case expired(path: String, until: String)
    /// The private key is not the certificate's.
    case keyMismatch(certificate: String, key: String)
    /// The library refused an operation, in its own words.
    case library(operation: String, reason: String)

    /// One English line: what, why, what to do next.
    public var description: String {
        switch self {
        case .unreadable(let path, let reason):
            "cannot read \(path): \(reason); check the path and its permissions in the configuration"
        case .missing(let content, let path):
            "\(path) holds no \(content.word) in PEM form; convert it with 'openssl x509' or 'openssl pkey'"
        case .lockedKey(let path):
            "the private key \(path) is protected by a pass phrase; store it without one, readable by root only"
        case .expired(let path, let until):
            "the certificate \(path) expired on \(until); install a current one, or set the clock if it is wrong"
        case .keyMismatch(let certificate, let key):
            "the private key \(key) does not belong to the certificate \(certificate); install the pair together"
        case .library(let operation, let reason):
            "OpenSSL refused \(operation): \(reason); report this with the firmware's version"
        }
    }

    /// The newest error of this thread's OpenSSL queue, which is then empty.
    static func fromLibrary(_ operation: String) -> CryptoError {
        .library(operation: operation, reason: takeLibraryText())
    }
}
