/* test_tree_keeper.c - the tree beside a running log: heads, proofs, gaps, and what shows when the
 * log is not what was signed. */
#include "adapters/embedded/tree_keeper.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/embedded/ledger_file.h"
#include "adapters/embedded/tree_audit.h"
#include "adapters/embedded/tree_heads.h"
#include "adapters/faulty/faulty_disk.h"
#include "base/error.h"
#include "log_records.h"
#include "sign_pem.h"
#include "test.h"

#define RECORD_BYTES 64
#define GROUP        100

struct scene {
    struct faulty_disk *log_disk, *tree_disk;
    struct sign_key *key;
    struct ledger_log *log;
    struct tree_keeper *keeper;
    const char *heads_file;
    int64_t interval_us;
    bool rotates; /* the history that is signed has heads of two keys */
    uint64_t epoch, tail;
    int appended;
};

static struct scene begin(void)
{
    struct scene s = {
        .log_disk = faulty_disk_new(), .tree_disk = faulty_disk_new(), .interval_us = 1000};
    assert_int_equal(sign_key_new(SLICE(SIGN_PEM), &s.key), 0);
    return s;
}

static void end(struct scene *s)
{
    faulty_disk_free(s->log_disk);
    faulty_disk_free(s->tree_disk);
    sign_key_free(s->key);
}

static int next_key(void *owner, const struct tree_rotate *rotate, uint32_t links,
                    struct sign_key **ret_key, struct buf *why)
{
    (void)owner, (void)rotate, (void)links, (void)why;
    return sign_key_new(SLICE(SIGN_PEM_2), ret_key);
}

static void use_key(struct scene *s, const char *pem)
{
    sign_key_free(s->key);
    assert_int_equal(sign_key_new(slice_text(pem), &s->key), 0);
}

static int start(struct scene *s, char text[TREE_KEEPER_TEXT_BYTES])
{
    struct ledger_file_options options = {.store = {.segment_bytes = 1u << 20, .creation = 77}};
    const struct tree_keeper_options keeper = {.key = s->key,
                                               .interval_us = 1000,
                                               .on_demand_per_s = 1000000,
                                               .heads_file = s->heads_file,
                                               .next_key = next_key};
    assert_int_equal(tree_keeper_new(&keeper, &s->keeper), 0);
    options.follower = tree_keeper_follower(s->keeper);
    assert_int_equal(ledger_file_open(&options, faulty_disk_of(s->log_disk), NULL, &s->log), 0);
    assert_int_equal(s->log->ops->take_epoch(s->log, 0, &s->epoch), 0);
    s->tail = s->log->ops->tail(s->log, 0);
    return tree_keeper_start(s->keeper, faulty_disk_of(s->tree_disk), s->log, text);
}

static void started(struct scene *s)
{
    char text[TREE_KEEPER_TEXT_BYTES];
    assert_int_equal(start(s, text), 0);
}

static void stop(struct scene *s)
{
    tree_keeper_detach(s->keeper);
    s->log->ops->free(s->log);
    tree_keeper_free(s->keeper);
}

static void on_appended(struct ledger_append *append, enum append_outcome outcome)
{
    assert_int_equal(outcome, APPEND_OK);
    ((struct scene *)append->owner)->appended++;
}

static void append(struct scene *s, uint32_t count, uint32_t bytes, uint64_t generation)
{
    static char memory[LEDGER_APPEND_BYTES_MAX];
    struct ledger_append group = {.epoch = s->epoch,
                                  .expected_tail = s->tail,
                                  .records = memory,
                                  .count = count,
                                  .on_done = on_appended,
                                  .owner = s};
    int before = s->appended;
    group.bytes = log_records_make(memory, bytes, s->tail + 1, count, generation);
    assert_int_equal(s->log->ops->append(s->log, &group), 0);
    while (s->appended == before) {
        s->log->ops->poll(s->log);
        sched_yield();
    }
    s->tail += count;
}

struct asked {
    struct tree_ask ask;
    struct tree_entry entry;
    struct merkle_proof path;
    char record[4096];
    int done, error;
};

static void on_asked(struct tree_ask *ask, int error)
{
    struct asked *asked = ask->owner;
    asked->done++;
    asked->error = error;
}

static int ask(struct scene *s, struct asked *asked)
{
    struct ledger_tree *tree = tree_keeper_tree(s->keeper);
    asked->ask.on_done = on_asked;
    asked->ask.owner = asked;
    asked->done = 0;
    assert_int_equal(tree->ops->ask(tree, &asked->ask), 0);
    while (asked->done == 0) {
        tree->ops->poll(tree);
        sched_yield();
    }
    assert_int_equal(asked->done, 1);
    return asked->error;
}

static int ask_record(struct scene *s, struct asked *asked, uint64_t seq, uint64_t generation)
{
    memset(asked, 0, sizeof *asked);
    log_record_make(asked->record, RECORD_BYTES, seq, generation);
    asked->entry = (struct tree_entry){seq, slice_of(asked->record, RECORD_BYTES), &asked->path};
    asked->ask.entries = &asked->entry;
    asked->ask.count = 1;
    return ask(s, asked);
}

static void expect_proved(const struct asked *asked)
{
    struct sha256 *sha = NULL;
    struct merkle_hash leaf;
    struct tree_head head;
    assert_int_equal(sha256_new(&sha), 0);
    assert_int_equal(tree_head_read(asked->ask.head, &head), 0);
    merkle_leaf(sha, asked->entry.record, &leaf);
    assert_true(merkle_check_inclusion(sha, &leaf, asked->entry.seq - 1, &head.root, &asked->path));
    sha256_free(sha);
}

TEST(tree_keeper, proves_each_record_as_soon_as_it_is_durable)
{
    struct scene s = begin();
    static struct asked asked;
    started(&s);
    for (int i = 0; i < 300; i++) { /* at once: neither hash nor head is there yet */
        append(&s, GROUP, RECORD_BYTES, 1);
        assert_int_equal(ask_record(&s, &asked, s.tail, 1), 0);
        expect_proved(&asked);
        assert_int_equal(ask_record(&s, &asked, s.tail / 2, 1), 0);
        expect_proved(&asked);
    }
    stop(&s);
    end(&s);
}

/* The same log beside a keeper without a thread. */
static void started_stepped(struct scene *s)
{
    struct ledger_file_options options = {.store = {.segment_bytes = 1u << 20, .creation = 77}};
    const struct tree_keeper_options keeper = {
        .key = s->key,
        .interval_us = s->interval_us,
        .on_demand_per_s = 1000000,
        .checkpoint_records = GROUP,
    };
    char text[TREE_KEEPER_TEXT_BYTES];
    assert_int_equal(tree_keeper_new(&keeper, &s->keeper), 0);
    options.follower = tree_keeper_follower(s->keeper);
    assert_int_equal(ledger_file_open(&options, faulty_disk_of(s->log_disk), NULL, &s->log), 0);
    assert_int_equal(s->log->ops->take_epoch(s->log, 0, &s->epoch), 0);
    s->tail = s->log->ops->tail(s->log, 0);
    const struct tree_log log = tree_log_of_file(s->log);
    assert_int_equal(tree_keeper_open(s->keeper, faulty_disk_of(s->tree_disk), &log, s->tail, text),
                     0);
}

static void step_until_hashed(struct scene *s)
{
    struct tree_keeper_stats stats;
    do {
        tree_keeper_step(s->keeper);
        tree_keeper_stats(s->keeper, &stats);
        assert_int_equal(stats.error, 0);
    } while (stats.size < s->tail);
}

TEST(tree_keeper, is_stepped_without_a_thread)
{
    struct scene s = begin();
    struct tree_keeper_stats stats;
    started_stepped(&s);
    append(&s, GROUP, RECORD_BYTES, 1);
    tree_keeper_stats(s.keeper, &stats);
    assert_int_equal(stats.size, 0);
    step_until_hashed(&s);
    stop(&s); /* makes durable what the steps did */
    started_stepped(&s);
    tree_keeper_stats(s.keeper, &stats);
    assert_int_equal(stats.size, GROUP);
    append(&s, GROUP, RECORD_BYTES, 1);
    tree_keeper_abandon(s.keeper); /* as a crash: nothing was hashed yet */
    s.log->ops->free(s.log);
    started_stepped(&s);
    tree_keeper_stats(s.keeper, &stats);
    assert_int_equal(stats.size, GROUP);
    step_until_hashed(&s);
    stop(&s);
    end(&s);
}

TEST(tree_keeper, takes_what_is_appended_before_it_has_caught_up)
{
    struct scene s = begin();
    started_stepped(&s);
    append(&s, GROUP, RECORD_BYTES, 1);
    tree_keeper_abandon(s.keeper);
    s.log->ops->free(s.log);
    started_stepped(&s);                /* the tree is behind the log ... */
    append(&s, GROUP, RECORD_BYTES, 1); /* ... and the log grows before the first step */
    step_until_hashed(&s);
    stop(&s);
    end(&s);
}

TEST(tree_keeper, answers_busy_for_what_is_not_there_yet_and_damage_for_what_is_other)
{
    struct scene s = begin();
    static struct asked asked;
    started(&s);
    assert_int_equal(ask_record(&s, &asked, 1, 1), -ERR_NOT_FOUND); /* no head of nothing */
    append(&s, GROUP, RECORD_BYTES, 1);
    assert_int_equal(tree_keeper_catch_up(s.keeper), 0);
    assert_int_equal(ask_record(&s, &asked, GROUP + 1, 1), -ERR_BUSY);
    assert_int_equal(ask_record(&s, &asked, 5, 2), -ERR_CORRUPT);
    asked = (struct asked){.ask = {.consistency = true, .from = GROUP + 1}};
    assert_int_equal(ask(&s, &asked), -ERR_NOT_FOUND);
    stop(&s);
    end(&s);
}

TEST(tree_keeper, proves_that_a_head_begins_with_an_older_one)
{
    struct scene s = begin();
    static struct asked first, second;
    struct tree_head old, new;
    struct sha256 *sha = NULL;
    assert_int_equal(sha256_new(&sha), 0);
    started(&s);
    append(&s, 37, RECORD_BYTES, 1);
    assert_int_equal(tree_keeper_catch_up(s.keeper), 0);
    assert_int_equal(ask_record(&s, &first, 37, 1), 0);
    append(&s, 64, RECORD_BYTES, 1);
    assert_int_equal(tree_keeper_catch_up(s.keeper), 0);
    assert_int_equal(ask_record(&s, &second, 101, 1), 0);
    second.ask.consistency = true;
    second.ask.from = 37;
    assert_int_equal(ask(&s, &second), 0);
    assert_int_equal(tree_head_read(first.ask.head, &old), 0);
    assert_int_equal(tree_head_read(second.ask.head, &new), 0);
    assert_int_equal(old.root.size, 37);
    assert_int_equal(new.root.size, 101);
    assert_true(merkle_check_consistency(sha, &old.root, &new.root, &second.ask.consistency_path));
    sha256_free(sha);
    stop(&s);
    end(&s);
}

static struct merkle_root root_now(struct scene *s, uint64_t generation)
{
    static struct asked asked;
    struct tree_head head;
    assert_int_equal(tree_keeper_catch_up(s->keeper), 0);
    assert_int_equal(ask_record(s, &asked, s->tail, generation), 0);
    assert_int_equal(tree_head_read(asked.ask.head, &head), 0);
    assert_int_equal(head.root.size, s->tail);
    return head.root;
}

TEST(tree_keeper, catches_up_from_the_log_whatever_is_missing)
{
    struct scene s = begin();
    started(&s);
    for (int i = 0; i < 50; i++)
        append(&s, GROUP, RECORD_BYTES, 1);
    struct merkle_root root = root_now(&s, 1);
    stop(&s);
    started(&s); /* from its checkpoint */
    struct merkle_root again = root_now(&s, 1);
    assert_memory_equal(&again, &root, sizeof root);
    stop(&s);
    faulty_disk_free(s.tree_disk); /* from nothing: a tree was never kept, or was lost */
    s.tree_disk = faulty_disk_new();
    started(&s);
    again = root_now(&s, 1);
    assert_memory_equal(&again, &root, sizeof root);
    append(&s, GROUP, RECORD_BYTES, 1);
    (void)root_now(&s, 1);
    stop(&s);
    end(&s);
}

/* The tree's disk stalls at a checkpoint; the log goes on, far beyond the ring. */
TEST(tree_keeper, never_makes_the_log_wait_and_reads_back_what_it_missed)
{
    struct scene s = begin();
    struct tree_keeper_stats stats;
    started(&s);
    faulty_disk_hold_syncs(s.tree_disk, true);
    while (s.tail < TREE_CHECKPOINT_RECORDS + TREE_RING_BYTES / 48 + 100000)
        append(&s, 10000, 48, 1);
    tree_keeper_stats(s.keeper, &stats);
    assert_true(stats.groups_left > 0);
    assert_true(stats.behind > 0);
    faulty_disk_hold_syncs(s.tree_disk, false);
    append(&s, GROUP, RECORD_BYTES, 1);
    struct merkle_root root = root_now(&s, 1);
    tree_keeper_stats(s.keeper, &stats);
    assert_true(stats.gaps > 0);
    stop(&s);
    faulty_disk_free(s.tree_disk);
    s.tree_disk = faulty_disk_new();
    started(&s); /* the whole log at once gives the same */
    struct merkle_root again = root_now(&s, 1);
    assert_memory_equal(&again, &root, sizeof root);
    stop(&s);
    end(&s);
}

TEST(tree_keeper, signs_nothing_that_is_not_confirmed)
{
    struct scene s = begin();
    static struct asked asked;
    started(&s);
    tree_keeper_confirm(s.keeper, 3);
    append(&s, 10, RECORD_BYTES, 1);
    assert_int_equal(tree_keeper_catch_up(s.keeper), 0);
    assert_int_equal(ask_record(&s, &asked, 4, 1), -ERR_BUSY); /* a proof of it is a promise */
    assert_int_equal(ask_record(&s, &asked, 3, 1), 0);
    expect_proved(&asked);
    struct tree_head head;
    assert_int_equal(tree_head_read(asked.ask.head, &head), 0);
    assert_int_equal(head.root.size, 3);
    tree_keeper_confirm(s.keeper, 10);
    assert_int_equal(ask_record(&s, &asked, 4, 1), 0);
    expect_proved(&asked);
    tree_keeper_confirm(s.keeper, 0); /* as at a start: what was signed stays signed */
    append(&s, 10, RECORD_BYTES, 1);
    assert_int_equal(tree_keeper_catch_up(s.keeper), 0);
    assert_int_equal(ask_record(&s, &asked, 4, 1), 0);
    assert_int_equal(ask_record(&s, &asked, 11, 1), -ERR_BUSY);
    stop(&s);
    end(&s);
}

TEST(tree_keeper, keeps_its_heads_and_says_them_outside)
{
    struct scene s = begin();
    char path[] = "/tmp/overround-heads-XXXXXX", line[400];
    int file = mkstemp(path);
    assert_true(file >= 0);
    s.heads_file = path;
    started(&s);
    append(&s, GROUP, RECORD_BYTES, 1);
    (void)root_now(&s, 1);
    append(&s, GROUP, RECORD_BYTES, 1);
    (void)root_now(&s, 1);
    stop(&s);
    FILE *lines = fdopen(file, "r");
    uint64_t last = 0;
    while (fgets(line, sizeof line, lines) != NULL) {
        unsigned char bytes[TREE_HEAD_BYTES];
        struct tree_head head;
        assert_int_equal(tree_head_read_text(slice_text(line), bytes, &head), 0);
        assert_true(head.root.size > last);
        last = head.root.size;
    }
    assert_int_equal(last, 2 * GROUP);
    (void)fclose(lines);
    unlink(path);
    unsigned char newest[TREE_HEAD_BYTES];
    struct tree_head head;
    s.heads_file = "/nowhere/heads"; /* is counted, and harms nothing */
    started(&s);
    assert_true(tree_keeper_tree(s.keeper)->ops->newest(tree_keeper_tree(s.keeper), newest));
    assert_int_equal(tree_head_read(newest, &head), 0);
    assert_int_equal(head.root.size, 2 * GROUP);
    append(&s, GROUP, RECORD_BYTES, 1);
    (void)root_now(&s, 1);
    struct tree_keeper_stats stats;
    tree_keeper_stats(s.keeper, &stats);
    assert_true(stats.anchor_errors > 0);
    assert_int_equal(stats.error, 0);
    stop(&s);
    end(&s);
}

/* ---- a log that is not what was signed ---- */

static void on_rotated(struct tree_rotate *rotate, int error)
{
    assert_int_equal(error, 0);
    *(bool *)rotate->owner = true;
}

static void rotate_key(struct scene *s)
{
    struct ledger_tree *tree = tree_keeper_tree(s->keeper);
    bool done = false;
    struct tree_rotate rotate = {.to = TREE_KEY_FILE, .on_done = on_rotated, .owner = &done};
    assert_int_equal(tree->ops->rotate(tree, &rotate), 0);
    while (!done) {
        tree->ops->poll(tree);
        sched_yield();
    }
}

static void on_refused(struct tree_rotate *rotate, int error)
{
    *(int *)rotate->owner = error;
}

/* A head that a power failure took may have covered all that the log has at a start. */
TEST(tree_keeper, changes_no_key_before_all_that_may_have_been_signed_is_confirmed)
{
    struct scene s = begin();
    int error = 1;
    struct tree_rotate rotate = {.to = TREE_KEY_FILE, .on_done = on_refused, .owner = &error};
    started(&s);
    append(&s, 10, RECORD_BYTES, 1);
    assert_int_equal(tree_keeper_catch_up(s.keeper), 0);
    stop(&s);
    s.rotates = true;
    started(&s);
    tree_keeper_confirm(s.keeper, 3);
    struct ledger_tree *tree = tree_keeper_tree(s.keeper);
    assert_int_equal(tree->ops->rotate(tree, &rotate), 0);
    while (error == 1) {
        tree->ops->poll(tree);
        sched_yield();
    }
    assert_int_equal(error, -ERR_BUSY);
    tree_keeper_confirm(s.keeper, 10);
    rotate_key(&s);
    stop(&s);
    end(&s);
}

/* Signs heads at 100, 200 .. 500 records, from 300 on with another key where it rotates; the newest
 * is answered. */
static struct tree_head sign_history(struct scene *s)
{
    unsigned char newest[TREE_HEAD_BYTES];
    struct tree_head head;
    use_key(s, SIGN_PEM);
    started(s);
    for (int i = 0; i < 5; i++) {
        append(s, GROUP, RECORD_BYTES, 1);
        (void)root_now(s, 1);
        if (s->rotates && i == 2)
            rotate_key(s);
    }
    assert_true(tree_keeper_tree(s->keeper)->ops->newest(tree_keeper_tree(s->keeper), newest));
    assert_int_equal(tree_head_read(newest, &head), 0);
    stop(s);
    if (s->rotates)
        use_key(s, SIGN_PEM_2);
    return head;
}

/* Another log in its place, whole and with the same creation id: what one makes who can write to
 * the disk and knows the format. Record `other` is of another generation, 0: none; records `swap`
 * and swap + 1 changed places. */
static void replace_log(struct scene *s, uint64_t size, uint64_t other, uint64_t swap)
{
    struct ledger_file_options options = {.store = {.segment_bytes = 1u << 20, .creation = 77}};
    faulty_disk_free(s->log_disk);
    s->log_disk = faulty_disk_new();
    assert_int_equal(ledger_file_open(&options, faulty_disk_of(s->log_disk), NULL, &s->log), 0);
    assert_int_equal(s->log->ops->take_epoch(s->log, 0, &s->epoch), 0);
    s->tail = 0;
    while (s->tail < size) {
        char record[RECORD_BYTES];
        uint64_t seq = s->tail + 1;
        uint64_t content = seq;
        if (swap != 0 && (seq == swap || seq == swap + 1))
            content = seq == swap ? seq + 1 : swap;
        log_record_make(record, RECORD_BYTES, content, seq == other ? 2 : 1);
        memcpy(record + 8, &seq, sizeof seq); /* dense all the same */
        struct ledger_append group = {.epoch = s->epoch,
                                      .expected_tail = s->tail,
                                      .records = record,
                                      .bytes = RECORD_BYTES,
                                      .count = 1,
                                      .on_done = on_appended,
                                      .owner = s};
        int before = s->appended;
        assert_int_equal(s->log->ops->append(s->log, &group), 0);
        while (s->appended == before)
            s->log->ops->poll(s->log);
        s->tail++;
    }
    s->log->ops->free(s->log);
}

static int audit_with(struct scene *s, const struct tree_audit *asked,
                      struct tree_audit_report *report)
{
    struct ledger_file_options options = {.store = {.segment_bytes = 1u << 20}};
    struct tree_audit audit = *asked;
    struct ledger_log *log = NULL;
    assert_int_equal(ledger_file_open(&options, faulty_disk_of(s->log_disk), NULL, &log), 0);
    audit.log = tree_log_of_file(log);
    int error = tree_audit(&audit, report);
    log->ops->free(log);
    return error;
}

static int audit(struct scene *s, bool with_tree, const struct tree_head *outside,
                 struct tree_audit_report *report)
{
    const struct tree_audit audit = {.disk = with_tree ? faulty_disk_of(s->tree_disk) : NULL,
                                     .outside = outside,
                                     .outside_count = outside == NULL ? 0 : 1};
    return audit_with(s, &audit, report);
}

TEST(tree_audit, finds_nothing_wrong_with_the_log_that_was_signed)
{
    struct scene s = begin();
    struct tree_audit_report report;
    struct tree_head head = sign_history(&s);
    assert_int_equal(audit(&s, true, &head, &report), 0);
    assert_int_equal(report.root.size, 500);
    assert_int_equal(report.tiles_size, 500);
    assert_true(report.heads_kept >= 5);
    assert_int_equal(report.heads_outside, 1);
    replace_log(&s, 600, 0, 0); /* the same records and more: the past is whole */
    assert_int_equal(audit(&s, false, &head, &report), 0);
    end(&s);
}

/* A link and a head of no record, signed while a standby has confirmed none. */
TEST(tree_audit, takes_what_was_signed_before_a_record_was_confirmed)
{
    struct scene s = begin();
    struct tree_audit_report report;
    s.rotates = true;
    started(&s);
    tree_keeper_confirm(s.keeper, 0);
    append(&s, 10, RECORD_BYTES, 1);
    assert_int_equal(tree_keeper_catch_up(s.keeper), 0);
    rotate_key(&s);
    tree_keeper_confirm(s.keeper, 10);
    stop(&s);
    assert_int_equal(audit(&s, true, NULL, &report), 0);
    assert_int_equal(report.links, 1);
    end(&s);
}

/* Each attack, found by the head alone that somebody else holds, and by what the book kept; in a
 * history of one key and in one of two. */
static void expect_found(uint64_t size, uint64_t other, uint64_t swap, const char *said)
{
    for (int rotates = 0; rotates <= 1; rotates++) {
        struct scene s = begin();
        struct tree_audit_report report;
        s.rotates = rotates;
        struct tree_head head = sign_history(&s);
        assert_int_equal(audit(&s, true, &head, &report), 0);
        assert_int_equal(report.links, rotates);
        replace_log(&s, size, other, swap);
        assert_int_equal(audit(&s, false, &head, &report), -ERR_CORRUPT);
        if (strstr(report.text, said) == NULL)
            fail_msg("'%s' does not say '%s'", report.text, said);
        assert_int_equal(audit(&s, false, NULL, &report), 0); /* from inside it cannot be seen */
        assert_int_equal(audit(&s, true, NULL, &report), -ERR_CORRUPT);
        end(&s);
    }
}

TEST(tree_audit, finds_a_log_that_was_cut)
{
    expect_found(499, 0, 0, "the log ends at record 499");
}

TEST(tree_audit, finds_a_record_that_was_rewritten)
{
    expect_found(500, 1, 0, "these are not the records that were signed");
    expect_found(500, 257, 0, "these are not the records that were signed");
    expect_found(500, 400, 0, "these are not the records that were signed");
    expect_found(600, 500, 0, "these are not the records that were signed");
}

TEST(tree_audit, finds_records_that_changed_places)
{
    expect_found(500, 0, 123, "these are not the records that were signed");
}

/* Both histories are whole and begin alike; each fits its own head only. */
TEST(tree_audit, finds_a_forked_history_and_says_how_far_it_agrees)
{
    struct scene s = begin();
    struct tree_audit_report report;
    struct tree_head head = sign_history(&s), other;
    replace_log(&s, 500, 250, 0);
    faulty_disk_free(s.tree_disk); /* the fork has a tree and heads of its own, well signed */
    struct faulty_disk *own = s.tree_disk = faulty_disk_new();
    started(&s);
    struct merkle_root root;
    assert_int_equal(tree_keeper_catch_up(s.keeper), 0);
    root = root_now(&s, 1);
    unsigned char bytes[TREE_HEAD_BYTES];
    assert_true(tree_keeper_tree(s.keeper)->ops->newest(tree_keeper_tree(s.keeper), bytes));
    assert_int_equal(tree_head_read(bytes, &other), 0);
    stop(&s);
    assert_int_equal(root.size, 500);
    assert_false(merkle_equal(&root.hash, &head.root.hash));
    assert_ptr_equal(own, s.tree_disk);
    assert_int_equal(audit(&s, true, &other, &report), 0);
    assert_int_equal(audit(&s, true, &head, &report), -ERR_CORRUPT);
    assert_non_null(strstr(report.text, "the outside head of 500 records"));
    end(&s);
}

/* The chain of a book that handed its key over at `size` records. */
static void chain_of(struct scene *s, uint64_t size, struct tree_chain *ret)
{
    uint64_t bytes = 0;
    struct sha256 *sha = NULL;
    assert_int_equal(sha256_new(&sha), 0);
    memset(ret, 0, sizeof *ret);
    const char *at = faulty_disk_content(s->tree_disk, "keys-0000", &bytes);
    assert_int_equal(bytes, TREE_LINK_BYTES);
    assert_int_equal(tree_chain_add(ret, sha, (const unsigned char *)at), CHAIN_OK);
    assert_int_equal(ret->links[0].root.size, size);
    sha256_free(sha);
}

/* One key handed over twice, in two histories: each is whole, and one link convicts it. */
TEST(tree_audit, finds_a_key_that_made_two_links)
{
    struct scene s = begin();
    struct tree_audit_report report;
    static struct tree_chain first, second;
    s.rotates = true;
    struct tree_head head = sign_history(&s);
    chain_of(&s, 300, &first);
    const struct tree_audit kept = {.disk = faulty_disk_of(s.tree_disk), .links_outside = &first};
    assert_int_equal(audit_with(&s, &kept, &report), 0);
    const struct tree_audit outside = {
        .outside = &head, .outside_count = 1, .links_outside = &first};
    assert_int_equal(audit_with(&s, &outside, &report), 0);
    assert_memory_equal(report.key, head.key, sizeof head.key);
    faulty_disk_free(s.tree_disk);
    s.tree_disk = faulty_disk_new();
    use_key(&s, SIGN_PEM);
    started(&s);
    (void)root_now(&s, 1);
    rotate_key(&s);
    stop(&s);
    chain_of(&s, 500, &second);
    const struct tree_audit forked = {.disk = faulty_disk_of(s.tree_disk), .links_outside = &first};
    assert_int_equal(audit_with(&s, &forked, &report), -ERR_CORRUPT);
    assert_non_null(strstr(report.text, "one key made two"));
    end(&s);
}

/* Heads of a key that was not, not yet or no longer in use. */
TEST(tree_audit, finds_a_head_of_the_wrong_key)
{
    struct scene s = begin();
    struct tree_audit_report report;
    struct sign_key *keys[3] = {NULL, NULL, NULL};
    static const char *const pems[3] = {SIGN_PEM, SIGN_PEM_2, SIGN_PEM_3};
    static const char *const said[3] = {"no longer in use", NULL, "no link leads"};
    unsigned char bytes[TREE_HEAD_BYTES];
    s.rotates = true;
    struct tree_head good = sign_history(&s);
    for (int i = 0; i < 3; i++) { /* all of them sign the same, true root */
        struct tree_head head = good;
        assert_int_equal(sign_key_new(slice_text(pems[i]), &keys[i]), 0);
        assert_int_equal(tree_head_sign(&head, keys[i], bytes), 0);
        assert_int_equal(audit(&s, true, &head, &report), said[i] == NULL ? 0 : -ERR_CORRUPT);
        assert_true(said[i] == NULL || strstr(report.text, said[i]) != NULL);
        sign_key_free(keys[i]);
    }
    struct tree_head early = good;
    early.time_us = 1;
    assert_int_equal(audit(&s, true, &early, &report), -ERR_CORRUPT);
    assert_non_null(strstr(report.text, "not yet in use"));
    end(&s);
}

TEST(tree_audit, finds_a_tile_that_was_changed)
{
    struct scene s = begin();
    struct tree_audit_report report;
    (void)sign_history(&s);
    assert_true(faulty_disk_flip(s.tree_disk, "tree-0000-0", 17 * 32 + 4, 1));
    assert_int_equal(audit(&s, true, NULL, &report), -ERR_CORRUPT);
    assert_non_null(strstr(report.text, "hash 17 of level 0"));
    end(&s);
}

/* Once the tree covers the records again. */
static void expect_consistency(struct scene *s)
{
    static struct asked asked;
    asked = (struct asked){.ask = {.consistency = true, .from = 6}};
    int error = ask(s, &asked);
    while (error == -ERR_BUSY)
        error = ask(s, &asked);
    assert_int_equal(error, 0);
}

/* A start looks at the right edge alone; what stands left of it the scrub has found. */
TEST(tree_keeper, makes_a_tree_again_that_is_distrusted)
{
    struct scene s = begin();
    (void)sign_history(&s);
    assert_true(faulty_disk_flip(s.tree_disk, "tree-0000-0", 5 * 32 + 4, 1));
    started(&s);
    tree_keeper_distrust(s.keeper);
    stop(&s);
    started(&s);
    assert_int_equal(tree_keeper_catch_up(s.keeper), 0);
    expect_consistency(&s);
    stop(&s);
    end(&s);
}

TEST(tree_keeper, gives_no_proof_of_consistency_over_a_damaged_tile)
{
    struct scene s = begin();
    static struct asked asked;
    (void)sign_history(&s);
    assert_true(faulty_disk_flip(s.tree_disk, "tree-0000-0", 5 * 32 + 4, 1));
    started(&s);
    asked = (struct asked){.ask = {.consistency = true, .from = 6}};
    assert_int_equal(ask(&s, &asked), -ERR_CORRUPT);
    stop(&s);
    started(&s); /* the tree is made again */
    expect_consistency(&s);
    stop(&s);
    end(&s);
}

static int ask_stepped(struct scene *s, struct asked *asked)
{
    struct ledger_tree *tree = tree_keeper_tree(s->keeper);
    asked->ask.on_done = on_asked;
    asked->ask.owner = asked;
    asked->done = 0;
    assert_int_equal(tree->ops->ask(tree, &asked->ask), 0);
    tree_keeper_step(s->keeper);
    tree->ops->poll(tree);
    assert_int_equal(asked->done, 1);
    return asked->error;
}

TEST(tree_keeper, makes_the_tree_again_when_a_kept_head_does_not_fit_a_damaged_tile)
{
    struct scene s = begin();
    static struct asked asked;
    struct tree_keeper_stats stats;
    s.interval_us = INT64_MAX / 2; /* no head by the clock, however long the machine runs already */
    started_stepped(&s);
    for (int i = 0; i < 7; i++) {
        append(&s, GROUP, RECORD_BYTES, 1);
        step_until_hashed(&s);
        asked = (struct asked){.ask = {.count = 0}};
        if (i == 4) /* a head of 500 records, and none of the 700 that are hashed */
            assert_int_equal(ask_stepped(&s, &asked), 0);
    }
    tree_keeper_abandon(s.keeper);
    s.log->ops->free(s.log);
    assert_true(faulty_disk_flip(s.tree_disk, "tree-0000-0", 300 * 32 + 4, 1));
    started_stepped(&s);
    asked = (struct asked){.ask = {.consistency = true, .from = 500}};
    assert_int_equal(ask_stepped(&s, &asked), -ERR_CORRUPT);
    stop(&s);
    started_stepped(&s);
    tree_keeper_stats(s.keeper, &stats);
    assert_int_equal(stats.size, 0);
    step_until_hashed(&s);
    asked = (struct asked){.ask = {.consistency = true, .from = 500}};
    assert_int_equal(ask_stepped(&s, &asked), 0);
    stop(&s);
    end(&s);
}

TEST(tree_keeper, does_not_start_on_a_log_shorter_than_what_was_signed)
{
    struct scene s = begin();
    char text[TREE_KEEPER_TEXT_BYTES];
    (void)sign_history(&s);
    replace_log(&s, 499, 0, 0);
    assert_int_equal(start(&s, text), -ERR_CORRUPT);
    assert_non_null(strstr(text, "499 records"));
    stop(&s);
    end(&s);
}

TEST(tree_keeper, signs_nothing_more_for_a_history_that_was_rewritten)
{
    struct scene s = begin();
    static struct asked asked;
    (void)sign_history(&s);
    replace_log(&s, 600, 300, 0);
    assert_true(faulty_disk_delete(s.tree_disk, "tree-0000")); /* so that it is hashed again */
    started(&s);
    int error = 0;
    while ((error = ask_record(&s, &asked, 600, 1)) == -ERR_BUSY)
        ;
    assert_true(error == -ERR_CORRUPT || error == -ERR_STOPPED);
    unsigned char newest[TREE_HEAD_BYTES];
    struct tree_head head;
    assert_true(tree_keeper_tree(s.keeper)->ops->newest(tree_keeper_tree(s.keeper), newest));
    assert_int_equal(tree_head_read(newest, &head), 0);
    assert_int_equal(head.root.size, 500);
    stop(&s);
    end(&s);
}
