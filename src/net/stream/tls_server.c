/* tls_server.c - contract in tls_server.h. */
#include "net/stream/tls_server.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/assert.h"
#include "base/error.h"
#include "crypto/random.h"
#include "net/stream/tls_inside.h"

#define CIPHERS_1_3 "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"
#define CIPHERS_1_2 "ECDHE+AESGCM:ECDHE+CHACHA20"
#define GROUPS      "X25519:P-256:P-384"
/* Whoever may write the file may be us; whoever may read it may pose as us. A group that reads it
 * (ssl-cert) is the operator's choice. */
#define KEY_MODE_REFUSED 0027

const unsigned char tls_alpn[9] = "\x08http/1.1";

struct tls_material {
    SSL_CTX *context; /* owned */
    int64_t expires_s;
    bool kernel;
};

struct ticket_key {
    unsigned char name[16], mac[32], cipher[32];
};

struct tls_server {
    pthread_mutex_t lock;
    struct tls_material *material; /* owned; under the lock, as all below */
    struct ticket_key now, before;
};

/* Held for as long as a key is copied or a session is made of the context: a handshake takes a
 * thousand times as long. */
static void lock(struct tls_server *server)
{
    int error = pthread_mutex_lock(&server->lock);
    ASSERT(error == 0);
}

static void unlock(struct tls_server *server)
{
    int error = pthread_mutex_unlock(&server->lock);
    ASSERT(error == 0);
}

/* ---- contexts ---- */

SSL_CTX *tls_context_new(const SSL_METHOD *method, bool allow_1_2)
{
    SSL_CTX *context = SSL_CTX_new(method);
    if (context == NULL)
        return NULL;
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    /* An idle connection holds no record buffers; a write that was blocked comes again from
     * wherever its bytes stand then, and is never more than one record. */
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_max_early_data(context, 0);
    if (SSL_CTX_set_min_proto_version(context, allow_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION) == 1 &&
        SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
        SSL_CTX_set_ciphersuites(context, CIPHERS_1_3) == 1 &&
        SSL_CTX_set_cipher_list(context, CIPHERS_1_2) == 1 &&
        SSL_CTX_set1_groups_list(context, GROUPS) == 1)
        return context;
    SSL_CTX_free(context);
    return NULL;
}

/* A plain file that is not absurdly large: anything else could make us wait for ever. */
static int check_file(const char *path, mode_t refused, struct buf *why)
{
    struct stat file;
    if (stat(path, &file) != 0) {
        buf_printf(why, "cannot read %s", path);
        return -ERR_CONFIG;
    }
    if (!S_ISREG(file.st_mode) || file.st_size > TLS_FILE_BYTES_MAX) {
        buf_printf(why, "%s is not a file of at most 1 MiB", path);
        return -ERR_CONFIG;
    }
    if ((file.st_mode & refused) != 0) {
        buf_printf(why, "%s is within reach of others (mode %03o): chmod 600", path,
                   (unsigned)file.st_mode & 0777U);
        return -ERR_CONFIG;
    }
    return 0;
}

static int say(struct buf *why, const char *what, const char *path)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    buf_printf(why, "%s %s: %s", what, path, reason != NULL ? reason : "not usable");
    ERR_clear_error();
    return -ERR_CONFIG;
}

/* Without it the library would ask on the terminal. */
static int no_password(char *to, int bytes, int writing, void *owner)
{
    (void)to;
    (void)bytes;
    (void)writing;
    (void)owner;
    return -1;
}

int tls_context_identity(SSL_CTX *context, const char *certificates, const char *key,
                         struct buf *why)
{
    TRY(check_file(certificates, 0, why));
    TRY(check_file(key, KEY_MODE_REFUSED, why));
    ERR_clear_error();
    SSL_CTX_set_default_passwd_cb(context, no_password);
    if (SSL_CTX_use_certificate_chain_file(context, certificates) != 1)
        return say(why, "no certificate in", certificates);
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
        return say(why, "no key that belongs to the certificate in", key);
    if (SSL_CTX_check_private_key(context) != 1)
        return say(why, "the certificate is not of the key in", key);
    return 0;
}

/* ---- loading ---- */

static int select_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_bytes,
                       const unsigned char *offered, unsigned offered_bytes, void *owner)
{
    (void)ssl;
    (void)owner;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, ret_bytes, tls_alpn, sizeof tls_alpn, offered,
                              offered_bytes) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* A resumed session is not verified again, so there is no resumption where there is verification:
 * a certificate that is taken from the authorities' file is refused from the next connection on. */
static int ask_clients(SSL_CTX *context, const char *path, struct buf *why)
{
    TRY(check_file(path, 0, why));
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(path);
    if (names == NULL || SSL_CTX_load_verify_file(context, path) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return say(why, "no authorities for clients in", path);
    }
    SSL_CTX_set_client_CA_list(context, names);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    return SSL_CTX_set_num_tickets(context, 0) == 1 ? 0 : -ERR_CRYPTO;
}

static int find_expiry(SSL_CTX *context, int64_t *ret_s, struct buf *why)
{
    struct tm end;
    const X509 *certificate = SSL_CTX_get0_certificate(context);
    if (certificate == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) {
        buf_put_text(why, "the certificate has no end");
        return -ERR_CONFIG;
    }
    *ret_s = timegm(&end);
    return 0;
}

static int fill_context(SSL_CTX *context, const struct tls_files *files, struct buf *why)
{
    static const unsigned char session_context[] = "overround";
    TRY(tls_context_identity(context, files->certificates, files->key, why));
    if (files->client_ca != NULL)
        TRY(ask_clients(context, files->client_ca, why));
    if (files->kernel)
        SSL_CTX_set_options(context, SSL_OP_ENABLE_KTLS);
    SSL_CTX_set_alpn_select_cb(context, select_alpn, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets are the clients' */
    SSL_CTX_set_timeout(context, TLS_TICKET_LIFETIME_S);
    return SSL_CTX_set_session_id_context(context, session_context, sizeof session_context) == 1
               ? 0
               : -ERR_CRYPTO;
}

int tls_material_new(const struct tls_files *files, struct tls_material **ret_material,
                     struct buf *why)
{
    struct tls_material *material = malloc(sizeof *material);
    if (material == NULL)
        return -ERR_MEMORY;
    *material = (struct tls_material){
        .context = tls_context_new(TLS_server_method(), files->allow_1_2), .kernel = files->kernel};
    int result =
        material->context == NULL ? -ERR_CRYPTO : fill_context(material->context, files, why);
    if (result == 0)
        result = find_expiry(material->context, &material->expires_s, why);
    if (result < 0) {
        tls_material_free(material);
        return result;
    }
    *ret_material = material;
    return 0;
}

void tls_material_free(struct tls_material *material)
{
    if (material == NULL)
        return;
    SSL_CTX_free(material->context); /* its sessions hold it as long as they need */
    free(material);
}

int64_t tls_material_expires_s(const struct tls_material *material)
{
    return material->expires_s;
}

/* ---- tickets ---- */

static bool use_ticket_key(const struct ticket_key *key, EVP_MAC_CTX *mac)
{
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key->mac, sizeof key->mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

static int seal_ticket(const struct ticket_key *key, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                       EVP_MAC_CTX *mac)
{
    random_fill(iv, 16);
    if (EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv) != 1 ||
        !use_ticket_key(key, mac))
        return -1;
    return 1;
}

static int open_ticket(const struct ticket_key *key, const unsigned char *iv,
                       EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    if (!use_ticket_key(key, mac) ||
        EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv) != 1)
        return -1;
    return 2;
}

/* The library's question: 1 done, 0 not a key of ours (the full handshake follows), -1 failed. For
 * a ticket that was opened 2: done, and a new one is due, because a client that uses a ticket twice
 * could be told by it (RFC 8446, appendix C.4). Its signature is not ours. */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int sealing)
{
    struct tls_server *server = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    lock(server);
    struct ticket_key now = server->now, before = server->before;
    unlock(server);
    int result = 0;
    if (sealing != 0) {
        memcpy(name, now.name, sizeof now.name);
        result = seal_ticket(&now, iv, cipher, mac);
    } else if (memcmp(name, now.name, sizeof now.name) == 0) { /* names are no secret */
        result = open_ticket(&now, iv, cipher, mac);
    } else if (memcmp(name, before.name, sizeof before.name) == 0) {
        result = open_ticket(&before, iv, cipher, mac);
    }
    OPENSSL_cleanse(&now, sizeof now);
    OPENSSL_cleanse(&before, sizeof before);
    return result;
}

void tls_server_rotate(struct tls_server *server)
{
    struct ticket_key next;
    random_fill(&next, sizeof next);
    lock(server);
    server->before = server->now;
    server->now = next;
    unlock(server);
    OPENSSL_cleanse(&next, sizeof next);
}

/* ---- the server ---- */

static void adopt(struct tls_server *server, struct tls_material *material)
{
    server->material = material;
    SSL_CTX_set_app_data(material->context, server);
    (void)SSL_CTX_set_tlsext_ticket_key_evp_cb(material->context, on_ticket);
}

int tls_server_new(struct tls_material *material, struct tls_server **ret_server)
{
    struct tls_server *server = malloc(sizeof *server);
    if (server == NULL)
        return -ERR_MEMORY;
    *server = (struct tls_server){.lock = PTHREAD_MUTEX_INITIALIZER};
    random_fill(&server->now, sizeof server->now);
    random_fill(&server->before, sizeof server->before); /* one that no ticket has */
    adopt(server, material);
    *ret_server = server;
    return 0;
}

void tls_server_free(struct tls_server *server)
{
    if (server == NULL)
        return;
    tls_material_free(server->material);
    (void)pthread_mutex_destroy(&server->lock);
    OPENSSL_cleanse(server, sizeof *server);
    free(server);
}

void tls_server_replace(struct tls_server *server, struct tls_material *material)
{
    lock(server);
    struct tls_material *before = server->material;
    adopt(server, material);
    unlock(server);
    tls_material_free(before);
}

int64_t tls_server_expires_s(struct tls_server *server)
{
    lock(server);
    int64_t expires_s = server->material->expires_s;
    unlock(server);
    return expires_s;
}

SSL *tls_server_ssl_new(struct tls_server *server, bool *ret_kernel)
{
    lock(server);
    SSL *ssl = SSL_new(server->material->context);
    *ret_kernel = server->material->kernel;
    unlock(server);
    return ssl;
}
