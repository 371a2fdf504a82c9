/* pg_hosts.c - contract in pg_hosts.h. */
#include "adapters/postgres/pg_hosts.h"

#include <stdbool.h>
#include <string.h>

const char *pg_hosts_word(const PQconninfoOption *options, const char *keyword)
{
    for (; options->keyword != NULL; options++)
        if (strcmp(options->keyword, keyword) == 0)
            return options->val == NULL ? "" : options->val;
    return "";
}

/* The piece of that number between commas; false: there is none, or it is too long. */
static bool take_piece(const char *list, size_t number, char ret[PG_HOST_BYTES_MAX])
{
    for (; number > 0; number--) {
        list = strchr(list, ',');
        if (list == NULL)
            return false;
        list++;
    }
    size_t bytes = strcspn(list, ",");
    if (bytes >= PG_HOST_BYTES_MAX)
        return false;
    memcpy(ret, list, bytes);
    ret[bytes] = '\0';
    return true;
}

/* 0: "" is no list. */
static size_t pieces(const char *list)
{
    size_t count = list[0] == '\0' ? 0 : 1;
    for (; *list != '\0'; list++)
        count += *list == ',';
    return count;
}

size_t pg_hosts_count(const PQconninfoOption *options)
{
    const char *host = pg_hosts_word(options, "host"),
               *hostaddr = pg_hosts_word(options, "hostaddr");
    const char *port = pg_hosts_word(options, "port");
    size_t hosts = pieces(host), addresses = pieces(hostaddr), ports = pieces(port);
    size_t count = addresses > hosts ? addresses : hosts;
    char piece[PG_HOST_BYTES_MAX];
    if (count > PG_HOSTS_MAX || (hosts > 0 && addresses > 0 && hosts != addresses) ||
        (ports > 1 && ports != count))
        return 0;
    for (size_t i = 0; i < count; i++)
        if ((hosts > 0 && !take_piece(host, i, piece)) ||
            (addresses > 0 && !take_piece(hostaddr, i, piece)) ||
            (ports > 0 && !take_piece(port, ports == 1 ? 0 : i, piece)))
            return 0;
    return count == 0 ? 1 : count;
}

void pg_hosts_take(const PQconninfoOption *options, size_t number, struct pg_host *ret_host)
{
    const char *host = pg_hosts_word(options, "host"),
               *hostaddr = pg_hosts_word(options, "hostaddr");
    const char *port = pg_hosts_word(options, "port");
    *ret_host = (struct pg_host){.host = ""};
    (void)take_piece(host, number, ret_host->host);
    (void)take_piece(hostaddr, number, ret_host->hostaddr);
    (void)take_piece(port, pieces(port) <= 1 ? 0 : number, ret_host->port);
}
