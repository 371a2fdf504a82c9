/* watchers.c - many WebSocket clients, each on its own markets, who count every version.
 *
 *   bench-watchers URL CLIENTS EACH MARKETS SECONDS WARM_UP FINAL_FILE [SERVER_PID]
 *
 * Each of CLIENTS follows EACH channels `market:1.N` out of MARKETS, N from 7000 on, drawn by
 * chance from a fixed seed (EACH 1, MARKETS 1: all of them the same one). When all have their
 * snapshots and WARM_UP seconds are over they are measured for SECONDS; then, at a line on standard
 * input (the feed has ended, and what was under way has come), the newest version of each market
 * that anybody follows goes to FINAL_FILE ("1.N VERSION" a line) and a report to standard error.
 *
 * SECONDS with a minus: one at a time. Whenever all clients have the newest message, a byte on
 * standard output asks for the next one; its time is what it took until each of them had it.
 *
 * A version may be absent for a client only where a `skipped` said how many changes the image
 * behind it stands for: `lost` counts all others, `older` prices that came after newer ones (P1).
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/histogram.h"
#include "base/prng.h"
#include "base/rfc3339.h"
#include "load/load_pool.h"
#include "load/load_process.h"
#include "load/load_tally.h"
#include "load/load_wire.h"

#define FIRST_MARKET     7000
#define EACH_MAX         64
#define CONNECTS_AT_ONCE 256
#define LOOK_US          1000
#define SATURATED_SHARE  900 /* per mille of a core */

struct watch {
    uint32_t market;
    uint32_t skipped; /* changes that the image to come stands for */
    uint64_t seq;     /* 0: no snapshot yet */
    uint64_t version;
};

static struct {
    uint32_t clients, each, markets;
    bool one_at_a_time;
    struct loop *loop;
    struct load_pool *pool;
    struct watch *watches; /* clients x each */
    uint64_t *newest;      /* of each market, over all clients */
    uint64_t subscribed;   /* watches that have a snapshot */
    bool measuring;
    uint64_t deliveries, images, skips, conflated, lost, older, strange, bytes;
    struct histogram freshness_us; /* the provider's time, cut to the millisecond below, to here */
    struct histogram push_us;      /* the server's turn to here */
    /* one at a time */
    uint32_t have; /* clients that have the message under way */
    int64_t asked_us;
    uint64_t rounds;
    struct histogram client_us, round_us;
} w;

static void die(const char *what)
{
    fprintf(stderr, "bench-watchers: %s\n", what);
    exit(1);
}

/* ---- reading ---- */

/* The number behind a member's name, 0 when it is not there. */
static uint64_t number_of(struct slice text, const char *name)
{
    struct slice quoted = slice_text(name);
    const char *at = memmem(text.at, text.bytes, quoted.at, quoted.bytes);
    uint64_t value = 0;
    if (at == NULL)
        return 0;
    for (at += quoted.bytes; at < text.at + text.bytes && *at >= '0' && *at <= '9'; at++)
        value = value * 10 + (uint64_t)(*at - '0');
    return value;
}

static void record_since(struct histogram *histogram, struct slice text, const char *name)
{
    struct slice quoted = slice_text(name);
    const char *at = memmem(text.at, text.bytes, quoted.at, quoted.bytes);
    struct instant then;
    if (at == NULL)
        return;
    at += quoted.bytes;
    const char *end = memchr(at, '"', (size_t)(text.at + text.bytes - at));
    if (end == NULL || rfc3339_parse(slice_of(at, (size_t)(end - at)), &then) < 0)
        return;
    int64_t us = load_process_wall().us - then.us;
    histogram_record(histogram, us > 0 ? (uint64_t)us : 0);
}

static struct watch *find(uint32_t client, struct slice text)
{
    uint64_t number = number_of(text, "\"channel\":\"market:1.");
    struct watch *watch = &w.watches[(size_t)client * w.each];
    for (uint32_t i = 0; i < w.each; i++)
        if (watch[i].market + FIRST_MARKET == number)
            return &watch[i];
    return NULL;
}

/* `stands_for`: versions that this one follows, or stands for with itself. */
static void take_version(struct watch *watch, uint64_t version, uint64_t stands_for)
{
    if (version <= watch->version) {
        w.older += version < watch->version;
        return;
    }
    uint64_t rose = version - watch->version;
    if (watch->version != 0 && rose > stands_for)
        w.lost += rose - stands_for;
    watch->version = version;
    if (version > w.newest[watch->market])
        w.newest[watch->market] = version;
}

static void ask(void)
{
    w.have = 0;
    w.asked_us = load_process_now().us;
    if (write(STDOUT_FILENO, "\n", 1) != 1)
        die("nobody is asked");
}

static void take_round(void)
{
    int64_t us = load_process_now().us - w.asked_us;
    if (w.measuring)
        histogram_record(&w.client_us, (uint64_t)us);
    if (++w.have < w.clients)
        return;
    if (w.measuring) {
        histogram_record(&w.round_us, (uint64_t)us);
        w.rounds++;
    }
    ask();
}

static void take_delta(struct watch *watch, struct slice text)
{
    uint64_t seq = number_of(text, "\"seq\":");
    if (seq != watch->seq + 1)
        w.strange++;
    watch->seq = seq;
    take_version(watch, number_of(text, "\"odds_version\":"), 1);
    if (w.one_at_a_time) {
        take_round();
    } else if (w.measuring) {
        record_since(&w.freshness_us, text, "\"feed_ts\":\"");
        record_since(&w.push_us, text, "\"updated_at\":\"");
    }
    w.deliveries += w.measuring;
    w.bytes += w.measuring ? text.bytes : 0;
}

static void on_text(void *owner, uint32_t client, struct slice text)
{
    (void)owner;
    struct watch *watch = find(client, text);
    if (watch == NULL) {
        w.strange++;
    } else if (slice_begins(text, SLICE("{\"op\":\"delta\""))) {
        take_delta(watch, text);
    } else if (slice_begins(text, SLICE("{\"op\":\"skipped\""))) {
        watch->seq = number_of(text, "\"seq\":");
        watch->skipped += (uint32_t)number_of(text, "\"changes\":");
        w.skips += w.measuring;
    } else if (slice_begins(text, SLICE("{\"op\":\"image\""))) {
        uint64_t seq = number_of(text, "\"seq\":");
        watch->seq = seq != 0 ? seq : watch->seq;
        take_version(watch, number_of(text, "\"odds_version\":"), watch->skipped + (seq != 0));
        w.conflated += watch->skipped;
        watch->skipped = 0;
        w.images += w.measuring;
    } else if (slice_begins(text, SLICE("{\"op\":\"snapshot\""))) {
        w.subscribed += watch->seq == 0;
        watch->seq = number_of(text, "\"seq\":");
        take_version(watch, number_of(text, "\"odds_version\":"), number_of(text, "\"changes\":"));
    } else {
        w.strange++;
    }
}

/* ---- asking ---- */

static void draw(struct prng *prng, struct watch *watches)
{
    for (uint32_t i = 0; i < w.each; i++) {
        bool again;
        watches[i] = (struct watch){.market = (uint32_t)prng_below(prng, w.markets)};
        do {
            again = false;
            for (uint32_t j = 0; j < i; j++)
                again |= watches[j].market == watches[i].market;
            if (again)
                watches[i].market = (watches[i].market + 1) % w.markets;
        } while (again);
    }
}

static void on_open(void *owner, uint32_t client)
{
    char channels[EACH_MAX * 32], text[EACH_MAX * 40 + 64];
    struct buf names = buf_over(channels, sizeof channels), out = buf_over(text, sizeof text);
    (void)owner;
    for (uint32_t i = 0; i < w.each; i++)
        buf_printf(&names, "%smarket:1.%u", i > 0 ? " " : "",
                   FIRST_MARKET + w.watches[(size_t)client * w.each + i].market);
    load_wire_subscribe(&out, buf_slice(&names), 0);
    (void)load_pool_say(w.pool, client, buf_slice(&out));
}

static const struct load_pool_callbacks callbacks = {.on_text = on_text, .on_open = on_open};

/* Reads every LOOK_US, so that the server's sends have nobody to wake on this machine: that cost
 * would be the network's, elsewhere. One at a time every moment counts. */
static void run_for(int64_t us)
{
    int64_t until_us = load_process_now().us + us, left;
    while ((left = until_us - load_process_now().us) > 0) {
        if (loop_run_once(w.loop, w.one_at_a_time ? left : 0) < 0)
            die("the event loop failed");
        if (!w.one_at_a_time)
            nanosleep(&(struct timespec){.tv_nsec = LOOK_US * 1000}, NULL);
    }
}

static void subscribe_all(void)
{
    uint64_t all = (uint64_t)w.clients * w.each;
    for (int tenths = 0; w.subscribed < all; tenths++) {
        if (tenths > 1200)
            die("not all have their snapshots");
        run_for(100000);
    }
}

/* Until somebody says that nothing more comes. */
static void run_to_the_end(void)
{
    struct pollfd asked = {.fd = STDIN_FILENO, .events = POLLIN};
    while (poll(&asked, 1, 0) == 0)
        run_for(50000);
}

/* ---- reporting ---- */

static void write_final(const char *path)
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        die("the final versions cannot be written");
    for (size_t i = 0; !w.one_at_a_time && i < (size_t)w.clients * w.each; i++) {
        const struct watch *watch = &w.watches[i];
        if (watch->version < w.newest[watch->market])
            w.lost += w.newest[watch->market] - watch->version; /* the last ones did not come */
    }
    for (uint32_t i = 0; i < w.markets; i++)
        if (w.newest[i] != 0)
            (void)fprintf(file, "1.%u %llu\n", FIRST_MARKET + i, (unsigned long long)w.newest[i]);
    (void)fclose(file);
}

static void put_number(struct json_writer *writer, const char *name, uint64_t value)
{
    json_write_key(writer, name);
    json_write_u64(writer, value);
}

static void put_times(struct json_writer *writer, const char *name,
                      const struct histogram *histogram)
{
    json_write_key(writer, name);
    load_tally_write_histogram(writer, histogram);
}

struct used {
    int64_t us, own_us, server_us;
};

static void report(const struct used *used)
{
    static char memory[8192];
    struct buf out = buf_over(memory, sizeof memory);
    struct json_writer writer = json_write_begin(&out);
    uint64_t share = (uint64_t)(used->own_us * 1000 / used->us);
    json_write_object_open(&writer);
    put_number(&writer, "clients", w.clients);
    put_number(&writer, "clients_open", load_pool_stats(w.pool)->open);
    put_number(&writer, "channels_each", w.each);
    put_number(&writer, "deliveries_per_s", w.deliveries * US_PER_SECOND / (uint64_t)used->us);
    put_number(&writer, "bytes_mean", w.deliveries > 0 ? w.bytes / w.deliveries : 0);
    put_number(&writer, "images", w.images);
    put_number(&writer, "skipped", w.skips);
    put_number(&writer, "versions_conflated", w.conflated);
    put_number(&writer, "versions_lost", w.lost);
    put_number(&writer, "versions_older", w.older);
    put_number(&writer, "strange", w.strange);
    if (w.one_at_a_time) {
        put_number(&writer, "rounds", w.rounds);
        put_times(&writer, "client_us", &w.client_us);
        put_times(&writer, "round_us", &w.round_us);
    } else {
        put_times(&writer, "freshness_us", &w.freshness_us);
        put_times(&writer, "push_us", &w.push_us);
    }
    put_number(&writer, "generator_cpu_permille", share);
    json_write_key(&writer, "generator_saturated");
    json_write_bool(&writer, share > SATURATED_SHARE);
    if (used->server_us >= 0) {
        put_number(&writer, "server_cpu_permille", (uint64_t)(used->server_us * 1000 / used->us));
        json_write_key(&writer, "server_cpu_us_per_delivery");
        json_write_decimal(
            &writer, w.deliveries > 0 ? used->server_us * 1000 / (int64_t)w.deliveries : 0, 3);
    }
    json_write_object_close(&writer);
    fprintf(stderr, "%.*s\n", SLICE_ARG(buf_slice(&out)));
}

static void measure(int64_t seconds, pid_t server, struct used *ret)
{
    int64_t server_us = server > 0 ? load_process_cpu_us(server) : -1;
    int64_t own_us = load_process_thread_us(), begin_us = load_process_now().us;
    w.measuring = true;
    run_for(seconds * US_PER_SECOND);
    w.measuring = false;
    ret->us = load_process_now().us - begin_us;
    ret->own_us = load_process_thread_us() - own_us;
    ret->server_us = server_us >= 0 ? load_process_cpu_us(server) - server_us : -1;
}

static void begin(const char *url)
{
    struct load_pool_options options = {.transport = LOAD_TRANSPORT_WS,
                                        .connections = w.clients,
                                        .pipeline = 1,
                                        .connects_max = CONNECTS_AT_ONCE};
    struct rlimit files;
    struct prng prng;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    w.watches = calloc((size_t)w.clients * w.each, sizeof *w.watches);
    w.newest = calloc(w.markets, sizeof *w.newest);
    if (w.watches == NULL || w.newest == NULL || loop_new(&w.loop) < 0)
        die("out of memory");
    prng_seed(&prng, 1);
    for (uint32_t i = 0; i < w.clients; i++)
        draw(&prng, &w.watches[(size_t)i * w.each]);
    const char *host = strstr(url, "//");
    if (net_address_parse(slice_text(host != NULL ? host + 2 : url), &options.target.address) < 0)
        die("URL is http://HOST:PORT");
    if (load_pool_new(w.loop, &options, &callbacks, NULL, &w.pool) < 0)
        die("cannot connect");
}

int main(int argc, char **argv)
{
    struct used used;
    if (argc < 8) {
        fprintf(stderr, "usage: bench-watchers URL CLIENTS EACH MARKETS SECONDS WARM_UP "
                        "FINAL_FILE [PID]\n");
        return 2;
    }
    w.clients = (uint32_t)strtoul(argv[2], NULL, 10);
    w.each = (uint32_t)strtoul(argv[3], NULL, 10);
    w.markets = (uint32_t)strtoul(argv[4], NULL, 10);
    int64_t seconds = strtoll(argv[5], NULL, 10);
    w.one_at_a_time = seconds < 0;
    if (w.clients == 0 || w.each == 0 || w.each > EACH_MAX || w.markets < w.each || seconds == 0)
        die("numbers out of range");
    begin(argv[1]);
    subscribe_all();
    if (w.one_at_a_time)
        ask();
    run_for(strtoll(argv[6], NULL, 10) * US_PER_SECOND);
    measure(seconds < 0 ? -seconds : seconds, argc > 8 ? (pid_t)strtol(argv[8], NULL, 10) : 0,
            &used);
    if (!w.one_at_a_time)
        run_to_the_end();
    write_final(argv[7]);
    report(&used);
    load_pool_free(w.pool);
    loop_free(w.loop);
    free(w.watches);
    free(w.newest);
    return 0;
}
