// The real files, in a folder of their own.

import Foundation
import Testing

@testable import Machine

struct DiskFilesTests {
    let folder = NSTemporaryDirectory() + "gw-files-" + UUID().uuidString
    let files = DiskFiles()

    init() throws {
        try files.createFolder(folder)
    }

    @Test func lockIsFreeOnceReleasedThoughAChildStillHasTheFile() throws {
        let path = NSTemporaryDirectory() + "gatewarden-lock-\(UUID().uuidString)"
        defer { unlink(path) }
        var held = try FileLock.take(path)
        #expect(held != nil)
        // A duplicate stands for what a child inherits until it execs.
        let number = try #require(
            (3..<1_024).first { (number: Int32) in
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")) == path
            })
        let duplicate = dup(number)
        defer { close(duplicate) }
        #expect(try FileLock.take(path) == nil)
        held = nil
        #expect(try FileLock.take(path) != nil)
    }

    /// Of a file that has two names, both show it: the bytes were not written elsewhere and renamed.
    @Test func anOverwriteIsInPlaceAndLeavesTheRest() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try files.writeDurably([UInt8](repeating: 7, count: 100), to: folder + "/a")
        try FileManager.default.linkItem(atPath: folder + "/a", toPath: folder + "/b")
        try files.overwrite(folder + "/a", with: [UInt8](repeating: 0, count: 80))
        for name in ["/a", "/b"] {
            #expect(
                try files.read(folder + name, limit: 1_000)
                    == [UInt8](repeating: 0, count: 80) + [UInt8](repeating: 7, count: 20))
        }
        #expect(throws: MachineError.self) { try files.overwrite(folder + "/c", with: [0]) }
        #expect(!files.exists(folder + "/c"))
    }

    @Test func whatIsWrittenIsReadBackAndNothingElseIsLeft() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
        try files.writeDurably(bytes, to: folder + "/a")
        try files.writeDurably([7], to: folder + "/a")
        try files.writeDurably(bytes, to: folder + "/b")
        #expect(try files.read(folder + "/a", limit: 10) == [7])
        #expect(try files.read(folder + "/b", limit: 100_000) == bytes)
        #expect(try files.names(in: folder) == ["a", "b"])
    }

    @Test func aFileOverTheLimitIsRefused() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try files.writeDurably([1, 2, 3], to: folder + "/a")
        #expect {
            _ = try files.read(folder + "/a", limit: 2)
        } throws: { error in
            guard case .limit(_, 2) = error as? MachineError else { return false }
            return true
        }
    }

    @Test func aMissingFileAndAFolderAreNamed() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(!files.exists(folder + "/none"))
        for path in [folder + "/none", folder] {
            #expect {
                _ = try files.read(path, limit: 10)
            } throws: { error in
                guard case .system(_, path, _) = error as? MachineError else { return false }
                return true
            }
        }
    }

    @Test func aWriteThatCannotHappenLeavesNoFile() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // A folder in the place of the file: the last step, the rename, is refused.
        try files.createFolder(folder + "/a")
        #expect(throws: MachineError.self) { try files.writeDurably([1], to: folder + "/a") }
        #expect(throws: MachineError.self) { try files.writeDurably([1], to: folder + "/none/b") }
        #expect(try files.names(in: folder) == ["a"])
    }

    @Test func aFolderIsMadeOnceAndAFileInItsPlaceIsRefused() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try files.createFolder(folder + "/sub")
        try files.createFolder(folder + "/sub")
        try files.writeDurably([1], to: folder + "/file")
        #expect(throws: MachineError.self) { try files.createFolder(folder + "/file") }
        try files.remove(folder + "/file")
        #expect(try files.names(in: folder) == ["sub"])
    }

    @Test func aLockIsHeldByOneAndFreedWithItsOwner() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var first = try FileLock.take(folder + "/lock")
        #expect(first != nil)
        #expect(try FileLock.take(folder + "/lock") == nil)
        first = nil
        #expect(try FileLock.take(folder + "/lock") != nil)
    }
}
