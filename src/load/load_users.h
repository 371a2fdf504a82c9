/* load_users.h - the simulated customers: a name and a token each. Where tokens come from is the
 * caller's: signed with the keys of a local data folder, or read from a file. Thread: any (one
 * user). */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

#define LOAD_USERS_MAX       200000
#define LOAD_TOKEN_BYTES_MAX 2048

struct load_users {
    uint32_t count;
    char *text; /* owned; names and tokens, one behind the other */
    struct load_user {
        uint64_t name_at, token_at;
        uint32_t name_bytes, token_bytes;
    } * rows; /* owned */
};

/* Appends the token of a user; 0 or a negative error. */
typedef int (*load_users_token_fn)(void *owner, struct slice user_id, struct buf *ret_token);

/* `count` users called PREFIX-1, PREFIX-2, ... 0, -ERR_LIMIT, -ERR_MEMORY, or what `token` answers.
 */
int load_users_new(uint32_t count, struct slice prefix, load_users_token_fn token, void *owner,
                   struct load_users *ret);
void load_users_done(struct load_users *users);

static inline struct slice load_users_name(const struct load_users *users, uint32_t index)
{
    return slice_of(users->text + users->rows[index].name_at, users->rows[index].name_bytes);
}

static inline struct slice load_users_token(const struct load_users *users, uint32_t index)
{
    return slice_of(users->text + users->rows[index].token_at, users->rows[index].token_bytes);
}
