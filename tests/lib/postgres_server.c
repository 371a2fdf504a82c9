/* postgres_server.c - contract in postgres_server.h. */
#include "postgres_server.h"

#include <libpq-fe.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#define WAIT_TRIES 1200
#define TRY_US     50000
#define ABSENT     77

extern char **environ;

static struct {
    pid_t pid;
    bool absent;
    char folder[64];
    char conninfo[160];
} server;

static void end_server(int signal)
{
    int status = 0;
    if (server.pid <= 0)
        return;
    kill(server.pid, signal);
    waitpid(server.pid, &status, 0);
    server.pid = 0;
}

static void at_exit(void)
{
    char *argv[] = {"rm", "-rf", server.folder, NULL};
    pid_t pid = 0;
    end_server(SIGINT);
    if (server.folder[0] != '\0' && posix_spawnp(&pid, "rm", NULL, NULL, argv, environ) == 0)
        waitpid(pid, NULL, 0);
}

static bool answers(void)
{
    return PQping(server.conninfo) == PQPING_OK;
}

static void start(void)
{
    char *argv[] = {(char *)RUN_POSTGRES, server.folder, NULL};
    int status = 0;
    assert_int_equal(posix_spawn(&server.pid, RUN_POSTGRES, NULL, NULL, argv, environ), 0);
    for (int i = 0; i < WAIT_TRIES && !answers(); i++) {
        if (waitpid(server.pid, &status, WNOHANG) == server.pid) {
            server.pid = 0;
            server.absent = WIFEXITED(status) && WEXITSTATUS(status) == ABSENT;
            assert_true(server.absent); /* else it did not start */
            return;
        }
        usleep(TRY_US);
    }
    assert_true(answers());
}

const char *postgres_server(void)
{
    if (server.folder[0] == '\0') {
        (void)snprintf(server.folder, sizeof server.folder, "/tmp/overround-postgres-XXXXXX");
        assert_non_null(mkdtemp(server.folder));
        (void)snprintf(server.conninfo, sizeof server.conninfo,
                       "host=%s user=postgres dbname=postgres", server.folder);
        atexit(at_exit);
        start();
    }
    if (server.absent)
        skip_reason("PostgreSQL is not installed");
    return server.absent ? NULL : server.conninfo;
}

void postgres_server_restart(bool at_once)
{
    end_server(at_once ? SIGQUIT : SIGINT);
    start();
}

static PGconn *connection(void)
{
    PGconn *pg = PQconnectdb(postgres_server());
    if (PQstatus(pg) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(pg));
    return pg;
}

static PGresult *run(PGconn *pg, const char *statements)
{
    PGresult *result = PQexec(pg, statements);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        fail_msg("%s: %s", statements, PQerrorMessage(pg));
    return result;
}

void postgres_run(const char *statements)
{
    PGconn *pg = connection();
    PQclear(run(pg, statements));
    PQfinish(pg);
}

long postgres_number(const char *statement)
{
    PGconn *pg = connection();
    PGresult *result = run(pg, statement);
    assert_int_equal(PQntuples(result), 1);
    long number = strtol(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    PQfinish(pg);
    return number;
}

struct postgres_session *postgres_session_begin(const char *statements)
{
    PGconn *pg = connection();
    PQclear(run(pg, "BEGIN"));
    PQclear(run(pg, statements));
    return (struct postgres_session *)pg;
}

void postgres_session_end(struct postgres_session *session)
{
    PGconn *pg = (PGconn *)session;
    PQclear(run(pg, "ROLLBACK"));
    PQfinish(pg);
}
