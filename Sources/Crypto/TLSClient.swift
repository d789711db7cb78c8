// TLS to a destination: one trust store, one name to verify, one handle a connection.
//
// Invariants: the peer's certificate chain must end in the given file's authority (the system's own store is not
// used), be within its dates and name the server; TLS is 1.2 or newer; nothing is resumed from an earlier connection.
// Limits: at most 64 certificates in the authority file. The openssl.cnf of the machine is not read.

import COpenSSL
import Domain

/// Where the certificates are and whom to expect.
public struct TLSClientSettings: Sendable {
    /// PEM file with the certificates of the authority (root or private CA) that signs the destination.
    public var authorityFile: String
    /// The host name or IP address that the destination's certificate must carry.
    public var serverName: String
    /// PEM files with this controller's certificate chain and its key, when the destination asks for one.
    public var identity: Identity?

    public struct Identity: Sendable {
        public var certificateFile: String
        public var keyFile: String

        public init(certificateFile: String, keyFile: String) {
            self.certificateFile = certificateFile
            self.keyFile = keyFile
        }
    }

    public init(authorityFile: String, serverName: String, identity: Identity? = nil) {
        self.authorityFile = authorityFile
        self.serverName = serverName
        self.identity = identity
    }
}

/// Makes the TLS handles of one destination's connections. One thread uses it.
public final class TLSClientContext {
    private let context: OpaquePointer
    private let serverName: String

    /// Reads and checks the files. `now` is the wall clock, or nil while it is not set: dates are then not checked
    /// here (the handshake still checks the server's).
    public init(_ settings: TLSClientSettings, now: WallTime?) throws(CryptoError) {
        context = try TLSClientContext.make(settings, now)
        serverName = settings.serverName
    }

    deinit {
        SSL_CTX_free(context)
    }

    /// A new `SSL *` for one client connection; who takes it frees it. Nil when memory is short or the server's name
    /// is one that no certificate can carry.
    public func makeHandle() -> OpaquePointer? {
        guard let handle = SSL_new(context) else { return nil }
        let parameters = SSL_get0_param(handle)
        X509_VERIFY_PARAM_set_hostflags(parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        if X509_VERIFY_PARAM_set1_ip_asc(parameters, serverName) == 1 { return handle }
        ERR_clear_error()
        guard X509_VERIFY_PARAM_set1_host(parameters, serverName, serverName.utf8.count) == 1,
            gw_ssl_set_server_name(handle, serverName) == 1
        else {
            SSL_free(handle)
            ERR_clear_error()
            return nil
        }
        return handle
    }

    /// OpenSSL's words for why a connection failed: what was wrong with the certificate if that was it, else the words
    /// of `code` from its error queue; nil when TLS was not the cause.
    public static func failure(of handle: OpaquePointer, code: UInt) -> String? {
        let verification = SSL_get_verify_result(handle)
        if verification != Int(X509_V_OK), let words = X509_verify_cert_error_string(verification) {
            return String(cString: words)
        }
        guard code != 0 else { return nil }
        let words = String(cString: gw_err_text(code))
        return words.isEmpty ? nil : words
    }

    private static func make(_ settings: TLSClientSettings, _ now: WallTime?) throws(CryptoError) -> OpaquePointer {
        guard OPENSSL_init_ssl(UInt64(OPENSSL_INIT_NO_LOAD_CONFIG), nil) == 1,
            let context = SSL_CTX_new(TLS_client_method())
        else { throw .fromLibrary("a TLS context") }
        var isComplete = false
        defer { if !isComplete { SSL_CTX_free(context) } }
        guard gw_ssl_ctx_set_min_version(context, TLS1_2_VERSION) == 1 else { throw .fromLibrary("TLS 1.2") }
        SSL_CTX_set_security_level(context, 2)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        gw_ssl_ctx_set_plain_sessions(context)
        // The event library moves its buffers between two tries of a write.
        _ = gw_ssl_ctx_set_mode(context, Int(SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER))
        try trust(settings.authorityFile, in: context, now)
        if let identity = settings.identity { try present(identity, in: context, now) }
        isComplete = true
        return context
    }

    private static func trust(_ path: String, in context: OpaquePointer, _ now: WallTime?) throws(CryptoError) {
        let certificates = try CertificateFile(path)
        try certificates.requireCurrent(now)
        let store = SSL_CTX_get_cert_store(context)
        for certificate in certificates.certificates {
            guard X509_STORE_add_cert(store, certificate) == 1 else { throw .fromLibrary("the authority \(path)") }
        }
    }

    private static func present(_ identity: TLSClientSettings.Identity, in context: OpaquePointer, _ now: WallTime?)
        throws(CryptoError)
    {
        let chain = try CertificateFile(identity.certificateFile)
        try chain.requireCurrentLeaf(now)
        guard SSL_CTX_use_certificate_chain_file(context, identity.certificateFile) == 1 else {
            throw .fromLibrary("the certificate \(identity.certificateFile)")
        }
        let key = try readPrivateKey(identity.keyFile)
        defer { EVP_PKEY_free(key) }
        guard SSL_CTX_use_PrivateKey(context, key) == 1, SSL_CTX_check_private_key(context) == 1 else {
            ERR_clear_error()
            throw .keyMismatch(certificate: identity.certificateFile, key: identity.keyFile)
        }
    }
}
