// Which version has accepted which configuration.

import Configuration
import Crypto
import Domain
import Foundation
import Machine
import Testing

@testable import Controller

struct AcceptedConfigurationTests {
    private let folder = NSTemporaryDirectory() + "gw-accepted-" + UUID().uuidString
    private let text = Array(
        """
        site.enterprise_id = TEST0001
        site.enterprise_name = 测试企业
        site.device = gate-1
        lane.1.direction = entry
        lane.1.entrance_gate = A
        lane.1.gate_code = 01
        lane.1.approach_input = 4
        lane.1.safety_input = 5
        lane.1.raise_output = 17
        lane.1.lower_output = 27
        policy.minimum_stage = 5

        """.utf8)

    private func version(of text: [UInt8]) -> ProgramVersion? {
        AcceptedConfiguration.version(of: text, stateFolder: folder, files: DiskFiles())
    }

    private func keep(_ text: [UInt8]) throws {
        AcceptedConfiguration.keep(
            try Settings(configuration: text), SHA256.digest(text), stateFolder: folder, files: DiskFiles(),
            log: Log(offsetMinutes: 480))
    }

    @Test func whatAVersionHasAcceptedIsKnownOfThatVeryTextOnly() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        #expect(version(of: text) == nil)
        try keep(text)
        #expect(version(of: text) == .running)
        #expect(version(of: text + [0x0A]) == nil)
        let other = text + Array("lane.1.nothing = 1\nsite.written_for = 9999.0.0\n".utf8)
        try keep(other)
        #expect(version(of: other) == nil && version(of: text) == .running)
    }

    @Test(arguments: ["", "\n", "9.0.0", "9.0.0 ", "noise noise noise", "9.0.0 \(String(repeating: "0", count: 64))"])
    func whatIsNoSuchLineSaysNothing(_ line: String) throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        try Data(line.utf8).write(to: URL(fileURLWithPath: AcceptedConfiguration.path(folder)))
        #expect(version(of: text) == nil)
    }
}
