/* test_tree_head.c - ledger/tree_head.h and proof_json.h. */
#include "test.h"

#include <string.h>

#include "base/base64.h"
#include "base/error.h"
#include "ledger/proof_json.h"
#include "ledger/tree_head.h"
#include "sign_pem.h"

static struct tree_head make(unsigned char bytes[TREE_HEAD_BYTES])
{
    struct sign_key *key = NULL;
    struct tree_head head = {.log_id = {1, 2, 3}, .shard = 5, .time_us = 1700000000123456};
    head.root.size = 0x0102030405;
    memset(head.root.hash.at, 0xab, sizeof head.root.hash.at);
    assert_int_equal(sign_key_new(SLICE(SIGN_PEM), &key), 0);
    assert_int_equal(tree_head_sign(&head, key, bytes), 0);
    sign_key_free(key);
    return head;
}

TEST(tree_head, lies_byte_by_byte_as_the_document_says)
{
    unsigned char bytes[TREE_HEAD_BYTES];
    struct tree_head head = make(bytes);
    assert_memory_equal(bytes, "OVRHEAD1\1\2\3", 11);
    assert_memory_equal(bytes + 24, "\5\0\0\0\0\0\0\0", 8);
    assert_memory_equal(bytes + 32, "\5\4\3\2\1\0\0\0", 8);
    assert_memory_equal(bytes + 48, head.root.hash.at, 32);
    assert_memory_equal(bytes + 80, head.key, 32);
    assert_true(sign_check(head.key, slice_of(bytes, 128), bytes + 128));
}

TEST(tree_head, is_read_as_it_was_signed_and_not_with_any_flipped_bit)
{
    unsigned char bytes[TREE_HEAD_BYTES];
    struct tree_head head = make(bytes), read;
    memset(&read, 0, sizeof read);
    assert_int_equal(tree_head_read(bytes, &read), 0);
    assert_memory_equal(&read, &head, sizeof read);
    for (unsigned bit = 0; bit < 8 * TREE_HEAD_BYTES; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_true(tree_head_read(bytes, &read) < 0);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
}

TEST(tree_head, has_one_text)
{
    unsigned char bytes[TREE_HEAD_BYTES], again[TREE_HEAD_BYTES];
    char memory[TREE_HEAD_TEXT_BYTES + 4];
    struct tree_head read;
    (void)make(bytes);
    struct buf text = buf_over(memory, sizeof memory);
    buf_put_char(&text, ' ');
    base64_write(&text, slice_of(bytes, sizeof bytes));
    buf_put_char(&text, '\n');
    assert_int_equal(tree_head_read_text(buf_slice(&text), again, &read), 0);
    assert_memory_equal(again, bytes, sizeof bytes);
    assert_int_equal(tree_head_read_text(slice_of(memory, 200), again, &read), -ERR_FORMAT);
    for (size_t at = 1; at <= TREE_HEAD_TEXT_BYTES; at++) {
        char kept = memory[at];
        memory[at] = kept == '+' ? '-' : kept == '/' ? '_' : '=';
        assert_true(tree_head_read_text(buf_slice(&text), again, &read) < 0);
        memory[at] = kept == 'A' ? 'B' : 'A';
        assert_true(kept == memory[at] || tree_head_read_text(buf_slice(&text), again, &read) < 0);
        memory[at] = kept;
    }
}

TEST(proof_json, writes_an_entry_with_everything_that_is_checked)
{
    unsigned char bytes[TREE_HEAD_BYTES];
    struct merkle_proof path = {.count = 2};
    char memory[4096];
    struct buf out = buf_over(memory, sizeof memory - 1);
    struct json_writer writer = json_write_begin(&out);
    (void)make(bytes);
    const struct proof_json_entry entry = {5, 17, SLICE("record"), &path, bytes};
    proof_json_entry(&writer, &entry);
    memory[out.bytes] = '\0';
    static const char begin[] =
        "{\"ledger_seq\":\"5-17\",\"index\":16,\"leaf\":\"cmVjb3Jk\",\"path\":["
        "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\","
        "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"],\"head\":\"T1ZSSEVBRDE";
    assert_memory_equal(memory, begin, sizeof begin - 1);
    assert_string_equal(memory + out.bytes - 2, "\"}");
}

TEST(proof_json, says_a_head_in_words_and_in_bytes)
{
    unsigned char bytes[TREE_HEAD_BYTES];
    char memory[PROOF_JSON_HEAD_BYTES_MAX];
    struct buf out = buf_over(memory, sizeof memory - 1);
    struct json_writer writer = json_write_begin(&out);
    (void)make(bytes);
    proof_json_head(&writer, bytes);
    memory[out.bytes] = '\0';
    static const char begin[] =
        "{\"log_id\":\"01020300000000000000000000000000\",\"shard\":5,\"tree_size\":4328719365,"
        "\"root_hash\":\"q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\","
        "\"time\":\"2023-11-14T22:13:20.123456Z\","
        "\"key\":\"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\",\"signed\":\"T1ZSSEVBRDE";
    assert_memory_equal(memory, begin, sizeof begin - 1);
    assert_false(out.overflow);
}
