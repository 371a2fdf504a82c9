/* test_dynamo_answer.c - adapters/dynamodb/dynamo_answer.h: what each answer means, and that of
 * items which say something else nothing is believed. */
#include "test.h"

#include <string.h>

#include "adapters/dynamodb/dynamo_answer.h"
#include "adapters/dynamodb/dynamo_row.h"
#include "base/error.h"

#define TYPE(name) "{\"__type\":\"com.amazonaws.dynamodb.v20120810#" name "\",\"message\":\"m\"}"

TEST(dynamo_answer, is_told_apart_by_what_may_have_happened)
{
    static const struct {
        int status;
        const char *body;
        enum store_answer answer;
        bool conflict, absent, stale_key;
    } rows[] = {
        {200, "{}", STORE_TAKEN, false, false, false},
        {400, TYPE("ConditionalCheckFailedException"), STORE_TAKEN, true, false, false},
        {400, TYPE("ProvisionedThroughputExceededException"), STORE_AGAIN, false, false, false},
        {400, TYPE("ThrottlingException"), STORE_AGAIN, false, false, false},
        {400, TYPE("RequestLimitExceeded"), STORE_AGAIN, false, false, false},
        {400, "{\"__type\":\"ThrottlingException\"}", STORE_AGAIN, false, false, false},
        {429, "", STORE_AGAIN, false, false, false},
        {400, TYPE("ExpiredTokenException"), STORE_AGAIN, false, false, true},
        {400, TYPE("InvalidSignatureException"), STORE_AGAIN, false, false, true},
        {400, TYPE("ResourceNotFoundException"), STORE_REFUSED, false, true, false},
        {400, TYPE("ValidationException"), STORE_REFUSED, false, false, false},
        {400, TYPE("AccessDeniedException"), STORE_REFUSED, false, false, false},
        {400, "<html>", STORE_REFUSED, false, false, false},
        {413, "", STORE_REFUSED, false, false, false},
        {301, "", STORE_REFUSED, false, false, false},
        /* It may be there. */
        {500, TYPE("InternalServerError"), STORE_LOST, false, false, false},
        {503, "", STORE_LOST, false, false, false},
        {503, TYPE("ConditionalCheckFailedException"), STORE_LOST, false, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dynamo_verdict verdict =
            dynamo_answer_judge(rows[i].status, slice_text(rows[i].body));
        assert_int_equal(verdict.answer, rows[i].answer);
        assert_int_equal(verdict.conflict, rows[i].conflict);
        assert_int_equal(verdict.absent, rows[i].absent);
        assert_int_equal(verdict.stale_key, rows[i].stale_key);
        assert_true((verdict.problem[0] == '\0') == (rows[i].status == 200));
    }
}

TEST(dynamo_answer, says_one_bounded_line_of_what_was_refused)
{
    char body[4096] = "{\"__type\":\"a#ValidationException\",\"message\":\"one\\ntwo ";
    size_t used = strlen(body);
    memset(body + used, 'x', 900);
    memcpy(body + used + 900, "\"}", 3);
    struct dynamo_verdict verdict = dynamo_answer_judge(400, slice_text(body));
    assert_non_null(strstr(verdict.problem, "400 ValidationException: one two x"));
    assert_true(strlen(verdict.problem) < sizeof verdict.problem);
}

struct seen {
    unsigned count;
    struct batch last;
    char records[64];
    int answer;
};

static int see(void *owner, const struct batch *batch)
{
    struct seen *seen = owner;
    seen->count++;
    seen->last = *batch;
    assert_true(batch->bytes < sizeof seen->records);
    memcpy(seen->records, batch->records, batch->bytes);
    return seen->answer;
}

static int read_items(const char *body, struct seen *seen)
{
    static char memory[48];
    const struct dynamo_items items = {slice_text(body), memory, sizeof memory};
    *seen = (struct seen){.answer = seen->answer};
    return dynamo_answer_batches(&items, see, seen);
}

#define HEAD                                                                                       \
    "\"shard\":{\"S\":\"0000-0\"},\"batch_no\":{\"N\":\"7\"},\"epoch\":{\"N\":\"2\"},"             \
    "\"seq_first\":{\"N\":\"10\"},\"seq_last\":{\"N\":\"12\"},\"crc\":{\"N\":\"4294967295\"},"     \
    "\"writer\":{\"N\":\"576460752303423487\"}"
#define WHOLE HEAD ",\"format\":{\"N\":\"1\"}"

TEST(dynamo_items, are_read_with_or_without_records)
{
    struct seen seen = {0};
    assert_int_equal(read_items("{}", &seen), 0);
    assert_int_equal(seen.count, 0);
    assert_int_equal(read_items("{\"Item\":{" WHOLE ",\"more\":{\"BOOL\":true}}}", &seen), 0);
    assert_int_equal(seen.last.place.batch_no, 7);
    assert_int_equal(seen.last.place.epoch, 2);
    assert_int_equal(seen.last.place.seq_last, 12);
    assert_int_equal(seen.last.seq_first, 10);
    assert_int_equal(seen.last.crc, UINT32_MAX);
    assert_int_equal(seen.last.writer, UINT64_C(576460752303423487));
    assert_int_equal(seen.last.bytes, 0);
    assert_int_equal(read_items("{\"Count\":2,\"Items\":[{" WHOLE
                                ",\"records\":{\"B\":\"AQID\"}},{" WHOLE
                                ",\"records\":{\"B\":\"/wA=\"}}],"
                                "\"LastEvaluatedKey\":{\"batch_no\":{\"N\":\"7\"}}}",
                                &seen),
                     0);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.last.bytes, 2);
    assert_memory_equal(seen.records, "\xff\x00", 2);
    seen.answer = -ERR_STOPPED;
    assert_int_equal(read_items("{\"Items\":[{" WHOLE "},{" WHOLE "}]}", &seen), -ERR_STOPPED);
    assert_int_equal(seen.count, 1);
}

TEST(dynamo_items, that_are_not_ours_are_refused)
{
    static const struct {
        const char *body;
        int error;
    } rows[] = {
        {"", -ERR_FORMAT},
        {"[]", -ERR_FORMAT},
        {"{\"Item\":[]}", -ERR_FORMAT},
        {"{\"Item\":{" HEAD "}}", -ERR_FORMAT}, /* no format */
        {"{\"Item\":{" HEAD ",\"format\":{\"N\":\"2\"}}}", -ERR_CONFIG},
        {"{\"Item\":{" WHOLE ",\"records\":{\"S\":\"AQID\"}}}", -ERR_FORMAT},
        {"{\"Item\":{" WHOLE ",\"records\":{\"B\":\"A*ID\"}}}", -ERR_FORMAT},
        {"{\"Item\":{" WHOLE ",\"epoch\":{\"N\":\"-1\"}}}", -ERR_FORMAT},
        {"{\"Item\":{" WHOLE ",\"epoch\":{\"N\":\"1.5\"}}}", -ERR_FORMAT},
        {"{\"Item\":{" WHOLE ",\"epoch\":{\"N\":\"9999999999999999999\"}}}", -ERR_FORMAT},
        {"{\"Item\":{" WHOLE ",\"crc\":{\"N\":\"4294967296\"}}}", -ERR_FORMAT},
        {"{\"Item\":{" WHOLE ",\"batch_no\":{\"N\":\"0\"}}}", -ERR_FORMAT},
        {"{\"Item\":{" WHOLE ",\"epoch\":{\"N\":\"1\",\"N\":\"2\"}}}", -ERR_FORMAT},
        {"{\"Item\":{" WHOLE "}} ", 0},
        {"{\"Item\":{" WHOLE "}}x", -ERR_FORMAT},
        {"{\"Item\":{" WHOLE ",\"records\":{\"B\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
         "AAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}}}",
         -ERR_LIMIT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct seen seen = {0};
        assert_int_equal(read_items(rows[i].body, &seen), rows[i].error);
    }
}

#define TABLE(status, hash, range)                                                                 \
    "{\"Table\":{\"TableStatus\":\"" status "\",\"KeySchema\":[{\"AttributeName\":\"" hash         \
    "\",\"KeyType\":\"HASH\"},{\"AttributeName\":\"" range "\",\"KeyType\":\"RANGE\"}]}}"

TEST(dynamo_answer, knows_a_table_of_ours)
{
    static const struct {
        const char *body;
        enum dynamo_table table;
    } rows[] = {
        {TABLE("ACTIVE", "shard", "batch_no"), DYNAMO_TABLE_READY},
        {TABLE("UPDATING", "shard", "batch_no"), DYNAMO_TABLE_READY},
        {TABLE("CREATING", "shard", "batch_no"), DYNAMO_TABLE_MAKING},
        {TABLE("DELETING", "shard", "batch_no"), DYNAMO_TABLE_OTHER},
        {TABLE("ACTIVE", "user_id", "batch_no"), DYNAMO_TABLE_OTHER},
        {TABLE("ACTIVE", "shard", "bet_id"), DYNAMO_TABLE_OTHER},
        {"{\"Table\":{}}", DYNAMO_TABLE_OTHER},
        {"", DYNAMO_TABLE_OTHER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(dynamo_answer_table(slice_text(rows[i].body), &dynamo_ledger_shape),
                         rows[i].table);
}

#define INDEX(name, hash, range)                                                                   \
    "{\"IndexName\":\"" name                                                                       \
    "\",\"IndexStatus\":\"ACTIVE\",\"KeySchema\":[{\"AttributeName\":\"" hash                      \
    "\",\"KeyType\":\"HASH\"},{\"AttributeName\":\"" range "\",\"KeyType\":\"RANGE\"}]}"
#define INDEXED(indexes)                                                                           \
    "{\"Table\":{\"GlobalSecondaryIndexes\":[" indexes                                             \
    "],\"TableStatus\":\"ACTIVE\",\"KeySchema\":[{\"AttributeName\":\"user_id\",\"KeyType\":"      \
    "\"HASH\"},"                                                                                   \
    "{\"AttributeName\":\"bet_record\",\"KeyType\":\"RANGE\"}]}}"

TEST(dynamo_answer, knows_a_table_with_its_index)
{
    static const struct {
        const char *body;
        enum dynamo_table table;
    } rows[] = {
        {INDEXED(INDEX("by_event", "event_id", "bet_record")), DYNAMO_TABLE_READY},
        {INDEXED(
             INDEX("x", "market_id", "bet_record") "," INDEX("by_event", "event_id", "bet_record")),
         DYNAMO_TABLE_READY},
        {INDEXED(""), DYNAMO_TABLE_OTHER},
        {INDEXED(INDEX("by_user", "event_id", "bet_record")), DYNAMO_TABLE_OTHER},
        {INDEXED(INDEX("by_event", "market_id", "bet_record")), DYNAMO_TABLE_OTHER},
        {INDEXED(INDEX("by_event", "event_id", "seq")), DYNAMO_TABLE_OTHER},
        {INDEXED("1"), DYNAMO_TABLE_OTHER},
        {TABLE("ACTIVE", "user_id", "bet_record"), DYNAMO_TABLE_OTHER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(dynamo_answer_table(slice_text(rows[i].body), &dynamo_rows_shape),
                         rows[i].table);
}

TEST(dynamo_answer, names_the_shard_of_a_key_and_of_no_other)
{
    static const struct {
        const char *body;
        int found;
        uint32_t shard;
    } rows[] = {
        {"{\"Items\":[{\"shard\":{\"S\":\"4bc7-0\"}}],\"Count\":1}", 1, 0},
        {"{\"Items\":[{\"shard\":{\"S\":\"63f6-1023\"},\"more\":{\"N\":\"1\"}}]}", 1, 1023},
        {"{\"Items\":[],\"Count\":0}", 0, 0},
        {"{}", 0, 0},
        {"{\"Items\":[{\"shard\":{\"S\":\"4bc8-0\"}}]}", -ERR_FORMAT, 0}, /* not its prefix */
        {"{\"Items\":[{\"shard\":{\"S\":\"4bc7-00\"}}]}", -ERR_FORMAT, 0},
        {"{\"Items\":[{\"shard\":{\"S\":\"6fdd-1024\"}}]}", -ERR_FORMAT, 0},
        {"{\"Items\":[{\"shard\":{\"S\":\"4bc7-\"}}]}", -ERR_FORMAT, 0},
        {"{\"Items\":[{\"shard\":{\"N\":\"0\"}}]}", -ERR_FORMAT, 0},
        {"{\"Items\":[{\"user_id\":{\"S\":\"4bc7-0\"}}]}", -ERR_FORMAT, 0},
        {"{\"Items\":[{\"shard\":{\"S\":\"4bc7-0\"}}]", -ERR_FORMAT, 0},
        {"{\"Items\":[5]}", -ERR_FORMAT, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t shard = 0;
        assert_int_equal(dynamo_answer_shard(slice_text(rows[i].body), &shard), rows[i].found);
        assert_int_equal(shard, rows[i].shard);
    }
}
