/* postgres_server.h - a PostgreSQL of a test program's own (tests/lib/run-postgres), one for all
 * its tests, ended with the program; and statements on it beside the code under test.
 * Thread: the test's. */
#pragma once

#include <stdbool.h>

/* libpq's words for it; starts it at the first call. NULL: it is not installed. */
const char *postgres_server(void);
/* Ends and starts it: what was acknowledged stays. `at_once`: without saying goodbye to anybody, as
 * a crash. */
void postgres_server_restart(bool at_once);
/* Runs statements of text; fails the test when one fails. */
void postgres_run(const char *statements);
/* The first value of the first row as a number. */
long postgres_number(const char *statement);

/* A transaction that stays open, on a connection of its own. */
struct postgres_session;
struct postgres_session *postgres_session_begin(const char *statements);
void postgres_session_end(struct postgres_session *session);
