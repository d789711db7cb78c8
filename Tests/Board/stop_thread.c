// Stops one thread of a process and no other, as a bug in it would: stop_thread PID NAME. Ends when the process ends.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **arguments) {
    char path[300], name[64];
    struct dirent *entry;
    if (count != 3) return 2;
    snprintf(path, sizeof path, "/proc/%s/task", arguments[1]);
    DIR *threads = opendir(path);
    while (threads != NULL && (entry = readdir(threads)) != NULL) {
        snprintf(path, sizeof path, "/proc/%s/task/%s/comm", arguments[1], entry->d_name);
        int fd = open(path, O_RDONLY), thread = atoi(entry->d_name), status;
        ssize_t length = fd < 0 ? 0 : read(fd, name, sizeof name - 1);
        close(fd);
        if (length < 1 || thread <= 0) continue;
        name[length - 1] = 0;
        if (strcmp(name, arguments[2]) != 0) continue;
        if (ptrace(PTRACE_SEIZE, thread, NULL, NULL) != 0 || ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) != 0) break;
        waitpid(thread, &status, __WALL);
        puts("stopped");
        fflush(stdout);
        while (waitpid(thread, &status, __WALL) == thread && !WIFEXITED(status) && !WIFSIGNALED(status)) continue;
        return 0;
    }
    perror("stop_thread");
    return 1;
}
