// The cameras of the lane: each picture is pushed from a thread of its own, again when it is not answered as the
// make's documents say, and sometimes once more although it was.
//
// Limits: 1 push and 4 resends, 3 s for an answer.

import Domain
import Foundation
import Synchronization

public struct CameraCounts: Sendable {
    public var reads = 0
    public var pushes = 0
    public var answered = 0
    /// Pushed again although it was answered.
    public var duplicates = 0
    /// Gave up after the last resend.
    public var unanswered = 0
    /// An answer that would have made the camera pulse its own relay.
    public var ownRelay = 0
    /// A status that is no 200 (while the controller was there).
    public var refused = 0
}

/// What became known of one push, for the checks and the figures.
public struct TakenPicture: Sendable {
    public var visit: Int
    public var plate: Plate
    public var isRead: Bool
    /// SHA-256, lower-case hexadecimal.
    public var photos: [String]
    public var pushedAt: UInt64
    /// The first push was answered.
    public var isPrompt: Bool
}

final class Cameras: Sendable {
    private struct State {
        var counts = CameraCounts()
        var pictures: [TakenPicture] = []
        var running = 0
    }

    private static let resends = 4
    private let port: UInt16
    private let seed: UInt64
    private let state = Mutex(State())

    init(port: UInt16, seed: UInt64) {
        self.port = port
        self.seed = seed
    }

    var counts: CameraCounts { state.withLock { $0.counts } }
    var pictures: [TakenPicture] { state.withLock { $0.pictures } }
    var isIdle: Bool { state.withLock { $0.running == 0 } }

    /// Takes the picture now and pushes it after the delay.
    func take(_ visit: Visit, lane: Int, attempt: Int, delayMilliseconds: Int) {
        let isRead = visit.kind != .unreadFirst || attempt > 1
        state.withLock {
            $0.running += 1
            $0.counts.reads += 1
        }
        let resendDelay = 200 + visit.cameraDelayMilliseconds
        Thread.detachNewThread { [self] in
            let push = CameraPush(visit: visit, attempt: attempt, isRead: isRead, seed: seed)
            Clock.sleep(milliseconds: delayMilliseconds)
            deliver(push, lane)
            if visit.isResent && attempt == 1 {
                Clock.sleep(milliseconds: resendDelay)
                state.withLock { $0.counts.duplicates += 1 }
                _ = send(push, lane)
            }
            state.withLock { $0.running -= 1 }
        }
    }

    private func deliver(_ push: CameraPush, _ lane: Int) {
        let index = state.withLock { state in
            state.pictures.append(
                TakenPicture(
                    visit: push.visit, plate: push.plate, isRead: push.isRead,
                    photos: push.photos.map { sha256($0) }, pushedAt: Clock.now, isPrompt: false
                )
            )
            return state.pictures.count - 1
        }
        for number in 0...Cameras.resends {
            if send(push, lane) {
                state.withLock {
                    $0.counts.answered += 1
                    $0.pictures[index].isPrompt = number == 0
                }
                return
            }
            Clock.sleep(milliseconds: 300)
        }
        state.withLock { $0.counts.unanswered += 1 }
    }

    /// True when the answer is the documented one.
    private func send(_ push: CameraPush, _ lane: Int) -> Bool {
        state.withLock { $0.counts.pushes += 1 }
        guard let descriptor = Loopback.connect(port: port, seconds: 3) else { return false }
        let stream = PlainStream(descriptor)
        let head =
            "POST /camera/\(2 * lane + (push.make == .vzenith ? 1 : 2)) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n"
            + "Content-Type: \(push.contentType)\r\nContent-Length: \(push.body.count)\r\n"
            + "Connection: close\r\n\r\n"
        guard stream.write(Array(head.utf8) + push.body), let answer = HTTPReader(stream).next() else { return false }
        guard answer.status == 200 else {
            state.withLock { $0.counts.refused += 1 }
            return false
        }
        return push.make == .hikvision || understands(answer.body)
    }

    /// The camera takes a push for received only with its response object; `info:"ok"` would pulse its relay.
    private func understands(_ body: [UInt8]) -> Bool {
        let object = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]
        guard let response = object?["Response_AlarmInfoPlate"] as? [String: Any] else { return false }
        if response["info"] as? String == "ok" { state.withLock { $0.counts.ownRelay += 1 } }
        return response["content"] as? String == "retransfer_stop"
    }
}
