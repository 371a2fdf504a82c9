/* options.h - options of a command from the command line, the environment and a config file.
 *
 * `--key value` or `--key=value`; OVERROUND_KEY (upper case, '-' as '_'); a line `key = value` of
 * the file that --config names. The command line goes before the environment, and that before
 * the file. What is not known is an error that names it, in all three: a misspelled limit that is
 * silently ignored is no limit. OVERROUND_BINARY is passed over: it tells tests which program to
 * run. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

#define OPTIONS_MAX            160
#define OPTIONS_ARGUMENTS_MAX  256
#define OPTIONS_FILE_BYTES_MAX (64 * 1024)
#define OPTIONS_LIST_BYTES_MAX 4096 /* of all values of options that may be given several times */

struct option_spec {
    const char *name;     /* "listen" */
    const char *fallback; /* NULL: none */
};

/* As a fallback: none, and it may be given several times in one place; its value is then all of
 * them, in order, with a space between. */
extern const char option_list[];

struct options {
    const struct option_spec *specs; /* borrowed */
    size_t count;
    const char *values[OPTIONS_MAX];              /* NULL: not given and no fallback */
    const char *arguments[OPTIONS_ARGUMENTS_MAX]; /* what is no option, in order */
    size_t arguments_count;
    char file[OPTIONS_FILE_BYTES_MAX + 1]; /* the config file, cut into texts */
    char lists[OPTIONS_LIST_BYTES_MAX];    /* values of lists, each ended by NUL */
    size_t lists_bytes;
};

/* Reads all three. `known` lists the keys that the file may hold, because one file serves all
 * commands; keys of other commands are passed over. 0,
 * or -ERR_CONFIG with a sentence in `why`. argv is borrowed for the life of *ret. */
struct options_input {
    int argc;
    char *const *argv;               /* behind the command's name */
    const struct option_spec *specs; /* of this command */
    size_t specs_count;
    const char *const *known; /* every key of every command */
    size_t known_count;
    char *const *environment; /* "NAME=value" texts, ended by NULL */
    bool arguments;           /* texts that are no options are allowed */
};
int options_read(const struct options_input *input, struct options *ret, struct buf *why);

/* The value, or NULL when there is none. The key is one of the specs (ASSERT). */
const char *options_text(const struct options *options, const char *key);
/* A number in min .. max, with a minus where min is below 0. 0, or -ERR_CONFIG with a sentence. */
struct number_range {
    int64_t min, max;
};
int options_number(const struct options *options, const char *key, struct number_range range,
                   int64_t *ret, struct buf *why);
/* "on" or "off". 0, or -ERR_CONFIG with a sentence. */
int options_switch(const struct options *options, const char *key, bool *ret, struct buf *why);
