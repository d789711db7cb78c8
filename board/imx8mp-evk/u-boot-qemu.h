/* The emulated reference board's memory, in place of U-Boot's header for the real one. */
#ifndef GATE_U_BOOT_QEMU_H
#define GATE_U_BOOT_QEMU_H

#include <linux/sizes.h>
#include <asm/arch/imx-regs.h>

#define CFG_SYS_SDRAM_BASE	0x40000000
#define PHYS_SDRAM		0x40000000
#define PHYS_SDRAM_SIZE		SZ_1G
#define CFG_SYS_INIT_RAM_ADDR	0x40000000
#define CFG_SYS_INIT_RAM_SIZE	0x80000

/* KiB at the end that U-Boot leaves alone: the kernel's last words (gate.dtsi, ramoops). */
#define CFG_PRAM		64

#endif
