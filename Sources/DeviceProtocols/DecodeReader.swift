// What a tag reader and its host say to each other, in words, for `gatewarden decode`.

import Domain

/// One frame or several that follow each other.
func describeReader(_ spoken: ReaderProtocol, _ name: String, _ bytes: [UInt8]) throws(DecodeError) -> [String] {
    var lines: [String] = []
    var rest = bytes[...]
    repeat {
        do throws(ReaderFrameError) {
            let frame = try ReaderFrame(spoken, prefixOf: rest)
            lines += describe(frame, spoken, isQuestion: rest.starts(with: spoken.inventory(address: frame.address)))
            rest = rest.dropFirst(frame.byteCount)
        } catch {
            throw .malformed(protocolName: name, reason: "at byte \(rest.startIndex), \(error.description)")
        }
    } while !rest.isEmpty
    return lines
}

private func describe(_ frame: ReaderFrame, _ spoken: ReaderProtocol, isQuestion: Bool) -> [String] {
    if frame.command == UHFReader.heartbeat, frame.data.isEmpty, frame.byteCount == UHFReader.heartbeatByteCount {
        return ["heartbeat of the reader"]
    }
    var lines: [String] = []
    switch spoken {
    case .m100: lines.append("type: \(["command", "answer", "notice"][Int(min(frame.address, 2))])")
    case .r2000, .uhfReader18, .uhfReader86:
        let everyReader = frame.address == 0xFF ? " (every reader)" : ""
        lines.append("address: 0x\(encodeHexadecimal([frame.address]))\(everyReader)")
    }
    let command = "command: 0x\(encodeHexadecimal([frame.command]))"
    if isQuestion {
        lines.append("\(command) inventory, asked for")
    } else if let message = spoken.message(frame) {
        lines.append("\(command) inventory")
        for sight in message.sights {
            let strength = sight.dBm.map { ", \($0) dBm" } ?? ""
            let antenna = sight.antenna.map { ", antenna \($0)" } ?? ""
            lines.append("tag: \(sight.tag.text)\(strength)\(antenna)")
        }
        if let failure = message.failure { lines.append("failed: code 0x\(encodeHexadecimal([failure]))") }
        if message.isLast { lines.append("end of the inventory") }
    } else {
        lines.append("\(command) (not known here)")
        lines.append("data: \(encodeHexadecimal(frame.data))")
    }
    lines.append("checksum: correct")
    return lines
}
