/* heads_token.h - the options that name a signing key in a PKCS#11 token. Thread: any. */
#pragma once

#include "cli/options/options.h"
#include "crypto/sign_pkcs11.h"

/* For the table of a command's options. */
#define HEADS_TOKEN_SPECS                                                                          \
    {"heads-pkcs11-module", NULL}, {"heads-pkcs11-token", NULL}, {"heads-pkcs11-key", NULL},       \
    {                                                                                              \
        "heads-pkcs11-pin-file", NULL                                                              \
    }

/* All four, or none (ret->module is NULL). The texts are borrowed from the options. 0, or
 * -ERR_CONFIG with a sentence in `why`. */
int heads_token_options(const struct options *options, struct sign_pkcs11_options *ret,
                        struct buf *why);
