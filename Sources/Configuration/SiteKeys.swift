// The keys of the site and of the controller as a whole. Each is declared here and nowhere else.

import Domain

extension KeySection {
    static let site = KeySection(
        english: "The site.",
        chinese: "企业信息",
        keys: [
            Key(
                "site.enterprise_id", .token(6...30), .mandatory(example: "ENTERPRISE-ID"),
                "The enterprise's number at the platform.", "企业编号"
            ),
            Key(
                "site.enterprise_name", .text(1...100), .mandatory(example: "企业名称"),
                "The enterprise's full name.", "企业名称"
            ),
            Key(
                "site.device", .token(1...32), .mandatory(example: "gate-1"),
                "The name of this controller, for records and alarms.", "控制器名称"
            ),
            Key(
                "site.written_for", .version, .optional(example: gatewardenVersion, shown: true),
                "The version that this file was written for. An earlier one leaves aside what it does not know of it.",
                "本文件对应的版本; 较早版本忽略其不认识的项"
            ),
            Key(
                "site.needs_version", .version, .optional(example: gatewardenVersion, shown: false),
                "No earlier version starts on this file: for a safety device that an earlier one would not watch.",
                "所需最低版本(有较早版本不支持的安全设备时设置)"
            ),
            Key(
                "site.utc_offset_minutes", .integer(-720...840, unit: "minutes"), .fallback("480"),
                "The site's civil time, east of UTC; 480 is China.", "时区(分钟)"
            ),
        ]
    )

    static let web = KeySection(
        english: "The HTTP server that cameras push to.",
        chinese: "相机推送接收服务",
        keys: [
            Key(
                "web.address", .address, .fallback("127.0.0.1"),
                "The address to listen on: that of the camera network's port.", "监听地址(相机网口)"
            ),
            Key(
                "web.port", .integer(1...65_535, unit: ""), .fallback("8080"), "The TCP port.", "监听端口"
            ),
            Key(
                "web.body_limit_kib", .integer(64...16_384, unit: "KiB"), .fallback("8192"),
                "A larger request is refused with 413.", "单次请求上限"
            ),
        ]
    )

    static let register = KeySection(
        english: "The vehicle register and the lists: CSV files, imported whole when their content has changed.",
        chinese: "车辆档案与黑白名单(CSV), 内容变化时整体导入",
        keys: [
            Key(
                "register.vehicles", .path(maximum: 255),
                .optional(example: "/etc/gatewarden/vehicles.csv", shown: false),
                "Vehicles with their HJ 1321 fields.", "车辆档案文件"
            ),
            Key(
                "register.lists", .path(maximum: 255),
                .optional(example: "/etc/gatewarden/lists.csv", shown: false),
                "The white and the black list.", "黑白名单文件"
            ),
        ]
    )

    static let policy = KeySection(
        english: "Who may pass. The black list comes first, then the white list, then this rule.",
        chinese: "通行规则: 先黑名单, 再白名单, 再排放阶段",
        keys: [
            Key(
                "policy.minimum_stage", .stage, .mandatory(example: "5"),
                "The lowest emission stage that may pass; an unknown stage never does.", "最低排放阶段"
            )
        ]
    )

    static let ledger = KeySection(
        english: "The ledger. What is past its days and delivered makes room; nothing else is ever removed.",
        chinese: "电子台账: 只清理超过保存期且已上报的记录",
        keys: [
            Key(
                "ledger.seal_interval_s", .integer(60...86_400, unit: "s"), .fallback("900"),
                "How often the ledger is sealed, also when nothing happens.", "封签间隔"
            ),
            Key(
                "ledger.record_days", .integer(731...36_500, unit: "days"), .fallback("760"),
                "How long records are kept; HJ 1321 asks for 24 months.", "台账保存天数"
            ),
            Key(
                "ledger.photo_days", .integer(30...36_500, unit: "days"), .fallback("400"),
                "How long photos are kept, at most as long as the records.", "照片保存天数"
            ),
            Key(
                "ledger.size_limit_mib", .integer(64...1_048_576, unit: "MiB"), .fallback("4096"),
                "How much room the records may take.", "台账容量上限"
            ),
            Key(
                "ledger.photo_limit_mib", .integer(64...16_777_216, unit: "MiB"), .fallback("65536"),
                "How much room the photos may take.", "照片容量上限"
            ),
            Key(
                "ledger.when_full", .choice(["stop", "continue"]), .fallback("continue"),
                "When there is no room: stop releasing, or continue without photos to 110 % of size_limit_mib.",
                "容量已满时: stop 停止自动放行, continue 不存照片继续, 到上限的110%也停止放行"
            ),
        ]
    )

    static let backup = KeySection(
        english: "The ledger's backup to a USB stick, an SD card or a mounted share; mounting it is the system's job.",
        chinese: "台账定时备份到U盘、SD卡或网络共享; 挂载由系统负责",
        keys: [
            Key(
                "backup.folder", .path(maximum: 200), .optional(example: "/mnt/usb/gate-1", shown: false),
                "The folder for this ledger's backups; none: there is no scheduled backup.", "备份目录"
            ),
            Key(
                "backup.time", .time, .fallback("03:30"),
                "When it is made every day, by the site's time; one that was missed is made up for.", "每日备份时间"
            ),
            Key(
                "backup.full_day", .choice(Weekday.allCases.map { $0.rawValue }), .fallback("sunday"),
                "The day of the week on which everything is copied; on the others what is new.", "每周全量备份日"
            ),
            Key(
                "backup.fulls_kept", .integer(1...60, unit: ""), .fallback("2"),
                "How many full copies, each with the parts that follow it, are kept.", "保留全量备份份数"
            ),
            Key(
                "backup.rate_mib", .integer(1...1_000, unit: "MiB/s"), .fallback("4"),
                "How fast it may read and write.", "备份限速"
            ),
            Key(
                "backup.retry_s", .integer(10...86_400, unit: "s"), .fallback("600"),
                "The pause after a failure; it doubles up to an hour.", "失败后重试间隔"
            ),
            Key(
                "backup.same_disk", .yesOrNo, .fallback("no"),
                "Whether it may lie on the ledger's or the system's own disk; a missing stick looks like that.",
                "是否允许备份到本机磁盘"
            ),
        ]
    )

    static let uplink = KeySection(
        english: "Platforms that the ledger is delivered to (transportControl over TLS), numbered 1 to 4.",
        chinese: "监管平台(transportControl, TLS)",
        keys: uplinkKeys
    )

    private static let uplinkKeys: [Key] = [
        Key(
            "uplink.N.url", .url, .mandatory(example: "https://platform.example:8443"),
            "The platform's base address.", "平台地址"
        ),
        Key("uplink.N.organ", .token(1...64), .mandatory(example: "ORGAN"), "The organ that it gave.", "机构代码"),
        Key("uplink.N.username", .text(1...64), .mandatory(example: "USERNAME"), "The user that it gave.", "用户名"),
        Key(
            "uplink.N.password_file", .path(maximum: 255),
            .mandatory(example: "/etc/gatewarden/uplink-1.password"),
            "The file whose first line is the password; only the controller's own user should read it.", "密码文件"
        ),
        Key(
            "uplink.N.ca_file", .path(maximum: 255), .mandatory(example: "/etc/gatewarden/uplink-1-ca.pem"),
            "The certificates (PEM) that may have signed the platform's.", "平台 CA 证书"
        ),
        Key(
            "uplink.N.retry_first_ms", .milliseconds(100...60_000), .fallback("1000"),
            "The pause after a first failure; it doubles from there.", "首次重试间隔"
        ),
        Key(
            "uplink.N.retry_limit_ms", .milliseconds(1_000...3_600_000), .fallback("60000"),
            "The longest pause between two tries. There is no last try.", "最长重试间隔"
        ),
        Key(
            "uplink.N.refusals_before_quarantine", .integer(1...100, unit: "refusals"), .fallback("5"),
            "A record that the platform itself refused so often is set aside, visibly, with its reason.",
            "平台拒收多少次后隔离"
        ),
        Key(
            "uplink.N.duplicate_words", .words(maximum: 8), .fallback("重复,已存在,duplicate"),
            "A refusal with one of these words means that the platform has the record already.", "重复上报的应答字样"
        ),
        Key(
            "uplink.N.witness_member", .token(1...64), .optional(example: "ledgerHead", shown: false),
            "The JSON member that takes the ledger's head to the platform, which becomes its witness.",
            "台账链首上报字段"
        ),
    ]

    static let watchdog = KeySection(
        english: "The hardware watchdog.",
        chinese: "硬件看门狗",
        keys: [
            Key(
                "watchdog.device", .path(maximum: 107), .optional(example: "/dev/watchdog0", shown: false),
                "The device that resets the board when the controller hangs.", "看门狗设备"
            ),
            Key(
                "watchdog.timeout_s", .integer(5...120, unit: "s"), .fallback("15"),
                "How long it waits.", "看门狗超时"
            ),
        ]
    )

    static let console = KeySection(
        english: "The console.",
        chinese: "控制台",
        keys: [
            Key(
                "console.socket", .path(maximum: 107),
                .optional(example: "/run/gatewarden/console.sock", shown: false),
                "The local socket; without it, console.sock in the state folder.", "本地控制台接口"
            )
        ]
    )

    static let realtime = KeySection(
        english: "How the lane thread is kept on time. What the system does not grant is said in the log.",
        chinese: "实时性",
        keys: [
            Key(
                "realtime.lane_priority", .integer(2...99, unit: ""), .fallback("80"),
                "The SCHED_FIFO priority of the lane thread; its alarm's is one below.", "车道线程实时优先级"
            ),
            Key(
                "realtime.lane_cpu", .integer(0...63, unit: ""), .optional(example: "3", shown: false),
                "The processor that the lane thread is pinned to.", "车道线程绑定的CPU"
            ),
            Key(
                "realtime.lock_memory", .yesOrNo, .fallback("yes"),
                "Keep the whole program in memory.", "锁定内存"
            ),
        ]
    )
}
