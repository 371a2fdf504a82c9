/* ship_pair.h - a sender and a receiver over logs in memory, with a link between them that can be
 * held, cut and looked into. */
#pragma once

#include "adapters/ship/ship_receiver.h"
#include "adapters/ship/ship_sender.h"
#include "fake_ports.h"
#include "maker.h"

#define PAIR_CREATION 77
#define PAIR_WIRE_MAX 64

/* Messages on their way in one direction. */
struct pair_wire {
    struct {
        char *at; /* owned */
        size_t bytes;
    } messages[PAIR_WIRE_MAX];
    size_t count;
    bool closed;   /* the end that writes has closed it */
    size_t queued; /* told by queued(); 0 unless a test sets it */
    uint64_t sent; /* messages ever */
    enum ship_type last;
};

struct pair {
    struct maker *maker; /* owned; makes the records */
    struct fake_log primary_log, standby_log;
    struct ledger_log *log; /* the primary's, that ships */
    struct ship_sender *sender;
    struct ship_sender_options options;
    struct ship_receiver *receiver;
    struct shard_state *state; /* the standby's fold */
    struct pair_wire down, up;
    bool attached;
    int64_t now_us;
    uint64_t epoch;
    /* the append under way */
    char *group; /* owned */
    struct ledger_append append;
    int appended; /* how many ended */
    enum append_outcome outcome;
    bool appending;
    /* what was told */
    uint64_t confirmed, fenced_epoch, fenced_seq;
    bool away;
    int notes[SHIP_NOTE_HEAD_KEY + 1], fence_error;
    uint16_t refusal;
    uint64_t refusal_seq;
    /* the standby's store */
    uint64_t standby_epoch, odds_position;
    uint32_t odds_epoch;
    char keys[4096], keys_there[4096];
    size_t keys_bytes, keys_written;
    int keys_syncs, keys_error;
    uint32_t room; /* records that may be folded before there is none; UINT32_MAX: any */
    bool keys_dirty;
};

void pair_begin(struct pair *pair, enum ship_mode mode, enum ship_degrade degrade);
void pair_end(struct pair *pair);
/* The primary's process ends and starts again on its log; the standby's likewise. */
void pair_restart_primary(struct pair *pair);
void pair_restart_standby(struct pair *pair);

/* A group of `count` records; not more than one is under way. */
void pair_append(struct pair *pair, uint32_t count);
void pair_attach(struct pair *pair);
/* What the standby has said and the primary has not heard is lost. */
void pair_lose_up(struct pair *pair);
void pair_detach(struct pair *pair);
/* Carries what is on the wire, one message each way; false: nothing was. */
bool pair_carry(struct pair *pair);
/* Polls, carries and lets time pass until nothing moves. */
void pair_run(struct pair *pair);
void pair_pass(struct pair *pair, int64_t us);
/* A message as if the standby (up) or the primary had sent it. */
void pair_say_up(struct pair *pair, const struct ship_message *message);
void pair_say_down(struct pair *pair, const struct ship_message *message);
/* The standby's log is the begin of the primary's, and its fold is that log's. */
void pair_check(struct pair *pair);
