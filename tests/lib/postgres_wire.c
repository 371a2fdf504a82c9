/* postgres_wire.c - contract in postgres_wire.h. */
#include "postgres_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "postgres_server.h"
#include "test.h"

bool postgres_wire_open(struct postgres_wire *ret_wire)
{
    const char *server = postgres_server();
    char folder[120], from[96], to[160];
    if (server == NULL)
        return false;
    assert_int_equal(sscanf(server, "host=%119s", folder), 1);
    (void)snprintf(to, sizeof to, "%s/.s.PGSQL.5432", folder);
    (void)snprintf(ret_wire->folder, sizeof ret_wire->folder, "/tmp/overround-wire-XXXXXX");
    assert_non_null(mkdtemp(ret_wire->folder));
    (void)snprintf(from, sizeof from, "%s/.s.PGSQL.5432", ret_wire->folder);
    (void)snprintf(ret_wire->conninfo, sizeof ret_wire->conninfo,
                   "host=%s user=postgres dbname=postgres", ret_wire->folder);
    ret_wire->proxy = fault_proxy_new(from, to);
    return true;
}

void postgres_wire_close(struct postgres_wire *wire)
{
    fault_proxy_free(wire->proxy);
    (void)rmdir(wire->folder);
}
