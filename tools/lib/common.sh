# Shared by the tools: messages, the cache, and pieces that are either whole or absent.
# Sourced, never run. Expects $root, the clone's folder.

cache="${XDG_CACHE_HOME:-$HOME/.cache}/gatewarden"
archs=(aarch64 armv7 x86_64)
quiet=${quiet:-0}

say() { [ "$quiet" = 1 ] || printf '%s\n' "$*"; }

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# What an architecture of the firmware is called by Swift, by clang and by Debian (board/sdk/README.md).
swift_triple() {
    case $1 in
    aarch64) echo aarch64-none-none-elf ;;
    armv7) echo armv7-none-none-eabi ;;
    x86_64) echo x86_64-unknown-linux-gnu ;;
    esac
}

clang_target() {
    case $1 in
    aarch64) echo aarch64-linux-gnu ;;
    armv7) echo armv7-linux-gnueabi ;;
    x86_64) echo x86_64-linux-gnu ;;
    esac
}

# The folder name under usr/include and usr/lib in Debian's packages.
multiarch() {
    case $1 in
    aarch64) echo aarch64-linux-gnu ;;
    armv7) echo arm-linux-gnueabi ;;
    x86_64) echo x86_64-linux-gnu ;;
    esac
}

debian_arch() {
    case $1 in
    aarch64) echo arm64 ;;
    armv7) echo armel ;;
    x86_64) echo amd64 ;;
    esac
}

# Debian's armel libraries have a 64-bit time_t; their users must agree.
arch_defines() {
    case $1 in
    armv7) echo -D_TIME_BITS=64 -D_FILE_OFFSET_BITS=64 ;;
    *) ;;
    esac
}

# key TEXT... FILE...: a short hash of everything a piece is made from; files count by their content.
key() {
    local input
    for input in "$@"; do
        if [ -f "$input" ]; then cat -- "$input"; else printf '%s\n' "$input"; fi
    done | sha256sum | cut -c1-12
}

# piece NAME KEY FUNCTION [ARG...]: makes $cache/NAME-KEY unless it is there, by calling FUNCTION DIR ARG... on a
# temporary folder that is renamed into place only when the function succeeded. The path goes into $piece_path.
piece() {
    local name=$1 hash=$2 make=$3
    shift 3
    piece_path=$cache/$name-$hash
    [ -d "$piece_path" ] && return 0
    local temporary log=$cache/log/$name.log started=$SECONDS
    mkdir -p "$cache/log"
    temporary=$(mktemp -d "$cache/.making-$name-XXXXXX")
    chmod 755 "$temporary"
    say "making $name …"
    # The call stands outside any condition, because inside one bash would ignore set -e.
    set +e
    (
        set -euo pipefail
        "$make" "$temporary" "$@"
    ) >"$log" 2>&1
    local status=$?
    set -e
    if [ $status -ne 0 ]; then
        rm -rf "$temporary"
        tail -n 25 "$log" >&2
        die "could not make $name; the whole log is $log"
    fi
    mv -T "$temporary" "$piece_path"
    say "made $name in $((SECONDS - started)) s"
}

# Leftovers of an interrupted run; call while holding the cache's lock.
sweep_cache() {
    local left
    for left in "$cache"/.making-*; do
        if [ -e "$left" ]; then rm -rf "$left"; fi
    done
}

# link_piece NAME PATH: build/deps/NAME -> PATH, replaced atomically.
link_piece() {
    local link=$root/build/deps/$1
    [ "$(readlink "$link" 2>/dev/null)" = "$2" ] && return 0
    [ -d "$link" ] && [ ! -L "$link" ] && die "$link is a folder; remove it, it must be a link"
    ln -sfn "$2" "$link.new"
    mv -T "$link.new" "$link"
}
