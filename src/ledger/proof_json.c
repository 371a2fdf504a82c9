/* proof_json.c - contract in proof_json.h. */
#include "ledger/proof_json.h"

#include "base/assert.h"
#include "base/base64.h"
#include "base/instant.h"
#include "base/rfc3339.h"

static void put_base64(struct json_writer *writer, struct slice bytes)
{
    struct buf *out = writer->buf;
    json_write_raw(writer, SLICE("\"")); /* places the comma; base64 needs no escapes */
    base64_write(out, bytes);
    buf_put_char(out, '"');
}

static void put_base64_member(struct json_writer *writer, const char *key, const void *at,
                              size_t bytes)
{
    json_write_key(writer, key);
    put_base64(writer, slice_of(at, bytes));
}

static void put_log_id(struct json_writer *writer, const uint8_t id[16])
{
    char memory[40];
    struct buf text = buf_over(memory, sizeof memory);
    for (size_t i = 0; i < 16; i++)
        buf_printf(&text, "%02x", id[i]);
    json_write_key(writer, "log_id");
    json_write_text(writer, buf_slice(&text));
}

void proof_json_head(struct json_writer *writer, const unsigned char head[TREE_HEAD_BYTES])
{
    struct tree_head read;
    char memory[RFC3339_BYTES_MAX];
    struct buf time = buf_over(memory, sizeof memory);
    int error = tree_head_parse(head, &read);
    ASSERT(error == 0);
    rfc3339_write(&time, (struct instant){read.time_us});
    json_write_object_open(writer);
    put_log_id(writer, read.log_id);
    json_write_key(writer, "shard");
    json_write_u64(writer, read.shard);
    json_write_key(writer, "tree_size");
    json_write_u64(writer, read.root.size);
    put_base64_member(writer, "root_hash", read.root.hash.at, sizeof read.root.hash.at);
    json_write_key(writer, "time");
    json_write_text(writer, buf_slice(&time));
    put_base64_member(writer, "key", read.key, sizeof read.key);
    put_base64_member(writer, "signed", head, TREE_HEAD_BYTES);
    json_write_object_close(writer);
}

void proof_json_link(struct json_writer *writer, const unsigned char link[TREE_LINK_BYTES])
{
    struct tree_link read;
    char memory[RFC3339_BYTES_MAX];
    struct buf time = buf_over(memory, sizeof memory);
    int error = tree_link_parse(link, &read);
    ASSERT(error == 0);
    rfc3339_write(&time, (struct instant){read.time_us});
    json_write_object_open(writer);
    json_write_key(writer, "kind");
    json_write_text(writer, read.kind == TREE_LINK_BREAK ? SLICE("break") : SLICE("rotation"));
    put_log_id(writer, read.log_id);
    json_write_key(writer, "shard");
    json_write_u64(writer, read.shard);
    json_write_key(writer, "tree_size");
    json_write_u64(writer, read.root.size);
    put_base64_member(writer, "root_hash", read.root.hash.at, sizeof read.root.hash.at);
    json_write_key(writer, "time");
    json_write_text(writer, buf_slice(&time));
    put_base64_member(writer, "old_key", read.old_key, sizeof read.old_key);
    put_base64_member(writer, "new_key", read.new_key, sizeof read.new_key);
    put_base64_member(writer, "signed", link, TREE_LINK_BYTES);
    json_write_object_close(writer);
}

void proof_json_links(struct json_writer *writer, const unsigned char (*links)[TREE_LINK_BYTES],
                      uint32_t count)
{
    if (count == 0)
        return;
    json_write_key(writer, "links");
    json_write_array_open(writer);
    for (uint32_t i = 0; i < count; i++)
        put_base64(writer, slice_of(links[i], TREE_LINK_BYTES));
    json_write_array_close(writer);
}

void proof_json_path(struct json_writer *writer, const struct merkle_proof *path)
{
    json_write_array_open(writer);
    for (uint32_t i = 0; i < path->count; i++)
        put_base64(writer, slice_of(path->hashes[i].at, sizeof path->hashes[i].at));
    json_write_array_close(writer);
}

void proof_json_entry(struct json_writer *writer, const struct proof_json_entry *entry)
{
    char memory[48];
    struct buf seq = buf_over(memory, sizeof memory);
    buf_put_u64(&seq, entry->shard);
    buf_put_char(&seq, '-');
    buf_put_u64(&seq, entry->seq);
    json_write_object_open(writer);
    json_write_key(writer, "ledger_seq");
    json_write_text(writer, buf_slice(&seq));
    json_write_key(writer, "index");
    json_write_u64(writer, entry->seq - 1);
    put_base64_member(writer, "leaf", entry->record.at, entry->record.bytes);
    json_write_key(writer, "path");
    proof_json_path(writer, entry->path);
    put_base64_member(writer, "head", entry->head, TREE_HEAD_BYTES);
    json_write_object_close(writer);
}
