/* options_results.c - contract in options_results.h. */
#include "cli/options/options_results.h"

#include "base/error.h"

#define PROVIDER_SKEW_MS_MAX 3600000 /* more is no clock */

/* One of the words, from 1; NULL ends them. */
static int take_word(const struct options *options, const char *key, const char *const *words,
                     unsigned *ret, struct buf *why)
{
    const char *text = options_text(options, key);
    for (unsigned i = 0; words[i] != NULL; i++)
        if (slice_is(slice_text(text), words[i])) {
            *ret = i + 1;
            return 0;
        }
    buf_printf(why, "--%s is not: %s", key, text);
    return -ERR_CONFIG;
}

/* Whose word is enough, and when. */
static int take_approval(const struct options *options, struct node_options *ret, struct buf *why)
{
    static const char *const approvals[] = {"none", "second-person", NULL};
    unsigned approval = 0;
    TRY(take_word(options, "results-approval", approvals, &approval, why));
    TRY(options_number(options, "results-objection-s", (struct number_range){0, 604800},
                       &ret->results_objection_s, why));
    ret->results_second_person = approval == 2;
    return options_number(options, "results-certainty-least", (struct number_range){1, 2},
                          &ret->results_certainty_least, why);
}

int options_results(const struct options *options, struct node_options *ret, struct buf *why)
{
    static const char *const models[] = {"rule4", "winnings", "price", NULL};
    static const char *const tables[] = {"fractional", "decimal", NULL};
    unsigned model = 0, table = 0;
    int64_t cap = 0, waive = 0;
    TRY(take_word(options, "deduction-model", models, &model, why));
    TRY(take_word(options, "rule4-table", tables, &table, why));
    TRY(options_number(options, "rule4-cap-pence", (struct number_range){1, 99}, &cap, why));
    TRY(options_number(options, "rule4-waive-pence", (struct number_range){0, 99}, &waive, why));
    TRY(options_number(options, "provider-skew-ms",
                       (struct number_range){-PROVIDER_SKEW_MS_MAX, PROVIDER_SKEW_MS_MAX},
                       &ret->provider_skew_ms, why));
    ret->results = (struct result_policy){
        .model = (enum deduction_model)model,
        .rule4 = {(enum rule4_table)table, (uint8_t)cap, (uint8_t)waive},
    };
    return take_approval(options, ret, why);
}
