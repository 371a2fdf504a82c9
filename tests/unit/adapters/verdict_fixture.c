/* verdict_fixture.c - contract in verdict_fixture.h. */
#include "verdict_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "base/error.h"
#include "ledger/shard_verdicts.h"

#define GROUP_BYTES (64u << 10)
#define KEYS_MAX    20000

struct group {
    char bytes[GROUP_BYTES];
    size_t used;
    uint32_t count;
};

static struct ledger_view view_of(void *owner)
{
    return ledger_store_view(((struct verdict_fixture *)owner)->store);
}

static void append(struct verdict_fixture *f, struct group *group)
{
    struct ledger_append append = {.epoch = f->store->epoch,
                                   .expected_tail = f->store->place.seq,
                                   .records = group->bytes,
                                   .bytes = group->used,
                                   .count = group->count};
    if (group->count > 0)
        assert_int_equal(ledger_store_append(f->store, &append), APPEND_OK);
    group->used = group->count = 0;
}

static void add(struct verdict_fixture *f, struct group *group, const struct parts *parts)
{
    maker_accept(&f->maker, parts);
    uint32_t bytes = f->maker.view.head->bytes;
    if (GROUP_BYTES - group->used < bytes)
        append(f, group);
    memcpy(group->bytes + group->used, f->maker.view.head, bytes);
    group->used += bytes;
    group->count++;
}

void verdict_fixture_begin(struct verdict_fixture *f)
{
    struct ledger_store_options options = {.segment_bytes = 1u << 20, .creation = 5};
    struct ledger_report report;
    struct ledger_cursor_log log = {view_of, f};
    static struct group group;
    uint64_t epoch = 0;
    *f = (struct verdict_fixture){.log_disk = faulty_disk_new(), .disk = faulty_disk_new()};
    f->seqs = calloc(KEYS_MAX, sizeof *f->seqs);
    assert_non_null(f->seqs);
    assert_int_equal(ledger_store_open(&options, faulty_disk_of(f->log_disk), &report, &f->store),
                     0);
    assert_int_equal(ledger_store_take_epoch(f->store, &epoch), 0);
    assert_int_equal(ledger_cursor_file_new(&log, &f->cursor), 0);
    maker_empty(&f->maker, &MAKER_LIMITS);
    struct parts parts = parts_genesis(&f->maker);
    add(f, &group, &parts);
    parts = parts_opened(&f->maker);
    add(f, &group, &parts);
    parts = parts_account(&f->maker, "ada");
    add(f, &group, &parts);
    parts = parts_market(&f->maker, "1.1", 2);
    add(f, &group, &parts);
    append(f, &group);
}

void verdict_fixture_end(struct verdict_fixture *f)
{
    verdict_fixture_close(f);
    f->cursor->ops->free(f->cursor);
    ledger_store_free(f->store);
    faulty_disk_free(f->log_disk);
    faulty_disk_free(f->disk);
    maker_done(&f->maker);
    free(f->seqs);
}

void verdict_fixture_deposit(struct verdict_fixture *f, uint32_t count)
{
    static struct group group;
    for (uint32_t i = 0; i < count; i++) {
        char key[16];
        uint32_t n = f->deposits++;
        assert_true(n < KEYS_MAX);
        (void)snprintf(key, sizeof key, "k%u", n);
        struct parts parts = parts_deposit(&f->maker, 1, 5, key);
        f->seqs[n] = shard_state_seq(f->maker.state) + 1;
        add(f, &group, &parts);
        if (n % FIXTURE_FENCE_EVERY == 0) {
            parts = parts_fence(&f->maker, 1, MARKET_SUSPENDED_STATUS);
            add(f, &group, &parts);
        }
    }
    append(f, &group);
}

void verdict_fixture_again(struct verdict_fixture *f, uint32_t n)
{
    static struct group group;
    char key[16];
    (void)snprintf(key, sizeof key, "k%u", n);
    (void)shard_state_forget_verdicts(f->maker.state, UINT64_MAX, UINT32_MAX);
    struct parts parts = parts_deposit(&f->maker, 1, 5, key);
    add(f, &group, &parts);
    append(f, &group);
}

void verdict_fixture_open(struct verdict_fixture *f, uint32_t chunk_keys, uint64_t filter_bytes)
{
    const struct verdict_runs_options options = {0, chunk_keys, filter_bytes};
    assert_int_equal(
        verdict_runs_open(&options, faulty_disk_of(f->disk), f->cursor, &f->report, &f->runs), 0);
}

void verdict_fixture_close(struct verdict_fixture *f)
{
    verdict_runs_free(f->runs);
    f->runs = NULL;
}

int verdict_fixture_run(struct verdict_fixture *f)
{
    int more = VERDICT_MORE;
    for (unsigned steps = 0; more > 0; steps++) {
        more = verdict_runs_step(f->runs);
        assert_true(steps < 1000000); /* else it never ends */
    }
    return more;
}

void verdict_fixture_cover(struct verdict_fixture *f)
{
    uint64_t tail = f->store->place.seq;
    verdict_runs_want(f->runs, tail);
    assert_int_equal(verdict_fixture_run(f), VERDICT_IDLE);
    assert_int_equal(verdict_runs_covered(f->runs), tail);
}

struct hash128 verdict_fixture_key(const struct verdict_fixture *f, uint32_t n)
{
    char key[16];
    (void)snprintf(key, sizeof key, "k%u", n);
    return shard_verdict_key(shard_state_hash_key(f->maker.state), (struct account_ref){1},
                             OPERATION_DEPOSIT, slice_text(key));
}

static const char *found_wrong(struct verdict_fixture *f, uint32_t n)
{
    uint64_t seq = 0, covered = 0;
    uint64_t promised = verdict_runs_covered(f->runs);
    int error = verdict_runs_find(f->runs, verdict_fixture_key(f, n), &seq, &covered);
    bool used = n < f->deposits;
    if (error != 0 && error != -ERR_NOT_FOUND)
        return "a look-up failed";
    if (error == 0 && (!used || seq != f->seqs[n]))
        return "a key is answered with another's record";
    if (error == -ERR_NOT_FOUND && covered < promised)
        return "it covers less than was said";
    if (used && f->seqs[n] <= promised && error != 0)
        return "an old key looks new";
    if (used && f->seqs[n] <= promised &&
        !verdict_runs_may_have(f->runs, verdict_fixture_key(f, n)))
        return "the filter does not know an old key";
    return NULL;
}

const char *verdict_fixture_wrong(struct verdict_fixture *f)
{
    const char *wrong = NULL;
    for (uint32_t n = 0; wrong == NULL && n < f->deposits + 20; n++)
        wrong = found_wrong(f, n);
    return wrong;
}
