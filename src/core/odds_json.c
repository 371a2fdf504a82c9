/* odds_json.c - contract in odds_json.h. */
#include "core/odds_json.h"

void odds_json_put(struct json_writer *writer, struct odds odds)
{
    char memory[48];
    struct buf text = buf_over(memory, sizeof memory);
    json_write_key(writer, "odds");
    if (!odds_present(odds)) {
        json_write_null(writer);
        return;
    }
    odds_write_decimal(&text, odds);
    json_write_raw(writer, buf_slice(&text));
    if (odds_is_decimal(odds))
        return;
    text.bytes = 0;
    odds_write_exact(&text, odds);
    json_write_key(writer, "odds_exact");
    json_write_text(writer, buf_slice(&text));
}
