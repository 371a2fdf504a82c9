/* fuzz_office_link.c - any bytes as batches between a back-office and the desk: roles/backoffice.
 * The input is cut into batches by two bytes of length each; the first byte says to whom they are
 * given. Properties: what is taken for a message encodes to the same bytes again; nobody trips over
 * it; what reaches the desk, and who asked, is what HTTP may have; a link that is closed stays so.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "net/http/http_reply.h"
#include "roles/backoffice/office_asker.h"
#include "roles/backoffice/office_teller.h"
#include "roles/backoffice/office_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes);

static char again[OFFICE_ANSWER_BATCH_MAX];
static bool closed;

static bool link_send(void *owner, struct slice batch)
{
    struct office_message message;
    int more;
    (void)owner;
    while ((more = office_wire_next(&batch, &message)) > 0) /* whatever is said, we speak well */
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

static void check_line(struct slice text)
{
    for (size_t i = 0; i < text.bytes; i++)
        ASSERT(text.at[i] >= ' ' && text.at[i] <= '~');
}

static void desk_serve(void *owner, struct http_request *request, const struct jwt_claims *claims)
{
    (void)owner;
    ASSERT(!closed);
    ASSERT(claims->sub_bytes > 0 && claims->sub_bytes <= JWT_SUB_BYTES_MAX);
    ASSERT(request->path.bytes > 0 && request->path.at[0] == '/');
    check_line(request->path);
    check_line(request->query);
    check_line(http_request_header(request, "idempotency-key"));
    ASSERT(request->body.bytes <= OFFICE_BODY_MAX);
    http_reply(request->reply_to, 200, SLICE("text/plain"), SLICE_NONE, request->body);
}

static void on_answer(struct http_carried *carried, struct http_reply_to to,
                      const struct http_carried_answer *answer)
{
    struct slice headers = answer->headers;
    (void)carried, (void)to;
    ASSERT(answer->status >= 200 && answer->status <= 599);
    ASSERT(headers.bytes <= OFFICE_HEADERS_MAX && answer->body.bytes <= OFFICE_ANSWER_BODY_MAX);
    check_line(answer->content_type);
    ASSERT(headers.bytes == 0 || headers.at[headers.bytes - 1] == '\n');
}

static void check_again(struct slice batch)
{
    struct office_message message;
    struct slice rest = batch;
    struct buf out = buf_over(again, sizeof again);
    while (office_wire_next(&rest, &message) > 0) {
        bool put = office_wire_put(&out, &message);
        ASSERT(put);
    }
    ASSERT(out.bytes == batch.bytes - rest.bytes);
    ASSERT(memcmp(again, batch.at, out.bytes) == 0);
}

static void give(struct office_asker *asker, struct office_teller *teller, bool to_desk,
                 struct slice batch)
{
    check_again(batch);
    if (to_desk)
        office_teller_batch(teller, batch);
    else
        office_asker_batch(asker, batch);
}

static void give_all(struct office_asker *asker, struct office_teller *teller, struct slice input)
{
    bool to_desk = input.at[0] & 1;
    input = slice_skip(input, 1);
    while (input.bytes >= 2) {
        size_t wanted = (uint8_t)input.at[0] | (size_t)(uint8_t)input.at[1] << 8;
        input = slice_skip(input, 2);
        size_t bytes = wanted < input.bytes ? wanted : input.bytes;
        give(asker, teller, to_desk, slice_of(input.at, bytes));
        input = slice_skip(input, bytes);
    }
}

/* Its tag is 1 << 32: an input may answer it. */
static void ask(struct office_asker *asker, struct http_carried *listener)
{
    const struct office_question question = {.method = HTTP_GET,
                                             .path = SLICE("/v1/admin/status"),
                                             .claims = {.sub = "a", .sub_bytes = 1}};
    office_asker_ask(asker, &question, (struct http_reply_to){.carried = listener});
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes)
{
    static const char welcome[] = "\x10\0\0\0\x02\0\0\0\x01\0\0\0\0\0\0";
    struct office_teller_stats stats = {0};
    struct http_carried listener = {on_answer};
    const struct office_desk desk = {NULL, desk_serve};
    const struct carrier carrier = {NULL, link_send, link_close, NULL};
    const struct office_asker_options options = {
        .places = 4, .bytes_max = OFFICE_QUESTION_MAX + OFFICE_HEAD_MAX, .answer_us_max = 1000};
    struct office_asker *asker;
    struct office_teller *teller;
    if (bytes == 0)
        return 0;
    closed = false;
    if (office_asker_new(&options, &asker) < 0 || office_teller_new(&desk, &stats, &teller) < 0)
        abort();
    office_asker_attach(asker, &carrier);
    office_teller_attach(teller, &carrier);
    office_asker_batch(asker, slice_of(welcome, sizeof welcome));
    ASSERT(office_asker_is_welcome(asker));
    ask(asker, &listener);
    give_all(asker, teller, slice_of(at, bytes));
    office_teller_turn_end(teller);
    office_asker_turn_end(asker);
    office_asker_detached(asker);
    office_teller_detached(teller);
    office_asker_free(asker);
    office_teller_free(teller);
    return 0;
}
