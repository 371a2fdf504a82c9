/* heads_token.c - contract in heads_token.h. */
#include "cli/node/heads_token.h"

#include "base/error.h"

int heads_token_options(const struct options *options, struct sign_pkcs11_options *ret,
                        struct buf *why)
{
    *ret = (struct sign_pkcs11_options){
        .module = options_text(options, "heads-pkcs11-module"),
        .token = options_text(options, "heads-pkcs11-token"),
        .key = options_text(options, "heads-pkcs11-key"),
        .pin_file = options_text(options, "heads-pkcs11-pin-file"),
    };
    int given =
        (ret->module != NULL) + (ret->token != NULL) + (ret->key != NULL) + (ret->pin_file != NULL);
    if (given == 0 || given == 4)
        return 0;
    buf_put_text(why, "a key in a token needs all of --heads-pkcs11-module, --heads-pkcs11-token, "
                      "--heads-pkcs11-key and --heads-pkcs11-pin-file");
    return -ERR_CONFIG;
}
