/* pg_link.c - contract in pg_link.h.
 *
 * libpq without its own waiting: poll(2) on its socket and on an eventfd through which the link is
 * left. A commit that the server made here only, because somebody cancelled its wait for the
 * synchronous standby, comes with a warning: it does not survive the loss of this server, so it
 * counts as no answer (L2). */
#include "adapters/postgres/pg_link.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "adapters/postgres/pg_hosts.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/error.h"

#define SETTINGS_MAX      32
#define OPTIONS_BYTES_MAX 1024 /* of the setting of that name */

struct pg_link {
    PQconninfoOption *options; /* owned */
    size_t hosts;              /* that they name */
    size_t host;               /* of these, whom to try first: the one that was good, or was due */
    PGconn *connection;        /* owned; NULL: there is none */
    int leave_fd;
    bool sync_was_cut; /* by a warning during the statement */
    char *line;        /* of a COPY that goes out; libpq's, owned */
    char problem[PG_PROBLEM_BYTES_MAX];
};

/* ---- values ---- */

void pg_params_put_number(struct pg_params *params, int64_t number)
{
    int i = params->count++;
    ASSERT(i < PG_PARAMS_MAX);
    params->numbers[i] = (int64_t)htobe64((uint64_t)number);
    params->at[i] = NULL; /* the struct may be moved: set when it is sent */
    params->bytes[i] = sizeof number;
}

void pg_params_put_bytes(struct pg_params *params, const char *at, size_t bytes)
{
    int i = params->count++;
    ASSERT(i < PG_PARAMS_MAX);
    params->at[i] = at;
    params->bytes[i] = (int)bytes;
}

/* ---- begin and end ---- */

#define SERIALIZABLE "-c default_transaction_isolation=serializable"

static const char *own_options(const struct pg_link *link)
{
    return pg_hosts_word(link->options, "options");
}

/* With ours behind them. */
static size_t own_options_bytes(const struct pg_link *link)
{
    return strlen(own_options(link)) + sizeof " " SERIALIZABLE;
}

int pg_link_new(const char *conninfo, struct pg_link **ret_link)
{
    struct pg_link *link = calloc(1, sizeof *link);
    if (link == NULL)
        return -ERR_MEMORY;
    link->leave_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    link->options = PQconninfoParse(conninfo, NULL);
    link->hosts = link->options == NULL ? 0 : pg_hosts_count(link->options);
    if (link->leave_fd < 0 || link->hosts == 0 || own_options_bytes(link) >= OPTIONS_BYTES_MAX) {
        int error = link->leave_fd < 0 ? -ERR_MEMORY : -ERR_CONFIG;
        pg_link_free(link);
        return error;
    }
    *ret_link = link;
    return 0;
}

static void drop(struct pg_link *link)
{
    PQfinish(link->connection);
    link->connection = NULL;
}

void pg_link_free(struct pg_link *link)
{
    if (link == NULL)
        return;
    PQfreemem(link->line);
    drop(link);
    PQconninfoFree(link->options);
    if (link->leave_fd >= 0)
        close(link->leave_fd);
    free(link);
}

void pg_link_leave(struct pg_link *link)
{
    const uint64_t one = 1;
    ssize_t written = write(link->leave_fd, &one, sizeof one);
    (void)written; /* it is readable already */
}

bool pg_link_left(const struct pg_link *link)
{
    struct pollfd leave = {.fd = link->leave_fd, .events = POLLIN};
    return poll(&leave, 1, 0) > 0;
}

const char *pg_link_problem(const struct pg_link *link)
{
    return link->problem;
}

bool pg_link_pause(struct pg_link *link, int64_t us)
{
    struct pollfd leave = {.fd = link->leave_fd, .events = POLLIN};
    return poll(&leave, 1, (int)(us / 1000)) == 0;
}

/* One line, without what would break a log. */
static void explain(struct pg_link *link, const char *state, const char *text)
{
    size_t used = (size_t)snprintf(link->problem, sizeof link->problem, "%s%s%s",
                                   state == NULL ? "" : state, state == NULL ? "" : ": ", text);
    if (used >= sizeof link->problem)
        used = sizeof link->problem - 1;
    for (size_t i = 0; i < used; i++)
        if ((unsigned char)link->problem[i] < ' ')
            link->problem[i] = ' ';
    while (used > 0 && link->problem[used - 1] == ' ')
        link->problem[--used] = '\0';
}

/* ---- waiting ---- */

/* 1: the socket is ready; 0: until_us has come; -1: the link was left, or poll failed. */
static int wait_socket(struct pg_link *link, short events, int64_t until_us)
{
    for (;;) {
        struct pollfd fds[2] = {{.fd = PQsocket(link->connection), .events = events},
                                {.fd = link->leave_fd, .events = POLLIN}};
        int64_t left_us = until_us - clock_us(CLOCK_MONOTONIC);
        if (until_us != INT64_MAX && left_us <= 0)
            return 0;
        int ready = poll(fds, 2, until_us == INT64_MAX ? -1 : (int)(left_us / 1000 + 1));
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready < 0 || fds[1].revents != 0)
            return -1;
        if (fds[0].revents != 0)
            return 1;
    }
}

/* ---- connecting ---- */

static void on_notice(void *owner, const PGresult *notice)
{
    struct pg_link *link = owner;
    const char *text = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
    const char *source = PQresultErrorField(notice, PG_DIAG_SOURCE_FUNCTION);
    if ((source != NULL && strcmp(source, "SyncRepWaitForLSN") == 0) ||
        (text != NULL && strstr(text, "synchronous replication") != NULL)) {
        link->sync_was_cut = true;
        explain(link, NULL, text == NULL ? "the wait for a synchronous standby ended" : text);
    }
}

struct settings {
    struct pg_host host; /* in place of all that the string names */
    char options[OPTIONS_BYTES_MAX];
    const char *names[SETTINGS_MAX + 1], *values[SETTINGS_MAX + 1];
    size_t count;
};

static void put_setting(struct settings *settings, const char *name, const char *value)
{
    for (size_t i = 0; i < settings->count; i++)
        if (strcmp(settings->names[i], name) == 0)
            return; /* the user's word */
    if (settings->count < SETTINGS_MAX) {
        settings->names[settings->count] = name;
        settings->values[settings->count++] = value;
    }
}

static void put_host(struct settings *settings, const struct pg_link *link)
{
    const struct pg_host *host = &settings->host;
    pg_hosts_take(link->options, link->host, &settings->host);
    if (host->host[0] != '\0')
        put_setting(settings, "host", host->host);
    if (host->hostaddr[0] != '\0')
        put_setting(settings, "hostaddr", host->hostaddr);
    if (host->port[0] != '\0')
        put_setting(settings, "port", host->port);
}

/* The user's words come first, but that transactions are serializable is not a matter of taste: of
 * two that are said, the server takes the last. */
static void settings_of(const struct pg_link *link, struct settings *settings)
{
    put_host(settings, link);
    (void)snprintf(settings->options, sizeof settings->options, "%s " SERIALIZABLE,
                   own_options(link));
    put_setting(settings, "options", settings->options);
    for (const PQconninfoOption *option = link->options; option->keyword != NULL; option++)
        if (option->val != NULL && option->val[0] != '\0')
            put_setting(settings, option->keyword, option->val);
    put_setting(settings, "application_name", "overround");
    put_setting(settings, "client_encoding", "UTF8");
    put_setting(settings, "keepalives_idle", "2");
    put_setting(settings, "keepalives_interval", "1");
    put_setting(settings, "keepalives_count", "3");
    put_setting(settings, "tcp_user_timeout", "5000");
    put_setting(settings, "target_session_attrs", "read-write"); /* after a failover: the newest */
}

/* libpq leaves the time to connect to who does not wait in it. */
static int64_t connect_us(const struct pg_link *link)
{
    long seconds = strtol(pg_hosts_word(link->options, "connect_timeout"), NULL, 10);
    return seconds > 0 && seconds < PG_CONNECT_US_MAX / US_PER_SECOND ? seconds * US_PER_SECOND
                                                                      : PG_CONNECT_US_MAX;
}

static bool finish_connecting(struct pg_link *link)
{
    int64_t until_us = clock_us(CLOCK_MONOTONIC) + connect_us(link);
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    while (status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED) {
        short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        int ready = wait_socket(link, events, until_us);
        if (ready <= 0) {
            explain(link, NULL, ready == 0 ? "no connection within its time" : "left");
            return false;
        }
        status = PQconnectPoll(link->connection);
    }
    if (status == PGRES_POLLING_FAILED)
        explain(link, NULL, PQerrorMessage(link->connection));
    return status == PGRES_POLLING_OK;
}

static bool connect_to_host(struct pg_link *link)
{
    struct settings settings = {.count = 0};
    settings_of(link, &settings);
    link->problem[0] = '\0';
    link->connection = PQconnectStartParams(settings.names, settings.values, 0);
    if (link->connection != NULL)
        PQsetNoticeReceiver(link->connection, on_notice, link);
    bool connected = link->connection != NULL && PQstatus(link->connection) != CONNECTION_BAD &&
                     finish_connecting(link) && PQsetnonblocking(link->connection, 1) == 0;
    if (!connected && link->problem[0] == '\0')
        explain(link, NULL,
                link->connection == NULL ? "no memory" : PQerrorMessage(link->connection));
    if (!connected)
        drop(link);
    return connected;
}

/* Each host has its time, in their order from the one that was good. */
static bool connect_now(struct pg_link *link)
{
    for (size_t tries = 0; tries < link->hosts; tries++) {
        if (connect_to_host(link))
            return true;
        if (pg_link_left(link))
            return false;
        link->host = (link->host + 1) % link->hosts;
    }
    return false;
}

static bool be_connected(struct pg_link *link)
{
    link->problem[0] = '\0';
    link->sync_was_cut = false;
    if (pg_link_left(link)) {
        explain(link, NULL, "left");
        return false;
    }
    if (link->connection != NULL && PQstatus(link->connection) == CONNECTION_OK)
        return true;
    drop(link);
    return connect_now(link);
}

/* ---- a statement ---- */

static enum store_answer answer_of(struct pg_link *link, const char *state)
{
    if (state == NULL || strncmp(state, "08", 2) == 0 || strncmp(state, "57P", 3) == 0 ||
        strcmp(state, "40003") == 0)
        return STORE_LOST; /* the server goes, or does not know itself */
    static const char *const again[] = {"40001", "40P01", "55P03", "57014"};
    for (size_t i = 0; i < sizeof again / sizeof *again; i++)
        if (strcmp(state, again[i]) == 0)
            return STORE_AGAIN;
    if (strcmp(state, "25006") == 0) { /* read only: it is a standby now */
        drop(link);
        return STORE_AGAIN;
    }
    return strncmp(state, "53", 2) == 0 ? STORE_FULL : STORE_REFUSED;
}

static bool send_all(struct pg_link *link)
{
    for (;;) {
        int left = PQflush(link->connection);
        if (left == 0)
            return true;
        if (left < 0 || wait_socket(link, POLLIN | POLLOUT, INT64_MAX) < 0)
            return false;
        if (PQconsumeInput(link->connection) == 0)
            return false;
    }
}

/* NULL, with *ret_broken: the connection broke, or the link was left. */
static PGresult *next_result(struct pg_link *link, bool *ret_broken)
{
    *ret_broken = false;
    while (PQisBusy(link->connection) != 0)
        if (wait_socket(link, POLLIN, INT64_MAX) < 0 || PQconsumeInput(link->connection) == 0) {
            *ret_broken = true;
            return NULL;
        }
    return PQgetResult(link->connection);
}

static enum store_answer refused_by(struct pg_link *link, const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    explain(link, state, text != NULL ? text : PQresultErrorMessage(result));
    return answer_of(link, state);
}

/* All results up to the server's idle: the first is the rows, a later one may take them back. */
static enum store_answer take_results(struct pg_link *link, PGresult **ret_rows)
{
    enum store_answer answer = STORE_LOST;
    PGresult *rows = NULL, *result;
    bool broken = false, any = false;
    while ((result = next_result(link, &broken)) != NULL) {
        ExecStatusType status = PQresultStatus(result);
        bool good = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
        if (good && !any) {
            answer = STORE_TAKEN;
            rows = result;
        } else if (!good) {
            answer = refused_by(link, result);
        }
        if (result != rows)
            PQclear(result);
        any = true;
        if (link->connection == NULL)
            break;
    }
    if (broken || (answer == STORE_TAKEN && link->sync_was_cut))
        answer = STORE_LOST;
    if (answer == STORE_TAKEN && ret_rows != NULL)
        *ret_rows = rows;
    else
        PQclear(rows);
    return answer;
}

/* queued: what libpq's send said; 0 where a part of the statement may be on its way, and no more.
 */
static enum store_answer end_statement(struct pg_link *link, int queued, PGresult **ret_rows)
{
    enum store_answer answer =
        queued != 0 && send_all(link) ? take_results(link, ret_rows) : STORE_LOST;
    if (answer == STORE_LOST) {
        if (link->problem[0] == '\0' && link->connection != NULL)
            explain(link, NULL, PQerrorMessage(link->connection));
        drop(link);
    }
    return answer;
}

enum store_answer pg_link_run(struct pg_link *link, const char *statement,
                              const struct pg_params *params, PGresult **ret_rows)
{
    const char *at[PG_PARAMS_MAX];
    const int binary[PG_PARAMS_MAX] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    _Static_assert(PG_PARAMS_MAX == 9, "each is binary");
    if (ret_rows != NULL)
        *ret_rows = NULL;
    if (!be_connected(link))
        return STORE_AWAY;
    for (int i = 0; i < params->count; i++)
        at[i] = params->at[i] != NULL ? params->at[i] : (const char *)&params->numbers[i];
    int queued = PQsendQueryParams(link->connection, statement, params->count, NULL, at,
                                   params->bytes, binary, 1);
    return end_statement(link, queued, ret_rows);
}

/* ---- copies ---- */

#define COPY_PIECE_BYTES (64 * 1024)

static bool put_piece(struct pg_link *link, struct slice piece)
{
    for (;;) {
        int put = PQputCopyData(link->connection, piece.at, (int)piece.bytes);
        if (put != 0)
            return put > 0;
        if (wait_socket(link, POLLIN | POLLOUT, INT64_MAX) < 0 ||
            PQconsumeInput(link->connection) == 0 || PQflush(link->connection) < 0)
            return false;
    }
}

/* A block, and its end. The server's word on it comes as the next result. */
static bool put_block(struct pg_link *link, struct slice block)
{
    for (size_t at = 0; at < block.bytes; at += COPY_PIECE_BYTES) {
        size_t left = block.bytes - at;
        struct slice piece = {block.at + at, left < COPY_PIECE_BYTES ? left : COPY_PIECE_BYTES};
        if (!put_piece(link, piece))
            return false;
    }
    int ended;
    while ((ended = PQputCopyEnd(link->connection, NULL)) == 0)
        if (wait_socket(link, POLLIN | POLLOUT, INT64_MAX) < 0 || PQflush(link->connection) < 0)
            return false;
    return ended > 0 && send_all(link);
}

/* The results up to the server's idle, with the blocks between them. */
static enum store_answer take_copies(struct pg_link *link, const struct slice *blocks, size_t count)
{
    enum store_answer answer = STORE_TAKEN;
    bool broken = false;
    PGresult *result;
    size_t next = 0;
    while (link->connection != NULL && (result = next_result(link, &broken)) != NULL) {
        ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_COPY_IN)
            broken = next == count || !put_block(link, blocks[next++]);
        else if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
            answer = refused_by(link, result);
        PQclear(result);
        if (broken)
            break;
    }
    return broken ? STORE_LOST : answer;
}

/* Of a transaction that a refusal left open: its end changes nothing, and if it fails the
 * connection goes. */
static void roll_back(struct pg_link *link)
{
    if (link->connection == NULL || PQtransactionStatus(link->connection) == PQTRANS_IDLE)
        return;
    char problem[PG_PROBLEM_BYTES_MAX];
    memcpy(problem, link->problem, sizeof problem);
    if (PQsendQuery(link->connection, "ROLLBACK") == 0 || !send_all(link) ||
        take_copies(link, NULL, 0) != STORE_TAKEN)
        drop(link);
    memcpy(link->problem, problem, sizeof problem);
}

enum store_answer pg_link_copy_in(struct pg_link *link, const char *statements,
                                  const struct slice *blocks, size_t count)
{
    if (!be_connected(link))
        return STORE_AWAY;
    enum store_answer answer = STORE_LOST;
    if (PQsendQuery(link->connection, statements) != 0 && send_all(link))
        answer = take_copies(link, blocks, count);
    if (answer == STORE_TAKEN && link->sync_was_cut)
        answer = STORE_LOST;
    if (answer == STORE_LOST) {
        if (link->problem[0] == '\0' && link->connection != NULL)
            explain(link, NULL, PQerrorMessage(link->connection));
        drop(link);
    } else if (answer != STORE_TAKEN) {
        roll_back(link);
    }
    return answer;
}

enum store_answer pg_link_copy_out(struct pg_link *link, const char *statements)
{
    enum store_answer answer = STORE_LOST;
    bool broken = false, begun = false;
    PGresult *result;
    if (!be_connected(link))
        return STORE_AWAY;
    if (PQsendQuery(link->connection, statements) == 0 || !send_all(link))
        broken = true;
    while (!broken && !begun && (result = next_result(link, &broken)) != NULL) {
        ExecStatusType status = PQresultStatus(result);
        begun = status == PGRES_COPY_OUT;
        if (!begun && status != PGRES_COMMAND_OK)
            answer = refused_by(link, result);
        PQclear(result);
        broken = broken || link->connection == NULL;
    }
    if (begun)
        return STORE_TAKEN;
    if (answer == STORE_LOST)
        drop(link);
    return answer;
}

/* Behind the last line: did the server say that this was all? */
static enum store_answer end_copy_out(struct pg_link *link)
{
    enum store_answer answer = take_copies(link, NULL, 0);
    if (answer == STORE_LOST)
        drop(link);
    return answer;
}

enum store_answer pg_link_copy_next(struct pg_link *link, struct slice *ret_line, bool *ret_end)
{
    int bytes = 0;
    PQfreemem(link->line);
    link->line = NULL;
    *ret_end = false;
    if (link->connection == NULL)
        return STORE_LOST;
    while ((bytes = PQgetCopyData(link->connection, &link->line, 1)) == 0)
        if (wait_socket(link, POLLIN, INT64_MAX) < 0 || PQconsumeInput(link->connection) == 0)
            break;
    if (bytes == -1) {
        *ret_end = true;
        return end_copy_out(link);
    }
    if (bytes <= 0) {
        explain(link, NULL, PQerrorMessage(link->connection));
        drop(link);
        return STORE_LOST;
    }
    *ret_line = slice_of(link->line, (size_t)bytes - 1); /* its newline */
    return STORE_TAKEN;
}
