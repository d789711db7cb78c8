#include "slots.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static const char magic[8] = "GWBOOT2";

const char *const slot_names[SLOT_COUNT] = {"system-a", "system-b"};

static int complain(const char *what, const char *subject) {
    fprintf(stderr, "<3>gatewarden: %s %s: %s\n", what, subject, errno ? strerror(errno) : "not as it should be");
    return -1;
}

static uint32_t state_crc(const struct boot_state *state) {
    return htonl(crc32(0, (const void *)state, offsetof(struct boot_state, crc)));
}

int state_read(const char *device, struct boot_state *state) {
    int fd = open(device, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return complain("cannot open the boot state", device);
    struct boot_state best = {.slot = SLOT_A};
    memcpy(best.magic, magic, sizeof magic);
    for (int copy = 0; copy < 2; copy++) {
        struct boot_state seen;
        if (pread(fd, &seen, sizeof seen, copy * BLOCK) != sizeof seen) continue;
        if (memcmp(seen.magic, magic, sizeof magic) != 0 || seen.crc != state_crc(&seen)) continue;
        if (seen.slot >= SLOT_COUNT) continue;
        if (seen.generation > best.generation) best = seen;
    }
    close(fd);
    *state = best;
    return 0;
}

int state_write(const char *device, struct boot_state *state) {
    int fd = open(device, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return complain("cannot open the boot state", device);
    unsigned char block[BLOCK] = {0};
    state->generation++;
    state->crc = state_crc(state);
    memcpy(block, state, sizeof *state);
    int written = pwrite(fd, block, sizeof block, state->generation % 2 * BLOCK) == sizeof block && fsync(fd) == 0;
    if (!written) complain("cannot write the boot state", device);
    close(fd);
    return written ? 0 : -1;
}

/* The word after `name ` at the beginning of a line of the footer. */
static int footer_word(const char *text, const char *name, char *value, size_t capacity) {
    char label[40];
    snprintf(label, sizeof label, "\n%s ", name);
    const char *at = strstr(text, label);
    if (at == NULL) return -1;
    at += strlen(label);
    size_t length = strcspn(at, "\n");
    if (length == 0 || length >= capacity) return -1;
    memcpy(value, at, length);
    value[length] = 0;
    return 0;
}

static int footer_number(const char *text, const char *name, uint64_t *value) {
    char word[24], *end;
    if (footer_word(text, name, word, sizeof word) != 0) return -1;
    *value = strtoull(word, &end, 10);
    return *end == 0 && *value > 0 && *value < UINT64_C(1) << 40 ? 0 : -1;
}

static int is_signed(const unsigned char *block, const unsigned char key[KEY_BYTES]) {
    EVP_PKEY *public = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, KEY_BYTES);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int valid = public != NULL && context != NULL && EVP_DigestVerifyInit(context, NULL, NULL, NULL, public) == 1 &&
                EVP_DigestVerify(context, block + SIGNATURE_AT, SIGNATURE_BYTES, block, FOOTER_TEXT) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(public);
    return valid;
}

int key_read(const char *path, unsigned char key[KEY_BYTES]) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int got = fd >= 0 && read(fd, key, KEY_BYTES) == KEY_BYTES;
    if (fd >= 0) close(fd);
    return got ? 0 : complain("cannot read the slots' key", path);
}

int footer_read(const char *device, const unsigned char key[KEY_BYTES], struct slot_footer *footer) {
    unsigned char block[BLOCK];
    int fd = open(device, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return complain("cannot open slot", device);
    off_t end = lseek(fd, 0, SEEK_END);
    int got = end >= BLOCK && pread(fd, block, BLOCK, end - BLOCK) == BLOCK;
    close(fd);
    if (!got) return complain("cannot read the footer of", device);
    errno = 0;
    if (!is_signed(block, key)) return complain("no valid signature on", device);
    char text[FOOTER_TEXT + 1];
    memcpy(text, block, FOOTER_TEXT);
    text[FOOTER_TEXT] = 0;
    if (strncmp(text, "gatewarden-slot 2\n", 18) != 0 ||
        footer_word(text, "board", footer->board, sizeof footer->board) != 0 ||
        footer_word(text, "version", footer->version, sizeof footer->version) != 0 ||
        footer_word(text, "salt", footer->salt, sizeof footer->salt) != 0 ||
        footer_word(text, "root", footer->root, sizeof footer->root) != 0 ||
        footer_number(text, "released", &footer->released) != 0 ||
        footer_number(text, "blocks", &footer->blocks) != 0 ||
        footer_number(text, "hash-start", &footer->hash_start) != 0 ||
        footer_word(text, "kernel", footer->kernel, sizeof footer->kernel) != 0 ||
        footer_number(text, "kernel-start", &footer->kernel_start) != 0 ||
        footer_number(text, "kernel-bytes", &footer->kernel_bytes) != 0)
        return complain("a footer of another kind on", device);
    return 0;
}

int kernel_check(const char *device, const struct slot_footer *footer) {
    unsigned char part[65536], digest[EVP_MAX_MD_SIZE];
    char text[65] = "";
    uint64_t at = footer->kernel_start * BLOCK, left = footer->kernel_bytes;
    unsigned length = 0;
    int fd = open(device, O_RDONLY | O_CLOEXEC);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int whole = fd >= 0 && context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    while (whole && left > 0) {
        ssize_t count = pread(fd, part, left < sizeof part ? left : sizeof part, at);
        whole = count > 0 && EVP_DigestUpdate(context, part, count) == 1;
        at += count, left -= count;
    }
    whole = whole && EVP_DigestFinal_ex(context, digest, &length) == 1;
    for (unsigned index = 0; whole && index < length && index < 32; index++)
        snprintf(text + 2 * index, 3, "%02x", digest[index]);
    EVP_MD_CTX_free(context);
    if (fd >= 0) close(fd);
    errno = 0;
    return whole && strcmp(text, footer->kernel) == 0 ? 0 : complain("not the signed kernel on", device);
}

static int read_text(const char *path, char *text, size_t capacity) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t count = read(fd, text, capacity - 1);
    close(fd);
    if (count < 0) return -1;
    text[count] = 0;
    return 0;
}

int partition_find(const char *disk, const char *name, char *path, unsigned capacity) {
    char wanted[48], file[96], text[512];
    snprintf(wanted, sizeof wanted, "\nPARTNAME=%s\n", name);
    const char *separator = disk[strlen(disk) - 1] >= '0' && disk[strlen(disk) - 1] <= '9' ? "p" : "";
    for (int number = 1; number < 16; number++) {
        snprintf(file, sizeof file, "/sys/class/block/%s%s%d/uevent", disk, separator, number);
        if (read_text(file, text, sizeof text) != 0 || strstr(text, wanted) == NULL) continue;
        snprintf(path, capacity, "/dev/%s%s%d", disk, separator, number);
        return 0;
    }
    errno = ENOENT;
    return complain("no partition named", name);
}

static int slot_of(const char *name) {
    return name[0] == 'a' ? SLOT_A : name[0] == 'b' ? SLOT_B : -1;
}

int slot_running(void) {
    char text[8];
    return read_text(RUNNING_SLOT, text, sizeof text) == 0 ? slot_of(text) : -1;
}

int slot_chosen(void) {
    char text[8];
    return boot_argument("gatewarden.slot", text, sizeof text) == 0 ? slot_of(text) : -1;
}

int boot_argument(const char *name, char *value, unsigned capacity) {
    char text[2048], *rest = text, *word;
    size_t length = strlen(name);
    if (read_text("/proc/cmdline", text, sizeof text) != 0) return -1;
    while ((word = strsep(&rest, " \n")) != NULL) {
        if (strncmp(word, name, length) != 0 || word[length] != '=') continue;
        snprintf(value, capacity, "%s", word + length + 1);
        return 0;
    }
    return -1;
}
