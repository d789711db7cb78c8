// The folder of one run: certificates, register, lists, password, configuration. Made afresh each time.

import CSystem
import Foundation

public struct SiteFiles: Sendable {
    public let folder: String
    public var state: String { folder + "/state" }
    public var configuration: String { folder + "/gatewarden.conf" }
    public var log: String { folder + "/controller.log" }
    var certificate: String { folder + "/platform.pem" }
    var key: String { folder + "/platform.key" }
    var authority: String { folder + "/ca.pem" }
    let socket: String

    private static let mark = "/.gwsim"

    /// Empties a folder that an earlier run made; refuses any other that is not empty.
    public init(folder: String) throws(SimulationError) {
        let manager = FileManager.default
        let whole = URL(fileURLWithPath: folder).standardizedFileURL.path
        self.folder = whole
        if let content = try? manager.contentsOfDirectory(atPath: whole), !content.isEmpty {
            guard manager.fileExists(atPath: whole + SiteFiles.mark) else {
                throw .folder(whole, "is not empty and not from an earlier run: name another one, or remove it")
            }
            guard (try? manager.removeItem(atPath: whole)) != nil else { throw .folder(whole, "cannot be emptied") }
        }
        guard (try? manager.createDirectory(atPath: whole, withIntermediateDirectories: true)) != nil else {
            throw .folder(whole, "cannot be made")
        }
        // A socket's path has at most 107 bytes.
        socket =
            whole.utf8.count < 90
            ? whole + "/lines.sock" : "/tmp/gwsim-\(getpid())-lines.sock"
        try write(".gwsim", "made by gwsim; emptied by its next run\n")
    }

    func write(_ name: String, _ text: String) throws(SimulationError) {
        let path = folder + "/" + name
        guard FileManager.default.createFile(atPath: path, contents: Data(text.utf8)) else {
            throw .folder(path, "cannot be written")
        }
    }

    /// A private authority, and the platform's certificate for 127.0.0.1 signed by it.
    func makeCertificates() throws(SimulationError) {
        try write("platform.ext", "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        try openssl(
            ["req", "-x509"] + curve + [
                "-keyout", folder + "/ca.key", "-out", authority, "-days", "3650", "-subj", "/CN=gwsim authority",
            ]
        )
        try openssl(
            ["req"] + curve + ["-keyout", key, "-out", folder + "/platform.csr", "-subj", "/CN=gwsim platform"]
        )
        try openssl([
            "x509", "-req", "-in", folder + "/platform.csr", "-CA", authority, "-CAkey", folder + "/ca.key",
            "-set_serial", "1", "-days", "825", "-extfile", folder + "/platform.ext", "-out", certificate,
        ])
    }

    private func openssl(_ arguments: [String]) throws(SimulationError) {
        let output = folder + "/openssl.log"
        let end = try ChildProcess.run(["openssl"] + arguments, seconds: 30, outputPath: output)
        guard end == .exited(0) else {
            let said = (try? String(contentsOfFile: output + ".err", encoding: .utf8)) ?? ""
            throw .tool("openssl \(arguments[0])", said.trimmingCharacters(in: .whitespacesAndNewlines))
        }
    }
}

/// The lane's times in the controller's configuration, in milliseconds.
public struct LaneTimes: Sendable {
    public var verdictDeadline: Int
    public var closeDelay: Int
    public var armTravel: Int
    /// When a limit switch that has not come is a fault.
    public var armLimit: Int { 2 * armTravel + 200 }
    public var relayPulse: Int
    public var deadTime: Int
    public var backOut: Int
    public var axleGap: Int

    /// Within the ranges that the configuration allows, however fast the run.
    public init(speed: Double) {
        func scaled(_ milliseconds: Int, _ least: Int) -> Int { max(least, Int(Double(milliseconds) / speed)) }
        verdictDeadline = scaled(3_000, 1_500)
        closeDelay = scaled(300, 200)
        armTravel = scaled(400, 310)
        relayPulse = 300
        deadTime = 200
        backOut = scaled(400, 250)
        axleGap = scaled(200, 100)
    }
}

func configurationText(
    files: SiteFiles, times: LaneTimes, webPort: UInt16, platformPort: UInt16, signPaths: [String],
    readerPaths: [String] = []
) -> String {
    """
    # Written by gwsim for a simulated site. Times are shorter than at a real gate.
    site.enterprise_id = 410100SIM001
    site.enterprise_name = 示例钢铁有限公司
    site.device = gwsim-gate-1

    lines.backend = socket
    lines.socket = \(files.socket)
    web.address = 127.0.0.1
    web.port = \(webPort)

    \(signPaths.enumerated().map { laneText(number: $0.offset + 1, times, signPath: $0.element) }.joined())
    \(readerPaths.enumerated().map { readerText(number: $0.offset + 1, path: $0.element) }.joined())
    register.vehicles = \(files.folder)/vehicles.csv
    register.lists = \(files.folder)/lists.csv
    policy.minimum_stage = 5

    uplink.1.url = https://127.0.0.1:\(platformPort)
    uplink.1.organ = \(PlatformBook.organ)
    uplink.1.username = \(PlatformBook.username)
    uplink.1.password_file = \(files.folder)/platform.password
    uplink.1.ca_file = \(files.authority)
    uplink.1.witness_member = \(PlatformBook.witnessMember)
    uplink.1.retry_first_ms = 200
    uplink.1.retry_limit_ms = 2000

    """
}

private func readerText(number: Int, path: String) -> String {
    """
    reader.\(number).port = \(path)
    reader.\(number).lane = \(number)
    reader.\(number).protocol = r2000
    reader.\(number).poll_ms = 50
    reader.\(number).wait_ms = 400


    """
}

private func laneText(number: Int, _ times: LaneTimes, signPath: String) -> String {
    """
    lane.\(number).direction = entry
    lane.\(number).entrance_gate = A
    lane.\(number).gate_code = A0\(number)
    lane.\(number).verdict_deadline_ms = \(times.verdictDeadline)
    lane.\(number).back_out_ms = \(times.backOut)
    lane.\(number).axle_gap_ms = \(times.axleGap)
    lane.\(number).close_delay_ms = \(times.closeDelay)
    lane.\(number).raise_travel_ms = \(times.armLimit)
    lane.\(number).lower_travel_ms = \(times.armLimit)
    lane.\(number).relay_pulse_ms = \(times.relayPulse)
    lane.\(number).dead_time_ms = \(times.deadTime)
    lane.\(number).unattended_s = 5
    lane.\(number).open_limit_input = OPEN\(number)
    lane.\(number).closed_limit_input = CLOSED\(number)
    camera.\(2 * number - 1).make = vzenith
    camera.\(2 * number - 1).path = /camera/\(2 * number - 1)
    camera.\(2 * number - 1).lane = \(number)
    camera.\(2 * number).make = hikvision
    camera.\(2 * number).path = /camera/\(2 * number)
    camera.\(2 * number).lane = \(number)
    sign.\(number).port = \(signPath)
    sign.\(number).lane = \(number)


    """
}
