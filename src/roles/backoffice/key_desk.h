/* key_desk.h - POST /v1/admin/ledger/rotate-key: the signing key of tree heads hands over to
 * another (docs/LEDGER.md, "Signing keys").
 *
 * One at a time; another one meanwhile is 503. Thread: the book's loop. */
#pragma once

#include "net/http/http_server.h"
#include "ports/ledger_tree.h"

#define KEY_DESK_BODY_BYTES_MAX 1024

struct key_desk;

/* `tree` is borrowed until free. 0 or -ERR_MEMORY. */
int key_desk_new(struct ledger_tree *tree, struct key_desk **ret_desk);
/* After the tree's callbacks have ended. Accepts NULL. */
void key_desk_free(struct key_desk *desk);
/* Body {"to":"file"} or {"to":"pkcs11","key":LABEL}, `key` only where it is not the configured one.
 * 200 with the link; 400; 409 ROTATION_REFUSED; 503 SIGNER_UNAVAILABLE, OVERLOADED,
 * PROOFS_UNAVAILABLE. */
void key_desk_rotate(struct key_desk *desk, struct http_request *request, struct slice who);
