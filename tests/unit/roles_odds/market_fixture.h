/* market_fixture.h - markets in a store, and a short way to change their prices. */
#pragma once

#include "ports/odds_store.h"

#define FIXTURE_SELECTIONS 3

/* An image of `market` of `event` and `sport` with FIXTURE_SELECTIONS selections "a", "b", "c" at
 * 2.10, 3.40 and 21/13; version 1 of epoch 1. Static memory: until the next call. */
struct odds_image *market_image(const char *market, const char *event, const char *sport);
