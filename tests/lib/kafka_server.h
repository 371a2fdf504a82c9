/* kafka_server.h - one broker of a test program's own (tests/lib/run-kafka), started when it is
 * first asked for and ended with the program. It is reached at two addresses, of which the second
 * stands behind a wire (fault_proxy.h): who begins there is told of no other. Thread: the test's.
 */
#pragma once

struct fault_proxy;

/* "kafka://127.0.0.1:PORT". NULL: there is no Java, or its jars are out of reach, and the test is
 * to be skipped. */
const char *kafka_server(void);
const char *kafka_server_behind_wire(void);
struct fault_proxy *kafka_server_wire(void);
