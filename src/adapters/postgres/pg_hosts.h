/* pg_hosts.h - the hosts that a connection string names, one by one: libpq gives a whole list the
 * time of one when it is not to wait, so a first host that is silent would hide those behind it.
 * Pure. Thread: any. */
#pragma once

#include <stddef.h>

#include <libpq-fe.h>

#define PG_HOSTS_MAX      16
#define PG_HOST_BYTES_MAX 256 /* of each value, its end included */

/* What stands for one host in place of the lists: "" where the string does not name it. */
struct pg_host {
    char host[PG_HOST_BYTES_MAX], hostaddr[PG_HOST_BYTES_MAX], port[PG_HOST_BYTES_MAX];
};

/* What the string says of that keyword, not of hosts only; "" where it says nothing. Borrowed from
 * the options. */
const char *pg_hosts_word(const PQconninfoOption *options, const char *keyword);

/* How many; 1 where none is named, for libpq has a default, and 0 where the lists are not of one
 * length, are too many or hold what is too long. */
size_t pg_hosts_count(const PQconninfoOption *options);
/* Of `number` below that count. */
void pg_hosts_take(const PQconninfoOption *options, size_t number, struct pg_host *ret_host);
