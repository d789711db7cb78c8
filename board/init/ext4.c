#define _GNU_SOURCE
#include "ext4.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* The kernel's fs/ext4/ext4.h: the superblock, s_magic and s_state in it, EXT4_VALID_FS and EXT4_ERROR_FS. */
enum { SUPERBLOCK_AT = 1024, MAGIC_AT = 0x38, STATE_AT = 0x3A, MAGIC = 0xEF53, VALID = 1, ERROR = 2 };
enum { READ_BYTES = 4096 };

static unsigned number_at(const unsigned char *bytes) {
    return bytes[0] | bytes[1] << 8;
}

int ext4_is_faulty(const char *device) {
    unsigned char *block = aligned_alloc(READ_BYTES, READ_BYTES);
    /* Past the kernel's cache: in it is what it could not write, too. */
    int fd = open(device, O_RDONLY | O_DIRECT | O_CLOEXEC);
    int got = block != NULL && fd >= 0 && pread(fd, block, READ_BYTES, 0) == READ_BYTES;
    unsigned magic = got ? number_at(block + SUPERBLOCK_AT + MAGIC_AT) : 0;
    unsigned state = got ? number_at(block + SUPERBLOCK_AT + STATE_AT) : 0;
    if (fd >= 0) close(fd);
    free(block);
    if (!got) return -1;
    /* While it is mounted with a journal it stays valid; e2fsck takes that back until it has ended. */
    return magic == MAGIC && ((state & ERROR) != 0 || (state & VALID) == 0);
}
