/* host.c - contract in host.h. */
#include "host.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "adapters/embedded/ledger_file.h"
#include "adapters/embedded/odds_store_memory.h"
#include "base/error.h"
#include "crypto/key_files.h"

#define TEXT_BYTES 32
#define USER_BYTES 48

static const char *program_name = "bench";
static const char *const selections[HOST_SELECTIONS] = {"home", "draw", "away"};

int64_t host_now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void host_die(const char *what, int error)
{
    fprintf(stderr, "%s: %s: %s\n", program_name, what, error_text(error));
    exit(1);
}

/* ---- life ---- */

static uint64_t odds_append(struct odds_log *log, const struct odds_log_change *change)
{
    static uint64_t position;
    (void)log, (void)change;
    return ++position;
}

static int odds_epoch(struct odds_log *log, uint32_t least, uint32_t *ret_epoch)
{
    static uint32_t epoch;
    (void)log;
    epoch = epoch + 1 > least ? epoch + 1 : least;
    *ret_epoch = epoch;
    return 0;
}

static const struct odds_log_ops odds_ops = {.append = odds_append, .take_epoch = odds_epoch};

void host_init(struct host *host, const char *program)
{
    program_name = host->program = program;
    host->event = eventfd(0, EFD_NONBLOCK);
    host->odds_log.ops = &odds_ops;
}

static void make_key(struct host *host, const char *directory)
{
    char memory[KEY_FILES_PEM_BYTES_MAX];
    struct buf pem = buf_over(memory, sizeof memory);
    int folder = -1;
    if (key_files_open(directory, &folder, NULL) < 0 ||
        key_files_ed25519(folder, "ledger-ed25519.pem", &pem, NULL) < 0 ||
        sign_key_new(buf_slice(&pem), &host->key) < 0)
        host_die("key", -ERR_IO);
    close(folder);
}

static void make_keeper(struct host *host, const char *directory)
{
    char path[512];
    snprintf(path, sizeof path, "%s/tree", directory);
    if (host->key == NULL)
        make_key(host, directory);
    struct tree_keeper_options options = {.key = host->key, .interval_us = US_PER_SECOND};
    int error = disk_open_directory(path, &host->tree_disk);
    if (error < 0)
        host_die(path, error);
    if (tree_keeper_new(&options, &host->keeper) < 0)
        host_die("tree", -ERR_MEMORY);
}

static void start_keeper(struct host *host)
{
    char text[TREE_KEEPER_TEXT_BYTES];
    int error = tree_keeper_start(host->keeper, host->tree_disk, host->log, text);
    if (error < 0)
        host_die(text, error);
}

void host_open_log(struct host *host, const char *directory)
{
    struct ledger_file_options options = {.store = {.newest_only = true}};
    struct ledger_report report;
    int error = disk_open_directory(directory, &host->disk);
    if (error < 0)
        host_die(directory, error);
    if (host->proofs) {
        make_keeper(host, directory);
        options.follower = tree_keeper_follower(host->keeper);
    }
    error = ledger_file_open(&options, host->disk, &report, &host->log);
    if (error < 0)
        host_die(report.text, error);
    if (host->proofs)
        start_keeper(host);
    host->log->notify = host_notify;
    host->log->notify_owner = host;
}

void host_start_book(struct host *host, const struct shard_limits *limits,
                     const struct book_ports *others, uint32_t markets_max)
{
    static const uint64_t key[2] = {3, 4};
    struct book_options options = BOOK_OPTIONS_DEFAULT;
    struct book_ports ports = *others;
    const char *reason = "";
    options.limits = *limits;
    if (odds_store_memory_new(markets_max, key, &host->store) < 0)
        host_die("odds store", -ERR_MEMORY);
    ports.log = host->log;
    ports.odds_log = &host->odds_log;
    ports.store = host->store;
    if (book_new(&options, &ports, NULL, &host->book) < 0)
        host_die("book", -ERR_MEMORY);
    int error = book_start(host->book, (struct instant){host_now_ns(CLOCK_REALTIME) / 1000},
                           (struct monotonic){host_now_ns(CLOCK_MONOTONIC) / 1000}, &reason);
    if (error < 0)
        host_die(reason, error);
}

void host_end_book(struct host *host)
{
    book_end_turn(host->book);
    while (!book_idle(host->book))
        host_poll(host, 100);
    if (host->proofs)
        tree_keeper_detach(host->keeper);
}

void host_free_book(struct host *host)
{
    host->log->ops->free(host->log);
    book_free(host->book);
}

void host_close_log(struct host *host)
{
    if (host->proofs)
        tree_keeper_free(host->keeper);
    disk_free(host->tree_disk);
    host->tree_disk = NULL;
    host->store->ops->free(host->store);
    disk_free(host->disk);
}

/* ---- turns ---- */

void host_notify(void *host)
{
    uint64_t one = 1;
    ssize_t written = write(((struct host *)host)->event, &one, sizeof one);
    (void)written; /* a full counter is a wake-up too */
}

void host_begin_turn(struct host *host)
{
    book_begin_turn(host->book, (struct instant){host_now_ns(CLOCK_REALTIME) / 1000},
                    (struct monotonic){host_now_ns(CLOCK_MONOTONIC) / 1000});
    struct feed_sink *sink = book_sink(host->book);
    sink->ops->alive(sink, SLICE("bench"));
}

void host_poll(struct host *host, int wait_ms)
{
    struct pollfd fd = {host->event, POLLIN, 0};
    if (book_due_us(host->book) == 0) { /* bets whose keys had to be looked up, or settlements */
        host_begin_turn(host);
        book_end_turn(host->book);
        wait_ms = book_due_us(host->book) == 0 ? 0 : wait_ms;
    }
    if (poll(&fd, 1, wait_ms) <= 0)
        return;
    uint64_t count;
    ssize_t got = read(host->event, &count, sizeof count);
    (void)got;
    book_poll(host->book);
}

/* A limit is reached: the log's, or the memory of verdicts, which is made room in at a turn's end.
 */
static void wait_for_room(struct host *host)
{
    host->shed++;
    book_end_turn(host->book);
    host_poll(host, 1);
    host_begin_turn(host);
}

/* ---- what is asked ---- */

static void on_answer(const struct book_answer *answer)
{
    struct host *host = answer->cookie.owner;
    host->answered++;
    if (answer->failed || answer->record == NULL)
        host_die("an answer failed", -ERR_IO);
    if (answer->record->head->type == RECORD_BET)
        host->placed += ((const struct record_bet *)answer->record->body)->outcome == BET_PLACED;
}

static struct book_cookie cookie(struct host *host)
{
    return (struct book_cookie){host, {0}};
}

static void user_of(uint64_t n, char user[USER_BYTES])
{
    snprintf(user, USER_BYTES, "00000000-0000-4000-8000-%012llu", (unsigned long long)n);
}

static struct slice market_of(unsigned n, char id[TEXT_BYTES])
{
    snprintf(id, TEXT_BYTES, "1.2%08u", n);
    return slice_text(id);
}

void host_publish(struct host *host, unsigned market, unsigned event)
{
    char id[TEXT_BYTES], event_id[TEXT_BYTES];
    struct feed_selection items[HOST_SELECTIONS];
    for (int s = 0; s < HOST_SELECTIONS; s++)
        items[s] = (struct feed_selection){.id = slice_text(selections[s]),
                                           .name = slice_text(selections[s]),
                                           .status = SELECTION_ACTIVE,
                                           .odds = {21, 10}};
    snprintf(event_id, sizeof event_id, "3%07u", event);
    struct feed_market image = {.provider = SLICE("bench"),
                                .id = market_of(market, id),
                                .event_id = slice_text(event_id),
                                .event_name = SLICE("Home v Away"),
                                .sport = SLICE("football"),
                                .name = SLICE("Match Odds"),
                                .kind = SLICE("MATCH_ODDS"),
                                .status = MARKET_ACTIVE,
                                .selections = items,
                                .selections_count = HOST_SELECTIONS};
    struct feed_sink *sink = book_sink(host->book);
    sink->ops->market(sink, &image);
}

void host_result(struct host *host, unsigned market)
{
    char id[TEXT_BYTES];
    struct feed_selection_result items[HOST_SELECTIONS];
    for (int s = 0; s < HOST_SELECTIONS; s++)
        items[s] = (struct feed_selection_result){.selection_id = slice_text(selections[s]),
                                                  .result = s == 0 ? LEG_WON : LEG_LOST};
    struct feed_result result = {.provider = SLICE("bench"),
                                 .market_id = market_of(market, id),
                                 .kind = RESULT_SET,
                                 .result_version = 1,
                                 .selections = items,
                                 .selections_count = HOST_SELECTIONS};
    struct feed_sink *sink = book_sink(host->book);
    while (!book_feed_ready(host->book))
        wait_for_room(host);
    sink->ops->result(sink, &result);
}

void host_fund(struct host *host, uint64_t count)
{
    char user[USER_BYTES];
    uint64_t before = host->answered;
    for (uint64_t i = 0; i < count; i++) {
        host_begin_turn(host);
        user_of(i, user);
        struct money_request request = {slice_text(user),  SLICE("first"), MONEY_DEPOSIT,
                                        {10000000, {826}}, {1, 1},         SLICE_NONE,
                                        SLICE_NONE};
        while (book_move_money(host->book, &request, on_answer, cookie(host)) != REQUEST_TAKEN)
            wait_for_room(host);
        if (i % 256 == 255)
            book_end_turn(host->book);
        host_poll(host, 0);
    }
    book_end_turn(host->book);
    while (host->answered < before + count)
        host_poll(host, 1000);
}

/* Sends it with the ticket's names filled in; the key as clients make them: 32 characters. */
static void place(struct host *host, struct host_bet who, struct ticket ticket,
                  const struct leg_names *names)
{
    static const char hex[] = "0123456789abcdef";
    char user[USER_BYTES], key[32];
    uint64_t mixed = who.n * UINT64_C(0x9E3779B97F4A7C15);
    user_of(who.user, user);
    for (int i = 0; i < 32; i++)
        key[i] = hex[(i < 16 ? mixed >> (4 * i) : who.n >> (4 * (i - 16))) & 15];
    struct bet_request request = {
        .user_id = slice_text(user),
        .key = slice_of(key, sizeof key),
        .ticket = ticket,
        .names = names,
        .request_hash = {who.n, mixed},
        .transport = TRANSPORT_HTTP,
    };
    while (book_place_bet(host->book, &request, on_answer, cookie(host)) != REQUEST_TAKEN)
        wait_for_room(host);
}

void host_place(struct host *host, const struct host_bet *bet)
{
    char market[TEXT_BYTES];
    const struct ticket_leg leg = {.odds = {21, 10}, .banker = true};
    const struct leg_names on = {market_of(bet->market, market),
                                 slice_text(selections[bet->selection % HOST_SELECTIONS])};
    const struct ticket ticket = {
        .stake = {100, {826}}, .policy = PRICE_BETTER, .legs = &leg, .legs_count = 1};
    place(host, *bet, ticket, &on);
}

void host_place_system(struct host *host, const struct host_system *system)
{
    char markets[SYSTEM_LEGS_MAX][TEXT_BYTES];
    struct ticket_leg legs[SYSTEM_LEGS_MAX];
    struct leg_names on[SYSTEM_LEGS_MAX];
    const struct system_sizes sizes = system_of_size(system->size);
    for (uint32_t i = 0; i < system->legs; i++) {
        legs[i] = (struct ticket_leg){.odds = {21, 10}};
        on[i] = (struct leg_names){market_of(system->market[i], markets[i]),
                                   slice_text(selections[system->selection[i] % HOST_SELECTIONS])};
    }
    const struct ticket ticket = {.stake = {(int64_t)system_lines(system->legs, sizes), {826}},
                                  .policy = PRICE_BETTER,
                                  .legs = legs,
                                  .legs_count = system->legs,
                                  .sizes = sizes};
    place(host, (struct host_bet){.n = system->n, .user = system->user}, ticket, on);
}
