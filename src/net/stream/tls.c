/* tls.c - contract in tls.h.
 *
 * One BIO serves both directions. Reading takes from the bytes that tls_session_take() was given,
 * and the library empties them all: what is no complete record yet it keeps itself. Writing goes
 * straight to the transport: with memory in between each record would be copied once more. */
#include "net/stream/tls.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "base/error.h"
#include "net/stream/tls_inside.h"

/* RFC 8446, section 5.5: AES-GCM is good for 2^24.5 full records under one key, and a stream of
 * prices may go on for days. The kernel cannot change keys, so its connections keep theirs. */
#define RECORDS_PER_KEY (UINT32_C(1) << 22)

struct tls_session {
    SSL *ssl; /* owned, and with it the BIO */
    struct tls_transport transport;
    struct slice input; /* of the take in progress */
    uint32_t records;   /* sent since the key is in use */
    uint8_t state;      /* enum tls_state */
    bool blocked;
    bool end_said;
    bool kernel_sends;
    const char *problem;
};

/* ---- the library's way to us ---- */

static int bio_write(BIO *bio, const char *at, int bytes)
{
    struct tls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t taken = session->transport.send(session->transport.owner, slice_of(at, (size_t)bytes));
    if (taken == 0)
        BIO_set_retry_write(bio);
    return taken > 0 ? (int)taken : -1;
}

static int bio_read(BIO *bio, char *to, int bytes)
{
    struct tls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (session->input.bytes == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t now = session->input.bytes < (size_t)bytes ? session->input.bytes : (size_t)bytes;
    memcpy(to, session->input.at, now);
    session->input = slice_skip(session->input, now);
    return (int)now;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH; /* nothing is held back; nothing else is supported */
}

static pthread_once_t bio_once = PTHREAD_ONCE_INIT;
static BIO_METHOD *bio_method; /* one a process, for ever */

static void make_bio_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "overround");
    if (method != NULL && BIO_meth_set_write(method, bio_write) == 1 &&
        BIO_meth_set_read(method, bio_read) == 1 && BIO_meth_set_ctrl(method, bio_control) == 1)
        bio_method = method;
}

static BIO *bio_new(struct tls_session *session)
{
    (void)pthread_once(&bio_once, make_bio_method);
    BIO *bio = bio_method != NULL ? BIO_new(bio_method) : NULL;
    if (bio == NULL)
        return NULL;
    BIO_set_data(bio, session);
    BIO_set_init(bio, 1);
    return bio;
}

/* Whether the kernel lets the socket have keys; nothing changes until it gets some. */
static bool kernel_offers(int fd)
{
    return fd >= 0 && setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof "tls") == 0;
}

/* The kernel gets its keys from the library, and that only through a BIO which has the socket: then
 * the handshake is written there and not by the transport. */
static bool attach(struct tls_session *session, bool kernel)
{
    BIO *bio = bio_new(session);
    if (bio == NULL)
        return false;
    BIO *writer = bio;
    if (kernel && kernel_offers(session->transport.fd))
        writer = BIO_new_socket(session->transport.fd, BIO_NOCLOSE);
    else
        (void)BIO_up_ref(bio);
    SSL_set0_rbio(session->ssl, bio);
    if (writer == NULL)
        return false;
    SSL_set0_wbio(session->ssl, writer);
    return true;
}

static int session_new(SSL *ssl, const struct tls_transport *transport, bool kernel,
                       struct tls_session **ret_session)
{
    struct tls_session *session = ssl != NULL ? calloc(1, sizeof *session) : NULL;
    if (session == NULL) {
        SSL_free(ssl);
        return -ERR_MEMORY;
    }
    session->ssl = ssl;
    session->transport = *transport;
    session->problem = "";
    if (!attach(session, kernel)) {
        tls_session_free(session);
        return -ERR_MEMORY;
    }
    *ret_session = session;
    return 0;
}

int tls_session_new_accept(struct tls_server *server, const struct tls_transport *transport,
                           struct tls_session **ret_session)
{
    bool kernel;
    SSL *ssl = tls_server_ssl_new(server, &kernel);
    if (ssl != NULL)
        SSL_set_accept_state(ssl);
    return session_new(ssl, transport, kernel, ret_session);
}

int tls_session_new_connect(struct tls_client *client, const struct net_address *peer,
                            const struct tls_transport *transport, struct tls_session **ret_session)
{
    SSL *ssl = tls_client_ssl_new(client, peer);
    if (ssl != NULL)
        SSL_set_connect_state(ssl);
    return session_new(ssl, transport, false, ret_session);
}

void tls_session_free(struct tls_session *session)
{
    if (session == NULL)
        return;
    /* Else the library would hold a ticket for spoiled because its connection broke. */
    if (session->state != TLS_FAILED)
        SSL_set_shutdown(session->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(session->ssl);
    free(session);
}

/* ---- looking at it ---- */

enum tls_state tls_session_state(const struct tls_session *session)
{
    return (enum tls_state)session->state;
}

bool tls_session_is_blocked(const struct tls_session *session)
{
    return session->blocked;
}

bool tls_session_is_resumed(const struct tls_session *session)
{
    return SSL_session_reused(session->ssl) == 1;
}

bool tls_session_kernel_sends(const struct tls_session *session)
{
    return session->kernel_sends;
}

const char *tls_session_problem(const struct tls_session *session)
{
    return session->problem;
}

/* ---- moving on ---- */

static void note_failure(struct tls_session *session)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    session->state = TLS_FAILED;
    session->problem = reason != NULL ? reason : "the transport broke";
    ERR_clear_error();
}

/* What a call that did not do it all has left behind. */
static void judge(struct tls_session *session, int result)
{
    int error = SSL_get_error(session->ssl, result);
    session->blocked = error == SSL_ERROR_WANT_WRITE;
    if (error == SSL_ERROR_ZERO_RETURN && session->state == TLS_OPEN)
        session->state = TLS_ENDED;
    else if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
        note_failure(session);
}

static void note_handshake(struct tls_session *session)
{
    if (session->state != TLS_HANDSHAKE || SSL_is_init_finished(session->ssl) != 1)
        return;
    session->state = TLS_OPEN;
    session->kernel_sends = BIO_get_ktls_send(SSL_get_wbio(session->ssl));
}

/* Reads once: more than 0 bytes, or 0 and judged. */
static size_t read_once(struct tls_session *session, char *to, size_t room)
{
    size_t got = 0;
    ERR_clear_error(); /* an old one would be taken for this call's */
    int result = SSL_read_ex(session->ssl, to, room, &got);
    session->blocked = false;
    if (result != 1) {
        got = 0;
        judge(session, result);
    }
    note_handshake(session);
    return got;
}

size_t tls_session_take(struct tls_session *session, struct slice input, char *to, size_t room)
{
    ASSERT(room >= input.bytes + TLS_HELD_BYTES_MAX);
    size_t bytes = 0;
    session->input = input;
    while (session->state == TLS_HANDSHAKE || session->state == TLS_OPEN) {
        size_t got = read_once(session, to + bytes, room - bytes);
        bytes += got;
        if (got == 0)
            break;
    }
    /* Everything is taken unless the library must write before it reads on. A few kilobytes fit
     * into any socket, so this peer sends and does not read: what is left cannot be kept. */
    if (session->input.bytes > 0 && session->blocked) {
        session->state = TLS_FAILED;
        session->problem = "the peer does not read our handshake";
    }
    session->input = SLICE_NONE;
    return bytes;
}

void tls_session_go_on(struct tls_session *session)
{
    if (session->state != TLS_HANDSHAKE)
        return;
    ERR_clear_error();
    int result = SSL_do_handshake(session->ssl);
    session->blocked = false;
    if (result != 1)
        judge(session, result);
    note_handshake(session);
}

size_t tls_session_put(struct tls_session *session, struct slice plain)
{
    size_t taken = 0;
    ASSERT(!session->kernel_sends);
    if ((session->state != TLS_OPEN && session->state != TLS_ENDED) || session->end_said ||
        plain.bytes == 0)
        return 0;
    if (plain.bytes > TLS_RECORD_BYTES_MAX)
        plain.bytes = TLS_RECORD_BYTES_MAX;
    if (session->records++ == RECORDS_PER_KEY)
        tls_session_renew_key(session);
    ERR_clear_error();
    int result = SSL_write_ex(session->ssl, plain.at, plain.bytes, &taken);
    session->blocked = false;
    if (result == 1)
        return taken;
    judge(session, result);
    return 0;
}

void tls_session_renew_key(struct tls_session *session)
{
    /* TLS 1.2 has nothing like it: there it is refused, and the key stays. */
    (void)SSL_key_update(session->ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
    ERR_clear_error();
    session->records = 0;
}

void tls_session_end(struct tls_session *session)
{
    if ((session->state != TLS_OPEN && session->state != TLS_ENDED) || session->end_said)
        return;
    session->end_said = true;
    ERR_clear_error();
    (void)SSL_shutdown(session->ssl); /* a courtesy: it may find no room */
    ERR_clear_error();
}
