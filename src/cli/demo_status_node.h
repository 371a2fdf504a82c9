/* demo_status_node.h - shows a node's status once a second: on a terminal one line that is
 * written over, else a line each. A reader who does not read stops nothing: the line is left out.
 * Thread: the node's loop. */
#pragma once

#include "cli/node/node_internal.h"

struct demo_status_node;

/* Begins the simulated bettors, too. 0, or -ERR_MEMORY, -ERR_IO. */
int demo_status_node_begin(struct node *node, struct demo_status_node **ret_demo);
/* The bettors go home; call it when the node begins to drain. Accepts NULL. */
void demo_status_node_stop(struct demo_status_node *demo);
/* Before the node's loop and book are freed. Accepts NULL. */
void demo_status_node_end(struct demo_status_node *demo);
