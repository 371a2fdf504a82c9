/* verdict_fixture.h - a real log of deposits on a faulty disk, for tests of what is made from it.
 * Record 1 is GENESIS, 2 OPENED, 3 the account; deposit n, from 0, has the key "kN". Every
 * FIXTURE_FENCE_EVERY-th deposit is followed by a fence, which is no verdict. */
#pragma once

#include "adapters/embedded/ledger_cursor_file.h"
#include "adapters/embedded/verdict_runs.h"
#include "adapters/faulty/faulty_disk.h"
#include "maker.h"

#define FIXTURE_FENCE_EVERY 7

struct verdict_fixture {
    struct faulty_disk *log_disk;
    struct ledger_store *store;
    struct ledger_cursor *cursor;
    struct maker maker;
    uint64_t *seqs; /* of each deposit */
    uint32_t deposits;
    struct faulty_disk *disk; /* of the runs; the test's */
    struct verdict_runs *runs;
    struct verdict_runs_report report;
};

void verdict_fixture_begin(struct verdict_fixture *f);
void verdict_fixture_end(struct verdict_fixture *f);
/* Appends so many deposits, durably. */
void verdict_fixture_deposit(struct verdict_fixture *f, uint32_t count);
/* A deposit under the key of deposit n again, which no book would write. */
void verdict_fixture_again(struct verdict_fixture *f, uint32_t n);

/* Opens the runs on f->disk. */
void verdict_fixture_open(struct verdict_fixture *f, uint32_t chunk_keys, uint64_t filter_bytes);
void verdict_fixture_close(struct verdict_fixture *f);
/* Steps until there is nothing to do; the answer of the last step. */
int verdict_fixture_run(struct verdict_fixture *f);
/* Everything durable is covered, or the test fails. */
void verdict_fixture_cover(struct verdict_fixture *f);

struct hash128 verdict_fixture_key(const struct verdict_fixture *f, uint32_t n);
/* NULL, or what is wrong: every deposit up to covered() is found, with its record, and keys that
 * were never used are not. */
const char *verdict_fixture_wrong(struct verdict_fixture *f);
