/* sim_ship.h - a warm standby beside the simulated machine: another machine with a disk of its own,
 * and the wires between the two; this folder only. */
#pragma once

#include "adapters/embedded/ledger_duty.h"
#include "adapters/ship/ship_receiver.h"
#include "adapters/ship/ship_sender.h"
#include "sim/sim_ledger_log.h"

#define SIM_WIRE_MAX 256

/* Messages on their way in one direction. */
struct sim_wire {
    struct {
        char *at; /* owns */
        size_t bytes;
        int64_t due_us;
    } messages[SIM_WIRE_MAX];
    size_t count;
    size_t bytes;
    bool closed; /* the end that writes has closed it */
};

struct sim_ship {
    struct sim *sim;
    struct ship_sender *sender; /* owns, while the primary is up; NULL: this run ships nothing */
    bool sender_linked, receiver_linked;
    struct sim_wire down, up;
    int64_t cut_due_us;      /* when the link ends that has lost something; 0: it has not */
    bool link_kept_no_order; /* or lost something: keys that it carried may not all be there */
    bool keys_unsure;        /* the same, until a sound link has carried all of them again */
    int64_t link_due_us;     /* when the standby tries to connect again */
    bool fenced;             /* the primary was told so */
    bool calm;               /* nothing happens to the wires and the standby */
    /* The standby. */
    struct faulty_disk *disk;       /* owns; NULL: none in this run */
    struct ledger_store *store;     /* owns, while up and there is a log */
    struct sim_ledger_log log;      /* over it */
    struct shard_state *state;      /* owns, while up: the warm fold */
    struct ship_receiver *receiver; /* owns; NULL: down */
    int64_t up_due_us;
    struct ledger_duty_mark mark; /* while up: what its folder is for */
    bool file_failed;             /* that, or the keys, could not be written */
    uint64_t ops_safe;            /* operations of its disk that a crash must leave */
    uint64_t has;                 /* the last record that it has durably and has said so */
    uint64_t told;                /* the last record that was told synchronously */
    uint64_t alone;               /* what was durable here when the standby was given up */
    uint64_t promoted;            /* the last record that a takeover took; 0: none */
    uint64_t sessions, bad;       /* counted already */
};

struct sim;

/* sim_ship.c: a standby on another machine; sim_promote.c: it takes over */
void sim_ship_new(struct sim *sim);
void sim_ship_free(struct sim *sim);
/* Before the book, which is to use *ret_log. */
int sim_ship_start(struct sim *sim, struct ledger_log **ret_log);
void sim_ship_drop(struct sim *sim); /* the primary's process is gone */
void sim_ship_step(struct sim *sim);
void sim_ship_told(struct sim *sim, uint64_t seq); /* somebody is told of this record */
void sim_ship_standby_stop(struct sim *sim);
void sim_ship_standby_crash(struct sim *sim); /* or only its process ends */
struct shard_limits sim_ship_limits(const struct sim *sim);
int sim_ship_sync_keys(void *owner); /* struct sim_ship: the keys that it was sent are durable */
void sim_promote(struct sim *sim);   /* the machine is up; then it is down */
char *sim_message_new(struct slice message); /* a copy; the caller frees it */
