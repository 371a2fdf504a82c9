/* dynamo_server.c - contract in dynamo_server.h. */
#include "dynamo_server.h"

#include <arpa/inet.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#define WAIT_TRIES 1200
#define TRY_US     50000
#define ABSENT     77

extern char **environ;

static struct {
    pid_t pid;
    bool absent;
    char folder[64];
    char port[16];
    unsigned tables;
} server;

static void end_server(void)
{
    int status = 0;
    if (server.pid <= 0)
        return;
    kill(server.pid, SIGKILL);
    waitpid(server.pid, &status, 0);
    server.pid = 0;
}

static void at_exit(void)
{
    char *argv[] = {"rm", "-rf", server.folder, NULL};
    pid_t pid = 0;
    end_server();
    if (server.folder[0] != '\0' && posix_spawnp(&pid, "rm", NULL, NULL, argv, environ) == 0)
        waitpid(pid, NULL, 0);
}

static int port_number(void)
{
    return (int)strtol(server.port, NULL, 10);
}

static bool answers(void)
{
    char path[96];
    (void)snprintf(path, sizeof path, "%s/port", server.folder);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    bool read = fgets(server.port, sizeof server.port, file) != NULL;
    (void)fclose(file);
    return read;
}

static void start(void)
{
    char *argv[] = {(char *)RUN_DYNAMODB, server.folder,
                    server.port[0] == '\0' ? NULL : server.port, NULL};
    char path[96];
    int status = 0;
    (void)snprintf(path, sizeof path, "%s/port", server.folder);
    (void)unlink(path);
    assert_int_equal(posix_spawn(&server.pid, RUN_DYNAMODB, NULL, NULL, argv, environ), 0);
    for (int i = 0; i < WAIT_TRIES && !answers(); i++) {
        if (waitpid(server.pid, &status, WNOHANG) == server.pid) {
            server.pid = 0;
            server.absent = WIFEXITED(status) && WEXITSTATUS(status) == ABSENT;
            assert_true(server.absent); /* else it did not start */
            return;
        }
        usleep(TRY_US);
    }
    assert_true(answers());
}

int dynamo_server(void)
{
    if (server.folder[0] == '\0') {
        (void)snprintf(server.folder, sizeof server.folder, "/tmp/overround-dynamodb-XXXXXX");
        assert_non_null(mkdtemp(server.folder));
        (void)setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
        (void)setenv("AWS_SECRET_ACCESS_KEY", "of-a-test", 1);
        atexit(at_exit);
        start();
    }
    if (server.absent)
        skip_reason("no server of DynamoDB's API: no npm, or its registry is out of reach");
    return server.absent ? 0 : port_number();
}

void dynamo_server_restart(void)
{
    end_server();
    start();
}

const char *dynamo_server_table(void)
{
    static char name[32];
    (void)snprintf(name, sizeof name, "ledger-%u", ++server.tables);
    return name;
}

static int connect_now(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port_number()),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

const char *dynamo_server_ask(const char *target, const char *json)
{
    static char answer[1 << 20];
    size_t bytes = 0;
    int fd = connect_now();
    dprintf(fd,
            "POST / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n"
            "Content-Type: application/x-amz-json-1.0\r\nX-Amz-Target: DynamoDB_20120810.%s\r\n"
            "X-Amz-Date: 20300101T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 Credential=a/20300101/"
            "us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0\r\n"
            "Content-Length: %zu\r\n\r\n%s",
            target, strlen(json), json);
    for (ssize_t more = 1; more > 0 && bytes < sizeof answer - 1; bytes += (size_t)more) {
        more = read(fd, answer + bytes, sizeof answer - 1 - bytes);
        assert_true(more >= 0);
    }
    close(fd);
    answer[bytes] = '\0';
    const char *body = strstr(answer, "\r\n\r\n");
    if (strncmp(answer, "HTTP/1.1 200", 12) != 0 || body == NULL)
        fail_msg("%s: %s", target, answer);
    return body + 4;
}

void dynamo_server_make_table(const char *name, const char *ask)
{
    char describe[96];
    (void)snprintf(describe, sizeof describe, "{\"TableName\":\"%s\"}", name);
    (void)dynamo_server_ask("CreateTable", ask);
    for (int i = 0; i < WAIT_TRIES; i++) {
        if (strstr(dynamo_server_ask("DescribeTable", describe), "\"ACTIVE\"") != NULL)
            return;
        usleep(TRY_US);
    }
    fail_msg("%s does not become active", name);
}
