// A plugin of QEMU: writes down each value that the guest stores in the data and direction registers of the gate's GPIO
// bank, the level that it gives the RS485 bus's driver enable, and the bytes that it sends there, with the instant of
// virtual time; and, when told, moves input pins at exact instants of it.
//
//     -plugin pin_clock.so,log=FILE[,go=FILE,pins=A:B:C…,turn=MICROSECONDS[,moves=PIN-LEVEL-TURN:…,period=TURNS]]
//
// As soon as the file `go` is there, each pin in its turn goes high for an eighth of a turn. A turn is up to a tenth
// longer than it says, by chance that repeats from run to run. A move sets a pin in the same instant as the pin of that
// turn rises, in each period anew. A line of the log: instant in nanoseconds, then `in PIN LEVEL`, `beside PIN LEVEL`,
// `data VALUE`, `direction VALUE`, `enable LEVEL` or `sent BYTE`. What the log has is kept.
//
// The plugin interface has neither clock nor pins: these are functions of QEMU itself, which it exports to its modules.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PLUGIN_VERSION = 4, NO_REGISTERS = 0, STORES = 2, VIRTUAL_CLOCK = 1, MOST_PINS = 32, MOST_MOVES = 32 };
enum { DATA_REGISTER = 0x30240000, ENABLE_REGISTER = 0x30220000, ENABLE_LINE = 20, SEND_REGISTER = 0x30860040 };
enum { POLL_NS = 5000000 };

int qemu_plugin_version = PLUGIN_VERSION;

extern void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*call)(uint64_t, void *block));
extern size_t qemu_plugin_tb_n_insns(const void *block);
extern void *qemu_plugin_tb_get_insn(const void *block, size_t index);
extern size_t qemu_plugin_insn_data(const void *instruction, void *data, size_t size);
extern void qemu_plugin_register_vcpu_mem_cb(
    void *instruction, void (*call)(unsigned, uint32_t, uint64_t, void *), int registers, int kind, void *opaque);
extern void *qemu_plugin_get_hwaddr(uint32_t info, uint64_t address);
extern bool qemu_plugin_hwaddr_is_io(const void *address);
extern uint64_t qemu_plugin_hwaddr_phys_addr(const void *address);
struct value {
    int kind;
    union {
        uint32_t word;
        uint64_t halves[2];
    } data;
};
extern struct value qemu_plugin_mem_get_value(uint32_t info);

extern int64_t qemu_clock_get_ns(int clock);
extern void timer_init_full(
    void *timer, void *group, int clock, int scale, int attributes, void (*call)(void *), void *);
extern void timer_mod(void *timer, int64_t instant);
extern void *object_resolve_path(const char *path, bool *ambiguous);
extern void *qdev_get_gpio_in(void *device, int line);
extern void qemu_set_irq(void *line, int level);

static FILE *file;
static const char *go;
static char timer[256];
static int pins[MOST_PINS], pin_count, step;
static int64_t turn_ns = 20000000;
static uint32_t chance = 1;
static bool is_wound, is_going, is_high;
static struct { int pin, level, turn; } moves[MOST_MOVES];
static int move_count, period = 1;

static void set(const char *what, int64_t now, int pin, int level) {
    fprintf(file, "%lld %s %d %d\n", (long long)now, what, pin, level);
    qemu_set_irq(qdev_get_gpio_in(object_resolve_path("/machine/soc/gpio5", NULL), pin), level);
}

static void tick(void *opaque) {
    int64_t now = qemu_clock_get_ns(VIRTUAL_CLOCK);
    (void)opaque;
    if (!is_going) {
        is_going = access(go, F_OK) == 0;
        timer_mod(timer, now + POLL_NS);
        return;
    }
    int pin = pins[step % pin_count];
    is_high = !is_high;
    set("in", now, pin, is_high);
    for (int index = 0; is_high && index < move_count; index++)
        if (moves[index].turn == step % period) set("beside", now, moves[index].pin, moves[index].level);
    if (!is_high) step++;
    chance = chance * 1664525 + 1013904223;
    int64_t rest = turn_ns - turn_ns / 8 + turn_ns / 10 * (chance >> 16) / 65536;
    timer_mod(timer, now + (is_high ? turn_ns / 8 : rest));
}

static void stored(unsigned processor, uint32_t info, uint64_t address, void *opaque) {
    (void)processor;
    (void)opaque;
    if ((address & 0xffb) != (DATA_REGISTER & 0xfff) && (address & 0xfff) != (SEND_REGISTER & 0xfff)) return;
    void *place = qemu_plugin_get_hwaddr(info, address);
    if (place == NULL || !qemu_plugin_hwaddr_is_io(place)) return;
    uint64_t physical = qemu_plugin_hwaddr_phys_addr(place);
    uint32_t value = qemu_plugin_mem_get_value(info).data.word;
    const char *what;
    switch (physical) {
    case DATA_REGISTER: what = "data"; break;
    case DATA_REGISTER + 4: what = "direction"; break;
    case ENABLE_REGISTER: what = "enable"; value = value >> ENABLE_LINE & 1; break;
    case SEND_REGISTER: what = "sent"; value &= 0xff; break;
    default: return;
    }
    fprintf(file, "%lld %s %u\n", (long long)qemu_clock_get_ns(VIRTUAL_CLOCK), what, value);
}

// QEMU's clocks are not there yet when a plugin is installed; the first instruction of the guest comes after them.
// The kernel stores into registers with `str w, [x, #n]`; whatever else stores is left as fast as it was.
static void translated(uint64_t id, void *block) {
    (void)id;
    if (!is_wound && pin_count > 0) {
        is_wound = true;
        timer_init_full(timer, NULL, VIRTUAL_CLOCK, 1, 0, tick, NULL);
        timer_mod(timer, POLL_NS);
    }
    for (size_t index = 0; index < qemu_plugin_tb_n_insns(block); index++) {
        void *instruction = qemu_plugin_tb_get_insn(block, index);
        uint32_t word = 0;
        qemu_plugin_insn_data(instruction, &word, sizeof word);
        if ((word & 0xffc00000) == 0xb9000000)
            qemu_plugin_register_vcpu_mem_cb(instruction, stored, NO_REGISTERS, STORES, NULL);
    }
}

int qemu_plugin_install(uint64_t id, const void *info, int count, char **arguments) {
    const char *log = NULL;
    (void)info;
    for (int index = 0; index < count; index++) {
        char *value = strchr(arguments[index], '=');
        if (value == NULL) return -1;
        value++;
        if (strncmp(arguments[index], "log=", 4) == 0) log = value;
        if (strncmp(arguments[index], "go=", 3) == 0) go = strdup(value);
        if (strncmp(arguments[index], "turn=", 5) == 0) turn_ns = atoll(value) * 1000;
        if (strncmp(arguments[index], "period=", 7) == 0) period = atoi(value);
        if (strncmp(arguments[index], "moves=", 6) == 0)
            for (char *rest = value; *rest != 0 && move_count < MOST_MOVES; rest += *rest == ':') {
                moves[move_count].pin = (int)strtol(rest, &rest, 10);
                moves[move_count].level = -(int)strtol(rest, &rest, 10);
                moves[move_count++].turn = -(int)strtol(rest, &rest, 10);
            }
        if (strncmp(arguments[index], "pins=", 5) == 0)
            for (char *rest = value; *rest != 0 && pin_count < MOST_PINS; rest += *rest == ':')
                pins[pin_count++] = (int)strtol(rest, &rest, 10);
    }
    if (log == NULL || (go == NULL) != (pin_count == 0) || period < 1 || (file = fopen(log, "a")) == NULL) return -1;
    setvbuf(file, NULL, _IOLBF, 0);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
