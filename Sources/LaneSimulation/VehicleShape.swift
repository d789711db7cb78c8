// What a vehicle is to the lane: how long, how high where, and what of it a loop sees. Metres, counted from its front.
//
// A loop sees the metal near the road: the whole of a low vehicle, of a high bed only what lies about its axles (unless
// the loop has a boost for high beds). A curtain and a radar see the whole body.

struct Stretch {
    var from: Double
    var to: Double
}

enum VehicleKind: Int, CaseIterable {
    case car, van, loader, rigid, semitrailer, drawbar
}

struct VehicleShape {
    struct Body {
        var stretch: Stretch
        var height: Double
    }

    let kind: VehicleKind
    let length: Double
    /// From front to rear without gaps: cab, load bed, coupling, trailer.
    let bodies: [Body]
    /// What a loop without boost sees.
    let metal: [Stretch]

    init(_ kind: VehicleKind, isHighBed: Bool, _ chance: inout Chance) {
        self.kind = kind
        switch kind {
        case .car, .van, .loader:
            let sizes: (Double, Double, Double, Double) =
                switch kind {
                case .car: (3.6, 5.2, 1.4, 1.9)
                case .van: (5.0, 6.5, 2.0, 2.8)
                default: (6.0, 9.0, 3.0, 3.5)
                }
            length = chance.real(sizes.0, sizes.1)
            let bonnet = length * chance.real(0.1, 0.3)
            let height = chance.real(sizes.2, sizes.3)
            bodies = [
                Body(stretch: Stretch(from: 0, to: bonnet), height: kind == .van ? height * 0.7 : 1.1),
                Body(stretch: Stretch(from: bonnet, to: length), height: height),
            ]
            metal = [Stretch(from: 0, to: length)]
        case .rigid:
            length = chance.real(6, 12)
            bodies = [
                Body(stretch: Stretch(from: 0, to: 1.8), height: chance.real(2.6, 3.2)),
                Body(stretch: Stretch(from: 1.8, to: length), height: chance.real(2.4, 4.0)),
            ]
            metal =
                isHighBed
                ? VehicleShape.axles([1.4, length - chance.real(1.5, 2.6)]) : [Stretch(from: 0, to: length)]
        case .semitrailer:
            length = chance.real(16, 18)
            let cab = chance.real(2.0, 2.5)
            let kingpin = cab + chance.real(0.6, 1.2)
            bodies = [
                Body(stretch: Stretch(from: 0, to: cab), height: chance.real(2.9, 3.8)),
                Body(stretch: Stretch(from: cab, to: kingpin), height: 1.2),
                Body(stretch: Stretch(from: kingpin, to: length), height: chance.real(1.5, 4.0)),
            ]
            metal =
                isHighBed
                ? VehicleShape.axles([1.4, 4.8, 5.9, length - 4.6, length - 3.3, length - 2.0])
                : [Stretch(from: 0, to: length)]
        case .drawbar:
            length = chance.real(18, 22)
            let truck = chance.real(8, 10)
            let trailer = truck + chance.real(1.2, 2.2)
            bodies = [
                Body(stretch: Stretch(from: 0, to: 1.9), height: chance.real(2.8, 3.5)),
                Body(stretch: Stretch(from: 1.9, to: truck), height: chance.real(2.4, 4.0)),
                Body(stretch: Stretch(from: truck, to: trailer), height: 0.6),
                Body(stretch: Stretch(from: trailer, to: length), height: chance.real(2.4, 4.0)),
            ]
            metal =
                isHighBed
                ? VehicleShape.axles([1.4, truck - 2, trailer + 1.5, length - 1.8])
                : [Stretch(from: 0, to: truck), Stretch(from: trailer, to: length)]
        }
    }

    /// A loop sees an axle from 0.6 m before it to 0.6 m behind it.
    private static func axles(_ positions: [Double]) -> [Stretch] {
        positions.map { Stretch(from: $0 - 0.6, to: $0 + 0.6) }
    }
}
