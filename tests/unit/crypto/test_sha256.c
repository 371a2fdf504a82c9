/* test_sha256.c - crypto/sha256.h, sha1.h and random.h against published vectors. */
#include "test.h"

#include <stdlib.h>

#include "base/buf.h"
#include "crypto/random.h"
#include "crypto/sha1.h"
#include "crypto/sha256.h"

static void expect_hex(const unsigned char *bytes, size_t count, const char *hex)
{
    char text[2 * SHA256_BYTES + 1];
    struct buf buf = buf_over(text, sizeof text);
    for (size_t i = 0; i < count; i++)
        buf_printf(&buf, "%02x", bytes[i]);
    assert_string_equal(text, hex);
}

static const struct {
    struct slice message;
    const char *digest;
} nist[] = {
    {SLICE(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {SLICE("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {SLICE("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {SLICE("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopq"
           "klmnopqrlmnopqrsmnopqrstnopqrstu"),
     "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
};

TEST(sha256, gives_the_digests_of_fips_180_with_one_kept_context)
{
    struct sha256 *sha;
    unsigned char digest[SHA256_BYTES];
    assert_int_equal(sha256_new(&sha), 0);
    for (size_t i = 0; i < sizeof nist / sizeof nist[0]; i++) {
        sha256_digest(sha, nist[i].message, digest);
        expect_hex(digest, sizeof digest, nist[i].digest);
    }
    sha256_begin(sha);
    char block[1000];
    memset(block, 'a', sizeof block);
    for (int i = 0; i < 1000; i++)
        sha256_add(sha, slice_of(block, sizeof block));
    sha256_end(sha, digest);
    expect_hex(digest, sizeof digest,
               "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    sha256_free(sha);
    sha256_free(NULL);
}

TEST(sha256, begin_forgets_what_was_added)
{
    struct sha256 *sha;
    unsigned char digest[SHA256_BYTES];
    assert_int_equal(sha256_new(&sha), 0);
    sha256_add(sha, SLICE("left over"));
    sha256_begin(sha);
    sha256_add(sha, SLICE("a"));
    sha256_add(sha, SLICE_NONE);
    sha256_add(sha, SLICE("bc"));
    sha256_end(sha, digest);
    expect_hex(digest, sizeof digest, nist[1].digest);
    sha256_free(sha);
}

TEST(hmac256, gives_the_digests_of_rfc_4231_with_one_kept_context_each)
{
    static const unsigned char counting[25] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13,
                                               14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25};
    char b0[20], aa[131], dd[50], cd[50];
    memset(b0, 0x0b, sizeof b0);
    memset(aa, 0xaa, sizeof aa);
    memset(dd, 0xdd, sizeof dd);
    memset(cd, 0xcd, sizeof cd);
    const struct {
        struct slice key, message;
        const char *digest;
    } rows[] = {
        {slice_of(b0, 20), SLICE("Hi There"),
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {SLICE("Jefe"), SLICE("what do ya want for nothing?"),
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {slice_of(aa, 20), slice_of(dd, 50),
         "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        {slice_of(counting, 25), slice_of(cd, 50),
         "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
        {slice_of(aa, 131), SLICE("Test Using Larger Than Block-Size Key - Hash Key First"),
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {slice_of(aa, 131),
         SLICE("This is a test using a larger than block-size key and a larger than block-size "
               "data. The key needs to be hashed before being used by the HMAC algorithm."),
         "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
        {SLICE_NONE, SLICE_NONE,
         "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct hmac256 *hmac;
        unsigned char digest[SHA256_BYTES];
        assert_int_equal(hmac256_new(rows[i].key, &hmac), 0);
        for (int again = 0; again < 3; again++) {
            hmac256_digest(hmac, rows[i].message, digest);
            expect_hex(digest, sizeof digest, rows[i].digest);
        }
        hmac256_free(hmac);
    }
    hmac256_free(NULL);
}

TEST(sha256, compares_all_bytes)
{
    assert_true(sha256_equal("abc", "abc", 3));
    assert_false(sha256_equal("abc", "abd", 3));
    assert_false(sha256_equal("xbc", "abc", 3));
    assert_true(sha256_equal("x", "y", 0));
}

TEST(sha1, gives_the_digest_of_the_websocket_handshake)
{
    unsigned char digest[SHA1_BYTES];
    assert_int_equal(
        sha1_digest(SLICE("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11"), digest),
        0);
    expect_hex(digest, sizeof digest, "b37a4f2cc0624f1690f64606cf385945b2bec4ea");
    assert_int_equal(sha1_digest(SLICE("abc"), digest), 0);
    expect_hex(digest, sizeof digest, "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST(random, fills_all_bytes_and_differs)
{
    static unsigned char a[70000], b[70000];
    int seen[256] = {0};
    random_fill(a, sizeof a);
    random_fill(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    for (size_t i = 0; i < sizeof a; i++)
        seen[a[i]]++;
    for (int i = 0; i < 256; i++) /* 273 expected, 16.5 standard deviation */
        assert_in_range(seen[i], 150, 420);
    assert_memory_not_equal(a + sizeof a - 16, b + sizeof b - 16, 16);
}
