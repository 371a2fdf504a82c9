/* node.h - one process of the sportsbook with everything in it: opens the stores, joins the roles,
 * runs the loop until it is told to end. Thread: the main one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "cli/node/desk_link.h"
#include "cli/node/node_fence.h"
#include "cli/node/node_lease.h"
#include "cli/node/node_listen.h"
#include "cli/node/node_odds_store.h"
#include "cli/node/node_shadow.h"
#include "cli/node/node_ship.h"
#include "cli/node/node_streams.h"
#include "cli/node/node_uof.h"
#include "cli/node/node_upkeep.h"
#include "cli/node/node_volumes.h"
#include "core/bet_decide.h"
#include "crypto/sign_pkcs11.h"
#include "ledger/shard_state.h"
#include "net/stream/net_address.h"
#include "roles/backoffice/result_policy.h"

enum node_profile { PROFILE_DEMO = 1, PROFILE_BENCH, PROFILE_PRODUCTION };

/* What the house offers and takes; money in minor units, alike for every currency. */
struct node_trading {
    int64_t margin_permyriad; /* of the profit part of an exchange's price, and of the matches */
    int64_t price_cents_min, offer_cents_min; /* feeds/betfair_stream/margin_rule.h */
    int64_t uof_delay_ms; /* of bets in play; that feed has no delay of its own */
    int64_t stake_minor_min, stake_minor_max, payout_minor_max, deposit_minor_max;
    int64_t tolerance_permyriad; /* of price_policy "within" */
    enum rounding rounding;      /* of payouts; kept with each bet */
    int64_t settle_per_turn_max, pending_max;
    int64_t write_off_minor_max; /* of a balance below zero; 0: it is owed */
    bool cash_out;
    bool referrals; /* what a limit refuses waits for the desk */
    int64_t referral_timeout_ms, referral_offer_ms, referrals_max;
    int64_t cash_out_margin, cash_out_valid_ms;  /* permyriad of the fair value */
    bool bind_score;                             /* of bets that wait for their delay */
    int64_t payout_day_minor_max;                /* of a customer's bets of a day; 0: unlimited */
    int64_t liability_minor_max;                 /* of one outcome; 0: unlimited */
    int64_t legs_max, lines_max, total_odds_max; /* of one bet; total odds 0: unlimited */
};

/* A start that goes on from a standby (cli/standby/standby.h). */
struct node_takeover {
    struct shard_state *state; /* folded up to the log's end; taken by the node; NULL: not known */
    struct node_fence_target fence; /* who is to be told; token NULL: nobody */
};

struct node_options {
    const char *data;
    struct shard_place shard; /* which one of how many this process has */
    bool leased;              /* it is waited for, and worked on while its lease holds */
    bool any_shard;           /* whichever is free; then under DATA/shard-SSSS */
    int64_t lease_us;
    struct node_lease *lease; /* borrowed; NULL: none is needed */
    struct peer_address desk; /* of a shard whose desk is another process */
    bool desk_apart;          /* that has no users: shard 0 follows it as well */
    const char *ledger;       /* the database that it stands in; "files": none */
    bool personal_in_files;   /* keys of personal fields do not stand beside it */
    const char *projection;   /* the database whose tables are filled; NULL: none */
    struct node_odds_store_options odds_store;
    bool follows;             /* prices are another process's, read there: no odds-worker here */
    int64_t price_lag_us_max; /* of these (L6) */
    const char *jwks;         /* or NULL: local keys */
    enum node_profile profile;
    struct net_address public_address, admin_address;
    struct node_listen_options listen; /* TLS and proxies */
    int64_t loops;                     /* of the network; 0: the book's loop is that too */
    bool ws_deflate;                   /* permessage-deflate is offered to the public */
    int64_t bets_per_minute;           /* of a user; 0: off */
    int64_t address_requests;          /* a second, of an address; 0: off */
    int64_t silence_us_max;            /* P2 */
    int64_t flush_us_max;              /* roles/odds/flush_pace.h */
    int64_t ping_ms, pong_ms_max;      /* net_limits.h: ws_ping_ms, ws_pong_ms_max */
    int64_t lag_ms_max;                /* odds_limits.h */
    int64_t bets_max, accounts_max, markets_max;
    int64_t verdicts_max;          /* keys in memory; the older ones are on disk, without bound */
    int64_t verdicts_filter_bytes; /* says which of those on disk need no look-up */
    struct node_trading trading;
    struct result_policy results;
    bool results_second_person; /* app/book_options.h */
    int64_t results_objection_s, results_certainty_least, provider_skew_ms;
    int64_t head_interval_us;               /* between signed heads, while the ledger grows */
    int64_t heads_on_demand;                /* a second, for proofs that need one; 0: none */
    struct sign_pkcs11_options heads_token; /* .module NULL: key files */
    const char *heads_file;                 /* heads are appended there; or NULL */
    const char *heads_webhook;              /* and posted there; or NULL */
    const char *heads_webhook_ca;           /* who vouches for that server; NULL: the system */
    struct node_shadow_options shadow;
    bool start_check_newest; /* with a snapshot: what is below it is not read at a start */
    int64_t segment_bytes;   /* of new segments of the ledger */
    struct node_upkeep_options upkeep;
    struct node_ship_options ship;
    struct node_volumes_options volumes;
    struct node_streams_options streams;
    struct node_uof_options uof;
    struct node_takeover *takeover; /* NULL: a usual start; borrowed */
    bool from_running;      /* --take-over: from the process on this data, if there is one */
    bool simulate;          /* the built-in matches are played */
    bool demo;              /* with simulated bettors, a status line, and the desk open to all */
    int64_t speed_permille; /* of the matches */
    int64_t seed;           /* of the matches; 0: by the clock */
    bool bettors_elsewhere; /* the simulated bettors connect to the next, a front's, without TLS */
    struct net_address bettors_address;
};

/* Exit codes of `serve` and `demo`. */
enum node_end {
    NODE_ENDED = 0,   /* after a signal, all answered */
    NODE_FAILED = 1,  /* the world failed: files, network */
    NODE_CONFIG = 2,  /* options */
    NODE_DAMAGED = 3, /* the ledger is damaged: somebody must look at it */
    NODE_MOVED = 4,   /* the shard is another process's now; start again to wait for one */
};

/* Called once, when bets are taken, with the addresses that were bound. */
typedef void (*node_ready_fn)(const struct node_addresses *bound);

/* How much the fold of this book may hold: a standby's fold is the node's later. */
struct shard_limits node_shard_limits(const struct node_options *options);

/* Runs until SIGTERM or SIGINT; a second signal ends the process at once. SIGHUP: certificates are
 * read again. On another end than
 * NODE_ENDED `why` holds a sentence. */
enum node_end node_run(const struct node_options *options, node_ready_fn ready, struct buf *why);
/* The same of one that needs the lease of its shard: waits for it first, and gives it back at the
 * end; also NODE_MOVED. */
enum node_end node_run_leased(const struct node_options *options, node_ready_fn ready,
                              struct buf *why);
