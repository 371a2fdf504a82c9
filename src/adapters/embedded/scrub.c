/* scrub.c - contract in scrub.h. */
#include "adapters/embedded/scrub.h"

#include <stdio.h>
#include <stdlib.h>

#include "adapters/embedded/ledger_check.h"
#include "adapters/embedded/odds_segment.h"
#include "adapters/embedded/scrub_file.h"
#include "adapters/embedded/scrub_tree.h"
#include "adapters/embedded/snapshot_file.h"
#include "adapters/embedded/verdict_run.h"
#include "base/error.h"

enum phase {
    PHASE_SEGMENTS = 0,
    PHASE_SNAPSHOTS,
    PHASE_ODDS,
    PHASE_TREE,
    PHASE_VERDICTS,
    PHASES_COUNT,
};

#define VERDICT_STEP_KEYS 4096

struct scrub {
    struct ledger_cursor_log log;
    struct scrub_options options;
    struct scrub_stats stats;
    uint64_t damaged_now, missing_now; /* in this round */
    uint64_t damaged_before, missing_before;
    enum phase phase;
    bool open; /* a file is being read */
    uint64_t
        next; /* the least number of what comes next in this phase, and of what is open plus 1 */
    struct ledger_view view;
    struct ledger_check *check;
    char check_text[LEDGER_REPORT_TEXT_BYTES];
    char name[DISK_NAME_BYTES_MAX + 1]; /* of what is open */
    char text[SCRUB_TEXT_BYTES];
    enum scrub_damage damage; /* that the text is of */
    uint64_t damaged_run;
    struct scrub_file file;
    struct scrub_tree tree;
    struct verdict_run *run; /* owns, while it is read */
    struct verdict_scan scan;
    uint64_t verdicts_at; /* byte of it that is read next */
};

/* --- What is wrong --- */

static int damaged(struct scrub *scrub)
{
    scrub->open = false;
    scrub->damaged_now++;
    scrub->stats.damage++;
    scrub->damage = scrub->phase < PHASE_TREE    ? SCRUB_DAMAGE_KEPT
                    : scrub->phase == PHASE_TREE ? SCRUB_DAMAGE_DERIVED
                                                 : SCRUB_DAMAGE_RUN;
    if (scrub->damage == SCRUB_DAMAGE_RUN)
        scrub->damaged_run = scrub->next - 1;
    return -ERR_CORRUPT;
}

static int unreadable(struct scrub *scrub, int error)
{
    (void)snprintf(scrub->text, sizeof scrub->text, "%s: cannot be read: %s", scrub->name,
                   error_text(error));
    return damaged(scrub);
}

static int segment_wrong(struct scrub *scrub, int error)
{
    scrub->open = false;
    if (error == -ERR_ARCHIVED) {
        scrub->missing_now++;
        return 1;
    }
    if (error != -ERR_CORRUPT)
        return unreadable(scrub, error);
    (void)snprintf(scrub->text, sizeof scrub->text, "%s", scrub->check_text);
    return damaged(scrub);
}

static int file_wrong(struct scrub *scrub, int error)
{
    scrub->open = false;
    if (error == -ERR_NOT_FOUND)
        return 1; /* it was dropped meanwhile, as old ones are */
    if (error != -ERR_CORRUPT)
        return unreadable(scrub, error);
    (void)snprintf(scrub->text, sizeof scrub->text, "%s at byte %llu: %s", scrub->name,
                   (unsigned long long)scrub->file.problem_at, scrub->file.problem);
    return damaged(scrub);
}

/* --- What comes next: 1 and it is open, 0 and the phase is over --- */

static int open_segment(struct scrub *scrub)
{
    scrub->view = scrub->log.view(scrub->log.owner);
    if (scrub->next >= scrub->view.segments_count)
        return 0;
    ledger_segment_name(scrub->view.volumes->shard, scrub->next, scrub->name);
    int result = ledger_check_begin(scrub->check, &scrub->view, scrub->next);
    scrub->next++;
    scrub->open = result == 0;
    return result < 0 ? segment_wrong(scrub, result) : 1;
}

static int open_file(struct scrub *scrub, struct disk *disk, enum scrub_kind kind)
{
    int result = scrub_file_begin(&scrub->file, disk, kind, scrub->name);
    scrub->open = result == 0;
    return result < 0 ? file_wrong(scrub, result) : 1;
}

static int open_snapshot(struct scrub *scrub)
{
    struct snapshot_name names[SNAPSHOT_FILES_MAX];
    size_t count = 0, at = 0;
    if (scrub->options.ledger == NULL ||
        snapshot_file_list(scrub->options.ledger, scrub->view.volumes->shard, names, &count) < 0)
        return 0;
    while (at < count && names[at].seq < scrub->next)
        at++;
    if (at == count)
        return 0;
    scrub->next = names[at].seq + 1;
    (void)snprintf(scrub->name, sizeof scrub->name, "%s", names[at].name);
    return open_file(scrub, scrub->options.ledger, SCRUB_SNAPSHOT);
}

struct odds_search {
    uint64_t from, found, newest;
};

static int look_at_odds(void *owner, const char *name)
{
    struct odds_search *search = owner;
    uint64_t segment = 0;
    if (!odds_segment_name_parse(name, &segment))
        return 0;
    if (segment >= search->from && segment < search->found)
        search->found = segment;
    if (segment > search->newest)
        search->newest = segment;
    return 0;
}

/* The newest is still being written. */
static int open_odds(struct scrub *scrub)
{
    struct odds_search search = {scrub->next, UINT64_MAX, 0};
    struct disk *disk = scrub->options.odds;
    if (disk == NULL || disk->ops->list(disk, look_at_odds, &search) < 0 ||
        search.found >= search.newest)
        return 0;
    scrub->next = search.found + 1;
    odds_segment_name(search.found, scrub->name);
    return open_file(scrub, disk, SCRUB_ODDS);
}

/* --- What is made of the log, and can be made again --- */

/* Dropped, or begun again, meanwhile: no damage. */
static int derived_wrong(struct scrub *scrub, int error)
{
    scrub->open = false;
    if (error == -ERR_NOT_FOUND)
        return 1;
    if (error != -ERR_CORRUPT)
        return unreadable(scrub, error);
    (void)damaged(scrub);
    if (scrub->phase == PHASE_TREE) {
        scrub->damage = SCRUB_DAMAGE_TILES;
        (void)snprintf(scrub->text, sizeof scrub->text, "%s at byte %llu: %s", scrub->tree.name,
                       (unsigned long long)scrub->tree.problem_at, scrub->tree.problem);
    } else {
        (void)snprintf(scrub->text, sizeof scrub->text, "%s at byte %llu or behind: damaged",
                       scrub->name, (unsigned long long)scrub->verdicts_at);
    }
    return -ERR_CORRUPT;
}

static int open_tree(struct scrub *scrub)
{
    if (scrub->options.tree == NULL || scrub->next > 0)
        return 0;
    scrub->next = 1;
    (void)snprintf(scrub->name, sizeof scrub->name, "the tree");
    int result = scrub_tree_begin(&scrub->tree, scrub->options.tree, scrub->view.volumes->shard);
    scrub->open = result == 0;
    return result < 0 ? derived_wrong(scrub, result) : 1;
}

struct verdict_search {
    uint64_t from, found;
    uint32_t shard;
};

static int look_at_verdicts(void *owner, const char *name)
{
    struct verdict_search *search = owner;
    uint64_t serial = 0;
    if (verdict_run_name_parse(name, search->shard, &serial) && serial >= search->from &&
        serial < search->found)
        search->found = serial;
    return 0;
}

static int open_verdicts(struct scrub *scrub)
{
    struct verdict_search search = {scrub->next, UINT64_MAX, scrub->view.volumes->shard};
    struct disk *disk = scrub->options.verdicts;
    if (disk == NULL || disk->ops->list(disk, look_at_verdicts, &search) < 0 ||
        search.found == UINT64_MAX)
        return 0;
    scrub->next = search.found + 1;
    verdict_run_name(search.shard, search.found, scrub->name);
    scrub->verdicts_at = 0;
    int result = verdict_run_open(disk, search.shard, search.found, &scrub->run);
    if (result == 0) {
        disk->ops->forget(disk, scrub->run->file);
        result = verdict_scan_new(disk, scrub->run, &scrub->scan);
    }
    scrub->open = result == 0;
    return result < 0 ? derived_wrong(scrub, result) : 1;
}

static void close_verdicts(struct scrub *scrub)
{
    if (scrub->run == NULL)
        return;
    verdict_scan_done(&scrub->scan);
    verdict_run_close(scrub->options.verdicts, scrub->run);
    scrub->run = NULL;
}

static int read_verdicts(struct scrub *scrub, uint64_t *ret_bytes)
{
    struct verdict_entry entry;
    uint64_t page = scrub->scan.page;
    int result = 1;
    scrub->verdicts_at = (1 + page) * VERDICT_PAGE_BYTES;
    for (int i = 0; i < VERDICT_STEP_KEYS && result == 1; i++)
        result = verdict_scan_next(&scrub->scan, &entry);
    *ret_bytes = (scrub->scan.page - page) * VERDICT_PAGE_BYTES;
    if (result <= 0)
        close_verdicts(scrub);
    return result;
}

static int open_next(struct scrub *scrub)
{
    switch (scrub->phase) {
    case PHASE_SEGMENTS:
        return open_segment(scrub);
    case PHASE_SNAPSHOTS:
        return open_snapshot(scrub);
    case PHASE_ODDS:
        return open_odds(scrub);
    case PHASE_TREE:
        return open_tree(scrub);
    case PHASE_VERDICTS:
        return open_verdicts(scrub);
    case PHASES_COUNT:
        break;
    }
    return 0;
}

/* --- The step --- */

static int read_part(struct scrub *scrub, uint64_t *ret_bytes)
{
    switch (scrub->phase) {
    case PHASE_SEGMENTS:
        return ledger_check_step(scrub->check, ret_bytes);
    case PHASE_SNAPSHOTS:
    case PHASE_ODDS:
        return scrub_file_step(&scrub->file, ret_bytes);
    case PHASE_TREE:
        return scrub_tree_step(&scrub->tree, ret_bytes);
    case PHASE_VERDICTS:
        return read_verdicts(scrub, ret_bytes);
    case PHASES_COUNT:
        break;
    }
    return 0;
}

static int part_wrong(struct scrub *scrub, int error)
{
    if (scrub->phase == PHASE_SEGMENTS)
        return segment_wrong(scrub, error);
    return scrub->phase >= PHASE_TREE ? derived_wrong(scrub, error) : file_wrong(scrub, error);
}

static int read_on(struct scrub *scrub)
{
    uint64_t bytes = 0;
    int result = read_part(scrub, &bytes);
    scrub->stats.bytes += bytes;
    if (result < 0)
        return part_wrong(scrub, result);
    scrub->open = result > 0;
    return 1;
}

static int end_phase(struct scrub *scrub)
{
    scrub->phase++;
    scrub->next = 0;
    if (scrub->phase < PHASES_COUNT)
        return 1;
    scrub->phase = PHASE_SEGMENTS;
    scrub->stats.rounds++;
    scrub->damaged_before = scrub->damaged_now;
    scrub->missing_before = scrub->missing_now;
    scrub->damaged_now = scrub->missing_now = 0;
    return 0;
}

int scrub_step(struct scrub *scrub)
{
    if (scrub->open)
        return read_on(scrub);
    int result = open_next(scrub);
    return result == 0 ? end_phase(scrub) : result;
}

const char *scrub_problem(const struct scrub *scrub)
{
    return scrub->text;
}

enum scrub_damage scrub_damage(const struct scrub *scrub)
{
    return scrub->damage;
}

uint64_t scrub_damaged_run(const struct scrub *scrub)
{
    return scrub->damaged_run;
}

static uint64_t more_of(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

struct scrub_stats scrub_stats(const struct scrub *scrub)
{
    struct scrub_stats stats = scrub->stats;
    stats.damaged = more_of(scrub->damaged_now, scrub->damaged_before);
    stats.missing = more_of(scrub->missing_now, scrub->missing_before);
    return stats;
}

int scrub_new(const struct ledger_cursor_log *log, const struct scrub_options *options,
              struct scrub **ret_scrub)
{
    struct scrub *scrub = calloc(1, sizeof *scrub);
    if (scrub == NULL)
        return -ERR_MEMORY;
    scrub->log = *log;
    scrub->options = *options;
    scrub_file_init(&scrub->file);
    int result = scrub_tree_init(&scrub->tree);
    if (result == 0)
        result = ledger_check_new(scrub->check_text, &scrub->check);
    if (result < 0) {
        scrub_free(scrub);
        return result;
    }
    *ret_scrub = scrub;
    return 0;
}

void scrub_free(struct scrub *scrub)
{
    if (scrub == NULL)
        return;
    scrub_file_done(&scrub->file);
    scrub_tree_done(&scrub->tree);
    close_verdicts(scrub);
    ledger_check_free(scrub->check);
    free(scrub);
}
