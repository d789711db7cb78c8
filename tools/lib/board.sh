# What images and the emulated boards take beyond the firmware: tools of one Debian release whatever the host is, the
# kernel, two static programs, a boot loader. Only `tools/setup --board` makes them. Sourced, after common.sh and
# debian.sh.

board_host_packages=(bc bison bzip2 dosfstools flex gcc-aarch64-linux-gnu mtools)

# Run by the loader and libraries of their own release, beside whatever the host has: QEMU must be 10 or newer, and the
# image must not change with the host's version of mksquashfs.
board_tool_packages=(
    cpio cryptsetup-bin device-tree-compiler e2fsprogs fdisk qemu-system-arm rauc squashfs-tools u-boot-qemu
    u-boot-tools
)
board_tools=(
    cpio debugfs dtc dumpe2fs e2fsck fdtget fdtoverlay fdtput mke2fs mkimage mksquashfs qemu-system-aarch64 rauc
    resize2fs sfdisk tune2fs unsquashfs veritysetup
)
board_static_packages=(busybox-static e2fsck-static)
kernel_series=6.12

# make_board_tools DIR: the closure of the packages, unpacked, and a starter for each tool in bin.
make_board_tools() {
    local dir=$1 file name
    apt_private "$apt_state" -o Debug::NoLocking=1 --no-install-recommends -y --download-only install \
        "${board_tool_packages[@]}"
    for file in "$apt_state"/cache/archives/*.deb; do
        dpkg-deb -x "$file" "$dir"
        dpkg-deb -W --showformat '${Package} ${Version}\n' "$file"
    done >"$dir/packages.txt"
    rm -rf "$dir"/usr/share/{doc,man,locale,info,icons,lintian}
    # base-files, which RAUC drags in, links it to usr/bin.
    [ ! -L "$dir/bin" ] || rm "$dir/bin"
    mkdir "$dir/bin"
    for name in "${board_tools[@]}"; do
        file=$dir/usr/bin/$name
        [ -x "$file" ] || file=$dir/usr/sbin/$name
        [ -x "$file" ]
        cat >"$dir/bin/$name" <<END
#!/bin/sh
here=\$(dirname "\$(dirname "\$(readlink -f "\$0")")")
export QEMU_MODULE_DIR="\$here/usr/lib/x86_64-linux-gnu/qemu" MKE2FS_CONFIG="\$here/etc/mke2fs.conf"
exec "\$here/usr/lib64/ld-linux-x86-64.so.2" --library-path "\$here/usr/lib/x86_64-linux-gnu" --argv0 $name \\
    "\$here/${file#"$dir"/}" $([ "$name" != qemu-system-aarch64 ] || echo '-L "$here/usr/share/qemu"') "\$@"
END
        chmod 755 "$dir/bin/$name"
    done
    "$dir/bin/qemu-system-aarch64" -M help | grep -q '^imx8mp-evk ' || { echo "this QEMU has no imx8mp-evk"; return 1; }
}

# make_board_static DIR ARCH: programs for the image that Debian links statically.
make_board_static() {
    local dir=$1 arch file
    arch=$(debian_arch "$2")
    mkdir "$dir/.packages"
    (cd "$dir/.packages" && apt_private "$apt_state" download "${board_static_packages[@]/%/:$arch}")
    for file in "$dir"/.packages/*.deb; do
        dpkg-deb -x "$file" "$dir/.packages/root"
        dpkg-deb -W --showformat '${Package} ${Version}\n' "$file"
    done >"$dir/packages.txt"
    install -m 755 "$dir/.packages/root/usr/bin/busybox" "$dir/busybox"
    install -m 755 "$dir/.packages/root/usr/sbin/e2fsck.static" "$dir/e2fsck"
    rm -rf "$dir/.packages"
}

# make_kernel DIR ARCH CONFIG: Debian's kernel source, built as CONFIG says, and the device trees' sources.
make_kernel() {
    local dir=$1 arch=$2 config=$3 work=$1/.work line lost=0
    local -a compile
    [ "$arch" = aarch64 ]
    mkdir -p "$work/source"
    (cd "$work" && apt_private "$apt_state" download "linux-source-$kernel_series")
    dpkg-deb -W --showformat '${Package} ${Version}\n' "$work"/linux-source-*.deb >"$dir/packages.txt"
    dpkg-deb --fsys-tarfile "$work"/linux-source-*.deb | tar -xO "./usr/src/linux-source-$kernel_series.tar.xz" |
        xz -dc | tar -x -C "$work/source" --strip-components=1
    compile=(env KBUILD_BUILD_TIMESTAMP=2026-01-01 KBUILD_BUILD_USER=gatewarden KBUILD_BUILD_HOST=gatewarden
        KBUILD_BUILD_VERSION=1 make -s -C "$work/source" O="$work/build" ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-)
    "${compile[@]}" KCONFIG_ALLCONFIG="$config" allnoconfig
    # An option that no longer exists, or lacks what it depends on, is left out silently.
    while read -r line; do
        case $line in
        CONFIG_*=n) ! grep -q "^${line%n}" "$work/build/.config" || { echo "not off: $line"; lost=1; } ;;
        CONFIG_*) grep -qxF "$line" "$work/build/.config" || { echo "not on: $line"; lost=1; } ;;
        esac
    done <"$config"
    [ $lost = 0 ]
    "${compile[@]}" -j"$(nproc)" Image
    cp "$work/build/arch/arm64/boot/Image" "$work/build/.config" "$dir/"
    mkdir -p "$dir/dts" "$dir/include"
    cp -r "$work/source/arch/arm64/boot/dts/freescale" "$dir/dts/"
    cp -rL "$work/source/include/dt-bindings" "$dir/include/"
    rm -rf "$work"
}

# The 32-bit test bed (Tests/Board/thirty-two-bits) has Debian's own kernel for ARMv7: nothing is compiled for it.
bed_modules=(gpio-mxc sdhci-esdhc-imx crc32c_generic ext4 micrel fec imx2_wdt)
bed_tree=imx6q-sabrelite.dtb

# add_module DIR NAME: a module of the unpacked package and, before it in `order`, those that it needs.
add_module() {
    local dir=$1 name=${2//_/-} file needed
    ! grep -q "/${name//-/[-_]}\.ko$" "$dir"/.work/usr/lib/modules/*/modules.builtin || return 0
    file=$(find "$dir/.work/usr/lib/modules" -name "$name.ko.xz" -o -name "${name//-/_}.ko.xz")
    [ -f "$file" ]
    name=$(basename "$file" .xz)
    [ ! -f "$dir/modules/$name" ] || return 0
    xz -dc "$file" >"$dir/modules/$name"
    while read -r needed; do
        [ -z "$needed" ] || add_module "$dir" "$needed"
    done < <(tr '\0' '\n' <"$dir/modules/$name" | sed -n 's/^depends=//p' | tr , '\n')
    echo "$name" >>"$dir/modules/order"
}

# make_bed_kernel DIR: Debian's real-time kernel for ARMv7, its modules for the bed, the board's device tree.
make_bed_kernel() {
    local dir=$1 lists=$apt_state-armhf name
    local -a armhf=(-o APT::Architectures::=armhf)
    mkdir -p "$dir/modules" "$dir/.work" "$lists/lists/partial" "$lists/cache/archives/partial"
    : >"$lists/status"
    sed -n '1s/arch=[^]]*/arch=armhf/p' "$apt_state/sources.list" >"$lists/sources.list"
    apt_private "$lists" "${armhf[@]}" -o APT::Update::Error-Mode=any update
    # The package without a version only names the one that has the kernel.
    (cd "$dir/.work" && apt_private "$lists" "${armhf[@]}" download linux-image-rt-armmp:armhf)
    name=$(dpkg-deb -f "$dir"/.work/*.deb Depends | sed -n "s/.*\(linux-image-$kernel_series[^ ,]*\).*/\1/p")
    [ -n "$name" ]
    rm "$dir"/.work/*.deb
    (cd "$dir/.work" && apt_private "$lists" "${armhf[@]}" download "$name:armhf")
    rm -rf "$lists"
    dpkg-deb -W --showformat '${Package} ${Version}\n' "$dir"/.work/*.deb >"$dir/packages.txt"
    dpkg-deb -x "$dir"/.work/*.deb "$dir/.work"
    for name in "${bed_modules[@]}"; do add_module "$dir" "$name"; done
    cp "$dir"/.work/boot/vmlinuz-* "$dir/vmlinuz"
    cp "$dir"/.work/boot/config-* "$dir/config"
    cp "$dir"/.work/usr/lib/linux-image-*/"$bed_tree" "$dir/"
    rm -rf "$dir/.work"
}

# setup_board: every piece of the boards, linked as build/deps/board-*.
setup_board() {
    local config=$root/board/kernel/aarch64.config mounts=$root/board/rauc/mounts.c tools static kernel rauc chrony bed
    local u_boot u_boot_files=$root/board/imx8mp-evk/u-boot-qemu made
    host_packages=("${board_host_packages[@]}")
    install_packages
    # A change of one piece's recipe must not build the kernel anew.
    tools=$(key "$sysroot_suite" "${board_tool_packages[*]} ${board_tools[*]}" "$(declare -f make_board_tools)")
    static=$(key "$sysroot_suite" "${board_static_packages[*]}" "$(declare -f make_board_static)")
    kernel=$(key "$sysroot_suite" "$kernel_series" "$(declare -f make_kernel)" "$config" \
        "$(aarch64-linux-gnu-gcc -dumpfullversion)")
    rauc=$(key "$lib/rauc.sh" "$mounts" "${sysroots[aarch64]}")
    chrony=$(key "$lib/chrony.sh" "${sysroots[aarch64]}")
    u_boot=$(key "$sysroot_suite" "$lib/u-boot.sh" "$u_boot_files".{config,c,h} \
        "$(aarch64-linux-gnu-gcc -dumpfullversion)")
    bed=$(key "$sysroot_suite" "$kernel_series" "${bed_modules[*]} $bed_tree" \
        "$(declare -f add_module make_bed_kernel)")
    for made in "tools-$tools" "static-aarch64-$static" "kernel-aarch64-$kernel" "rauc-aarch64-$rauc" \
        "chrony-aarch64-$chrony" "u-boot-imx8mp-evk-$u_boot" "static-armv7-$static" "kernel-armv7-$bed"; do
        [ -d "$cache/board-$made" ] || { apt_lists && break; }
    done
    piece board-tools "$tools" make_board_tools
    link_piece board-tools "$piece_path"
    piece board-static-aarch64 "$static" make_board_static aarch64
    link_piece board-static-aarch64 "$piece_path"
    piece board-kernel-aarch64 "$kernel" make_kernel aarch64 "$config"
    link_piece board-kernel-aarch64 "$piece_path"
    piece board-rauc-aarch64 "$rauc" make_rauc aarch64 "${sysroots[aarch64]}" "$mounts"
    link_piece board-rauc-aarch64 "$piece_path"
    piece board-chrony-aarch64 "$chrony" make_chrony aarch64 "${sysroots[aarch64]}"
    link_piece board-chrony-aarch64 "$piece_path"
    piece board-u-boot-imx8mp-evk "$u_boot" make_u_boot "$u_boot_files"
    link_piece board-u-boot-imx8mp-evk "$piece_path"
    piece board-static-armv7 "$static" make_board_static armv7
    link_piece board-static-armv7 "$piece_path"
    piece board-kernel-armv7 "$bed" make_bed_kernel
    link_piece board-kernel-armv7 "$piece_path"
}
