// The synthetic fleet of the simulated site: plates, colours, VINs and stages that no real vehicle has.
// It also writes the two files that the controller imports: the register and the lists.
//
// Limits: a fleet has at most some fifty vehicles; a plate or VIN appears once.

import Domain

/// Everybody who may come to the gate, by what the gate is to do with them.
public struct Fleet: Sendable {
    /// In the register with stage 5, 6 or D.
    public private(set) var allowed: [Vehicle] = []
    /// In the register with stage 3 or 4.
    public private(set) var tooLow: [Vehicle] = []
    /// In the register with stage X.
    public private(set) var stageUnknown: [Vehicle] = []
    /// Stage 3, and on the white list.
    public private(set) var whitelisted: [Vehicle] = []
    /// Stage 6, and on the black list.
    public private(set) var blacklisted: [Vehicle] = []
    /// In no file.
    public private(set) var strangers: [Vehicle] = []
    /// In the register with a tag, and never at the gate: others wear their tags.
    public private(set) var absent: [Vehicle] = []

    public init(seed: UInt64) {
        var maker = VehicleMaker(random: SeededRandom(seed: seed, part: "fleet"))
        let wished: [EmissionStage] = [.china5, .china6, .china6, .electric]
        allowed = (0..<24).map { maker.make(stage: wished[$0 % wished.count]) }
        tooLow = (0..<6).map { maker.make(stage: $0.isMultiple(of: 2) ? .china3 : .china4) }
        stageUnknown = (0..<2).map { _ in maker.make(stage: .unknown) }
        whitelisted = (0..<3).map { _ in maker.make(stage: .china3) }
        blacklisted = (0..<3).map { _ in maker.make(stage: .china6) }
        strangers = (0..<6).map { _ in maker.make(stage: .china6) }
        absent = (0..<3).map { _ in maker.make(stage: .china6) }
    }

    public var registered: [Vehicle] { allowed + tooLow + stageUnknown + whitelisted + blacklisted }

    /// The EPC of a registered vehicle's own tag, in hexadecimal; nil for a stranger.
    public func tag(of plate: Plate) -> String? {
        guard let place = (registered + absent).firstIndex(where: { $0.plate == plate }) else { return nil }
        return "E28068940000500A" + String(UInt32(0x9D22_0000) + UInt32(place), radix: 16, uppercase: true)
    }

    /// The register with a column of tags.
    public var taggedRegisterCSV: String {
        let rows = registerCSV(of: registered + absent).split(separator: "\n")
        let tags = ["tag"] + (registered + absent).map { tag(of: $0.plate) ?? "" }
        return zip(rows, tags).map { $0 + "," + $1 }.joined(separator: "\n") + "\n"
    }

    /// The vehicle register as the controller imports it.
    public var registerCSV: String { registerCSV(of: registered) }

    private func registerCSV(of vehicles: [Vehicle]) -> String {
        let header =
            "plate,colour,vin,registration_date,vehicle_type,fuel,stage,model,engine_model,engine_maker,"
            + "engine_number,usage,networked,fleet"
        let rows = vehicles.map { vehicle in
            [
                vehicle.plate.text, String(vehicle.plate.colour.rawValue), vehicle.vin, vehicle.registrationDate,
                vehicle.vehicleType, vehicle.fuel?.code ?? "", vehicle.stage.code, vehicle.model, vehicle.engineModel,
                vehicle.engineMaker, vehicle.engineNumber, vehicle.usage,
                vehicle.networked.map { $0 ? "1" : "0" } ?? "", vehicle.fleet,
            ].joined(separator: ",")
        }
        return ([header] + rows).joined(separator: "\n") + "\n"
    }

    /// The white and black list as the controller imports them.
    public var listsCSV: String {
        let white = whitelisted.map { "\($0.plate.text),\($0.plate.colour.rawValue),white,应急抢险车辆," }
        let black = blacklisted.map { "\($0.plate.text),\($0.plate.colour.rawValue),black,尾气检测超标," }
        return (["plate,colour,list,reason,valid_until"] + white + black).joined(separator: "\n") + "\n"
    }
}

/// The check character of a VIN (GB 16735): weights over positions, sum modulo 11, 10 written X.
func vinCheckCharacter(_ vin: [UInt8]) -> UInt8 {
    let weights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2]
    let letters: [UInt8: Int] = [
        0x41: 1, 0x42: 2, 0x43: 3, 0x44: 4, 0x45: 5, 0x46: 6, 0x47: 7, 0x48: 8, 0x4A: 1, 0x4B: 2, 0x4C: 3, 0x4D: 4,
        0x4E: 5, 0x50: 7, 0x52: 9, 0x53: 2, 0x54: 3, 0x55: 4, 0x56: 5, 0x57: 6, 0x58: 7, 0x59: 8, 0x5A: 9,
    ]
    let sum = zip(vin, weights).reduce(0) { $0 + (letters[$1.0] ?? Int($1.0) - 0x30) * $1.1 }
    let rest = sum % 11
    return rest == 10 ? 0x58 : UInt8(0x30 + rest)
}

private struct VehicleMaker {
    var random: SeededRandom
    var plates: Set<String> = []

    static let provinces = ["冀", "豫", "鲁", "晋", "津", "苏", "皖"]
    static let serialCharacters = Array("ABCDEFGHJKLMNPQRSTUVWXYZ")
    static let vinCharacters = Array("ABCDEFGHJKLMNPRSTUVWXYZ0123456789".utf8)

    init(random: SeededRandom) {
        self.random = random
    }

    mutating func make(stage: EmissionStage) -> Vehicle {
        let electric = stage == .electric
        let light = !electric && random.chance(percent: 15)
        let colour: PlateColour = electric ? .yellowGreen : light ? .blue : .yellow
        var vehicle = Vehicle(plate: plate(electric: electric, colour: colour), stage: stage)
        vehicle.vin = vin()
        vehicle.registrationDate = registrationDate(stage)
        vehicle.vehicleType = light ? "H31" : random.pick(["H11", "H17", "Q11", "H12"])
        vehicle.fuel = FuelType(code: electric ? "C" : random.pick(["B", "B", "B", "E"]))
        vehicle.model = random.pick(["解放CA4250", "东风DFH4180", "重汽ZZ4257", "陕汽SX4259"])
        vehicle.engineModel = electric ? "TZ400XS" : random.pick(["WP12.460E", "CA6DM3", "MC11.44"])
        vehicle.engineMaker = random.pick(["潍柴动力", "一汽解放", "中国重汽"])
        vehicle.engineNumber = "SIM\(random.draw(100_000...999_999))"
        vehicle.usage = "F"
        vehicle.networked = !light
        vehicle.fleet = random.pick(["顺达车队", "宏远物流", "安平运输"])
        return vehicle
    }

    private mutating func plate(electric: Bool, colour: PlateColour) -> Plate {
        while true {
            let head = random.pick(VehicleMaker.provinces) + String(random.pick(Array("ABCDEFGH")))
            let digits = String(random.draw(10_000...99_999))
            let body =
                electric
                ? digits + String(random.pick(Array("DABCE")))
                : String(digits.prefix(4)) + String(random.pick(VehicleMaker.serialCharacters))
            if plates.insert(head + body).inserted, let plate = Plate(head + body, colour: colour) { return plate }
        }
    }

    private mutating func vin() -> String {
        var bytes = Array("LSM".utf8) + (0..<14).map { _ in random.pick(VehicleMaker.vinCharacters) }
        for index in 12..<17 { bytes[index] = UInt8(0x30 + random.draw(0...9)) }
        bytes[8] = vinCheckCharacter(bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private mutating func registrationDate(_ stage: EmissionStage) -> String {
        let years: ClosedRange<Int> =
            switch stage {
            case .china6, .electric: 2021...2024
            case .china5: 2018...2020
            case .china4: 2014...2016
            case .china0, .china1, .china2, .china3, .unknown: 2009...2012
            }
        let month = random.draw(1...12)
        let day = random.draw(1...28)
        return "\(random.draw(years))-\(month < 10 ? "0" : "")\(month)-\(day < 10 ? "0" : "")\(day)"
    }
}
