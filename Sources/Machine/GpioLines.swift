// The board's inputs and outputs through libgpiod v2: one request for all lines of one chip.
//
// Invariants: an output is requested de-energised, so that taking the lines over moves no relay; edges carry the
// kernel's stamp and global sequence number; the debounce is the kernel's. A crash drives the outputs off
// (CrashOutputs).
// Limits: 64 lines, inputs and outputs together, all on one chip: the kernel's limit for one request.

import CLibgpiod
import CSystem
import Domain

/// One line of the chip, by offset or by the name that the device tree gives it.
public enum LineName: Equatable, Sendable {
    case offset(UInt32)
    case name(String)

    public var text: String {
        switch self {
        case .offset(let offset): "line \(offset)"
        case .name(let name): "line \"\(name)\""
        }
    }
}

/// How the lines of a board are wired.
public struct LineElectrics: Sendable {
    public enum Bias: Sendable {
        case asIs
        case pullUp
        case pullDown
    }

    /// The chip's own resistor on the inputs.
    public var inputBias: Bias
    /// A low level energises a relay.
    public var outputsActiveLow: Bool
    /// How long an input must stand still to count.
    public var debounce: Interval

    public init(inputBias: Bias, outputsActiveLow: Bool, debounce: Interval) {
        self.inputBias = inputBias
        self.outputsActiveLow = outputsActiveLow
        self.debounce = debounce
    }
}

public final class GpioLines: LinePort {
    /// GPIO_V2_LINES_MAX of the kernel.
    public static let maximumLines = 64

    private let request: OpaquePointer
    private let requestDescriptor: Int32
    private let reads: InterruptibleReads
    private let inputs: [UInt32]
    private let chipPath: String

    /// Takes the lines of `chipPath`. Throws when the chip or a line is not there or belongs to somebody else.
    public init(chipPath: String, inputs: [LineName], outputs: [LineName], electrics: LineElectrics)
        throws(MachineError)
    {
        precondition(inputs.count + outputs.count <= GpioLines.maximumLines, "GPIO-1 at most 64 lines")
        guard let chip = gpiod_chip_open(chipPath) else { throw .lastSystemError("open", chipPath) }
        defer { gpiod_chip_close(chip) }
        self.chipPath = chipPath
        var watched: [UInt32] = []
        for input in inputs { watched.append(try GpioLines.offset(input, chip, chipPath)) }
        self.inputs = watched
        var driven: [UInt32] = []
        for output in outputs { driven.append(try GpioLines.offset(output, chip, chipPath)) }
        if let offset = GpioLines.firstRepeated(watched + driven) {
            let reason = "line \(offset) is given twice, once by its name and once by its number: give it once"
            throw .library(name: "libgpiod", subject: chipPath, reason: reason)
        }
        guard let config = gpiod_line_config_new(), let settings = gpiod_line_settings_new(),
            let requestConfig = gpiod_request_config_new()
        else { throw .library(name: "libgpiod", subject: chipPath, reason: "out of memory") }
        defer {
            gpiod_line_config_free(config)
            gpiod_line_settings_free(settings)
            gpiod_request_config_free(requestConfig)
        }
        gpiod_request_config_set_consumer(requestConfig, "gatewarden")
        gpiod_request_config_set_event_buffer_size(requestConfig, 256)
        gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_INPUT)
        gpiod_line_settings_set_edge_detection(settings, GPIOD_LINE_EDGE_BOTH)
        gpiod_line_settings_set_event_clock(settings, GPIOD_LINE_CLOCK_MONOTONIC)
        gpiod_line_settings_set_debounce_period_us(settings, UInt(electrics.debounce.nanoseconds / 1_000))
        gpiod_line_settings_set_bias(settings, electrics.inputBias.value)
        let inputsTaken = gpiod_line_config_add_line_settings(config, self.inputs, self.inputs.count, settings)
        gpiod_line_settings_reset(settings)
        gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_OUTPUT)
        gpiod_line_settings_set_active_low(settings, electrics.outputsActiveLow)
        gpiod_line_settings_set_output_value(settings, GPIOD_LINE_VALUE_INACTIVE)
        let outputsTaken = gpiod_line_config_add_line_settings(config, driven, driven.count, settings)
        guard inputsTaken == 0, outputsTaken == 0,
            let request = gpiod_chip_request_lines(chip, requestConfig, config)
        else {
            throw .lastSystemError("line request", chipPath)
        }
        self.request = request
        requestDescriptor = gpiod_line_request_get_fd(request)
        reads = InterruptibleReads(requestDescriptor)
        guard gw_set_nonblocking(requestDescriptor, true) == 0 else {
            throw .lastSystemError("nonblocking", chipPath)
        }
        // The kernel numbers the lines of a request as they were added: the inputs first.
        CrashOutputs.keep(
            request: requestDescriptor,
            mask: (1 << UInt64(driven.count) &- 1) << UInt64(watched.count))
    }

    deinit {
        CrashOutputs.forget()
        gpiod_line_request_release(request)
    }

    public func level(input: Int) throws(MachineError) -> Bool {
        switch gpiod_line_request_get_value(request, inputs[input]) {
        case GPIOD_LINE_VALUE_ACTIVE: return true
        case GPIOD_LINE_VALUE_INACTIVE: return false
        default: throw .lastSystemError("get value", chipPath)
        }
    }

    public func waitForEvents() throws(MachineError) {
        try reads.wait(chipPath)
    }

    public func interrupt() {
        reads.interrupt()
    }

    public func nextEvent() throws(MachineError) -> LineEvent? {
        // One call and no second one that asks first: this is on the way from an edge to a relay.
        var event = gw_line_edge()
        guard gw_lines_read(requestDescriptor, &event) else {
            let error = gw_errno()
            if error == EAGAIN || error == EINTR { return nil }
            throw .system(call: "read edge", subject: chipPath, errno: error)
        }
        let offset = event.line
        guard let input = inputs.firstIndex(of: offset) else {
            throw .library(name: "libgpiod", subject: chipPath, reason: "an edge of line \(offset), not asked for")
        }
        return LineEvent(
            input: UInt8(input),
            isHigh: event.is_rising, at: GpioLines.laneTime(monotonic: event.monotonic_ns), sequence: event.sequence)
    }

    public func drive(output: Int, _ energised: Bool) throws(MachineError) {
        // The kernel numbers the lines of a request as they were added: the inputs first.
        let bit: UInt64 = 1 << UInt64(inputs.count + output)
        if gw_lines_set(requestDescriptor, bit, energised ? bit : 0) != 0 {
            throw .lastSystemError("set value", chipPath)
        }
    }

    /// A line that comes twice would take one place in the kernel's request, and all after it would move up by one.
    static func firstRepeated(_ offsets: [UInt32]) -> UInt32? {
        offsets.indices.first { offsets[..<$0].contains(offsets[$0]) }.map { offsets[$0] }
    }

    /// The kernel stamps edges with CLOCK_MONOTONIC, which stands still in suspend; lane time does not.
    private static func laneTime(monotonic: UInt64) -> Instant {
        let suspended = max(0, gw_clock_boottime_ns() - gw_clock_monotonic_ns())
        return Instant(nanoseconds: monotonic + UInt64(suspended))
    }

    private static func offset(_ name: LineName, _ chip: OpaquePointer, _ path: String) throws(MachineError) -> UInt32 {
        switch name {
        case .offset(let offset):
            return offset
        case .name(let text):
            let offset = gpiod_chip_get_line_offset_from_name(chip, text)
            guard offset >= 0 else {
                throw .library(name: "libgpiod", subject: path, reason: "has no line named \"\(text)\"")
            }
            return UInt32(offset)
        }
    }
}

extension LineElectrics.Bias {
    fileprivate var value: gpiod_line_bias {
        switch self {
        case .asIs: GPIOD_LINE_BIAS_AS_IS
        case .pullUp: GPIOD_LINE_BIAS_PULL_UP
        case .pullDown: GPIOD_LINE_BIAS_PULL_DOWN
        }
    }
}
