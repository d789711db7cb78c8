// The manual of every key, from the key table: the list that `gwctl config keys` prints and the annotated default that
// lies in rootfs-overlay/etc/gatewarden.

public enum Manual {
    /// Every key with its range, its default and its two lines of words.
    public static var keys: String {
        var text = ""
        for section in KeySection.all {
            text += "\(section.english) \(section.chinese)\n"
            for key in section.keys {
                text += "  \(key.name)  (\(key.allowed); \(key.standing))\n"
                text += "      \(key.english) \(key.chinese)\n"
            }
            text += "\n"
        }
        return text
    }

    /// A configuration that parses and says all that there is to say. Keys that keep their default stand as comments.
    public static var annotatedDefault: String {
        var text = """
            # Gatewarden: the configuration, and the manual of every key.
            # One `key = value` a line; what follows a # is a comment. UTF-8.
            # A commented key shows its default, or an example where it has none.
            # Check a file with: gwctl config check FILE
            # 配置文件与说明; 每行一个 key = value, # 后为注释, UTF-8 编码. 检查: gwctl config check 文件

            """
        for section in KeySection.all {
            text += "\n######## \(section.english)\n######## \(section.chinese)\n"
            for key in section.keys {
                text += "\n# \(key.name): \(key.allowed); \(key.standing)\n# \(key.english)\n# \(key.chinese)\n"
                text += key.assignment + "\n"
            }
        }
        return text
    }
}

extension Key {
    /// Whether it must be set, or what holds otherwise.
    fileprivate var standing: String {
        switch presence {
        case .mandatory: "mandatory"
        case .optional: "default none"
        case .fallback(let text): "default \(text)"
        }
    }

    /// The line of the annotated default. Signs, readers and uplinks are not part of every site: theirs are comments.
    fileprivate var assignment: String {
        let name = name(number: 1)
        let group = Group.of(pattern: self.name)?.prefix
        let everySite = group != "sign" && group != "reader" && group != "uplink"
        switch presence {
        case .mandatory(let example): return (everySite ? "" : "#") + "\(name) = \(example)"
        case .optional(let example, let shown): return (shown ? "" : "#") + "\(name) = \(example)"
        case .fallback(let text): return "#\(name) = \(text)"
        }
    }
}
