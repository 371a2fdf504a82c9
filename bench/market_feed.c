/* market_feed.c - a provider: Betfair stream messages to a server's feed intake, over one
 * connection.
 *
 *   bench-market-feed ADMIN TOKEN MARKETS RATE
 *
 * MARKETS three-way football markets (1.7000 on; four to an event), of which one price moves RATE
 * times a second in turn, with a heartbeat each second. Prints "ready" when all images are sent.
 * RATE 0: one price moves for each byte on standard input. Open loop: what is due goes out
 * together, whatever the server does. At SIGTERM it prints how late it was as one JSON object. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FIRST_MARKET   7000
#define EVENT_MARKETS  4
#define BATCH_MAX      512 /* messages of one chunk */
#define LINE_BYTES_MAX 2048
#define CHUNK_BYTES    (BATCH_MAX * LINE_BYTES_MAX)
#define HEART_US       1000000
#define STEP_US        500 /* what is due within it goes out together */
#define SATURATED_US   20000

struct intake {
    int fd;
    unsigned long long clock; /* of the stream: "C1", "C2", ... */
    char chunk[CHUNK_BYTES];
    size_t bytes;
};

static volatile sig_atomic_t ending;

__attribute__((format(printf, 2, 3))) static void put_line(struct intake *intake, const char *rest,
                                                           ...);

static long long clock_us(clockid_t clock)
{
    struct timespec at;
    clock_gettime(clock, &at);
    return at.tv_sec * 1000000LL + at.tv_nsec / 1000;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void send_all(int fd, const char *at, size_t bytes)
{
    while (bytes > 0) {
        ssize_t sent = send(fd, at, bytes, MSG_NOSIGNAL);
        if (sent < 0)
            die("send");
        at += sent;
        bytes -= (size_t)sent;
    }
}

static void send_chunk(struct intake *intake)
{
    char head[32];
    if (intake->bytes == 0)
        return;
    int bytes = snprintf(head, sizeof head, "%zx\r\n", intake->bytes);
    send_all(intake->fd, head, (size_t)bytes);
    memcpy(intake->chunk + intake->bytes, "\r\n", 2);
    send_all(intake->fd, intake->chunk, intake->bytes + 2);
    intake->bytes = 0;
}

static void begin(struct intake *intake, char *admin, const char *token)
{
    char text[4096], *port = strrchr(admin, ':');
    struct sockaddr_in address = {.sin_family = AF_INET};
    int on = 1;
    if (port == NULL)
        die("ADMIN is HOST:PORT");
    *port++ = '\0';
    address.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    intake->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (inet_pton(AF_INET, admin, &address.sin_addr) != 1 || intake->fd < 0 ||
        connect(intake->fd, (struct sockaddr *)&address, sizeof address) != 0)
        die("connect");
    setsockopt(intake->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int bytes = snprintf(text, sizeof text,
                         "POST /v1/feed/betfair HTTP/1.1\r\nHost: %s:%s\r\n"
                         "Authorization: Bearer %s\r\nTransfer-Encoding: chunked\r\n"
                         "Content-Type: application/x-ndjson\r\n\r\n",
                         admin, port, token);
    send_all(intake->fd, text, (size_t)bytes);
}

/* One message of the stream; `rest` is what follows its head. */
static void put_line(struct intake *intake, const char *rest, ...)
{
    va_list values;
    va_start(values, rest);
    char *to = intake->chunk + intake->bytes;
    size_t room = sizeof intake->chunk - 2 - intake->bytes;
    int head = snprintf(to, room, "{\"op\":\"mcm\",\"clk\":\"C%llu\",\"pt\":%lld,", ++intake->clock,
                        clock_us(CLOCK_REALTIME) / 1000);
    int tail = vsnprintf(to + head, room - (size_t)head, rest, values);
    va_end(values);
    memcpy(to + head + tail, "}\r\n", 3);
    intake->bytes += (size_t)(head + tail) + 3;
}

static const char image_head[] =
    "\"mc\":[{\"id\":\"1.%u\",\"img\":true,\"marketDefinition\":{\"status\":\"OPEN\","
    "\"inPlay\":false,\"betDelay\":0,\"version\":1000,\"bettingType\":\"ODDS\","
    "\"marketType\":\"MATCH_ODDS\",\"eventId\":\"%u\",\"eventTypeId\":\"1\","
    "\"numberOfWinners\":1,\"complete\":true,\"numberOfActiveRunners\":3,\"bspMarket\":false,"
    "\"turnInPlayEnabled\":true,\"runnersVoidable\":false,\"crossMatching\":true,"
    "\"persistenceEnabled\":true,\"discountAllowed\":true,\"marketBaseRate\":5,"
    "\"regulators\":[\"MR_INT\"],\"timezone\":\"GMT\",\"countryCode\":\"GB\","
    "\"marketTime\":\"2030-01-01T15:00:00.000Z\",\"openDate\":\"2030-01-01T15:00:00.000Z\","
    "\"name\":\"Match Odds\",\"eventName\":\"Home v Away\",\"runners\":["
    "{\"id\":11,\"sortPriority\":1,\"status\":\"ACTIVE\",\"name\":\"Home\"},"
    "{\"id\":12,\"sortPriority\":2,\"status\":\"ACTIVE\",\"name\":\"Draw\"},"
    "{\"id\":13,\"sortPriority\":3,\"status\":\"ACTIVE\",\"name\":\"Away\"}]},\"rc\":["
    "{\"id\":11,\"atb\":[[2.0,500]],\"atl\":[[2.02,500]],\"ltp\":2.0},"
    "{\"id\":12,\"atb\":[[3.5,500]],\"atl\":[[3.55,500]],\"ltp\":3.5},"
    "{\"id\":13,\"atb\":[[4.2,500]],\"atl\":[[4.3,500]],\"ltp\":4.2}]}]";

/* The price of the home side in the n-th round over all markets: an old one goes, a new one is
 * offered. */
static void put_move(struct intake *intake, unsigned market, unsigned long long round)
{
    static const struct {
        const char *back, *lay;
    } prices[] = {{"2.0", "2.02"}, {"2.2", "2.22"}, {"2.4", "2.42"}, {"2.6", "2.62"}};
    size_t old = round % 4, new = (round + 1) % 4;
    put_line(intake,
             "\"mc\":[{\"id\":\"1.%u\",\"rc\":[{\"id\":11,\"atb\":[[%s,0],[%s,500]],"
             "\"atl\":[[%s,0],[%s,500]],\"ltp\":%s}]}]",
             FIRST_MARKET + market, prices[old].back, prices[new].back, prices[old].lay,
             prices[new].lay, prices[new].back);
}

struct moves {
    unsigned markets;
    unsigned long long sent; /* moves so far */
};

static void send_moves(struct intake *intake, struct moves *moves, unsigned long long count)
{
    for (unsigned long long i = 0; i < count; i++, moves->sent++)
        put_move(intake, (unsigned)(moves->sent % moves->markets), moves->sent / moves->markets);
    send_chunk(intake);
}

static void keep_alive(struct intake *intake, long long *heart_us)
{
    long long now_us = clock_us(CLOCK_MONOTONIC);
    if (now_us - *heart_us < HEART_US)
        return;
    *heart_us = now_us;
    put_line(intake, "\"ct\":\"HEARTBEAT\"");
    send_chunk(intake);
}

static void pause_us(long long us)
{
    struct timespec wait = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&wait, NULL);
}

/* Lateness is what the server's not reading, or this program, adds: nothing is left out for it. */
static void run_open(struct intake *intake, struct moves *moves, double rate)
{
    long long begin_us = clock_us(CLOCK_MONOTONIC), heart_us = 0, late_us_max = 0;
    while (!ending) {
        long long now_us = clock_us(CLOCK_MONOTONIC);
        unsigned long long due = (unsigned long long)((double)(now_us - begin_us) * rate / 1e6);
        unsigned long long wanted = due > moves->sent ? due - moves->sent : 0;
        long long late_us = (long long)((double)wanted / rate * 1e6);
        late_us_max = late_us > late_us_max ? late_us : late_us_max;
        send_moves(intake, moves, wanted < BATCH_MAX ? wanted : BATCH_MAX);
        keep_alive(intake, &heart_us);
        if (wanted < BATCH_MAX)
            pause_us(STEP_US);
    }
    long long us = clock_us(CLOCK_MONOTONIC) - begin_us;
    printf("{\"sent\":%llu,\"rate\":%.0f,\"achieved_per_s\":%.0f,\"late_us_max\":%lld,"
           "\"cpu_share\":%.3f,\"saturated\":%s}\n",
           moves->sent, rate, (double)moves->sent * 1e6 / (double)us, late_us_max,
           (double)clock_us(CLOCK_PROCESS_CPUTIME_ID) / (double)us,
           late_us_max > SATURATED_US ? "true" : "false");
}

static void run_asked(struct intake *intake, struct moves *moves)
{
    struct pollfd asked = {.fd = STDIN_FILENO, .events = POLLIN};
    char lines[256];
    long long heart_us = 0;
    ssize_t got = 1;
    while (!ending && got > 0) {
        if (poll(&asked, 1, 500) > 0 && (got = read(STDIN_FILENO, lines, sizeof lines)) > 0)
            send_moves(intake, moves, (unsigned long long)got);
        keep_alive(intake, &heart_us);
    }
    printf("{\"sent\":%llu}\n", moves->sent);
}

static void on_signal(int signal)
{
    ending = signal;
}

int main(int argc, char **argv)
{
    static struct intake intake;
    struct moves moves = {.markets = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 0};
    double rate = argc > 4 ? (double)strtoull(argv[4], NULL, 10) : -1;
    if (moves.markets == 0 || rate < 0) {
        fprintf(stderr, "usage: bench-market-feed ADMIN TOKEN MARKETS RATE\n");
        return 2;
    }
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, NULL);
    begin(&intake, argv[1], argv[2]);
    for (unsigned market = 0; market < moves.markets; market++) {
        put_line(&intake, image_head, FIRST_MARKET + market, 9000 + market / EVENT_MARKETS);
        if (market % BATCH_MAX == BATCH_MAX - 1)
            send_chunk(&intake);
    }
    send_chunk(&intake);
    printf("ready\n");
    fflush(stdout);
    if (rate > 0)
        run_open(&intake, &moves, rate);
    else
        run_asked(&intake, &moves);
    return 0;
}
