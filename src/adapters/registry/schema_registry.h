/* schema_registry.h - schemas of topics, versioned and compared by a server that others run, over
 * the REST API that Confluent published and several registries speak (POST /subjects/{s},
 * /subjects/{s}/versions, /compatibility/subjects/{s}/versions/latest; GET /config).
 *
 * The subject of a topic's values is TOPIC-value, the type JSON. What fits with what is the
 * registry's to say, by the level that is set there. Only its clear word that a schema does not fit
 * counts as a refusal; whatever else goes wrong is a registry that is away. Calls block
 * (ports/web_client.h says how long). Thread: one user. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "ports/web_client.h"

#define SCHEMA_REGISTRY_ANSWER_BYTES_MAX ((size_t)128 * 1024)
#define SCHEMA_REGISTRY_SCHEMA_BYTES_MAX ((size_t)64 * 1024)
#define SCHEMA_REGISTRY_LEVEL_BYTES      32
#define SCHEMA_REGISTRY_AUTH_BYTES_MAX   2048

struct schema_registry_options {
    const char *url;           /* of the API's root; borrowed, as the next */
    const char *authorization; /* the value of that header; NULL: none */
};

struct schema_question {
    const char *topic;   /* letters, digits, hyphens */
    struct slice schema; /* JSON, at most SCHEMA_REGISTRY_SCHEMA_BYTES_MAX */
    bool registers;      /* one that fits and is not there becomes the newest version */
};

struct schema_answer {
    int64_t id; /* the registry's number of this schema; 0: it has none */
    char level[SCHEMA_REGISTRY_LEVEL_BYTES]; /* of the subject; "": it did not say */
};

struct schema_registry;

/* Takes the client, also when it fails. 0, -ERR_MEMORY, -ERR_IO, or -ERR_CONFIG with a sentence in
 * `why`. */
int schema_registry_new(const struct schema_registry_options *options, struct web_client *client,
                        struct schema_registry **ret_registry, struct buf *why);
void schema_registry_free(struct schema_registry *registry); /* accepts NULL */

/* 0: the schema is registered (id above 0), or fits the newest version and is not to be registered
 * (id 0). -ERR_NOT_FOUND: the subject has no version, and none is to be registered. -ERR_CONFIG: it
 * does not fit, and `problem` has the registry's words. -ERR_ABSENT: nobody answered, or not to the
 * point. */
int schema_registry_ask(struct schema_registry *registry, const struct schema_question *question,
                        struct schema_answer *ret_answer);
/* A sentence about the last failure, or "". */
const char *schema_registry_problem(const struct schema_registry *registry);
