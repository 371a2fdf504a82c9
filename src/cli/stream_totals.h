/* stream_totals.h - `overround stream totals`: what was staked on each market and paid
 * (roles/analytics/market_totals.h), in a folder that the members of its group share, one file a
 * partition. A file is replaced whole before its events are committed, and only by who wrote or
 * read it last: so each event is counted once, whichever members are killed when. Thread: main. */
#pragma once

/* The exit code. */
int stream_totals(int argc, char *const *argv);
