/* test_bookmark_file.c - adapters/embedded/bookmark_file.h: a place is kept by a commit, whole or
 * as it was, whatever a crash leaves, and one member has it at a time. */
#include <string.h>

#include "test.h"

#include "adapters/embedded/bookmark_file.h"
#include "adapters/faulty/faulty_disk.h"
#include "base/error.h"

static struct event_bookmark *open_at(struct faulty_disk *disk)
{
    char memory[128];
    struct buf why = buf_over(memory, sizeof memory);
    struct event_bookmark *bookmark = NULL;
    assert_int_equal(
        bookmark_file_new(faulty_disk_of(disk), SLICE("g.bet-events"), &bookmark, &why), 0);
    return bookmark;
}

static struct event_place take(struct event_bookmark *bookmark)
{
    struct event_place place = {9, 9, 9};
    assert_int_equal(bookmark->ops->take(bookmark, &place), 0);
    return place;
}

TEST(bookmark_file, begins_before_everything_and_is_where_it_was_kept)
{
    struct faulty_disk *disk = faulty_disk_new();
    struct event_bookmark *bookmark = open_at(disk);
    struct event_place place = take(bookmark);
    assert_int_equal(place.position, 0);
    assert_int_equal(place.skip, 0);
    place = (struct event_place){UINT64_C(0x123456789abcdef0), 0xfedcba98, 77};
    assert_int_equal(bookmark->ops->keep(bookmark, &place), 0);
    bookmark->ops->free(bookmark);
    bookmark = open_at(disk);
    place = take(bookmark);
    assert_int_equal(place.position, UINT64_C(0x123456789abcdef0));
    assert_int_equal(place.skip, 0xfedcba98);
    assert_int_equal(place.log, 77);
    bookmark->ops->free(bookmark);
    faulty_disk_free(disk);
}

TEST(bookmark_file, is_of_one_member_at_a_time)
{
    struct faulty_disk *disk = faulty_disk_new();
    struct event_bookmark *first = open_at(disk), *second = open_at(disk);
    struct event_place place = take(first);
    assert_int_equal(second->ops->take(second, &place), -ERR_BUSY);
    first->ops->free(first);
    assert_int_equal(second->ops->take(second, &place), 0);
    second->ops->free(second);
    faulty_disk_free(disk);
}

/* After any crash the place is one that was kept, and none before the last that was answered; and
 * neither sync is made for nothing. */
static bool is_kept_without(int ignored_why)
{
    bool kept = true;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct faulty_disk *disk = faulty_disk_new();
        struct event_bookmark *bookmark = open_at(disk);
        (void)take(bookmark);
        for (uint64_t n = 1; n <= 3; n++) {
            const struct event_place place = {n, (uint32_t)n, n};
            assert_int_equal(bookmark->ops->keep(bookmark, &place), 0);
        }
        size_t ops = faulty_disk_ops_count(disk);
        bookmark->ops->free(bookmark);
        struct faulty_disk *after = faulty_disk_crash(disk, ops, seed, ignored_why);
        struct event_place place = {0, 0, 0};
        bookmark = open_at(after);
        int error = bookmark->ops->take(bookmark, &place);
        kept &= error == 0 && place.position == 3 && place.skip == 3;
        bookmark->ops->free(bookmark);
        faulty_disk_free(after);
        faulty_disk_free(disk);
    }
    return kept;
}

TEST(bookmark_file, keeps_what_it_answered_through_a_crash)
{
    assert_true(is_kept_without(FAULTY_DISK_NO_WHY));
    assert_false(is_kept_without(DISK_WHY_PLACE));
    assert_false(is_kept_without(DISK_WHY_PLACE_NAME));
}

TEST(bookmark_file, refuses_a_place_that_nobody_wrote)
{
    static const char *const texts[] = {"", "0",
                                        "0000000000000001 00000001 0000000000000001 00000000\n",
                                        "0000000000000001 00000001 000000000000000000000000000\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct faulty_disk *disk = faulty_disk_new();
        struct event_bookmark *bookmark = open_at(disk);
        struct event_place place;
        assert_int_equal(
            disk_replace(faulty_disk_of(disk), "g.bet-events.place", texts[i], strlen(texts[i])),
            0);
        assert_int_equal(bookmark->ops->take(bookmark, &place), -ERR_CORRUPT);
        bookmark->ops->free(bookmark);
        faulty_disk_free(disk);
    }
}

TEST(bookmark_file, names_are_such_as_files_can_have)
{
    static const char *const refused[] = {
        "",        "a/b", "../a",
        ".hidden", "a b", "01234567890123456789012345678901234567890123456789012"};
    char memory[256];
    struct faulty_disk *disk = faulty_disk_new();
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct buf why = buf_over(memory, sizeof memory);
        struct event_bookmark *bookmark = NULL;
        assert_int_equal(
            bookmark_file_new(faulty_disk_of(disk), slice_text(refused[i]), &bookmark, &why),
            -ERR_CONFIG);
        assert_true(why.bytes > 0);
    }
    faulty_disk_free(disk);
}
