/* kafka_server.c - contract in kafka_server.h. */
#include "kafka_server.h"

#include <arpa/inet.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault_proxy.h"
#include "test.h"

#define WAIT_TRIES 2400
#define TRY_US     50000
#define ABSENT     77
#define PORTS      4

extern char **environ;

static struct {
    pid_t pid;
    bool asked, absent;
    char folder[64];
    int ports[PORTS]; /* for clients; behind the wire; between brokers; between controllers */
    int wire_port;
    struct fault_proxy *wire;
    char url[64], wire_url[64];
} server;

static int run(char *const argv[])
{
    pid_t pid = 0;
    int status = 0;
    assert_int_equal(posix_spawn(&pid, argv[0], NULL, NULL, argv, environ), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void at_exit(void)
{
    char *argv[] = {"/bin/rm", "-rf", server.folder, NULL};
    pid_t pid = 0;
    if (server.wire != NULL)
        fault_proxy_free(server.wire);
    if (server.pid > 0) {
        kill(server.pid, SIGKILL);
        waitpid(server.pid, NULL, 0);
    }
    if (posix_spawn(&pid, argv[0], NULL, NULL, argv, environ) == 0)
        waitpid(pid, NULL, 0);
}

static struct sockaddr_in at_port(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* None that a connection of somebody else may be given before the broker has begun. */
static void find_ports(void)
{
    char line[16], command[512];
    (void)snprintf(command, sizeof command, "python3 %s %d", LOCAL_PORTS, PORTS);
    FILE *told = popen(command, "r");
    assert_non_null(told);
    for (int i = 0; i < PORTS; i++) {
        assert_non_null(fgets(line, sizeof line, told));
        server.ports[i] = (int)strtol(line, NULL, 10);
    }
    assert_int_equal(pclose(told), 0);
}

static bool answers(void)
{
    struct sockaddr_in address = at_port(server.ports[0]);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return connected;
}

static void start(void)
{
    char nodes[64], listeners[256], shown[256];
    char map[] = "listener.security.protocol.map=CLIENT:PLAINTEXT,WIRE:PLAINTEXT,INNER:PLAINTEXT,"
                 "CONTROLLER:PLAINTEXT";
    const int *ports = server.ports;
    (void)snprintf(nodes, sizeof nodes, "%d:%d:%d", ports[0], ports[2], ports[3]);
    (void)snprintf(listeners, sizeof listeners,
                   "listeners=CLIENT://127.0.0.1:%d,WIRE://127.0.0.1:%d,INNER://127.0.0.1:%d,"
                   "CONTROLLER://127.0.0.1:%d",
                   ports[0], ports[1], ports[2], ports[3]);
    (void)snprintf(shown, sizeof shown,
                   "advertised.listeners=CLIENT://127.0.0.1:%d,WIRE://127.0.0.1:%d,"
                   "INNER://127.0.0.1:%d",
                   ports[0], server.wire_port, ports[2]);
    char *argv[] = {(char *)RUN_KAFKA, server.folder, "1", nodes, listeners, shown, map, NULL};
    assert_int_equal(posix_spawn(&server.pid, RUN_KAFKA, NULL, NULL, argv, environ), 0);
    for (int i = 0; i < WAIT_TRIES && !answers(); i++) {
        int status = 0;
        if (waitpid(server.pid, &status, WNOHANG) == server.pid)
            fail_msg("the broker ended: %s/out", server.folder);
        usleep(TRY_US);
    }
    assert_true(answers());
}

static bool is_absent(void)
{
    char *fetch[] = {(char *)RUN_KAFKA, "--fetch", NULL};
    if (!server.asked)
        server.absent = run(fetch) == ABSENT;
    if (server.absent)
        skip_reason("no Java, no Maven, or Kafka's jars are out of reach");
    return server.absent;
}

static bool is_there(void)
{
    bool begun = server.asked, absent = is_absent();
    server.asked = true;
    if (absent || begun)
        return !absent;
    (void)snprintf(server.folder, sizeof server.folder, "/tmp/overround-kafka-XXXXXX");
    assert_non_null(mkdtemp(server.folder));
    find_ports();
    server.wire = fault_proxy_new_tcp(server.ports[1], &server.wire_port);
    (void)snprintf(server.url, sizeof server.url, "kafka://127.0.0.1:%d", server.ports[0]);
    (void)snprintf(server.wire_url, sizeof server.wire_url, "kafka://127.0.0.1:%d",
                   server.wire_port);
    atexit(at_exit);
    start();
    return true;
}

const char *kafka_server(void)
{
    return is_there() ? server.url : NULL;
}

const char *kafka_server_behind_wire(void)
{
    return is_there() ? server.wire_url : NULL;
}

struct fault_proxy *kafka_server_wire(void)
{
    return server.wire;
}
