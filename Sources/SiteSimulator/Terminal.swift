// The terminal that the dashboard is drawn on: alternate screen, no cursor, no echo; given back as it was.

import CSystem
import Foundation

public final class Terminal {
    private var saved = termios()
    private var isTaken = false

    public init() {}

    deinit { leave() }

    /// Standard output is a terminal.
    public static var isThere: Bool { isatty(1) == 1 }

    public func enter() {
        guard !isTaken else { return }
        isTaken = true
        if tcgetattr(0, &saved) == 0 {
            var quiet = saved
            quiet.c_lflag &= ~tcflag_t(ECHO | ICANON)
            _ = tcsetattr(0, TCSANOW, &quiet)
        }
        put("\u{1B}[?1049h\u{1B}[?25l\u{1B}[2J")
    }

    public func leave() {
        guard isTaken else { return }
        isTaken = false
        put("\u{1B}[0m\u{1B}[?25h\u{1B}[?1049l")
        if saved.c_cflag != 0 { _ = tcsetattr(0, TCSANOW, &saved) }
    }

    public func draw(_ lines: [String]) {
        guard isTaken else { return }
        var columns: Int32 = 100
        var rows: Int32 = 40
        _ = gw_terminal_size(1, &columns, &rows)
        var text = "\u{1B}[H"
        for line in lines.prefix(max(1, Int(rows) - 1)) {
            text += clipped(line, columns: Int(columns)) + "\u{1B}[0m\u{1B}[K\r\n"
        }
        put(text + "\u{1B}[J")
    }

    private func put(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

/// Columns that a text takes: an East Asian wide character takes two, an escape sequence none.
func displayWidth(_ text: String) -> Int {
    var isEscape = false
    return text.unicodeScalars.reduce(0) { width, scalar in
        if scalar == "\u{1B}" { isEscape = true }
        if isEscape {
            if scalar.properties.isAlphabetic { isEscape = false }
            return width
        }
        return width + columns(scalar)
    }
}

private func columns(_ scalar: Unicode.Scalar) -> Int {
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE4F, 0xFF00...0xFF60: 2
    default: 1
    }
}

/// The beginning of a text that fits, escape sequences left whole.
func clipped(_ text: String, columns limit: Int) -> String {
    guard displayWidth(text) > limit else { return text }
    var result = String.UnicodeScalarView()
    var width = 0
    var isEscape = false
    for scalar in text.unicodeScalars {
        if scalar == "\u{1B}" { isEscape = true }
        if !isEscape {
            width += columns(scalar)
            if width > limit { break }
        } else if scalar.properties.isAlphabetic {
            isEscape = false
        }
        result.append(scalar)
    }
    return String(result)
}

/// Filled with blanks, or cut, to so many columns.
func padded(_ text: String, _ width: Int) -> String {
    let cut = clipped(text, columns: width)
    return cut + String(repeating: " ", count: max(0, width - displayWidth(cut)))
}
