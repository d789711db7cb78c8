// One vehicle and its driver: where it is, what the driver is about to do, and what became of both.
//
// Places are those of its front, in its own direction of travel: it comes from below zero, and the arm's line is zero.

import Domain

enum DriverMode {
    /// Drives up to its stopping place.
    case arriving
    case waiting
    /// Drives through.
    case going
    /// Stands somewhere on the way through.
    case pausing
    case backing
}

/// What a driver is going to do, drawn when the vehicle appears.
struct Character {
    /// Whether Admission will allow it.
    var isAllowed = true
    var cruise = 1.5
    var backSpeed = 0.5
    var acceleration = 1.0
    var reaction = 0.5
    /// Between seeing green and starting.
    var hesitation = 0.5
    var patience = 20.0
    /// Where it stops once on the way, for how long; where it turns back.
    var pauseAt: Double?
    var pause = 0.0
    var turnAt: Double?
    var leavesAfterTurn = false
    /// Follows the one before it through, whatever the light says.
    var tailgates = false
    /// Does not wait for green where the arm stands high enough.
    var ignoresRed = false
    /// Once on the way, does not look at the arm any more.
    var isHeedless = false
    /// Drives into a closed arm.
    var forces = false
    var callsGuard = false
    var changesMindAfter: Double?
    var gap = 1.5
}

/// How a vehicle came under the arm's line.
enum Entry: Int, CaseIterable {
    case none, byVerdict, byPerson, freeForAll, unreleased
}

final class Vehicle {
    let id: Int
    let side: Int
    let isMirrored: Bool
    let isWrongSide: Bool
    let shape: VehicleShape
    let track: Track
    let character: Character
    /// By body, the arm's angle below which it touches it.
    let criticalAngles: [Double]
    let stopPlace: Double
    let bornAt: Int64

    var mode = DriverMode.arriving
    var place: Double
    var speed = 0.0
    var since: Int64
    var cell: Int
    var target = Double.infinity
    var tickAt: Int64
    var nextAt = never
    var waitsSince: Int64 = 0
    var goesAt = never
    var pausesUntil: Int64 = 0
    var hasPaused = false
    var hasTurned = false
    var forcesNow = false
    var leaves = false
    var isDeniedNow = false
    var isBrakingUntil: Int64 = 0

    var hasGreen = false
    /// The arm began to fall when it could no longer stop.
    var isCommitted = false
    /// The arm's highest angle since the vehicle came under the line.
    var topAngle = -1.0
    var isTouched = false

    var entry = Entry.none
    var hasCrossed = false
    var seenUnderAt: Int64 = -1
    var tokens: [VehicleToken] = []
    var goneAt = never

    init(
        id: Int, side: Int, isMirrored: Bool, isWrongSide: Bool, shape: VehicleShape, track: Track,
        character: Character, criticalAngles: [Double], stopPlace: Double, place: Double, at now: Int64
    ) {
        self.id = id
        self.side = side
        self.isMirrored = isMirrored
        self.isWrongSide = isWrongSide
        self.shape = shape
        self.track = track
        self.character = character
        self.criticalAngles = criticalAngles
        self.stopPlace = stopPlace
        self.place = place
        bornAt = now
        since = now
        tickAt = now
        nextAt = now
        cell = track.cell(at: place)
    }

    var mask: UInt32 { track.cells[cell] }
    var rear: Double { place - shape.length }
    /// The angle below which the arm touches what is under its line now; -1 where nothing is.
    var criticalAngle: Double {
        let body = Int(mask >> Track.bodyShift)
        return body == 0 ? -1 : criticalAngles[body - 1]
    }
    var isUnderLine: Bool { mask >> Track.bodyShift != 0 }
    var highestCriticalAngle: Double { criticalAngles.reduce(-1, max) }

    /// Brings `place` up to date, and the cell where an edge is reached.
    func advance(to now: Int64) {
        if speed != 0 {
            place += speed * seconds(now - since)
            while speed > 0 && cell < track.edges.count && place >= track.edges[cell] - 1e-9 { cell += 1 }
            while speed < 0 && cell > 0 && place <= track.edges[cell - 1] + 1e-9 { cell -= 1 }
            if speed > 0 ? place >= target - 1e-9 : place <= target + 1e-9 {
                speed = 0
                tickAt = min(tickAt, now + 50_000_000)
            }
        }
        since = now
    }

    func plan(_ now: Int64) {
        nextAt = tickAt
        guard speed != 0 else { return }
        var way = target - place
        if speed > 0 {
            if cell < track.edges.count { way = min(way, track.edges[cell] - place) }
        } else if cell > 0 {
            way = max(way, track.edges[cell - 1] - place)
        }
        let time = way / speed
        if time < 3_600 { nextAt = min(nextAt, now + max(1, nanoseconds(time) + 1)) }
    }
}
