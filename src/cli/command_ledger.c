/* command_ledger.c - `overround ledger verify|stat|dump|replay`: the offline audit of a server's
 * folder. It needs the same limits as the server; a running server has the ledger locked. */
#include <stdio.h>
#include <sys/stat.h>

#include "adapters/embedded/ledger_file.h"
#include "adapters/embedded/odds_log_file.h"
#include "app/audit.h"
#include "app/refold.h"
#include "base/error.h"
#include "cli/command.h"
#include "crypto/random.h"
#include "ledger/record_json.h"

#define PATH_BYTES_MAX 512

static const struct option_spec specs[] = {
    {"config", NULL},
    {"data", "data"},
    {"accounts-max", "262144"},
    {"bets-max", "2097152"},
    {"verdicts-max", "4194304"},
};

/* What is open; the ledger alone but for `verify`. */
struct opened {
    struct disk *ledger_disk, *odds_disk;
    struct ledger_log *log;
    struct odds_log *odds; /* NULL: there is none */
    struct shard_state *state;
};

static int open_folder(const char *data, const char *name, struct disk **ret_disk, struct buf *why)
{
    char memory[PATH_BYTES_MAX];
    struct buf path = buf_over(memory, sizeof memory);
    struct stat found;
    buf_put_text(&path, data);
    buf_put_char(&path, '/');
    buf_put_text(&path, name);
    buf_put_char(&path, '\0');
    /* An audit makes nothing: a folder that is not there is an error. */
    if (path.overflow || stat(memory, &found) != 0 || !S_ISDIR(found.st_mode)) {
        buf_printf(why, "there is no folder %s/%s", data, name);
        return -ERR_NOT_FOUND;
    }
    int error = disk_open_directory(memory, ret_disk);
    if (error < 0)
        buf_printf(why, "%s/%s: %s", data, name, error_text(error));
    return error;
}

static int open_ledger(const char *data, struct opened *opened, struct buf *why)
{
    struct ledger_report report = {.created = false};
    struct ledger_file_options options = {.store = {.shard = 0}};
    TRY(open_folder(data, "ledger", &opened->ledger_disk, why));
    int error = ledger_file_open(&options, opened->ledger_disk, &report, &opened->log);
    if (error == -ERR_BUSY)
        buf_put_text(why, "a server has the ledger open: end it first");
    else if (error < 0)
        buf_printf(why, "the ledger cannot be used: %s",
                   report.text[0] != '\0' ? report.text : error_text(error));
    return error;
}

static int open_odds(const char *data, struct opened *opened, struct buf *why)
{
    struct odds_log_report report = {.segments = 0};
    struct odds_log_file_options options = {.bytes_max = 0};
    random_fill(options.hash_key, sizeof options.hash_key);
    TRY(open_folder(data, "odds", &opened->odds_disk, why));
    int error = odds_log_file_open(&options, opened->odds_disk, &report, &opened->odds);
    if (error < 0)
        buf_printf(why, "the odds log cannot be used: %s",
                   report.text[0] != '\0' ? report.text : error_text(error));
    return error;
}

static int make_state(const struct options *options, struct opened *opened, struct buf *why)
{
    struct shard_limits limits = SHARD_LIMITS_DEFAULT;
    const struct {
        const char *key;
        uint32_t *value;
    } numbers[] = {
        {"accounts-max", &limits.accounts_max},
        {"bets-max", &limits.bets_max},
        {"verdicts-max", &limits.verdicts_max},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        int64_t value = 0;
        TRY(options_number(options, numbers[i].key, (struct number_range){1, 1000000000}, &value,
                           why));
        *numbers[i].value = (uint32_t)value;
    }
    return shard_state_new(&limits, &opened->state);
}

static void close_opened(struct opened *opened)
{
    if (opened->log != NULL)
        opened->log->ops->free(opened->log);
    if (opened->odds != NULL)
        opened->odds->ops->free(opened->odds);
    disk_free(opened->odds_disk);
    disk_free(opened->ledger_disk);
    shard_state_free(opened->state);
}

static void put_hex(const uint8_t hash[32])
{
    for (size_t i = 0; i < 32; i++)
        (void)printf("%02x", hash[i]);
    (void)printf("\n");
}

/* Why a fold ended early: the state's reason, or the byte of the log's damage. */
static void explain(const struct opened *opened, const char *reason, uint64_t seq, struct buf *why)
{
    const char *problem = ledger_file_problem(opened->log);
    buf_printf(why, "record 0-%llu: %s%s%s", (unsigned long long)seq, reason,
               problem[0] != '\0' ? "; " : "", problem);
}

/* ---- the commands ---- */

static int verify(struct opened *opened, struct buf *why)
{
    struct audit_report report;
    int error = audit_shard(opened->log, opened->odds, 0, opened->state, &report);
    if (error < 0) {
        explain(opened, report.reason[0] != '\0' ? report.reason : error_text(error), report.seq,
                why);
        return error;
    }
    (void)printf("records %llu\nlegs_checked %llu\nlegs_unlogged %llu\nodds_changes %llu\n"
                 "bets_unsettled_with_result %llu\nstate ",
                 (unsigned long long)report.records, (unsigned long long)report.legs_checked,
                 (unsigned long long)report.legs_unlogged, (unsigned long long)report.odds_changes,
                 (unsigned long long)report.bets_unsettled_with_result);
    put_hex(report.state_hash);
    (void)printf("all invariants hold\n");
    return 0;
}

static int fold(struct opened *opened, refold_visit visit, void *owner, struct buf *why)
{
    const struct refold_source source = {opened->log, 0, REFOLD_ALL};
    struct refold_end end;
    int error = refold(&source, opened->state, visit, owner, &end);
    if (error < 0)
        explain(opened, end.reason[0] != '\0' ? end.reason : error_text(error), end.seq, why);
    return error;
}

static void put_houses(const struct shard_state *state)
{
    for (size_t i = 0; i < shard_state_houses_count(state); i++) {
        const struct shard_house *house = shard_state_house(state, i);
        const struct {
            const char *name;
            int64_t minor;
        } rows[] = {{"cash", house->cash}, {"stakes", house->stakes}, {"result", house->result}};
        for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
            char memory[64];
            struct buf text = buf_over(memory, sizeof memory);
            money_write(&text, money_of(rows[row].minor, house->currency));
            (void)printf("house_%s %s %.*s\n", rows[row].name, currency_code(house->currency),
                         SLICE_ARG(buf_slice(&text)));
        }
    }
}

static int stat_ledger(struct opened *opened, struct buf *why)
{
    TRY(fold(opened, NULL, NULL, why));
    const struct shard_counts *counts = shard_state_counts(opened->state);
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"last_seq", shard_state_seq(opened->state)},
        {"accounts", shard_state_accounts_count(opened->state)},
        {"markets", shard_state_markets_count(opened->state)},
        {"bets_placed", counts->bets_placed},
        {"bets_pending", counts->bets_pending},
        {"bets_refused", counts->bets_refused},
        {"bets_not_accepted", counts->bets_not_accepted},
        {"bets_settled", counts->bets_settled},
        {"settlements_reversed", counts->settlements_reversed},
        {"deposits", counts->deposits},
        {"withdrawals", counts->withdrawals},
        {"money_refused", counts->money_refused},
        {"fences", counts->fences},
        {"results", counts->results},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        (void)printf("%s %llu\n", rows[i].name, (unsigned long long)rows[i].value);
    put_houses(opened->state);
    return 0;
}

static int put_record(void *owner, const struct record_view *record,
                      const struct shard_state *state)
{
    static char memory[RECORD_JSON_BYTES_MAX]; /* pages that no record needs are never touched */
    struct buf line = buf_over(memory, sizeof memory);
    (void)owner;
    record_json(&line, record, state);
    if (line.overflow || fwrite(line.at, 1, line.bytes, stdout) != line.bytes ||
        putchar('\n') == EOF)
        return -ERR_IO;
    return 0;
}

static int dump(struct opened *opened, struct buf *why)
{
    return fold(opened, put_record, NULL, why);
}

static int replay(struct opened *opened, struct buf *why)
{
    uint8_t hash[32];
    TRY(fold(opened, NULL, NULL, why));
    shard_state_hash(opened->state, hash);
    (void)printf("records %llu\nstate ", (unsigned long long)shard_state_seq(opened->state));
    put_hex(hash);
    return 0;
}

static const struct {
    const char *name;
    int (*run)(struct opened *opened, struct buf *why);
    bool odds;
} commands[] = {
    {"verify", verify, true},
    {"stat", stat_ledger, false},
    {"dump", dump, false},
    {"replay", replay, false},
};

static int run_command(const struct options *options, size_t index, struct buf *why)
{
    struct opened opened = {.log = NULL};
    const char *data = options_text(options, "data");
    int error = open_ledger(data, &opened, why);
    if (error == 0 && commands[index].odds)
        error = open_odds(data, &opened, why);
    if (error == 0)
        error = make_state(options, &opened, why);
    if (error == 0)
        error = commands[index].run(&opened, why);
    close_opened(&opened);
    if (error == 0 && fflush(stdout) != 0)
        error = -ERR_IO;
    return error;
}

static size_t find_command(const char *name)
{
    size_t i = 0;
    while (i < sizeof commands / sizeof *commands && !slice_is(slice_text(name), commands[i].name))
        i++;
    return i;
}

int command_ledger(int argc, char *const *argv)
{
    static struct options options;
    char memory[1024];
    struct buf why = buf_over(memory, sizeof memory);
    const struct command_input input = {argc, argv, specs, sizeof specs / sizeof *specs, true};
    int code = command_options(&input, &options);
    if (code != 0)
        return code;
    size_t index = options.arguments_count == 1 ? find_command(options.arguments[0])
                                                : sizeof commands / sizeof *commands;
    if (index == sizeof commands / sizeof *commands) {
        buf_put_text(&why, "ledger verify, stat, dump or replay, not: ");
        buf_put_text(&why, options.arguments_count > 0 ? options.arguments[0] : "nothing");
        return command_fail(2, buf_slice(&why));
    }
    int error = run_command(&options, index, &why);
    if (error == 0)
        return 0;
    if (why.bytes == 0)
        buf_put_text(&why, error_text(error));
    if (error == -ERR_CONFIG)
        return command_fail(2, buf_slice(&why));
    return command_fail(error == -ERR_CORRUPT ? 3 : 1, buf_slice(&why));
}
