/* set_fifo PRIORITY THREAD: gives a thread of the board another priority under SCHED_FIFO. */
#include <sched.h>
#include <stdlib.h>

int main(int count, char **words) {
    if (count != 3) return 2;
    const struct sched_param priority = {.sched_priority = atoi(words[1])};
    return sched_setscheduler(atoi(words[2]), SCHED_FIFO, &priority) != 0;
}
