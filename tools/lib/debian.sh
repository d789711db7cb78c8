# Packages and sources of other architectures and suites, through apt with a private state: the machine's own
# package lists, sources and dpkg database are neither used nor changed. apt checks every signature and hash.

sysroot_suite=trixie
source_suite_sqlite=unstable

sysroot_packages=(
    libc6-dev libgcc-14-dev
    libevent-dev libexpat1-dev libgpiod-dev libjansson-dev libssl-dev libzstd-dev zlib1g-dev
)

# The archive of this machine's own apt configuration, so that no address stands here. Point releases bring the
# security fixes into it; the separate security archive is left out because few mirrors carry all of it.
find_archive() {
    archive=$(configured_archive)
    if [ -z "$archive" ]; then
        # A fresh container has no lists, so apt cannot say yet which archive is which.
        as_root apt-get -q update >"$cache/log/apt.log" 2>&1 || true
        archive=$(configured_archive)
    fi
    [ -n "$archive" ] ||
        die "apt knows no Debian archive: put one into /etc/apt/sources.list.d and run 'apt-get update'"
}

configured_archive() {
    local targets
    targets=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(LABEL)' 'Created-By: Packages')
    awk '$3 == "main" && $4 == "Debian" && $2 !~ /-/ { print $1; exit }' <<<"$targets"
}

find_keyring() {
    for keyring in /usr/share/keyrings/debian-archive-keyring.{pgp,gpg} none; do
        [ -r "$keyring" ] && return 0
    done
    die "no keyring of the Debian archive: run 'apt-get install debian-archive-keyring'"
}

# apt_private DIR COMMAND...: apt-get with its state under DIR.
apt_private() {
    local state=$1
    shift
    apt-get -q -o Dir::Etc::SourceList="$state/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
        -o Dir::State="$state" -o Dir::State::Lists="$state/lists" -o Dir::State::Status="$state/status" \
        -o Dir::Cache="$state/cache" -o APT::Architecture=amd64 -o APT::Architectures=amd64 \
        -o APT::Architectures::=arm64 -o APT::Architectures::=armel -o APT::Sandbox::User=root \
        -o Acquire::Languages=none -o Acquire::Retries=3 "$@"
}

# Reads the package lists once a run into $apt_state.
apt_lists() {
    [ -n "${apt_state:-}" ] && return 0
    mkdir -p "$cache/log"
    find_archive
    find_keyring
    local state log=$cache/log/apt-lists.log signed="signed-by=$keyring"
    state=$(mktemp -d "$cache/.making-apt-XXXXXX")
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
    : >"$state/status"
    {
        echo "deb [$signed arch=amd64,arm64,armel] $archive $sysroot_suite main"
        echo "deb-src [$signed] $archive $sysroot_suite main"
        echo "deb-src [$signed] $archive $source_suite_sqlite main"
    } >"$state/sources.list"
    say "reading Debian's package lists …"
    if ! apt_private "$state" -o APT::Update::Error-Mode=any update >"$log" 2>&1; then
        if grep -q NO_PUBKEY "$log"; then
            die "$keyring lacks a key of $sysroot_suite or $source_suite_sqlite:" \
                "upgrade the package debian-archive-keyring"
        fi
        grep -E '^(E|W|Err):?' "$log" | head -n 5 >&2
        die "cannot read the Debian lists of $sysroot_suite and $source_suite_sqlite: check the network and that this" \
            "mirror serves both; the whole log is $log"
    fi
    apt_state=$state
}

# make_sysroot DIR ARCH: headers and static libraries of Debian's packages, unpacked.
make_sysroot() {
    local dir=$1 arch package file
    arch=$(debian_arch "$2")
    mkdir -p "$dir/.packages"
    (cd "$dir/.packages" && apt_private "$apt_state" download "${sysroot_packages[@]/%/:$arch}" linux-libc-dev)
    for file in "$dir"/.packages/*.deb; do
        dpkg-deb -x "$file" "$dir"
        dpkg-deb -W --showformat '${Package} ${Version}\n' "$file"
    done >"$dir/packages.txt"
    rm -rf "$dir/.packages" "$dir"/usr/share
    # Only archives are linked; a leftover .so would be a dynamic library by mistake.
    find "$dir/usr/lib" -name '*.so' \( -type l -o -type f \) -delete
    # Unwind tables are a tenth of the firmware; nothing in it unwinds (no C++, no cancelled threads).
    for file in libcrypto libssl libevent libevent_core libevent_extra libevent_openssl libexpat libjansson libgpiod \
        libz libzstd; do
        "$toolchain/bin/llvm-objcopy" --remove-section .eh_frame --remove-section .rela.eh_frame \
            "$dir/usr/lib/$(multiarch "$2")/$file.a"
    done
    for package in libc6-dev libssl-dev libevent-dev libgpiod-dev; do
        grep -q "^$package " "$dir/packages.txt"
    done
}

# make_sources DIR: the upstream archives of the libraries that are compiled here, from Debian's source packages.
make_sources() {
    local dir=$1
    mkdir "$dir/.archives"
    (
        cd "$dir/.archives"
        apt_private "$apt_state" source --tar-only --download-only --only-source \
            "sqlite3/$source_suite_sqlite" "libmodbus/$sysroot_suite" "libgpiod/$sysroot_suite"
    )
    local name
    for name in sqlite3 libmodbus libgpiod; do
        mkdir "$dir/$name"
        # The main archive only; sqlite3 has a second one with its web pages.
        tar -xf "$dir/.archives/${name}"_*.orig.tar.?z -C "$dir/$name" --strip-components=1
        basename "$dir/.archives/${name}"_*.orig.tar.?z | sed 's/_/ /; s/\.orig.*//' >>"$dir/versions.txt"
    done
    rm -rf "$dir/.archives"
    local version
    version=$(cat "$dir/sqlite3/VERSION")
    if ! printf '3.53.0\n%s\n' "$version" | sort -V -C; then
        echo "SQLite is $version, wanted 3.53 or newer: this mirror's $source_suite_sqlite is too old"
        return 1
    fi
    grep -qx 'libmodbus 3\.1\.1[1-9].*' "$dir/versions.txt" || { echo "wanted libmodbus 3.1.11 or newer"; return 1; }
    grep -qx 'libgpiod 2\.[2-9].*' "$dir/versions.txt" || { echo "wanted libgpiod 2.2 or newer"; return 1; }
    # SQLite's one-file form, made with the script interpreter that its source brings along.
    (
        cd "$dir/sqlite3"
        ./configure --disable-tcl
        make sqlite3.c
    )
    [ -s "$dir/sqlite3/sqlite3.c" ]
}
