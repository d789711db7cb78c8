// From the checked keys to the settings.

import Domain

extension Settings {
    /// Reads a whole configuration text. Throws everything that is wrong with it at once. `acceptedBy`: the version
    /// that has started on this very text and known all of it, if one has.
    public init(
        configuration bytes: [UInt8], running: ProgramVersion = .running, acceptedBy: ProgramVersion? = nil
    ) throws(InvalidConfiguration) {
        var errors: [ConfigurationError] = []
        let origin = FileOrigin(running: running, acceptedBy: acceptedBy)
        let keys = CheckedKeys(assignments(bytes, &errors), origin, &errors)
        errors += CrossChecks(keys).errors
        if let error = CrossChecks.tooOld(keys, running: running) { errors.append(error) }
        guard errors.isEmpty else { throw InvalidConfiguration(errors) }
        self.init(keys)
    }

    private init(_ keys: CheckedKeys) {
        site = SiteSettings(
            enterpriseID: keys.text("site.enterprise_id"), enterpriseName: keys.text("site.enterprise_name"),
            device: keys.text("site.device"), utcOffsetMinutes: keys.number("site.utc_offset_minutes"))
        lanes = keys.numbers(of: "lane").map { LaneSettings(keys, number: $0) }
        lines = LineSettings(keys)
        web = WebSettings(
            address: keys.text("web.address"), port: UInt16(keys.number("web.port")),
            bodyLimitBytes: keys.number("web.body_limit_kib") * 1_024)
        cameras = keys.numbers(of: "camera").map { CameraSettings(keys, number: $0) }
        signs = keys.numbers(of: "sign").map { SignSettings(keys, number: $0) }
        readers = keys.numbers(of: "reader").map { ReaderSettings(keys, number: $0) }
        register = RegisterSettings(
            vehicles: keys.knownText("register.vehicles"), lists: keys.knownText("register.lists"))
        guard case .stage(let stage)? = keys.value("policy.minimum_stage") else {
            preconditionFailure("CFG-5 the minimum stage is missing")
        }
        policy = PolicySettings(minimumStage: stage)
        ledger = LedgerSettings(
            sealInterval: .seconds(UInt64(keys.number("ledger.seal_interval_s"))),
            recordDays: UInt32(keys.number("ledger.record_days")), photoDays: UInt32(keys.number("ledger.photo_days")),
            sizeLimitBytes: UInt64(keys.number("ledger.size_limit_mib")) << 20,
            photoLimitBytes: UInt64(keys.number("ledger.photo_limit_mib")) << 20,
            stopsWhenFull: keys.text("ledger.when_full") == "stop")
        backup = BackupSettings(keys)
        uplinks = keys.numbers(of: "uplink").map { UplinkSettings(keys, number: $0) }
        ups = UPSSettings(keys)
        watchdog = WatchdogSettings(
            device: keys.knownText("watchdog.device"), timeout: .seconds(UInt64(keys.number("watchdog.timeout_s"))))
        console = ConsoleSettings(socket: keys.knownText("console.socket"))
        realtime = RealtimeSettings(
            lanePriority: keys.number("realtime.lane_priority"), laneCPU: keys.knownNumber("realtime.lane_cpu"),
            locksMemory: keys.yes("realtime.lock_memory"))
        leftAside = keys.leftAside
    }
}

extension BackupSettings {
    fileprivate init?(_ keys: CheckedKeys) {
        guard var folder = keys.knownText("backup.folder") else { return nil }
        while folder.utf8.count > 1, folder.utf8.last == 0x2F { folder.removeLast() }
        guard let day = Weekday(rawValue: keys.text("backup.full_day")) else {
            preconditionFailure("CFG-10 a day of the key table is none")
        }
        self.init(
            folder: folder, minuteOfDay: keys.number("backup.time"), fullDay: day,
            fullsKept: keys.number("backup.fulls_kept"), bytesPerSecond: keys.number("backup.rate_mib") << 20,
            retry: .seconds(UInt64(keys.number("backup.retry_s"))), allowsOwnDisk: keys.yes("backup.same_disk"))
    }
}

extension LaneID {
    fileprivate init(number: Int) {
        self.init(UInt8(number - 1))
    }
}

extension LaneSettings {
    fileprivate init(_ keys: CheckedKeys, number: Int) {
        let lane = "lane.\(number)."
        id = LaneID(number: number)
        direction = keys.text(lane + "direction") == "entry" ? .entry : .exit
        entranceGate = keys.text(lane + "entrance_gate")
        gateCode = keys.text(lane + "gate_code")
        if let other = keys.knownNumber(lane + "shares_arm_with") {
            let layout: ArmSharing.Layout = keys.knownText(lane + "layout") == "parallel" ? .parallel : .opposed
            sharing = ArmSharing(with: LaneID(number: other), layout: layout)
            arm = nil
        } else {
            sharing = nil
            arm = ArmSettings(keys, lane)
        }
        inputs = keys.inputs(ofLane: number)
        outputs = keys.outputs(ofLane: number)
        videoChannel = keys.knownText(lane + "video_channel") ?? ""
        if case .hours(let hours)? = keys.value(lane + "hold_open") { holdOpen = hours } else { holdOpen = [] }
    }
}

extension CheckedKeys {
    var isSimulated: Bool { knownText("lines.backend") == "socket" }

    fileprivate func inputs(ofLane number: Int) -> [InputSettings] {
        LaneInput.allCases.compactMap { input in
            let key = "lane.\(number).\(input.rawValue)_"
            guard hasInput(input, lane: number) else { return nil }
            return InputSettings(
                input: input, line: isSimulated ? nil : knownLine(key + "input"),
                isActiveHigh: isSimulated || text(key + "active") == "high")
        }
    }

    fileprivate func outputs(ofLane number: Int) -> [OutputSettings] {
        let isSecond = knownNumber("lane.\(number).shares_arm_with") != nil
        return LaneRelay.allCases.compactMap { relay in
            let line = knownLine("lane.\(number).\(relay.rawValue)_output")
            if isSimulated {
                let isAlways = isSecond ? relay == .green || relay == .red : relay.isAlwaysSimulated
                return isAlways || line != nil ? OutputSettings(relay: relay, line: nil) : nil
            }
            return line.map { OutputSettings(relay: relay, line: $0) }
        }
    }

    /// A simulated site has the loops that every lane needs, and whatever else is named.
    func hasInput(_ input: LaneInput, lane number: Int) -> Bool {
        if knownLine("lane.\(number).\(input.rawValue)_input") != nil { return true }
        guard isSimulated else { return false }
        if knownNumber("lane.\(number).shares_arm_with") != nil {
            return input == .approach || input == .safety && knownText("lane.\(number).layout") == "parallel"
        }
        return input == .approach || input == .safety
    }

    /// What is set, or by the class of GB/T 24973; with a limit switch, it is the time after which something is wrong.
    func travel(_ way: String, lane number: Int) -> Int? {
        let lane = "lane.\(number)."
        if let set = knownNumber(lane + way + "_travel_ms") { return set }
        let time: Int
        switch knownText(lane + "arm_class") {
        case "F": time = 1_400
        case "O": time = 4_000
        case "S": time = 5_000
        default: return nil
        }
        return hasInput(way == "raise" ? .openLimit : .closedLimit, lane: number) ? 2 * time : time
    }
}

extension LaneRelay {
    fileprivate var isAlwaysSimulated: Bool {
        switch self {
        case .raise, .lower, .green, .red: true
        case .stop, .fill, .siren, .beacon, .trigger: false
        }
    }
}

extension ArmSettings {
    fileprivate init(_ keys: CheckedKeys, _ lane: String) {
        drive = keys.text(lane + "barrier") == "pulse" ? .pulse : .maintained
        if case .yes(let trusts)? = keys.value(lane + "trusts_gaps") {
            trustsGaps = trusts
        } else {
            trustsGaps = keys.knownLine(lane + "curtain_input") != nil
        }
        queuesThrough = keys.yes(lane + "queue_through")
        hasBackupPower = keys.yes(lane + "backup_power")
        attempts = keys.number(lane + "attempts")
        chatterEdges = keys.number(lane + "chatter_edges")
        timings = TimingSettings(keys, lane)
    }
}

extension TimingSettings {
    fileprivate init(_ keys: CheckedKeys, _ lane: String) {
        guard let number = Int(split(lane, at: 0x2E)[1]), let up = keys.travel("raise", lane: number),
            let down = keys.travel("lower", lane: number)
        else { preconditionFailure("CFG-8 an arm has travel times") }
        func seconds(_ key: String) -> Interval { .seconds(UInt64(keys.number(lane + key))) }
        verdictDeadline = keys.interval(lane + "verdict_deadline_ms")
        authorisedWindow = keys.interval(lane + "authorised_window_ms")
        backOut = keys.interval(lane + "back_out_ms")
        closeDelay = keys.interval(lane + "close_delay_ms")
        raiseTravel = .milliseconds(UInt64(up))
        lowerTravel = .milliseconds(UInt64(down))
        relayPulse = keys.interval(lane + "relay_pulse_ms")
        deadTime = keys.interval(lane + "dead_time_ms")
        axleGap = keys.interval(lane + "axle_gap_ms")
        stuckAfter = seconds("stuck_after_s")
        chatterWindow = keys.interval(lane + "chatter_window_ms")
        chatterQuiet = keys.interval(lane + "chatter_quiet_ms")
        siren = seconds("siren_s")
        trigger = keys.interval(lane + "trigger_ms")
        unattended = seconds("unattended_s")
        maintenance = seconds("maintenance_s")
    }
}

extension LineSettings {
    fileprivate init(_ keys: CheckedKeys) {
        backend =
            keys.text("lines.backend") == "gpio"
            ? .gpio(chip: keys.text("lines.chip")) : .socket(path: keys.text("lines.socket"))
        inputBias =
            switch keys.text("lines.input_bias") {
            case "pull-up": .pullUp
            case "pull-down": .pullDown
            default: .asIs
            }
        outputsActiveHigh = keys.text("lines.outputs_active") == "high"
        debounce = keys.interval("lines.debounce_ms")
    }
}

extension CameraSettings {
    fileprivate init(_ keys: CheckedKeys, number: Int) {
        let camera = "camera.\(number)."
        self.number = number
        make = keys.text(camera + "make") == "vzenith" ? .vzenith : .hikvision
        path = keys.text(camera + "path")
        address = keys.knownText(camera + "address")
        lane = LaneID(number: keys.number(camera + "lane"))
        lead = keys.interval(camera + "lead_ms")
    }
}

extension SignSettings {
    fileprivate init(_ keys: CheckedKeys, number: Int) {
        let sign = "sign.\(number)."
        self.number = number
        port = keys.text(sign + "port")
        lane = LaneID(number: keys.number(sign + "lane"))
        guard let speed = Int(keys.text(sign + "baud")) else {
            preconditionFailure("CFG-6 a speed of the key table is no number")
        }
        baud = speed
        address = UInt8(keys.number(sign + "address"))
        expectsAcknowledgement = keys.yes(sign + "expects_ack")
    }
}

extension UplinkSettings {
    fileprivate init(_ keys: CheckedKeys, number: Int) {
        let uplink = "uplink.\(number)."
        guard case .url(let url)? = keys.value(uplink + "url"),
            case .words(let words)? = keys.value(uplink + "duplicate_words")
        else { preconditionFailure("CFG-7 the address or the duplicate words of an uplink are missing") }
        self.number = number
        self.url = url
        organ = keys.text(uplink + "organ")
        username = keys.text(uplink + "username")
        passwordFile = keys.text(uplink + "password_file")
        caFile = keys.text(uplink + "ca_file")
        retryFirst = keys.interval(uplink + "retry_first_ms")
        retryLimit = keys.interval(uplink + "retry_limit_ms")
        refusalsBeforeQuarantine = keys.number(uplink + "refusals_before_quarantine")
        duplicateWords = words
        witnessMember = keys.knownText(uplink + "witness_member")
    }
}

extension UPSSettings {
    fileprivate init?(_ keys: CheckedKeys) {
        func serial(_ spoken: Language, baud: Int) -> Line {
            .serial(
                spoken, port: keys.text("ups.port"), baud: UInt32(keys.knownNumber("ups.baud") ?? baud),
                address: UInt8(keys.number("ups.address")))
        }
        switch keys.text("ups.kind") {
        case "contact": line = .contact
        case "q1": line = serial(.megatec, baud: 2_400)
        case "apc-modbus": line = serial(.apcModbus, baud: 9_600)
        case "huawei-modbus": line = serial(.huaweiModbus, baud: 9_600)
        default: return nil
        }
        func minutes(_ count: Int) -> Interval { .seconds(UInt64(count) * 60) }
        shedAfter = .seconds(UInt64(keys.number("ups.shed_after_s")))
        endBelowPercent = UInt8(keys.number("ups.end_below_percent"))
        endBelowRuntime = minutes(keys.number("ups.end_below_minutes"))
        endAfter = keys.knownNumber("ups.end_after_minutes").map { minutes($0) }
        quietWithin = .seconds(UInt64(keys.number("ups.quiet_within_s")))
    }
}
