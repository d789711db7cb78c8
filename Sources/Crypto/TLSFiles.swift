// Certificates and keys from PEM files, with the errors that an installer can act on.
//
// Limits: at most 64 certificates a file.

import COpenSSL
import Domain

/// The certificates of one PEM file, in its order; at least one.
final class CertificateFile {
    static let maximumCount = 64

    let path: String
    private(set) var certificates: [OpaquePointer] = []

    init(_ path: String) throws(CryptoError) {
        self.path = path
        let file = try openFile(path)
        defer { BIO_free(file) }
        while certificates.count < CertificateFile.maximumCount,
            let certificate = PEM_read_bio_X509(file, nil, refusePassPhrase, nil)
        {
            certificates.append(certificate)
        }
        ERR_clear_error()
        guard !certificates.isEmpty else { throw .missing(.certificate, path: path) }
    }

    deinit {
        for certificate in certificates { X509_free(certificate) }
    }

    /// Throws when every certificate has ended: an authority's file may hold the next root beside the old one.
    func requireCurrent(_ now: WallTime?) throws(CryptoError) {
        guard let now, let last = certificates.last else { return }
        for certificate in certificates where !hasEnded(certificate, now) { return }
        throw .expired(path: path, until: endText(last))
    }

    /// Throws when the first certificate, which is the holder's own, has ended.
    func requireCurrentLeaf(_ now: WallTime?) throws(CryptoError) {
        guard let now, let leaf = certificates.first, hasEnded(leaf, now) else { return }
        throw .expired(path: path, until: endText(leaf))
    }
}

/// A private key from a PEM file; the caller frees it.
func readPrivateKey(_ path: String) throws(CryptoError) -> OpaquePointer {
    let file = try openFile(path)
    defer { BIO_free(file) }
    if let key = PEM_read_bio_PrivateKey(file, nil, refusePassPhrase, nil) { return key }
    let reason = gw_err_reason(ERR_peek_last_error())
    let library = gw_err_library(ERR_peek_last_error())
    ERR_clear_error()
    if library == ERR_LIB_PEM, reason == PEM_R_BAD_PASSWORD_READ { throw .lockedKey(path: path) }
    throw .missing(.privateKey, path: path)
}

/// The newest error of this thread's OpenSSL queue in words; empties the queue.
func takeLibraryText() -> String {
    let code = ERR_peek_last_error()
    let words = String(cString: gw_err_text(code))
    ERR_clear_error()
    return words.isEmpty ? "no reason given" : words
}

private func openFile(_ path: String) throws(CryptoError) -> OpaquePointer {
    ERR_clear_error()
    if let file = BIO_new_file(path, "r") { return file }
    // The first error of the queue is the operating system's own, the ones after it OpenSSL's.
    let words = String(cString: gw_err_text(ERR_peek_error()))
    ERR_clear_error()
    throw .unreadable(path: path, reason: words.isEmpty ? "cannot be opened" : words)
}

/// Without it OpenSSL would ask on the terminal.
private let refusePassPhrase:
    @convention(c) (UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?)
        -> Int32 = { _, _, _, _ in -1 }

private func hasEnded(_ certificate: OpaquePointer, _ now: WallTime) -> Bool {
    ASN1_TIME_cmp_time_t(X509_get0_notAfter(certificate), time_t(now.microseconds / 1_000_000)) < 0
}

private func endText(_ certificate: OpaquePointer) -> String {
    var end = tm()
    guard ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) == 1 else { return "an unreadable date" }
    return CivilTime(year: Int(end.tm_year) + 1900, month: Int(end.tm_mon) + 1, day: Int(end.tm_mday)).dateText
}
