/* asker.c - the same question over and over, as fast as the answers come: what a server can take.
 *
 *   bench-asker ADDRESS:PORT PIDS CONNECTIONS DEPTH SECONDS <QUESTION
 *
 * Each connection keeps DEPTH copies of the question (all of standard input) under way. The first
 * answer is looked at: what comes until the server is silent is its size, and all others must have
 * the same size, so that counting bytes counts answers and the generator stays far cheaper than any
 * server. A closed loop by intent: it finds the capacity, and what an answer costs the server then;
 * latency at a given load is the open loop's matter (`overround load`). PIDS: the processes of the
 * server, with commas. Speaks whatever the question is: HTTP, RESP.
 * Prints one JSON object; exit 1 when the connections end or the sizes do not fit. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/histogram.h"
#include "load/load_process.h"
#include "net/stream/net_address.h"

#define CONNECTIONS_MAX    1024
#define DEPTH_MAX          64
#define QUESTION_BYTES_MAX 8192
#define ANSWER_BYTES_MAX   (256 * 1024)
#define SERVERS_MAX        16
#define SILENCE_MS         200
#define WARMUP_US          500000

struct asking {
    int fd;
    size_t bytes;     /* of the answer in progress */
    int64_t asked_us; /* the latest questions */
};

static struct asking asking[CONNECTIONS_MAX];
static char question[DEPTH_MAX * QUESTION_BYTES_MAX];
static size_t question_bytes, answer_bytes;
static struct net_address address;
static int epoll_fd, connections, depth;
static pid_t servers[SERVERS_MAX];
static int servers_count;
static uint64_t answers;
static struct histogram round_us; /* one for each burst of answers that came together */

static void die(const char *what)
{
    fprintf(stderr, "bench-asker: %s: %s\n", what, errno != 0 ? strerror(errno) : "unexpected");
    exit(1);
}

static int64_t now_us(void)
{
    return load_process_now().us;
}

static void read_question(void)
{
    size_t got = fread(question, 1, QUESTION_BYTES_MAX, stdin);
    if (got == 0 || got == QUESTION_BYTES_MAX)
        die("the question on standard input");
    for (int i = 1; i < DEPTH_MAX; i++)
        memcpy(question + (size_t)i * got, question, got);
    question_bytes = got;
}

static void ask(struct asking *one, size_t count)
{
    size_t bytes = count * question_bytes;
    if (send(one->fd, question, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
        die("send");
    one->asked_us = now_us();
}

static void open_one(struct asking *one)
{
    struct sockaddr_storage sockaddr;
    socklen_t size = net_address_to_sockaddr(&address, &sockaddr);
    one->fd = socket(sockaddr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (one->fd < 0 || connect(one->fd, (struct sockaddr *)&sockaddr, size) != 0)
        die("connect");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = one};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, one->fd, &event) != 0)
        die("epoll_ctl");
}

/* The answer to one question, which goes to standard error for whoever called. */
static void learn_answer(struct asking *one)
{
    static char text[ANSWER_BYTES_MAX];
    struct pollfd wait = {.fd = one->fd, .events = POLLIN};
    ask(one, 1);
    while (poll(&wait, 1, answer_bytes == 0 ? 5000 : SILENCE_MS) > 0) {
        ssize_t got = recv(one->fd, text + answer_bytes, sizeof text - answer_bytes, 0);
        if (got <= 0)
            die("the first answer");
        answer_bytes += (size_t)got;
    }
    if (answer_bytes == 0)
        die("no answer");
    fwrite(text, 1, answer_bytes, stderr);
}

static void take_answers(struct asking *one)
{
    static char ignored[256 * 1024];
    ssize_t got = recv(one->fd, ignored, sizeof ignored, MSG_DONTWAIT);
    if (got <= 0)
        die("recv");
    one->bytes += (size_t)got;
    size_t done = one->bytes / answer_bytes;
    one->bytes %= answer_bytes;
    if (done > (size_t)depth)
        die("an answer of another size");
    if (done == 0)
        return;
    answers += done;
    histogram_record(&round_us, (uint64_t)(now_us() - one->asked_us));
    ask(one, done);
}

static void run_until(int64_t until_us)
{
    struct epoll_event events[256];
    while (now_us() < until_us) {
        int count = epoll_wait(epoll_fd, events, 256, 1000);
        if (count == 0)
            die("no answer for a second");
        for (int i = 0; i < count; i++)
            take_answers(events[i].data.ptr);
    }
}

static int64_t servers_us(void)
{
    int64_t sum = 0;
    for (int i = 0; i < servers_count; i++) {
        int64_t us = load_process_cpu_us(servers[i]);
        if (us < 0)
            die("a process of the server");
        sum += us;
    }
    return sum;
}

static void read_servers(char *text)
{
    for (char *at = text; *at != '\0' && servers_count < SERVERS_MAX; at += *at == ',')
        servers[servers_count++] = (pid_t)strtol(at, &at, 10);
}

static void measure(double seconds)
{
    run_until(now_us() + WARMUP_US);
    uint64_t first = answers;
    histogram_reset(&round_us);
    int64_t begin_us = now_us(), cpu_us = servers_us(), own_us = load_process_thread_us();
    run_until(begin_us + (int64_t)(seconds * 1e6));
    double took = (double)(now_us() - begin_us), done = (double)(answers - first);
    cpu_us = servers_us() - cpu_us;
    own_us = load_process_thread_us() - own_us;
    printf("{\"connections\":%d,\"depth\":%d,\"question_bytes\":%zu,\"answer_bytes\":%zu,"
           "\"answers_per_s\":%.0f,\"server_cpu_us_per_answer\":%.3f,\"server_cpu_share\":%.3f,"
           "\"generator_cpu_share\":%.3f,\"round_us\":{\"p50\":%llu,\"p99\":%llu}}\n",
           connections, depth, question_bytes, answer_bytes, done / took * 1e6,
           (double)cpu_us / done, (double)cpu_us / took, (double)own_us / took,
           (unsigned long long)histogram_percentile(&round_us, 5000),
           (unsigned long long)histogram_percentile(&round_us, 9900));
}

int main(int argc, char **argv)
{
    if (argc != 6 || net_address_parse(slice_text(argv[1]), &address) < 0) {
        fprintf(stderr,
                "usage: bench-asker ADDRESS:PORT PIDS CONNECTIONS DEPTH SECONDS <QUESTION\n");
        return 2;
    }
    read_servers(argv[2]);
    connections = (int)strtol(argv[3], NULL, 10);
    depth = (int)strtol(argv[4], NULL, 10);
    if (connections < 1 || connections > CONNECTIONS_MAX || depth < 1 || depth > DEPTH_MAX)
        return 2;
    read_question();
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < connections; i++)
        open_one(&asking[i]);
    learn_answer(&asking[0]);
    for (int i = 0; i < connections; i++)
        ask(&asking[i], (size_t)depth);
    measure((double)strtol(argv[5], NULL, 10));
    return 0;
}
