# The Swift SDK bundles, made from the templates in board/sdk for where the toolchain and the sysroots really are.

# make_sdk DIR: one bundle an architecture, for the sysroots in $sysroots.
make_sdk() {
    local dir=$1 arch bundle template defines define sysroot libraries
    for arch in "${archs[@]}"; do
        bundle=$dir/gatewarden-$arch.artifactbundle
        sysroot=${sysroots[$arch]}
        mkdir -p "$bundle/sdk"
        defines=
        for define in $(arch_defines "$arch"); do defines+="\"-Xcc\", \"$define\", "; done
        libraries=
        [ "$arch" != armv7 ] || libraries='"-Xlinker", "-latomic", '
        for template in info.json sdk/swift-sdk.json sdk/toolset.json; do
            sed -e "s|@ARCH@|$arch|g" -e "s|@SWIFT_TRIPLE@|$(swift_triple "$arch")|g" \
                -e "s|@CLANG_TARGET@|$(clang_target "$arch")|g" -e "s|@MULTIARCH@|$(multiarch "$arch")|g" \
                -e "s|@TOOLCHAIN@|$toolchain|g" -e "s|@SYSROOT@|$sysroot|g" \
                -e "s|\"@SWIFT_DEFINES@\",|$defines|g" -e "s|\"@C_DEFINES@\",|${defines//\"-Xcc\", /}|g" \
                -e "s|\"@LIBRARIES@\",|$libraries|g" \
                "$root/board/sdk/${template##*/}.in" >"$bundle/$template"
            python3 -m json.tool "$bundle/$template" >/dev/null
        done
        # A placeholder left over would give a bundle that fails much later and less clearly.
        if grep -rn '@[A-Z_]*@' "$bundle"; then return 1; fi
    done
}
