/* ledger_personal.c - contract in ledger_personal.h. */
#include "cli/ledger/ledger_personal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapters/postgres/pg_personal.h"
#include "base/error.h"
#include "base/json_write.h"
#include "cli/node/node_personal.h"
#include "cli/standby/ship_keys.h"
#include "crypto/key_files.h"
#include "crypto/random.h"
#include "ledger/record.h"
#include "ledger/record_bets.h"
#include "ports/personal_vault.h"

#define LINE_BYTES_MAX 4096

struct telling {
    const char *user;
    struct personal_keys *keys;
    int error; /* of a key */
};

/* ---- slots in a store, one at a time ---- */

static int stored_read(void *owner, uint64_t offset, void *to, size_t bytes, size_t *ret_bytes)
{
    struct personal_store *store = owner;
    TRY(store->ops->read(store, offset / PERSONAL_SLOT_BYTES,
                         (uint32_t)(bytes / PERSONAL_SLOT_BYTES), to));
    *ret_bytes = bytes;
    return 0;
}

/* What stands is above what is written, or the same: an erased slot. */
static int stored_write(void *owner, uint64_t offset, const void *from, size_t bytes)
{
    struct personal_store *store = owner;
    char slot[PERSONAL_SLOT_BYTES];
    if (bytes != sizeof slot || personal_slot_state(from) != PERSONAL_SLOT_ERASED)
        return -ERR_UNSUPPORTED;
    memcpy(slot, from, sizeof slot);
    return store->ops->join(store, offset / PERSONAL_SLOT_BYTES, 1, slot);
}

static int stored_sync(void *owner)
{
    (void)owner; /* a join is durable */
    return 0;
}

static int stored_size(void *owner, uint64_t *ret_bytes)
{
    struct personal_store *store = owner;
    struct personal_store_count there;
    TRY(store->ops->count(store, &there));
    *ret_bytes = there.places * PERSONAL_SLOT_BYTES;
    return 0;
}

static void stored_close(void *owner)
{
    struct personal_store *store = owner;
    store->ops->free(store);
}

static void stored_random(void *owner, void *to, size_t bytes)
{
    (void)owner;
    random_fill(to, bytes);
}

/* A head that is not there would be made: it is not this command's to begin the keys. */
static int check_begun(struct personal_store *store, struct buf *why)
{
    char head[PERSONAL_SLOT_BYTES];
    int error = store->ops->read(store, 0, 1, head);
    if (error < 0)
        buf_printf(why, "the keys of personal fields: %s", store->ops->problem(store));
    TRY(error);
    if (personal_slot_state(head) == PERSONAL_SLOT_KEY)
        return 0;
    buf_put_text(why, "no keys of personal fields stand beside the ledger");
    return -ERR_NOT_FOUND;
}

static int open_stored(const struct ledger_opened *opened, const char *url,
                       const unsigned char *master, struct personal_keys **ret, struct buf *why)
{
    struct personal_store *store = NULL;
    TRY(pg_personal_new(url, opened->shard, &store));
    int error = check_begun(store, why);
    if (error < 0) {
        store->ops->free(store);
        return error;
    }
    const struct personal_medium medium = {.read = stored_read,
                                           .write = stored_write,
                                           .sync = stored_sync,
                                           .size = stored_size,
                                           .close = stored_close,
                                           .random = stored_random,
                                           .owner = store};
    return personal_keys_open_on(&medium, master,
                                 (size_t)shard_state_limits(opened->state)->accounts_max + 1, ret);
}

/* ---- the keys ---- */

/* Nothing is made here. */
static int open_folder(const char *data, int *ret_folder, struct buf *why)
{
    char path[512];
    int bytes = snprintf(path, sizeof path, "%s/keys/" PERSONAL_MASTER_NAME, data);
    if (bytes < 0 || (size_t)bytes >= sizeof path || access(path, R_OK) != 0) {
        buf_printf(why, "there is no key %s/keys/" PERSONAL_MASTER_NAME, data);
        return -ERR_NOT_FOUND;
    }
    return key_files_open(data, ret_folder, why);
}

static int open_keys_of(const struct ledger_opened *opened, const struct ledger_asked *asked,
                        int folder, struct personal_keys **ret, struct buf *why)
{
    unsigned char master[KEY_FILES_SECRET_BYTES];
    bool beside = asked->ledger != NULL && node_personal_may_stand_at(asked->ledger);
    TRY(key_files_secret(folder, PERSONAL_MASTER_NAME, master, why));
    int error =
        beside
            ? open_stored(opened, asked->ledger, master, ret, why)
            : personal_keys_open(folder, PERSONAL_KEYS_NAME, master,
                                 (size_t)shard_state_limits(opened->state)->accounts_max + 1, ret);
    explicit_bzero(master, sizeof master);
    if (error == -ERR_BUSY)
        buf_put_text(why, "a server has the keys open: end it first");
    else if (error == -ERR_CONFIG && why->bytes == 0)
        buf_put_text(why,
                     "the keys are of another master key than DATA/keys/" PERSONAL_MASTER_NAME);
    return error;
}

static int open_keys(const struct ledger_opened *opened, const struct ledger_asked *asked,
                     struct personal_keys **ret, struct buf *why)
{
    int folder = -1;
    TRY(open_folder(asked->data, &folder, why));
    int error = open_keys_of(opened, asked, folder, ret, why);
    (void)close(folder);
    return error;
}

/* ---- telling ---- */

/* "address\ndevice", as the gateway writes them. */
static void put_fields(struct json_writer *writer, struct slice plain)
{
    size_t end = 0;
    while (end < plain.bytes && plain.at[end] != '\n')
        end++;
    json_write_key(writer, "address");
    json_write_text(writer, slice_of(plain.at, end));
    if (end == plain.bytes)
        return;
    json_write_key(writer, "device");
    json_write_text(writer, slice_of(plain.at + end + 1, plain.bytes - end - 1));
}

static int put_line(struct telling *telling, const struct record_view *record, struct slice sealed)
{
    unsigned char plain[PERSONAL_PLAIN_BYTES_MAX];
    char memory[LINE_BYTES_MAX];
    struct buf line = buf_over(memory, sizeof memory);
    struct json_writer writer = json_write_begin(&line);
    if (sealed.bytes < PERSONAL_OVERHEAD_BYTES || sealed.bytes > PERSONAL_SEALED_BYTES_MAX)
        return -ERR_CORRUPT;
    int result = personal_open(telling->keys, record->head->account, sealed, plain);
    telling->error = result < 0 ? result : 0;
    TRY(result);
    json_write_object_open(&writer);
    json_write_key(&writer, "seq");
    json_write_u64(&writer, record->head->seq);
    json_write_key(&writer, result == PERSONAL_OK       ? "opened"
                            : result == PERSONAL_ERASED ? "erased"
                                                        : "unknown_key");
    json_write_bool(&writer, true);
    if (result == PERSONAL_OK)
        put_fields(&writer, slice_of(plain, sealed.bytes - PERSONAL_OVERHEAD_BYTES));
    json_write_object_close(&writer);
    explicit_bzero(plain, sizeof plain);
    buf_put_char(&line, '\n');
    return !line.overflow && fwrite(line.at, 1, line.bytes, stdout) == line.bytes ? 0 : -ERR_IO;
}

static int tell(void *owner, const struct record_view *record, const struct shard_state *state)
{
    struct telling *telling = owner;
    struct account_ref account = {record->head->account};
    if (record->head->type != RECORD_BET ||
        !slice_is(shard_state_user_id(state, account), telling->user))
        return 0;
    const struct record_bet *bet = record->body;
    struct slice texts = record->texts;
    (void)record_text(&texts, bet->key_bytes);
    struct slice sealed = record_text(&texts, bet->personal_bytes);
    return sealed.bytes == 0 ? 0 : put_line(telling, record, sealed);
}

static int find_user(const struct ledger_opened *opened, const char *user,
                     struct account_ref *ret_account, struct buf *why)
{
    *ret_account = shard_state_find_account(opened->state, slice_text(user));
    if (ret_account->n != 0)
        return 0;
    buf_printf(why, "the ledger knows no user %s", user);
    return -ERR_NOT_FOUND;
}

static int erase(struct ledger_opened *opened, struct telling *telling, struct buf *why)
{
    struct account_ref account = {0};
    TRY(ledger_cmd_fold(opened, REFOLD_ALL, NULL, NULL, why));
    TRY(find_user(opened, telling->user, &account, why));
    int error = personal_erase(telling->keys, account.n);
    if (error < 0)
        buf_printf(why, "the key of account %u is perhaps not destroyed: %s", account.n,
                   error_text(error));
    else
        (void)printf("account %u\nkey erased\n", account.n);
    return error;
}

static int run(struct ledger_opened *opened, const struct ledger_asked *asked,
               struct telling *telling, struct buf *why)
{
    struct account_ref account;
    if (asked->erase)
        return erase(opened, telling, why);
    int error = ledger_cmd_fold(opened, REFOLD_ALL, tell, telling, why);
    if (telling->error < 0)
        buf_put_text(why, "; a key cannot be read");
    TRY(error);
    return find_user(opened, asked->user, &account, why);
}

int ledger_personal(struct ledger_opened *opened, const struct ledger_asked *asked, struct buf *why)
{
    struct telling telling = {.user = asked->user};
    if (asked->user == NULL) {
        buf_put_text(why, "ledger personal: whose? --user ID");
        return -ERR_CONFIG;
    }
    TRY(open_keys(opened, asked, &telling.keys, why));
    int error = run(opened, asked, &telling, why);
    personal_keys_free(telling.keys);
    return error;
}
