// What the kernel tells about itself in /proc and /sys: files without a size.
//
// Limits: 4,096 bytes; the rest is cut.

import CSystem

/// The text without its trailing newline, or nil when there is no such file or it cannot be read.
public func kernelText(_ path: String) -> String? {
    let file = gw_open(path, O_RDONLY | O_CLOEXEC, 0)
    guard file >= 0 else { return nil }
    defer { _ = CSystem.close(file) }
    var bytes = [UInt8](repeating: 0, count: 4_096)
    let count = bytes.withUnsafeMutableBytes { CSystem.read(file, $0.baseAddress, $0.count) }
    guard count >= 0 else { return nil }
    var text = bytes.prefix(count)
    while text.last == 0x0A { text.removeLast() }
    return String(decoding: text, as: UTF8.self)
}

/// Where a symbolic link leads, or nil when it is none or cannot be read.
public func kernelLink(_ path: String) -> String? {
    var bytes = [CChar](repeating: 0, count: 4_096)
    let count = readlink(path, &bytes, bytes.count)
    guard count >= 0 else { return nil }
    return String(decoding: bytes.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
