// What the controller shows of an arm: a copy of its flags, free of heap.

import Domain

public struct LaneView: Equatable, Sendable {
    public enum Arm: UInt8, Sendable {
        case closed = 0
        case opening = 1
        case open = 2
        case closing = 3
        case stopped = 4
        case unknown = 5
    }

    public let arm: Arm
    /// What the rules go by: active, faulty or uncertain.
    public let active: SensorSet
    /// Active for want of knowledge alone.
    public let doubtful: SensorSet
    public let isHeldOpen: Bool
    public let isLockedDown: Bool
    public let isInMaintenance: Bool
}

extension LaneCore {
    public var view: LaneView {
        let position: LaneView.Arm =
            switch arm.position {
            case .closed: .closed
            case .opening: .opening
            case .open: .open
            case .closing: .closing
            case .stopped: .stopped
            case .unknown: .unknown
            }
        return LaneView(
            arm: position, active: sensors.active, doubtful: sensors.doubtful, isHeldOpen: isHeldOpen,
            isLockedDown: isLockedDown, isInMaintenance: isInMaintenance)
    }
}
