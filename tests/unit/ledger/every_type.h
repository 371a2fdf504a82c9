/* every_type.h - one good record of every type, and more forms of some, on one log. */
#pragma once

#include "maker.h"

#define EVERY_TYPE_COUNT 39

/* Calls for each record of a log in order, before it is applied; then the log is at its end.
 * `maker` is begun here and ended by the caller. */
void every_type(struct maker *maker, void (*call)(struct maker *maker, const struct parts *parts));
