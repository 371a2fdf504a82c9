/* tls_inside.h - what tls*.c share. Nobody else may include it. Thread: the loop's. */
#pragma once

#include <openssl/ssl.h>

#include "base/buf.h"
#include "net/stream/tls.h"

struct tls_client_files;

/* What both sides have: version, ALPN, modes; NULL when memory or the library fails. */
SSL_CTX *tls_context_new(const SSL_METHOD *method, bool allow_1_2);
/* Our certificates and their key into the context. 0, -ERR_CONFIG with a sentence. */
int tls_context_identity(SSL_CTX *context, const char *certificates, const char *key,
                         struct buf *why);
/* The SSL of a handshake that begins now, and whether the kernel may encrypt it. NULL: out of
 * memory. */
SSL *tls_server_ssl_new(struct tls_server *server, bool *ret_kernel);
/* A client's SSL with name, address and ticket set. NULL: out of memory. */
SSL *tls_client_ssl_new(struct tls_client *client, const struct net_address *peer);

/* "http/1.1" in the form of RFC 7301. */
extern const unsigned char tls_alpn[9];
