// The net thread: camera pushes in, each kept before it is answered.
//
// Invariants: a read is given to the ledger before it is given to admission; a camera is answered only when the ledger
// thread has said what became of its push, or after a time limit, as not kept.
// Limits: 16 reads and 32 MiB of photos under way, beyond which a camera is asked to come again; 5 s a read.

import Domain
import Machine
import Web

final class NetThread: CaptureSink, @unchecked Sendable {
    private struct Waiting {
        let request: UInt32
        let byteCount: Int
        let since: Instant
        /// Nil once it was answered as too late; the ledger may still hold its bytes.
        var completion: ((Web.CaptureFate) -> Void)?
    }

    private let channels: NetChannels
    private let leads: [(camera: String, lead: Interval)]
    private let clock: any Clock
    private let stop: Flag
    private let pulse: Pulse
    private var waiting: [Waiting] = []
    private var bytesUnderWay = 0
    private var lastRequest: UInt32 = 0

    private static let maximumWaiting = 16
    private static let maximumBytes = 32 * 1024 * 1024
    private static let answerLimit = Interval.seconds(5)
    private static let tick = Interval.milliseconds(100)

    init(
        channels: NetChannels, leads: [(camera: String, lead: Interval)], clock: any Clock, stop: Flag, pulse: Pulse
    ) {
        self.channels = channels
        self.leads = leads
        self.clock = clock
        self.stop = stop
        self.pulse = pulse
    }

    /// Serves until the stop flag is raised. The loop and the server were made by the caller and belong to this thread.
    func run(_ loop: EventLoop) throws(MachineError) {
        let bellWatch = try loop.watch(readable: channels.bell.fileDescriptor) { self.answersCame() }
        let tickWatch = try loop.timer(NetThread.tick, repeats: true) { self.turn(loop) }
        loop.run()
        bellWatch.cancel()
        tickWatch.cancel()
    }

    private func turn(_ loop: EventLoop) {
        let now = clock.now()
        pulse.beat(now)
        for index in waiting.indices where now.since(waiting[index].since) > NetThread.answerLimit {
            answer(at: index, .refused)
        }
        if stop.isRaised { loop.stop() }
    }

    func take(
        _ capture: Capture, lane: LaneID, camera: String, completion: @escaping (Web.CaptureFate) -> Void
    ) {
        let byteCount = capture.photos.reduce(0) { $0 + $1.jpeg.count }
        guard waiting.count < NetThread.maximumWaiting, bytesUnderWay + byteCount <= NetThread.maximumBytes else {
            completion(.refused)
            return
        }
        let now = clock.now()
        lastRequest &+= 1
        guard channels.captures.push(CaptureToKeep(request: lastRequest, lane: lane, capture: capture)) else {
            completion(.refused)
            return
        }
        waiting.append(Waiting(request: lastRequest, byteCount: byteCount, since: now, completion: completion))
        bytesUnderWay += byteCount
        var withoutPhotos = capture
        withoutPhotos.photos = []
        let lead = leads.first { $0.camera == camera }?.lead ?? .seconds(3)
        // Admission may miss a read when it does not keep up; the ledger has it, and the lane refuses by its deadline.
        _ = channels.arrived.push(
            ArrivedCapture(lane: lane, capture: withoutPhotos, receivedAt: now, lead: lead))
    }

    private func answersCame() {
        channels.bell.take()
        while let kept = channels.kept.pop() {
            guard let index = waiting.firstIndex(where: { $0.request == kept.request }) else { continue }
            switch kept.fate {
            case .stored: answer(at: index, .kept)
            case .duplicate: answer(at: index, .duplicate)
            case nil: answer(at: index, .refused)
            }
            bytesUnderWay -= waiting[index].byteCount
            waiting.remove(at: index)
        }
    }

    private func answer(at index: Int, _ fate: Web.CaptureFate) {
        let completion = waiting[index].completion
        waiting[index].completion = nil
        completion?(fate)
    }
}

struct NetChannels: Sendable {
    let bell: Wakeup
    let captures: Ring<CaptureToKeep>
    let arrived: Ring<ArrivedCapture>
    let kept: Ring<CaptureKept>
}
