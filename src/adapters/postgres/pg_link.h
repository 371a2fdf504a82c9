/* pg_link.h - one connection to PostgreSQL (or what speaks its protocol), and one statement on it.
 *
 * What an answer means for what was written is told apart here, once
 * (adapters/shared/store_answer.h): STORE_AGAIN is what was refused for what others did meanwhile
 * (40001, 40P01), STORE_FULL class 53, STORE_LOST a connection that broke after the statement was
 * sent. A statement is a transaction of its own, and it has been taken only when the server is idle
 * again behind it: in the extended protocol the commit, and what it may refuse, comes after the
 * rows.
 *
 * Blocks: for threads that may wait. A link that is left (pg_link_leave) answers STORE_AWAY or
 * STORE_LOST soon. Thread: one at a time, but for pg_link_leave. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "adapters/shared/store_answer.h"
#include "base/slice.h"

/* To each of the hosts; connect_timeout may say less. */
#define PG_CONNECT_US_MAX    INT64_C(5000000)
#define PG_PROBLEM_BYTES_MAX 256
#define PG_PARAMS_MAX        9

/* Binary values; the bytes are borrowed for the call. */
struct pg_params {
    int count;
    const char *at[PG_PARAMS_MAX];
    int bytes[PG_PARAMS_MAX];
    int64_t numbers[PG_PARAMS_MAX]; /* where a number's bytes lie */
};
void pg_params_put_number(struct pg_params *params, int64_t number); /* a bigint */
void pg_params_put_bytes(struct pg_params *params, const char *at, size_t bytes);

struct pg_link;

/* `conninfo` is libpq's, copied; keep-alives and timeouts that it does not name are set so that a
 * peer which is gone is noticed within about five seconds. Of several hosts each has its own time
 * (pg_hosts.h); transactions are serializable whatever its `options` say. Does not connect. 0,
 * -ERR_MEMORY, -ERR_CONFIG (libpq cannot read it; lists of hosts and ports that do not fit). */
int pg_link_new(const char *conninfo, struct pg_link **ret_link);
void pg_link_free(struct pg_link *link); /* accepts NULL */
/* From any thread: what waits ends soon, and nothing is begun any more. */
void pg_link_leave(struct pg_link *link);
bool pg_link_left(const struct pg_link *link);

/* Connects first where there is no connection. The result is the caller's (PQclear) after
 * STORE_TAKEN, and NULL otherwise. Rows are binary. */
enum store_answer pg_link_run(struct pg_link *link, const char *statement,
                              const struct pg_params *params, PGresult **ret_rows);
/* Statements of text in which the n-th COPY … FROM STDIN is given blocks[n]; without rows. They are
 * all sent at once, so BEGIN and COMMIT among them cost no way of their own; after another answer
 * than STORE_TAKEN nothing of a transaction that they began is left open. */
enum store_answer pg_link_copy_in(struct pg_link *link, const char *statements,
                                  const struct slice *blocks, size_t count);
/* Statements whose last one is a COPY … TO STDOUT; then its lines one by one. STORE_TAKEN: the next
 * line, without its end, borrowed until the next call; *ret_end: there is none. Nothing else is run
 * on the link before the end. */
enum store_answer pg_link_copy_out(struct pg_link *link, const char *statements);
enum store_answer pg_link_copy_next(struct pg_link *link, struct slice *ret_line, bool *ret_end);

/* Of the newest answer that was not STORE_TAKEN; "" before. Borrowed until the next run. */
const char *pg_link_problem(const struct pg_link *link);
/* Waits without the processor, at most so long; false: the link was left. */
bool pg_link_pause(struct pg_link *link, int64_t us);
