// One platform's credentials, from the files that the configuration names. The uplink's own thread reads them, again
// and again while they do not serve: an authority that "expired" before the clock was set serves once it is.

import Configuration
import Crypto
import Domain
import Machine

private let authorityFileLimit = 1_024 * 1_024

/// Why a platform's credentials do not serve.
enum UplinkTrustFault: Error {
    case trust(CryptoError)
    /// The file with the certificates of a platform's authority.
    case authorityFile(MachineError)
    case passwordFile(MachineError)
    /// The file has no password that could be sent: why.
    case password(path: String, reason: String)

    var description: String {
        switch self {
        case .trust(let error): error.description
        case .authorityFile(let error):
            "CA file: \(error.description); put the certificates there that may have signed the platform's, in PEM form"
        case .passwordFile(let error):
            "password file: \(error.description); put the platform's password there, readable for this user only"
        case .password(let path, let reason):
            "password file: \(path): \(reason); put the platform's password into its first line, in UTF-8"
        }
    }
}

struct UplinkTrust {
    let context: TLSClientContext
    let password: String

    init(_ uplink: UplinkSettings, files: any Files, now: WallTime) throws(UplinkTrustFault) {
        let bytes: [UInt8]
        do throws(MachineError) {
            bytes = try files.read(uplink.passwordFile, limit: 1_024)
        } catch { throw .passwordFile(error) }
        let text = String(validating: bytes.prefix { $0 != 0x0A && $0 != 0x0D }, as: UTF8.self)
        guard let text else { throw .password(path: uplink.passwordFile, reason: "is no text in UTF-8") }
        guard !text.isEmpty else { throw .password(path: uplink.passwordFile, reason: "its first line is empty") }
        do throws(MachineError) {
            // OpenSSL opens it again; a pipe or a folder must not come to it.
            _ = try files.read(uplink.caFile, limit: authorityFileLimit)
        } catch { throw .authorityFile(error) }
        do throws(CryptoError) {
            context = try TLSClientContext(
                TLSClientSettings(authorityFile: uplink.caFile, serverName: uplink.url.host), now: now)
        } catch { throw .trust(error) }
        password = text
    }
}
