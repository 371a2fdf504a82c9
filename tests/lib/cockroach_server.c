/* cockroach_server.c - contract in cockroach_server.h. */
#include "cockroach_server.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

#define WORDS_MAX  1024
#define DROP_TRIES 200
#define TRY_US     50000

/* One setting as libpq reads it, quoted. */
static void put(char words[WORDS_MAX], const char *key, const char *value)
{
    size_t at = strlen(words);
    int bytes = snprintf(words + at, WORDS_MAX - at, "%s='", key);
    assert_true(bytes > 0 && at + (size_t)bytes + 2 * strlen(value) + 3 < WORDS_MAX);
    char *to = words + at + bytes;
    for (; *value != '\0'; value++) {
        if (*value == '\'' || *value == '\\')
            *to++ = '\\';
        *to++ = *value;
    }
    memcpy(to, "' ", 3);
}

/* The server's words with these two in place of its own; NULL: its own. */
static void rewrite(const char *from, const char *database, const char *port, char words[WORDS_MAX])
{
    char *why = NULL;
    PQconninfoOption *options = PQconninfoParse(from, &why);
    words[0] = '\0';
    if (options == NULL)
        fail_msg("OVERROUND_COCKROACH_URL: %s", why);
    for (const PQconninfoOption *option = options; option->keyword != NULL; option++) {
        bool replaced = (database != NULL && strcmp(option->keyword, "dbname") == 0) ||
                        (port != NULL && strcmp(option->keyword, "port") == 0);
        if (option->val != NULL && !replaced)
            put(words, option->keyword, option->val);
    }
    if (database != NULL)
        put(words, "dbname", database);
    if (port != NULL)
        put(words, "port", port);
    PQconninfoFree(options);
}

/* A setting of the words; "" where it is not among them. */
static void find(const char *words, const char *keyword, char *to, size_t capacity)
{
    PQconninfoOption *options = PQconninfoParse(words, NULL);
    assert_non_null(options);
    to[0] = '\0';
    for (const PQconninfoOption *option = options; option->keyword != NULL; option++)
        if (option->val != NULL && strcmp(option->keyword, keyword) == 0)
            (void)snprintf(to, capacity, "%s", option->val);
    PQconninfoFree(options);
}

static PGconn *connect_to(const char *words)
{
    PGconn *pg = PQconnectdb(words);
    if (PQstatus(pg) != CONNECTION_OK)
        fail_msg("OVERROUND_COCKROACH_URL: %s", PQerrorMessage(pg));
    return pg;
}

static bool run(const char *words, const char *statement)
{
    PGconn *pg = connect_to(words);
    PGresult *result = PQexec(pg, statement);
    bool good = PQresultStatus(result) == PGRES_COMMAND_OK;
    if (!good)
        print_error("%s: %s", statement, PQerrorMessage(pg));
    PQclear(result);
    PQfinish(pg);
    return good;
}

bool cockroach_database_new(struct cockroach_database *ret_database)
{
    static unsigned count;
    const char *url = getenv("OVERROUND_COCKROACH_URL");
    char statement[128];
    if (url == NULL || url[0] == '\0') {
        skip_reason("no CockroachDB: OVERROUND_COCKROACH_URL names none");
        return false;
    }
    (void)snprintf(ret_database->name, sizeof ret_database->name, "overround_test_%ld_%u",
                   (long)getpid(), ++count);
    rewrite(url, ret_database->name, NULL, ret_database->conninfo);
    (void)snprintf(statement, sizeof statement, "CREATE DATABASE %s", ret_database->name);
    assert_true(run(url, statement));
    return true;
}

void cockroach_database_free(struct cockroach_database *database)
{
    char statement[128];
    bool gone = false;
    (void)snprintf(statement, sizeof statement, "DROP DATABASE %s", database->name);
    for (int i = 0; i < DROP_TRIES && !gone; i++) {
        gone = run(getenv("OVERROUND_COCKROACH_URL"), statement);
        if (!gone)
            usleep(TRY_US); /* a session of it is not over yet */
    }
    assert_true(gone);
}

struct fault_proxy *cockroach_wire(const struct cockroach_database *database,
                                   char ret_conninfo[1024])
{
    char host[256], address[256], port[16], wire_port[16];
    int from = 0;
    find(database->conninfo, "host", host, sizeof host);
    find(database->conninfo, "hostaddr", address, sizeof address);
    find(database->conninfo, "port", port, sizeof port);
    if (strcmp(address[0] != '\0' ? address : host, "127.0.0.1") != 0) {
        skip_reason("no CockroachDB at 127.0.0.1, where the wire before it could break");
        return NULL;
    }
    struct fault_proxy *proxy =
        fault_proxy_new_tcp(port[0] == '\0' ? 26257 : (int)strtol(port, NULL, 10), &from);
    (void)snprintf(wire_port, sizeof wire_port, "%d", from);
    rewrite(database->conninfo, NULL, wire_port, ret_conninfo);
    return proxy;
}

long cockroach_number(const struct cockroach_database *database, const char *statement)
{
    PGconn *pg = connect_to(database->conninfo);
    PGresult *result = PQexec(pg, statement);
    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
        fail_msg("%s: %s", statement, PQerrorMessage(pg));
    long number = strtol(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    PQfinish(pg);
    return number;
}
