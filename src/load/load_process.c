/* load_process.c - contract in load_process.h. */
#include "load/load_process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

struct monotonic load_process_now(void)
{
    return (struct monotonic){clock_us(CLOCK_MONOTONIC)};
}

struct instant load_process_wall(void)
{
    return (struct instant){clock_us(CLOCK_REALTIME)};
}

int64_t load_process_thread_us(void)
{
    return clock_us(CLOCK_THREAD_CPUTIME_ID);
}

/* /proc/PID/stat: the name in parentheses may hold anything, so fields are counted behind the last
 * one: state is the first of them, utime and stime are the 12th and 13th. */
int64_t load_process_cpu_us(pid_t pid)
{
    char path[32], text[1024];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -ERR_NOT_FOUND;
    size_t bytes = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[bytes] = '\0';
    const char *at = strrchr(text, ')');
    unsigned long long user = 0, system_time = 0;
    if (at == NULL || sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
                             &user, &system_time) != 2)
        return -ERR_NOT_FOUND;
    return (int64_t)((user + system_time) * (unsigned long long)US_PER_SECOND /
                     (unsigned long long)sysconf(_SC_CLK_TCK));
}

void load_process_precise_timers(void)
{
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* refused: requests are a little later */
}

uint64_t load_process_files_max(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (uint64_t)limit.rlim_cur : UINT64_MAX;
}

static void write_cpu_model(struct json_writer *writer)
{
    char line[256];
    struct slice model = SLICE("unknown");
    FILE *file = fopen("/proc/cpuinfo", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || colon == NULL)
            continue;
        model = slice_of(colon + 2, strcspn(colon + 2, "\n"));
        break;
    }
    if (file != NULL)
        (void)fclose(file);
    json_write_text(writer, model);
}

void load_process_write_machine(struct json_writer *writer)
{
    struct utsname name;
    json_write_object_open(writer);
    json_write_key(writer, "nproc");
    json_write_i64(writer, sysconf(_SC_NPROCESSORS_ONLN));
    json_write_key(writer, "cpu");
    write_cpu_model(writer);
    json_write_key(writer, "kernel");
    json_write_text(writer, uname(&name) == 0 ? slice_text(name.release) : SLICE("unknown"));
    json_write_object_close(writer);
}
