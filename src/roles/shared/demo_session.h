/* demo_session.h - POST /v1/demo/session: a token for somebody new, who plays with play money. In
 * profile demo only, and only where the program's own key signs tokens. Thread: the loop's. */
#pragma once

#include "net/http/http_request.h"
#include "net/loop/loop.h"
#include "roles/shared/bearer.h"

#define DEMO_SESSION_S (12 * 3600)

/* What the sessions of a listener are given. */
struct demo_sessions {
    const struct bearer *bearer; /* borrowed */
    struct loop *loop;           /* borrowed */
    struct slice kid;            /* the key that signs; borrowed for ever */
    struct slice user_prefix;    /* before the uuid of a user id; borrowed for ever */
    uint32_t roles;              /* JWT_ROLE_BIT */
};

/* 201 {user_id,token,expires_at}, or 500 NO_SIGNING_KEY. `headers`: lines that the answer has
 * besides. */
void demo_session_serve(const struct demo_sessions *sessions, struct http_reply_to to,
                        struct slice headers);
