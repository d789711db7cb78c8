// The keys of what stands at a lane: loops, barrier, lamps, cameras, sign. Each is declared here and nowhere else.

extension KeySection {
    static let lane = KeySection(
        english: "Lanes, numbered 1 to 8. Times are lane time and never follow the wall clock.",
        chinese: "车道(编号1-8); 各时间参数不受系统对时影响",
        keys: laneKeys + wiringKeys
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
            "lane.N.verdict_deadline_ms", .milliseconds(500...30_000), .fallback("3000"),
            "A vehicle without a decision after this time is told that it was not identified.", "判定时限"
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
            "lane.N.close_delay_ms", .milliseconds(200...10_000), .fallback("1000"),
            "How long the safety loop must be clear before the arm is lowered.", "落杆延时"
        ),
        Key(
            "lane.N.raise_travel_ms", .milliseconds(300...15_000), .fallback("3000"),
            "How long the arm takes to rise. For the limit switches to come: nothing depends on it yet.", "抬杆行程时间"
        ),
        Key(
            "lane.N.lower_travel_ms", .milliseconds(300...15_000), .fallback("3000"),
            "How long the arm takes to come down.", "落杆行程时间"
        ),
        Key(
            "lane.N.relay_pulse_ms", .milliseconds(300...1_000), .fallback("500"),
            "How long the raise or lower relay is held; shorter than both travel times.", "继电器脉冲宽度"
        ),
        Key(
            "lane.N.dead_time_ms", .milliseconds(200...5_000), .fallback("300"),
            "The least pause between releasing one barrier relay and energising the other.", "抬落杆切换间隔"
        ),
        Key(
            "lane.N.video_channel", .text(1...64), .optional(example: "NVR-1/3", shown: false),
            "The recorder and channel that film the lane, for each row of the ledger.", "录像机与通道"
        ),
    ]

    private static let wiringKeys: [Key] = [
        Key(
            "lane.N.approach_input", .line, .optional(example: "APPROACH", shown: true),
            "The loop before the arm. Mandatory with lines.backend = gpio.", "触发地感输入"
        ),
        Key(
            "lane.N.approach_active", .choice(["high", "low"]), .fallback("low"),
            "The level that means a vehicle; low lets a cut wire read as a vehicle.", "触发地感有车电平"
        ),
        Key(
            "lane.N.safety_input", .line, .optional(example: "SAFETY", shown: true),
            "The loop under the arm. Mandatory with lines.backend = gpio.", "防砸地感输入"
        ),
        Key(
            "lane.N.safety_active", .choice(["high", "low"]), .fallback("low"),
            "The level that means a vehicle; low lets a cut wire read as a vehicle.", "防砸地感有车电平"
        ),
        Key(
            "lane.N.raise_output", .line, .optional(example: "RAISE", shown: true),
            "The relay that raises the arm. Mandatory with lines.backend = gpio.", "抬杆输出"
        ),
        Key(
            "lane.N.lower_output", .line, .optional(example: "LOWER", shown: true),
            "The relay that lowers the arm. Mandatory with lines.backend = gpio.", "落杆输出"
        ),
        Key(
            "lane.N.green_output", .line, .optional(example: "GREEN", shown: false),
            "The green lamp, where there is one.", "绿灯输出"
        ),
        Key(
            "lane.N.red_output", .line, .optional(example: "RED", shown: false),
            "The red lamp, where there is one.", "红灯输出"
        ),
    ]

    static let lines = KeySection(
        english: "The digital inputs and outputs. Lines are named by their offset on the chip or by the kernel's name.",
        chinese: "开关量输入输出; 可用序号或内核线名",
        keys: [
            Key(
                "lines.backend", .choice(["gpio", "socket"]), .fallback("gpio"),
                "The board's own lines, or a simulated site behind a local socket.", "gpio 实际线路, socket 仿真"
            ),
            Key(
                "lines.chip", .path(maximum: 107), .fallback("/dev/gpiochip0"),
                "The GPIO chip, for lines.backend = gpio.", "GPIO 设备"
            ),
            Key(
                "lines.socket", .path(maximum: 107), .optional(example: "/run/gatewarden/lines.sock", shown: false),
                "The simulated site's socket. Mandatory with lines.backend = socket.", "仿真接口"
            ),
            Key(
                "lines.input_bias", .choice(["as-is", "pull-up", "pull-down"]), .fallback("as-is"),
                "The chip's own resistor on the inputs. A cut wire must read as a vehicle: bias towards *_active.",
                "输入上下拉(断线须视为有车)"
            ),
            Key(
                "lines.outputs_active", .choice(["high", "low"]), .fallback("high"),
                "The level that energises a relay. If wrong, all pull in at start: try it without the barrier.",
                "输出有效电平"
            ),
            Key(
                "lines.debounce_ms", .milliseconds(0...100), .fallback("20"),
                "A level shorter than this is no edge.", "输入消抖时间"
            ),
        ]
    )

    static let camera = KeySection(
        english: "Cameras that push their reads over HTTP, numbered 1 to 32, at most 4 a lane.",
        chinese: "车牌识别相机(HTTP 推送), 每车道最多4台",
        keys: [
            Key(
                "camera.N.make", .choice(["vzenith", "hikvision"]), .mandatory(example: "vzenith"),
                "Whose format it pushes: Vzenith AlarmInfoPlate JSON or Hikvision ANPR multipart.",
                "品牌: vzenith 臻识, hikvision 海康"
            ),
            Key(
                "camera.N.path", .urlPath, .mandatory(example: "/camera/1"),
                "The path that is entered in the camera; each camera has its own.", "推送路径(每台相机不同)"
            ),
            Key(
                "camera.N.address", .address, .optional(example: "192.168.1.64", shown: false),
                "The camera's own address: pushes from any other are refused. Set it: cameras show no credentials.",
                "相机IP地址(只接受该地址的推送)"),
            Key(
                "camera.N.lane", .integer(1...8, unit: ""), .mandatory(example: "1"),
                "The number of the lane that it looks at.", "所属车道"
            ),
            Key(
                "camera.N.lead_ms", .milliseconds(0...10_000), .fallback("3000"),
                "By how much a read may come before the loop's edge and still count.", "识别可早于地感的时间"
            ),
        ]
    )

    static let sign = KeySection(
        english: "LED signs with an FK/OLM card on a serial port, numbered 1 to 8.",
        chinese: "显示屏(FK/OLM 控制卡, 串口)",
        keys: [
            Key(
                "sign.N.port", .path(maximum: 107), .mandatory(example: "/dev/ttyS1"),
                "The serial port.", "串口"
            ),
            Key(
                "sign.N.lane", .integer(1...8, unit: ""), .mandatory(example: "1"),
                "The number of the lane at which it stands.", "所属车道"
            ),
            Key(
                "sign.N.baud", .choice(["2400", "4800", "9600", "19200", "38400", "57600", "115200"]),
                .fallback("9600"), "Bits a second; 8 data bits, no parity, 1 stop bit.", "波特率"
            ),
            Key(
                "sign.N.address", .integer(0...255, unit: ""), .fallback("0"),
                "The card's address; 0 speaks to every card on the port.", "屏号, 0 为广播"
            ),
            Key(
                "sign.N.expects_ack", .yesOrNo, .fallback("yes"),
                "Whether the card answers. With no, a dead sign is not noticed.", "是否等待屏卡应答"
            ),
        ]
    )
}
