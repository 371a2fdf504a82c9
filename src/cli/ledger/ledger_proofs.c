/* ledger_proofs.c - contract in ledger_proofs.h. */
#include "cli/ledger/ledger_proofs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/ledger_file.h"
#include "adapters/embedded/tree_audit.h"
#include "base/base64.h"
#include "base/error.h"
#include "cli/ledger/ledger_asking.h"
#include "ledger/proof_json.h"
#include "ledger/record.h"

#define PATH_BYTES_MAX 512
#define HEADS_MAX      (1u << 20) /* in one file */
#define OUT_BYTES_MAX                                                                              \
    (TREE_ASK_RECORDS_MAX * PROOF_JSON_ENTRY_BYTES_MAX(RECORD_BET_BYTES_MAX) +                     \
     PROOF_JSON_LINKS_BYTES_MAX(TREE_LINKS_MAX) + 4096)
#define HEAD_TEXT_BEGINS "T1ZSSEVBRD" /* base64 of "OVRHEAD" */
#define LINK_TEXT_BEGINS "T1ZSTElOSz" /* base64 of "OVRLINK" */

static int tree_folder(const char *data, char path[PATH_BYTES_MAX])
{
    int bytes = snprintf(path, PATH_BYTES_MAX, "%s/tree", data);
    return bytes < 0 || bytes >= PATH_BYTES_MAX ? -ERR_LIMIT : 0;
}

static int print(const struct buf *out)
{
    if (out->overflow || fwrite(out->at, 1, out->bytes, stdout) != out->bytes ||
        putchar('\n') == EOF)
        return -ERR_IO;
    return 0;
}

/* ---- head ---- */

static int use_head(struct ledger_asking *asking, struct buf *why)
{
    char memory[PROOF_JSON_HEAD_BYTES_MAX];
    struct buf out = buf_over(memory, sizeof memory);
    struct json_writer writer = json_write_begin(&out);
    struct tree_ask ask = {.count = 0};
    TRY(ledger_asking_ask(asking, &ask, why));
    proof_json_head(&writer, ask.head);
    return print(&out);
}

int ledger_proofs_head(struct ledger_opened *opened, const struct ledger_asked *asked,
                       struct buf *why)
{
    struct ledger_asking asking = {.opened = opened, .asked = asked};
    return ledger_asking_run(&asking, use_head, why);
}

/* ---- prove ---- */

/* The records of one bet, found by reading all. */
struct bet_records {
    uint64_t bet_id;
    uint32_t count;
    bool too_many;
    struct tree_entry entries[TREE_ASK_RECORDS_MAX];
    struct merkle_proof paths[TREE_ASK_RECORDS_MAX];
    _Alignas(8) char records[TREE_ASK_RECORDS_MAX][RECORD_BET_BYTES_MAX];
};

static int collect(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct bet_records *found = owner;
    struct record_view view;
    (void)shard;
    TRY(record_view_of(record, bytes, &view));
    if (record_bet_id(&view) != found->bet_id)
        return 0;
    if (found->count == TREE_ASK_RECORDS_MAX || bytes > RECORD_BET_BYTES_MAX) {
        found->too_many = true;
        return 0;
    }
    uint32_t at = found->count++;
    memcpy(found->records[at], record, bytes);
    found->entries[at] =
        (struct tree_entry){view.head->seq, slice_of(found->records[at], bytes), &found->paths[at]};
    return 0;
}

static int find_records(const struct ledger_asking *asking, struct bet_records *found,
                        struct buf *why)
{
    char text[LEDGER_REPORT_TEXT_BYTES];
    const char *bet = asking->asked->bet;
    char *rest = NULL;
    found->bet_id = bet == NULL ? 0 : strtoull(bet, &rest, 10);
    if (found->bet_id == 0 || *rest != '\0') {
        buf_put_text(why, "--bet is the id of a bet");
        return -ERR_CONFIG;
    }
    int error = ledger_file_replay(asking->opened->log, 1, collect, found, text);
    if (error < 0) {
        buf_put_text(why, text);
        return error;
    }
    if (found->count > 0 && !found->too_many)
        return 0;
    buf_printf(why, found->too_many ? "bet %s has more than 64 records" : "there is no bet %s",
               bet);
    return found->too_many ? -ERR_LIMIT : -ERR_NOT_FOUND;
}

static void write_proof(struct buf *out, const struct tree_ask *ask, const char *bet,
                        const struct tree_chain *chain)
{
    struct json_writer writer = json_write_begin(out);
    json_write_object_open(&writer);
    json_write_key(&writer, "bet_id");
    json_write_text(&writer, slice_text(bet));
    json_write_key(&writer, "entries");
    json_write_array_open(&writer);
    for (uint32_t i = 0; i < ask->count; i++) {
        const struct tree_entry *entry = &ask->entries[i];
        const struct proof_json_entry json = {0, entry->seq, entry->record, entry->path, ask->head};
        proof_json_entry(&writer, &json);
    }
    json_write_array_close(&writer);
    json_write_key(&writer, "head");
    proof_json_head(&writer, ask->head);
    proof_json_links(&writer, (const unsigned char(*)[TREE_LINK_BYTES])chain->bytes, chain->count);
    json_write_object_close(&writer);
}

static int use_prove(struct ledger_asking *asking, struct buf *why)
{
    static struct bet_records found; /* too large for the stack */
    static struct tree_chain chain;
    static char memory[OUT_BYTES_MAX];
    struct buf out = buf_over(memory, sizeof memory);
    TRY(find_records(asking, &found, why));
    TRY(ledger_asking_links(asking, &chain, why));
    struct tree_ask ask = {.entries = found.entries, .count = found.count};
    TRY(ledger_asking_ask(asking, &ask, why));
    write_proof(&out, &ask, asking->asked->bet, &chain);
    return print(&out);
}

int ledger_proofs_prove(struct ledger_opened *opened, const struct ledger_asked *asked,
                        struct buf *why)
{
    struct ledger_asking asking = {.opened = opened, .asked = asked};
    return ledger_asking_run(&asking, use_prove, why);
}

/* ---- verify ---- */

struct outside {
    struct tree_head *heads; /* owned */
    size_t count;
    struct tree_chain links;
    struct sha256 *sha; /* owned */
};

static int outside_new(struct outside **ret_outside)
{
    struct outside *outside = calloc(1, sizeof *outside);
    if (outside == NULL)
        return -ERR_MEMORY;
    *ret_outside = outside;
    outside->heads = calloc(HEADS_MAX, sizeof *outside->heads);
    return outside->heads == NULL ? -ERR_MEMORY : sha256_new(&outside->sha);
}

static void outside_free(struct outside *outside)
{
    if (outside == NULL)
        return;
    free(outside->heads);
    sha256_free(outside->sha);
    free(outside);
}

/* The same link may stand there many times: each proof brings all of them, from the first. */
static int add_link(struct outside *outside, struct slice text, struct buf *why)
{
    unsigned char bytes[TREE_LINK_BYTES];
    struct buf out = buf_over(bytes, sizeof bytes);
    enum tree_chain_verdict verdict = CHAIN_NO_LINK;
    if (base64_read_bare(text, &out) == 0 && out.bytes == sizeof bytes)
        verdict = tree_chain_check(&outside->links, outside->sha, bytes);
    for (uint32_t i = 0; i < outside->links.count; i++)
        if (out.bytes == sizeof bytes && memcmp(outside->links.bytes[i], bytes, sizeof bytes) == 0)
            return 0;
    if (verdict == CHAIN_OK) {
        (void)tree_chain_add(&outside->links, outside->sha, bytes);
        return 0;
    }
    buf_printf(why, "link %u of the signing keys in the file: %s", outside->links.count + 1,
               tree_chain_text(verdict));
    return -ERR_CORRUPT;
}

static int add_head(struct outside *outside, struct slice text, struct buf *why)
{
    unsigned char bytes[TREE_HEAD_BYTES];
    if (text.bytes == TREE_LINK_TEXT_BYTES - TREE_LINK_TEXT_PADDING &&
        slice_begins(text, SLICE(LINK_TEXT_BEGINS)))
        return add_link(outside, text, why);
    if (text.bytes != TREE_HEAD_TEXT_BYTES || !slice_begins(text, SLICE(HEAD_TEXT_BEGINS)))
        return 0;
    if (outside->count == HEADS_MAX) {
        buf_put_text(why, "the file has too many heads");
        return -ERR_LIMIT;
    }
    if (tree_head_read_text(text, bytes, &outside->heads[outside->count]) == 0) {
        outside->count++;
        return 0;
    }
    buf_printf(why, "head number %zu of the file is not signed by the key that it names",
               outside->count + 1);
    return -ERR_CORRUPT;
}

static bool is_base64(int c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

/* Heads are known by their first bytes, so lines, JSON heads and whole proofs may be given. */
static int read_heads(FILE *file, struct outside *outside, struct buf *why)
{
    char run[TREE_LINK_TEXT_BYTES + 1];
    size_t bytes = 0;
    int c;
    do {
        c = getc(file);
        if (c != EOF && is_base64(c)) {
            if (bytes < sizeof run)
                run[bytes++] = (char)c;
            continue;
        }
        TRY(add_head(outside, slice_of(run, bytes), why));
        bytes = 0;
    } while (c != EOF);
    if (ferror(file))
        return -ERR_IO;
    if (outside->count == 0) {
        buf_put_text(why, "there is no signed head in the file of --head");
        return -ERR_CONFIG;
    }
    return 0;
}

static int by_size(const void *a, const void *b)
{
    uint64_t left = ((const struct tree_head *)a)->root.size;
    uint64_t right = ((const struct tree_head *)b)->root.size;
    return left < right ? -1 : left > right;
}

static int load_outside(const char *path, struct outside *outside, struct buf *why)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        buf_printf(why, "cannot open %s", path);
        return -ERR_CONFIG;
    }
    int error = read_heads(file, outside, why);
    (void)fclose(file);
    if (error == 0)
        qsort(outside->heads, outside->count, sizeof *outside->heads, by_size);
    return error;
}

static void put_hex(const char *name, const unsigned char *bytes, size_t count)
{
    (void)printf("%s ", name);
    for (size_t i = 0; i < count; i++)
        (void)printf("%02x", bytes[i]);
    (void)printf("\n");
}

static int run_audit(const struct ledger_opened *opened, const struct ledger_asked *asked,
                     const struct outside *outside, struct buf *why)
{
    char path[PATH_BYTES_MAX];
    struct tree_audit_report report;
    struct tree_audit audit = {
        .log = tree_log_of_file(opened->log),
        .shard = opened->shard,
        .outside = outside->heads,
        .outside_count = outside->count,
        .links_outside = &outside->links,
    };
    TRY(tree_folder(asked->data, path));
    int error = disk_open_to_read(path, &audit.disk);
    if (error < 0 && error != -ERR_NOT_FOUND)
        return error;
    error = tree_audit(&audit, &report);
    disk_free(audit.disk);
    if (error < 0) {
        buf_put_text(why, report.text);
        return error;
    }
    (void)printf("tree_size %llu\n", (unsigned long long)report.root.size);
    put_hex("root", report.root.hash.at, sizeof report.root.hash.at);
    (void)printf("tiles_checked %llu\nheads_kept_checked %llu\nheads_outside_checked %llu\n",
                 (unsigned long long)report.tiles_size, (unsigned long long)report.heads_kept,
                 (unsigned long long)report.heads_outside);
    (void)printf("key_links_checked %llu\nkey_breaks %llu\n", (unsigned long long)report.links,
                 (unsigned long long)report.breaks);
    if (report.key_known)
        put_hex("key", report.key, SIGN_PUBLIC_BYTES);
    if (outside->count > 0)
        put_hex("outside_key", outside->heads[outside->count - 1].key, SIGN_PUBLIC_BYTES);
    return 0;
}

int ledger_proofs_verify(const struct ledger_opened *opened, const struct ledger_asked *asked,
                         struct buf *why)
{
    struct outside *outside = NULL;
    int error = outside_new(&outside);
    if (error == 0 && asked->heads != NULL)
        error = load_outside(asked->heads, outside, why);
    if (error == 0)
        error = run_audit(opened, asked, outside, why);
    outside_free(outside);
    return error;
}
