/* load_users.c - contract in load_users.h. */
#include "load/load_users.h"

#include <stdlib.h>

#include "base/error.h"

#define NAME_BYTES_MAX 64

/* Room for one more user at the end of the text. */
static int grow_room_new(char **text, size_t bytes, size_t *capacity)
{
    size_t wanted = bytes + NAME_BYTES_MAX + LOAD_TOKEN_BYTES_MAX;
    if (wanted <= *capacity)
        return 0;
    char *grown = realloc(*text, wanted * 2);
    if (grown == NULL)
        return -ERR_MEMORY;
    *text = grown;
    *capacity = wanted * 2;
    return 0;
}

int load_users_new(uint32_t count, struct slice prefix, load_users_token_fn token, void *owner,
                   struct load_users *ret)
{
    if (count == 0 || count > LOAD_USERS_MAX || prefix.bytes > NAME_BYTES_MAX - 12)
        return -ERR_LIMIT;
    struct load_users users = {.count = count, .rows = calloc(count, sizeof *users.rows)};
    size_t bytes = 0, capacity = 0;
    int result = users.rows == NULL ? -ERR_MEMORY : 0;
    for (uint32_t i = 0; i < count && result == 0; i++) {
        result = grow_room_new(&users.text, bytes, &capacity);
        if (result < 0)
            break;
        struct buf text = buf_over(users.text + bytes, capacity - bytes);
        buf_put_slice(&text, prefix);
        buf_printf(&text, "-%u", i + 1);
        struct slice name = buf_slice(&text);
        result = token(owner, name, &text);
        if (result == 0 && text.overflow)
            result = -ERR_LIMIT;
        users.rows[i] = (struct load_user){bytes, bytes + name.bytes, (uint32_t)name.bytes,
                                           (uint32_t)(text.bytes - name.bytes)};
        bytes += text.bytes;
    }
    if (result < 0)
        load_users_done(&users);
    else
        *ret = users;
    return result;
}

void load_users_done(struct load_users *users)
{
    free(users->rows);
    free(users->text);
    *users = (struct load_users){0};
}
