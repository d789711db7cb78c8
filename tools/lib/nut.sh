# Network UPS Tools' drivers, an independent reader of UPSes for Tests/System/ups: unpacked beside the host's packages and
# run by the loader and libraries of their own release. Sourced, after common.sh and debian.sh.

nut_packages=(nut-server nut-modbus)
nut_drivers=(nutdrv_qx apc_modbus huawei-ups2000)

# make_nut DIR: the closure of the packages, unpacked, and a starter for each driver in bin.
make_nut() {
    local dir=$1 archives=$1/.archives file name
    mkdir -p "$archives/partial"
    apt_private "$apt_state" -o Debug::NoLocking=1 -o Dir::Cache::archives="$archives" --no-install-recommends -y \
        --download-only install "${nut_packages[@]}"
    for file in "$archives"/*.deb; do
        dpkg-deb -x "$file" "$dir"
        dpkg-deb -W --showformat '${Package} ${Version}\n' "$file"
    done >"$dir/packages.txt"
    rm -rf "$archives" "$dir"/usr/share "$dir"/usr/lib/systemd "$dir"/usr/lib/udev
    mkdir "$dir/bin"
    for name in "${nut_drivers[@]}"; do
        file=$(find "$dir" -path "*/nut/$name" -type f | head -n 1)
        cat >"$dir/bin/$name" <<END
#!/bin/sh
here=\$(dirname "\$(dirname "\$(readlink -f "\$0")")")
exec "\$here/usr/lib64/ld-linux-x86-64.so.2" --library-path "\$here/usr/lib/x86_64-linux-gnu" --argv0 $name \\
    "\$here/${file#"$dir"/}" "\$@"
END
        chmod 755 "$dir/bin/$name"
    done
    "$dir/bin/nutdrv_qx" -V
}
