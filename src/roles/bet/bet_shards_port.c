/* bet_shards_port.c - contract in bet_shards_port.h. */
#include "roles/bet/bet_shards_port.h"

#include "base/assert.h"
#include "roles/bet/bet_problem.h"
#include "roles/bet/bet_shard.h"

static const struct bet_problem no_such = {421, "WRONG_SHARD", "The book has no such shard.", 0};

static void ask(struct bet_port *port, const struct bet_question *question,
                bet_service_answer_fn answer, struct book_cookie cookie)
{
    const struct bet_shards_port *all = (const struct bet_shards_port *)port;
    uint32_t shard = 0;
    if (bet_question_shard(question, all->shards, &shard) && shard == BET_SHARD_NONE)
        bet_problem_tell(&no_such, answer, cookie);
    else
        bet_port_ask(all->of[shard], question, answer, cookie);
}

void bet_shards_port_init(struct bet_shards_port *all, uint32_t shards)
{
    ASSERT(shards > 0 && shards <= BET_SHARDS_PORTS_MAX);
    *all = (struct bet_shards_port){.port = {ask}, .shards = shards};
}
