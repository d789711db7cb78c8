// The two commands of the FK/OLM sign that a gate uses: 0x62 temporary text and 0x30 voice.
//
// Field lengths and order are checked against published frames. The names of the style bytes come from the document of
// a sister card, their default values from a published sender: on a card that wants others they are configuration.

/// A colour of the sign: red, green, blue, and a reserved byte that stays 0.
public struct LedSignColour: Equatable, Sendable {
    public var red: UInt8
    public var green: UInt8
    public var blue: UInt8

    public init(red: UInt8, green: UInt8, blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    public static let black = LedSignColour(red: 0, green: 0, blue: 0)
    public static let red = LedSignColour(red: 0xFF, green: 0, blue: 0)
    public static let green = LedSignColour(red: 0, green: 0xFF, blue: 0)
    public static let yellow = LedSignColour(red: 0xFF, green: 0xFF, blue: 0)

    var bytes: [UInt8] { [red, green, blue, 0] }
}

/// How a text comes, stays and goes. The values are the card's own codes.
public struct LedSignStyle: Equatable, Sendable {
    /// ETM.
    public var entryMode: UInt8 = 0x15
    /// ETS.
    public var entrySpeed: UInt8 = 0x01
    /// DM.
    public var stayMode: UInt8 = 0x00
    /// DT, seconds.
    public var staySeconds: UInt8 = 0x02
    /// EXM.
    public var exitMode: UInt8 = 0x15
    /// EXS.
    public var exitSpeed: UInt8 = 0x01
    /// FINDEX: 3 is the 16-dot font in the published frames.
    public var font: UInt8 = 0x03
    /// DRS: how often the text is shown; 0 in the published frames.
    public var repeatCount: UInt8 = 0x00

    public init() {}

    var bytes: [UInt8] {
        [entryMode, entrySpeed, stayMode, staySeconds, exitMode, exitSpeed, font, repeatCount]
    }

    init(bytes: ArraySlice<UInt8>) {
        let at = bytes.startIndex
        entryMode = bytes[at]
        entrySpeed = bytes[at + 1]
        stayMode = bytes[at + 2]
        staySeconds = bytes[at + 3]
        exitMode = bytes[at + 4]
        exitSpeed = bytes[at + 5]
        font = bytes[at + 6]
        repeatCount = bytes[at + 7]
    }
}

/// CMD 0x62: a text on one line until another replaces it.
/// DATA = TWID | ETM ETS DM DT EXM EXS FINDEX DRS | TC[4] | BC[4] | TL[2], low byte first | TEXT.
public struct LedSignText: Equatable, Sendable {
    public static let command: UInt8 = 0x62
    /// Lines are 0...3.
    public static let maximumLineCount = 4
    /// What the frame's data leaves for the text.
    public static let maximumTextByteCount = LedSignFrame.maximumDataByteCount - fixedByteCount

    private static let fixedByteCount = 19

    /// TWID: the line from the top, 0...3.
    public var line: UInt8
    public var style: LedSignStyle
    /// TC.
    public var colour: LedSignColour
    /// BC.
    public var background: LedSignColour
    /// TEXT in GB 2312, at most `maximumTextByteCount` bytes.
    public var textBytes: [UInt8]

    public init(line: UInt8, textBytes: [UInt8], colour: LedSignColour, style: LedSignStyle = LedSignStyle()) {
        precondition(line < LedSignText.maximumLineCount, "DEV-3 a line of the sign is 0...3")
        precondition(textBytes.count <= LedSignText.maximumTextByteCount, "DEV-4 a text of the sign is 0...236 bytes")
        self.line = line
        self.style = style
        self.colour = colour
        background = .black
        self.textBytes = textBytes
    }

    public init(data: [UInt8]) throws(LedSignError) {
        guard data.count >= LedSignText.fixedByteCount,
            Int(data[17]) | Int(data[18]) << 8 == data.count - LedSignText.fixedByteCount
        else { throw .malformedText(byteCount: data.count) }
        line = data[0]
        style = LedSignStyle(bytes: data[1..<9])
        colour = LedSignColour(red: data[9], green: data[10], blue: data[11])
        background = LedSignColour(red: data[13], green: data[14], blue: data[15])
        textBytes = Array(data[LedSignText.fixedByteCount...])
    }

    public func frame(address: UInt8) -> LedSignFrame {
        var data = [line] + style.bytes + colour.bytes + background.bytes
        data.append(UInt8(textBytes.count & 0xFF))
        data.append(UInt8(textBytes.count >> 8))
        return LedSignFrame(address: address, command: LedSignText.command, data: data + textBytes)
    }
}

/// CMD 0x30: speaks a text. DATA = OPT (01) | TEXT.
public enum LedSignVoice {
    public static let command: UInt8 = 0x30
    public static let maximumTextByteCount = LedSignFrame.maximumDataByteCount - 1

    private static let speakNow: UInt8 = 0x01

    /// - Parameter textBytes: GB 2312, at most `maximumTextByteCount` bytes.
    public static func frame(address: UInt8, textBytes: [UInt8]) -> LedSignFrame {
        LedSignFrame(address: address, command: command, data: [speakNow] + textBytes)
    }
}
