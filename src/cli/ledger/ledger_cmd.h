/* ledger_cmd.h - what `overround ledger` answers about an open ledger: its proof, its counts, its
 * records as text, its state. command_ledger.c opens and closes. Thread: one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "adapters/embedded/disk.h"
#include "app/refold.h"
#include "base/buf.h"
#include "crypto/sign_pkcs11.h"
#include "ledger/shard_state.h"
#include "ports/ledger_log.h"
#include "ports/odds_log.h"

#define LEDGER_ODDS_LOGS_MAX 16 /* of one verify */

/* All borrowed. */
struct ledger_opened {
    struct ledger_log *log;
    struct odds_log *odds[LEDGER_ODDS_LOGS_MAX]; /* verify only */
    size_t odds_count;
    struct disk *disk;         /* of the ledger: where the snapshots are; NULL: the log is read from
                                  the table of a database (adapters/shared/batch_ledger.h) */
    uint32_t shard;            /* whose log it is */
    struct shard_state *state; /* empty */
    uint64_t fault_seq;        /* set on failure: the record at fault; 0: none */
};

struct ledger_asked {
    uint64_t from, to;  /* dump: numbers of the first and the last record */
    const char *user;   /* dump: only records of this user; NULL: all. personal: whose */
    const char *ledger; /* personal: the URL of a database; NULL: files */
    bool erase;         /* personal: destroys the key */
    const char *until;  /* replay: a number or an instant; NULL: all */
    const char *data;   /* the server's folder */
    const char *heads;  /* verify: a file with heads that somebody else holds; NULL: none */
    const char *report; /* report: which */
    const char *bet;    /* prove, explain: the bet's id, or NULL */
    struct sign_pkcs11_options token; /* prove, head, rotate-key: .module NULL: none */
    const char *heads_file;           /* rotate-key: as the server's; NULL: none */
    const char *rotate_to;            /* rotate-key: "file" or "pkcs11" */
    bool lost;                        /* rotate-key: the old key signs no more */
    bool fast;                        /* replay: from the newest snapshot at or before it */
};

/* Each prints its answer on stdout. 0; -ERR_CORRUPT; -ERR_CONFIG (what was asked makes no sense);
 * or another error, each with a sentence in `why`. */
int ledger_cmd_verify(struct ledger_opened *opened, const struct ledger_asked *asked,
                      struct buf *why);
int ledger_cmd_stat(struct ledger_opened *opened, const struct ledger_asked *asked,
                    struct buf *why);
int ledger_cmd_dump(struct ledger_opened *opened, const struct ledger_asked *asked,
                    struct buf *why);
int ledger_cmd_replay(struct ledger_opened *opened, const struct ledger_asked *asked,
                      struct buf *why);
/* Folds the records up to seq_last (REFOLD_ALL: all), each shown to `visit` (may be NULL). */
int ledger_cmd_fold(struct ledger_opened *opened, uint64_t seq_last, refold_visit visit,
                    void *owner, struct buf *why);
