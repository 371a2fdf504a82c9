/* log.c - contract in log.h. */
#include "base/log.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/json_write.h"
#include "base/rfc3339.h"

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static enum log_level level_min = LOG_LEVEL_INFO;
static int output = STDERR_FILENO;

void log_set_level(enum log_level level)
{
    __atomic_store_n(&level_min, level, __ATOMIC_RELAXED);
}

void log_set_output(int fd)
{
    __atomic_store_n(&output, fd, __ATOMIC_RELAXED);
}

bool log_wants(enum log_level level)
{
    return level >= __atomic_load_n(&level_min, __ATOMIC_RELAXED);
}

bool log_level_parse(struct slice text, enum log_level *ret)
{
    for (unsigned i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
        if (slice_is(text, level_names[i])) {
            *ret = (enum log_level)i;
            return true;
        }
    }
    return false;
}

/* A line uses up a second; a site may run LOG_BURST seconds ahead. Two threads at one site may
 * both pass on the last allowance, which costs a line and no lock. */
bool log_site_admit(struct log_site *site, struct monotonic now, uint32_t *ret_suppressed)
{
    int64_t spent = __atomic_load_n(&site->spent_until_us, __ATOMIC_RELAXED);
    if (spent < now.us)
        spent = now.us;
    if (spent - now.us > (LOG_BURST - 1) * US_PER_SECOND) {
        __atomic_fetch_add(&site->suppressed, 1, __ATOMIC_RELAXED);
        return false;
    }
    __atomic_store_n(&site->spent_until_us, spent + US_PER_SECOND, __ATOMIC_RELAXED);
    *ret_suppressed = __atomic_exchange_n(&site->suppressed, 0, __ATOMIC_RELAXED);
    return true;
}

static bool is_word(struct slice text)
{
    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c <= ' ' || c >= 0x7F || c == '"' || c == '\\' || c == '=')
            return false;
    }
    return text.bytes > 0;
}

static void put_field(struct buf *buf, const struct log_field *field)
{
    buf_put_char(buf, ' ');
    buf_put_text(buf, field->key);
    buf_put_char(buf, '=');
    switch (field->kind) {
    case LOG_KIND_TEXT:
        if (is_word(field->text))
            buf_put_slice(buf, field->text);
        else
            json_write_string(buf, field->text);
        return;
    case LOG_KIND_I64:
        buf_put_i64(buf, field->i64);
        return;
    case LOG_KIND_U64:
        buf_put_u64(buf, field->u64);
        return;
    case LOG_KIND_END:
        return;
    }
}

/* Puts the field, or nothing and false when it does not fit. */
static bool try_field(struct buf *buf, const struct log_field *field)
{
    size_t bytes = buf->bytes;
    put_field(buf, field);
    if (!buf->overflow)
        return true;
    buf->bytes = bytes;
    buf->overflow = false;
    return false;
}

void log_format(struct buf *buf, const struct log_line *line, struct instant now,
                uint32_t suppressed)
{
    const struct log_field cut = LOG_U64("cut", 1);
    const struct log_field count = LOG_U64("suppressed", suppressed);
    /* Room for " cut=1 suppressed=4294967295\n" is kept back from the fields. */
    struct buf fields = buf_over(buf->at, buf->capacity > 32 ? buf->capacity - 32 : 0);
    rfc3339_write(&fields, now);
    buf_put_char(&fields, ' ');
    buf_put_text(&fields, level_names[line->level]);
    buf_put_char(&fields, ' ');
    buf_put_text(&fields, line->area);
    buf_put_char(&fields, ' ');
    buf_put_text(&fields, line->message);
    fields.overflow = false; /* a head that long is of our own making; it is cut */
    bool all = true;
    for (const struct log_field *field = line->fields; field->kind != LOG_KIND_END; field++)
        all = try_field(&fields, field) && all;
    buf->bytes = fields.bytes;
    if (!all)
        (void)try_field(buf, &cut);
    if (suppressed > 0)
        (void)try_field(buf, &count);
    buf_put_char(buf, '\n');
}

void log_write(struct log_site *site, const struct log_line *line)
{
    uint32_t suppressed;
    if (!log_site_admit(site, (struct monotonic){clock_us(CLOCK_MONOTONIC)}, &suppressed))
        return;
    char text[LOG_BYTES_MAX];
    struct buf buf = buf_over(text, sizeof text);
    log_format(&buf, line, (struct instant){clock_us(CLOCK_REALTIME)}, suppressed);
    ssize_t written = write(__atomic_load_n(&output, __ATOMIC_RELAXED), text, buf.bytes);
    (void)written;
}
