/* mcm_decode.h - what the files of the decoder share; private to them. See mcm_message.h. */
#pragma once

#include "base/json_read.h"
#include "feeds/betfair_stream/mcm_message.h"

struct mcm_decoder {
    struct json_reader json;
    struct mcm_message *message;
    bool limit; /* a limit of the message, not its form, made it fail */
};

/* Fails the reader because of a limit. Answers false. */
bool mcm_limit(struct mcm_decoder *decoder);

/* Consumes a null and answers true, or consumes nothing. */
bool mcm_null(struct mcm_decoder *decoder);

/* A number with at most three places as thousandths. Fails the reader otherwise. */
bool mcm_milli(struct mcm_decoder *decoder, int32_t *ret_milli);

/* A string or null (which is empty). */
bool mcm_text(struct mcm_decoder *decoder, struct slice *ret_text);
bool mcm_flag(struct mcm_decoder *decoder, bool *ret_flag);
/* A whole number or null (which leaves *ret and answers true with *ret_has false). */
bool mcm_whole(struct mcm_decoder *decoder, bool *ret_has, int64_t *ret);

/* Consumes a marketDefinition. */
bool mcm_definition_decode(struct mcm_decoder *decoder, struct mcm_definition *ret);
