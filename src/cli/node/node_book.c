/* node_book.c - what a node's options say of its book: contracts in node.h and node_internal.h. */
#include "base/log.h"
#include "cli/node/node_internal.h"
#include "cli/version.h"

struct shard_limits node_shard_limits(const struct node_options *options)
{
    struct shard_limits limits = SHARD_LIMITS_DEFAULT;
    limits.accounts_max = (uint32_t)options->accounts_max;
    limits.bets_max = (uint32_t)options->bets_max;
    limits.verdicts_max = (uint32_t)options->verdicts_max;
    limits.referrals_max = (uint32_t)options->trading.referrals_max;
    return limits;
}

static void put_bet_limits(const struct node_trading *trading, struct book_options *book)
{
    book->ticket_limits = (struct ticket_limits){
        .bet = {.stake_minor_min = trading->stake_minor_min,
                .stake_minor_max = trading->stake_minor_max,
                .payout_minor_max = trading->payout_minor_max,
                .tolerance_permyriad = (uint32_t)trading->tolerance_permyriad,
                .rounding = trading->rounding},
        .legs_max = (uint32_t)trading->legs_max,
        .lines_max = (uint64_t)trading->lines_max,
        .total_odds_max =
            trading->total_odds_max == 0 ? TOTAL_ODDS_UNLIMITED : (uint32_t)trading->total_odds_max,
    };
    book->payout_day_minor_max =
        trading->payout_day_minor_max == 0 ? INT64_MAX : trading->payout_day_minor_max;
    book->liability_minor_max =
        trading->liability_minor_max == 0 ? LIABILITY_UNLIMITED : trading->liability_minor_max;
}

static bool has_desk(const struct node_options *options)
{
    return options->desk.count > 0 && (options->shard.shard != 0 || options->desk_apart);
}

struct node_desk_parts node_desk_parts(struct node *node)
{
    static const struct peer_address none = {.count = 0};
    return (struct node_desk_parts){
        .loop = node->loop,
        .book = node->book,
        .log = &node->stores.meter.log,
        .place = node->options->shard,
        .desk = has_desk(node->options) ? &node->options->desk : &none,
    };
}

struct book_options node_book_options(const struct node_options *options)
{
    struct book_options book = BOOK_OPTIONS_DEFAULT;
    book.place = options->shard;
    book.has_desk = has_desk(options);
    book.limits = node_shard_limits(options);
    book.silence_us_max = options->silence_us_max;
    if (options->follows)
        book.price_lag_us_max = options->price_lag_us_max;
    put_bet_limits(&options->trading, &book);
    book.deposit_minor_max = options->trading.deposit_minor_max;
    book.write_off_minor_max = options->trading.write_off_minor_max;
    book.settle_per_turn_max = (uint32_t)options->trading.settle_per_turn_max;
    book.pending_max = (uint32_t)options->trading.pending_max;
    book.results_second_person = options->results_second_person;
    book.results_objection_us = options->results_objection_s * US_PER_SECOND;
    book.provider_skew_us = options->provider_skew_ms * US_PER_MS;
    book.results_certainty_least = (uint8_t)options->results_certainty_least;
    book.cash_out = (struct cash_out_options){options->trading.cash_out,
                                              (uint32_t)options->trading.cash_out_margin,
                                              options->trading.cash_out_valid_ms * US_PER_MS};
    book.referral = (struct referral_options){options->trading.referrals,
                                              options->trading.referral_timeout_ms * US_PER_MS,
                                              options->trading.referral_offer_ms * US_PER_MS};
    book.bind_score = options->trading.bind_score;
    book.version = version_text;
    if (version_binary_sha256(book.binary_sha256) < 0)
        log_warn("node", "the program's own hash is not known");
    return book;
}
