// Joins Crypto's TLS to Machine's HTTP client, which know nothing of each other.

import Crypto
import Machine

extension SecureLayer {
    /// Each connection gets its own handle of this context.
    public init(_ context: TLSClientContext) {
        self.init(
            makeHandle: { context.makeHandle() },
            failure: { TLSClientContext.failure(of: $0, code: $1) }
        )
    }
}
