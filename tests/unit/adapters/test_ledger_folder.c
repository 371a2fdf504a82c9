/* test_ledger_folder.c - adapters/embedded/ledger_folder.h: a folder says whose log lies in it. */
#include <string.h>

#include "test.h"

#include "adapters/embedded/ledger_file.h"
#include "adapters/embedded/ledger_folder.h"
#include "adapters/faulty/faulty_disk.h"
#include "base/error.h"

static struct faulty_disk *with_log_of(uint32_t shard)
{
    struct faulty_disk *fake = faulty_disk_new();
    const struct ledger_store_options options = {.shard = shard};
    struct ledger_report report;
    struct ledger_store *store = NULL;
    assert_int_equal(ledger_store_open(&options, faulty_disk_of(fake), &report, &store), 0);
    ledger_store_free(store);
    return fake;
}

TEST(ledger_folder, says_which_shard_lies_in_it)
{
    static const uint32_t shards[] = {0, 7, 1023};
    for (size_t i = 0; i < 3; i++) {
        struct faulty_disk *fake = with_log_of(shards[i]);
        char memory[128];
        struct buf why = buf_over(memory, sizeof memory - 1);
        uint32_t shard = 99;
        assert_int_equal(ledger_folder_shard(faulty_disk_of(fake), &shard), 0);
        assert_int_equal(shard, shards[i]);
        assert_int_equal(ledger_folder_check(faulty_disk_of(fake), shards[i], &why), 0);
        assert_int_equal(ledger_folder_check(faulty_disk_of(fake), 5, &why), -ERR_CONFIG);
        memory[why.bytes] = '\0';
        assert_non_null(strstr(memory, "not shard 5's"));
        faulty_disk_free(fake);
    }
}

TEST(ledger_folder, is_anybodys_while_it_is_empty_and_nobodys_with_two)
{
    struct faulty_disk *fake = faulty_disk_new();
    char memory[128];
    struct buf why = buf_over(memory, sizeof memory);
    uint32_t shard = 99;
    int file = -1;
    struct disk *disk = faulty_disk_of(fake);
    assert_int_equal(ledger_folder_shard(disk, &shard), 0);
    assert_int_equal(shard, 0);
    assert_int_equal(ledger_folder_check(disk, 3, &why), 0);
    static const char *const names[] = {"epoch-0003", "ledger-0004-0000000000.seg"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(disk->ops->open(disk, names[i], true, &file), 0);
        disk->ops->close(disk, file);
    }
    assert_int_equal(ledger_folder_shard(disk, &shard), -ERR_CONFIG);
    assert_int_equal(ledger_folder_check(disk, 3, &why), -ERR_CONFIG);
    faulty_disk_free(fake);
}
