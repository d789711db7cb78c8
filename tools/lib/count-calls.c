// Counts how often one thread of a running program comes to some addresses, by hardware breakpoints of that thread alone.
//
// usage: count-calls THREAD SECONDS ADDRESS… (hexadecimal, at most four); prints the count. x86_64 Linux.
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

static int set_register(int thread, int number, unsigned long value) {
    return (int)ptrace(PTRACE_POKEUSER, thread, offsetof(struct user, u_debugreg) + (size_t)number * 8, value);
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int count, char **arguments) {
    if (count < 4 || count > 7) return 2;
    int thread = atoi(arguments[1]), status;
    double end = seconds() + atof(arguments[2]);
    unsigned long control = 0, calls = 0;
    if (ptrace(PTRACE_SEIZE, thread, 0, 0) != 0 || ptrace(PTRACE_INTERRUPT, thread, 0, 0) != 0 ||
        waitpid(thread, &status, __WALL) != thread) {
        fprintf(stderr, "count-calls: thread %d: %s\n", thread, strerror(errno));
        return 1;
    }
    for (int index = 3; index < count; index++) {
        if (set_register(thread, index - 3, strtoul(arguments[index], NULL, 16)) != 0) {
            perror("count-calls: breakpoint");
            return 1;
        }
        control |= 1ul << (2 * (index - 3));
    }
    if (set_register(thread, 7, control) != 0) {
        perror("count-calls: breakpoints");
        return 1;
    }
    ptrace(PTRACE_CONT, thread, 0, 0);
    while (seconds() < end) {
        struct timespec pause = {.tv_nsec = 200000};
        int got = waitpid(thread, &status, __WALL | WNOHANG);
        if (got == 0) {
            nanosleep(&pause, NULL);
        } else if (got != thread || !WIFSTOPPED(status)) {
            fprintf(stderr, "count-calls: the thread has ended\n");
            return 1;
        } else if (WSTOPSIG(status) == SIGTRAP && status >> 16 == 0) {
            calls++;
            struct user_regs_struct registers;
            // The resume flag: the instruction under the breakpoint runs now.
            ptrace(PTRACE_GETREGS, thread, 0, &registers);
            registers.eflags |= 1ul << 16;
            ptrace(PTRACE_SETREGS, thread, 0, &registers);
            ptrace(PTRACE_CONT, thread, 0, 0);
        } else {
            ptrace(PTRACE_CONT, thread, 0, status >> 16 == 0 ? WSTOPSIG(status) : 0);
        }
    }
    ptrace(PTRACE_INTERRUPT, thread, 0, 0);
    waitpid(thread, &status, __WALL);
    set_register(thread, 7, 0);
    ptrace(PTRACE_DETACH, thread, 0, 0);
    printf("%lu\n", calls);
    return 0;
}
