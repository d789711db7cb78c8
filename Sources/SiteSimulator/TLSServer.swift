// The platform's end of TLS: a context with its certificate, and one stream a connection. Blocking; TLS 1.2 or 1.3.

import COpenSSL
import CSystem
import Foundation

final class TLSContext: @unchecked Sendable {
    // OpenSSL's contexts may be used from several threads once they are set up.
    fileprivate let context: OpaquePointer

    init(certificate: String, key: String) throws(SimulationError) {
        guard let made = SSL_CTX_new(TLS_server_method()) else { throw .tool("SSL_CTX_new", "no memory") }
        context = made
        _ = gw_ssl_ctx_set_min_version(made, TLS1_2_VERSION)
        guard SSL_CTX_use_certificate_chain_file(made, certificate) == 1,
            SSL_CTX_use_PrivateKey_file(made, key, SSL_FILETYPE_PEM) == 1
        else { throw .tool("loading \(certificate)", "it is no certificate with its key") }
    }

    deinit { SSL_CTX_free(context) }
}

final class TLSStream: ByteStream {
    private let descriptor: Int32
    private let ssl: OpaquePointer

    /// Takes the descriptor over; nil when the other side does not agree.
    init?(_ context: TLSContext, descriptor: Int32) {
        guard let made = SSL_new(context.context) else {
            close(descriptor)
            return nil
        }
        self.descriptor = descriptor
        ssl = made
        guard SSL_set_fd(made, descriptor) == 1, SSL_accept(made) == 1 else {
            ERR_clear_error()
            return nil
        }
    }

    deinit {
        SSL_free(ssl)
        close(descriptor)
    }

    func read() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        let count = SSL_read(ssl, &buffer, Int32(buffer.count))
        if count <= 0 { ERR_clear_error() }
        return count > 0 ? Array(buffer.prefix(Int(count))) : nil
    }

    func write(_ bytes: [UInt8]) -> Bool {
        guard !bytes.isEmpty else { return true }
        if SSL_write(ssl, bytes, Int32(bytes.count)) == bytes.count { return true }
        ERR_clear_error()
        return false
    }
}
