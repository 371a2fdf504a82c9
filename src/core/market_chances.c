/* market_chances.c - contract in market_chances.h. */
#include "core/market_chances.h"

#include "base/assert.h"

uint64_t chances_inverse(struct odds odds)
{
    ASSERT(odds_present(odds));
    return (uint64_t)((unsigned __int128)CHANCES_BOOK_WHOLE * odds.denominator / odds.numerator);
}

uint32_t chances_of(struct odds odds, uint64_t book)
{
    uint64_t inverse = chances_inverse(odds);
    if (book < inverse || book > CHANCES_BOOK_MAX)
        return 0;
    uint64_t whole = book > CHANCES_BOOK_WHOLE ? book : CHANCES_BOOK_WHOLE;
    return (uint32_t)((unsigned __int128)inverse * CHANCE_WHOLE / whole);
}

static bool begins_alike(struct slice text, struct slice word)
{
    for (size_t i = 0; i < word.bytes; i++) {
        char c = text.at[i];
        if ((c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c) != word.at[i])
            return false;
    }
    return true;
}

static bool has_word(struct slice text, struct slice word)
{
    for (size_t at = 0; at + word.bytes <= text.bytes; at++)
        if (begins_alike(slice_skip(text, at), word))
            return true;
    return false;
}

bool chances_kind(struct slice kind)
{
    static const char *const returning[] = {"asian", "handicap", "draw_no_bet", "total"};
    for (size_t i = 0; i < sizeof returning / sizeof *returning; i++)
        if (has_word(kind, slice_text(returning[i])))
            return false;
    return true;
}
