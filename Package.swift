// swift-tools-version: 6.2
// The rooms and their arrows. Each room may import only what its line names, and every arrow points down:
// Tests/ArchitectureTests holds the source to this file. docs/ARCHITECTURE.md says what each room is for.

import PackageDescription

/// `tools/build` sets it: the firmware is built alone, as Embedded Swift, without the host programs.
let firmware = Context.environment["GATEWARDEN_FIRMWARE"] == "1"

/// Headers and static archives that Debian does not ship in the form needed here; `tools/setup` lays them there.
let hostDependencies = Context.packageDirectory + "/build/deps/host"

let hostHeaders: [CSetting] =
    firmware
    ? [.define("GATEWARDEN_FIRMWARE")] : [.unsafeFlags(["-I\(hostDependencies)/include"])]
let hostArchives: [LinkerSetting] = firmware ? [] : [.unsafeFlags(["-L\(hostDependencies)/lib"])]
/// Lifetimes come with Span in the firmware's containers; warnings are errors in every room.
let roomSettings: [SwiftSetting] =
    [.unsafeFlags(["-warnings-as-errors"])]
    + (firmware ? [] : [.unsafeFlags(["-Xcc", "-I\(hostDependencies)/include"])])
/// The lane's promise of no heap allocation is proved by the compiler in every firmware build.
let laneSettings: [SwiftSetting] =
    roomSettings
    + (firmware
        ? [.unsafeFlags(["-Xfrontend", "-no-allocations"])]
        // The exhaustive search of its states takes millions of steps.
        : [.unsafeFlags(["-O"], .when(configuration: .debug))])

/// What plays thousands of passes in a test is compiled as for a release.
let quickSettings: [SwiftSetting] = roomSettings + [.unsafeFlags(["-O"], .when(configuration: .debug))]

func library(_ name: String, _ libraries: [String]) -> Target {
    .target(
        name: name,
        cSettings: hostHeaders,
        linkerSettings: hostArchives + libraries.map { .linkedLibrary($0) }
    )
}

func room(_ name: String, _ below: [String], settings: [SwiftSetting] = roomSettings) -> Target {
    .target(name: name, dependencies: below.map { .byName(name: $0) }, swiftSettings: settings)
}

func roomTests(
    _ name: String, _ uses: [String], notSwift: [String] = [], settings: [SwiftSetting] = roomSettings
) -> Target {
    .testTarget(
        name: "\(name)Tests",
        dependencies: ([name] + uses).map { .byName(name: $0) },
        exclude: notSwift,
        swiftSettings: settings
    )
}

// The C libraries, a thin module each.
let cLibraries: [Target] = [
    library("CSystem", ["pthread", "m"]),
    library("CSQLite", ["sqlite3", "m"]),
    library("COpenSSL", ["ssl", "crypto"]),
    library("CLibevent", ["event_openssl", "event"]),
    library("CJansson", ["jansson"]),
    library("CExpat", ["expat"]),
    library("CLibgpiod", ["gpiod"]),
    library("CLibmodbus", ["modbus"]),
]

// Pure: values in, values out.
let foundations: [Target] = [
    room("Domain", []),
    room("LaneCore", ["Domain"], settings: laneSettings),
    // Each the only door to its C libraries.
    room("Machine", ["Domain", "CSystem", "CLibevent", "CLibgpiod", "CLibmodbus"]),
    room("Crypto", ["Domain", "COpenSSL"]),
    room("Formats", ["Domain", "CJansson", "CExpat"]),
    room("Store", ["Domain", "CSQLite"]),
]

let pure: [Target] = [
    room("LaneTrace", ["Domain", "LaneCore"]),
    room("Configuration", ["Domain"]),
    room("Admission", ["Domain"]),
    room("DeviceProtocols", ["Domain", "Formats"]),
    room("PlatformProtocols", ["Domain", "Formats"]),
]

let kept: [Target] = [
    room("Ledger", ["Domain", "Store", "Crypto", "Machine", "Formats"]),
    room("Registry", ["Domain", "Store", "Formats"]),
]

let facing: [Target] = [
    room("Devices", ["Domain", "DeviceProtocols", "Machine"]),
    room("Web", ["Domain", "DeviceProtocols", "Machine"]),
    room("Uplink", ["Domain", "PlatformProtocols", "Ledger", "Machine", "Crypto"]),
    room("Console", ["Domain", "Machine"]),
]

let controller: [Target] = [
    room(
        "Controller",
        [
            "Domain", "LaneCore", "LaneTrace", "Configuration", "Admission", "Ledger", "Registry", "Devices", "Web",
            "Uplink",
            "Console", "Machine", "Crypto", "DeviceProtocols", "PlatformProtocols",
        ]
    ),
    .executableTarget(
        name: "gatewarden",
        dependencies: [
            "Domain", "Controller", "Configuration", "LaneTrace", "Ledger", "Registry", "DeviceProtocols", "Machine",
            "Crypto", "Formats", "Store",
        ],
        swiftSettings: roomSettings
    ),
]

/// `tools/bench lane` counts its instructions, as the firmware's compiler makes it. No product: only the bench asks
/// for it.
let benches: [Target] = [
    .executableTarget(
        name: "gwlanebench", dependencies: ["Domain", "LaneCore", "CSystem"], swiftSettings: roomSettings)
]

let hostPrograms: [Target] = [
    .target(
        name: "SiteSimulator",
        dependencies: ["Domain", "COpenSSL", "CSystem"],
        swiftSettings: roomSettings
    ),
    .executableTarget(name: "gwsim", dependencies: ["SiteSimulator"], swiftSettings: roomSettings),
    .target(name: "LaneSimulation", dependencies: ["Domain", "LaneCore"], swiftSettings: quickSettings),
    .executableTarget(name: "gwlane", dependencies: ["LaneSimulation"], swiftSettings: roomSettings),
    .executableTarget(
        name: "gwctl",
        dependencies: ["Domain", "Configuration"],
        swiftSettings: roomSettings
    ),
    .executableTarget(
        name: "gwbench",
        dependencies: ["Domain", "Ledger", "Machine", "CSQLite"],
        swiftSettings: roomSettings
    ),
]

let tests: [Target] = [
    roomTests("Domain", []),
    roomTests("LaneCore", ["Domain"], settings: laneSettings),
    roomTests("LaneTrace", ["Domain", "LaneCore"]),
    roomTests("Machine", ["Domain", "CSystem", "CLibgpiod"]),
    roomTests("Crypto", ["Domain"]),
    roomTests("Formats", ["Domain"]),
    roomTests("Store", []),
    roomTests("Configuration", ["Domain"]),
    roomTests("Admission", ["Domain"]),
    roomTests("DeviceProtocols", ["Domain", "Formats"]),
    roomTests("PlatformProtocols", ["Domain", "Formats"]),
    roomTests("Ledger", ["Domain", "Store", "Crypto", "Machine"]),
    roomTests("Registry", ["Domain", "Store"]),
    roomTests("Devices", ["Domain", "DeviceProtocols", "Machine", "CSystem"]),
    roomTests("Web", ["Domain", "DeviceProtocols", "Machine"]),
    roomTests("Uplink", ["Domain", "PlatformProtocols", "Ledger", "Machine", "Crypto"]),
    roomTests("Console", ["Domain", "Machine"]),
    roomTests(
        "Controller",
        [
            "Domain", "Machine", "LaneCore", "LaneTrace", "Admission", "Ledger", "Store", "Devices", "DeviceProtocols",
            "Web", "Configuration", "Registry",
        ]),
    roomTests("SiteSimulator", ["Domain"], notSwift: ["Support"]),
    roomTests("LaneSimulation", []),
    .testTarget(name: "ArchitectureTests", swiftSettings: roomSettings),
]

let all =
    cLibraries + foundations + pure + kept + facing + controller + benches + (firmware ? [] : hostPrograms + tests)

/// `GATEWARDEN_TESTS=Ledger,Store swift test` builds and runs the tests of these rooms and what they need, alone.
let onlyTests = Context.environment["GATEWARDEN_TESTS"]?.split(separator: ",").map { "\($0)Tests" } ?? []

/// The targets that some targets need, with themselves.
@MainActor
func needed(by names: [String]) -> Set<String> {
    var found = Set(names)
    for target in all where found.contains(target.name) {
        let below = target.dependencies.compactMap { dependency in
            if case .byNameItem(let name, _) = dependency { name } else { nil }
        }
        found.formUnion(needed(by: below))
    }
    return found
}

let wantedNames = needed(by: onlyTests)
let wanted = onlyTests.isEmpty ? all : all.filter { wantedNames.contains($0.name) }

let package = Package(
    name: "gatewarden",
    products: onlyTests.isEmpty ? [.executable(name: "gatewarden", targets: ["gatewarden"])] : [],
    targets: wanted,
    swiftLanguageModes: [.v6]
)
