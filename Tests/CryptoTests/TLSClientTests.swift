import Domain
import Foundation
import Testing

@testable import Crypto

/// A folder with a private CA and what goes with it, made by the openssl command.
private final class Certificates {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gw-tls-\(UUID().uuidString)").path

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.standardError = FileHandle.nullDevice
        process.arguments = [
            "-ec",
            """
            key="-newkey ec -pkeyopt ec_paramgen_curve:P-256"
            openssl req -x509 $key -nodes -keyout ca.key -out ca.pem -days 30 -subj '/CN=Test CA'
            openssl req $key -nodes -keyout old.key -out old.csr -subj '/CN=Old CA'
            openssl x509 -req -in old.csr -signkey old.key -days -1 -out old.pem
            openssl req $key -nodes -keyout lane.key -out lane.csr -subj '/CN=lane'
            openssl x509 -req -in lane.csr -CA ca.pem -CAkey ca.key -days 30 -out lane.pem
            openssl x509 -req -in lane.csr -CA ca.pem -CAkey ca.key -days -1 -out lane-old.pem
            openssl pkey -in lane.key -aes128 -passout pass:secret -out locked.key
            cat old.pem ca.pem > both.pem
            echo 'not a certificate' > text.pem
            """,
        ]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: folder)
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// The error of a context over these files, nil when there is none.
    func fault(_ authority: String, identity: (String, String)? = nil, now: WallTime? = currentTime()) -> CryptoError? {
        let pair = identity.map {
            TLSClientSettings.Identity(certificateFile: path($0.0), keyFile: path($0.1))
        }
        let settings = TLSClientSettings(
            authorityFile: path(authority), serverName: "platform.example", identity: pair)
        do throws(CryptoError) {
            _ = try TLSClientContext(settings, now: now)
            return nil
        } catch {
            return error
        }
    }
}

private func currentTime() -> WallTime {
    WallTime(microseconds: Int64(Date().timeIntervalSince1970) * 1_000_000)
}

@Test func filesThatCannotServeAreRefusedWithTheReasonAndWhatToDo() throws {
    let files = try Certificates()
    #expect(files.fault("ca.pem") == nil)
    #expect(files.fault("ca.pem", identity: ("lane.pem", "lane.key")) == nil)
    let absent = files.fault("absent.pem")
    #expect(absent == .unreadable(path: files.path("absent.pem"), reason: "No such file or directory"))
    #expect(files.fault("text.pem") == .missing(.certificate, path: files.path("text.pem")))
    #expect(files.fault("ca.key") == .missing(.certificate, path: files.path("ca.key")))
    let identity = { (certificate: String, key: String) in files.fault("ca.pem", identity: (certificate, key)) }
    #expect(identity("lane.pem", "ca.pem") == .missing(.privateKey, path: files.path("ca.pem")))
    #expect(identity("lane.pem", "locked.key") == .lockedKey(path: files.path("locked.key")))
    let mismatch = CryptoError.keyMismatch(certificate: files.path("lane.pem"), key: files.path("ca.key"))
    #expect(identity("lane.pem", "ca.key") == mismatch)
    #expect(absent?.description.contains("check the path") == true)
}

@Test func certificatesThatEndedAreRefusedUnlessTheClockIsNotSet() throws {
    let files = try Certificates()
    guard case .expired(let path, let until)? = files.fault("old.pem") else {
        Issue.record("\(String(describing: files.fault("old.pem")))")
        return
    }
    #expect(path == files.path("old.pem"))
    let yesterday = WallTime(microseconds: currentTime().microseconds - 86_400_000_000)
    #expect(until == CivilTime(yesterday, offsetMinutes: 0).dateText)
    #expect(files.fault("old.pem", now: nil) == nil)
    guard case .expired? = files.fault("ca.pem", identity: ("lane-old.pem", "lane.key")) else {
        Issue.record("an expired own certificate was taken")
        return
    }
}

@Test func authorityFileMayHoldAnEndedCertificateBesideACurrentOne() throws {
    #expect(try Certificates().fault("both.pem") == nil)
}

@Test func handleIsMadeForNamesAndAddressesAndNoHandleForAnImpossibleName() throws {
    let files = try Certificates()
    for (name, isPossible) in [
        ("platform.example", true), ("192.0.2.7", true), ("2001:db8::7", true),
        (String(repeating: "x", count: 300), false),
    ] {
        let settings = TLSClientSettings(authorityFile: files.path("ca.pem"), serverName: name)
        let context = try TLSClientContext(settings, now: nil)
        #expect((context.makeHandle() != nil) == isPossible, "\(name)")
    }
}
