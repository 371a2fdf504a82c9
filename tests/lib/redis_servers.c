/* redis_servers.c - contract in redis_servers.h. */
#include "redis_servers.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include "test.h"

#define KINDS_MAX 3
#define PORTS_MAX 3
#define URL_BYTES 256

extern char **environ;

static struct {
    char kind[16];
    char folder[64];
    char url[URL_BYTES];
    int ports[PORTS_MAX];
    pid_t pid;
    int input; /* its end is the servers' */
} sets[KINDS_MAX];

static void at_exit(void)
{
    for (size_t i = 0; i < KINDS_MAX; i++) {
        char *argv[] = {"rm", "-rf", sets[i].folder, NULL};
        pid_t pid = 0;
        if (sets[i].pid > 0) {
            close(sets[i].input);
            kill(sets[i].pid, SIGTERM);
            waitpid(sets[i].pid, NULL, 0);
        }
        if (sets[i].folder[0] != '\0' && posix_spawnp(&pid, "rm", NULL, NULL, argv, environ) == 0)
            waitpid(pid, NULL, 0);
    }
}

/* One line; empty when it ends before. */
static void read_line(int fd, char *to, size_t capacity)
{
    size_t bytes = 0;
    char c;
    while (bytes + 1 < capacity && read(fd, &c, 1) == 1 && c != '\n')
        to[bytes++] = c;
    to[bytes] = '\0';
}

/* "URL PORT .." */
static void read_place(size_t n, int fd)
{
    char *rest = NULL;
    read_line(fd, sets[n].url, sizeof sets[n].url);
    (void)strtok_r(sets[n].url, " ", &rest);
    for (size_t i = 0; i < PORTS_MAX; i++) {
        const char *word = strtok_r(NULL, " ", &rest);
        sets[n].ports[i] = word == NULL ? 0 : (int)strtol(word, NULL, 10);
    }
}

static void start(size_t n, const char *kind)
{
    int input[2], output[2];
    posix_spawn_file_actions_t actions;
    char *argv[] = {(char *)RUN_REDIS_SET, (char *)kind, sets[n].folder, NULL};
    (void)snprintf(sets[n].kind, sizeof sets[n].kind, "%s", kind);
    (void)snprintf(sets[n].folder, sizeof sets[n].folder, "/tmp/overround-redis-XXXXXX");
    assert_non_null(mkdtemp(sets[n].folder));
    assert_int_equal(pipe2(input, O_CLOEXEC), 0);
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input[0], 0);
    posix_spawn_file_actions_adddup2(&actions, output[1], 1);
    assert_int_equal(posix_spawn(&sets[n].pid, argv[0], &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(input[0]);
    close(output[1]);
    sets[n].input = input[1];
    read_place(n, output[0]);
    close(output[0]);
}

static size_t find(const char *kind)
{
    size_t n = 0;
    while (sets[n].kind[0] != '\0' && strcmp(sets[n].kind, kind) != 0)
        assert_true(++n < KINDS_MAX);
    return n;
}

const char *redis_servers(const char *kind)
{
    size_t n = find(kind);
    if (sets[n].kind[0] == '\0') {
        if (n == 0)
            atexit(at_exit);
        start(n, kind);
    }
    if (sets[n].url[0] != '\0')
        return sets[n].url;
    int status = 0;
    if (sets[n].pid > 0) {
        assert_int_equal(waitpid(sets[n].pid, &status, 0), sets[n].pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 77); /* else it did not start */
        sets[n].pid = 0;
    }
    return NULL;
}

int redis_servers_port(const char *kind, size_t n)
{
    return n < PORTS_MAX ? sets[find(kind)].ports[n] : 0;
}

void redis_servers_empty(const char *kind)
{
    for (size_t i = 0; redis_servers_port(kind, i) != 0; i++) {
        redisContext *context = redisConnect("127.0.0.1", redis_servers_port(kind, i));
        assert_non_null(context);
        assert_int_equal(context->err, 0);
        redisReply *reply = redisCommand(context, "FLUSHALL");
        assert_non_null(reply);
        assert_int_equal(reply->type, REDIS_REPLY_STATUS);
        freeReplyObject(reply);
        redisFree(context);
    }
}
