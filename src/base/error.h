/* error.h - operating errors: what the world did to us.
 *
 * A function that can fail returns 0 or one of these as a negative number and forwards it
 * unchanged (TRY) up to the role, which retries, sheds or stops. A refusal that a client may
 * see is not an error but an outcome, with an enum of its own beside its function.
 * Thread: any. */
#pragma once

/* X(name, text): the code, its name and its text from one list. */
#define ERR_LIST(X)                                                                                \
    X(ERR_IO, "input/output error")                                                                \
    X(ERR_NO_SPACE, "no space left")                                                               \
    X(ERR_CORRUPT, "damaged or impossible content")                                                \
    X(ERR_FORMAT, "malformed input")                                                               \
    X(ERR_LIMIT, "a named limit is reached")                                                       \
    X(ERR_MEMORY, "out of memory")                                                                 \
    X(ERR_STOPPED, "stopped after an earlier failure")                                             \
    X(ERR_NOT_FOUND, "not found")                                                                  \
    X(ERR_CONFIG, "bad configuration")                                                             \
    X(ERR_CRYPTO, "cryptographic failure")                                                         \
    X(ERR_NETWORK, "network failure")                                                              \
    X(ERR_BUSY, "busy: the port is at its limit")                                                  \
    X(ERR_UNSUPPORTED, "not supported")                                                            \
    X(ERR_ABSENT, "a device is away: to be tried again")                                           \
    X(ERR_ARCHIVED, "in the archive, and that is not there")

#define ERR_ENUM(name, text) name,
enum error { ERR_NONE = 0, ERR_LIST(ERR_ENUM) };
#undef ERR_ENUM

/* Forwards a negative result of `call` to the caller. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        int try_result_ = (call);                                                                  \
        if (try_result_ < 0)                                                                       \
            return try_result_;                                                                    \
    } while (0)

/* The text of a negative error (or of its absolute value); never NULL. */
const char *error_text(int error);
