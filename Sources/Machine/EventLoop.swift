// The event loop of the net, uplink and console threads: libevent's event_base, one a thread.
//
// Invariants: a loop and everything made on it are used by one thread only; handlers never block.
// Limits: a watch lives until it is cancelled or the loop is released; a handler of a cancelled watch is not called.

import CLibevent
import Domain

/// One libevent loop.
public final class EventLoop {
    public let base: OpaquePointer

    public init() throws(MachineError) {
        guard let base = event_base_new() else {
            throw .library(name: "libevent", subject: "event_base_new", reason: "no event mechanism")
        }
        self.base = base
    }

    deinit {
        event_base_free(base)
    }

    /// Runs until `stop`.
    public func run() {
        _ = event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY)
    }

    /// Ends `run` after the handler that is under way. Call it on the loop's own thread.
    public func stop() {
        event_base_loopbreak(base)
    }

    /// Calls `handler` whenever `fileDescriptor` is readable.
    public func watch(readable fileDescriptor: Int32, _ handler: @escaping () -> Void) throws(MachineError)
        -> EventWatch
    {
        let watch = EventWatch(handler)
        try watch.arm(self, fileDescriptor, Int16(EV_READ | EV_PERSIST), nil)
        return watch
    }

    /// Calls `handler` after `interval`, once or again and again.
    public func timer(_ interval: Interval, repeats: Bool, _ handler: @escaping () -> Void) throws(MachineError)
        -> EventWatch
    {
        let watch = EventWatch(handler)
        try watch.arm(self, -1, repeats ? Int16(EV_PERSIST) : 0, interval)
        return watch
    }
}

/// A handler that the loop holds. Keep it: releasing it cancels it.
public final class EventWatch {
    private let handler: () -> Void
    private var event: OpaquePointer?

    fileprivate init(_ handler: @escaping () -> Void) {
        self.handler = handler
    }

    deinit {
        cancel()
    }

    public func cancel() {
        guard let event else { return }
        event_free(event)
        self.event = nil
    }

    fileprivate func arm(_ loop: EventLoop, _ fileDescriptor: Int32, _ what: Int16, _ interval: Interval?)
        throws(MachineError)
    {
        let context = Unmanaged.passUnretained(self).toOpaque()
        event = event_new(
            loop.base, fileDescriptor, what,
            { _, _, context in
                guard let context else { return }
                let watch = Unmanaged<EventWatch>.fromOpaque(context).takeUnretainedValue()
                watch.handler()
            }, context)
        guard let event else {
            throw .library(name: "libevent", subject: "event_new", reason: "out of memory")
        }
        let added: Int32
        if let interval {
            var time = timeval(interval)
            added = event_add(event, &time)
        } else {
            added = event_add(event, nil)
        }
        guard added == 0 else {
            throw .library(name: "libevent", subject: "event_add", reason: "refused")
        }
    }
}

extension timeval {
    init(_ interval: Interval) {
        self.init()
        tv_sec = .init(interval.nanoseconds / 1_000_000_000)
        tv_usec = .init(interval.nanoseconds % 1_000_000_000 / 1_000)
    }
}
