# The libraries compiled here: SQLite and libmodbus for each architecture and the host, libgpiod for the host
# (Debian 12 has only its old interface; the firmware takes Debian 13's package).

# One writer, flash storage, power cut at any instant, no SQL from outside.
sqlite_options=(
    -DSQLITE_THREADSAFE=2             # a connection is used by one thread at a time; no lock inside it
    -DSQLITE_DEFAULT_SYNCHRONOUS=2    # FULL: a commit is on flash when it returns,
    -DSQLITE_DEFAULT_WAL_SYNCHRONOUS=2 # in WAL mode too, where the default would lose the last commits
    -DSQLITE_DEFAULT_WAL_AUTOCHECKPOINT=512 # a log of 2 MiB bounds the recovery time after a power cut
    -DSQLITE_DEFAULT_JOURNAL_SIZE_LIMIT=4194304 # and gives the space back after a burst
    -DSQLITE_DEFAULT_FOREIGN_KEYS=1
    -DSQLITE_DQS=0                    # "x" is a name, never silently a string
    -DSQLITE_MAX_MMAP_SIZE=0          # a read error is an error code, not SIGBUS
    -DSQLITE_TEMP_STORE=2             # temporary tables in memory: they wear no flash and leave no files
    -DSQLITE_DEFAULT_MEMSTATUS=0      # no global lock around each allocation
    -DSQLITE_LIKE_DOESNT_MATCH_BLOBS
    -DSQLITE_ENABLE_API_ARMOR         # a misused call returns an error instead of undefined behaviour
    -DSQLITE_OMIT_LOAD_EXTENSION      # nothing to load into a static program
    -DSQLITE_OMIT_DEPRECATED
    -DSQLITE_OMIT_SHARED_CACHE
    -DHAVE_FDATASYNC=1 -DHAVE_USLEEP=1 -DHAVE_GMTIME_R=1 -DHAVE_LOCALTIME_R=1 -DHAVE_PREAD=1 -DHAVE_PWRITE=1
)

# Offsets and times are 64 bit on every architecture.
library_flags=(-O2 -fPIC -fno-strict-aliasing -ffunction-sections -fdata-sections -w
    -fno-unwind-tables -fno-asynchronous-unwind-tables
    -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64)

# A folder that only this build has is in nothing that an assertion says: the same sources give the same bytes.
compile() { "${cc[@]}" "${library_flags[@]}" "-ffile-prefix-map=$work=." -c "$@"; }

# install_library LIBDIR NAME OBJECT...
install_library() {
    local libdir=$1 name=$2
    shift 2
    mkdir -p "$libdir"
    "${ar[@]}" rcs "$libdir/lib$name.a" "$@"
}

make_sqlite() {
    local include=$1 libdir=$2 work=$3
    compile "${sqlite_options[@]}" "$sources/sqlite3/sqlite3.c" -o "$work/sqlite3.o"
    install_library "$libdir" sqlite3 "$work/sqlite3.o"
    install -D -m 644 -t "$include" "$sources/sqlite3/sqlite3.h"
}

make_modbus() {
    local include=$1 libdir=$2 work=$3 version part
    version=$(sed -n 's/^libmodbus //p' "$sources/versions.txt")
    mkdir "$work/modbus"
    cp "$sources"/libmodbus/src/*.[ch] "$work/modbus"
    # What its configure script finds on every Linux with glibc; this is all that it asks for.
    printf '#define %s 1\n' HAVE_NETINET_IN_H HAVE_NETINET_IP_H HAVE_GAI_STRERROR HAVE_ACCEPT4 \
        HAVE_DECL_TIOCSRS485 HAVE_DECL_TIOCM_RTS >"$work/modbus/config.h"
    local major minor micro
    IFS=. read -r major minor micro <<<"$version"
    sed "s/@LIBMODBUS_VERSION_MAJOR@/$major/; s/@LIBMODBUS_VERSION_MINOR@/$minor/;
        s/@LIBMODBUS_VERSION_MICRO@/$micro/; s/@LIBMODBUS_VERSION@/$version/" \
        "$sources/libmodbus/src/modbus-version.h.in" >"$work/modbus/modbus-version.h"
    for part in modbus modbus-data modbus-rtu modbus-tcp; do
        compile -include config.h -I"$work/modbus" "$work/modbus/$part.c" -o "$work/modbus/$part.o"
    done
    install_library "$libdir" modbus "$work"/modbus/*.o
    install -D -m 644 -t "$include/modbus" "$work"/modbus/modbus{,-rtu,-tcp,-version}.h
}

make_gpiod() {
    local include=$1 libdir=$2 work=$3 version part
    version=$(sed -n 's/^libgpiod //p' "$sources/versions.txt")
    mkdir "$work/gpiod"
    for part in "$sources"/libgpiod/lib/*.c; do
        compile -std=gnu89 -DGPIOD_VERSION_STR="\"$version\"" -I"$sources/libgpiod/include" "$part" \
            -o "$work/gpiod/$(basename "$part" .c).o"
    done
    install_library "$libdir" gpiod "$work"/gpiod/*.o
    install -D -m 644 -t "$include" "$sources/libgpiod/include/gpiod.h"
}

# make_arch DIR ARCH DEBIAN-SYSROOT: Debian's sysroot with the libraries compiled for it.
make_arch() {
    local dir=$1 arch=$2 work=$1/.work
    # Hard links: the same bytes serve both folders, and nothing writes into either afterwards.
    cp -al "$3/." "$dir/"
    mkdir "$work"
    cc=("$toolchain/bin/clang" "--target=$(clang_target "$arch")" "--sysroot=$dir")
    ar=("$toolchain/bin/llvm-ar")
    make_sqlite "$dir/usr/include" "$dir/usr/lib/$(multiarch "$arch")" "$work"
    make_modbus "$dir/usr/include" "$dir/usr/lib/$(multiarch "$arch")" "$work"
    rm -rf "$work"
    grep -v '^libgpiod ' "$sources/versions.txt" >"$dir/compiled.txt"
}

# make_host DIR: the prefix that plain 'swift build' and 'swift test' use.
make_host() {
    local dir=$1 work=$1/.work
    mkdir "$work"
    cc=(cc)
    ar=(ar)
    make_sqlite "$dir/include" "$dir/lib" "$work"
    make_modbus "$dir/include" "$dir/lib" "$work"
    make_gpiod "$dir/include" "$dir/lib" "$work"
    rm -rf "$work"
}
