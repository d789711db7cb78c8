# U-Boot for a board that Debian has none for: upstream's source as Debian's source package holds it. Without SPL,
# trusted firmware and memory training: an emulator starts it. Sourced, after board.sh; only `tools/setup --board` makes
# it.

# make_u_boot DIR FILES: DIR/u-boot-nodtb.bin, and what it was made from. FILES is FILES.config, .c and .h of the board.
make_u_boot() {
    local dir=$1 files=$2 work=$1/.work line version lost=0
    local -a compile
    mkdir -p "$work/packages" "$work/source"
    (cd "$work/packages" &&
        apt_private "$apt_state" source --tar-only --download-only --only-source "u-boot/$sysroot_suite")
    version=$(basename "$work"/packages/u-boot_*.orig.tar.* | sed 's/^u-boot_//; s/\.orig.*//')
    echo "u-boot $version" >"$dir/packages.txt"
    tar -xf "$work"/packages/u-boot_*.orig.tar.* -C "$work/source" --strip-components=1
    cp "$files.c" "$work/source/board/freescale/imx8mp_evk/imx8mp_evk.c"
    cp "$files.h" "$work/source/include/configs/imx8mp_evk.h"
    # Needed for the card's image of a real board alone, or missing in the emulation (the crypto accelerator).
    sed -i -E '/^\tselect (BINMAN|LTO|FSL_CAAM)$/d' "$work/source/arch/arm/mach-imx/imx8m/Kconfig"
    # After a reset the emulated card controller has nothing in registers where the real one has a default: which states
    # it reports, and the four bits of its clock that are "always to be written as 1".
    line='esdhc_write32(\&regs->irqstaten, SDHCI_IRQ_EN_BITS);'
    sed -i -e "s/esdhc_clrbits32(&regs->irqstaten, IRQSTATEN_BRR | IRQSTATEN_BWR);/$line/" \
        -e 's/clk = (pre_div << 8) | (div << 4);/clk = (pre_div << 8) | (div << 4) | 0xf;/' \
        "$work/source/drivers/mmc/fsl_esdhc_imx.c"
    [ "$(grep -cE 'irqstaten, SDHCI_IRQ_EN_BITS|div << 4\) \| 0xf' "$work/source/drivers/mmc/fsl_esdhc_imx.c")" = 3 ] ||
        { echo "the card's driver is another than the one that is changed here"; return 1; }
    compile=(env SOURCE_DATE_EPOCH=1767225600 make -s -C "$work/source" O="$work/build" ARCH=arm
        CROSS_COMPILE=aarch64-linux-gnu-)
    "${compile[@]}" KCONFIG_ALLCONFIG="$files.config" allnoconfig
    # An option that no longer exists, or lacks what it depends on, is left out silently.
    while read -r line; do
        case $line in
        CONFIG_*=n) ! grep -q "^${line%n}" "$work/build/.config" || { echo "not off: $line"; lost=1; } ;;
        CONFIG_*) grep -qxF "$line" "$work/build/.config" || { echo "not on: $line"; lost=1; } ;;
        esac
    done <"$files.config"
    [ $lost = 0 ]
    "${compile[@]}" -j"$(nproc)" u-boot-nodtb.bin
    cp "$work/build/u-boot-nodtb.bin" "$work/build/.config" "$dir/"
    rm -rf "$work"
}
