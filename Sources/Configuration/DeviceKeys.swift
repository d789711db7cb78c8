// The keys of the lines, cameras and signs. Each is declared here and nowhere else.

extension KeySection {
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
        english: "LED signs with an FK/OLM card each on a serial port of its own, at most one a lane, numbered 1 to 8.",
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

    static let ups = KeySection(
        english: "The UPS. On battery the lanes go on; before it is empty they close, and the ledger is sealed.",
        chinese: "不间断电源: 停电后车道照常工作, 电池耗尽前关闭车道并封存台账",
        keys: [
            Key(
                "ups.kind", .choice(["none", "contact", "q1", "apc-modbus", "huawei-modbus"]), .fallback("none"),
                "What it speaks: a protocol on ups.port, or a contact alone: lane.N.mains_fail_input.",
                "类型: contact 断电触点, q1 Megatec协议(如山特)"
            ),
            Key(
                "ups.port", .path(maximum: 107), .optional(example: "/dev/ttyS2", shown: false),
                "Its serial port; mandatory with a protocol.", "串口"
            ),
            Key(
                "ups.baud", .integer(1_200...115_200, unit: "bits a second"),
                .optional(example: "9600", shown: false),
                "Bits a second, 8N1; without it 2400 for q1 and 9600 for Modbus.", "波特率"
            ),
            Key("ups.address", .integer(1...247, unit: ""), .fallback("1"), "Its Modbus address.", "Modbus 地址"),
            Key(
                "ups.shed_after_s", .integer(0...86_400, unit: "s"), .fallback("300"),
                "After so long on battery the delivery to the platforms waits for the mains; lanes and ledger go on.",
                "停电多久后暂停上报(车道和台账不停)"
            ),
            Key(
                "ups.end_below_percent", .integer(0...90, unit: "%"), .fallback("20"),
                "At this charge the gate ends orderly, where the UPS tells it. The UPS' own battery-low always counts.",
                "电量低于此值时有序关闭"
            ),
            Key(
                "ups.end_below_minutes", .integer(0...120, unit: "minutes"), .fallback("5"),
                "With so little time left the gate ends orderly, where the UPS tells it.", "剩余时间低于此值时有序关闭"
            ),
            Key(
                "ups.end_after_minutes", .integer(1...1_440, unit: "minutes"),
                .optional(example: "110", shown: false),
                "After so long on battery the gate ends orderly, for a UPS that does not tell; mandatory for contact.",
                "停电多久后有序关闭(UPS 不报电量时)"
            ),
            Key(
                "ups.quiet_within_s", .integer(0...600, unit: "s"), .fallback("60"),
                "How long the orderly end waits for vehicles to leave the lanes.", "关闭前等待车辆离开的时间"
            ),
        ]
    )
}
