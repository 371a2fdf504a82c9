/* json_ear.h - a feed sink that writes down what it is told. */
#pragma once

#include "base/buf.h"
#include "ports/feed_sink.h"

struct json_ear {
    struct feed_sink sink;
    struct buf said; /* one call after another, "; " between them */
    char memory[4096];
};

void json_ear_init(struct json_ear *ear);
