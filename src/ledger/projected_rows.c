/* projected_rows.c - contract in projected_rows.h. */
#include "ledger/projected_rows.h"

#include <stddef.h>

#include "base/rfc3339.h"
#include "base/utf8.h"

static void put_tab(struct buf *out)
{
    buf_put_char(out, '\t');
}

static void put_u64(struct buf *out, uint64_t value)
{
    buf_put_u64(out, value);
    put_tab(out);
}

static void put_word(struct buf *out, const char *word)
{
    buf_put_text(out, word == NULL ? "\\N" : word);
    put_tab(out);
}

/* Those of an ASCII character that COPY escapes by a letter; 0: it is written as it is. */
static char letter_of(char c)
{
    static const char escaped[] = "\b\f\n\r\t\v\\", letters[] = "bfnrtv\\";
    for (size_t i = 0; escaped[i] != '\0'; i++)
        if (escaped[i] == c)
            return letters[i];
    return '\0';
}

static void put_character(struct buf *out, const char *at, size_t bytes)
{
    char letter = bytes == 1 ? letter_of(*at) : '\0';
    if (letter != '\0') {
        buf_put_char(out, '\\');
        buf_put_char(out, letter);
    } else {
        buf_put(out, at, bytes);
    }
}

static void put_text(struct buf *out, struct slice text)
{
    const char *end = text.at + text.bytes;
    for (const char *at = text.at; at < end;) {
        size_t bytes = utf8_sequence_bytes(at, end);
        if (bytes == 0 || *at == '\0') {
            buf_put_char(out, '?');
            at++;
            continue;
        }
        put_character(out, at, bytes);
        at += bytes;
    }
    put_tab(out);
}

static void put_money(struct buf *out, int64_t minor, struct currency currency)
{
    decimal_write(out, minor, currency_scale(currency));
    put_tab(out);
}

/* As the database writes it: no zeros at the end of a fraction, and no fraction of zeros. */
static void put_instant(struct buf *out, int64_t us)
{
    char memory[RFC3339_BYTES_MAX];
    struct buf text = buf_over(memory, sizeof memory);
    rfc3339_write(&text, (struct instant){us});
    if (text.overflow || us == 0) {
        buf_put_text(out, "\\N");
        return;
    }
    text.bytes--; /* Z */
    while (memory[text.bytes - 1] == '0')
        text.bytes--;
    if (memory[text.bytes - 1] == '.')
        text.bytes--;
    memory[10] = ' ';
    buf_put_slice(out, buf_slice(&text));
    buf_put_text(out, "+00");
}

static void put_odds(struct buf *out, struct odds odds)
{
    if (!odds_present(odds)) {
        buf_put_text(out, "\\N\t\\N\t");
        return;
    }
    odds_write_decimal(out, odds);
    put_tab(out);
    if (odds_is_decimal(odds))
        buf_put_text(out, "\\N");
    else
        odds_write_exact(out, odds);
    put_tab(out);
}

void bet_row_write(struct buf *out, const struct bet_row *row)
{
    put_u64(out, row->bet_id);
    put_u64(out, row->record_no);
    put_u64(out, row->leg_no);
    put_text(out, row->user_id);
    put_text(out, row->event_id);
    put_text(out, row->market_id);
    put_text(out, row->selection_id);
    put_odds(out, row->odds);
    put_money(out, row->stake, row->currency);
    put_word(out, currency_code(row->currency));
    put_word(out, row->status);
    put_word(out, row->result);
    if (row->paid)
        put_money(out, row->payout, row->currency);
    else
        put_word(out, NULL);
    put_money(out, row->cashed_out, row->currency);
    put_instant(out, row->created_us);
    put_tab(out);
    put_instant(out, row->settled_us);
    put_tab(out);
    put_u64(out, row->shard);
    put_u64(out, row->seq);
    put_word(out, row->record);
    put_instant(out, row->recorded_us);
}

void balance_row_write(struct buf *out, const struct balance_row *row)
{
    put_u64(out, row->shard);
    put_u64(out, row->account);
    put_u64(out, row->seq);
    put_text(out, row->user_id);
    put_word(out, currency_code(row->currency));
    put_money(out, row->available, row->currency);
    put_money(out, row->held, row->currency);
    put_money(out, row->free, row->currency);
    put_money(out, row->bonus, row->currency);
    put_instant(out, row->recorded_us);
}
