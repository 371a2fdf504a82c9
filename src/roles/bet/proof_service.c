/* proof_service.c - contract in proof_service.h. */
#include "roles/bet/proof_service.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/base64.h"
#include "base/error.h"
#include "ledger/proof_json.h"
#include "net/http/http_url.h"
#include "roles/bet/bet_json.h"
#include "roles/bet/bet_problem.h"

#define OUT_BYTES_MAX                                                                              \
    (BOOK_HISTORY_MAX * PROOF_JSON_ENTRY_BYTES_MAX(RECORD_BET_BYTES_MAX) +                         \
     PROOF_JSON_LINKS_BYTES_MAX(TREE_LINKS_MAX) + 4096)

_Static_assert(BOOK_HISTORY_MAX <= TREE_ASK_RECORDS_MAX, "one ask for a whole history");

/* A proof under way. */
struct asked {
    struct proof_service *service;
    struct asked *next_free;
    bet_service_answer_fn answer;
    struct book_cookie cookie;
    struct bet_id bet_id; /* 0: the head alone */
    struct tree_ask ask;
    struct tree_entry entries[BOOK_HISTORY_MAX];
    struct merkle_proof paths[BOOK_HISTORY_MAX];
    char records[BOOK_HISTORY_MAX][RECORD_BET_BYTES_MAX];
};

/* A record that waits for a head. */
struct receipt {
    uint64_t seq;
    struct bet_id bet_id;
    struct account_ref account;
    uint32_t bytes;
    char record[RECORD_BET_BYTES_MAX];
};

/* The oldest receipts, as one ask. */
struct batch {
    bool busy;
    struct tree_ask ask;
    struct tree_entry entries[TREE_ASK_RECORDS_MAX];
    struct merkle_proof paths[TREE_ASK_RECORDS_MAX];
};

struct proof_service {
    struct proof_parts parts;
    struct asked *asked; /* owned; PROOF_ASKS_MAX */
    struct asked *free_asked;
    struct receipt *receipts; /* owned; PROOF_RECEIPTS_MAX, a ring */
    uint64_t receipts_in, receipts_out;
    struct batch batch;
    unsigned char head[TREE_HEAD_BYTES]; /* the newest that was seen */
    uint64_t head_size;
    uint32_t links_count;
    unsigned char links[TREE_LINKS_MAX][TREE_LINK_BYTES]; /* of the signing keys */
    struct proof_service_stats stats;
    char out[OUT_BYTES_MAX]; /* of the answer being written */
};

int proof_service_new(const struct proof_parts *parts, struct proof_service **ret_service)
{
    struct proof_service *service = calloc(1, sizeof *service);
    if (service == NULL)
        return -ERR_MEMORY;
    service->parts = *parts;
    service->asked = calloc(PROOF_ASKS_MAX, sizeof *service->asked);
    service->receipts = calloc(PROOF_RECEIPTS_MAX, sizeof *service->receipts);
    if (service->asked == NULL || service->receipts == NULL) {
        proof_service_free(service);
        return -ERR_MEMORY;
    }
    for (int i = 0; i < PROOF_ASKS_MAX; i++) {
        service->asked[i].service = service;
        service->asked[i].next_free = service->free_asked;
        service->free_asked = &service->asked[i];
    }
    *ret_service = service;
    return 0;
}

void proof_service_free(struct proof_service *service)
{
    if (service == NULL)
        return;
    free(service->asked);
    free(service->receipts);
    free(service);
}

const struct proof_service_stats *proof_service_stats(const struct proof_service *service)
{
    return &service->stats;
}

/* ---- problems ---- */

static const struct bet_problem overloaded = {503, "OVERLOADED", "Too many proofs at once.", 1};
static const struct bet_problem unavailable = {503, "LEDGER_UNAVAILABLE", "", 1};
static const struct bet_problem not_found = {404, "NOT_FOUND", "", 0};
static const struct bet_problem no_head = {503, "PROOF_NOT_READY", "No head is signed yet.", 1};
static const struct bet_problem from_unreadable = {400, "INVALID_PARAMETER",
                                                   "from is a number of records.", 0};

static struct bet_problem problem_of(int error, bool consistency)
{
    switch (-error) {
    case ERR_BUSY:
        return (struct bet_problem){503, "PROOF_NOT_READY",
                                    "The tree does not cover this yet: ask again.", 1};
    case ERR_NOT_FOUND:
        return consistency ? (struct bet_problem){404, "TREE_SIZE_UNKNOWN",
                                                  "The tree has not been that large yet.", 0}
                           : no_head;
    case ERR_LIMIT: /* the next comes at its time, or when fewer ask */
        return (struct bet_problem){429, "HEADS_RATE_LIMITED",
                                    "No head covers this yet, and too many were asked for.", 1};
    case ERR_ABSENT:
        return (struct bet_problem){503, "SIGNER_UNAVAILABLE",
                                    "No head covers this yet, and the key that signs is away.", 1};
    case ERR_CORRUPT:
        return (struct bet_problem){500, "PROOF_DAMAGED", "A kept hash does not fit its record.",
                                    0};
    default:
        return (struct bet_problem){503, "PROOFS_UNAVAILABLE", "", 1};
    }
}

/* ---- proofs ---- */

static struct asked *take_asked(struct proof_service *service, bet_service_answer_fn answer,
                                struct book_cookie cookie)
{
    struct asked *asked = service->free_asked;
    if (asked == NULL) {
        service->stats.asks_reached++;
        bet_problem_tell(&overloaded, answer, cookie);
        return NULL;
    }
    service->free_asked = asked->next_free;
    asked->answer = answer;
    asked->cookie = cookie;
    return asked;
}

static void give_asked(struct asked *asked)
{
    asked->next_free = asked->service->free_asked;
    asked->service->free_asked = asked;
}

static void end_with(struct asked *asked, struct bet_problem problem)
{
    bet_problem_tell(&problem, asked->answer, asked->cookie);
    give_asked(asked);
}

static struct proof_json_entry entry_of(const struct proof_service *service,
                                        const struct tree_entry *entry, const unsigned char *head)
{
    return (struct proof_json_entry){
        .shard = shard_state_shard(book_state(service->parts.book)),
        .seq = entry->seq,
        .record = entry->record,
        .path = entry->path,
        .head = head,
    };
}

struct proved {
    const struct tree_entry *entries;
    uint32_t count;
    const unsigned char *head;
};

/* "bet_id", "entries" and "head": a proof and a receipt look alike. */
static void put_proof(struct json_writer *writer, const struct proof_service *service,
                      struct bet_id bet_id, const struct proved *proved)
{
    put_bet_id_member(writer, bet_id);
    json_write_key(writer, "entries");
    json_write_array_open(writer);
    for (uint32_t i = 0; i < proved->count; i++) {
        struct proof_json_entry entry = entry_of(service, &proved->entries[i], proved->head);
        proof_json_entry(writer, &entry);
    }
    json_write_array_close(writer);
    json_write_key(writer, "head");
    proof_json_head(writer, proved->head);
    proof_json_links(writer, (const unsigned char(*)[TREE_LINK_BYTES])service->links,
                     service->links_count);
}

static void write_answer(struct asked *asked, struct buf *out)
{
    struct json_writer writer = json_write_begin(out);
    json_write_object_open(&writer);
    if (asked->ask.count > 0) {
        const struct proved proved = {asked->entries, asked->ask.count, asked->ask.head};
        put_proof(&writer, asked->service, asked->bet_id, &proved);
    } else {
        json_write_key(&writer, "head");
        proof_json_head(&writer, asked->ask.head);
        proof_json_links(&writer, (const unsigned char(*)[TREE_LINK_BYTES])asked->service->links,
                         asked->service->links_count);
    }
    if (asked->ask.consistency) {
        json_write_key(&writer, "from");
        json_write_u64(&writer, asked->ask.from);
        json_write_key(&writer, "consistency");
        proof_json_path(&writer, &asked->ask.consistency_path);
    }
    json_write_object_close(&writer);
}

static void on_proved(struct tree_ask *ask, int error)
{
    struct asked *asked = ask->owner;
    struct proof_service *service = asked->service;
    struct buf out = buf_over(service->out, sizeof service->out);
    if (error < 0) {
        end_with(asked, problem_of(error, ask->consistency));
        return;
    }
    write_answer(asked, &out);
    ASSERT(!out.overflow);
    service->stats.proofs++;
    asked->answer(&(struct bet_service_answer){
        .cookie = asked->cookie, .status = 200, .body = buf_slice(&out)});
    give_asked(asked);
}

static void submit(struct asked *asked)
{
    struct ledger_tree *tree = asked->service->parts.tree;
    asked->ask.entries = asked->entries;
    asked->ask.on_done = on_proved;
    asked->ask.owner = asked;
    if (tree->ops->ask(tree, &asked->ask) < 0)
        end_with(asked, overloaded);
}

static void on_history(struct book_cookie cookie, const struct record_view *records, size_t count)
{
    struct asked *asked = cookie.owner;
    if (count == 0) {
        end_with(asked, unavailable);
        return;
    }
    if (records[0].head->type != RECORD_BET) {
        end_with(asked, (struct bet_problem){422, "HISTORY_TOO_LONG", "Ask for it offline.", 0});
        return;
    }
    asked->ask = (struct tree_ask){.count = (uint32_t)count};
    for (size_t i = 0; i < count; i++) {
        uint32_t bytes = records[i].head->bytes;
        ASSERT(bytes <= RECORD_BET_BYTES_MAX); /* the book read it into as much */
        memcpy(asked->records[i], records[i].head, bytes);
        asked->entries[i] = (struct tree_entry){
            records[i].head->seq, slice_of(asked->records[i], bytes), &asked->paths[i]};
    }
    submit(asked);
}

static bool may_read_others(const struct jwt_claims *claims)
{
    return jwt_has_role(claims, JWT_AUDITOR) || jwt_has_role(claims, JWT_REGULATOR);
}

void proof_service_bet(struct proof_service *service, const struct jwt_claims *claims,
                       struct slice bet_id, bet_service_answer_fn answer, struct book_cookie cookie)
{
    const struct shard_state *state = book_state(service->parts.book);
    struct bet_id id = {0};
    uint32_t index = bet_id_parse(bet_id, &id) ? shard_state_find_bet(state, id) : BET_NONE;
    struct account_ref own = shard_state_find_account(state, jwt_sub(claims));
    if (index == BET_NONE ||
        (shard_state_bet(state, index)->account != own.n && !may_read_others(claims))) {
        bet_problem_tell(&not_found, answer, cookie);
        return;
    }
    struct asked *asked = take_asked(service, answer, cookie);
    if (asked == NULL)
        return;
    asked->bet_id = id;
    enum request_outcome outcome =
        book_bet_history(service->parts.book, id, on_history, (struct book_cookie){.owner = asked});
    if (outcome != REQUEST_TAKEN)
        end_with(asked, outcome == REQUEST_BUSY      ? overloaded
                        : outcome == REQUEST_UNKNOWN ? not_found
                                                     : unavailable);
}

static bool parse_size(struct slice text, uint64_t *ret)
{
    struct bet_id number = {0}; /* the same digits */
    if (!slice_is(text, "0") && !bet_id_parse(text, &number))
        return false;
    *ret = number.n;
    return true;
}

void proof_service_head(struct proof_service *service, struct slice query,
                        bet_service_answer_fn answer, struct book_cookie cookie)
{
    struct slice text = SLICE_NONE;
    uint64_t from = 0;
    bool consistency = http_url_query(query, "from", &text);
    if (consistency && !parse_size(text, &from)) {
        bet_problem_tell(&from_unreadable, answer, cookie);
        return;
    }
    struct asked *asked = take_asked(service, answer, cookie);
    if (asked == NULL)
        return;
    asked->ask = (struct tree_ask){.consistency = consistency, .from = from};
    submit(asked);
}

/* ---- keys ---- */

static void write_keys(const struct proof_service *service, const struct tree_head *head,
                       struct buf *out)
{
    struct json_writer writer = json_write_begin(out);
    json_write_object_open(&writer);
    json_write_key(&writer, "key");
    json_write_raw(&writer, SLICE("\""));
    base64_write(out, slice_of(head->key, sizeof head->key));
    buf_put_char(out, '"');
    json_write_key(&writer, "links");
    json_write_array_open(&writer);
    for (uint32_t i = 0; i < service->links_count; i++)
        proof_json_link(&writer, service->links[i]);
    json_write_array_close(&writer);
    json_write_object_close(&writer);
}

void proof_service_keys(struct proof_service *service, bet_service_answer_fn answer,
                        struct book_cookie cookie)
{
    struct buf out = buf_over(service->out, sizeof service->out);
    struct tree_head head;
    if (tree_head_parse(service->head, &head) < 0) { /* zeros: none yet */
        bet_problem_tell(&no_head, answer, cookie);
        return;
    }
    if (service->links_count > 0) {
        struct tree_link link;
        (void)tree_link_parse(service->links[service->links_count - 1], &link); /* was checked */
        memcpy(head.key, link.new_key, sizeof head.key);
    }
    write_keys(service, &head, &out);
    ASSERT(!out.overflow);
    answer(&(struct bet_service_answer){.cookie = cookie, .status = 200, .body = buf_slice(&out)});
}

/* ---- receipts ---- */

static void ask_receipts(struct proof_service *service);

static struct bet_id bet_of(const struct record_view *record)
{
    if (record->head->type == RECORD_BET)
        return (struct bet_id){((const struct record_bet *)record->body)->bet_id};
    if (record->head->type == RECORD_RELEASE)
        return (struct bet_id){((const struct record_release *)record->body)->bet_id};
    if (record->head->type == RECORD_CASH_OUT && record->head->postings_count > 0)
        return (struct bet_id){((const struct record_cash_out *)record->body)->bet_id};
    return (struct bet_id){0};
}

static struct slice user_of(const struct proof_service *service, struct account_ref account)
{
    return shard_state_user_id(book_state(service->parts.book), account);
}

void proof_service_on_record(struct proof_service *service, const struct record_view *record)
{
    struct bet_id bet_id = bet_of(record);
    struct account_ref account = {record->head->account};
    uint32_t bytes = record->head->bytes;
    if (bet_id.n == 0 || account.n == 0 ||
        !service->parts.wants(service->parts.owner, user_of(service, account)))
        return;
    if (service->receipts_in - service->receipts_out == PROOF_RECEIPTS_MAX ||
        bytes > RECORD_BET_BYTES_MAX) {
        service->stats.receipts_reached++;
        return;
    }
    struct receipt *receipt = &service->receipts[service->receipts_in++ % PROOF_RECEIPTS_MAX];
    receipt->seq = record->head->seq;
    receipt->bet_id = bet_id;
    receipt->account = account;
    receipt->bytes = bytes;
    memcpy(receipt->record, record->head, bytes);
    /* The tree heard of the record on the log's thread, and its head may have been here first. */
    ask_receipts(service);
}

static void push_receipt(struct proof_service *service, const struct receipt *receipt, uint32_t at)
{
    struct buf out = buf_over(service->out, sizeof service->out);
    struct json_writer writer = json_write_begin(&out);
    const struct proved proved = {&service->batch.entries[at], 1, service->batch.ask.head};
    json_write_object_open(&writer);
    put_proof(&writer, service, receipt->bet_id, &proved);
    json_write_object_close(&writer);
    ASSERT(!out.overflow);
    service->parts.push(service->parts.owner, user_of(service, receipt->account), buf_slice(&out));
    service->stats.receipts++;
}

static void on_receipts(struct tree_ask *ask, int error)
{
    struct proof_service *service = ask->owner;
    service->batch.busy = false;
    if (error == -ERR_BUSY)
        return; /* at the next poll */
    for (uint32_t i = 0; i < ask->count; i++) {
        const struct receipt *receipt =
            &service->receipts[service->receipts_out++ % PROOF_RECEIPTS_MAX];
        if (error == 0)
            push_receipt(service, receipt, i);
    }
    ask_receipts(service);
}

/* One ask at a time, in order: only what the newest head covers. */
static void ask_receipts(struct proof_service *service)
{
    struct batch *batch = &service->batch;
    struct ledger_tree *tree = service->parts.tree;
    uint32_t count = 0;
    if (batch->busy)
        return;
    while (count < TREE_ASK_RECORDS_MAX && service->receipts_out + count < service->receipts_in) {
        const struct receipt *receipt =
            &service->receipts[(service->receipts_out + count) % PROOF_RECEIPTS_MAX];
        if (receipt->seq > service->head_size)
            break;
        batch->entries[count] = (struct tree_entry){
            receipt->seq, slice_of(receipt->record, receipt->bytes), &batch->paths[count]};
        count++;
    }
    if (count == 0)
        return;
    batch->ask = (struct tree_ask){
        .entries = batch->entries, .count = count, .on_done = on_receipts, .owner = service};
    batch->busy = tree->ops->ask(tree, &batch->ask) == 0; /* else at the next poll */
}

bool proof_service_poll(struct proof_service *service, unsigned char ret_head[TREE_HEAD_BYTES])
{
    struct ledger_tree *tree = service->parts.tree;
    struct tree_head head;
    uint32_t links = service->links_count; /* before the answers, which may need them */
    service->links_count = tree->ops->links(tree, links, service->links + links);
    tree->ops->poll(tree);
    bool newer = tree->ops->newest(tree, ret_head) &&
                 memcmp(ret_head, service->head, TREE_HEAD_BYTES) != 0 &&
                 tree_head_parse(ret_head, &head) == 0;
    if (newer) {
        memcpy(service->head, ret_head, TREE_HEAD_BYTES);
        service->head_size = head.root.size;
    }
    ask_receipts(service);
    return newer;
}
