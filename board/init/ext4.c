#define _GNU_SOURCE
#include "ext4.h"

#include <fcntl.h>
#include <unistd.h>

#include "slots.h"

/* The kernel's fs/ext4/ext4.h: the superblock, s_magic and s_state in it, EXT4_VALID_FS and EXT4_ERROR_FS. */
enum { SUPERBLOCK_AT = 1024, MAGIC_AT = 0x38, STATE_AT = 0x3A, MAGIC = 0xEF53, VALID = 1, ERROR = 2 };

static unsigned number_at(const unsigned char *bytes) {
    return bytes[0] | bytes[1] << 8;
}

int ext4_is_faulty(const char *device) {
    static _Alignas(BLOCK) unsigned char block[BLOCK];
    /* Past the kernel's cache, which also has what it could not write. */
    int fd = open(device, O_RDONLY | O_DIRECT | O_CLOEXEC);
    int got = fd >= 0 && pread(fd, block, BLOCK, 0) == BLOCK;
    if (fd >= 0) close(fd);
    if (!got) return -1;
    unsigned state = number_at(block + SUPERBLOCK_AT + STATE_AT);
    /* With a journal it stays valid while it is mounted; a copy of the superblock that e2fsck puts in place is not. */
    return number_at(block + SUPERBLOCK_AT + MAGIC_AT) == MAGIC && ((state & ERROR) != 0 || (state & VALID) == 0);
}

int data_is_faulty(void) {
    char disk[32], device[64];
    if (boot_argument("gatewarden.disk", disk, sizeof disk) != 0 ||
        partition_find(disk, "data", device, sizeof device) != 0)
        return -1;
    return ext4_is_faulty(device);
}
