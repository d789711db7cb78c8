// The keys of the tag readers, what they say about each other, and the settings that are made from them.

import Domain

extension KeySection {
    static let reader = KeySection(
        english: "UHF tag readers, each on a serial port of its own, at most one a lane, numbered 1 to 8.",
        chinese: "电子标签读写器(UHF, 串口 RS485), 每车道最多1台",
        keys: [
            Key(
                "reader.N.port", .path(maximum: 107), .mandatory(example: "/dev/ttyS3"),
                "The serial port.", "串口"
            ),
            Key(
                "reader.N.lane", .integer(1...8, unit: ""), .mandatory(example: "1"),
                "The number of the lane whose vehicles it sees.", "所属车道"
            ),
            Key(
                "reader.N.protocol", .choice(["r2000", "uhfreader18", "uhfreader86", "m100"]),
                .mandatory(example: "r2000"),
                "What it speaks: frames that begin with A0 (r2000), BB (m100), or the length (uhfreader18, 86).",
                "协议: r2000 帧头A0, m100 帧头BB, uhfreader18/86 无帧头"
            ),
            Key(
                "reader.N.baud", .choice(["9600", "19200", "38400", "57600", "115200"]),
                .optional(example: "115200", shown: false),
                "Bits a second, 8N1; without it 115200 for r2000 and m100, 57600 for uhfreader18 and 86.", "波特率"
            ),
            Key(
                "reader.N.address", .integer(0...255, unit: ""), .fallback("255"),
                "Its address; 255 is any. m100 has none.", "读写器地址, 255 为任意"
            ),
            Key(
                "reader.N.poll_ms", .milliseconds(50...5_000), .fallback("200"),
                "How often it is asked what it sees.", "询查间隔"
            ),
            Key(
                "reader.N.minimum_dbm", .integer(-100 ... -10, unit: "dBm"), .optional(example: "-65", shown: false),
                "Weaker tags are left out, so that the next lane's are not taken. r2000 and m100 only.",
                "信号强度下限, 避免误读邻道标签"
            ),
            Key(
                "reader.N.minimum_reads", .integer(1...10, unit: "reads"), .fallback("2"),
                "How often a tag must be seen with a vehicle before it counts.", "标签生效所需读取次数"
            ),
            Key(
                "reader.N.before_ms", .milliseconds(0...10_000), .fallback("3000"),
                "By how much a tag may be seen before the loop's edge and still count for the vehicle.",
                "标签可早于地感的时间"
            ),
            Key(
                "reader.N.wait_ms", .milliseconds(0...3_000), .fallback("500"),
                "How long the verdict on a plate waits for the vehicle's own tag.", "车牌识别后等待标签的时间"
            ),
            Key(
                "reader.N.forget_ms", .milliseconds(5_000...600_000), .fallback("60000"),
                "A tag seen with one vehicle never names the next, until it was out of sight for so long.",
                "标签离场多久后可再次作为识别依据"
            ),
            Key(
                "reader.N.identifies", .yesOrNo, .fallback("no"),
                "Whether a tag alone names the vehicle where no plate is read, or one of nobody in the register.",
                "无有效车牌时是否仅凭标签识别"
            ),
            Key(
                "reader.N.alone_ms", .milliseconds(0...10_000), .fallback("1500"),
                "With identifies: how long a plate is waited for before the tag alone names the vehicle.",
                "仅凭标签识别前等待车牌的时间"
            ),
        ]
    )
}

extension CrossChecks {
    mutating func checkReaders() {
        var lanes: [Int: Int] = [:]
        for number in keys.numbers(of: "reader") {
            let reader = "reader.\(number)."
            checkLane(of: reader + "lane")
            if let lane = keys.knownNumber(reader + "lane") {
                if let other = lanes[lane] {
                    conflict(reader + "lane", "reader \(other) sees the vehicles of lane \(lane) already")
                }
                lanes[lane] = number
                checkReaderTimes(reader, lane)
            }
            if let spoken = keys.knownText(reader + "protocol"), spoken.utf8.starts(with: "uhfreader".utf8),
                keys.knownNumber(reader + "minimum_dbm") != nil
            {
                conflict(reader + "minimum_dbm", "\(spoken) tells no strength in dBm; set minimum_reads instead")
            }
            guard let port = keys.knownText(reader + "port") else { continue }
            if let user = portUser(port, before: number) { conflict(reader + "port", "\(user) has that port") }
        }
    }

    private func portUser(_ port: String, before number: Int) -> String? {
        for other in keys.numbers(of: "reader") where other < number {
            if keys.knownText("reader.\(other).port") == port { return "reader \(other)" }
        }
        for sign in keys.numbers(of: "sign") where keys.knownText("sign.\(sign).port") == port {
            return "sign \(sign)"
        }
        let hasUPS = keys.knownText("ups.kind").map { $0 != "none" && $0 != "contact" } ?? false
        return hasUPS && keys.knownText("ups.port") == port ? "the UPS" : nil
    }

    /// What a tag is waited for must be over before the lane gives up.
    private mutating func checkReaderTimes(_ reader: String, _ lane: Int) {
        let arm = keys.knownNumber("lane.\(lane).shares_arm_with") ?? lane
        let limit = "lane.\(arm).verdict_deadline_ms"
        guard let deadline = keys.knownNumber(limit) else { return }
        var bounded = [reader + "wait_ms"]
        if case .yes(true)? = keys.value(reader + "identifies") { bounded.append(reader + "alone_ms") }
        for key in bounded {
            guard let value = keys.knownNumber(key), value >= deadline else { continue }
            conflict(key, "\(value) must be less than \(limit), which is \(deadline)")
        }
    }
}

public struct ReaderSettings: Sendable {
    public enum Language: Sendable {
        case r2000
        case uhfReader18
        case uhfReader86
        case m100
    }

    /// The number of the reader in the text.
    public let number: Int
    public let port: String
    public let lane: LaneID
    public let language: Language
    /// Nil: as the protocol's readers are delivered.
    public let baud: UInt32?
    public let address: UInt8
    public let poll: Interval
    public let minimumDBm: Int?
    public let minimumReads: Int
    public let before: Interval
    public let wait: Interval
    public let forget: Interval
    /// Nil: a tag alone names nobody.
    public let aloneAfter: Interval?
}

extension ReaderSettings {
    init(_ keys: CheckedKeys, number: Int) {
        let reader = "reader.\(number)."
        self.number = number
        port = keys.text(reader + "port")
        lane = LaneID(UInt8(keys.number(reader + "lane") - 1))
        language =
            switch keys.text(reader + "protocol") {
            case "uhfreader18": .uhfReader18
            case "uhfreader86": .uhfReader86
            case "m100": .m100
            default: .r2000
            }
        baud = keys.knownText(reader + "baud").flatMap { UInt32($0) }
        address = UInt8(keys.number(reader + "address"))
        poll = keys.interval(reader + "poll_ms")
        minimumDBm = keys.knownNumber(reader + "minimum_dbm")
        minimumReads = keys.number(reader + "minimum_reads")
        before = keys.interval(reader + "before_ms")
        wait = keys.interval(reader + "wait_ms")
        forget = keys.interval(reader + "forget_ms")
        aloneAfter = keys.yes(reader + "identifies") ? keys.interval(reader + "alone_ms") : nil
    }
}
