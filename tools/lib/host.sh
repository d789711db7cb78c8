# What the host must have: Debian 12 or newer on x86-64, the Swift 6.3 toolchain, some packages.

swift_wanted=6.3

host_packages=(
    build-essential ca-certificates curl git libevent-dev libexpat1-dev libjansson-dev libssl-dev openssl
    pkg-config python3-dev python3-venv qemu-user-static socat strace tmux valgrind xz-utils file
)

check_system() {
    local id version
    id=$(. /etc/os-release 2>/dev/null && echo "${ID:-}") || id=
    version=$(. /etc/os-release 2>/dev/null && echo "${VERSION_ID:-999}") || version=0
    [ "$id" = debian ] ||
        die "this system is '${id:-unknown}', not Debian: use Debian 12 or newer (a container will do)"
    [ "${version%%.*}" -ge 12 ] || die "this is Debian $version: use Debian 12 or newer"
    [ "$(uname -m)" = x86_64 ] || die "this machine is $(uname -m): the build host must be x86_64"
}

# Sets $toolchain, the usr folder of the toolchain (not of a version manager's proxy), and $swift_version.
check_swift() {
    local info
    command -v swift >/dev/null && command -v swiftc >/dev/null ||
        die "no 'swift' in PATH: install the Swift $swift_wanted toolchain for Debian from swift.org," \
            "and put its usr/bin into PATH"
    info=$(swiftc -print-target-info 2>/dev/null) ||
        die "'swiftc -print-target-info' fails: the Swift toolchain is broken, install it anew"
    swift_version=$(sed -n 's/.*"compilerVersion": "[^"]*Swift version \([0-9.]*\).*/\1/p' <<<"$info")
    toolchain=$(sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p' <<<"$info")
    toolchain=${toolchain%/lib/swift}
    case $swift_version in
    "$swift_wanted" | "$swift_wanted".*) ;;
    *) die "Swift is '$swift_version': Embedded Swift changes between versions, install Swift $swift_wanted" ;;
    esac
    local arch need
    for arch in "${archs[@]}"; do
        need=$toolchain/lib/swift/embedded/$(swift_triple "$arch")
        [ -d "$need" ] ||
            die "the toolchain has no Embedded Swift for $arch ($need): install the whole swift.org toolchain"
    done
    for need in clang ld.lld llvm-ar; do
        [ -x "$toolchain/bin/$need" ] ||
            die "the toolchain has no $need in $toolchain/bin: install the whole swift.org toolchain"
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Sets $missing to the packages that dpkg does not know as installed.
find_missing() {
    local installed package
    # dpkg-query fails when it does not know one of them, which is no failure here.
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package} ' "${host_packages[@]}" 2>/dev/null || true)
    missing=()
    for package in "${host_packages[@]}"; do
        case " $installed" in
        *" installed $package "*) ;;
        *) missing+=("$package") ;;
        esac
    done
}

install_packages() {
    find_missing
    [ ${#missing[@]} -eq 0 ] && return 0
    say "installing Debian packages: ${missing[*]}"
    local log=$cache/log/apt.log
    mkdir -p "$cache/log"
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
        die "there is neither root nor sudo for what is missing: as root run 'apt-get install ${missing[*]}'"
    as_root apt-get -q update >"$log" 2>&1 || say "apt-get update had errors, going on with what it has (see $log)"
    if ! as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y --no-install-recommends install "${missing[@]}" >>"$log" 2>&1; then
        grep '^E:' "$log" | tail -n 3 >&2
        die "apt-get could not install ${missing[*]}: check network and sources; the whole log is $log"
    fi
    find_missing
    [ ${#missing[@]} -eq 0 ] || die "still missing after apt-get install: ${missing[*]}"
}
