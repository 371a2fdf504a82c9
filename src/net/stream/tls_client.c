/* tls_client.c - contract in tls_client.h. */
#include "net/stream/tls_client.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "net/stream/tls_inside.h"

struct tls_client {
    SSL_CTX *context;                             /* owned */
    SSL_SESSION *tickets[TLS_CLIENT_TICKETS_MAX]; /* owned; the newest last */
    size_t tickets_count;
    char *server_name; /* owned, or NULL */
};

/* The library hands the session over with a reference of ours. */
static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_client *client = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    if (client->tickets_count == TLS_CLIENT_TICKETS_MAX)
        return 0; /* it frees it */
    client->tickets[client->tickets_count++] = session;
    return 1;
}

static int fill(struct tls_client *client, const struct tls_client_files *files, struct buf *why)
{
    SSL_CTX *context = client->context;
    if (context == NULL)
        return -ERR_CRYPTO;
    SSL_CTX_set_app_data(context, client);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_load_verify_file(context, files->ca) != 1) {
        buf_printf(why, "no authorities in %s", files->ca);
        ERR_clear_error();
        return -ERR_CONFIG;
    }
    if (files->certificates != NULL)
        TRY(tls_context_identity(context, files->certificates, files->key, why));
    if (files->resume) {
        SSL_CTX_set_session_cache_mode(context,
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
        SSL_CTX_sess_set_new_cb(context, on_new_session);
    } else {
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    }
    /* 0 is success here, unlike everywhere else. */
    return SSL_CTX_set_alpn_protos(context, tls_alpn, sizeof tls_alpn) == 0 ? 0 : -ERR_CRYPTO;
}

int tls_client_new(const struct tls_client_files *files, struct tls_client **ret_client,
                   struct buf *why)
{
    struct tls_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return -ERR_MEMORY;
    client->context = tls_context_new(TLS_client_method(), false);
    int result = 0;
    if (files->server_name != NULL && (client->server_name = strdup(files->server_name)) == NULL)
        result = -ERR_MEMORY;
    if (result == 0)
        result = fill(client, files, why);
    if (result < 0) {
        tls_client_free(client);
        return result;
    }
    *ret_client = client;
    return 0;
}

void tls_client_free(struct tls_client *client)
{
    if (client == NULL)
        return;
    while (client->tickets_count > 0)
        SSL_SESSION_free(client->tickets[--client->tickets_count]);
    SSL_CTX_free(client->context);
    free(client->server_name);
    free(client);
}

static bool expect_address(SSL *ssl, const struct net_address *peer)
{
    bool v4 = net_address_is_v4(peer);
    return X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), v4 ? peer->ip + 12 : peer->ip,
                                     v4 ? 4 : 16) == 1;
}

static bool expect_name(SSL *ssl, const char *name)
{
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

/* Each ticket once: a server may refuse one that comes again, and whoever watches could tell that
 * two connections are of the same client (RFC 8446, appendix C.4). */
static bool use_ticket(struct tls_client *client, SSL *ssl)
{
    if (client->tickets_count == 0)
        return true;
    SSL_SESSION *session = client->tickets[--client->tickets_count];
    bool done = SSL_set_session(ssl, session) == 1;
    SSL_SESSION_free(session);
    return done;
}

SSL *tls_client_ssl_new(struct tls_client *client, const struct net_address *peer)
{
    SSL *ssl = SSL_new(client->context);
    if (ssl == NULL)
        return NULL;
    const char *name = client->server_name;
    if (name == NULL && peer->name != 0)
        name = net_names_text(peer->name).at;
    bool done = name != NULL ? expect_name(ssl, name) : expect_address(ssl, peer);
    if (done && use_ticket(client, ssl))
        return ssl;
    SSL_free(ssl);
    return NULL;
}
