// Field protocols in words, for `gatewarden decode PROTOCOL HEX`: what a technician captured on the wire, line by line.
// To add a protocol, add a row to `ProtocolDecoder.all`.

import Domain

/// Why bytes could not be put into words.
public enum DecodeError: Error, Equatable, Sendable {
    case unknownProtocol(String)
    case malformed(protocolName: String, reason: String)

    public var description: String {
        switch self {
        case .unknownProtocol(let name):
            "no protocol \"\(name)\" is known: use \(ProtocolDecoder.knownNames)"
        case .malformed(let name, let reason):
            "\(name): \(reason)"
        }
    }
}

/// One protocol that `decode` knows.
public struct ProtocolDecoder: Sendable {
    /// What the user types.
    public let name: String
    /// What the help says of it.
    public let summary: String
    let lines: @Sendable ([UInt8]) throws(DecodeError) -> [String]

    public static let all = [
        ProtocolDecoder(name: "ledsign", summary: "FK/OLM LED sign card, version 0x64", lines: describeLedSign),
        ProtocolDecoder(name: "q1", summary: "a UPS' answer to Q1 (Megatec)", lines: describeMegatec),
        ProtocolDecoder(name: "r2000", summary: "UHF tag reader, head 0xA0 (Impinj R2000)") {
            (bytes) throws(DecodeError) in try describeReader(.r2000, "r2000", bytes)
        },
        ProtocolDecoder(name: "uhfreader18", summary: "UHF tag reader UHFReader18") {
            (bytes) throws(DecodeError) in try describeReader(.uhfReader18, "uhfreader18", bytes)
        },
        ProtocolDecoder(name: "uhfreader86", summary: "UHF tag reader UHFReader86") {
            (bytes) throws(DecodeError) in try describeReader(.uhfReader86, "uhfreader86", bytes)
        },
        ProtocolDecoder(name: "m100", summary: "UHF tag reader, head 0xBB (M100, QM100, YRM100)") {
            (bytes) throws(DecodeError) in try describeReader(.m100, "m100", bytes)
        },
    ]

    /// The names, for messages: `a, b or c`.
    static var knownNames: String {
        var text = ""
        for (position, decoder) in all.enumerated() {
            text += position == 0 ? "" : position == all.count - 1 ? " or " : ", "
            text += decoder.name
        }
        return text
    }
}

/// The bytes of a protocol in words, one statement a line.
public func decode(_ protocolName: String, _ bytes: [UInt8]) throws(DecodeError) -> [String] {
    guard let decoder = ProtocolDecoder.all.first(where: { $0.name == protocolName }) else {
        throw .unknownProtocol(protocolName)
    }
    return try decoder.lines(bytes)
}

/// One frame or several that follow each other.
@Sendable private func describeLedSign(_ bytes: [UInt8]) throws(DecodeError) -> [String] {
    var lines: [String] = []
    var rest = bytes[...]
    repeat {
        do throws(LedSignError) {
            let frame = try LedSignFrame(prefixOf: rest)
            lines += try describe(frame)
            rest = rest.dropFirst(frame.byteCount)
        } catch {
            throw .malformed(protocolName: "ledsign", reason: "at byte \(rest.startIndex), \(error.description)")
        }
    } while !rest.isEmpty
    return lines
}

private func describe(_ frame: LedSignFrame) throws(LedSignError) -> [String] {
    let everySign = frame.address == LedSignFrame.everySign ? " (every sign)" : ""
    let onlyPacket = frame.packet == LedSignFrame.onlyPacket ? " (last or only)" : ""
    var lines = [
        "address: 0x\(encodeHexadecimal([frame.address]))\(everySign)",
        "packet: \(LedSignFrame.word(frame.packet))\(onlyPacket)",
    ]
    let command = "command: 0x\(encodeHexadecimal([frame.command]))"
    if frame.data.count == 1 {
        lines.append("\(command) reply")
        lines.append("acknowledgement: \(frame.data[0])\(frame.data[0] == 0 ? " (done)" : " (refused)")")
    } else if frame.command == LedSignText.command {
        let text = try LedSignText(data: frame.data)
        lines.append("\(command) temporary text")
        lines.append("line: \(text.line)")
        lines.append("text: \(GB2312.decode(text.textBytes))")
        lines.append("colour: \(describe(text.colour)) on \(describe(text.background))")
        lines.append("style: \(encodeHexadecimal(text.style.bytes)) (ETM ETS DM DT EXM EXS FINDEX DRS)")
    } else if frame.command == LedSignVoice.command {
        lines.append("\(command) voice")
        lines.append("option: \(frame.data.first.map { "0x" + encodeHexadecimal([$0]) } ?? "none")")
        lines.append("text: \(GB2312.decode(frame.data.dropFirst()))")
    } else {
        lines.append("\(command) (not known here)")
        lines.append("data: \(encodeHexadecimal(frame.data))")
    }
    lines.append("checksum: correct")
    return lines
}

private func describe(_ colour: LedSignColour) -> String {
    "red \(colour.red) green \(colour.green) blue \(colour.blue)"
}

@Sendable private func describeMegatec(_ bytes: [UInt8]) throws(DecodeError) -> [String] {
    let status: MegatecStatus
    do throws(MegatecError) {
        status = try MegatecStatus(answer: bytes)
    } catch {
        throw .malformed(protocolName: "q1", reason: error.description)
    }
    func told(_ value: Int?, _ scale: Int, _ unit: String) -> String {
        guard let value else { return "not told" }
        let rest = scale == 1 ? "" : ".\(padded(value % scale, scale == 10 ? 1 : 2))"
        return "\(value / scale)\(rest) \(unit)"
    }
    let flags = [
        "utility fails", "battery low", "bypass or boost", "UPS failed", "standby type", "testing", "shutting down",
        "beeps",
    ]
    var words: [String] = []
    for (index, flag) in flags.enumerated() where status.bits & 0x80 >> UInt8(index) != 0 { words.append(flag) }
    return [
        "input: \(told(status.inputDecivolts, 10, "V")), last fault \(told(status.faultDecivolts, 10, "V"))",
        "output: \(told(status.outputDecivolts, 10, "V")), \(told(status.decihertz, 10, "Hz")), "
            + "load \(told(status.loadPercent, 1, "%"))",
        "battery: \(told(status.batteryCentivolts, 100, "V")), \(told(status.deciCelsius, 10, "C"))",
        "state: \(words.isEmpty ? "on mains" : words.joined(separator: ", "))",
    ]
}
