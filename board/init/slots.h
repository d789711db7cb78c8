/* The two system slots of a board and what is remembered of their boots.
 *
 * A slot is a partition: a squashfs, its dm-verity hashes, the kernel with its initial RAM disk and device tree (a FIT
 * image, which the boot loader checks), and in its last block a footer that names all of these and carries an Ed25519
 * signature. The memory of boots is the partition "state": two copies, written in turn, each with its CRC, so that a
 * cut while writing leaves the older one. The boot loader reads and writes it too (board/boot.env): where its members
 * are stands in both.
 */
#ifndef GW_SLOTS_H
#define GW_SLOTS_H

#include <stdint.h>

enum { SLOT_A, SLOT_B, SLOT_COUNT };
enum { BLOCK = 4096, FOOTER_TEXT = 1024, SIGNATURE_AT = 2048, SIGNATURE_BYTES = 64, KEY_BYTES = 32 };

/* The partitions' names. */
extern const char *const slot_names[SLOT_COUNT];
#define RUNNING_SLOT "/run/gatewarden-slot"

/* A slot that did not confirm itself in so many boots in a row gives way to the other one. */
enum { BOOT_TRIES = 3 };

/* The partitions that init repairs. */
enum repaired { REPAIRED_DATA = 1, REPAIRED_FACTORY = 2 };

struct boot_state {
    char magic[8];
    uint32_t generation;
    uint32_t boots;                /* all boots of this board */
    uint8_t slot;                  /* the slot to boot */
    uint8_t tries;                 /* boots of it since it was last confirmed */
    uint8_t confirmed[SLOT_COUNT]; /* it has once served its lanes */
    uint32_t repairing;            /* a bit for each of enum repaired whose repair has begun and not ended */
    uint64_t oldest;               /* no slot that was released before this is started; seconds since 1970 */
    uint32_t crc;                  /* of all before it; the highest byte first */
};

struct slot_footer {
    char board[32], version[32], salt[65], root[65];
    char kernel[65];              /* SHA-256 of its bytes */
    uint64_t blocks, hash_start, released;
    uint64_t kernel_start, kernel_bytes; /* in blocks; in bytes */
};

/* Each returns 0, or -1 after saying on standard error what and why. */
int state_read(const char *device, struct boot_state *state); /* an empty partition gives the state of a first boot */
int state_write(const char *device, struct boot_state *state);
int key_read(const char *path, unsigned char key[KEY_BYTES]);
int footer_read(const char *device, const unsigned char key[KEY_BYTES], struct slot_footer *footer); /* or a file */
int kernel_check(const char *device, const struct slot_footer *footer); /* it is the one that the footer names */

/* The slot that the boot loader chose and counted; -1 when it left both to init. */
int slot_chosen(void);

/* The device of the partition with this GPT name on `disk`, "/dev/…" into `path`. */
int partition_find(const char *disk, const char *name, char *path, unsigned capacity);

/* The slot that runs, as init left it in /run; -1 when nothing says so. */
int slot_running(void);

/* The word after `name=` on the kernel's command line. */
int boot_argument(const char *name, char *value, unsigned capacity);

#endif
