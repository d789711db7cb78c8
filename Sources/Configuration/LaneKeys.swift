// The keys of a lane: the gate, the times, the barrier, and the contacts and relays. Each is declared here and nowhere
// else.

extension KeySection {
    static let lane = KeySection(
        english: "Lanes, numbered 1 to 8. Times are lane time and never follow the wall clock.",
        chinese: "车道(编号1-8); 各时间参数不受系统对时影响",
        keys: laneKeys + armKeys + timeKeys + inputKeys + outputKeys
    )

    private static let laneKeys: [Key] = [
        Key(
            "lane.N.direction", .choice(["entry", "exit"]), .mandatory(example: "entry"),
            "Which way vehicles go.", "进出方向: entry 进厂, exit 出厂"
        ),
        Key(
            "lane.N.entrance_gate", .letter, .mandatory(example: "A"),
            "Which entrance of the site, as in the ledger's first column.", "出入口编号"
        ),
        Key(
            "lane.N.gate_code", .token(1...3), .mandatory(example: "01"),
            "Which barrier, as in the ledger's second column.", "道闸编号"
        ),
        Key(
            "lane.N.shares_arm_with", .integer(1...8, unit: ""), .optional(example: "1", shown: false),
            "The lane whose arm also closes this one. Then only this lane's own loops, lamps and trigger are set here.",
            "与哪条车道共用一根闸杆(本车道只设自己的地感, 灯和触发)"
        ),
        Key(
            "lane.N.layout", .choice(["opposed", "parallel"]), .optional(example: "opposed", shown: false),
            "With shares_arm_with: one lane used both ways, or two lanes side by side.",
            "共杆方式: opposed 同一车道双向, parallel 两车道并排"
        ),
        Key(
            "lane.N.hold_open", .hours(maximum: 8), .optional(example: "06:00-07:30,16:30-18:00", shown: false),
            "When the arm stays up every day, by the site's wall time; each change is recorded.",
            "每日常开时段(按当地时间, 每次变化记入台账)"
        ),
    ]

    private static let armKeys: [Key] = [
        Key(
            "lane.N.barrier", .choice(["pulse", "maintained"]), .fallback("pulse"),
            "What the operator takes: a pulse that starts a way, or a contact held as long as the arm is to be up.",
            "道闸控制方式: pulse 脉冲, maintained 保持"
        ),
        Key(
            "lane.N.arm_class", .choice(["F", "O", "S"]), .fallback("O"),
            "GB/T 24973: F up to 1.4 s, O up to 4 s, S up to 5 s. Gives the travel times that are not set.",
            "起落杆时间等级(GB/T 24973)"
        ),
        Key(
            "lane.N.raise_travel_ms", .milliseconds(300...15_000), .optional(example: "3000", shown: false),
            "How long the arm takes to rise; with an open limit, at most. None: the class's, twice that with a limit.",
            "抬杆行程时间"
        ),
        Key(
            "lane.N.lower_travel_ms", .milliseconds(300...15_000), .optional(example: "3000", shown: false),
            "How long the arm takes to come down; with a closed limit, at most. None: as above.", "落杆行程时间"
        ),
        Key(
            "lane.N.relay_pulse_ms", .milliseconds(300...1_000), .fallback("500"),
            "How long a relay of a pulse barrier is held; shorter than both travel times.", "继电器脉冲宽度"
        ),
        Key(
            "lane.N.dead_time_ms", .milliseconds(0...5_000), .fallback("300"),
            "The least pause between releasing one barrier relay and energising the other; as the operator asks.",
            "抬落杆切换间隔"
        ),
        Key(
            "lane.N.trusts_gaps", .yesOrNo, .optional(example: "no", shown: false),
            "A gap in presence is a gap between vehicles, never one under a trailer. None: yes with a light curtain.",
            "感应间断即车辆间隔(有光幕时默认 yes)"
        ),
        Key(
            "lane.N.queue_through", .yesOrNo, .fallback("no"),
            "The arm stays up for the next vehicle when that is allowed in time.", "连续通行(不落杆)"
        ),
        Key(
            "lane.N.backup_power", .yesOrNo, .fallback("no"),
            "The barrier runs on the UPS: the arm still comes down when the mains has failed.", "道闸由UPS供电"
        ),
    ]

    private static let timeKeys: [Key] = [
        Key(
            "lane.N.verdict_deadline_ms", .milliseconds(500...30_000), .fallback("3000"),
            "A vehicle without a decision after this time is told that it was not identified.", "判定时限"
        ),
        Key(
            "lane.N.attempts", .integer(1...5, unit: "attempts"), .fallback("2"),
            "How often the camera is triggered for one vehicle within that time; each has at least 300 ms.",
            "识别尝试次数"
        ),
        Key(
            "lane.N.authorised_window_ms", .milliseconds(5_000...300_000), .fallback("30000"),
            "How long a released vehicle may take to reach the safety loop before its release expires.",
            "放行有效时间"
        ),
        Key(
            "lane.N.back_out_ms", .milliseconds(200...30_000), .fallback("1500"),
            "How long the approach loop must be clear before its vehicle counts as gone.", "倒车离开判定时间"
        ),
        Key(
            "lane.N.axle_gap_ms", .milliseconds(100...5_000), .fallback("1200"),
            "The longest time for which one vehicle's axles leave the approach loop free; less than back_out_ms.",
            "同一车辆两轴间断最长时间"
        ),
        Key(
            "lane.N.close_delay_ms", .milliseconds(200...10_000), .fallback("1000"),
            "How long everything under the arm must be clear before it is lowered.", "落杆延时"
        ),
        Key(
            "lane.N.stuck_after_s", .integer(30...86_400, unit: "s"), .fallback("300"),
            "A vehicle sensor that is active for so long is reported as stuck.", "感应器常通报警时间"
        ),
        Key(
            "lane.N.chatter_edges", .integer(5...200, unit: "changes"), .fallback("20"),
            "So many changes within chatter_window_ms make a vehicle sensor faulty: it then counts as active.",
            "抖动判定次数"
        ),
        Key(
            "lane.N.chatter_window_ms", .milliseconds(200...10_000), .fallback("1000"),
            "The window in which changes are counted.", "抖动判定窗口"
        ),
        Key(
            "lane.N.chatter_quiet_ms", .milliseconds(1_000...60_000), .fallback("5000"),
            "How long it must be quiet to be trusted again; longer than the window.", "抖动恢复时间"
        ),
        Key(
            "lane.N.siren_s", .integer(1...300, unit: "s"), .fallback("10"),
            "How long the siren sounds after a forced or tailgating passage.", "警笛时间"
        ),
        Key(
            "lane.N.trigger_ms", .milliseconds(50...2_000), .fallback("200"),
            "How long the camera's trigger is held.", "相机触发脉冲宽度"
        ),
        Key(
            "lane.N.unattended_s", .integer(5...600, unit: "s"), .fallback("30"),
            "How long an arm that nobody ordered up is left before it is lowered.", "无指令开启后落杆时间"
        ),
        Key(
            "lane.N.maintenance_s", .integer(60...7_200, unit: "s"), .fallback("600"),
            "Maintenance ends by itself after this time.", "检修模式最长时间"
        ),
    ]

    /// For each contact: what it is, and the level that means "active".
    private static let inputKeys: [Key] = LaneInput.allCases.flatMap { input in
        let (english, chinese) = input.words
        let fallback = input.isActiveHighByDefault ? "high" : "low"
        return [
            Key(
                "lane.N.\(input.rawValue)_input", .line,
                .optional(example: input.example, shown: input == .approach || input == .safety), english,
                "\(chinese)输入"),
            Key(
                "lane.N.\(input.rawValue)_active", .choice(["high", "low"]), .fallback(fallback), input.levelWords,
                "\(chinese)有效电平"),
        ]
    }

    private static let outputKeys: [Key] = LaneRelay.allCases.map { relay in
        let (english, chinese) = relay.words
        return Key(
            "lane.N.\(relay.rawValue)_output", .line,
            .optional(example: relay.example, shown: relay == .raise || relay == .lower), english, "\(chinese)输出")
    }
}
