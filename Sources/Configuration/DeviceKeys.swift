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
