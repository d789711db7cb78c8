// A file for a later version: what it may say that is not known here, and what not.

import Domain
import Testing

@testable import Configuration

struct LaterFileTests {
    private let running = ProgramVersion("1.2.3")

    private func told(
        _ more: String, acceptedBy: String? = nil, writtenFor: String? = nil
    ) throws -> (errors: [String], leftAside: [String]) {
        let text = least + "\n" + more + "\n" + (writtenFor.map { "site.written_for = \($0)\n" } ?? "")
        do throws(InvalidConfiguration) {
            let settings = try Settings(
                configuration: Array(text.utf8), running: running ?? .running,
                acceptedBy: acceptedBy.flatMap { ProgramVersion($0) })
            return ([], settings.leftAside)
        } catch {
            return (error.errors.map(\.description), [])
        }
    }

    @Test(arguments: [nil, "1.2.3", "1.2.2", "0.9.9"])
    func aTypoInAFileForThisVersionOrAnEarlierOneIsAnError(_ version: String?) throws {
        for key in ["web.prot = 80", "lane.1.second_curtain_input = 9", "scale.1.port = /dev/ttyS9"] {
            let told = try told(key, acceptedBy: version, writtenFor: version)
            #expect(told.errors.count == 1 && told.errors[0].contains("unknown key"), "\(told)")
        }
    }

    @Test(arguments: ["1.2.4", "1.3.0", "2.0.0", "1.2.10"])
    func whatIsNotKnownOfALaterVersionsFileIsLeftAside(_ version: String) throws {
        for (acceptedBy, writtenFor) in [(version, nil), (nil, version), (version, "1.0.0")] as [(String?, String?)] {
            let told = try told(
                "web.prot = 80\nlane.1.second_curtain_input = 9\nlane.9.direction = entry\nscale.1.secret = s3cret",
                acceptedBy: acceptedBy, writtenFor: writtenFor)
            #expect(told.errors == [])
            #expect(told.leftAside.count == 4)
            #expect(told.leftAside.first == "line 15: web.prot is not known to version \(gatewardenVersion)")
            #expect(!told.leftAside.contains { $0.contains("s3cret") })
        }
    }

    @Test func aDeviceWithAValueThatIsNotKnownIsLeftOutAndTheLaneStays() throws {
        let text =
            least + """

                camera.2.make = dahua
                camera.2.path = /camera/2
                camera.2.lane = 1
                ups.kind = canbus
                ups.port = /dev/ttyS5
                site.written_for = 9.0.0
                """
        let settings = try Settings(configuration: Array(text.utf8))
        #expect(settings.cameras.map(\.number) == [1] && settings.ups == nil && settings.lanes.count == 1)
        #expect(settings.leftAside.count == 2)
        #expect(settings.leftAside[0].hasSuffix("camera 2 is left out"))
    }

    @Test func aSecondUplinkIsLeftOut() throws {
        let second = oneUplink.replacing("uplink.1", with: "uplink.2")
        let told = try Settings(configuration: Array((least + oneUplink + second + "\nsite.written_for = 9.0.0").utf8))
        #expect(told.uplinks.map(\.number) == [1] && told.leftAside.count == 1)
    }

    /// A lane that works by half of what was meant is worse than none; so are the rules and the ledger.
    @Test(arguments: [
        "lane.1.barrier = servo", "lane.1.relay_pulse_ms = 999999", "ledger.when_full = ask", "lines.chip = gpio",
        "web.port = 80000", "not an assignment", "site.device = two words",
    ])
    func everythingElseIsAsStrictAsEver(_ line: String) throws {
        #expect(try !told(line, writtenFor: "9.0.0").errors.isEmpty)
    }

    @Test func aFileThatNeedsALaterVersionIsRefusedAndSaysSo() throws {
        let told = try told("site.needs_version = 1.3.0\nweb.prot = 80", acceptedBy: "1.3.0", writtenFor: "1.3.0")
        #expect(
            told.errors == [
                "line 15: site.needs_version: this is version 1.2.3, and the file needs 1.3.0 or later: install that, "
                    + "or take out what needs it"
            ])
        #expect(try self.told("site.needs_version = 1.2.3").errors == [])
    }

    @Test func aVersionIsThreeNumbers() {
        for text in ["", "1", "1.2", "1.2.3.4", "1..3", "a.b.c", "1.2.3-rc1", "10000.0.0", "-1.0.0"] {
            #expect(ProgramVersion(text) == nil, "\(text)")
        }
        #expect(ProgramVersion("0.10.0") ?? .running > ProgramVersion("0.9.12") ?? .running)
        #expect(ProgramVersion(gatewardenVersion)?.text == gatewardenVersion)
    }
}
