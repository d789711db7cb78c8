// The seams: each way in and out of the firmware is one class-bound protocol with a real implementation and a simulated
// one. The demo, the tests and the fault injection all enter here, so that nothing above needs a test mode.

import Domain

/// The two clocks.
public protocol Clock: AnyObject, Sendable {
    /// CLOCK_BOOTTIME: counts through suspend, never steps.
    func now() -> Instant
    /// CLOCK_REALTIME: may step at any moment.
    func wall() -> WallTime
}

/// A change of one input, as the kernel (or the simulated site) stamped it.
public struct LineEvent: Equatable, Sendable {
    /// The index of the input in the order in which the port was opened.
    public let input: UInt8
    /// The electrical level after the change; what it means (normally open or closed) is the caller's to know.
    public let isHigh: Bool
    /// When it happened, in lane time.
    public let at: Instant
    /// Counts all the port's events from 1 without a gap; a gap means that events were lost.
    public let sequence: UInt32

    public init(input: UInt8, isHigh: Bool, at: Instant, sequence: UInt32) {
        self.input = input
        self.isHigh = isHigh
        self.at = at
        self.sequence = sequence
    }
}

/// The digital inputs and outputs of the board. The lane's thread waits for events and takes them; levels and outputs
/// are for one thread at a time, whether or not that one waits meanwhile; anybody interrupts. No call allocates, and
/// none but `nextEvent` waits.
public protocol LinePort: AnyObject {
    /// From now on `nextEvent` waits for a change, until the next `interrupt`.
    func waitForEvents() throws(MachineError)
    /// From now on, and if the lane's thread waits in it from this moment, `nextEvent` does not wait.
    func interrupt()
    /// The level of an input at this moment.
    func level(input: Int) throws(MachineError) -> Bool
    /// The next change. Nil when it may not wait and there is none.
    func nextEvent() throws(MachineError) -> LineEvent?
    /// Drives an output. True energises it.
    func drive(output: Int, _ energised: Bool) throws(MachineError)
}

/// A serial port or what stands for one.
public protocol SerialPort: AnyObject {
    var fileDescriptor: Int32 { get }
    /// Writes all bytes or throws `deadline`.
    func write(_ bytes: [UInt8], within: Interval) throws(MachineError)
    /// At least one byte and at most `limit`, or throws `deadline`.
    func read(limit: Int, within: Interval) throws(MachineError) -> [UInt8]
}

/// The holding registers of one Modbus slave.
public protocol RegisterPort: AnyObject {
    /// So many registers from an address on, or throws.
    func readRegisters(at address: Int, count: Int) throws(MachineError) -> [UInt16]
}

/// The files of the state folder.
public protocol Files: AnyObject {
    /// The whole file. Throws `limit` when it is larger than `limit` bytes.
    func read(_ path: String, limit: Int) throws(MachineError) -> [UInt8]
    /// When this returns, the file is on the disk under its name with exactly these bytes, or it throws and there is no
    /// file of that name that was not there before (temporary file, fsync, rename, fsync of the folder).
    func writeDurably(_ bytes: [UInt8], to path: String) throws(MachineError)
    func exists(_ path: String) -> Bool
    /// The names in a folder, without `.` and `..`, sorted.
    func names(in folder: String) throws(MachineError) -> [String]
    func remove(_ path: String) throws(MachineError)
    /// Renames a file, over one of that name when there is one. Durable when it returns.
    func move(_ path: String, to newPath: String) throws(MachineError)
    /// Writes over the beginning of a file that exists, in place, and syncs it: for secrets that are to be destroyed.
    func overwrite(_ path: String, with bytes: [UInt8]) throws(MachineError)
    /// Free bytes of the file system that holds the path; nil when it cannot be told.
    func freeBytes(at path: String) -> UInt64?
    /// Makes the folder if it is missing (its parent must exist) and makes its name durable.
    func createFolder(_ path: String) throws(MachineError)
    /// Makes what was renamed and removed in the folder durable.
    func synchronise(folder: String) throws(MachineError)
    /// Removes an empty folder.
    func removeFolder(_ path: String) throws(MachineError)
    /// The number of the file system that a path lies on; nil when it cannot be told.
    func fileSystem(at path: String) -> UInt64?
}

/// What a simulated disk need not do in a way of its own.
extension Files {
    public func move(_ path: String, to newPath: String) throws(MachineError) {
        try writeDurably(try read(path, limit: 1 << 30), to: newPath)
        try remove(path)
    }

    public func overwrite(_ path: String, with bytes: [UInt8]) throws(MachineError) {
        try writeDurably(bytes, to: path)
    }

    public func freeBytes(at path: String) -> UInt64? { nil }

    public func synchronise(folder: String) throws(MachineError) {}

    public func removeFolder(_ path: String) throws(MachineError) { try remove(path) }

    public func fileSystem(at path: String) -> UInt64? { nil }
}

/// A request that has arrived whole and within the server's limits.
public struct HTTPRequest: Sendable {
    public let method: String
    /// The path without the query.
    public let path: String
    /// The value of `Content-Type`, or empty.
    public let contentType: String
    /// The address of the peer.
    public let peer: String
    public let body: [UInt8]

    public init(method: String, path: String, contentType: String, peer: String, body: [UInt8]) {
        self.method = method
        self.path = path
        self.contentType = contentType
        self.peer = peer
        self.body = body
    }
}

public struct HTTPResponse: Sendable {
    public let status: Int
    public let contentType: String
    public let body: [UInt8]

    public init(status: Int, contentType: String, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }
}

/// One request that waits for its answer. Answer once, at any later moment, on the loop's thread; an answer to a peer
/// that has left is dropped.
public protocol HTTPExchange: AnyObject {
    func answer(_ response: HTTPResponse)
}

/// What takes the requests of a server, on its loop's thread.
public protocol HTTPHandler: AnyObject {
    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange)
}

/// A client of one server, for the uplink: one request at a time, every wait bounded.
public protocol HTTPTransport: AnyObject {
    /// Sends one request and calls `completion` exactly once on the loop's thread, at the latest when the transport's
    /// own deadline has passed.
    func post(
        path: String, contentType: String, body: [UInt8],
        completion: @escaping (Result<HTTPResponse, MachineError>) -> Void
    )
    /// Drops the connection; a request under way fails. The next request connects anew.
    func disconnect()
}
