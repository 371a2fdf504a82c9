/* demo_status.c - contract in demo_status.h. */
#include "cli/demo_status.h"

#include "base/decimal.h"
#include "core/bet_decide.h"

#define REASONS_SHOWN 3

/* ---- the line ---- */

static uint64_t rate(uint64_t before, uint64_t now, int64_t us)
{
    if (us <= 0 || now <= before)
        return 0;
    return ((now - before) * (uint64_t)US_PER_SECOND + (uint64_t)us / 2) / (uint64_t)us;
}

static uint64_t accepted(const struct demo_status_sample *sample)
{
    return sample->bets_by_outcome[BET_PLACED] + sample->bets_by_outcome[BET_PENDING];
}

static void put_ms(struct buf *out, uint64_t us)
{
    decimal_write(out, (int64_t)((us + 5) / 10), 2);
}

static bool is_refusal(size_t outcome)
{
    return outcome != BET_PLACED && outcome != BET_PENDING;
}

/* The reasons that occurred most, the most frequent first. */
static void put_refusals(struct buf *out, const struct demo_status_sample *now)
{
    uint64_t all = 0, shown_bits = 0;
    for (size_t i = 0; i < DEMO_STATUS_OUTCOMES; i++)
        all += is_refusal(i) ? now->bets_by_outcome[i] : 0;
    buf_printf(out, " | refused %llu", (unsigned long long)all);
    for (int shown = 0; shown < REASONS_SHOWN; shown++) {
        size_t most = DEMO_STATUS_OUTCOMES;
        for (size_t i = 0; i < DEMO_STATUS_OUTCOMES; i++)
            if (is_refusal(i) && now->bets_by_outcome[i] > 0 && (shown_bits >> i & 1) == 0 &&
                (most == DEMO_STATUS_OUTCOMES ||
                 now->bets_by_outcome[i] > now->bets_by_outcome[most]))
                most = i;
        if (most == DEMO_STATUS_OUTCOMES)
            return;
        shown_bits |= UINT64_C(1) << most;
        buf_printf(out, "%s %s %llu", shown == 0 ? ":" : ",",
                   bet_outcome_text((enum bet_outcome)most),
                   (unsigned long long)now->bets_by_outcome[most]);
    }
}

static void put_settling(struct buf *out, const struct demo_status_sample *now)
{
    uint64_t done = now->settle_bets - now->settle_bets_left;
    uint64_t percent = now->settle_bets == 0 ? 0 : done * 100 / now->settle_bets;
    buf_put_text(out, " | settling [");
    for (uint64_t tenth = 1; tenth <= 10; tenth++)
        buf_put_text(out, percent >= tenth * 10 ? "#" : ".");
    buf_printf(out, "] %llu %% of %llu bets, %llu markets left", (unsigned long long)percent,
               (unsigned long long)now->settle_bets, (unsigned long long)now->settle_markets);
}

void demo_status_write(struct buf *out, const struct demo_status_sample *before,
                       const struct demo_status_sample *now, size_t columns)
{
    int64_t us = now->at.us - before->at.us;
    size_t begin = out->bytes;
    if (now->scoreboard.bytes > 0) {
        buf_put_slice(out, now->scoreboard);
        buf_put_text(out, " | ");
    }
    buf_printf(out, "%llu prices/s | %llu bets/s",
               (unsigned long long)rate(before->prices, now->prices, us),
               (unsigned long long)rate(accepted(before), accepted(now), us));
    if (now->p50_us > 0) {
        buf_put_text(out, " p50 ");
        put_ms(out, now->p50_us);
        buf_put_text(out, " p99 ");
        put_ms(out, now->p99_us);
        buf_put_text(out, " ms");
    }
    put_refusals(out, now);
    buf_put_text(out, now->liability_is_part ? " | liability >= " : " | liability ");
    decimal_write(out, now->liability_minor, 2);
    buf_printf(out, " | settled %llu", (unsigned long long)now->settled);
    if (now->settle_markets > 0)
        put_settling(out, now);
    else
        buf_printf(out, " | %llu subscribers", (unsigned long long)now->subscribers);
    if (out->bytes - begin > columns)
        out->bytes = begin + columns;
}

/* ---- liability ---- */

/* What the market costs at worst: of its outcomes, the dearest (shard_types.h). */
static int64_t market_liability(const struct shard_state *state, uint32_t ref,
                                const struct shard_market *market)
{
    int64_t most = 0;
    for (uint16_t i = 0; i < market->selections_count; i++) {
        const struct shard_selection *selection =
            shard_state_selection(state, (struct market_ref){ref}, i);
        if (selection->costs_open - market->stakes_single > most)
            most = selection->costs_open - market->stakes_single;
    }
    return most;
}

int64_t demo_status_liability(const struct shard_state *state, uint32_t markets_max,
                              bool *ret_is_part)
{
    int64_t all = 0;
    uint32_t count = shard_state_markets_count(state);
    *ret_is_part = false;
    /* The newest first: in a long run nearly all older ones are settled. */
    for (uint32_t n = count; n > 0; n--) {
        const struct shard_market *market = shard_state_market(state, (struct market_ref){n});
        if (market->bets_unsettled == 0 && market->bets_pending == 0)
            continue;
        if (markets_max-- == 0) {
            *ret_is_part = true;
            break;
        }
        all += market_liability(state, n, market);
    }
    return all;
}
