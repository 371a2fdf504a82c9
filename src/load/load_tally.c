/* load_tally.c - contract in load_tally.h. */
#include "load/load_tally.h"

#include <string.h>

static uint64_t since(struct monotonic from, struct monotonic to)
{
    return to.us > from.us ? (uint64_t)(to.us - from.us) : 0;
}

void load_tally_sent(struct load_tally *tally, struct monotonic due, struct monotonic now)
{
    tally->sent++;
    histogram_record(&tally->late_us, since(due, now));
}

void load_tally_answer(struct load_tally *tally, struct monotonic due, struct monotonic sent,
                       struct monotonic now)
{
    tally->answered++;
    histogram_record(&tally->latency_us, since(due, now));
    histogram_record(&tally->service_us, since(sent, now));
}

static struct load_code *find_code(struct load_tally *tally, int status, struct slice code)
{
    for (uint32_t i = 0; i < tally->codes_count; i++) {
        struct load_code *known = &tally->codes[i];
        if (known->status == status && slice_equal(slice_of(known->code, known->code_bytes), code))
            return known;
    }
    if (tally->codes_count == LOAD_CODES_MAX)
        return NULL;
    struct load_code *fresh = &tally->codes[tally->codes_count++];
    *fresh = (struct load_code){.status = status, .code_bytes = (uint32_t)code.bytes};
    if (code.bytes > 0)
        memcpy(fresh->code, code.at, code.bytes);
    return fresh;
}

void load_tally_code(struct load_tally *tally, int status, struct slice code)
{
    if (code.bytes > LOAD_CODE_BYTES_MAX)
        code.bytes = LOAD_CODE_BYTES_MAX;
    struct load_code *known = find_code(tally, status, code);
    if (known != NULL)
        known->count++;
    else
        tally->codes_other++;
    if (status >= 200 && status < 300)
        tally->succeeded++;
    if (status == 0 || status == 429 || status >= 500)
        tally->failed++;
}

void load_tally_lost(struct load_tally *tally, struct monotonic due, struct monotonic now,
                     struct slice why)
{
    tally->lost++;
    histogram_record(&tally->latency_us, since(due, now));
    load_tally_code(tally, 0, why);
}

uint64_t load_tally_failed_ppm(const struct load_tally *tally)
{
    uint64_t all = tally->answered + tally->lost;
    return all == 0 ? 0 : tally->failed * 1000000 / all;
}

void load_tally_write_histogram(struct json_writer *writer, const struct histogram *histogram)
{
    static const struct {
        const char *name;
        int permyriad;
    } rows[] = {{"p50", 5000}, {"p90", 9000}, {"p95", 9500}, {"p99", 9900}, {"p99.9", 9990}};
    json_write_object_open(writer);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_write_key(writer, rows[i].name);
        json_write_u64(writer, histogram_percentile(histogram, rows[i].permyriad));
    }
    json_write_key(writer, "max");
    json_write_u64(writer, histogram->max);
    json_write_key(writer, "count");
    json_write_u64(writer, histogram->count);
    json_write_object_close(writer);
}

static void write_codes(struct json_writer *writer, const struct load_tally *tally)
{
    json_write_array_open(writer);
    for (uint32_t i = 0; i < tally->codes_count; i++) {
        const struct load_code *row = &tally->codes[i];
        json_write_object_open(writer);
        json_write_key(writer, "status");
        json_write_i64(writer, row->status);
        json_write_key(writer, "code");
        json_write_text(writer, slice_of(row->code, row->code_bytes));
        json_write_key(writer, "count");
        json_write_u64(writer, row->count);
        json_write_object_close(writer);
    }
    json_write_array_close(writer);
}

void load_tally_write(struct json_writer *writer, const struct load_tally *tally)
{
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {{"sent", tally->sent},           {"answered", tally->answered},
                  {"succeeded", tally->succeeded}, {"failed", tally->failed},
                  {"lost", tally->lost},           {"codes_other", tally->codes_other}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        json_write_key(writer, counts[i].name);
        json_write_u64(writer, counts[i].value);
    }
    json_write_key(writer, "latency_us");
    load_tally_write_histogram(writer, &tally->latency_us);
    json_write_key(writer, "service_us");
    load_tally_write_histogram(writer, &tally->service_us);
    json_write_key(writer, "late_us");
    load_tally_write_histogram(writer, &tally->late_us);
    json_write_key(writer, "codes");
    write_codes(writer, tally);
}

bool load_is_saturated(int64_t cpu_permille, const struct histogram *own_late_us,
                       const struct histogram *latency_us)
{
    uint64_t late_us = histogram_percentile(own_late_us, 9900);
    return cpu_permille > LOAD_SATURATED_CPU_PERMILLE ||
           (late_us > LOAD_SATURATED_LATE_US &&
            late_us > histogram_percentile(latency_us, 9900) / 3);
}
