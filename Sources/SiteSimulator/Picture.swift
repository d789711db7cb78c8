// Small pictures of trucks: real baseline JPEG (ITU-T T.81), one flat colour for each block of 8×8 pixels, so that
// only the DC coefficient is coded and the encoder stays tiny. Every picture of a run differs.

/// A picture in blocks of 8×8 pixels.
public struct Picture: Sendable {
    /// 0…255 each.
    public struct Colour: Sendable {
        public var red: Int
        public var green: Int
        public var blue: Int
    }

    public let columns: Int
    public let rows: Int
    private var blocks: [Colour]

    public init(columns: Int, rows: Int, background: Colour) {
        precondition((1...8000).contains(columns) && (1...8000).contains(rows), "SIM-1 a picture has 1…8000 blocks")
        self.columns = columns
        self.rows = rows
        blocks = Array(repeating: background, count: columns * rows)
    }

    public mutating func fill(_ columns: ClosedRange<Int>, _ rows: ClosedRange<Int>, _ colour: Colour) {
        for row in rows where row < self.rows {
            for column in columns where column < self.columns { blocks[row * self.columns + column] = colour }
        }
    }

    /// A truck before the gate. `random` gives it its colours and the grain of the picture.
    public static func truck(_ random: inout SeededRandom) -> Picture {
        var picture = Picture(columns: 40, rows: 24, background: Colour(red: 150, green: 170, blue: 190))
        picture.fill(0...39, 17...23, Colour(red: 90, green: 90, blue: 95))
        let cab = Colour(red: random.draw(60...240), green: random.draw(20...200), blue: random.draw(20...220))
        picture.fill(6...13, 7...17, cab)
        picture.fill(7...11, 8...10, Colour(red: 40, green: 60, blue: 80))
        picture.fill(15...34, 5...16, Colour(red: random.draw(90...230), green: random.draw(90...220), blue: 110))
        for wheel in [8, 18, 27, 32] { picture.fill(wheel...wheel + 1, 18...19, Colour(red: 20, green: 20, blue: 20)) }
        picture.fill(8...11, 16...16, Colour(red: 250, green: 190, blue: 20))
        picture.grain(&random)
        return picture
    }

    /// The plate, cut out.
    public static func plate(_ random: inout SeededRandom) -> Picture {
        var picture = Picture(columns: 14, rows: 4, background: Colour(red: 245, green: 185, blue: 15))
        for column in stride(from: 1, to: 13, by: 2) {
            picture.fill(column...column, 1...random.draw(1...2), Colour(red: 15, green: 15, blue: 15))
        }
        picture.grain(&random)
        return picture
    }

    private mutating func grain(_ random: inout SeededRandom) {
        for index in blocks.indices {
            let change = random.draw(-12...12)
            blocks[index].red += change
            blocks[index].green += change
            blocks[index].blue += change
        }
    }

    /// The JPEG file, with `comment` in a COM segment (at most 200 bytes of it).
    public func jpeg(comment: String) -> [UInt8] {
        var file: [UInt8] = [0xFF, 0xD8]
        func segment(_ marker: UInt8, _ content: [UInt8]) {
            file += [0xFF, marker, UInt8((content.count + 2) >> 8), UInt8((content.count + 2) & 0xFF)] + content
        }
        let width = columns * 8
        let height = rows * 8
        segment(0xE0, Array("JFIF\0".utf8) + [1, 1, 0, 0, 1, 0, 1, 0, 0])
        segment(0xFE, Array(comment.utf8.prefix(200)))
        segment(0xDB, [0] + Array(repeating: 8, count: 64))
        let size = [UInt8(height >> 8), UInt8(height & 0xFF), UInt8(width >> 8), UInt8(width & 0xFF)]
        segment(0xC0, [8] + size + [3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0])
        // The standard's luminance table for DC (T.81 table K.3); for AC one code only, "end of block".
        segment(0xC4, [0x00, 0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0] + Array(0...11))
        segment(0xC4, [0x10, 1] + Array(repeating: 0, count: 15) + [0x00])
        segment(0xDA, [3, 1, 0, 2, 0, 3, 0, 0, 63, 0])
        var bits = EntropyBits()
        var previous = [0, 0, 0]
        for block in blocks {
            for (component, value) in Picture.components(block).enumerated() {
                bits.put(difference: value - previous[component])
                previous[component] = value
            }
        }
        return file + bits.finish() + [0xFF, 0xD9]
    }

    /// Y, Cb, Cr less 128 (JFIF 1.02), in integers.
    private static func components(_ colour: Colour) -> [Int] {
        let red = min(max(colour.red, 0), 255)
        let green = min(max(colour.green, 0), 255)
        let blue = min(max(colour.blue, 0), 255)
        return [
            (299 * red + 587 * green + 114 * blue) / 1000 - 128,
            (-169 * red - 331 * green + 500 * blue) / 1000,
            (500 * red - 419 * green - 81 * blue) / 1000,
        ]
    }
}

private struct EntropyBits {
    private static let lengths = [2, 3, 3, 3, 3, 3, 4, 5, 6, 7, 8, 9]
    private static let codes = [0, 2, 3, 4, 5, 6, 14, 30, 62, 126, 254, 510]
    private var bytes: [UInt8] = []
    private var held = 0
    private var heldCount = 0

    /// A DC difference, and the end of its block.
    mutating func put(difference: Int) {
        let category = Int.bitWidth - abs(difference).leadingZeroBitCount
        put(EntropyBits.codes[category], EntropyBits.lengths[category])
        put(difference < 0 ? difference + (1 << category) - 1 : difference, category)
        put(0, 1)
    }

    private mutating func put(_ value: Int, _ count: Int) {
        held = held << count | value & ((1 << count) - 1)
        heldCount += count
        while heldCount >= 8 {
            heldCount -= 8
            let byte = UInt8(held >> heldCount & 0xFF)
            bytes.append(byte)
            if byte == 0xFF { bytes.append(0) }
        }
        held &= (1 << heldCount) - 1
    }

    mutating func finish() -> [UInt8] {
        if heldCount > 0 { put((1 << (8 - heldCount)) - 1, 8 - heldCount) }
        return bytes
    }
}
