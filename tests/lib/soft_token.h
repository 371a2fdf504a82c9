/* soft_token.h - a softhsm2 token of the test's own, in a folder below /tmp: the real library that
 * the program would load, and a token that can be taken away and put back. One a process. */
#pragma once

#include <stdbool.h>

#include "crypto/sign_pkcs11.h"

#define SOFT_TOKEN_MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define SOFT_TOKEN_LABEL  "book"
#define SOFT_TOKEN_PIN    "5678"

struct soft_token {
    char folder[64], pin_file[96];
};

/* Makes folder, configuration, token and PIN file. */
void soft_token_begin(struct soft_token *token);
/* Makes an Ed25519 key pair in it. */
void soft_token_add_key(struct soft_token *token, const char *label);
/* Its objects are no longer there, or are again. */
void soft_token_take_away(struct soft_token *token);
void soft_token_put_back(struct soft_token *token);
void soft_token_set_pin(struct soft_token *token, const char *pin); /* in the file only */
void soft_token_end(struct soft_token *token);
struct sign_pkcs11_options soft_token_options(const struct soft_token *token, const char *label);
