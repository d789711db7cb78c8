// Which version has started on which configuration text and known all of it: a line in the state folder. An earlier
// version that is started again on that very text takes what it does not know of it for the later one's, and no typo.
//
// Limits: one line, `VERSION SHA-256`. What cannot be read or written says nothing, and stops nothing.

import Configuration
import Crypto
import Domain
import Machine

public enum AcceptedConfiguration {
    private static let limit = 100

    static func path(_ stateFolder: String) -> String { stateFolder + "/accepted-configuration" }

    /// The version that has accepted this text; nil when none is known to have.
    public static func version(of text: [UInt8], stateFolder: String, files: any Files) -> ProgramVersion? {
        guard let words = words(stateFolder, files), words.count == 2,
            words[1] == SHA256.digest(text).hexadecimal
        else { return nil }
        return ProgramVersion(words[0])
    }

    /// Once it runs. Writes only what is new.
    static func keep(_ settings: Settings, _ digest: Digest, stateFolder: String, files: any Files, log: Log) {
        let line = gatewardenVersion + " " + digest.hexadecimal
        guard settings.leftAside.isEmpty, words(stateFolder, files) ?? [] != [gatewardenVersion, digest.hexadecimal]
        else { return }
        do throws(MachineError) {
            try files.writeDurably(Array((line + "\n").utf8), to: path(stateFolder))
        } catch {
            log.warning("the version that accepted the configuration is not kept: \(error.description)")
        }
    }

    private static func words(_ stateFolder: String, _ files: any Files) -> [String]? {
        guard files.exists(path(stateFolder)) else { return nil }
        do throws(MachineError) {
            let line = try files.read(path(stateFolder), limit: limit).prefix { $0 != 0x0A }
            return line.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
        } catch {
            return nil
        }
    }
}
