// Two functions of Swift's Embedded runtime, done right.
//
// The compiler takes for granted that swift_bridgeObjectRetain returns its argument, and goes on with what it returned.
// In the Embedded runtime of Swift 6.3.1 it returns the argument without its tag bits (the masked pointer that it hands
// to swift_retain). For a short string, which lives within its tag and count bits, that is another string: "...59 A9"
// came back as "...58 89", read as 120 bytes long, and the sign's thread read past its stack. Seen on aarch64; x86_64
// compiles to the same and was merely lucky. The runtime's own definitions are weak, so these stand in their place.
// Only for 64-bit firmware: elsewhere strings have no such tags, and on the host Swift's real runtime does it.
#include <stdint.h>

#if defined(GATEWARDEN_FIRMWARE) && defined(__LP64__)

void *swift_retain_n(void *object, uint32_t count);

#define TAG_BITS UINT64_C(0x7000000000000007)
#define IMMORTAL UINT64_C(0x8000000000000000)

void *swift_bridgeObjectRetain_n(void *object, uint32_t count) {
    uint64_t bits = (uint64_t)(uintptr_t)object;
    if (bits & IMMORTAL) return object;
    void *plain = (void *)(uintptr_t)(bits & ~TAG_BITS);
    if (plain) swift_retain_n(plain, count);
    return object;
}

void *swift_bridgeObjectRetain(void *object) { return swift_bridgeObjectRetain_n(object, 1); }

#endif
