/* load_tally.h - what came of the requests of one run: latencies from the due time, answers by
 * status and code, and how far the generator itself was behind. Thread: the owner's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/histogram.h"
#include "base/instant.h"
#include "base/json_write.h"
#include "base/slice.h"

#define LOAD_CODES_MAX      48 /* distinct (status, code) pairs; further ones are "other" */
#define LOAD_CODE_BYTES_MAX 32 /* longer codes are cut */

struct load_code {
    int status; /* 0: there was no answer */
    uint32_t code_bytes;
    char code[LOAD_CODE_BYTES_MAX]; /* of a refusal; empty for a success */
    uint64_t count;
};

struct load_tally {
    struct histogram latency_us; /* due -> answer: what a customer sees */
    struct histogram service_us; /* sent -> answer: what the server did */
    struct histogram late_us;    /* due -> sent: the generator behind its schedule, or no
                                    connection free because the server was slow */
    uint64_t sent;
    uint64_t answered;
    uint64_t succeeded; /* 2xx */
    uint64_t failed;    /* 5xx, 429, or no answer: an error of the server under load */
    uint64_t lost;      /* the connection broke, or the end came first */
    uint64_t codes_other;
    uint32_t codes_count;
    struct load_code codes[LOAD_CODES_MAX];
};

/* All zeros is an empty tally. */
void load_tally_sent(struct load_tally *tally, struct monotonic due, struct monotonic now);
/* `code` is empty for a success. */
void load_tally_answer(struct load_tally *tally, struct monotonic due, struct monotonic sent,
                       struct monotonic now);
void load_tally_code(struct load_tally *tally, int status, struct slice code);
/* No answer comes: counted as a failure, and its wait so far into the latencies as the least that
 * it took, so that what was lost does not make the percentiles better. */
void load_tally_lost(struct load_tally *tally, struct monotonic due, struct monotonic now,
                     struct slice why);
/* Failures in a million of all that were sent or lost; 0 when there were none. */
uint64_t load_tally_failed_ppm(const struct load_tally *tally);

/* {"p50":..,"p90":..,"p95":..,"p99":..,"p99.9":..,"max":..,"count":N} */
void load_tally_write_histogram(struct json_writer *writer, const struct histogram *histogram);
/* The members of an open object: sent, answered, .., latency_us, service_us, late_us, codes. */
void load_tally_write(struct json_writer *writer, const struct load_tally *tally);

/* The figures of a run are its generator's own: it had no processor time left (`cpu_permille` of
 * its thread), or what it did later than was due (`own_late_us`) is at p99 more than 5 ms and more
 * than a third of the latency that was measured. */
#define LOAD_SATURATED_CPU_PERMILLE 950
#define LOAD_SATURATED_LATE_US      5000
bool load_is_saturated(int64_t cpu_permille, const struct histogram *own_late_us,
                       const struct histogram *latency_us);

/* part of whole in thousandths; 0 where there is no whole. */
static inline int64_t load_permille(int64_t part, int64_t whole)
{
    return whole > 0 ? part * 1000 / whole : 0;
}
