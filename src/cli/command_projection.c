/* command_projection.c - `overround projection verify`: are the tables that people query what the
 * ledger says? It writes nothing. Exit: 0 they are, 3 they are not. */
#include <inttypes.h>
#include <stdio.h>

#include "adapters/embedded/ledger_file.h"
#include "adapters/embedded/ledger_folder.h"
#include "adapters/postgres/pg_batch.h"
#include "app/projection_check.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/consumers/projection_url.h"
#include "cli/ledger/ledger_database.h"

#define PATH_BYTES_MAX 512

static const struct option_spec specs[] = {
    {"config", NULL},         {"data", "data"},        {"log-second", NULL},
    {"ledger", "files"},      {"projection", NULL},    {"accounts-max", "262144"},
    {"markets-max", "65536"}, {"bets-max", "2097152"}, {"verdicts-max", "4194304"},
};

struct asked {
    const char *ledger, *projection, *data, *second;
    struct shard_limits limits;
};

/* ---- one shard ---- */

struct shard_check {
    const struct asked *asked;
    uint32_t shard;
    struct projection_store *store; /* owned */
    struct projection_check_place place;
};

static int say_store(const struct shard_check *check, int error, struct buf *why)
{
    const char *text = check->store->ops->problem(check->store);
    buf_printf(why, "the projection cannot be read: %s",
               text[0] != '\0' ? text : error_text(error));
    return error;
}

/* Before the log is opened. After 0, end_check(). */
static int begin_check(const struct asked *asked, uint32_t shard, struct shard_check *ret,
                       struct buf *why)
{
    *ret = (struct shard_check){.asked = asked, .shard = shard};
    int error = projection_url_open(asked->projection, &ret->store, why);
    if (error < 0) {
        if (why->bytes == 0)
            buf_put_text(why, error_text(error));
        return error;
    }
    error = projection_check_begin(ret->store, shard, &ret->place);
    if (error < 0) {
        (void)say_store(ret, error, why);
        ret->store->ops->free(ret->store);
    }
    return error;
}

static void end_check(struct shard_check *check)
{
    check->store->ops->free(check->store);
}

static void put_report(const struct shard_check *check,
                       const struct projection_check_report *report)
{
    (void)printf("shard %u\nrecords %" PRIu64 "\nprojected %" PRIu64 "\nbets_rows_checked %" PRIu64
                 "\nbalances_rows_checked %" PRIu64 "\n",
                 check->shard, report->tail, report->seq, report->bets, report->balances);
    if (check->store->ops->count != NULL)
        (void)printf("rows_ahead %" PRIu64 "\nbalances_kept %s\n", report->ahead,
                     check->place.count.balances_kept ? "yes" : "no");
}

static int check_shard(const struct shard_check *check, struct ledger_log *log, struct buf *why)
{
    static struct projection_check_report report; /* too large for the stack */
    const struct projection_check_source source = {.log = log,
                                                   .shard = check->shard,
                                                   .limits = check->asked->limits,
                                                   .store = check->store,
                                                   .place = check->place};
    int error = projection_check(&source, &report);
    put_report(check, &report);
    if (error < 0)
        buf_put_text(why, report.text[0] != '\0' ? report.text : error_text(error));
    return error;
}

/* ---- a ledger in a database ---- */

static int check_log_of(const struct shard_check *check, struct buf *why)
{
    const struct ledger_database_options options = {
        .url = check->asked->ledger, .shard = check->shard, .read_only = true};
    struct ledger_log *log = NULL;
    TRY(ledger_database_open(&options, &log, why));
    int error = check_shard(check, log, why);
    log->ops->free(log);
    return error;
}

static int check_database(const struct asked *asked, struct buf *why)
{
    static uint32_t shards[BATCH_SHARDS_MAX];
    size_t count = 0;
    TRY(ledger_database_shards(asked->ledger, shards, &count, why));
    for (size_t i = 0; i < count; i++) {
        struct shard_check check;
        TRY(begin_check(asked, shards[i], &check, why));
        int error = check_log_of(&check, why);
        end_check(&check);
        if (error < 0)
            return error;
    }
    return 0;
}

/* ---- a ledger in files ---- */

static int open_disk(const char *path, struct disk **ret_disk, struct buf *why)
{
    int error = disk_open_to_read(path, ret_disk);
    if (error < 0)
        buf_printf(why, "%s: %s", path, error_text(error));
    return error;
}

static int check_log(const struct asked *asked, struct disk *disk, struct disk *second,
                     struct buf *why)
{
    struct ledger_file_options options = {.store = {.read_only = true, .second = second}};
    struct ledger_report report = {.created = false};
    struct ledger_log *log = NULL;
    TRY(ledger_folder_shard(disk, &options.store.shard));
    int error = ledger_file_open(&options, disk, &report, &log);
    if (error < 0) {
        buf_printf(why, "the ledger cannot be used: %s",
                   error == -ERR_BUSY       ? "a server has it open: end it first"
                   : report.text[0] != '\0' ? report.text
                                            : error_text(error));
        return error;
    }
    struct shard_check check;
    error = begin_check(asked, options.store.shard, &check, why);
    if (error == 0) { /* nobody writes: a log in files is locked */
        error = check_shard(&check, log, why);
        end_check(&check);
    }
    log->ops->free(log);
    return error;
}

static int check_files(const struct asked *asked, struct buf *why)
{
    struct disk *disk = NULL, *second = NULL;
    char path[PATH_BYTES_MAX];
    int bytes = snprintf(path, sizeof path, "%s/ledger", asked->data);
    if (bytes < 0 || (size_t)bytes >= sizeof path)
        return -ERR_LIMIT;
    int error = open_disk(path, &disk, why);
    if (error == 0 && asked->second != NULL)
        error = open_disk(asked->second, &second, why);
    if (error == 0)
        error = check_log(asked, disk, second, why);
    disk_free(second);
    disk_free(disk);
    return error;
}

/* ---- the command ---- */

static int take_limits(const struct options *options, struct shard_limits *ret, struct buf *why)
{
    struct shard_limits limits = SHARD_LIMITS_DEFAULT;
    const struct {
        const char *key;
        uint32_t *value;
    } numbers[] = {
        {"accounts-max", &limits.accounts_max},
        {"markets-max", &limits.markets_max},
        {"bets-max", &limits.bets_max},
        {"verdicts-max", &limits.verdicts_max},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        int64_t value = 0;
        TRY(options_number(options, numbers[i].key, (struct number_range){1, 1000000000}, &value,
                           why));
        *numbers[i].value = (uint32_t)value;
    }
    *ret = limits;
    return 0;
}

static int take_asked(const struct options *options, struct asked *ret, struct buf *why)
{
    *ret = (struct asked){.ledger = options_text(options, "ledger"),
                          .projection = options_text(options, "projection"),
                          .data = options_text(options, "data"),
                          .second = options_text(options, "log-second")};
    bool files = slice_is(slice_text(ret->ledger), "files");
    if (!files && !ledger_database_is(ret->ledger)) {
        buf_put_text(why, "--ledger is here files, or a database: " LEDGER_DATABASE_URLS);
        return -ERR_CONFIG;
    }
    if (ret->projection == NULL && pg_url_is(ret->ledger))
        ret->projection = ret->ledger;
    if (ret->projection == NULL || !projection_url_is(ret->projection)) {
        buf_put_text(why, "--projection is the URL of tables: " LEDGER_DATABASE_URLS);
        return -ERR_CONFIG;
    }
    return take_limits(options, &ret->limits, why);
}

int command_projection(int argc, char *const *argv)
{
    static struct options options;
    char memory[PROJECTION_CHECK_TEXT_BYTES + 256];
    struct buf why = buf_over(memory, sizeof memory);
    const struct command_input input = {argc - 1, argv + 1, specs, sizeof specs / sizeof *specs,
                                        false};
    struct asked asked;
    if (argc < 1 || !slice_is(slice_text(argv[0]), "verify"))
        return command_fail(2, SLICE("projection verify: there is nothing else"));
    int code = command_options(&input, &options);
    if (code != 0)
        return code;
    if (take_asked(&options, &asked, &why) < 0)
        return command_fail(2, buf_slice(&why));
    bool files = slice_is(slice_text(asked.ledger), "files");
    int error = files ? check_files(&asked, &why) : check_database(&asked, &why);
    if (error < 0) {
        (void)fflush(stdout);
        return command_fail(error == -ERR_CORRUPT ? 3 : 1, buf_slice(&why));
    }
    (void)printf("the projection is what the ledger says\n");
    return 0;
}
