/* replay_join.c - contract in replay_join.h. */
#include "feeds/replay/replay_join.h"

#include <stdlib.h>

#include "base/error.h"
#include "feeds/replay/replay_file.h"

enum place {
    BETWEEN = 0, /* outside of tags */
    BEGUN,       /* behind "<" */
    OPENING,     /* in <name ...> */
    SLASHED,     /* in it, behind a "/" that may end it */
    CLOSING,     /* in </name> */
    DECLARING,   /* in <? ...> or <! ...> */
    COMMENTING,  /* in <!-- */
};

struct replay_join {
    size_t bytes;
    bool begun;  /* the document is not complete */
    bool rooted; /* its root has begun */
    unsigned depth;
    enum place place;
    char quote; /* within an attribute's value: what ends it; else 0 */
    char at[REPLAY_LINE_BYTES_MAX];
};

int replay_join_new(struct replay_join **ret)
{
    *ret = calloc(1, sizeof **ret);
    return *ret == NULL ? -ERR_MEMORY : 0;
}

void replay_join_free(struct replay_join *join)
{
    free(join);
}

static enum place behind_less(struct replay_join *join, char c)
{
    if (c == '/')
        return CLOSING;
    if (c == '?' || c == '!')
        return DECLARING;
    join->depth++;
    join->rooted = true;
    return OPENING;
}

static enum place in_opening(struct replay_join *join, char c)
{
    if (c == '"' || c == '\'')
        join->quote = c;
    if (c != '>')
        return c == '/' ? SLASHED : OPENING;
    join->depth -= join->place == SLASHED;
    return BETWEEN;
}

static bool ends_with(const struct replay_join *join, struct slice text)
{
    return join->bytes >= text.bytes &&
           memcmp(join->at + join->bytes - text.bytes, text.at, text.bytes) == 0;
}

/* The byte is the last one of what is kept. */
static void follow(struct replay_join *join, char c)
{
    if (join->quote != 0) {
        if (c == join->quote)
            join->quote = 0;
        return;
    }
    switch (join->place) {
    case BETWEEN:
        join->place = c == '<' ? BEGUN : BETWEEN;
        break;
    case BEGUN:
        join->place = behind_less(join, c);
        break;
    case OPENING:
    case SLASHED:
        join->place = in_opening(join, c);
        break;
    case CLOSING:
        join->depth -= c == '>' && join->depth > 0;
        join->place = c == '>' ? BETWEEN : CLOSING;
        break;
    case DECLARING:
        if (ends_with(join, SLICE("<!--")))
            join->place = COMMENTING;
        else if (c == '>')
            join->place = BETWEEN;
        break;
    case COMMENTING:
        join->place = ends_with(join, SLICE("-->")) ? BETWEEN : COMMENTING;
        break;
    }
}

static void begin(struct replay_join *join)
{
    join->bytes = 0;
    join->begun = true;
    join->rooted = false;
    join->depth = 0;
    join->place = BETWEEN;
    join->quote = 0;
}

int replay_join_line(struct replay_join *join, struct slice line, struct slice *ret_document)
{
    if (!join->begun)
        begin(join);
    if (line.bytes + 1 > sizeof join->at - join->bytes)
        return -ERR_LIMIT;
    if (join->bytes > 0)
        join->at[join->bytes++] = ' ';
    for (size_t i = 0; i < line.bytes; i++) {
        join->at[join->bytes++] = line.at[i];
        follow(join, line.at[i]);
    }
    if (!join->rooted || join->depth > 0 || join->place != BETWEEN)
        return 0;
    join->begun = false;
    *ret_document = slice_of(join->at, join->bytes);
    return 1;
}

bool replay_join_rest(struct replay_join *join, struct slice *ret_document)
{
    bool left = join->begun && join->bytes > 0;
    join->begun = false;
    if (left)
        *ret_document = slice_of(join->at, join->bytes);
    return left;
}
