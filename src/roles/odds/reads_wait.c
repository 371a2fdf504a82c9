/* reads_wait.c - long polls: a read of a market that the client has already, with `Prefer: wait=N`
 * (RFC 7240 section 4.3), is answered when the market changes, or with 304 after N seconds. */
#include "roles/odds/odds_calls.h"

#include <string.h>
#include <strings.h>

#include "net/http/http_reply.h"

static struct wait *wait_at(struct odds_service *s, uint32_t slot)
{
    return &s->waits[slot];
}

/* ---- the preference ---- */

static struct slice trimmed(struct slice text)
{
    while (text.bytes > 0 && (text.at[0] == ' ' || text.at[0] == '\t'))
        text = slice_skip(text, 1);
    while (text.bytes > 0 && (text.at[text.bytes - 1] == ' ' || text.at[text.bytes - 1] == '\t'))
        text.bytes--;
    return text;
}

/* "wait=10" in seconds; 0 for any other preference. */
static int64_t seconds_of(struct slice preference)
{
    int64_t seconds = 0;
    preference = trimmed(preference);
    if (preference.bytes < 6 || preference.bytes > 9 || strncasecmp(preference.at, "wait=", 5) != 0)
        return 0;
    for (size_t i = 5; i < preference.bytes; i++) {
        if (preference.at[i] < '0' || preference.at[i] > '9')
            return 0;
        seconds = seconds * 10 + (preference.at[i] - '0');
    }
    return seconds;
}

static int64_t wait_ms(const struct odds_service *s, const struct http_request *request)
{
    struct slice list = http_request_header(request, "prefer");
    int64_t seconds = 0;
    while (list.bytes > 0 && seconds == 0) {
        const char *comma = memchr(list.at, ',', list.bytes);
        size_t bytes = comma == NULL ? list.bytes : (size_t)(comma - list.at);
        seconds = seconds_of(slice_of(list.at, bytes));
        list = slice_skip(list, comma == NULL ? bytes : bytes + 1);
    }
    int64_t ms = seconds * US_PER_MS;
    return ms < s->options.limits.long_poll_ms_max ? ms : s->options.limits.long_poll_ms_max;
}

/* ---- waiting ---- */

static void take_out(struct odds_service *s, struct wait *wait)
{
    struct market_entry *market = &s->index.markets[wait->market];
    if (wait->previous == SLOT_NONE)
        market->waits = wait->next;
    else
        wait_at(s, wait->previous)->next = wait->next;
    if (wait->next != SLOT_NONE)
        wait_at(s, wait->next)->previous = wait->previous;
    loop_timer_cancel(s->loop, &wait->timer);
    slot_pool_give(&s->waits_pool, (uint32_t)(wait - s->waits));
    metrics_change(&s->stats.long_polls, -1);
}

static void answer(struct odds_service *s, struct wait *wait)
{
    struct http_reply_to to = wait->to;
    uint32_t market = wait->market;
    uint64_t version = wait->version;
    take_out(s, wait);
    reads_answer(s, to, market, version);
}

static void on_timeout(void *owner)
{
    struct wait *wait = owner;
    answer(wait->service, wait);
}

bool reads_wait(struct odds_service *s, const struct http_request *request, uint32_t market)
{
    int64_t ms = wait_ms(s, request);
    if (ms <= 0 || s->draining)
        return false;
    uint32_t slot = slot_pool_take(&s->waits_pool);
    if (slot == SLOT_NONE) {
        odds_limit_hit(s, ODDS_LIMIT_long_polls_max);
        return false;
    }
    struct market_entry *entry = &s->index.markets[market];
    struct wait *wait = wait_at(s, slot);
    *wait = (struct wait){.service = s,
                          .to = request->reply_to,
                          .version = entry->version,
                          .market = market,
                          .next = entry->waits,
                          .previous = SLOT_NONE};
    if (entry->waits != SLOT_NONE)
        wait_at(s, entry->waits)->previous = slot;
    entry->waits = slot;
    timer_init(&wait->timer, on_timeout, wait);
    loop_timer_set(s->loop, &wait->timer,
                   (struct monotonic){loop_now(s->loop).us + ms * US_PER_MS});
    metrics_change(&s->stats.long_polls, 1);
    return true;
}

void reads_wake(struct odds_service *s, uint32_t market)
{
    while (s->index.markets[market].waits != SLOT_NONE)
        answer(s, wait_at(s, s->index.markets[market].waits));
}

void reads_forget(struct odds_service *s, uint32_t market)
{
    while (s->index.markets[market].waits != SLOT_NONE) {
        struct wait *wait = wait_at(s, s->index.markets[market].waits);
        struct http_reply_to to = wait->to;
        take_out(s, wait);
        http_reply_problem(to, 404, "MARKET_NOT_FOUND", SLICE_NONE);
    }
}

void odds_service_drain(struct odds_service *s)
{
    s->draining = true;
    fanout_flush(s);
    for (uint32_t i = 0; i < s->index.markets_pool.end; i++)
        reads_wake(s, i);
}

void reads_done(struct odds_service *s)
{
    for (uint32_t i = 0; i < s->index.markets_pool.end; i++)
        while (s->index.markets[i].waits != SLOT_NONE)
            take_out(s, wait_at(s, s->index.markets[i].waits));
}
