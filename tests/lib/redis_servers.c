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
#define KEYS_MAX  256 /* of markets */

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
    skip_reason("Redis is not installed");
    return NULL;
}

int redis_servers_port(const char *kind, size_t n)
{
    return n < PORTS_MAX ? sets[find(kind)].ports[n] : 0;
}

static redisContext *connect_to(const char *kind, size_t n)
{
    redisContext *context = redisConnect("127.0.0.1", redis_servers_port(kind, n));
    assert_non_null(context);
    assert_int_equal(context->err, 0);
    return context;
}

static redisReply *expect_reply(redisReply *reply, int type)
{
    assert_non_null(reply);
    assert_int_equal(reply->type, type);
    return reply;
}

void redis_servers_empty(const char *kind)
{
    for (size_t i = 0; redis_servers_port(kind, i) != 0; i++) {
        redisContext *context = connect_to(kind, i);
        freeReplyObject(expect_reply(redisCommand(context, "FLUSHALL"), REDIS_REPLY_STATUS));
        redisFree(context);
    }
}

uint64_t redis_servers_version(const char *kind, const char *market, bool *ret_removed)
{
    uint64_t version = 0;
    for (size_t i = 0; redis_servers_port(kind, i) != 0 && version == 0; i++) {
        redisContext *context = connect_to(kind, i);
        redisReply *reply = redisCommand(context, "GET odds:%s", market);
        assert_non_null(reply);
        const char *at =
            reply->type == REDIS_REPLY_STRING ? strstr(reply->str, "\"odds_version\":") : NULL;
        if (at != NULL)
            version = strtoull(strchr(at, ':') + 1, NULL, 10);
        if (at != NULL && ret_removed != NULL)
            *ret_removed = strstr(reply->str, "\"removed\":true") != NULL;
        freeReplyObject(reply);
        redisFree(context);
    }
    return version;
}

static struct remembered {
    size_t server;
    char key[64];
    char value[2048];
    size_t bytes;
} remembered[KEYS_MAX];
static size_t remembered_count;

void redis_servers_remember(const char *kind)
{
    remembered_count = 0;
    for (size_t i = 0; redis_servers_port(kind, i) != 0; i++) {
        redisContext *context = connect_to(kind, i);
        redisReply *keys = expect_reply(redisCommand(context, "KEYS odds:*"), REDIS_REPLY_ARRAY);
        for (size_t k = 0; k < keys->elements; k++) {
            struct remembered *r = &remembered[remembered_count++];
            assert_true(remembered_count < KEYS_MAX);
            r->server = i;
            (void)snprintf(r->key, sizeof r->key, "%s", keys->element[k]->str);
            redisReply *value =
                expect_reply(redisCommand(context, "GET %s", r->key), REDIS_REPLY_STRING);
            r->bytes = (size_t)value->len;
            assert_true(r->bytes <= sizeof r->value);
            memcpy(r->value, value->str, r->bytes);
            freeReplyObject(value);
        }
        freeReplyObject(keys);
        redisFree(context);
    }
}

void redis_servers_fall_back(const char *kind, bool all)
{
    redis_servers_empty(kind);
    for (size_t i = 0; i < remembered_count; i++) {
        const struct remembered *r = &remembered[i];
        redisContext *context = connect_to(kind, r->server);
        freeReplyObject(
            expect_reply(redisCommand(context, "SET %s %b PX 50000", r->key, r->value, r->bytes),
                         REDIS_REPLY_STATUS));
        redisFree(context);
    }
    for (size_t i = 0; redis_servers_port(kind, i) != 0; i++) {
        redisContext *context = connect_to(kind, i);
        freeReplyObject(
            expect_reply(redisCommand(context, "CLIENT KILL TYPE pubsub"), REDIS_REPLY_INTEGER));
        if (all)
            freeReplyObject(expect_reply(redisCommand(context, "CLIENT KILL TYPE normal"),
                                         REDIS_REPLY_INTEGER));
        redisFree(context);
    }
}

static struct {
    size_t from, to;
    char from_id[64], to_id[64];
} move;

static bool has_slot(const char *kind, size_t n, const char *market)
{
    redisContext *context = connect_to(kind, n);
    redisReply *reply = redisCommand(context, "GET odds:%s", market);
    assert_non_null(reply);
    bool has = reply->type != REDIS_REPLY_ERROR;
    freeReplyObject(reply);
    redisFree(context);
    return has;
}

static void set_slot(const char *kind, size_t n, const char *market, const char *how,
                     const char *id)
{
    redisContext *context = connect_to(kind, n);
    redisReply *slot =
        expect_reply(redisCommand(context, "CLUSTER KEYSLOT odds:%s", market), REDIS_REPLY_INTEGER);
    freeReplyObject(
        expect_reply(redisCommand(context, "CLUSTER SETSLOT %lld %s %s", slot->integer, how, id),
                     REDIS_REPLY_STATUS));
    freeReplyObject(slot);
    redisFree(context);
}

static void read_id(const char *kind, size_t n, char to[static 64])
{
    redisContext *context = connect_to(kind, n);
    redisReply *id = expect_reply(redisCommand(context, "CLUSTER MYID"), REDIS_REPLY_STRING);
    (void)snprintf(to, 64, "%s", id->str);
    freeReplyObject(id);
    redisFree(context);
}

void redis_servers_begin_move(const char *kind, const char *market)
{
    move.from = 0;
    while (!has_slot(kind, move.from, market))
        move.from++;
    move.to = move.from == 0 ? 1 : 0;
    read_id(kind, move.from, move.from_id);
    read_id(kind, move.to, move.to_id);
    set_slot(kind, move.to, market, "IMPORTING", move.from_id);
    set_slot(kind, move.from, market, "MIGRATING", move.to_id);
    redisContext *context = connect_to(kind, move.from);
    freeReplyObject(
        expect_reply(redisCommand(context, "DEL odds:%s", market), REDIS_REPLY_INTEGER));
    redisFree(context);
}

void redis_servers_end_move(const char *kind, const char *market)
{
    set_slot(kind, move.to, market, "NODE", move.to_id);
    set_slot(kind, move.from, market, "NODE", move.to_id);
}
