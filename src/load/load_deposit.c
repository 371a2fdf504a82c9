/* load_deposit.c - contract in load_deposit.h. Closed loop: this is preparation, not measured. */
#include "load/load_deposit.h"

#include <inttypes.h>

#include "base/error.h"
#include "crypto/random.h"
#include "load/load_process.h"
#include "load/load_wire.h"

#define CONNECTIONS    8
#define PIPELINE       16
#define SILENCE_MS_MAX 15000

struct deposits {
    const struct load_options *options;
    const struct load_users *users;
    struct load_pool *pool;
    uint64_t nonce;
    uint32_t next, answered, refused;
    int64_t heard_us;
};

static void on_answer(void *owner, const struct load_pool_answer *answer)
{
    struct deposits *deposits = owner;
    deposits->answered++;
    deposits->refused += answer->status < 200 || answer->status >= 300;
    deposits->heard_us = load_process_now().us;
}

static void on_lost(void *owner, const struct load_flight *flight)
{
    (void)flight;
    struct deposits *deposits = owner;
    deposits->answered++;
    deposits->refused++;
}

static const struct load_pool_callbacks callbacks = {on_answer, on_lost, NULL, NULL};

static bool send_one(struct deposits *deposits, uint32_t connection)
{
    char body_text[LOAD_BODY_BYTES_MAX], key_text[48], text[LOAD_REQUEST_BYTES_MAX];
    struct buf body = buf_over(body_text, sizeof body_text);
    struct buf key = buf_over(key_text, sizeof key_text);
    struct buf out = buf_over(text, sizeof text);
    load_wire_money_body(&body, deposits->options->deposit_minor, deposits->options->currency);
    buf_printf(&key, "%016" PRIx64 "-%u", deposits->nonce, deposits->next);
    struct load_wire_request request = {.method = "POST",
                                        .path = "/v1/account/deposits",
                                        .host = deposits->options->host,
                                        .token = load_users_token(deposits->users, deposits->next),
                                        .key = buf_slice(&key),
                                        .body = buf_slice(&body)};
    load_wire_request(&out, &request);
    struct load_flight flight = {.due = load_process_now()};
    if (!load_pool_send(deposits->pool, connection, buf_slice(&out), &flight))
        return false;
    deposits->next++;
    return true;
}

static void send_some(void *owner)
{
    struct deposits *deposits = owner;
    uint32_t connection;
    while (deposits->next < deposits->users->count && load_pool_take(deposits->pool, &connection))
        (void)send_one(deposits, connection); /* a connection that goes: the next one takes it */
}

static int run(struct loop *loop, struct deposits *deposits)
{
    deposits->heard_us = load_process_now().us;
    while (deposits->answered < deposits->users->count) {
        TRY(loop_run_once(loop, 10 * US_PER_MS));
        if (load_process_now().us - deposits->heard_us > SILENCE_MS_MAX * US_PER_MS)
            return -ERR_NETWORK;
    }
    return deposits->refused == 0 ? 0 : -ERR_FORMAT;
}

int load_deposit_run(struct loop *loop, const struct load_options *options,
                     const struct load_users *users)
{
    struct deposits deposits = {.options = options, .users = users};
    struct load_pool_options pool = {.target = options->target,
                                     .transport = LOAD_TRANSPORT_HTTP,
                                     .connections = CONNECTIONS,
                                     .pipeline = PIPELINE};
    random_fill(&deposits.nonce, sizeof deposits.nonce);
    TRY(load_pool_new(loop, &pool, &callbacks, &deposits, &deposits.pool));
    int result = loop_at_turn_end(loop, LOOP_STAGE_WORK, send_some, &deposits);
    if (result == 0)
        result = run(loop, &deposits);
    loop_remove_hook(loop, send_some, &deposits);
    load_pool_free(deposits.pool);
    return result;
}
