# RAUC for the image: upstream's source as Debian's source package holds it, one static program without D-Bus service,
# network and bundle creation. Sourced, after board.sh; only `tools/setup --board` makes it.

rauc_packages=(
    libffi-dev libgio-2.0-dev libglib2.0-dev libpcre2-dev libselinux1-dev libsysprof-capture-4-dev
)
# gdbus-codegen, a script: RAUC's source does not compile without what it makes, service or not.
rauc_host_packages=(libgio-2.0-dev-bin libglib2.0-dev-bin)

# What RAUC's meson.build writes for -Dservice=false -Dcreate=false -Dnetwork=false -Dstreaming=false -Djson=disabled
# -Dgpt=disabled on a board without eMMC boot partitions.
rauc_config() {
    printf '#define %s\n' "PACKAGE_NAME \"rauc\"" "PACKAGE_STRING \"rauc $1\"" "PACKAGE_VERSION \"$1\"" \
        "STREAMING_USER \"nobody\""
    printf '#define ENABLE_%s 0\n' SERVICE CREATE JSON NETWORK STREAMING EMMC_BOOT_SUPPORT GPT
}

# make_rauc DIR ARCH SYSROOT MOUNTS: DIR/rauc, and what it was made from. The sysroot brings glibc, OpenSSL and zlib.
make_rauc() {
    local dir=$1 arch=$2 sysroot=$3 mounts=$4 work=$1/.work file name version libraries
    local -a cc
    mkdir -p "$work/packages" "$work/source" "$work/made"
    (
        cd "$work/packages"
        apt_private "$apt_state" download "${rauc_packages[@]/%/:$(debian_arch "$arch")}" "${rauc_host_packages[@]}"
        apt_private "$apt_state" source --tar-only --download-only --only-source "rauc/$sysroot_suite"
    )
    for file in "$work"/packages/*.deb; do
        dpkg-deb -x "$file" "$work/root"
        [[ $file == *-bin_* ]] || dpkg-deb -W --showformat '${Package} ${Version}\n' "$file"
    done >"$dir/packages.txt"
    version=$(basename "$work"/packages/rauc_*.orig.tar.?z | sed 's/^rauc_//; s/\.orig.*//')
    echo "rauc $version" >>"$dir/packages.txt"
    tar -xf "$work"/packages/rauc_*.orig.tar.?z -C "$work/source" --strip-components=1
    rauc_config "$version" >"$work/made/config.h"
    (
        cd "$work/made"
        /usr/bin/python3 "$work/root/usr/bin/gdbus-codegen" --interface-prefix de.pengutronix.rauc. --c-namespace R \
            --c-generate-autocleanup all --generate-c-code rauc-installer-generated \
            "$work/source/src/de.pengutronix.rauc.Installer.xml"
    )
    libraries=$work/root/usr/lib/$(multiarch "$arch")
    cc=("$toolchain/bin/clang" "--target=$(clang_target "$arch")" "--sysroot=$sysroot" -std=gnu11 -Os -w -D_GNU_SOURCE
        '-DG_LOG_DOMAIN="rauc"' -ffunction-sections -fdata-sections -fno-strict-aliasing -fstack-protector-strong
        "-ffile-prefix-map=$work=." -include "$work/made/config.h" -I"$work/made" -I"$work/source/include"
        -I"$work/root/usr/include/glib-2.0" -I"$work/root/usr/include/gio-unix-2.0" -I"$libraries/glib-2.0/include")
    for file in "$work"/source/src/*.c "$work/made/rauc-installer-generated.c" "$mounts"; do
        name=$(basename "$file" .c)
        case $name in network | nbd | gpt) continue ;; esac
        "${cc[@]}" -c "$file" -o "$work/made/$name.o"
    done
    "$toolchain/bin/clang" "--target=$(clang_target "$arch")" "--sysroot=$sysroot" -static -fuse-ld=lld \
        -Wl,--gc-sections,--build-id=none,-s "$work"/made/*.o -L"$libraries" -lgio-2.0 -lgobject-2.0 -lgmodule-2.0 \
        -lglib-2.0 -lffi -lpcre2-8 -lselinux -lsysprof-capture-4 -lssl -lcrypto -lzstd -lz -lm -o "$dir/rauc"
    rm -rf "$work"
}
