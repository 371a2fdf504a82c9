/* tls_pair.c - see tls_pair.h. */
#include "tls_pair.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

/* ---- certificates ---- */

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

struct identity {
    X509 *certificate;
    EVP_PKEY *key;
};

static struct identity make(const char *name, const struct identity *issuer, int days, long serial)
{
    struct identity made = {X509_new(), EVP_EC_gen("P-256")};
    X509_set_version(made.certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), serial);
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), days < 0 ? -864000L : -3600L);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), days * 86400L);
    X509_set_pubkey(made.certificate, made.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    const struct identity *by = issuer != NULL ? issuer : &made;
    X509_set_issuer_name(made.certificate, X509_get_subject_name(by->certificate));
    if (issuer == NULL)
        add_extension(made.certificate, made.certificate, NID_basic_constraints,
                      "critical,CA:TRUE");
    else
        add_extension(made.certificate, by->certificate, NID_subject_alt_name,
                      "IP:127.0.0.1,DNS:test.example");
    assert_true(X509_sign(made.certificate, by->key, EVP_sha256()) > 0);
    return made;
}

static void release(struct identity *made)
{
    X509_free(made->certificate);
    EVP_PKEY_free(made->key);
}

static FILE *open_new(const char *path, unsigned mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), mode), 0);
    return file;
}

static void save_certificate(const char *path, const struct identity *made)
{
    FILE *file = open_new(path, 0644);
    assert_int_equal(PEM_write_X509(file, made->certificate), 1);
    fclose(file);
}

static void save_key(const char *path, const struct identity *made)
{
    FILE *file = open_new(path, 0600);
    assert_int_equal(PEM_write_PrivateKey(file, made->key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
}

void pki_write(const char *path, const char *text, unsigned mode)
{
    FILE *file = open_new(path, mode);
    assert_true(fputs(text, file) >= 0);
    fclose(file);
}

static const struct {
    size_t at;
    const char *name;
} files[] = {
    {offsetof(struct pki, ca), "ca.pem"},     {offsetof(struct pki, cert), "cert.pem"},
    {offsetof(struct pki, key), "key.pem"},   {offsetof(struct pki, cert2), "cert2.pem"},
    {offsetof(struct pki, key2), "key2.pem"}, {offsetof(struct pki, other_ca), "other.pem"}};

#define FILES_COUNT (sizeof files / sizeof *files)

void pki_make(struct pki *pki, int days)
{
    const char *root = getenv("TMPDIR");
    snprintf(pki->folder, sizeof pki->folder, "%s/tls-XXXXXX", root != NULL ? root : "/tmp");
    assert_non_null(mkdtemp(pki->folder));
    char folder[sizeof pki->folder];
    memcpy(folder, pki->folder, sizeof folder);
    for (size_t i = 0; i < FILES_COUNT; i++)
        snprintf((char *)pki + files[i].at, PAIR_PATH_BYTES, "%s/%s", folder, files[i].name);
    struct identity ca = make("authority", NULL, 3650, 1), other = make("other", NULL, 3650, 1);
    struct identity first = make("first", &ca, days, 2), second = make("second", &ca, 2 * days, 3);
    save_certificate(pki->ca, &ca);
    save_certificate(pki->other_ca, &other);
    save_certificate(pki->cert, &first);
    save_key(pki->key, &first);
    save_certificate(pki->cert2, &second);
    save_key(pki->key2, &second);
    release(&ca);
    release(&other);
    release(&first);
    release(&second);
}

void pki_remove(struct pki *pki)
{
    for (size_t i = 0; i < FILES_COUNT; i++)
        unlink((char *)pki + files[i].at);
    rmdir(pki->folder);
}

/* ---- the pair ---- */

static ssize_t wire_send(void *owner, struct slice bytes)
{
    struct wire *wire = owner;
    if (wire->broken)
        return -1;
    size_t now = bytes.bytes < wire->room ? bytes.bytes : wire->room;
    assert_true(wire->count + now <= sizeof wire->bytes);
    memcpy(wire->bytes + wire->count, bytes.at, now);
    wire->count += now;
    wire->room -= now;
    return (ssize_t)now;
}

struct tls_server *pair_server(const struct tls_files *files_of_it)
{
    char memory[512];
    struct buf why = buf_over(memory, sizeof memory);
    struct tls_material *material;
    struct tls_server *server;
    assert_int_equal(tls_material_new(files_of_it, &material, &why), 0);
    assert_int_equal(tls_server_new(material, &server), 0);
    return server;
}

struct tls_client *pair_client(const struct tls_client_files *files_of_it)
{
    char memory[512];
    struct buf why = buf_over(memory, sizeof memory);
    struct tls_client *client;
    assert_int_equal(tls_client_new(files_of_it, &client, &why), 0);
    return client;
}

void pair_connect(struct pair *pair)
{
    struct net_address peer;
    struct tls_transport out = {wire_send, &pair->to_client, -1};
    struct tls_transport in = {wire_send, &pair->to_server, -1};
    assert_int_equal(net_address_parse(SLICE("127.0.0.1:1"), &peer), 0);
    pair->to_server.count = pair->to_client.count = pair->plain_bytes = 0;
    pair->to_server.room = pair->to_client.room = SIZE_MAX;
    pair->to_server.broken = pair->to_client.broken = false;
    assert_int_equal(tls_session_new_accept(pair->server, &out, &pair->at_server), 0);
    assert_int_equal(tls_session_new_connect(pair->client, &peer, &in, &pair->at_client), 0);
}

void pair_disconnect(struct pair *pair)
{
    tls_session_free(pair->at_server);
    tls_session_free(pair->at_client);
    pair->at_server = pair->at_client = NULL;
}

static void deliver(struct pair *pair, struct wire *wire, struct tls_session *session)
{
    char bytes[PAIR_WIRE_BYTES];
    size_t most = sizeof pair->plain - TLS_HELD_BYTES_MAX;
    size_t now = wire->count < most ? wire->count : most;
    memcpy(bytes, wire->bytes, now);
    memmove(wire->bytes, wire->bytes + now, wire->count - now);
    wire->count -= now;
    pair->plain_bytes =
        tls_session_take(session, slice_of(bytes, now), pair->plain, sizeof pair->plain);
}

void pair_to_server(struct pair *pair)
{
    deliver(pair, &pair->to_server, pair->at_server);
}

void pair_to_client(struct pair *pair)
{
    deliver(pair, &pair->to_client, pair->at_client);
}

void pair_shake(struct pair *pair)
{
    tls_session_go_on(pair->at_client);
    while (pair->to_server.count > 0 || pair->to_client.count > 0) {
        if (pair->to_server.count > 0)
            pair_to_server(pair);
        if (pair->to_client.count > 0)
            pair_to_client(pair);
    }
}
