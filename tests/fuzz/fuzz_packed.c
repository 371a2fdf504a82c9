/* fuzz_packed.c - any bytes as a packed segment: adapters/embedded/ledger_packed.h.
 * The first byte says what is made right before, for a fuzzer does not guess checksums: bit 0 the
 * head's and the table's, with the sizes that follow from the table, bit 1 the frames'. The second
 * and third say where the reads begin.
 * Properties: whatever is read is within the segment's size and the same when it is read again in
 * other pieces; what is refused names a byte of the file and a reason. */
#include <string.h>

#include "adapters/embedded/ledger_packed.h"
#include "adapters/faulty/faulty_disk.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"

#define INPUT_BYTES_MAX 65536
#define NAME            "fuzz.segz"

enum repair { REPAIR_HEAD = 1, REPAIR_FRAMES = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes);

static char input[INPUT_BYTES_MAX];

static void repair(size_t bytes, unsigned what)
{
    struct ledger_packed_head head;
    struct ledger_packed_chunk table[LEDGER_CHUNKS_MAX];
    if (bytes < sizeof head)
        return;
    memcpy(&head, input, sizeof head);
    if ((what & REPAIR_HEAD) != 0)
        head.chunks = head.bytes <= (uint64_t)LEDGER_CHUNKS_MAX * LEDGER_CHUNK_BYTES
                          ? ledger_packed_chunks(head.bytes)
                          : 0;
    size_t table_bytes = head.chunks * sizeof *table;
    if (head.chunks > LEDGER_CHUNKS_MAX || table_bytes > bytes - sizeof head)
        return;
    memcpy(table, input + sizeof head, table_bytes);
    uint64_t offset = sizeof head + table_bytes;
    for (uint32_t i = 0; i < head.chunks; i++) {
        uint64_t left = bytes - offset;
        if ((what & REPAIR_HEAD) != 0) {
            table[i].offset = offset;
            if (table[i].bytes > left || i + 1 == head.chunks)
                table[i].bytes = (uint32_t)left;
        }
        if (table[i].bytes > left || table[i].offset != offset)
            return;
        if ((what & REPAIR_FRAMES) != 0)
            table[i].crc = crc32c(0, input + offset, table[i].bytes);
        offset += table[i].bytes;
    }
    memcpy(input + sizeof head, table, table_bytes);
    head.file_bytes = bytes;
    if ((what & REPAIR_HEAD) != 0)
        ledger_packed_head_seal(&head, table);
    memcpy(input, &head, sizeof head);
}

static void check_problem(int result, const struct ledger_packed_problem *problem, size_t size)
{
    ASSERT(result == -ERR_CORRUPT);
    ASSERT(problem->text != NULL);
    ASSERT(problem->offset <= size);
}

static void check_piece(struct ledger_packed *packed, uint64_t offset, size_t size)
{
    static char whole[LEDGER_CHUNK_BYTES], half[LEDGER_CHUNK_BYTES];
    struct ledger_packed_problem problem = {NULL, 0};
    uint64_t segment = ledger_packed_head(packed)->bytes;
    size_t got = 0, again = 0;
    struct disk_piece piece = {-1, offset, whole, sizeof whole};
    int result = ledger_packed_read(packed, piece, &got, &problem);
    if (result < 0) {
        check_problem(result, &problem, size);
        return;
    }
    ASSERT(got == (segment < offset                  ? 0
                   : segment - offset < sizeof whole ? segment - offset
                                                     : sizeof whole));
    piece = (struct disk_piece){-1, offset + got / 2, half, got - got / 2};
    ASSERT(ledger_packed_read(packed, piece, &again, &problem) == 0);
    ASSERT(again == got - got / 2);
    ASSERT(memcmp(whole + got / 2, half, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes)
{
    struct ledger_packed *packed = NULL;
    struct ledger_packed_problem problem = {NULL, 0};
    int file = -1;
    if (bytes < 3 || bytes - 3 > INPUT_BYTES_MAX)
        return 0;
    size_t size = bytes - 3;
    uint64_t offset = (uint64_t)(at[1] | at[2] << 8) * DISK_SECTOR / 16;
    memcpy(input, at + 3, size);
    repair(size, at[0]);
    struct faulty_disk *fake = faulty_disk_new();
    struct disk *disk = faulty_disk_of(fake);
    ASSERT(disk->ops->open(disk, NAME, true, &file) == 0);
    ASSERT(disk->ops->write(disk, file, 0, input, size) == 0);
    ASSERT(ledger_packed_new(&packed) == 0);
    int result = ledger_packed_open(packed, disk, file, &problem);
    if (result < 0)
        check_problem(result, &problem, size);
    else
        check_piece(packed, offset, size);
    ledger_packed_free(packed);
    disk->ops->close(disk, file);
    faulty_disk_free(fake);
    return 0;
}
