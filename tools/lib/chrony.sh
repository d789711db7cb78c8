# chrony's daemon for the image: upstream's source as Debian's source package holds it, one static program that is a client
# only: it answers nobody, takes no commands, and drops all but the right to set the clock. Debian links it dynamically, and
# its busybox has no ntpd. Sourced, after board.sh; only `tools/setup --board` makes it.

chrony_packages=(libcap-dev)

# make_chrony DIR ARCH SYSROOT: DIR/chronyd, and what it was made from.
make_chrony() {
    local dir=$1 arch=$2 sysroot=$3 work=$1/.work file version
    mkdir -p "$work/packages" "$work/source"
    (
        cd "$work/packages"
        apt_private "$apt_state" download "${chrony_packages[@]/%/:$(debian_arch "$arch")}"
        apt_private "$apt_state" source --tar-only --download-only --only-source "chrony/$sysroot_suite"
    )
    for file in "$work"/packages/*.deb; do
        dpkg-deb -x "$file" "$work/root"
        dpkg-deb -W --showformat '${Package} ${Version}\n' "$file"
    done >"$dir/packages.txt"
    version=$(basename "$work"/packages/chrony_*.orig.tar.?z | sed 's/^chrony_//; s/\.orig.*//')
    echo "chrony $version" >>"$dir/packages.txt"
    tar -xf "$work"/packages/chrony_*.orig.tar.?z -C "$work/source" --strip-components=1
    (
        cd "$work/source"
        CC="$toolchain/bin/clang --target=$(clang_target "$arch") --sysroot=$sysroot" \
            CFLAGS="-Os -w -ffunction-sections -fdata-sections -fstack-protector-strong" \
            CPPFLAGS="-I$work/root/usr/include" \
            LDFLAGS="-static -fuse-ld=lld -Wl,--gc-sections,--build-id=none,-s -L$work/root/usr/lib/$(multiarch "$arch")" \
            ./configure --host-system=Linux --host-release=6 --host-machine="$arch" --with-user=time \
            --disable-cmdmon --disable-ipv6 --disable-nts --disable-phc --disable-pps --disable-refclock --disable-rtc \
            --disable-sechash --disable-timestamping --without-editline --without-nettle --without-nss \
            --without-tomcrypt --without-gnutls --without-seccomp
        grep -q 'define FEAT_PRIVDROP' config.h || { echo "chrony found no libcap"; exit 1; }
        make -s chronyd
    )
    install -m 755 "$work/source/chronyd" "$dir/chronyd"
    rm -rf "$work"
}
