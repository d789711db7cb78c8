// Threads: each has a name, a stack of a stated size, and where allowed a real-time priority and a CPU of its own.

import CSystem
import Domain

/// What a thread could not be given. The caller says it plainly in the log and goes on.
public struct ThreadShortfall: Sendable {
    public let what: String
    public let errno: Int32
}

public struct ThreadSettings: Sendable {
    /// At most 15 bytes: the kernel shows it.
    public var name: String
    public var stackBytes = 512 * 1024
    /// SCHED_FIFO, 1 to 99; nil for the ordinary scheduler.
    public var fifoPriority: Int?
    public var cpu: Int?
    /// Runs, and reads its files, only when nothing else wants to.
    public var isIdle = false

    public init(name: String) {
        self.name = name
    }
}

private final class ThreadBody {
    let settings: ThreadSettings
    let shortfall: @Sendable (ThreadShortfall) -> Void
    let run: @Sendable () -> Void

    init(
        _ settings: ThreadSettings, _ shortfall: @escaping @Sendable (ThreadShortfall) -> Void,
        _ run: @escaping @Sendable () -> Void
    ) {
        self.settings = settings
        self.shortfall = shortfall
        self.run = run
    }
}

/// A running thread of the firmware.
public final class Thread: @unchecked Sendable {
    private var handle = pthread_t()

    /// Starts `body`. `shortfall` is called on the new thread for each thing that the kernel does not allow.
    public init(
        _ settings: ThreadSettings, shortfall: @escaping @Sendable (ThreadShortfall) -> Void,
        _ body: @escaping @Sendable () -> Void
    ) throws(MachineError) {
        let context = Unmanaged.passRetained(ThreadBody(settings, shortfall, body)).toOpaque()
        let result = gw_thread_create(
            &handle, settings.stackBytes,
            { context in
                guard let context else { return nil }
                let body = Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue()
                prepare(body)
                body.run()
                return nil
            }, context)
        guard result == 0 else {
            Unmanaged<ThreadBody>.fromOpaque(context).release()
            throw .system(call: "pthread_create", subject: settings.name, errno: result)
        }
    }

    /// Waits for the thread to end. False when it has not by then.
    public func join(within limit: Interval) -> Bool {
        gw_thread_join_ns(handle, Int64(clamping: limit.nanoseconds)) == 0
    }
}

private func prepare(_ body: ThreadBody) {
    _ = gw_thread_set_name(body.settings.name)
    if let priority = body.settings.fifoPriority {
        let result = gw_thread_set_fifo(Int32(clamping: priority))
        if result != 0 { body.shortfall(ThreadShortfall(what: "SCHED_FIFO \(priority)", errno: result)) }
    }
    if let cpu = body.settings.cpu {
        let result = gw_thread_set_cpu(Int32(clamping: cpu))
        if result != 0 { body.shortfall(ThreadShortfall(what: "CPU \(cpu)", errno: result)) }
    }
    if body.settings.isIdle {
        let result = gw_thread_set_idle()
        if result != 0 { body.shortfall(ThreadShortfall(what: "idle priority", errno: result)) }
    }
    gw_thread_touch_stack(128 * 1024)
}

/// Keeps all pages of the process in memory, now and later. Returns errno where the kernel does not allow it.
public func lockMemory() -> Int32? {
    let result = gw_lock_memory()
    return result == 0 ? nil : result
}
