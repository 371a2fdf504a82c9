/* test_tree_link.c - ledger/tree_link.h: how signing keys hand over. */
#include "test.h"

#include <string.h>

#include "base/base64.h"
#include "base/error.h"
#include "ledger/proof_json.h"
#include "ledger/tree_link.h"
#include "sign_pem.h"

#define KEYS 3

struct scene {
    struct sign_key *keys[KEYS];
    uint8_t public_keys[KEYS][SIGN_PUBLIC_BYTES];
    struct sha256 *sha;
    struct tree_chain chain;
};

static void begin(struct scene *s)
{
    static const char *const pems[KEYS] = {SIGN_PEM, SIGN_PEM_2, SIGN_PEM_3};
    memset(s, 0, sizeof *s);
    assert_int_equal(sha256_new(&s->sha), 0);
    for (int i = 0; i < KEYS; i++) {
        assert_int_equal(sign_key_new(slice_text(pems[i]), &s->keys[i]), 0);
        assert_int_equal(sign_key_public(s->keys[i], s->public_keys[i]), 0);
    }
}

static void end(struct scene *s)
{
    for (int i = 0; i < KEYS; i++)
        sign_key_free(s->keys[i]);
    sha256_free(s->sha);
}

/* A link from one key to another that would follow, at so many records and that time. */
static struct tree_link link_of(struct scene *s, int from, int to, uint64_t size)
{
    struct tree_link link = {.log_id = {1, 2, 3},
                             .shard = 5,
                             .kind = TREE_LINK_ROTATION,
                             .time_us = (int64_t)size * 1000};
    link.root.size = size;
    memset(link.root.hash.at, 0xab, sizeof link.root.hash.at);
    memcpy(link.old_key, s->public_keys[from], SIGN_PUBLIC_BYTES);
    memcpy(link.new_key, s->public_keys[to], SIGN_PUBLIC_BYTES);
    tree_chain_next(&s->chain, s->sha, &link);
    return link;
}

static enum tree_chain_verdict add(struct scene *s, const struct tree_link *link, int signer)
{
    unsigned char bytes[TREE_LINK_BYTES];
    assert_int_equal(tree_link_sign(link, s->keys[signer], bytes), 0);
    return tree_chain_add(&s->chain, s->sha, bytes);
}

static void add_good(struct scene *s, int from, int to, uint64_t size)
{
    struct tree_link link = link_of(s, from, to, size);
    assert_int_equal(add(s, &link, from), CHAIN_OK);
}

TEST(tree_link, lies_byte_by_byte_as_the_document_says)
{
    struct scene s;
    unsigned char bytes[TREE_LINK_BYTES];
    begin(&s);
    struct tree_link link = link_of(&s, 0, 1, 0x0102030405), read;
    memset(link.previous, 0xcd, sizeof link.previous);
    assert_int_equal(tree_link_sign(&link, s.keys[0], bytes), 0);
    assert_memory_equal(bytes, "OVRLINK1\1\2\3", 11);
    assert_memory_equal(bytes + 24, "\5\0\0\0\1\0\0\0", 8);
    assert_memory_equal(bytes + 32, "\5\4\3\2\1\0\0\0", 8);
    assert_memory_equal(bytes + 48, link.root.hash.at, 32);
    assert_memory_equal(bytes + 80, s.public_keys[0], 32);
    assert_memory_equal(bytes + 112, s.public_keys[1], 32);
    assert_memory_equal(bytes + 144, link.previous, 32);
    assert_true(sign_check(s.public_keys[0], slice_of(bytes, 192), bytes + 192));
    memset(&read, 0, sizeof read);
    assert_int_equal(tree_link_read(bytes, &read), 0);
    assert_memory_equal(&read, &link, sizeof read);
    end(&s);
}

TEST(tree_link, is_not_read_with_any_flipped_bit)
{
    struct scene s;
    unsigned char bytes[TREE_LINK_BYTES];
    struct tree_link read;
    begin(&s);
    struct tree_link link = link_of(&s, 0, 1, 100);
    assert_int_equal(tree_link_sign(&link, s.keys[0], bytes), 0);
    for (unsigned bit = 0; bit < 8 * TREE_LINK_BYTES; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_true(tree_link_read(bytes, &read) < 0);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    end(&s);
}

TEST(tree_chain, follows_keys_one_after_another)
{
    struct scene s;
    begin(&s);
    assert_null(tree_chain_key(&s.chain));
    add_good(&s, 0, 1, 100);
    assert_memory_equal(tree_chain_key(&s.chain), s.public_keys[1], SIGN_PUBLIC_BYTES);
    add_good(&s, 1, 2, 100); /* again at once is allowed */
    assert_memory_equal(tree_chain_key(&s.chain), s.public_keys[2], SIGN_PUBLIC_BYTES);
    end(&s);
}

TEST(tree_chain, refuses_what_does_not_follow)
{
    struct scene s;
    begin(&s);
    add_good(&s, 0, 1, 100);
    struct tree_link link = link_of(&s, 1, 2, 200);
    assert_int_equal(add(&s, &link, 0), CHAIN_NO_LINK); /* forged: not the old key's word */
    assert_int_equal(add(&s, &link, 2), CHAIN_NO_LINK);
    link.shard = 6;
    assert_int_equal(add(&s, &link, 1), CHAIN_OTHER_LOG);
    link = link_of(&s, 1, 2, 200);
    link.log_id[0]++;
    assert_int_equal(add(&s, &link, 1), CHAIN_OTHER_LOG);
    link = link_of(&s, 1, 2, 200);
    link.previous[0]++;
    assert_int_equal(add(&s, &link, 1), CHAIN_NOT_NEXT);
    link = link_of(&s, 1, 2, 200);
    memcpy(link.old_key, s.public_keys[0], SIGN_PUBLIC_BYTES); /* a retired key speaks again */
    assert_int_equal(add(&s, &link, 0), CHAIN_NOT_NEXT);
    link = link_of(&s, 1, 2, 99);
    assert_int_equal(add(&s, &link, 1), CHAIN_BACK_DATED);
    link = link_of(&s, 1, 2, 200);
    link.time_us = 99999;
    assert_int_equal(add(&s, &link, 1), CHAIN_BACK_DATED);
    link = link_of(&s, 1, 2, 100);
    link.root.hash.at[0]++;
    assert_int_equal(add(&s, &link, 1), CHAIN_OTHER_ROOT);
    link = link_of(&s, 1, 0, 200);
    assert_int_equal(add(&s, &link, 1), CHAIN_KEY_AGAIN);
    link = link_of(&s, 1, 1, 200);
    assert_int_equal(add(&s, &link, 1), CHAIN_KEY_AGAIN);
    assert_int_equal(s.chain.count, 1);
    end(&s);
}

TEST(tree_chain, breaks_by_the_new_keys_word_only)
{
    struct scene s;
    begin(&s);
    add_good(&s, 0, 1, 100);
    struct tree_link link = link_of(&s, 1, 2, 200);
    link.kind = TREE_LINK_BREAK;
    assert_int_equal(add(&s, &link, 1), CHAIN_NO_LINK);
    assert_int_equal(add(&s, &link, 2), CHAIN_OK);
    end(&s);
}

static enum tree_chain_verdict judge(const struct scene *s, int key, uint64_t size, int64_t time_us)
{
    struct tree_head head = {.log_id = {1, 2, 3}, .shard = 5, .time_us = time_us};
    head.root.size = size;
    memset(head.root.hash.at, 0xab, sizeof head.root.hash.at); /* as link_of */
    memcpy(head.key, s->public_keys[key], SIGN_PUBLIC_BYTES);
    return tree_chain_judge(&s->chain, &head);
}

TEST(tree_chain, knows_when_each_key_was_in_use)
{
    struct scene s;
    begin(&s);
    assert_int_equal(judge(&s, 2, 5, 5), CHAIN_OK); /* without links nothing is known */
    add_good(&s, 0, 1, 100);
    assert_int_equal(judge(&s, 0, 100, 100000), CHAIN_OK);
    assert_int_equal(judge(&s, 0, 101, 100000), CHAIN_TOO_LATE);
    assert_int_equal(judge(&s, 1, 100, 100000), CHAIN_OK);
    assert_int_equal(judge(&s, 1, 99, 100000), CHAIN_TOO_EARLY);
    assert_int_equal(judge(&s, 1, 100, 99999), CHAIN_TOO_EARLY);
    assert_int_equal(judge(&s, 1, 5000, 5000000), CHAIN_OK);
    assert_int_equal(judge(&s, 2, 5000, 5000000), CHAIN_FOREIGN_KEY);
    add_good(&s, 1, 2, 200);
    assert_int_equal(judge(&s, 1, 200, 200000), CHAIN_OK);
    assert_int_equal(judge(&s, 1, 201, 200000), CHAIN_TOO_LATE);
    assert_int_equal(judge(&s, 2, 201, 200000), CHAIN_OK);
    end(&s);
}

/* The clock was set back, the newest heads went with the power, and then the key was changed: they
 * bear a later time than the link, and no wrong was done. */
TEST(tree_chain, asks_not_how_late_a_key_signed_what_it_might)
{
    struct scene s;
    begin(&s);
    add_good(&s, 0, 1, 100);
    assert_int_equal(judge(&s, 0, 99, 100001), CHAIN_OK);
    assert_int_equal(judge(&s, 0, 100, 5000000), CHAIN_OK);
    add_good(&s, 1, 2, 200);
    assert_int_equal(judge(&s, 1, 200, 5000000), CHAIN_OK);
    assert_int_equal(judge(&s, 1, 201, 200000), CHAIN_TOO_LATE);
    end(&s);
}

TEST(tree_chain, refuses_another_root_than_was_handed_over)
{
    struct scene s;
    begin(&s);
    add_good(&s, 0, 1, 100);
    for (int key = 0; key <= 1; key++) {
        struct tree_head head = {.log_id = {1, 2, 3}, .shard = 5, .time_us = 100000};
        head.root.size = 100;
        memset(head.root.hash.at, 0xab, sizeof head.root.hash.at);
        memcpy(head.key, s.public_keys[key], SIGN_PUBLIC_BYTES);
        assert_int_equal(tree_chain_judge(&s.chain, &head), CHAIN_OK);
        head.root.hash.at[31] ^= 1;
        assert_int_equal(tree_chain_judge(&s.chain, &head), CHAIN_OTHER_ROOT);
        head.root.size = key == 0 ? 99 : 101; /* no link says what it was */
        assert_int_equal(tree_chain_judge(&s.chain, &head), CHAIN_OK);
    }
    end(&s);
}

TEST(tree_chain, has_a_limit)
{
    struct scene s;
    unsigned char bytes[TREE_LINK_BYTES];
    begin(&s);
    struct tree_link link = link_of(&s, 0, 1, 100);
    assert_int_equal(tree_link_sign(&link, s.keys[0], bytes), 0);
    s.chain.count = TREE_LINKS_MAX;
    assert_int_equal(tree_chain_add(&s.chain, s.sha, bytes), CHAIN_FULL);
    end(&s);
}

TEST(proof_json, says_a_link_in_words_and_in_bytes)
{
    struct scene s;
    unsigned char bytes[2][TREE_LINK_BYTES];
    char memory[PROOF_JSON_LINK_BYTES_MAX];
    struct buf out = buf_over(memory, sizeof memory - 1);
    struct json_writer writer = json_write_begin(&out);
    begin(&s);
    struct tree_link link = link_of(&s, 0, 1, 100);
    assert_int_equal(tree_link_sign(&link, s.keys[0], bytes[0]), 0);
    proof_json_link(&writer, bytes[0]);
    memory[out.bytes] = '\0';
    static const char head[] =
        "{\"kind\":\"rotation\",\"log_id\":\"01020300000000000000000000000000\",\"shard\":5,"
        "\"tree_size\":100,\"root_hash\":\"q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\","
        "\"time\":\"1970-01-01T00:00:00.100000Z\","
        "\"old_key\":\"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\","
        "\"new_key\":\"PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=\",\"signed\":\"T1ZSTElOSzE";
    assert_memory_equal(memory, head, sizeof head - 1);
    assert_false(out.overflow);
    char text[PROOF_JSON_LINKS_BYTES_MAX(2)];
    out = buf_over(text, sizeof text);
    memcpy(bytes[1], bytes[0], sizeof bytes[0]);
    proof_json_links(&writer, (const unsigned char(*)[TREE_LINK_BYTES])bytes, 0);
    assert_int_equal(out.bytes, 0);
    writer = json_write_begin(&out);
    json_write_object_open(&writer);
    proof_json_links(&writer, (const unsigned char(*)[TREE_LINK_BYTES])bytes, 2);
    json_write_object_close(&writer);
    assert_false(out.overflow);
    end(&s);
}
