/* uof_ear.h - a source of the Unified Odds Feed, and a sink that keeps what it said as text. */
#pragma once

#include "base/buf.h"
#include "feeds/uof/uof_source.h"

#define EAR_BYTES 262144

struct ear {
    struct feed_sink sink;
    struct feed_source *source; /* owned */
    struct buf said;
    char memory[EAR_BYTES];
    char line[8192];
};

/* Few of everything, so that limits are reached. */
#define EAR_EVENTS_MAX   3
#define EAR_MARKETS_MAX  6
#define EAR_OUTCOMES_MAX 1200

struct ear *ear_new(void);
void ear_free(struct ear *ear);
/* Gives it a line and checks the cache; the source's answer. */
int ear_hear(struct ear *ear, const char *line);
/* What was said since the last call but for signs of life:
 * "market ID uof:1 active 1=2.00 2=-; result ID v5 c2 1=WON; late uof:1; good uof:1" */
const char *ear_said(struct ear *ear);
/* Hears a line that must be taken; what is said then. */
const char *ear_hears(struct ear *ear, const char *line);
struct uof_counts ear_counts(const struct ear *ear);
