/* log.h - one line per decision of a role, on stderr:
 *
 *   2026-11-22T10:14:19.123456Z warn feed gap provider=uof from=17 to=19 suppressed=3
 *
 * Only roles, tools and main log (STYLE part 8); what lies below returns instead.
 * Never log a field that could hold personal data: no user id, name, address, device,
 * location, token, key, or text of a request body. Log our own ids (bet, market, event, shard)
 * and numbers; the ledger says who. Nothing is allocated; a line is one write(2) of at most
 * LOG_BYTES_MAX and is cut at a field's end beyond that. Text values are quoted and escaped
 * when they are more than a word, so that a value cannot look like a field or a line.
 *
 * Each call site may write LOG_BURST lines at once and then one a second; what it
 * suppressed is counted in its next line. Thread: any.
 *
 *   log_warn("feed", "gap", LOG_TEXT("provider", name), LOG_U64("from", seq)); */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/instant.h"
#include "base/slice.h"

#define LOG_BYTES_MAX 1024
#define LOG_BURST     20

enum log_level { LOG_LEVEL_DEBUG = 0, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

enum log_kind { LOG_KIND_END = 0, LOG_KIND_TEXT, LOG_KIND_I64, LOG_KIND_U64 };

struct log_field {
    enum log_kind kind;
    const char *key;
    union {
        struct slice text;
        int64_t i64;
        uint64_t u64;
    };
};

#define LOG_TEXT(name, value) ((struct log_field){LOG_KIND_TEXT, (name), {.text = (value)}})
#define LOG_I64(name, value)  ((struct log_field){LOG_KIND_I64, (name), {.i64 = (value)}})
#define LOG_U64(name, value)  ((struct log_field){LOG_KIND_U64, (name), {.u64 = (value)}})
/* A negative ERR_* by its text. */
#define LOG_ERROR_CODE(value) LOG_TEXT("error", slice_text(error_text(value)))

/* A call site's allowance; zeros to begin with. */
struct log_site {
    int64_t spent_until_us; /* monotonic: the end of the time its lines have used up */
    uint32_t suppressed;
};

struct log_line {
    enum log_level level;
    const char *area, *message;
    const struct log_field *fields; /* ends with LOG_KIND_END */
};

#define LOG_AT(level_, area_, message_, ...)                                                       \
    do {                                                                                           \
        static struct log_site log_site_;                                                          \
        if (log_wants(level_)) {                                                                   \
            const struct log_field log_fields_[] = {                                               \
                __VA_ARGS__ __VA_OPT__(, ){.kind = LOG_KIND_END}};                                 \
            const struct log_line log_line_ = {(level_), (area_), (message_), log_fields_};        \
            log_write(&log_site_, &log_line_);                                                     \
        }                                                                                          \
    } while (0)

#define log_debug(area, message, ...)                                                              \
    LOG_AT(LOG_LEVEL_DEBUG, area, message __VA_OPT__(, ) __VA_ARGS__)
#define log_info(area, message, ...)                                                               \
    LOG_AT(LOG_LEVEL_INFO, area, message __VA_OPT__(, ) __VA_ARGS__)
#define log_warn(area, message, ...)                                                               \
    LOG_AT(LOG_LEVEL_WARN, area, message __VA_OPT__(, ) __VA_ARGS__)
#define log_error(area, message, ...)                                                              \
    LOG_AT(LOG_LEVEL_ERROR, area, message __VA_OPT__(, ) __VA_ARGS__)

/* The lowest level that is written (LOG_LEVEL_INFO at first), and where to (stderr at first). */
void log_set_level(enum log_level level);
void log_set_output(int fd);
bool log_wants(enum log_level level);
/* "debug", "info", "warn", "error"; false for another text. */
bool log_level_parse(struct slice text, enum log_level *ret);

/* Writes the line if the site may; a failing write is ignored: nothing is left to tell it to. */
void log_write(struct log_site *site, const struct log_line *line);

/* The parts, for tests. Whether the site may write at `now`; *ret_suppressed is then how many
 * lines it could not write since its last one. */
bool log_site_admit(struct log_site *site, struct monotonic now, uint32_t *ret_suppressed);
/* The line's text with its line feed, never more than the buffer's capacity. */
void log_format(struct buf *buf, const struct log_line *line, struct instant now,
                uint32_t suppressed);
