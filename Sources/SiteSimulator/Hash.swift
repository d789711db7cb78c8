// SHA-256 as the site's own checks need it.

import COpenSSL
import Domain

/// Lower-case hexadecimal digits.
func sha256(_ bytes: [UInt8]) -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    _ = SHA256(bytes, bytes.count, &digest)
    return encodeHexadecimal(digest)
}
