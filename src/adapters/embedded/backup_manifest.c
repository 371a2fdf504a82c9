/* backup_manifest.c - contract in backup_manifest.h. */
#include "adapters/embedded/backup_manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/reserve.h"
#include "base/rfc3339.h"
#include "core/ids.h"

#define FIRST_LINE "overround-backup 1"
#define SUM_WORD   "sum "
#define WORDS_MAX  5

const char *backup_folder_text(enum backup_folder folder)
{
    static const char *const texts[] = {"ledger", "tree", "odds"};
    return texts[folder];
}

int backup_manifest_new(struct backup_manifest **ret_manifest)
{
    struct backup_manifest *manifest = calloc(1, sizeof *manifest);
    if (manifest == NULL)
        return -ERR_MEMORY;
    manifest->files = reserve_new(BACKUP_FILES_MAX, sizeof *manifest->files);
    if (manifest->files == NULL) {
        free(manifest);
        return -ERR_MEMORY;
    }
    *ret_manifest = manifest;
    return 0;
}

void backup_manifest_free(struct backup_manifest *manifest)
{
    if (manifest == NULL)
        return;
    reserve_free(manifest->files, BACKUP_FILES_MAX, sizeof *manifest->files);
    free(manifest);
}

int backup_manifest_add(struct backup_manifest *manifest, const struct backup_file *file)
{
    if (manifest->files_count == BACKUP_FILES_MAX)
        return -ERR_LIMIT;
    manifest->files[manifest->files_count++] = *file;
    return 0;
}

/* Asked once for each file of a backup, in nearly their order: so it looks on from the last hit.
 * The place is a hint only. */
const struct backup_file *backup_manifest_find(const struct backup_manifest *manifest,
                                               enum backup_folder folder, const char *name)
{
    static _Thread_local size_t hint;
    for (size_t i = 0; i < manifest->files_count; i++) {
        size_t at = (hint + i) % manifest->files_count;
        const struct backup_file *file = &manifest->files[at];
        if (file->folder == folder && strcmp(file->name, name) == 0) {
            hint = at;
            return file;
        }
    }
    return NULL;
}

/* ---- writing ---- */

static void put_hex(struct buf *out, const void *from, size_t bytes)
{
    const unsigned char *at = from;
    for (size_t i = 0; i < bytes; i++)
        buf_printf(out, "%02x", at[i]);
}

static void put_hash(struct buf *out, const char *word, const void *from, size_t bytes)
{
    buf_printf(out, "%s ", word);
    put_hex(out, from, bytes);
    buf_put_char(out, '\n');
}

static void put_time(struct buf *out, const char *word, int64_t time_us)
{
    buf_printf(out, "%s %" PRId64 " ", word, time_us);
    rfc3339_write(out, (struct instant){time_us});
    buf_put_char(out, '\n');
}

static int put_tree(struct buf *out, const struct backup_manifest *manifest)
{
    struct merkle_hash root;
    struct sha256 *sha;
    TRY(sha256_new(&sha));
    merkle_range_root(&manifest->range, sha, &root);
    sha256_free(sha);
    put_hash(out, "root", root.at, sizeof root.at);
    for (unsigned level = 0; level < MERKLE_LEVELS; level++)
        if ((manifest->range.size >> level & 1) != 0)
            put_hash(out, "peak", manifest->range.peaks[level].at, SHA256_BYTES);
    if (manifest->has_head)
        put_hash(out, "head", manifest->head, sizeof manifest->head);
    return 0;
}

static void put_file(struct buf *out, const struct backup_file *file)
{
    buf_printf(out, "file %s/%s %" PRIu64 " %" PRIu64 " ", backup_folder_text(file->folder),
               file->name, file->bytes, file->counted);
    put_hex(out, file->sha256, sizeof file->sha256);
    buf_put_char(out, '\n');
}

static int sum_of(struct slice text, unsigned char ret[SHA256_BYTES])
{
    struct sha256 *sha;
    TRY(sha256_new(&sha));
    sha256_digest(sha, text, ret);
    sha256_free(sha);
    return 0;
}

static int write_manifest(const struct backup_manifest *manifest, struct buf *out)
{
    unsigned char sum[SHA256_BYTES];
    buf_put_text(out, FIRST_LINE "\n");
    buf_printf(out, "creation %016" PRIx64 "\n", manifest->creation);
    put_hash(out, "book", manifest->book_id, sizeof manifest->book_id);
    buf_printf(out, "shard %" PRIu32 "\n", manifest->shard);
    buf_printf(out, "seq %" PRIu64 "\n", manifest->seq);
    put_time(out, "time", manifest->time_us);
    put_time(out, "made", manifest->made_us);
    buf_printf(out, "epoch %" PRIu64 "\n", manifest->epoch);
    buf_printf(out, "accounts %" PRIu64 "\n", manifest->accounts);
    buf_printf(out, "odds_epoch %" PRIu32 "\n", manifest->odds_epoch);
    TRY(put_tree(out, manifest));
    for (size_t i = 0; i < manifest->files_count; i++)
        put_file(out, &manifest->files[i]);
    if (!out->overflow)
        TRY(sum_of(buf_slice(out), sum));
    put_hash(out, "sum", sum, out->overflow ? 0 : sizeof sum);
    return 0;
}

/* ---- reading ---- */

struct line {
    struct slice words[WORDS_MAX];
    size_t count; /* above WORDS_MAX: too many */
};

struct parse {
    struct backup_manifest *manifest;
    struct merkle_hash root;
    unsigned peaks; /* levels below it are read */
    uint32_t seen;  /* a bit for each single line */
};

static bool take_u64(struct slice word, uint64_t *ret)
{
    uint64_t value = 0;
    if (word.bytes == 0)
        return false;
    for (size_t i = 0; i < word.bytes; i++) {
        if (word.at[i] < '0' || word.at[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(word.at[i] - '0'), &value))
            return false;
    }
    *ret = value;
    return true;
}

static bool take_u32(struct slice word, uint32_t *ret)
{
    uint64_t value;
    if (!take_u64(word, &value) || value > UINT32_MAX)
        return false;
    *ret = (uint32_t)value;
    return true;
}

static bool take_time(struct slice word, int64_t *ret)
{
    uint64_t value;
    if (!take_u64(word, &value) || value > INT64_MAX)
        return false;
    *ret = (int64_t)value;
    return true;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool take_hex(struct slice word, void *ret, size_t bytes)
{
    unsigned char *to = ret;
    if (word.bytes != 2 * bytes)
        return false;
    for (size_t i = 0; i < bytes; i++) {
        int high = digit(word.at[2 * i]), low = digit(word.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        to[i] = (unsigned char)(high * 16 + low);
    }
    return true;
}

static bool take_creation(struct slice word, uint64_t *ret)
{
    unsigned char bytes[8];
    if (!take_hex(word, bytes, sizeof bytes))
        return false;
    *ret = 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        *ret = *ret << 8 | bytes[i];
    return true;
}

/* "folder/name": a plain name, for it goes to a disk. */
static bool take_path(struct slice word, struct backup_file *ret)
{
    for (unsigned f = 0; f < BACKUP_FOLDERS; f++) {
        struct slice folder = slice_text(backup_folder_text((enum backup_folder)f));
        size_t begin = folder.bytes + 1;
        if (word.bytes <= begin || !slice_begins(word, folder) || word.at[folder.bytes] != '/')
            continue;
        size_t bytes = word.bytes - begin;
        const char *name = word.at + begin;
        if (bytes > DISK_NAME_BYTES_MAX || name[0] == '.' || memchr(name, '/', bytes) != NULL ||
            memchr(name, '\0', bytes) != NULL)
            return false;
        ret->folder = (enum backup_folder)f;
        memcpy(ret->name, name, bytes);
        ret->name[bytes] = '\0';
        return true;
    }
    return false;
}

static bool take_file(struct parse *parse, const struct line *line)
{
    struct backup_file file = {.counted = 0};
    return line->count == 5 && take_path(line->words[1], &file) &&
           take_u64(line->words[2], &file.bytes) && take_u64(line->words[3], &file.counted) &&
           file.counted <= file.bytes &&
           take_hex(line->words[4], file.sha256, sizeof file.sha256) &&
           backup_manifest_add(parse->manifest, &file) == 0;
}

/* They stand from the lowest level up, and the size, which says of which levels, before them. */
static bool take_peak(struct parse *parse, const struct line *line)
{
    struct merkle_range *range = &parse->manifest->range;
    while (parse->peaks < MERKLE_LEVELS && (range->size >> parse->peaks & 1) == 0)
        parse->peaks++;
    return parse->peaks < MERKLE_LEVELS &&
           take_hex(line->words[1], range->peaks[parse->peaks++].at, SHA256_BYTES);
}

static bool take_head(struct parse *parse, const struct line *line)
{
    struct tree_head head;
    parse->manifest->has_head = true;
    return take_hex(line->words[1], parse->manifest->head, TREE_HEAD_BYTES) &&
           tree_head_read(parse->manifest->head, &head) == 0;
}

static bool take_seq(struct parse *parse, const struct line *line)
{
    struct backup_manifest *m = parse->manifest;
    bool good = take_u64(line->words[1], &m->seq) && m->seq > 0 && m->seq <= MERKLE_SIZE_MAX;
    m->range.size = m->seq;
    return good;
}

enum single {
    SINGLE_CREATION,
    SINGLE_BOOK,
    SINGLE_SHARD,
    SINGLE_SEQ,
    SINGLE_TIME,
    SINGLE_MADE,
    SINGLE_EPOCH,
    SINGLE_ACCOUNTS,
    SINGLE_ODDS_EPOCH,
    SINGLE_ROOT,
    SINGLE_HEAD,
    SINGLE_COUNT,
};

static bool take_single(struct parse *parse, enum single what, const struct line *line)
{
    struct backup_manifest *m = parse->manifest;
    struct slice word = line->words[1];
    switch (what) {
    case SINGLE_CREATION:
        return take_creation(word, &m->creation);
    case SINGLE_BOOK:
        return take_hex(word, m->book_id, sizeof m->book_id);
    case SINGLE_SHARD:
        return take_u32(word, &m->shard) && m->shard < BET_ID_SHARDS_MAX;
    case SINGLE_SEQ:
        return take_seq(parse, line);
    case SINGLE_TIME:
        return take_time(word, &m->time_us);
    case SINGLE_MADE:
        return take_time(word, &m->made_us);
    case SINGLE_EPOCH:
        return take_u64(word, &m->epoch);
    case SINGLE_ACCOUNTS:
        return take_u64(word, &m->accounts);
    case SINGLE_ODDS_EPOCH:
        return take_u32(word, &m->odds_epoch);
    case SINGLE_ROOT:
        return take_hex(word, parse->root.at, sizeof parse->root.at);
    case SINGLE_HEAD:
        return take_head(parse, line);
    case SINGLE_COUNT:
        break;
    }
    return false;
}

static bool take_line(struct parse *parse, const struct line *line)
{
    static const char *const words[] = {"creation",   "book", "shard", "seq",
                                        "time",       "made", "epoch", "accounts",
                                        "odds_epoch", "root", "head"};
    if (slice_is(line->words[0], "file"))
        return take_file(parse, line);
    if (line->count < 2 || line->count > 3)
        return false;
    if (slice_is(line->words[0], "peak"))
        return take_peak(parse, line);
    for (unsigned what = 0; what < SINGLE_COUNT; what++) {
        if (!slice_is(line->words[0], words[what]))
            continue;
        bool again = (parse->seen >> what & 1) != 0;
        parse->seen |= 1u << what;
        return !again && take_single(parse, (enum single)what, line);
    }
    return false;
}

static struct line split(struct slice text)
{
    struct line line = {.count = 0};
    size_t begin = 0;
    for (size_t i = 0; i <= text.bytes; i++) {
        if (i < text.bytes && text.at[i] != ' ')
            continue;
        if (line.count < WORDS_MAX)
            line.words[line.count] = slice_of(text.at + begin, i - begin);
        line.count++;
        begin = i + 1;
    }
    return line;
}

/* All but the last line, which is the hash of them; NULL when it is. */
static const char *check_sum(struct slice *text)
{
    size_t tail = sizeof SUM_WORD - 1 + (size_t)2 * SHA256_BYTES + 1;
    unsigned char sum[SHA256_BYTES], said[SHA256_BYTES];
    if (text->bytes < tail || text->at[text->bytes - 1] != '\n')
        return "it is truncated";
    const char *last = text->at + text->bytes - tail;
    if (memcmp(last, SUM_WORD, sizeof SUM_WORD - 1) != 0 ||
        !take_hex(slice_of(last + sizeof SUM_WORD - 1, (size_t)2 * SHA256_BYTES), said,
                  sizeof said))
        return "its last line is no sum";
    text->bytes -= tail;
    if (sum_of(*text, sum) < 0 || memcmp(sum, said, sizeof sum) != 0)
        return "its sum is wrong";
    return NULL;
}

/* What its lines say together. */
static const char *whole_wrong(struct parse *parse)
{
    uint32_t all = (1u << SINGLE_COUNT) - 1, optional = 1u << SINGLE_HEAD;
    struct merkle_hash root;
    struct sha256 *sha;
    if ((parse->seen | optional) != all)
        return "a line is missing";
    while (parse->peaks < MERKLE_LEVELS && (parse->manifest->range.size >> parse->peaks & 1) == 0)
        parse->peaks++;
    if (parse->peaks != MERKLE_LEVELS)
        return "a peak is missing";
    if (sha256_new(&sha) < 0)
        return "no memory for a hash";
    merkle_range_root(&parse->manifest->range, sha, &root);
    sha256_free(sha);
    return merkle_equal(&root, &parse->root) ? NULL : "its peaks are not those of its root";
}

static const char *read_lines(struct slice text, struct parse *parse)
{
    bool first = true;
    while (text.bytes > 0) {
        const char *end = memchr(text.at, '\n', text.bytes);
        if (end == NULL)
            return "it is truncated";
        size_t bytes = (size_t)(end - text.at);
        struct line line = split(slice_of(text.at, bytes));
        if (first && !slice_is(slice_of(text.at, bytes), FIRST_LINE))
            return "it is no manifest that this program knows";
        if (!first && !take_line(parse, &line))
            return "a line makes no sense";
        first = false;
        text = slice_of(end + 1, text.bytes - bytes - 1);
    }
    return whole_wrong(parse);
}

static int read_manifest(struct slice text, struct backup_manifest *manifest,
                         const char **ret_wrong)
{
    struct parse parse = {.manifest = manifest};
    const char *wrong = check_sum(&text);
    if (wrong == NULL)
        wrong = read_lines(text, &parse);
    if (wrong == NULL)
        return 0;
    *ret_wrong = wrong;
    return -ERR_CORRUPT;
}

/* ---- the file ---- */

int backup_manifest_load(struct disk *root, struct backup_manifest *manifest,
                         const char **ret_wrong)
{
    size_t bytes = 0;
    char *memory = reserve_new(BACKUP_MANIFEST_BYTES_MAX, 1);
    if (memory == NULL)
        return -ERR_MEMORY;
    int error =
        disk_read_whole(root, BACKUP_MANIFEST_NAME, memory, BACKUP_MANIFEST_BYTES_MAX, &bytes);
    if (error == 0)
        error = read_manifest(slice_of(memory, bytes), manifest, ret_wrong);
    reserve_free(memory, BACKUP_MANIFEST_BYTES_MAX, 1);
    return error;
}

int backup_manifest_store(struct disk *root, const struct backup_manifest *manifest)
{
    char *memory = reserve_new(BACKUP_MANIFEST_BYTES_MAX, 1);
    if (memory == NULL)
        return -ERR_MEMORY;
    struct buf out = buf_over(memory, BACKUP_MANIFEST_BYTES_MAX);
    int error = write_manifest(manifest, &out);
    if (error == 0)
        error =
            out.overflow ? -ERR_LIMIT : disk_replace(root, BACKUP_MANIFEST_NAME, out.at, out.bytes);
    reserve_free(memory, BACKUP_MANIFEST_BYTES_MAX, 1);
    return error;
}
