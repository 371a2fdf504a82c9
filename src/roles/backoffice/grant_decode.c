/* grant_decode.c - contract in grant_decode.h. */
#include "roles/backoffice/grant_decode.h"

#include "base/hash.h"
#include "core/ids.h"

/* Fixed for ever: the hash is in the records. */
static const uint64_t hash_key[2] = {UINT64_C(0x6f766572726f756e), UINT64_C(0x642d6772616e7473)};

enum grant_field { GRANT_KIND, GRANT_AMOUNT, GRANT_CURRENCY, GRANT_REASON, GRANT_FIELDS_COUNT };

static const struct field fields[GRANT_FIELDS_COUNT] = {
    [GRANT_KIND] = {"kind", JSON_STRING},
    [GRANT_AMOUNT] = {"amount", JSON_NUMBER},
    [GRANT_CURRENCY] = {"currency", JSON_STRING},
    [GRANT_REASON] = {"reason", JSON_STRING},
};

const char *grant_kind_text(enum money_kind kind)
{
    switch (kind) {
    case MONEY_GRANT_FREE:
        return "free_bet";
    case MONEY_GRANT_BONUS:
        return "bonus";
    case MONEY_FORFEIT_FREE:
        return "forfeit_free_bet";
    case MONEY_FORFEIT_BONUS:
        return "forfeit_bonus";
    case MONEY_BONUS_TO_CASH:
        return "bonus_to_cash";
    case MONEY_WRITE_OFF:
        return "write_off";
    case MONEY_DEPOSIT:
    case MONEY_WITHDRAWAL:
        break;
    }
    return NULL;
}

static bool wrong(struct request_refusal *refusal, enum request_fault fault, size_t field)
{
    return refuse(refusal, fault, slice_text(fields[field].name));
}

static bool take_kind(struct slice text, enum money_kind *ret)
{
    for (enum money_kind kind = MONEY_GRANT_FREE; kind <= MONEY_WRITE_OFF; kind++) {
        *ret = kind;
        if (slice_is(text, grant_kind_text(kind)))
            return true;
    }
    return false;
}

/* The decoded request, so that another writing of it is the same. */
static void put_hash(struct money_request *request)
{
    char memory[64 + REASON_BYTES_MAX];
    struct buf buf = buf_over(memory, sizeof memory);
    buf_printf(&buf, "%d %u %lld ", (int)request->kind, request->amount.currency.iso,
               (long long)request->amount.minor);
    buf_put_slice(&buf, request->reason);
    struct hash128 hash = siphash128(hash_key, buf.at, buf.bytes);
    request->request_hash[0] = hash.low;
    request->request_hash[1] = hash.high;
}

static bool take(const struct field_values *values, struct money_request *ret,
                 struct request_refusal *refusal)
{
    struct currency currency;
    for (size_t i = 0; i < GRANT_FIELDS_COUNT; i++)
        if (!field_seen(values, i))
            return wrong(refusal, FAULT_MISSING_FIELD, i);
    if (!take_kind(values->text[GRANT_KIND], &ret->kind))
        return wrong(refusal, FAULT_INVALID_FIELD, GRANT_KIND);
    if (!currency_parse(values->text[GRANT_CURRENCY], &currency))
        return wrong(refusal, FAULT_CURRENCY_UNKNOWN, GRANT_CURRENCY);
    if (money_parse(values->text[GRANT_AMOUNT], currency, &ret->amount) < 0)
        return wrong(refusal, FAULT_AMOUNT_DIGITS, GRANT_AMOUNT);
    if (ret->amount.minor <= 0)
        return wrong(refusal, FAULT_AMOUNT_NOT_POSITIVE, GRANT_AMOUNT);
    ret->reason = values->text[GRANT_REASON];
    if (ret->reason.bytes == 0 || ret->reason.bytes > REASON_BYTES_MAX)
        return wrong(refusal, FAULT_INVALID_FIELD, GRANT_REASON);
    put_hash(ret);
    return true;
}

bool grant_decode(struct slice body, char *scratch, size_t scratch_bytes, struct money_request *ret,
                  struct request_refusal *ret_refusal)
{
    struct json_reader reader;
    struct field_values values;
    json_begin(&reader, body, scratch, scratch_bytes);
    if (json_peek(&reader) != JSON_OBJECT)
        return refuse(ret_refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    if (!fields_read(&reader, fields, GRANT_FIELDS_COUNT, &values, ret_refusal))
        return false;
    if (json_end(&reader) < 0)
        return refuse(ret_refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    return take(&values, ret, ret_refusal);
}
