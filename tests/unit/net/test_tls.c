/* test_tls.c - net/stream/tls*.h: libssl on both ends, bytes carried by the test. */
#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "tls_pair.h"

static struct pki pki;
static struct pair pair;

static struct tls_files server_files(void)
{
    return (struct tls_files){.certificates = pki.cert, .key = pki.key};
}

static void begin(struct tls_client_files client)
{
    pki_make(&pki, 30);
    const struct tls_files files = server_files();
    client.ca = client.ca != NULL ? client.ca : pki.ca;
    pair.server = pair_server(&files);
    pair.client = pair_client(&client);
    pair_connect(&pair);
}

static void end(void)
{
    pair_disconnect(&pair);
    tls_client_free(pair.client);
    tls_server_free(pair.server);
    pki_remove(&pki);
}

static void both_are(enum tls_state at_server, enum tls_state at_client)
{
    assert_int_equal(tls_session_state(pair.at_server), at_server);
    assert_int_equal(tls_session_state(pair.at_client), at_client);
}

static void says(struct tls_session *from, struct slice text, void (*carry)(struct pair *pair))
{
    assert_int_equal(tls_session_put(from, text), text.bytes);
    carry(&pair);
    assert_int_equal(pair.plain_bytes, text.bytes);
    assert_memory_equal(pair.plain, text.at, text.bytes);
}

TEST(tls, shakes_hands_and_carries_bytes_both_ways)
{
    begin((struct tls_client_files){0});
    both_are(TLS_HANDSHAKE, TLS_HANDSHAKE);
    assert_int_equal(tls_session_put(pair.at_server, SLICE("too early")), 0);
    pair_shake(&pair);
    both_are(TLS_OPEN, TLS_OPEN);
    assert_false(tls_session_is_resumed(pair.at_server));
    assert_false(tls_session_kernel_sends(pair.at_server));
    says(pair.at_client, SLICE("a bet"), pair_to_server);
    says(pair.at_server, SLICE("a receipt"), pair_to_client);
    end();
}

TEST(tls, takes_any_split_of_the_bytes)
{
    char to[TLS_HELD_BYTES_MAX + 1], all[64];
    size_t bytes = 0;
    begin((struct tls_client_files){0});
    tls_session_go_on(pair.at_client);
    while (tls_session_state(pair.at_client) != TLS_OPEN) {
        for (size_t i = 0; i < pair.to_server.count; i++)
            assert_int_equal(tls_session_take(pair.at_server, slice_of(pair.to_server.bytes + i, 1),
                                              to, sizeof to),
                             0);
        pair.to_server.count = 0;
        pair_to_client(&pair);
    }
    pair_shake(&pair);
    both_are(TLS_OPEN, TLS_OPEN);
    assert_int_equal(tls_session_put(pair.at_client, SLICE("piece by piece")), 14);
    for (size_t i = 0; i < pair.to_server.count; i++) {
        size_t got =
            tls_session_take(pair.at_server, slice_of(pair.to_server.bytes + i, 1), to, sizeof to);
        assert_true(got == 0 || i + 1 == pair.to_server.count); /* nothing before it is verified */
        memcpy(all + bytes, to, got);
        bytes += got;
    }
    assert_int_equal(bytes, 14);
    assert_memory_equal(all, "piece by piece", 14);
    end();
}

TEST(tls, takes_many_records_at_once)
{
    static char text[100 * 1000];
    begin((struct tls_client_files){0});
    pair_shake(&pair);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 7);
    for (size_t at = 0; at < sizeof text;) {
        size_t taken = tls_session_put(pair.at_client, slice_of(text + at, sizeof text - at));
        assert_true(taken > 0 && taken <= TLS_RECORD_BYTES_MAX);
        at += taken;
    }
    pair_to_server(&pair);
    assert_int_equal(pair.plain_bytes, sizeof text);
    assert_memory_equal(pair.plain, text, sizeof text);
    end();
}

TEST(tls, a_client_refuses_a_server_that_nobody_it_knows_vouches_for)
{
    pki_make(&pki, 30);
    const struct tls_files files = server_files();
    const struct tls_client_files client = {.ca = pki.other_ca};
    pair.server = pair_server(&files);
    pair.client = pair_client(&client);
    pair_connect(&pair);
    pair_shake(&pair);
    both_are(TLS_FAILED, TLS_FAILED);
    assert_string_equal(tls_session_problem(pair.at_client), "certificate verify failed");
    end();
}

TEST(tls, a_client_refuses_a_certificate_for_another_name)
{
    begin((struct tls_client_files){.server_name = "elsewhere.example"});
    pair_shake(&pair);
    both_are(TLS_FAILED, TLS_FAILED);
    end();
    begin((struct tls_client_files){.server_name = "test.example"});
    pair_shake(&pair);
    both_are(TLS_OPEN, TLS_OPEN);
    end();
}

TEST(tls, a_client_refuses_a_certificate_that_has_expired)
{
    pki_make(&pki, -1);
    const struct tls_files files = server_files();
    const struct tls_client_files client = {.ca = pki.ca};
    pair.server = pair_server(&files);
    pair.client = pair_client(&client);
    assert_true(tls_server_expires_s(pair.server) < time(NULL));
    pair_connect(&pair);
    pair_shake(&pair);
    both_are(TLS_FAILED, TLS_FAILED);
    end();
}

TEST(tls, a_changed_record_ends_the_session_and_gives_no_byte)
{
    for (size_t at = 0; at < 40; at++) {
        begin((struct tls_client_files){0});
        pair_shake(&pair);
        assert_int_equal(tls_session_put(pair.at_client, SLICE("stake 10.00 on home")), 19);
        assert_true(at < pair.to_server.count);
        pair.to_server.bytes[at] ^= 1;
        pair_to_server(&pair);
        assert_int_equal(pair.plain_bytes, 0);
        /* A longer length may wait for bytes that never come; nothing else may. */
        if (at != 3 && at != 4)
            assert_int_equal(tls_session_state(pair.at_server), TLS_FAILED);
        assert_int_equal(tls_session_put(pair.at_server, SLICE("x")),
                         tls_session_state(pair.at_server) == TLS_OPEN);
        end();
    }
}

TEST(tls, a_record_that_comes_twice_ends_the_session)
{
    begin((struct tls_client_files){0});
    pair_shake(&pair);
    assert_int_equal(tls_session_put(pair.at_client, SLICE("a bet")), 5);
    size_t bytes = pair.to_server.count;
    memcpy(pair.to_server.bytes + bytes, pair.to_server.bytes, bytes);
    pair.to_server.count *= 2;
    pair_to_server(&pair);
    assert_int_equal(pair.plain_bytes, 5);
    assert_int_equal(tls_session_state(pair.at_server), TLS_FAILED);
    end();
}

TEST(tls, garbage_is_answered_with_an_alert)
{
    char to[TLS_HELD_BYTES_MAX + 64];
    begin((struct tls_client_files){0});
    assert_int_equal(
        tls_session_take(pair.at_server, SLICE("\x16\x03\x01\x00\x05hello world"), to, sizeof to),
        0);
    assert_int_equal(tls_session_state(pair.at_server), TLS_FAILED);
    assert_true(pair.to_client.count >= 7);
    assert_int_equal(pair.to_client.bytes[0], 21); /* alert */
    end();
}

TEST(tls, the_end_of_one_direction_leaves_the_other_open)
{
    begin((struct tls_client_files){0});
    pair_shake(&pair);
    assert_int_equal(tls_session_put(pair.at_client, SLICE("the last")), 8);
    tls_session_end(pair.at_client);
    assert_int_equal(tls_session_put(pair.at_client, SLICE("after the last")), 0);
    pair_to_server(&pair);
    assert_int_equal(pair.plain_bytes, 8);
    both_are(TLS_ENDED, TLS_OPEN);
    says(pair.at_server, SLICE("an answer"), pair_to_client);
    tls_session_end(pair.at_server);
    pair_to_client(&pair);
    both_are(TLS_ENDED, TLS_ENDED);
    end();
}

TEST(tls, a_handshake_goes_on_when_the_transport_has_room_again)
{
    begin((struct tls_client_files){0});
    tls_session_go_on(pair.at_client);
    pair.to_client.room = 100;
    pair_to_server(&pair);
    assert_true(tls_session_is_blocked(pair.at_server));
    for (int i = 0; tls_session_is_blocked(pair.at_server); i++) {
        assert_true(i < 100);
        pair.to_client.room = 100;
        tls_session_go_on(pair.at_server);
    }
    pair.to_client.room = SIZE_MAX;
    pair_to_client(&pair);
    pair_shake(&pair);
    both_are(TLS_OPEN, TLS_OPEN);
    end();
}

TEST(tls, a_blocked_record_is_sent_once_whoever_holds_its_bytes_then)
{
    static char first[20000], again[30000];
    begin((struct tls_client_files){0});
    pair_shake(&pair);
    for (size_t i = 0; i < sizeof again; i++)
        again[i] = (char)(i * 13);
    memcpy(first, again, sizeof first);
    pair.to_client.room = 1000;
    assert_int_equal(tls_session_put(pair.at_server, slice_of(first, 9000)), 0);
    assert_true(tls_session_is_blocked(pair.at_server));
    memset(first, 'x', sizeof first); /* the place was used for something else meanwhile */
    pair.to_client.room = SIZE_MAX;
    for (size_t at = 0; at < sizeof again;) {
        size_t taken = tls_session_put(pair.at_server, slice_of(again + at, sizeof again - at));
        assert_true(taken > 0);
        at += taken;
    }
    pair_to_client(&pair);
    assert_int_equal(pair.plain_bytes, sizeof again);
    assert_memory_equal(pair.plain, again, sizeof again);
    end();
}

TEST(tls, keys_are_renewed_in_the_middle_of_a_stream)
{
    begin((struct tls_client_files){0});
    pair_shake(&pair);
    for (int i = 0; i < 5; i++) {
        says(pair.at_server, SLICE("before"), pair_to_client);
        tls_session_renew_key(pair.at_server);
        says(pair.at_server, SLICE("after"), pair_to_client);
        tls_session_renew_key(pair.at_client);
        says(pair.at_client, SLICE("and back"), pair_to_server);
    }
    /* Also when the news of it find no room at first. */
    tls_session_renew_key(pair.at_server);
    pair.to_client.room = 3;
    assert_int_equal(tls_session_put(pair.at_server, SLICE("blocked")), 0);
    assert_true(tls_session_is_blocked(pair.at_server));
    pair.to_client.room = SIZE_MAX;
    says(pair.at_server, SLICE("blocked"), pair_to_client);
    end();
}

TEST(tls, a_broken_transport_ends_the_session)
{
    begin((struct tls_client_files){0});
    pair_shake(&pair);
    pair.to_client.broken = true;
    assert_int_equal(tls_session_put(pair.at_server, SLICE("x")), 0);
    assert_int_equal(tls_session_state(pair.at_server), TLS_FAILED);
    end();
}

/* ---- tickets ---- */

static bool connects_again(void)
{
    pair_disconnect(&pair);
    pair_connect(&pair);
    pair_shake(&pair);
    both_are(TLS_OPEN, TLS_OPEN);
    says(pair.at_client, SLICE("a bet"), pair_to_server);
    assert_int_equal(tls_session_is_resumed(pair.at_server),
                     tls_session_is_resumed(pair.at_client));
    return tls_session_is_resumed(pair.at_server);
}

TEST(tls, a_ticket_resumes_under_its_key_and_the_next_and_no_longer)
{
    begin((struct tls_client_files){.resume = true});
    assert_false(connects_again());
    assert_true(connects_again());
    tls_server_rotate(pair.server);
    assert_true(connects_again());
    tls_server_rotate(pair.server);
    tls_server_rotate(pair.server);
    assert_false(connects_again());
    assert_true(connects_again());
    end();
}

TEST(tls, a_reload_keeps_tickets_and_sessions_and_shows_the_new_certificate)
{
    char memory[512];
    struct buf why = buf_over(memory, sizeof memory);
    struct tls_material *material;
    begin((struct tls_client_files){.resume = true});
    pair_shake(&pair);
    int64_t before_s = tls_server_expires_s(pair.server);
    const struct tls_files files = {.certificates = pki.cert2, .key = pki.key2};
    assert_int_equal(tls_material_new(&files, &material, &why), 0);
    assert_true(tls_material_expires_s(material) > before_s);
    tls_server_replace(pair.server, material);
    assert_true(tls_server_expires_s(pair.server) > before_s);
    says(pair.at_client, SLICE("on the old one"), pair_to_server);
    assert_true(connects_again());
    end();
}

/* ---- several loops with one server ---- */

#define LOOPS      2
#define HANDSHAKES 40

/* One loop's: its clients, and what became of them. */
struct accepting {
    struct pair pair;
    unsigned open, resumed;
};

static void *accept_many(void *owner)
{
    struct accepting *accepting = owner;
    for (int i = 0; i < HANDSHAKES; i++) {
        pair_connect(&accepting->pair);
        pair_shake(&accepting->pair);
        accepting->open += tls_session_state(accepting->pair.at_server) == TLS_OPEN &&
                           tls_session_state(accepting->pair.at_client) == TLS_OPEN;
        accepting->resumed += tls_session_is_resumed(accepting->pair.at_server);
        pair_disconnect(&accepting->pair);
    }
    return NULL;
}

TEST(tls, loops_share_a_server_while_its_certificate_and_keys_change)
{
    static struct accepting loops[LOOPS];
    char memory[512];
    struct buf why = buf_over(memory, sizeof memory);
    pthread_t threads[LOOPS];
    begin((struct tls_client_files){.resume = true});
    for (int i = 0; i < LOOPS; i++) {
        loops[i].pair.server = pair.server;
        loops[i].pair.client =
            pair_client(&(struct tls_client_files){.ca = pki.ca, .resume = true});
        assert_int_equal(pthread_create(&threads[i], NULL, accept_many, &loops[i]), 0);
    }
    for (int i = 0; i < 10; i++) {
        struct tls_material *material;
        const struct tls_files files = {.certificates = pki.cert2, .key = pki.key2};
        assert_int_equal(tls_material_new(&files, &material, &why), 0);
        tls_server_replace(pair.server, material);
        assert_true(tls_server_expires_s(pair.server) > 0);
        if (i == 5)
            tls_server_rotate(pair.server);
    }
    for (int i = 0; i < LOOPS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(loops[i].open, HANDSHAKES);
        assert_true(loops[i].resumed > 0);
        tls_client_free(loops[i].pair.client);
    }
    end();
}

/* ---- client certificates ---- */

static void begin_verified(struct tls_client_files client)
{
    pki_make(&pki, 30);
    struct tls_files files = server_files();
    files.client_ca = pki.ca;
    client.ca = pki.ca;
    client.resume = true;
    pair.server = pair_server(&files);
    pair.client = pair_client(&client);
    pair_connect(&pair);
    pair_shake(&pair);
}

TEST(tls, a_client_without_a_certificate_is_refused_where_one_is_asked_for)
{
    begin_verified((struct tls_client_files){0});
    assert_int_equal(tls_session_state(pair.at_server), TLS_FAILED);
    assert_string_equal(tls_session_problem(pair.at_server), "peer did not return a certificate");
    end();
}

TEST(tls, a_client_with_a_certificate_is_verified_each_time)
{
    begin_verified((struct tls_client_files){.certificates = pki.cert2, .key = pki.key2});
    both_are(TLS_OPEN, TLS_OPEN);
    assert_false(connects_again());
    assert_false(connects_again());
    end();
}

/* ---- files ---- */

static int loads(const struct tls_files *files, const char *words)
{
    char memory[512];
    struct buf why = buf_over(memory, sizeof memory);
    struct tls_material *material = NULL;
    int result = tls_material_new(files, &material, &why);
    tls_material_free(material);
    if (words != NULL && memmem(why.at, why.bytes, words, strlen(words)) == NULL)
        fail_msg("\"%.*s\" does not say \"%s\"", (int)why.bytes, why.at, words);
    return result;
}

TEST(tls, files_that_cannot_serve_are_refused_with_a_sentence)
{
    pki_make(&pki, 30);
    struct tls_files good = server_files(), files = good;
    assert_int_equal(loads(&good, NULL), 0);
    files.certificates = "/nowhere/cert.pem";
    assert_int_equal(loads(&files, "cannot read /nowhere/cert.pem"), -ERR_CONFIG);
    files = good;
    files.certificates = pki.folder;
    assert_int_equal(loads(&files, "is not a file"), -ERR_CONFIG);
    files = good;
    files.key = pki.key2;
    assert_int_equal(loads(&files, "key values mismatch"), -ERR_CONFIG);
    files = good;
    files.client_ca = pki.key;
    assert_int_equal(loads(&files, "no authorities for clients"), -ERR_CONFIG);
    assert_int_equal(chmod(pki.key, 0640), 0);
    assert_int_equal(loads(&good, NULL), 0);
    assert_int_equal(chmod(pki.key, 0604), 0);
    assert_int_equal(loads(&good, "within reach of others"), -ERR_CONFIG);
    pki_write(pki.key, "nothing\n", 0600);
    assert_int_equal(loads(&good, "no key that belongs"), -ERR_CONFIG);
    pki_write(pki.cert, "", 0600);
    assert_int_equal(loads(&good, "no certificate in"), -ERR_CONFIG);
    pki_remove(&pki);
}

TEST(tls, an_encrypted_key_is_refused_without_asking_anybody)
{
    /* openssl genpkey -algorithm ed25519 -aes256, password "secret" */
    static const char encrypted[] =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
        "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjRXm7tLC1vOQICCAAw\n"
        "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEKy0nlijBfOtjWS1AoSfZ1UEQJJ7\n"
        "1/cu6+L0KZwuEOwVyiZvsCPbPwMcZZFVgkq5fe53c01skl6EsNAj6nHMi2elmWZG\n"
        "8B5J3cYU1uuYPGm3zoA=\n"
        "-----END ENCRYPTED PRIVATE KEY-----\n";
    pki_make(&pki, 30);
    const struct tls_files files = server_files();
    pki_write(pki.key, encrypted, 0600);
    assert_int_equal(loads(&files, "no key that belongs"), -ERR_CONFIG);
    pki_remove(&pki);
}
