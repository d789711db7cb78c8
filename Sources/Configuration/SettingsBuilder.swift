// From the checked keys to the settings.

import Domain

extension Settings {
    /// Reads a whole configuration text. Throws everything that is wrong with it at once.
    public init(configuration bytes: [UInt8]) throws(InvalidConfiguration) {
        var errors: [ConfigurationError] = []
        let keys = CheckedKeys(assignments(bytes, &errors), &errors)
        errors += CrossChecks(keys).errors
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
        uplinks = keys.numbers(of: "uplink").map { UplinkSettings(keys, number: $0) }
        watchdog = WatchdogSettings(
            device: keys.knownText("watchdog.device"), timeout: .seconds(UInt64(keys.number("watchdog.timeout_s"))))
        console = ConsoleSettings(socket: keys.knownText("console.socket"))
        realtime = RealtimeSettings(
            lanePriority: keys.number("realtime.lane_priority"), laneCPU: keys.knownNumber("realtime.lane_cpu"),
            locksMemory: keys.yes("realtime.lock_memory"))
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
        let isSimulated = keys.text("lines.backend") == "socket"
        id = LaneID(number: number)
        direction = keys.text(lane + "direction") == "entry" ? .entry : .exit
        entranceGate = keys.text(lane + "entrance_gate")
        gateCode = keys.text(lane + "gate_code")
        timings = TimingSettings(
            verdictDeadline: keys.interval(lane + "verdict_deadline_ms"),
            authorisedWindow: keys.interval(lane + "authorised_window_ms"),
            backOut: keys.interval(lane + "back_out_ms"), closeDelay: keys.interval(lane + "close_delay_ms"),
            raiseTravel: keys.interval(lane + "raise_travel_ms"), lowerTravel: keys.interval(lane + "lower_travel_ms"),
            relayPulse: keys.interval(lane + "relay_pulse_ms"), deadTime: keys.interval(lane + "dead_time_ms"))
        wiring = WiringSettings(
            approachInput: keys.knownLine(lane + "approach_input"), safetyInput: keys.knownLine(lane + "safety_input"),
            approachActiveHigh: isSimulated || keys.text(lane + "approach_active") == "high",
            safetyActiveHigh: isSimulated || keys.text(lane + "safety_active") == "high",
            raiseOutput: keys.knownLine(lane + "raise_output"), lowerOutput: keys.knownLine(lane + "lower_output"),
            greenOutput: keys.knownLine(lane + "green_output"), redOutput: keys.knownLine(lane + "red_output"))
        videoChannel = keys.knownText(lane + "video_channel") ?? ""
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
