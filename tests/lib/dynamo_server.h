/* dynamo_server.h - a server of DynamoDB's API of a test program's own (tests/lib/run-dynamodb),
 * one for all its tests, ended with the program. Its keys may be any. Thread: the test's. */
#pragma once

#include <stdbool.h>

/* Its port at 127.0.0.1; starts it at the first call. 0: it cannot be had. */
int dynamo_server(void);
/* Ends it as a crash does and starts it at the same port: what was acknowledged stays. */
void dynamo_server_restart(void);
/* A table's name that no test had before. */
const char *dynamo_server_table(void);
/* Makes the table that `ask`, a CreateTable's, describes, and waits until it can be used: a service
 * answers the making before that. */
void dynamo_server_make_table(const char *name, const char *ask);
/* One request beside the code under test: the answer's body, in memory of the fixture's until the
 * next; fails the test when it is not 200. `target` as "PutItem". */
const char *dynamo_server_ask(const char *target, const char *json);
