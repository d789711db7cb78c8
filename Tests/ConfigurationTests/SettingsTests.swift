import Domain
import Testing

@testable import Configuration

/// The least configuration that is right: a lane, a camera, the site and the rule.
let least = """
    site.enterprise_id = TEST0001
    site.enterprise_name = 测试企业
    site.device = gate-1
    lane.1.direction = entry
    lane.1.entrance_gate = A
    lane.1.gate_code = 01
    lane.1.approach_input = 4
    lane.1.safety_input = SAFETY
    lane.1.raise_output = 17
    lane.1.lower_output = 27
    camera.1.make = vzenith
    camera.1.path = /camera/1
    camera.1.lane = 1
    policy.minimum_stage = 5
    """

let oneUplink = """

    uplink.1.url = https://platform.example:8443/mjapi/
    uplink.1.organ = ORGAN
    uplink.1.username = user
    uplink.1.password_file = /etc/gatewarden/password
    uplink.1.ca_file = /etc/gatewarden/ca.pem
    """

let oneSign = "\nsign.1.port = /dev/ttyS1\nsign.1.lane = 1\n"

let oneReader = "\nreader.1.port = /dev/ttyS3\nreader.1.lane = 1\nreader.1.protocol = uhfreader18\n"

/// A second lane with an arm of its own.
let secondLane = """

    lane.2.direction = exit
    lane.2.entrance_gate = A
    lane.2.gate_code = 02
    lane.2.approach_input = 5
    lane.2.safety_input = 6
    lane.2.raise_output = 18
    lane.2.lower_output = 28
    """

/// A second lane of the first one's arm.
let sharingLane = """

    lane.2.direction = exit
    lane.2.entrance_gate = A
    lane.2.gate_code = 02
    lane.2.shares_arm_with = 1
    lane.2.layout = opposed
    lane.2.approach_input = 5
    lane.2.red_output = 30
    """

func errors(in text: String) -> [String] {
    errors(inBytes: Array(text.utf8)).map(\.description)
}

func errors(inBytes bytes: [UInt8]) -> [ConfigurationError] {
    do throws(InvalidConfiguration) {
        _ = try Settings(configuration: bytes)
        return []
    } catch {
        return error.errors
    }
}

struct SettingsTests {
    @Test func theLeastConfigurationTakesEveryDefault() throws {
        let settings = try Settings(configuration: Array(least.utf8))
        #expect(settings.site.enterpriseName == "测试企业")
        #expect(settings.site.utcOffsetMinutes == 480)
        let lane = try #require(settings.lanes.first)
        #expect(settings.lanes.count == 1 && lane.id == LaneID(0) && lane.number == 1)
        #expect(lane.direction == .entry && lane.entranceGate == "A" && lane.gateCode == "01")
        let arm = try #require(lane.arm)
        #expect(arm.timings.verdictDeadline == .seconds(3))
        #expect(arm.timings.authorisedWindow == .seconds(30))
        #expect(arm.timings.backOut == .milliseconds(1_500) && arm.timings.axleGap == .milliseconds(1_200))
        #expect(arm.timings.closeDelay == .seconds(1))
        #expect(arm.timings.raiseTravel == .seconds(4) && arm.timings.lowerTravel == .seconds(4), "class O")
        #expect(arm.timings.relayPulse == .milliseconds(500))
        #expect(arm.timings.deadTime == .milliseconds(300))
        #expect(arm.drive == .pulse && !arm.trustsGaps && !arm.queuesThrough && arm.attempts == 2)
        #expect(lane.inputs.map(\.input) == [.approach, .safety])
        #expect(lane.inputs.map(\.line) == [.offset(4), .name("SAFETY")])
        #expect(lane.inputs.allSatisfy { !$0.isActiveHigh } && lane.outputs.map(\.relay) == [.raise, .lower])
        #expect(lane.sharing == nil && lane.holdOpen.isEmpty)
        #expect(settings.lines.backend == .gpio(chip: "/dev/gpiochip0"))
        #expect(settings.lines.debounce == .milliseconds(20))
        #expect(settings.web.address == "127.0.0.1" && settings.web.port == 8_080)
        #expect(settings.web.bodyLimitBytes == 8 * 1_024 * 1_024)
        #expect(settings.cameras.first?.lead == .seconds(3))
        #expect(settings.policy.minimumStage == .china5)
        #expect(settings.register.vehicles == nil && settings.console.socket == nil && settings.watchdog.device == nil)
        #expect(settings.realtime.lanePriority == 80 && settings.realtime.laneCPU == nil)
        #expect(settings.realtime.locksMemory)
        #expect(settings.uplinks.isEmpty && settings.signs.isEmpty && settings.backup == nil)
        #expect(settings.readers.isEmpty)
    }

    @Test func aReaderIsReadWholeAndItsTagAloneNamesNobodyUnlessAsked() throws {
        let reader = try #require(try Settings(configuration: Array((least + oneReader).utf8)).readers.first)
        #expect(reader.number == 1 && reader.port == "/dev/ttyS3" && reader.lane == LaneID(0))
        #expect(reader.language == .uhfReader18 && reader.baud == nil && reader.address == 255)
        #expect(reader.poll == .milliseconds(200) && reader.minimumReads == 2 && reader.minimumDBm == nil)
        #expect(reader.before == .seconds(3) && reader.wait == .milliseconds(500) && reader.forget == .seconds(60))
        #expect(reader.aloneAfter == nil)
        let text =
            least + "\nreader.2.port = /dev/ttyS3\nreader.2.lane = 1\nreader.2.protocol = m100\n"
            + "reader.2.minimum_dbm = -60\nreader.2.baud = 9600\nreader.2.identifies = yes\n"
        let other = try #require(try Settings(configuration: Array(text.utf8)).readers.first)
        #expect(other.number == 2 && other.language == .m100 && other.minimumDBm == -60 && other.baud == 9_600)
        #expect(other.aloneAfter == .milliseconds(1_500))
    }

    @Test func aBackupIsScheduledOnceItHasAFolder() throws {
        let least = least + "\nbackup.folder = /mnt/usb/gate-1/\n"
        let backup = try #require(try Settings(configuration: Array(least.utf8)).backup)
        #expect(backup.folder == "/mnt/usb/gate-1" && backup.minuteOfDay == 210 && backup.fullDay == .sunday)
        #expect(backup.fullsKept == 2 && backup.bytesPerSecond == 4 << 20 && backup.retry == .seconds(600))
        #expect(!backup.allowsOwnDisk)
        let other = least + "backup.time = 00:00\nbackup.full_day = wednesday\nbackup.same_disk = yes\n"
        let changed = try #require(try Settings(configuration: Array(other.utf8)).backup)
        #expect(changed.minuteOfDay == 0 && changed.fullDay == .wednesday && changed.allowsOwnDisk)
        for time in ["24:00", "3:30", "03:60", "noon", "03:30-04:00"] {
            #expect(errors(in: least + "backup.time = \(time)\n").count == 1, "\(time)")
        }
    }

    @Test func anUplinkAndASignAreReadWhole() throws {
        let settings = try Settings(configuration: Array((least + oneUplink + oneSign).utf8))
        let uplink = try #require(settings.uplinks.first)
        #expect(uplink.url == ServiceURL("https://platform.example:8443/mjapi"))
        #expect(uplink.url.host == "platform.example" && uplink.url.port == 8_443 && uplink.url.prefix == "/mjapi")
        #expect(uplink.retryFirst == .seconds(1) && uplink.retryLimit == .seconds(60))
        #expect(uplink.refusalsBeforeQuarantine == 5)
        #expect(uplink.duplicateWords == ["重复", "已存在", "duplicate"])
        let sign = try #require(settings.signs.first)
        #expect(sign.port == "/dev/ttyS1" && sign.baud == 9_600 && sign.address == 0 && sign.expectsAcknowledgement)
    }

    @Test func commentsBlanksByteOrderMarkAndCarriageReturnsAreNoContent() throws {
        let text = least.split(separator: "\n").map { "  \($0)\t# why\r\n\n # a line of its own\r" }
            .joined(separator: "\n")
        let settings = try Settings(configuration: [0xEF, 0xBB, 0xBF] + Array(text.utf8))
        #expect(settings.site.device == "gate-1")
        let named = least.replacing("= 测试企业", with: "= 企业#1厂")
        #expect(try Settings(configuration: Array(named.utf8)).site.enterpriseName == "企业#1厂")
    }

    @Test func aSimulatedSiteSaysHighForAVehicle() throws {
        let text = least + "\nlines.backend = socket\nlines.socket = /tmp/lines.sock"
        let settings = try Settings(configuration: Array(text.utf8))
        #expect(settings.lines.backend == .socket(path: "/tmp/lines.sock"))
        #expect(settings.lanes[0].inputs.allSatisfy { $0.isActiveHigh && $0.line == nil })
        #expect(settings.lanes[0].outputs.map(\.relay) == [.raise, .lower, .green, .red])
        let wired = least + "\nlane.1.safety_active = high"
        let inputs = try Settings(configuration: Array(wired.utf8)).lanes[0].inputs
        #expect(inputs.map(\.isActiveHigh) == [false, true])
    }

    @Test func noneUnsetsAnOptionalKeyAndNoOther() throws {
        let settings = try Settings(configuration: Array((least + "\nwatchdog.device = none\n").utf8))
        #expect(settings.watchdog.device == nil)
        #expect(errors(in: least + "\nweb.port = none\n").count == 1)
    }

    @Test(arguments: [
        ("https://a", true), ("https://a:1/x/y", true), ("https://10.0.0.1:65535", true), ("http://a", false),
        ("https://", false), ("https://a:0", false), ("https://a:65536", false), ("https://a:1:2", false),
        ("https://a b", false), ("https://user@a", false), ("https://a/x?y", false), ("https://-a", false),
    ])
    func onlyAnHttpsAddressIsAPlatform(text: String, isRight: Bool) {
        #expect((ServiceURL(text) != nil) == isRight)
    }
}

struct ErrorTests {
    @Test(arguments: [
        ("\nweb.prot = 80", "line 15: unknown key 'web.prot'; the nearest known key is 'web.port'"),
        (
            "\nlane.1.gatecode = 2",
            "line 15: unknown key 'lane.1.gatecode'; the nearest known key is 'lane.1.gate_code'"
        ),
        ("\nnothing.like.it = 2", "line 15: unknown key 'nothing.like.it'; 'gwctl config keys' lists those that exist"),
        (
            "\nlane.N.gate_code = 2",
            "line 15: unknown key 'lane.N.gate_code'; the nearest known key is 'lane.1.gate_code'"
        ),
        ("\nlane.9.gate_code = 2", "line 15: the number in 'lane.9.gate_code' is out of range; allowed: 1 to 8"),
        ("\nlane.01.gate_code = 2", "line 15: the number in 'lane.01.gate_code' is out of range; allowed: 1 to 8"),
        ("\nlane.1.gate_code = 02", "line 15: lane.1.gate_code is already set on line 6; keep one of the two"),
        ("\nlane.1.dead_time_ms = 5001", "line 15: lane.1.dead_time_ms = 5001 is not allowed; allowed: 0 to 5000 ms"),
        (
            "\nlane.1.axle_gap_ms = 1500",
            "line 15: lane.1.axle_gap_ms: 1500 must be less than lane.1.back_out_ms, which is 1500"
        ),
        (
            "\nlane.1.attempts = 5\nlane.1.verdict_deadline_ms = 1000",
            "line 15: lane.1.attempts: 5 attempts need 1500 ms, and lane.1.verdict_deadline_ms is 1000: "
                + "take fewer, or a longer deadline"
        ),
        ("\nlane.1.layout = opposed", "line 15: lane.1.layout: is only for a lane with lane.1.shares_arm_with"),
        (
            "\nlane.1.hold_open = 06:00-25:00",
            "line 15: lane.1.hold_open = 06:00-25:00 is not allowed; "
                + "allowed: 1 to 8 times HH:MM-HH:MM between commas, or none"
        ),
        ("\nrealtime.lane_priority = 1", "line 15: realtime.lane_priority = 1 is not allowed; allowed: 2 to 99"),
        ("\nrealtime.lock_memory = true", "line 15: realtime.lock_memory = true is not allowed; allowed: yes or no"),
        ("\nweb.address = localhost", "line 15: web.address = localhost is not allowed; allowed: an IPv4 address"),
        ("\nweb.port", "line 15: not understood; allowed: key = value, or a comment that starts with #"),
        ("\nweb.port =", "line 15: not understood; allowed: key = value, or a comment that starts with #"),
        ("\nweb.port = 8\u{0}1", "line 15: not readable as text; save the file as UTF-8 without control characters"),
        (
            "\nlane.1.raise_travel_ms = 400",
            "lane.1.relay_pulse_ms: 500 must be less than lane.1.raise_travel_ms, which is 400"
        ),
        ("\nlane.1.green_output = 17", "line 15: lane.1.green_output: the line is already used by lane.1.raise_output"),
        ("\nlines.backend = socket", "lines.socket: must name a socket, because lines.backend is socket"),
        (
            "\ncamera.2.make = hikvision\ncamera.2.path = /camera/1\ncamera.2.lane = 1",
            "line 16: camera.2.path: camera 1 pushes to the same path"
        ),
        (
            "\ncamera.2.make = hikvision\ncamera.2.path = /camera/2\ncamera.2.lane = 2",
            "line 17: camera.2.lane: there is no lane 2 in this configuration"
        ),
        (
            "\nsign.1.lane = 1",
            "sign.1.port is not set and has no default; allowed: an absolute path of at most 107 bytes"
        ),
        (
            oneSign + "sign.2.port = /dev/ttyS1\nsign.2.lane = 2" + secondLane,
            "line 17: sign.2.port: sign 1 has that port"
        ),
        (
            oneSign + "reader.1.port = /dev/ttyS1\nreader.1.lane = 1\nreader.1.protocol = r2000",
            "line 17: reader.1.port: sign 1 has that port"
        ),
        (
            oneReader + "ups.kind = q1\nups.port = /dev/ttyS3",
            "line 15: reader.1.port: the UPS has that port"
        ),
        (
            oneReader + "reader.2.port = /dev/ttyS4\nreader.2.lane = 1\nreader.2.protocol = m100",
            "line 19: reader.2.lane: reader 1 sees the vehicles of lane 1 already"
        ),
        (
            oneReader + "reader.1.minimum_dbm = -60",
            "line 18: reader.1.minimum_dbm: uhfreader18 tells no strength in dBm; set minimum_reads instead"
        ),
        (
            oneReader + "lane.1.verdict_deadline_ms = 1500\nreader.1.identifies = yes",
            "reader.1.alone_ms: 1500 must be less than lane.1.verdict_deadline_ms, which is 1500"
        ),
        (
            "\nreader.1.port = /dev/ttyS3\nreader.1.lane = 1",
            "reader.1.protocol is not set and has no default; allowed: r2000, uhfreader18, uhfreader86 or m100"
        ),
        (
            "\nups.kind = q1",
            "ups.port: must name a serial port, because ups.kind is q1"
        ),
        (
            oneSign + "\nups.kind = q1\nups.port = /dev/ttyS1",
            "line 19: ups.port: sign 1 has that port"
        ),
        (
            "\nups.kind = contact\nups.end_after_minutes = 100",
            "line 15: ups.kind: a contact is named by lane.N.mains_fail_input, and no lane names one"
        ),
        (
            "\nlane.1.mains_fail_input = 9\nups.kind = contact",
            "ups.end_after_minutes: must be set, because a contact tells nothing of the battery"
        ),
        (
            oneUplink + "\nuplink.1.retry_first_ms = 2000\nuplink.1.retry_limit_ms = 1000",
            "line 20: uplink.1.retry_first_ms: 2000 must not be more than uplink.1.retry_limit_ms, which is 1000"
        ),
        (
            "\n"
                + least.split(separator: "\n").filter { $0.starts(with: "lane.1.") }.joined(separator: "\n")
                .replacing("lane.1", with: "lane.2").replacing(" 4", with: " 5").replacing("SAFETY", with: "6")
                .replacing("17", with: "18").replacing("27", with: "28"),
            "line 17: lane.2.gate_code: lane 1 has the same entrance gate, gate code and direction"
        ),
    ])
    func aMistakeIsNamedOnceWithWhatIsAllowed(addition: String, message: String) {
        #expect(errors(in: least + addition) == [message])
    }

    @Test func everyMandatoryKeyIsMissedByName() {
        for line in least.split(separator: "\n") where !line.starts(with: "lane.1.") {
            let key = String(line.prefix { $0 != " " })
            let found = errors(in: least.replacing(line, with: ""))
            #expect(found.count == 1 && found[0].hasPrefix("\(key) is not set and has no default"), "\(key): \(found)")
        }
    }

    @Test func aGpioLaneNeedsItsLoopsAndRelays() {
        for key in ["approach_input", "safety_input", "raise_output", "lower_output"] {
            let lines = least.split(separator: "\n").filter { !$0.contains(key) }.joined(separator: "\n")
            #expect(errors(in: lines) == ["lane.1.\(key): must name a line, because lines.backend is gpio"])
            #expect(errors(in: lines + "\nlines.backend = socket\nlines.socket = /tmp/lines.sock").isEmpty)
        }
    }

    @Test func aClassGivesTheTravelAndALimitSwitchTwiceThat() throws {
        for (name, time) in [("F", UInt64(1_400)), ("O", 4_000), ("S", 5_000)] {
            let text = least + "\nlane.1.arm_class = \(name)\nlane.1.open_limit_input = 7"
            let timings = try #require(Settings(configuration: Array(text.utf8)).lanes[0].arm?.timings)
            #expect(timings.raiseTravel == .milliseconds(2 * time) && timings.lowerTravel == .milliseconds(time))
        }
    }

    @Test func everyContactAndRelayIsTakenWithItsLevel() throws {
        var text = least
        var line = 100
        for input in LaneInput.allCases where input != .approach && input != .safety {
            text += "\nlane.1.\(input.rawValue)_input = \(line)\nlane.1.\(input.rawValue)_active = high"
            line += 1
        }
        for relay in LaneRelay.allCases where relay != .raise && relay != .lower {
            text += "\nlane.1.\(relay.rawValue)_output = \(line)"
            line += 1
        }
        let lane = try Settings(configuration: Array(text.utf8)).lanes[0]
        #expect(lane.inputs.map(\.input) == LaneInput.allCases && lane.outputs.map(\.relay) == LaneRelay.allCases)
        #expect(lane.inputs.map(\.isActiveHigh) == [false, false] + Array(repeating: true, count: 12))
        #expect(lane.arm?.trustsGaps == true, "a light curtain sees under the trailer")
    }

    @Test func theSecondLaneOfAnArmHasItsOwnLoopAndLamps() throws {
        let lanes = try Settings(configuration: Array((least + sharingLane).utf8)).lanes
        #expect(lanes[1].arm == nil && lanes[1].sharing?.with == LaneID(0) && lanes[1].sharing?.layout == .opposed)
        #expect(lanes[1].inputs.map(\.input) == [.approach] && lanes[1].outputs.map(\.relay) == [.red])
    }

    @Test(arguments: [
        ("\nlane.2.raise_output = 40", "lane.2.raise_output: belongs to the arm: set lane.1.raise_output instead"),
        ("\nlane.2.close_delay_ms = 900", "lane.2.close_delay_ms: belongs to the arm"),
        ("\nlane.2.safety_input = 41", "lane.2.safety_input: belongs to the arm"),
        (
            "\nlane.3.direction = exit\nlane.3.entrance_gate = B\nlane.3.gate_code = 03\nlane.3.shares_arm_with = 1\n"
                + "lane.3.layout = opposed\nlane.3.approach_input = 50", "lane 2 shares that arm already"
        ),
    ])
    func whatASecondLaneMayNotHaveIsNamed(addition: String, message: String) {
        let found = errors(in: least + sharingLane + addition)
        #expect(found.count == 1 && found[0].contains(message), "\(found)")
    }

    @Test func aLaneSharesAnArmWithALaneThatHasOne() {
        let wrong: [(String, String, String)] = [
            ("shares_arm_with = 1", "shares_arm_with = 2", "name another lane"),
            ("shares_arm_with = 1", "shares_arm_with = 7", "name another lane"),
            ("direction = exit", "direction = entry", "one entry and one exit"),
            ("lane.2.layout = opposed\n", "", "must be opposed or parallel"),
            ("layout = opposed", "layout = parallel", "lane.2.safety_input: must name a line"),
        ]
        for (text, instead, message) in wrong {
            let found = errors(in: least + sharingLane.replacing(text, with: instead))
            #expect(found.contains { $0.contains(message) }, "\(instead): \(found)")
        }
    }

    @Test func oneFireContactMayServeSeveralLanesAndOneLoopMayNot() {
        let shared = least + secondLane + "\nlane.1.fire_input = 60\nlane.2.fire_input = 60"
        #expect(errors(in: shared) == [])
        #expect(errors(in: least + secondLane + "\nlane.1.radar_input = 60\nlane.2.radar_input = 60").count == 1)
        #expect(errors(in: least + secondLane + "\nlane.1.fire_input = 60\nlane.2.tamper_input = 60").count == 1)
    }

    @Test func theHoursOfAHoldMayGoOverMidnight() throws {
        let text = least + "\nlane.1.hold_open = 06:00-07:30, 22:00-02:00"
        let hours = try Settings(configuration: Array(text.utf8)).lanes[0].holdOpen
        func isHeld(_ hour: Int, _ minute: Int) -> Bool { hours.contains { $0.contains(minute: hour * 60 + minute) } }
        #expect(hours.count == 2 && isHeld(6, 0) && isHeld(7, 29) && !isHeld(7, 30) && isHeld(23, 59) && isHeld(0, 0))
        #expect(isHeld(1, 59) && !isHeld(2, 0))
    }

    @Test func anEmptyTextIsAskedForALane() {
        #expect(errors(in: "").contains { $0.contains("at least one lane") })
    }

    @Test func allErrorsAreToldAtOnceUpToTwenty() throws {
        let bad = (1...30).map { "bad.key\($0) = 1" }.joined(separator: "\n")
        do throws(InvalidConfiguration) {
            _ = try Settings(configuration: Array((least + "\n" + bad).utf8))
            Issue.record("accepted")
        } catch {
            #expect(error.errors.count == 20 && error.omitted == 10)
            #expect(error.errors.map(\.line) == Array(15...34))
        }
    }

    @Test func whatIsTooLongOrNoTextIsRefused() {
        #expect(errors(in: least + "\n# " + String(repeating: "x", count: 1_100)).first?.contains("1024 bytes") == true)
        #expect(errors(in: String(repeating: "\n", count: 5_000)).contains { $0.contains("4000 lines") })
        #expect(errors(inBytes: Array(least.utf8) + [0x0A, 0x23, 0xC3, 0x28]).map(\.reason) == [.notText])
    }

    @Test func aLaneTakesFourCamerasAndNoFifth() {
        func cameras(_ count: Int) -> String {
            (2...count).map { "\ncamera.\($0).make = vzenith\ncamera.\($0).path = /c/\($0)\ncamera.\($0).lane = 1" }
                .joined()
        }
        #expect(errors(in: least + cameras(4)).isEmpty)
        #expect(errors(in: least + cameras(5)) == ["line 26: camera.5.lane: lane 1 has more than 4 cameras"])
    }

    @Test func everyByteOfNoiseIsSurvived() {
        var generator = Seeded(7)
        let text = Array((least + oneUplink + oneSign).utf8)
        for _ in 0..<500 {
            var bytes = text
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            for error in errors(inBytes: bytes) { #expect(!error.description.isEmpty) }
        }
    }
}

struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

@Suite struct UPSSettingsTests {
    @Test func withoutKindThereIsNone() throws {
        #expect(try Settings(configuration: Array(least.utf8)).ups == nil)
    }

    @Test func kindBringsItsSpeed() throws {
        for (kind, wanted) in [("q1", UInt32(2_400)), ("apc-modbus", 9_600), ("huawei-modbus", 9_600)] {
            let text = least + "\nups.kind = \(kind)\nups.port = /dev/ttyS3\nups.end_after_minutes = 90"
            let ups = try #require(try Settings(configuration: Array(text.utf8)).ups)
            guard case .serial(_, "/dev/ttyS3", let baud, 1) = ups.line else {
                Issue.record("no serial line")
                return
            }
            #expect(baud == wanted)
            #expect(ups.endAfter == .seconds(5_400) && ups.endBelowPercent == 20 && ups.shedAfter == .seconds(300))
        }
    }
}
