/* command_ledger.c - `overround ledger
 * verify|stat|dump|replay|prove|head|explain|report|personal|rotate-key`: the offline audit of a
 * server's folder. It needs the same limits as the server; a running server has the ledger locked.
 * But for rotate-key, and personal's keys, nothing in the folder is changed, so a copy without the
 * right to write will do.
 * `backup|restore`, which lock nothing: see ledger_backup.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "adapters/embedded/ledger_duty.h"
#include "adapters/embedded/ledger_file.h"
#include "adapters/embedded/ledger_folder.h"
#include "adapters/embedded/odds_log_file.h"
#include "adapters/embedded/odds_segment.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/ledger/ledger_backup.h"
#include "cli/ledger/ledger_cmd.h"
#include "cli/ledger/ledger_database.h"
#include "cli/ledger/ledger_explain.h"
#include "cli/ledger/ledger_locate.h"
#include "cli/ledger/ledger_personal.h"
#include "cli/ledger/ledger_proofs.h"
#include "cli/ledger/ledger_report.h"
#include "cli/ledger/ledger_rotate.h"
#include "cli/ledger/ledger_volume.h"
#include "cli/node/heads_token.h"
#include "core/user_shard.h"

#define PATH_BYTES_MAX 512

#define COMMON_SPECS                                                                               \
    {"config", NULL}, {"data", "data"}, {"ledger", "files"}, {"shard", NULL},                      \
        {"log-second", NULL}, {"archive", NULL}, {"accounts-max", "262144"},                       \
        {"bets-max", "2097152"},                                                                   \
    {                                                                                              \
        "verdicts-max", "4194304"                                                                  \
    }

static const struct option_spec common_specs[] = {COMMON_SPECS};
static const struct option_spec dump_specs[] = {
    COMMON_SPECS, {"from", "1"}, {"to", NULL}, {"user", NULL}};
static const struct option_spec personal_specs[] = {COMMON_SPECS, {"user", NULL}, {"erase", "no"}};
static const struct option_spec explain_specs[] = {COMMON_SPECS};
static const struct option_spec report_specs[] = {COMMON_SPECS, {"from", "1"}, {"to", NULL}};
static const struct option_spec verify_specs[] = {
    COMMON_SPECS, {"head", NULL}, {"odds-of", option_list}};
static const struct option_spec prove_specs[] = {COMMON_SPECS, HEADS_TOKEN_SPECS, {"bet", NULL}};
static const struct option_spec head_specs[] = {COMMON_SPECS, HEADS_TOKEN_SPECS};
static const struct option_spec rotate_specs[] = {
    COMMON_SPECS, HEADS_TOKEN_SPECS, {"to", "file"}, {"lost", "no"}, {"heads-file", NULL}};
static const struct option_spec replay_specs[] = {COMMON_SPECS, {"until", NULL}, {"fast", "no"}};

static const struct option_spec backup_specs[] = {{"config", NULL},  {"log-second", NULL},
                                                  {"data", "data"},  {"to", NULL},
                                                  {"recheck", "no"}, {"keys-to", NULL}};
static const struct option_spec restore_specs[] = {
    {"config", NULL}, {"from", NULL}, {"data", "data"}, {"until", NULL}, {"keys-from", NULL}};

#define SPECS(specs) specs, sizeof(specs) / sizeof *(specs)

static const struct ledger_command {
    const char *name;
    int (*run)(struct ledger_opened *opened, const struct ledger_asked *asked, struct buf *why);
    const struct option_spec *specs;
    size_t specs_count;
    bool odds;     /* prices are looked up: --odds-of says whose they were */
    bool changes;  /* the folder */
    bool database; /* it can read the log from a database's table as well */
} commands[] = {
    {"verify", ledger_cmd_verify, SPECS(verify_specs), true, false, true},
    {"stat", ledger_cmd_stat, SPECS(common_specs), false, false, true},
    {"dump", ledger_cmd_dump, SPECS(dump_specs), false, false, true},
    {"replay", ledger_cmd_replay, SPECS(replay_specs), false, false, true},
    {"prove", ledger_proofs_prove, SPECS(prove_specs), false, false, false},
    {"head", ledger_proofs_head, SPECS(head_specs), false, false, false},
    {"explain", ledger_explain, SPECS(explain_specs), false, false, false},
    {"report", ledger_report, SPECS(report_specs), false, false, true},
    {"personal", ledger_personal, SPECS(personal_specs), false, false, true},
    {"rotate-key", ledger_rotate, SPECS(rotate_specs), false, true, false},
};

/* Those that open the folders by themselves. */
static const struct copy_command {
    const char *name;
    int (*run)(const struct options *options, struct buf *why);
    const struct option_spec *specs;
    size_t specs_count;
} copies[] = {
    {"backup", ledger_backup, SPECS(backup_specs)},
    {"restore", ledger_restore, SPECS(restore_specs)},
};

/* --shard, where it was given. */
struct shard_asked {
    bool given;
    uint32_t shard;
};

/* What is open; the ledger alone but for `verify`. */
struct folder {
    struct disk *ledger_disk;
    struct disk *odds_disks[LEDGER_ODDS_LOGS_MAX];
    struct disk *second_disk, *archive_disk; /* NULL: none was named */
    struct ledger_opened opened;
};

static int open_folder(const char *data, const char *name, struct disk **ret_disk, struct buf *why)
{
    char memory[PATH_BYTES_MAX];
    struct buf path = buf_over(memory, sizeof memory);
    buf_put_text(&path, data);
    buf_put_char(&path, '/');
    buf_put_text(&path, name);
    buf_put_char(&path, '\0');
    int error = path.overflow ? -ERR_NOT_FOUND : disk_open_to_read(memory, ret_disk);
    if (error == -ERR_NOT_FOUND)
        buf_printf(why, "there is no folder %s/%s", data, name);
    else if (error < 0)
        buf_printf(why, "%s/%s: %s", data, name, error_text(error));
    return error;
}

/* What a crash left at an end is no answer and no error. */
static void tell_torn_group(uint32_t shard, const struct ledger_report *report)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    if (report->cut_sectors == 0)
        return;
    ledger_segment_name(shard, report->cut_segment, name);
    (void)fprintf(stderr,
                  "overround: %s at byte %" PRIu64 ": a torn last group of %" PRIu64
                  " sectors, which nobody was told of, is taken as not there\n",
                  name, report->cut_offset, report->cut_sectors);
}

static void tell_torn_tail(const struct odds_log_report *report)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    if (report->cut_bytes == 0)
        return;
    odds_segment_name(report->cut_segment, name);
    (void)fprintf(stderr,
                  "overround: %s at byte %" PRIu64 ": a torn tail of %" PRIu64
                  " bytes is taken as not there\n",
                  name, report->cut_offset, report->cut_bytes);
}

static int open_second(const char *path, bool changes, struct folder *folder, struct buf *why)
{
    int error = path == NULL ? 0 : disk_open_to_read(path, &folder->second_disk);
    if (error == 0 && path != NULL && changes) { /* it is not made here */
        disk_free(folder->second_disk);
        folder->second_disk = NULL;
        error = disk_open_directory(path, &folder->second_disk);
    }
    if (error == -ERR_NOT_FOUND)
        buf_printf(why, "there is no folder %s", path);
    else if (error < 0)
        buf_printf(why, "%s: %s", path, error_text(error));
    return error;
}

/* To change means to know that what is there is durable: as at a server's start. */
static int open_to_change(const char *data, struct disk **ret_disk, struct buf *why)
{
    char path[PATH_BYTES_MAX];
    TRY(open_folder(data, "ledger", ret_disk, why)); /* it is not made here */
    disk_free(*ret_disk);
    *ret_disk = NULL;
    int bytes = snprintf(path, sizeof path, "%s/ledger", data);
    return bytes < 0 || (size_t)bytes >= sizeof path ? -ERR_LIMIT
                                                     : disk_open_directory(path, ret_disk);
}

static int open_archive(const char *path, struct folder *folder, struct buf *why)
{
    int error = path == NULL ? 0 : disk_open_to_read(path, &folder->archive_disk);
    if (error < 0)
        buf_printf(why, "--archive %s: %s", path, error_text(error));
    return error;
}

/* What lies there says it; what was asked for must be that. */
static int find_shard(const struct shard_asked *asked, struct folder *folder, struct buf *why)
{
    folder->opened.shard = asked->shard;
    if (asked->given)
        return ledger_folder_check(folder->ledger_disk, asked->shard, why);
    int error = ledger_folder_shard(folder->ledger_disk, &folder->opened.shard);
    if (error == -ERR_CONFIG)
        buf_put_text(why, "the ledger's folder holds files of several shards");
    return error;
}

static int open_ledger(const char *data, bool changes, const struct shard_asked *shard,
                       struct folder *folder, struct buf *why)
{
    struct ledger_report report = {.created = false};
    struct ledger_file_options options = {.store = {.read_only = !changes}};
    TRY(changes ? open_to_change(data, &folder->ledger_disk, why)
                : open_folder(data, "ledger", &folder->ledger_disk, why));
    folder->opened.disk = folder->ledger_disk;
    TRY(find_shard(shard, folder, why));
    options.store.shard = folder->opened.shard;
    options.store.second = folder->second_disk;
    options.store.archive = folder->archive_disk;
    int error = ledger_file_open(&options, folder->ledger_disk, &report, &folder->opened.log);
    if (error == -ERR_BUSY)
        buf_put_text(why, "a server has the ledger open: end it first");
    else if (error < 0)
        buf_printf(why, "the ledger cannot be used: %s",
                   report.text[0] != '\0' ? report.text : error_text(error));
    else
        tell_torn_group(folder->opened.shard, &report);
    return error;
}

static int open_odds(const char *data, struct folder *folder, struct buf *why)
{
    size_t i = folder->opened.odds_count;
    struct odds_log_report report = {.segments = 0};
    struct odds_log_file_options options = {.read_only = true};
    struct ledger_duty_mark mark;
    int error = open_folder(data, "odds", &folder->odds_disks[i], why);
    if (error == -ERR_NOT_FOUND && folder->ledger_disk != NULL &&
        ledger_duty_read(folder->ledger_disk, folder->opened.shard, &mark) == 0 &&
        mark.duty == LEDGER_DUTY_STANDBY) { /* its primary has the odds log */
        (void)fprintf(stderr, "overround: a standby has no odds log: prices are not looked up\n");
        why->bytes = 0;
        return 0;
    }
    TRY(error);
    error = odds_log_file_open(&options, folder->odds_disks[i], &report, &folder->opened.odds[i]);
    if (error == -ERR_BUSY)
        buf_put_text(why, "a server has the odds log open: end it first");
    else if (error < 0)
        buf_printf(why, "the odds log cannot be used: %s",
                   report.text[0] != '\0' ? report.text : error_text(error));
    else
        tell_torn_tail(&report);
    folder->opened.odds_count += error == 0;
    return error;
}

/* Folders with a space between. */
static int open_odds_of(const char *list, struct folder *folder, struct buf *why)
{
    char data[PATH_BYTES_MAX];
    for (const char *at = list + strspn(list, " "); *at != '\0'; at += strspn(at, " ")) {
        size_t bytes = strcspn(at, " ");
        if (folder->opened.odds_count == LEDGER_ODDS_LOGS_MAX || bytes >= sizeof data) {
            buf_printf(why, "--odds-of: %d folders at most, each of %d bytes", LEDGER_ODDS_LOGS_MAX,
                       PATH_BYTES_MAX - 1);
            return -ERR_CONFIG;
        }
        memcpy(data, at, bytes);
        data[bytes] = '\0';
        TRY(open_odds(data, folder, why));
        at += bytes;
    }
    return 0;
}

static int make_state(const struct options *options, struct folder *folder, struct buf *why)
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
    return shard_state_new(&limits, &folder->opened.state);
}

static int read_yes(const struct options *options, const char *key, bool *ret, struct buf *why)
{
    struct slice text = slice_text(options_text(options, key));
    *ret = slice_is(text, "yes");
    if (*ret || slice_is(text, "no"))
        return 0;
    buf_printf(why, "--%s is yes or no, not: %.*s", key, SLICE_ARG(text));
    return -ERR_CONFIG;
}

static int read_rotate(const struct options *options, struct ledger_asked *ret, struct buf *why)
{
    ret->rotate_to = options_text(options, "to");
    ret->heads_file = options_text(options, "heads-file");
    if (!slice_is(slice_text(ret->rotate_to), "file") &&
        !slice_is(slice_text(ret->rotate_to), "pkcs11")) {
        buf_printf(why, "--to is file or pkcs11, not: %s", ret->rotate_to);
        return -ERR_CONFIG;
    }
    return read_yes(options, "lost", &ret->lost, why);
}

static int read_asked(const struct options *options, const struct ledger_command *command,
                      struct ledger_asked *ret, struct buf *why)
{
    const struct number_range any = {1, INT64_MAX};
    int64_t from = 1, to = INT64_MAX;
    *ret = (struct ledger_asked){.from = 1, .to = INT64_MAX, .data = options_text(options, "data")};
    if (command->specs == verify_specs)
        ret->heads = options_text(options, "head");
    if (command->specs == prove_specs)
        ret->bet = options_text(options, "bet");
    if (command->specs == explain_specs)
        ret->bet = options->arguments_count == 1 ? options->arguments[0] : NULL;
    if (command->specs == prove_specs || command->specs == head_specs ||
        command->specs == rotate_specs)
        TRY(heads_token_options(options, &ret->token, why));
    if (command->specs == rotate_specs)
        return read_rotate(options, ret, why);
    if (command->specs == replay_specs) {
        ret->until = options_text(options, "until");
        TRY(read_yes(options, "fast", &ret->fast, why));
    }
    if (command->specs == personal_specs) {
        ret->user = options_text(options, "user");
        ret->ledger = options_text(options, "ledger");
        return read_yes(options, "erase", &ret->erase, why);
    }
    if (command->specs == report_specs)
        ret->report = options->arguments_count == 1 ? options->arguments[0] : NULL;
    if (command->specs != dump_specs && command->specs != report_specs)
        return 0;
    TRY(options_number(options, "from", any, &from, why));
    if (options_text(options, "to") != NULL)
        TRY(options_number(options, "to", any, &to, why));
    ret->from = (uint64_t)from;
    ret->to = (uint64_t)to;
    if (command->specs == dump_specs)
        ret->user = options_text(options, "user");
    return 0;
}

static int read_shard(const struct options *options, struct shard_asked *ret, struct buf *why)
{
    int64_t shard = 0;
    *ret = (struct shard_asked){.given = options_text(options, "shard") != NULL};
    if (ret->given)
        TRY(options_number(options, "shard", (struct number_range){0, SHARDS_MAX - 1}, &shard,
                           why));
    ret->shard = (uint32_t)shard;
    return 0;
}

static void close_log(struct folder *folder)
{
    if (folder->opened.log != NULL)
        folder->opened.log->ops->free(folder->opened.log);
    folder->opened.log = NULL;
}

static void close_folder(struct folder *folder)
{
    close_log(folder);
    for (size_t i = 0; i < folder->opened.odds_count; i++)
        folder->opened.odds[i]->ops->free(folder->opened.odds[i]);
    for (size_t i = 0; i < LEDGER_ODDS_LOGS_MAX; i++)
        disk_free(folder->odds_disks[i]);
    disk_free(folder->second_disk);
    disk_free(folder->archive_disk);
    disk_free(folder->ledger_disk);
    shard_state_free(folder->opened.state);
}

/* Says where the record at fault stands; without, when that cannot be found out. */
static void add_place(struct folder *folder, struct buf *why)
{
    char memory[128];
    struct buf place = buf_over(memory, sizeof memory);
    close_log(folder);
    const struct ledger_store_options options = {.shard = folder->opened.shard,
                                                 .newest_only = true,
                                                 .read_only = true,
                                                 .second = folder->second_disk,
                                                 .archive = folder->archive_disk};
    if (ledger_locate(&options, folder->ledger_disk, folder->opened.fault_seq, &place) == 0)
        buf_printf(why, "; %.*s", SLICE_ARG(buf_slice(&place)));
}

/* What only the files have. */
static int check_database(const struct ledger_command *command, const struct ledger_asked *asked,
                          const char *url, struct buf *why)
{
    if (!ledger_database_is(url))
        buf_put_text(why, "--ledger is here files, or a database: " LEDGER_DATABASE_URLS);
    else if (!command->database)
        buf_printf(why, "ledger %s reads the files: --data DIR", command->name);
    else if (asked->heads != NULL || asked->fast)
        buf_put_text(why, "heads and snapshots are in the files: --data DIR");
    return why->bytes == 0 ? 0 : -ERR_CONFIG;
}

/* The only one, where none was named. */
static int find_database_shard(const char *url, const struct shard_asked *asked,
                               struct folder *folder, struct buf *why)
{
    static uint32_t shards[BATCH_SHARDS_MAX];
    size_t count = 0;
    folder->opened.shard = asked->shard;
    if (asked->given)
        return 0;
    TRY(ledger_database_shards(url, shards, &count, why));
    if (count > 1) {
        buf_printf(why, "it holds %zu shards: say which one by --shard N", count);
        return -ERR_CONFIG;
    }
    folder->opened.shard = count == 0 ? 0 : shards[0];
    return 0;
}

static int open_database(const struct options *asked, const struct ledger_command *command,
                         const struct shard_asked *shard, struct folder *folder, struct buf *why)
{
    const char *url = options_text(asked, "ledger");
    const char *odds_of = command->odds ? options_text(asked, "odds-of") : NULL;
    buf_put_text(why, "the ledger's database: ");
    TRY(find_database_shard(url, shard, folder, why));
    const struct ledger_database_options options = {
        .url = url, .shard = folder->opened.shard, .read_only = true};
    TRY(ledger_database_open(&options, &folder->opened.log, why));
    why->bytes = 0;
    if (odds_of != NULL)
        return open_odds_of(odds_of, folder, why);
    if (command->odds)
        (void)fprintf(stderr, "overround: prices and signed heads are in the files, not in a "
                              "database: they are not looked up\n");
    return 0;
}

static int open_files(const struct options *options, const struct ledger_command *command,
                      const struct shard_asked *shard, struct folder *folder, struct buf *why)
{
    const char *data = options_text(options, "data");
    TRY(open_second(options_text(options, "log-second"), command->changes, folder, why));
    TRY(open_archive(options_text(options, "archive"), folder, why));
    TRY(open_ledger(data, command->changes, shard, folder, why));
    if (!command->odds)
        return 0;
    const char *odds_of = options_text(options, "odds-of");
    return odds_of != NULL ? open_odds_of(odds_of, folder, why) : open_odds(data, folder, why);
}

static int run_command(const struct options *options, const struct ledger_command *command,
                       struct buf *why)
{
    struct folder folder = {.ledger_disk = NULL};
    struct ledger_asked asked;
    struct shard_asked shard;
    const char *url = options_text(options, "ledger");
    bool files = slice_is(slice_text(url), "files");
    TRY(read_asked(options, command, &asked, why));
    TRY(read_shard(options, &shard, why));
    if (!files)
        TRY(check_database(command, &asked, url, why));
    int error = files ? open_files(options, command, &shard, &folder, why)
                      : open_database(options, command, &shard, &folder, why);
    if (error == 0)
        error = make_state(options, &folder, why);
    if (error == 0)
        error = command->run(&folder.opened, &asked, why);
    if (error == -ERR_CORRUPT && folder.opened.fault_seq != 0 && files)
        add_place(&folder, why);
    close_folder(&folder);
    if (error == 0 && fflush(stdout) != 0)
        error = -ERR_IO;
    return error;
}

/* NULL when the first argument is no command of the ledger. */
static const struct ledger_command *find_command(int argc, char *const *argv)
{
    for (size_t i = 0; argc > 0 && i < sizeof commands / sizeof *commands; i++)
        if (slice_is(slice_text(argv[0]), commands[i].name))
            return &commands[i];
    return NULL;
}

/* NULL when the first argument is none of these. */
static const struct copy_command *find_copy(int argc, char *const *argv)
{
    for (size_t i = 0; argc > 0 && i < sizeof copies / sizeof *copies; i++)
        if (slice_is(slice_text(argv[0]), copies[i].name))
            return &copies[i];
    return NULL;
}

static int answer(int error, struct buf *why)
{
    if (error == 0)
        return 0;
    if (why->bytes == 0)
        buf_put_text(why, error_text(error));
    if (error == -ERR_CONFIG)
        return command_fail(2, buf_slice(why));
    return command_fail(error == -ERR_CORRUPT ? 3 : 1, buf_slice(why));
}

int command_ledger(int argc, char *const *argv)
{
    static struct options options;
    char memory[1024];
    struct buf why = buf_over(memory, sizeof memory);
    if (argc > 0 && slice_is(slice_text(argv[0]), "volume-lost"))
        return ledger_volume_lost(argc - 1, argv + 1);
    const struct ledger_command *command = find_command(argc, argv);
    const struct copy_command *copy = find_copy(argc, argv);
    if (command == NULL && copy == NULL) { /* each has options of its own, so its name goes first */
        buf_printf(&why,
                   "ledger verify, stat, dump, replay, prove, head, explain, report, personal, "
                   "rotate-key, backup, restore or volume-lost, not: %s",
                   argc > 0 ? argv[0] : "nothing");
        return command_fail(2, buf_slice(&why));
    }
    struct command_input input = {argc - 1, argv + 1, NULL, 0, false};
    input.arguments =
        command != NULL && (command->specs == explain_specs || command->specs == report_specs);
    input.specs = copy == NULL ? command->specs : copy->specs;
    input.specs_count = copy == NULL ? command->specs_count : copy->specs_count;
    int code = command_options(&input, &options);
    if (code != 0)
        return code;
    return answer(copy == NULL ? run_command(&options, command, &why) : copy->run(&options, &why),
                  &why);
}
