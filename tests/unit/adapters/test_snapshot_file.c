/* test_snapshot_file.c - adapters/embedded/snapshot_file.h: whatever a crash or a bad disk does,
 * the newest snapshot that was kept is found, or, when it is damaged, the one before it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "adapters/embedded/snapshot_file.h"
#include "adapters/faulty/faulty_disk.h"
#include "base/error.h"
#include "maker.h"

#define SAVES 5

static struct snapshot_store *store_on(struct faulty_disk *disk)
{
    struct snapshot_file_options options = {.keep = 2};
    struct snapshot_store *store = NULL;
    assert_int_equal(snapshot_file_new(&options, faulty_disk_of(disk), &store), 0);
    return store;
}

static void name_of(uint64_t seq, char name[64])
{
    (void)snprintf(name, 64, "snapshot-0000-%020llu.snap", (unsigned long long)seq);
}

/* The story: a state that grows, saved SAVES times. */
struct story {
    struct faulty_disk *disk;
    struct maker maker;
    uint64_t seqs[SAVES];
    uint8_t hashes[SAVES][32];
    size_t kept_ops[SAVES]; /* operations after which it was kept */
};

static void grow(struct maker *m)
{
    char key[16];
    (void)snprintf(key, sizeof key, "k%llu", (unsigned long long)shard_state_seq(m->state));
    struct parts bet = parts_bet(m, 1, 1, key);
    parts_stake(m, &bet, 10, (struct odds){21, 10});
    maker_accept(m, &bet);
}

static void tell(struct story *story)
{
    story->disk = faulty_disk_new();
    maker_open(&story->maker);
    struct snapshot_store *store = store_on(story->disk);
    for (size_t i = 0; i < SAVES; i++) {
        grow(&story->maker);
        story->seqs[i] = shard_state_seq(story->maker.state);
        assert_int_equal(shard_state_hash(story->maker.state, story->hashes[i]), 0);
        assert_int_equal(store->ops->save(store, story->maker.state), 0);
        story->kept_ops[i] = faulty_disk_ops_count(story->disk);
    }
    store->ops->free(store);
}

static void end(struct story *story)
{
    maker_done(&story->maker);
    faulty_disk_free(story->disk);
}

/* What is found: NULL, or what is wrong with it. */
static const char *found_wrong(const struct story *story, struct faulty_disk *disk,
                               uint64_t seq_min)
{
    struct snapshot_store *store = store_on(disk);
    struct snapshot_found found;
    struct shard_state *state = NULL;
    const char *wrong = NULL;
    uint8_t hash[32];
    if (store->ops->load(store, UINT64_MAX, &MAKER_LIMITS, &state, &found) < 0)
        wrong = "nothing can be read";
    else if (found.seq < seq_min)
        wrong = "a snapshot that was kept is lost";
    else if (found.seq != shard_state_seq(state))
        wrong = "the state is not the one that was found";
    for (size_t i = 0; wrong == NULL && i < SAVES; i++)
        if (story->seqs[i] == found.seq &&
            (shard_state_hash(state, hash) < 0 || memcmp(hash, story->hashes[i], 32) != 0))
            wrong = "the state is another one";
    shard_state_free(state);
    store->ops->free(store);
    return wrong;
}

static const char *search(const struct story *story, int ignored_why)
{
    size_t count = faulty_disk_ops_count(story->disk);
    for (size_t ops = 0; ops <= count; ops++)
        for (uint64_t seed = 0; seed < 8; seed++) {
            uint64_t seq_min = 0;
            for (size_t i = 0; i < SAVES; i++)
                if (story->kept_ops[i] <= ops)
                    seq_min = story->seqs[i];
            struct faulty_disk *after = faulty_disk_crash(story->disk, ops, seed, ignored_why);
            const char *wrong = found_wrong(story, after, seq_min);
            faulty_disk_free(after);
            if (wrong != NULL)
                return wrong;
        }
    return NULL;
}

TEST(snapshot_file, any_crash_leaves_the_newest_that_was_kept)
{
    static struct story story;
    tell(&story);
    assert_null(search(&story, FAULTY_DISK_NO_WHY));
    end(&story);
}

TEST(snapshot_file, needs_both_of_its_syncs)
{
    static struct story story;
    tell(&story);
    assert_non_null(search(&story, DISK_WHY_SNAPSHOT));
    assert_non_null(search(&story, DISK_WHY_SNAPSHOT_NAME));
    end(&story);
}

TEST(snapshot_file, keeps_so_many_and_no_more)
{
    static struct story story;
    struct snapshot_name names[SNAPSHOT_FILES_MAX];
    size_t count = 0;
    tell(&story);
    assert_int_equal(snapshot_file_list(faulty_disk_of(story.disk), 0, names, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(names[0].seq, story.seqs[SAVES - 2]);
    assert_int_equal(names[1].seq, story.seqs[SAVES - 1]);
    end(&story);
}

static struct snapshot_found load(struct faulty_disk *disk, uint64_t seq_max)
{
    struct snapshot_store *store = store_on(disk);
    struct snapshot_found found;
    struct shard_state *state = NULL;
    assert_int_equal(store->ops->load(store, seq_max, &MAKER_LIMITS, &state, &found), 0);
    assert_int_equal(shard_state_seq(state), found.seq);
    shard_state_free(state);
    store->ops->free(store);
    return found;
}

/* A second fold that began again behind damaged ones writes numbers below theirs. */
TEST(snapshot_file, a_damaged_newer_one_never_costs_the_one_just_saved)
{
    static struct story story;
    struct snapshot_name names[SNAPSHOT_FILES_MAX];
    size_t count = 0;
    char name[64];
    tell(&story);
    for (size_t i = SAVES - 2; i < SAVES; i++) { /* the two that are kept get numbers far ahead */
        name_of(story.seqs[i], name);
        char ahead[64];
        name_of(story.seqs[i] + 1000000, ahead);
        struct disk *disk = faulty_disk_of(story.disk);
        assert_int_equal(disk->ops->rename(disk, name, ahead), 0);
    }
    struct snapshot_store *store = store_on(story.disk);
    for (int i = 0; i < 3; i++) {
        grow(&story.maker);
        assert_int_equal(store->ops->save(store, story.maker.state), 0);
        assert_int_equal(load(story.disk, UINT64_MAX).seq, shard_state_seq(story.maker.state));
    }
    assert_int_equal(snapshot_file_list(faulty_disk_of(story.disk), 0, names, &count), 0);
    assert_int_equal(count, 4); /* two that are kept, and two that do not count */
    store->ops->free(store);
    end(&story);
}

TEST(snapshot_file, a_damaged_one_is_named_and_the_one_before_it_is_used)
{
    static struct story story;
    char name[64];
    tell(&story);
    name_of(story.seqs[SAVES - 1], name);
    for (uint64_t offset = 0; offset < 1500; offset += 251) {
        assert_true(faulty_disk_flip(story.disk, name, offset, 3));
        struct snapshot_found found = load(story.disk, UINT64_MAX);
        assert_int_equal(found.seq, story.seqs[SAVES - 2]);
        assert_int_equal(found.damaged, 1);
        assert_memory_equal(found.text, name, strlen(name));
        assert_true(faulty_disk_flip(story.disk, name, offset, 3));
    }
    uint64_t bytes = 0;
    assert_non_null(faulty_disk_content(story.disk, name, &bytes));
    for (uint64_t size = 0; size < bytes; size += 301) {
        assert_true(faulty_disk_set_size(story.disk, name, size));
        assert_int_equal(load(story.disk, UINT64_MAX).seq, story.seqs[SAVES - 2]);
    }
    name_of(story.seqs[SAVES - 2], name);
    assert_true(faulty_disk_flip(story.disk, name, 700, 0));
    struct snapshot_found none = load(story.disk, UINT64_MAX);
    assert_int_equal(none.seq, 0);
    assert_int_equal(none.damaged, 2);
    end(&story);
}

TEST(snapshot_file, one_that_is_beyond_what_was_asked_is_told_and_not_used)
{
    static struct story story;
    tell(&story);
    struct snapshot_found found = load(story.disk, story.seqs[SAVES - 1] - 1);
    assert_int_equal(found.seq, story.seqs[SAVES - 2]);
    assert_int_equal(found.seq_max, story.seqs[SAVES - 1]);
    assert_int_equal(found.damaged, 0);
    end(&story);
}

TEST(snapshot_file, a_name_that_lies_is_damage)
{
    static struct story story;
    char name[64], lie[64];
    tell(&story);
    name_of(story.seqs[SAVES - 1], name);
    name_of(1000, lie);
    struct disk *disk = faulty_disk_of(story.disk);
    assert_int_equal(disk->ops->rename(disk, name, lie), 0);
    struct snapshot_found found = load(story.disk, UINT64_MAX);
    assert_int_equal(found.seq, story.seqs[SAVES - 2]);
    assert_int_equal(found.damaged, 1);
    end(&story);
}

TEST(snapshot_file, more_than_the_limits_is_an_answer_and_no_damage)
{
    static struct story story;
    struct snapshot_found found;
    struct shard_state *none = NULL;
    struct shard_limits limits = MAKER_LIMITS;
    tell(&story);
    limits.bets_max = SAVES - 1;
    struct snapshot_store *store = store_on(story.disk);
    assert_int_equal(store->ops->load(store, UINT64_MAX, &limits, &none, &found), -ERR_LIMIT);
    assert_int_equal(found.damaged, 0);
    store->ops->free(store);
    end(&story);
}

/* Whichever write or sync fails, what was there is there, and the next one succeeds. */
TEST(snapshot_file, a_failed_save_leaves_what_was_there)
{
    for (unsigned nth = 1; nth <= 8; nth++) {
        static struct story story;
        tell(&story);
        struct snapshot_store *store = store_on(story.disk);
        grow(&story.maker);
        if (nth <= 4)
            faulty_disk_fail_write(story.disk, nth);
        else
            faulty_disk_fail_sync(story.disk, nth - 4);
        int error = store->ops->save(store, story.maker.state);
        assert_true(error == -ERR_IO || (nth != 1 && nth != 5 && nth != 6));
        faulty_disk_fail_write(story.disk, 0);
        faulty_disk_fail_sync(story.disk, 0);
        assert_true(load(story.disk, UINT64_MAX).seq >= story.seqs[SAVES - 1]);
        assert_int_equal(store->ops->save(store, story.maker.state), 0);
        assert_int_equal(load(story.disk, UINT64_MAX).seq, shard_state_seq(story.maker.state));
        store->ops->free(store);
        end(&story);
    }
}

TEST(snapshot_file, a_full_disk_costs_the_snapshot_and_its_space_is_given_back)
{
    static struct story story;
    tell(&story);
    struct snapshot_store *store = store_on(story.disk);
    struct disk *disk = faulty_disk_of(story.disk);
    char name[80];
    int file = -1;
    grow(&story.maker);
    faulty_disk_limit(story.disk, 2 * 2048 + 512);
    assert_int_equal(store->ops->save(store, story.maker.state), -ERR_NO_SPACE);
    name_of(shard_state_seq(story.maker.state), name);
    memcpy(name + strlen(name), ".new", 5);
    assert_int_equal(disk->ops->open(disk, name, false, &file), -ERR_NOT_FOUND);
    /* What a crash left under way goes with the next save. */
    assert_int_equal(
        disk->ops->open(disk, "snapshot-0000-00000000000000000009.snap.new", true, &file), 0);
    disk->ops->close(disk, file);
    faulty_disk_limit(story.disk, 0);
    assert_int_equal(store->ops->save(store, story.maker.state), 0);
    assert_int_equal(
        disk->ops->open(disk, "snapshot-0000-00000000000000000009.snap.new", false, &file),
        -ERR_NOT_FOUND);
    store->ops->free(store);
    end(&story);
}
