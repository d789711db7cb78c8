import CSystem
import Foundation
import Machine
import Synchronization
import Testing

/// What a thread under the filter meets, by errno; 0 is success.
private final class Prisoner: @unchecked Sendable {
    var shortfall: Int32?
    var results: [String: Int32] = [:]

    /// On a thread of its own, since nothing is given back.
    func run(_ confinements: [Confinement], _ calls: [(String, () -> Int)]) throws {
        nonisolated(unsafe) let calls = calls
        let thread = try Thread(ThreadSettings(name: "prisoner"), shortfall: { _ in }) {
            for confinement in confinements { self.shortfall = self.shortfall ?? giveUp(confinement) }
            guard self.shortfall == nil else { return }
            for (name, call) in calls {
                gw_set_errno(0)
                self.results[name] = call() < 0 ? gw_errno() : 0
            }
        }
        #expect(thread.join(within: .seconds(10)))
        #expect(shortfall == nil)
    }
}

private func execute() -> Int {
    // A program that is not there: without a filter the answer is ENOENT, and this process goes on.
    var arguments: [UnsafeMutablePointer<CChar>?] = [nil]
    return Int(execve("/nonexistent/program", &arguments, &arguments))
}

private func map(_ protection: Int32) -> Int {
    let page = mmap(nil, 4_096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let page, page != MAP_FAILED else { return -1 }
    return Int(munmap(page, 4_096))
}

private func opened(_ descriptor: Int32) -> Int {
    if descriptor >= 0 { close(descriptor) }
    return Int(descriptor)
}

@Suite(.enabled(if: canConfine)) struct ConfinementTests {
    @Test func withoutAFilterTheSameCallsFailForTheirOwnReasons() {
        #expect(execute() == -1 && gw_errno() == ENOENT)
        #expect(map(PROT_READ | PROT_EXEC) == 0)
    }

    @Test func whatNobodyNeedsIsRefusedAndTheRestGoesOn() throws {
        let prisoner = Prisoner()
        try prisoner.run(
            [.never],
            [
                ("execve", execute),
                ("kill", { Int(kill(getpid(), 0)) }),
                ("packets", { opened(socket(17, Int32(SOCK_RAW.rawValue), 0)) }),
                ("code", { map(PROT_READ | PROT_EXEC) }),
                ("memory", { map(PROT_READ | PROT_WRITE) }),
                ("open", { opened(gw_open("/dev/null", O_RDWR, 0)) }),
                ("internet", { opened(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)) }),
            ])
        #expect(
            prisoner.results == [
                "execve": EPERM, "kill": EPERM, "packets": EPERM, "code": EPERM, "memory": 0,
                "open": 0,
                "internet": 0,
            ])
    }

    @Test func itStartsThreadsAndTheyAreUnderItToo() throws {
        let inner = Prisoner()
        let outer = Prisoner()
        try outer.run([.never], [("thread", { (try? inner.run([], [("execve", execute)])) == nil ? -1 : 0 })])
        #expect(outer.results == ["thread": 0] && inner.results == ["execve": EPERM])
    }

    @Test func aClosedThreadOpensNothingAndSpeaksThroughWhatIsOpen() throws {
        var pair: [Int32] = [-1, -1]
        #expect(gw_unix_pair(Int32(GW_SOCKET_STREAM), &pair) == 0)
        let (here, there) = (pair[0], pair[1])
        defer {
            close(here)
            close(there)
        }
        let prisoner = Prisoner()
        try prisoner.run(
            [.never, .closed],
            [
                ("execve", execute),
                ("open", { opened(gw_open("/dev/null", O_RDONLY, 0)) }),
                ("unlink", { Int(unlink("/nonexistent")) }),
                ("socket", { opened(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)) }),
                ("thread", { (try? Thread(ThreadSettings(name: "x"), shortfall: { _ in }) {}) == nil ? -1 : 0 }),
                ("send", { gw_send(here, "x", 1) }),
                ("memory", { map(PROT_READ | PROT_WRITE) }),
            ])
        #expect(
            prisoner.results == [
                "execve": EPERM, "open": EPERM, "unlink": EPERM, "socket": EPERM, "thread": EPERM, "send": 0,
                "memory": 0,
            ])
    }
}
