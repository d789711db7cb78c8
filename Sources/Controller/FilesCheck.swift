// Whether the files that the configuration names can be used, for `gatewarden check`. A start goes on without them,
// with a fault on show; who installs wants to see it before.

import Configuration
import Crypto
import Domain
import Machine
import Registry

public func filesChecks(_ settings: Settings, files: any Files, clock: any Clock) -> [BoardCheck] {
    var checks: [BoardCheck] = []
    func check(_ what: String, _ fault: String?) {
        checks.append(BoardCheck(what: what, holds: fault == nil, advice: fault ?? ""))
    }
    for uplink in settings.uplinks {
        var fault: String?
        do throws(UplinkTrustFault) {
            _ = try UplinkTrust(uplink, files: files, now: clock.wall())
        } catch { fault = error.description }
        check("the password and the certificates of uplink \(uplink.number) can be used", fault)
    }
    let offset = settings.site.utcOffsetMinutes
    if let file = settings.register.vehicles {
        check(
            "the vehicles of \(file) can be imported",
            importFault(file, offset, files) { (database, bytes, digest) throws(RegistryError) in
                _ = try database.importVehicles(bytes, digest: digest, at: clock.wall())
            })
    }
    if let file = settings.register.lists {
        check(
            "the lists of \(file) can be imported",
            importFault(file, offset, files) { (database, bytes, digest) throws(RegistryError) in
                _ = try database.importLists(bytes, digest: digest, at: clock.wall())
            })
    }
    return checks
}

/// Into a register that is thrown away.
private func importFault(
    _ file: String, _ offsetMinutes: Int, _ files: any Files,
    _ take: (RegisterDatabase, [UInt8], Digest) throws(RegistryError) -> Void
) -> String? {
    do throws(MachineError) {
        let bytes = try files.read(file, limit: TableLimits.fileBytes)
        do throws(RegistryError) {
            try take(RegisterDatabase(path: ":memory:", offsetMinutes: offsetMinutes), bytes, SHA256.digest(bytes))
            return nil
        } catch {
            return error.description
        }
    } catch {
        return error.description
    }
}
