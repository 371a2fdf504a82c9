/* sha1.c - contract in sha1.h. */
#include "crypto/sha1.h"

#include <openssl/evp.h>

#include "base/error.h"

int sha1_digest(struct slice message, unsigned char ret_digest[SHA1_BYTES])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    size_t bytes = 0;
    if (EVP_Q_digest(NULL, "SHA1", NULL, message.at, message.bytes, digest, &bytes) != 1 ||
        bytes != SHA1_BYTES)
        return -ERR_CRYPTO;
    memcpy(ret_digest, digest, SHA1_BYTES);
    return 0;
}
