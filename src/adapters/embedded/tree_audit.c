/* tree_audit.c - contract in tree_audit.h. */
#include "adapters/embedded/tree_audit.h"

#include <stdio.h>
#include <string.h>

#include "adapters/embedded/ledger_store.h"
#include "adapters/embedded/tree_file.h"
#include "adapters/embedded/tree_heads.h"
#include "adapters/embedded/tree_links.h"
#include "base/error.h"
#include "base/rfc3339.h"
#include "ledger/record.h"

struct auditing {
    const struct tree_audit *audit;
    struct tree_audit_report *report;
    struct sha256 *sha;      /* owned */
    struct tree_file *tiles; /* owned; NULL: none */
    struct tree_heads heads;
    struct tree_links links;
    const struct tree_chain *chain; /* the kept one, or else the one from outside */
    uint32_t link_at;               /* the next link */
    uint64_t kept_at;               /* the next kept head */
    size_t outside_at;              /* the next outside */
    uint64_t good_size;             /* of the largest head that agreed */
    struct merkle_range range;
    uint8_t log_id[16];
};

static void put_time(char text[RFC3339_BYTES_MAX + 1], int64_t time_us)
{
    struct buf buf = buf_over(text, RFC3339_BYTES_MAX);
    rfc3339_write(&buf, (struct instant){time_us});
    text[buf.bytes] = '\0';
}

static int wrong(struct auditing *a, const struct tree_head *head, const char *whose,
                 const char *what)
{
    char time[RFC3339_BYTES_MAX + 1];
    put_time(time, head->time_us);
    (void)snprintf(a->report->text, sizeof a->report->text,
                   "%s head of %llu records, signed at %s: %s; the log agrees with what was "
                   "signed up to record %llu",
                   whose, (unsigned long long)head->root.size, time, what,
                   (unsigned long long)a->good_size);
    return -ERR_CORRUPT;
}

/* Without links there is one key, whosever the heads are. */
static int check_key(struct auditing *a, const struct tree_head *head, const char *whose)
{
    enum tree_chain_verdict verdict = tree_chain_judge(a->chain, head);
    if (verdict != CHAIN_OK)
        return wrong(a, head, whose, tree_chain_text(verdict));
    if (a->report->key_known && a->chain->count == 0 &&
        memcmp(a->report->key, head->key, sizeof head->key) != 0)
        return wrong(a, head, whose, "it is signed by another key, and no link leads to it");
    if (!a->report->key_known)
        memcpy(a->report->key, head->key, sizeof head->key);
    a->report->key_known = true;
    return 0;
}

static int check_head(struct auditing *a, const struct tree_head *head, const char *whose)
{
    struct merkle_hash root;
    TRY(check_key(a, head, whose));
    if (head->shard != a->audit->shard || memcmp(head->log_id, a->log_id, sizeof a->log_id) != 0)
        return wrong(a, head, whose, "it is of another book");
    merkle_range_root(&a->range, a->sha, &root);
    if (!merkle_equal(&root, &head->root.hash))
        return wrong(a, head, whose, "these are not the records that were signed");
    a->good_size = head->root.size;
    return 0;
}

static int check_kept(struct auditing *a)
{
    struct tree_head head;
    for (; a->kept_at < a->heads.count; a->kept_at++) {
        int error = tree_heads_read(&a->heads, a->kept_at, &head);
        if (error == -ERR_CORRUPT && a->heads.count - a->kept_at <= TREE_HEADS_UNSYNCED_MAX)
            continue; /* lost in a power failure, and no start has closed the hole yet */
        if (error == -ERR_CORRUPT)
            (void)snprintf(a->report->text, sizeof a->report->text,
                           "kept head number %llu is damaged", (unsigned long long)a->kept_at);
        TRY(error);
        if (head.root.size > a->range.size)
            return 0;
        if (head.root.size < a->range.size)
            return wrong(a, &head, "the kept", "it stands behind one of more records");
        TRY(check_head(a, &head, "the kept"));
        a->report->heads_kept++;
    }
    return 0;
}

static int check_outside(struct auditing *a)
{
    for (; a->outside_at < a->audit->outside_count; a->outside_at++) {
        const struct tree_head *head = &a->audit->outside[a->outside_at];
        if (head->root.size > a->range.size)
            return 0;
        TRY(check_head(a, head, "the outside"));
        a->report->heads_outside++;
    }
    return 0;
}

static int wrong_link(struct auditing *a, const char *what)
{
    (void)snprintf(a->report->text, sizeof a->report->text, "link %u of the signing keys: %s",
                   a->link_at + 1, what);
    return -ERR_CORRUPT;
}

static int check_links(struct auditing *a)
{
    struct merkle_hash root;
    for (; a->link_at < a->chain->count; a->link_at++) {
        const struct tree_link *link = &a->chain->links[a->link_at];
        if (link->root.size > a->range.size)
            return 0;
        if (link->shard != a->audit->shard ||
            memcmp(link->log_id, a->log_id, sizeof a->log_id) != 0)
            return wrong_link(a, "it is of another book");
        merkle_range_root(&a->range, a->sha, &root);
        if (!merkle_equal(&root, &link->root.hash))
            return wrong_link(a, "these are not the records that were signed");
        a->report->links++;
        a->report->breaks += link->kind == TREE_LINK_BREAK;
    }
    return 0;
}

static int check_tiles(struct auditing *a, const struct merkle_hash *made, unsigned count)
{
    struct merkle_hash kept;
    uint64_t index = a->range.size - 1;
    for (unsigned height = 0; height < count; height += 8) { /* the levels that are kept */
        TRY(tree_file_node(a->tiles, height, index >> height, &kept));
        if (merkle_equal(&kept, &made[height]))
            continue;
        (void)snprintf(a->report->text, sizeof a->report->text,
                       "the tree's hash %llu of level %u does not fit the log",
                       (unsigned long long)(index >> height), height);
        return -ERR_CORRUPT;
    }
    return 0;
}

/* Whatever was signed of as many records as there are now. */
static int check_signed(struct auditing *a)
{
    TRY(check_links(a));
    TRY(check_kept(a));
    return check_outside(a);
}

static int visit(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct auditing *a = owner;
    struct merkle_hash leaf, made[MERKLE_LEVELS];
    struct record_head head;
    (void)shard;
    memcpy(&head, record, sizeof head);
    if (head.seq == 1 && head.type == RECORD_GENESIS &&
        bytes >= sizeof head + sizeof(struct record_genesis))
        memcpy(a->log_id, record + sizeof head, sizeof a->log_id);
    /* A key may be changed, and a head asked for, while no record may be signed for. */
    if (a->range.size == 0)
        TRY(check_signed(a));
    merkle_leaf(a->sha, slice_of(record, bytes), &leaf);
    unsigned count = merkle_append(&a->range, a->sha, &leaf, made);
    if (a->range.size <= a->report->tiles_size)
        TRY(check_tiles(a, made, count));
    return check_signed(a);
}

/* Heads of more records than there are. */
static int check_rest(struct auditing *a)
{
    struct tree_head head;
    char text[64];
    (void)snprintf(text, sizeof text, "the log ends at record %llu",
                   (unsigned long long)a->range.size);
    if (a->link_at < a->chain->count)
        return wrong_link(a, text);
    if (a->outside_at < a->audit->outside_count)
        return wrong(a, &a->audit->outside[a->outside_at], "the outside", text);
    if (a->kept_at == a->heads.count)
        return 0;
    TRY(tree_heads_read(&a->heads, a->kept_at, &head));
    return wrong(a, &head, "the kept", text);
}

/* Links that somebody else holds must be the kept ones, as far as both go: else there are two
 * histories of the keys, and the owner of the key at which they part is convicted. */
static int choose_chain(struct auditing *a)
{
    static const struct tree_chain none;
    const struct tree_chain *kept = &a->links.chain;
    const struct tree_chain *outside = a->audit->links_outside;
    if (outside == NULL)
        outside = &none;
    for (uint32_t i = 0; i < kept->count && i < outside->count; i++) {
        a->link_at = i;
        if (memcmp(kept->bytes[i], outside->bytes[i], TREE_LINK_BYTES) != 0)
            return wrong_link(a, "the kept one is not the outside one: one key made two");
    }
    a->link_at = 0;
    a->chain = outside->count > kept->count ? outside : kept;
    if (a->audit->disk != NULL && a->heads.count > 0 && outside->count > kept->count)
        return wrong_link(a, "the outside has links that were not kept");
    a->report->key_known = a->chain->count > 0;
    if (a->report->key_known)
        memcpy(a->report->key, tree_chain_key(a->chain), sizeof a->report->key);
    return 0;
}

static int open_kept(struct auditing *a)
{
    char text[TREE_LINKS_TEXT_BYTES] = "";
    if (a->audit->disk == NULL)
        return 0;
    int error = tree_links_open(&a->links, a->audit->disk, a->audit->shard, a->sha, text);
    (void)snprintf(a->report->text, sizeof a->report->text, "%s", text);
    TRY(error);
    return tree_heads_open(&a->heads, a->audit->disk, a->audit->shard, false);
}

static int open_parts(struct auditing *a)
{
    const struct tree_file_options options = {
        .shard = a->audit->shard,
        .creation = a->audit->log.creation,
        .size_max = MERKLE_SIZE_MAX,
        .read_only = true,
    };
    TRY(sha256_new(&a->sha));
    TRY(open_kept(a));
    TRY(choose_chain(a));
    if (a->audit->disk == NULL)
        return 0;
    TRY(tree_file_open(&options, a->audit->disk, &a->tiles));
    a->report->tiles_size = tree_file_size(a->tiles);
    return 0;
}

static int run(struct auditing *a)
{
    char text[LEDGER_REPORT_TEXT_BYTES];
    TRY(open_parts(a));
    int error = a->audit->log.replay(a->audit->log.owner, 1, visit, a, text);
    if (error < 0 && a->report->text[0] == '\0')
        (void)snprintf(a->report->text, sizeof a->report->text, "%s", text);
    TRY(error);
    a->report->root.size = a->range.size;
    merkle_range_root(&a->range, a->sha, &a->report->root.hash);
    TRY(check_rest(a));
    if (a->report->tiles_size <= a->range.size)
        return 0;
    (void)snprintf(a->report->text, sizeof a->report->text,
                   "the tree covers %llu records, but the log ends at record %llu",
                   (unsigned long long)a->report->tiles_size, (unsigned long long)a->range.size);
    return -ERR_CORRUPT;
}

int tree_audit(const struct tree_audit *audit, struct tree_audit_report *report)
{
    struct auditing a = {
        .audit = audit, .report = report, .heads = {.file = -1, .outside_file = -1}};
    a.links.file = -1;
    *report = (struct tree_audit_report){.tiles_size = 0};
    int error = run(&a);
    tree_file_free(a.tiles);
    tree_heads_close(&a.heads);
    tree_links_close(&a.links);
    sha256_free(a.sha);
    return error;
}
