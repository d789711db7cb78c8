/* gatewarden-grow: the last partition, data, and its file system take up the whole card, once. An image is as large as
 * the smallest card that it fits; what a larger one has beyond that would lie idle.
 *
 * Run by /usr/lib/gatewarden/later on the mounted data partition; does nothing when there is less than GAIN to win. Cut
 * at any moment the card still starts: the second partition table is written first, at the card's new end; the first
 * one's header and the partition's entry lie in one block of 4 KiB that is written at once, and should a card tear even
 * that, kernel (argument `gpt`) and U-Boot take the second, and the next run mends the first. The file system grows in
 * its journal. Exit code 1 after a line that says what is not as it should be; nothing was changed then.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/blkpg.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <zlib.h>

#include "slots.h"

enum { SECTOR = 512, PAGE = 4096, ENTRIES = 128, TABLE_SECTORS = 32, ALIGNED = 2048 };
/* In sectors: 32 MiB. */
enum { GAIN = 65536 };
/* Of the entries, those in the first block of 4 KiB. */
enum { ENTRIES_IN_PAGE = 24 };
#define EXT4_RESIZE _IOW('f', 16, uint64_t)

/* UEFI 2.10, 5.3.2 and 5.3.3; all numbers have the lowest byte first, as the processors that we run on. */
struct gpt_header {
    char signature[8];
    uint32_t revision, size, crc, reserved;
    uint64_t here, other, first_usable, last_usable;
    uint8_t disk[16];
    uint64_t entries_at;
    uint32_t entry_count, entry_size, entries_crc;
} __attribute__((packed));

struct gpt_entry {
    uint8_t type[16], unique[16];
    uint64_t first, last, attributes;
    uint16_t name[36];
};

_Static_assert(sizeof(struct gpt_header) == 92 && sizeof(struct gpt_entry) == 128, "as UEFI says");

/* The first 4 KiB of a card: the protective MBR, the header, the first entries. */
static union {
    unsigned char page[PAGE];
    struct {
        unsigned char mbr[SECTOR];
        struct gpt_header header;
    };
} first;
static struct gpt_entry entries[ENTRIES];

static int refuse(const char *what) {
    fprintf(stderr, "<3>grow: the data partition stays as it is: %s%s%s\n", what, errno ? ": " : "",
            errno ? strerror(errno) : "");
    return 1;
}

static uint32_t header_crc(struct gpt_header header) {
    header.crc = 0;
    return (uint32_t)crc32(0, (const unsigned char *)&header, sizeof header);
}

static uint32_t entries_crc(void) { return (uint32_t)crc32(0, (const unsigned char *)entries, sizeof entries); }

/* The table whose header is at the sector `here`, and whose entries are at `entries_at`; 0 when it is a good one. */
static int table_at(int disk, struct gpt_header *header, uint64_t here, uint64_t entries_at) {
    if (pread(disk, header, sizeof *header, (off_t)here * SECTOR) != sizeof *header ||
        pread(disk, entries, sizeof entries, (off_t)entries_at * SECTOR) != sizeof entries)
        return -1;
    int good = memcmp(header->signature, "EFI PART", 8) == 0 && header->size == sizeof *header &&
               header->here == here &&
               header->entries_at == entries_at && header->entry_count == ENTRIES &&
               header->entry_size == sizeof entries[0] && header->crc == header_crc(*header) &&
               header->entries_crc == entries_crc();
    return good ? 0 : -1;
}

/* Reads the first table, or else the second: then the first was torn, and `is_torn`. */
static int table_read(int disk, uint64_t sectors, int *is_torn) {
    struct gpt_header header;
    errno = 0;
    if (pread(disk, first.page, PAGE, 0) != PAGE) return refuse("the partition table cannot be read");
    *is_torn = table_at(disk, &header, 1, 2) != 0;
    if (*is_torn && table_at(disk, &header, sectors - 1, sectors - 1 - TABLE_SECTORS) != 0) {
        errno = 0;
        return refuse("neither partition table is good");
    }
    first.header = header;
    first.header.here = 1;
    first.header.entries_at = 2;
    return 0;
}

/* The second table, which nothing reads while the first is good, and then the first in one write. */
static int table_write(int disk, uint64_t sectors) {
    struct gpt_header second;
    unsigned char last[SECTOR] = {0};
    first.header.other = sectors - 1;
    first.header.last_usable = sectors - TABLE_SECTORS - 2;
    first.header.entries_crc = entries_crc();
    first.header.crc = header_crc(first.header);
    second = first.header;
    second.here = sectors - 1;
    second.other = 1;
    second.entries_at = sectors - 1 - TABLE_SECTORS;
    second.crc = header_crc(second);
    memcpy(last, &second, sizeof second);
    memcpy(first.page + 2 * SECTOR, entries, PAGE - 2 * SECTOR);
    if (pwrite(disk, entries, sizeof entries, (off_t)second.entries_at * SECTOR) != sizeof entries ||
        pwrite(disk, last, sizeof last, (off_t)second.here * SECTOR) != sizeof last || fsync(disk) != 0)
        return refuse("the second partition table cannot be written");
    if (pwrite(disk, first.page, PAGE, 0) != PAGE || fsync(disk) != 0)
        return refuse("the first partition table cannot be written");
    return 0;
}

/* Its number, and its length in sectors after growing. */
static int partition_grow(int disk, int number, uint64_t *length) {
    uint64_t bytes;
    if (ioctl(disk, BLKGETSIZE64, &bytes) != 0) return refuse("the card does not say its size");
    uint64_t sectors = bytes / SECTOR, end = (sectors - TABLE_SECTORS - 1) / ALIGNED * ALIGNED;
    int is_torn;
    if (table_read(disk, sectors, &is_torn) != 0) return 1;
    struct gpt_entry *data = &entries[number - 1];
    for (int other = 0; other < ENTRIES; other++)
        if (entries[other].first > data->first) return refuse("there is a partition behind it");
    if (end > data->last + 1 + GAIN) {
        fprintf(stderr, "<4>grow: data has %" PRIu64 " MiB, and the card has %" PRIu64 " more\n",
                (data->last + 1 - data->first) / ALIGNED, (end - 1 - data->last) / ALIGNED);
        data->last = end - 1;
        if (table_write(disk, sectors) != 0) return 1;
    } else if (is_torn) {
        fprintf(stderr, "<4>grow: the first partition table was torn; it is written anew from the second\n");
        if (table_write(disk, sectors) != 0) return 1;
    }
    *length = data->last + 1 - data->first;
    struct blkpg_partition partition = {
        .start = (long long)data->first * SECTOR, .length = (long long)*length * SECTOR, .pno = number};
    struct blkpg_ioctl_arg change = {.op = BLKPG_RESIZE_PARTITION, .datalen = sizeof partition, .data = &partition};
    errno = 0;
    return ioctl(disk, BLKPG, &change) == 0 ? 0 : refuse("the kernel does not take its new size");
}

/* ext4's superblock: blocks in all, and how large one is. */
static int file_system_grow(const char *device, const char *where, uint64_t length) {
    unsigned char super[1024];
    uint32_t low, high, scale;
    int fd = open(device, O_RDONLY | O_CLOEXEC);
    int got = fd >= 0 && pread(fd, super, sizeof super, 1024) == sizeof super;
    if (fd >= 0) close(fd);
    if (!got) return refuse("its file system cannot be read");
    memcpy(&low, super + 0x4, sizeof low);
    memcpy(&scale, super + 0x18, sizeof scale);
    memcpy(&high, super + 0x150, sizeof high);
    uint64_t has = (uint64_t)high << 32 | low, wanted = length * SECTOR / (1024u << (scale & 7));
    if (has + GAIN / 8 > wanted) return 0;
    fd = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int grown = fd >= 0 && ioctl(fd, EXT4_RESIZE, &wanted) == 0;
    if (!grown) return refuse("its file system cannot grow");
    close(fd);
    fprintf(stderr, "<4>grow: data has %" PRIu64 " MiB now\n", length / ALIGNED);
    return 0;
}

int main(void) {
    char disk[32], partition[64], path[64];
    uint64_t length;
    int block;
    if (boot_argument("gatewarden.disk", disk, sizeof disk) != 0) return refuse("no gatewarden.disk= given");
    if (partition_find(disk, "data", partition, sizeof partition) != 0) return refuse("there is no partition data");
    const char *digits = partition + strlen(partition);
    while (digits > partition && digits[-1] >= '0' && digits[-1] <= '9') digits--;
    int number = atoi(digits);
    snprintf(path, sizeof path, "/dev/%s", disk);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return refuse(path);
    int wrong = ioctl(fd, BLKSSZGET, &block) != 0 || block != SECTOR || number < 1 || number > ENTRIES_IN_PAGE;
    errno = 0;
    if (wrong) return refuse("the card is not as the image was made for");
    if (partition_grow(fd, number, &length) != 0) return 1;
    close(fd);
    return file_system_grow(partition, "/data", length);
}
