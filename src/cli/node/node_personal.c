/* node_personal.c - contract in node_personal.h. */
#include "cli/node/node_personal.h"

#include <string.h>

#include "adapters/embedded/personal_vault_file.h"
#include "adapters/mirror/vault_mirror.h"
#include "adapters/postgres/pg_batch.h"
#include "adapters/postgres/pg_personal.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/standby/ship_keys.h"
#include "crypto/key_files.h"

bool node_personal_may_stand_at(const char *url)
{
    return pg_url_is(url);
}

static int open_file(struct node_personal *personal, const struct node_personal_options *options,
                     const unsigned char *master)
{
    const struct personal_vault_file_options file = {
        .folder = options->folder,
        .name = PERSONAL_KEYS_NAME,
        .master = master,
        .accounts_max = (size_t)options->accounts_max + 1,
    };
    return personal_vault_file_open(&file, &personal->vault);
}

static void tell(const struct vault_join_report *report)
{
    log_info("personal", "keys stand beside the ledger, and the file is their copy",
             LOG_U64("keys", report->slots), LOG_U64("brought", report->brought),
             LOG_U64("fetched", report->fetched));
    if (report->damaged > 0)
        log_error("personal",
                  "damaged keys of the file stand nowhere else: fields sealed with "
                  "them cannot be opened any more",
                  LOG_U64("keys", report->damaged));
    if (report->aside > 0)
        log_warn("personal",
                 "the file had other keys than those in the database: it is kept as "
                 "keys/personal.keys.aside, and fields sealed with them open with that alone",
                 LOG_U64("keys", report->aside));
}

static int open_mirror(struct node_personal *personal, const struct node_personal_options *options,
                       const unsigned char *master, struct buf *why)
{
    struct vault_join_report report;
    struct vault_mirror_options mirror = {
        .folder = options->folder,
        .name = PERSONAL_KEYS_NAME,
        .master = master,
        .accounts_max = (size_t)options->accounts_max + 1,
    };
    TRY(pg_personal_new(options->url, options->shard, &mirror.store));
    buf_put_text(why, "the keys of personal fields: ");
    size_t before = why->bytes;
    int error = vault_mirror_open(&mirror, &personal->vault, &report, why);
    if (error < 0) {
        if (why->bytes == before)
            buf_put_text(why, error_text(error));
        return error;
    }
    why->bytes = 0;
    personal->mirrored = true;
    tell(&report);
    return 0;
}

int node_personal_open(struct node_personal *personal, const struct node_personal_options *options,
                       struct buf *why)
{
    unsigned char master[KEY_FILES_SECRET_BYTES];
    TRY(key_files_secret(options->folder, PERSONAL_MASTER_NAME, master, why));
    int error = options->url == NULL ? open_file(personal, options, master)
                                     : open_mirror(personal, options, master, why);
    explicit_bzero(master, sizeof master);
    return error;
}

void node_personal_close(struct node_personal *personal)
{
    if (personal->vault != NULL)
        personal->vault->ops->free(personal->vault);
    personal->vault = NULL;
}

static void count(void *owner)
{
    struct node_personal *personal = owner;
    struct vault_mirror_stats stats = vault_mirror_stats(personal->vault);
    personal->unready = stats.unready;
    personal->failures = stats.failures;
    personal->erased = stats.erased;
    metrics_set(&personal->ready_gauge, (int64_t)stats.ready);
    metrics_set(&personal->away, stats.away);
}

int node_personal_register_metrics(struct node_personal *personal, struct metrics *metrics)
{
    const struct metrics_gauge_row gauges[] = {
        {{"overround_personal_keys", "Accounts, opened or not, whose key stands", NULL, 0},
         &personal->ready_gauge},
        {{"overround_personal_away", "1: the database did not take or tell keys", NULL, 0},
         &personal->away},
    };
    const struct metrics_row counters[] = {
        {{"overround_personal_unready_total",
          "Personal fields that were not recorded, for no key of theirs stood yet", NULL, 0},
         &personal->unready},
        {{"overround_personal_failures_total", "Times that the database did not take or tell keys",
          NULL, 0},
         &personal->failures},
        {{"overround_personal_erased_total", "Keys that were overwritten as they were erased", NULL,
          0},
         &personal->erased},
    };
    if (!personal->mirrored)
        return 0;
    TRY(metrics_add_gauges(metrics, gauges, sizeof gauges / sizeof *gauges));
    TRY(metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters));
    return metrics_add_refresh(metrics, count, personal);
}
