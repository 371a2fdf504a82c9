/* ledger_explain.c - contract in ledger_explain.h. */
#include "cli/ledger/ledger_explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/ledger_file.h"
#include "base/error.h"
#include "ledger/record.h"
#include "roles/bet/bet_explain.h"

/* What the log says of one bet. */
struct told_bet {
    uint64_t bet_id;
    bool there;
    size_t bytes; /* of the SETTLE in force; 0: none */
    _Alignas(8) char settle[RECORD_BET_BYTES_MAX];
};

static int keep_settle(struct told_bet *bet, const char *record, size_t bytes)
{
    if (bytes > sizeof bet->settle)
        return -ERR_LIMIT;
    memcpy(bet->settle, record, bytes);
    bet->bytes = bytes;
    return 0;
}

static int read_record(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct told_bet *bet = owner;
    struct record_view view;
    (void)shard;
    TRY(record_view_of(record, bytes, &view));
    switch (view.head->type) {
    case RECORD_BET:
        bet->there |= ((const struct record_bet *)view.body)->bet_id == bet->bet_id;
        return 0;
    case RECORD_SETTLE:
        return ((const struct record_settle *)view.body)->bet_id == bet->bet_id
                   ? keep_settle(bet, record, bytes)
                   : 0;
    case RECORD_REVERSE:
        if (((const struct record_reverse *)view.body)->bet_id == bet->bet_id)
            bet->bytes = 0;
        return 0;
    default: /* about no settlement */
        return 0;
    }
}

static void say(void *owner, struct slice sentence)
{
    (void)owner;
    (void)printf("%.*s\n", SLICE_ARG(sentence));
}

static int parse_bet(const char *text, uint64_t *ret)
{
    char *rest = NULL;
    if (text == NULL || text[0] < '1' || text[0] > '9' || strlen(text) > 19)
        return -ERR_CONFIG;
    *ret = strtoull(text, &rest, 10);
    return *rest == '\0' ? 0 : -ERR_CONFIG;
}

int ledger_explain(struct ledger_opened *opened, const struct ledger_asked *asked, struct buf *why)
{
    static struct told_bet bet; /* one a process */
    char text[LEDGER_REPORT_TEXT_BYTES] = "";
    struct record_view view;
    if (parse_bet(asked->bet, &bet.bet_id) < 0) {
        buf_put_text(why, "ledger explain BET_ID: one id of a bet");
        return -ERR_CONFIG;
    }
    int error = ledger_file_replay(opened->log, 1, read_record, &bet, text);
    if (error < 0) {
        buf_put_text(why, text[0] != '\0' ? text : error_text(error));
        return error;
    }
    if (!bet.there) {
        buf_printf(why, "there is no bet %s", asked->bet);
        return -ERR_NOT_FOUND;
    }
    if (bet.bytes == 0) {
        say(NULL, SLICE("The bet is not settled."));
        return 0;
    }
    TRY(record_view_of(bet.settle, bet.bytes, &view));
    bet_explain_settlement(&view, shard_state_shard(opened->state),
                           &(struct bet_explain_to){say, NULL});
    return 0;
}
