/* test_pg_hosts.c - a list of hosts (adapters/postgres/pg_hosts.h), and connections by one of which
 * the first host is silent or refuses, and what of a connection is not left to its URL. */
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/postgres/pg_hosts.h"
#include "adapters/postgres/pg_rows.h"
#include "base/error.h"
#include "postgres_server.h"

/* ---- the list ---- */

static size_t count_of(const char *conninfo)
{
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    assert_non_null(options);
    size_t count = pg_hosts_count(options);
    PQconninfoFree(options);
    return count;
}

TEST(pg_hosts, are_counted_as_libpq_would_and_what_does_not_fit_is_refused)
{
    assert_int_equal(count_of("dbname=x"), 1);
    assert_int_equal(count_of("port=1"), 1);
    assert_int_equal(count_of("host=a"), 1);
    assert_int_equal(count_of("host=a,b,c"), 3);
    assert_int_equal(count_of("hostaddr=10.0.0.1,10.0.0.2"), 2);
    assert_int_equal(count_of("host=a,b hostaddr=10.0.0.1,10.0.0.2 port=1,2"), 2);
    assert_int_equal(count_of("host=a,b port=1"), 2);
    assert_int_equal(count_of("host=a,b port=1,2,3"), 0);
    assert_int_equal(count_of("host=a,b hostaddr=10.0.0.1"), 0);
    assert_int_equal(count_of("host=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p"), PG_HOSTS_MAX);
    assert_int_equal(count_of("host=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"), 0);
    char text[400] = "host=";
    memset(text + 5, 'a', 256);
    assert_int_equal(count_of(text), 0);
}

TEST(pg_hosts, each_has_its_own_words)
{
    struct pg_host host;
    PQconninfoOption *options =
        PQconninfoParse("host=a,b,c hostaddr=10.0.0.1,,10.0.0.3 port=5,6,7", NULL);
    pg_hosts_take(options, 2, &host);
    assert_string_equal(host.host, "c");
    assert_string_equal(host.hostaddr, "10.0.0.3");
    assert_string_equal(host.port, "7");
    pg_hosts_take(options, 1, &host);
    assert_string_equal(host.hostaddr, "");
    PQconninfoFree(options);
    options = PQconninfoParse("host=a,b port=9", NULL);
    pg_hosts_take(options, 1, &host);
    assert_string_equal(host.host, "b");
    assert_string_equal(host.port, "9");
    PQconninfoFree(options);
}

/* ---- connections ---- */

/* Of a host that takes connections and says nothing, or none any more. */
static int open_port(uint16_t *ret_port)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof here;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&here, sizeof here) == 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &size), 0);
    *ret_port = ntohs(here.sin_port);
    return fd;
}

/* The server's words, with a host at that port before it. */
static void behind(uint16_t port, const char *more, char *ret, size_t bytes)
{
    const char *words = postgres_server();
    if (words == NULL)
        skip();
    assert_int_equal(strncmp(words, "host=", 5), 0);
    size_t host = strcspn(words + 5, " ");
    (void)snprintf(ret, bytes, "host=127.0.0.1,%.*s port=%u,5432 connect_timeout=1 %s%s", (int)host,
                   words + 5, port, more, words + 5 + host);
}

static int64_t ask(struct pg_link *link, const char *statement)
{
    const struct pg_params none = {.count = 0};
    PGresult *rows = NULL;
    int64_t number = -1;
    if (pg_link_run(link, statement, &none, &rows) == STORE_TAKEN)
        assert_true(pg_take_number(rows, 0, 0, &number));
    PQclear(rows);
    return number;
}

static void answers_behind(uint16_t port)
{
    char conninfo[512];
    struct pg_link *link = NULL;
    behind(port, "", conninfo, sizeof conninfo);
    assert_int_equal(pg_link_new(conninfo, &link), 0);
    assert_int_equal(ask(link, "SELECT 7::bigint"), 7);
    pg_link_free(link);
}

TEST(pg_hosts, one_that_is_silent_hides_nobody_behind_it)
{
    uint16_t port = 0;
    int fd = open_port(&port);
    answers_behind(port);
    close(fd);
}

TEST(pg_hosts, one_that_refuses_hides_nobody_behind_it)
{
    uint16_t port = 0;
    close(open_port(&port));
    answers_behind(port);
}

TEST(pg_link, is_serializable_whatever_its_options_say)
{
    static const char *const options[] = {
        "", "options='-c work_mem=8MB'",
        "options='-c default_transaction_isolation=read\\\\ committed -c work_mem=8MB'"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        char conninfo[512];
        struct pg_link *link = NULL;
        behind(1, options[i], conninfo, sizeof conninfo);
        assert_int_equal(pg_link_new(conninfo, &link), 0);
        assert_int_equal(
            ask(link,
                "SELECT (current_setting('transaction_isolation') = 'serializable')::int::bigint"),
            1);
        if (i > 0)
            assert_int_equal(ask(link, "SELECT (current_setting('work_mem') = '8MB')::int::bigint"),
                             1);
        pg_link_free(link);
    }
}

TEST(pg_link, refuses_options_that_are_too_long_and_lists_that_do_not_fit)
{
    static char conninfo[2000];
    struct pg_link *link = NULL;
    (void)snprintf(conninfo, sizeof conninfo, "options='%01100d'", 0);
    assert_int_equal(pg_link_new(conninfo, &link), -ERR_CONFIG);
    assert_int_equal(pg_link_new("host=a,b port=1,2,3", &link), -ERR_CONFIG);
}
