// Which OpenSSL is inside, for `--version`.

import COpenSSL

public func openSSLVersion() -> String {
    String(cString: OpenSSL_version(OPENSSL_VERSION))
}
