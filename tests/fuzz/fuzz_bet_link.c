/* fuzz_bet_link.c - any bytes as batches between a front and the book: roles/bet. The input is cut
 * into batches by two bytes of length each; the first byte says to whom they are given. Properties:
 * what is taken for a message encodes to the same bytes again; nobody trips over it; what reaches
 * the book's port keeps to what the bet service asserts; a link that is closed stays so. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "ports/personal_vault.h"
#include "roles/bet/bet_link_asker.h"
#include "roles/bet/bet_link_teller.h"
#include "roles/bet/bet_link_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes);

static char again[BET_LINK_BATCH_BYTES_MAX];
static bool closed;

static bool link_send(void *owner, struct slice batch)
{
    struct bet_link_message message;
    int more;
    (void)owner;
    while ((more = bet_link_next(&batch, &message)) > 0) /* whatever is said to us, we speak well */
        continue;
    ASSERT(more == 0);
    return true;
}

static void link_close(void *owner)
{
    (void)owner;
    ASSERT(!closed);
    closed = true;
}

static void port_ask(struct bet_port *port, const struct bet_question *question,
                     bet_service_answer_fn answer, struct book_cookie cookie)
{
    (void)port;
    ASSERT(!closed && question->call < BET_CALLS_COUNT);
    ASSERT(question->personal.bytes <= PERSONAL_PLAIN_BYTES_MAX);
    ASSERT(question->claims != NULL || question->call == BET_CALL_HEAD ||
           question->call == BET_CALL_KEYS);
    ASSERT(question->claims == NULL || question->claims->sub_bytes > 0);
    answer(&(struct bet_service_answer){.cookie = cookie, .status = 200, .body = question->words});
}

static void check_again(struct slice batch)
{
    struct bet_link_message message;
    struct slice rest = batch;
    struct buf out = buf_over(again, sizeof again);
    while (bet_link_next(&rest, &message) > 0) {
        bool put = bet_link_put(&out, &message);
        ASSERT(put);
    }
    ASSERT(out.bytes == batch.bytes - rest.bytes);
    ASSERT(memcmp(again, batch.at, out.bytes) == 0);
}

static void give(struct bet_link_asker *asker, struct bet_link_teller *teller, bool to_book,
                 struct slice batch)
{
    check_again(batch);
    if (to_book)
        bet_link_teller_batch(teller, batch);
    else
        bet_link_asker_batch(asker, batch);
}

static void give_all(struct bet_link_asker *asker, struct bet_link_teller *teller,
                     struct slice input)
{
    bool to_book = input.at[0] & 1;
    input = slice_skip(input, 1);
    while (input.bytes >= 2) {
        size_t wanted = (uint8_t)input.at[0] | (size_t)(uint8_t)input.at[1] << 8;
        input = slice_skip(input, 2);
        size_t bytes = wanted < input.bytes ? wanted : input.bytes;
        give(asker, teller, to_book, slice_of(input.at, bytes));
        input = slice_skip(input, bytes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes)
{
    struct bet_port port = {port_ask};
    const struct carrier carrier = {NULL, link_send, link_close, NULL};
    const struct bet_link_asker_options options = {
        .places = 4, .answer_us_max = 1000, .place = {0, 1}};
    const struct bet_link_asker_events events = {NULL, NULL, NULL};
    struct bet_link_asker *asker;
    struct bet_link_teller *teller;
    if (bytes == 0)
        return 0;
    closed = false;
    if (bet_link_asker_new(&options, &events, &asker) < 0 ||
        bet_link_teller_new(&port, (struct shard_place){0, 1}, &teller) < 0)
        abort();
    bet_link_asker_attach(asker, &carrier);
    bet_link_teller_attach(teller, &carrier);
    give_all(asker, teller, slice_of(at, bytes));
    bet_link_teller_turn_end(teller, true);
    bet_link_asker_turn_end(asker);
    bet_link_asker_detached(asker);
    bet_link_teller_detached(teller);
    bet_link_asker_free(asker);
    bet_link_teller_free(teller);
    return 0;
}
