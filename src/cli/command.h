/* command.h - the commands of the program: each reads its options, does its work, and answers the
 * exit code. 0: done; 1: failed; 2: options; 3: a damaged ledger. Thread: the main one. */
#pragma once

#include "cli/options/options.h"

/* argv is what stands behind the command's name. */
int command_serve(int argc, char *const *argv);
int command_demo(int argc, char *const *argv);
int command_token(int argc, char *const *argv);
int command_version(int argc, char *const *argv);
int command_feed(int argc, char *const *argv);
int command_ledger(int argc, char *const *argv);
int command_stream(int argc, char *const *argv);
int command_load(int argc, char *const *argv);
int command_naive(int argc, char *const *argv);
/* All of argv is for the script that it becomes; at most 64 words. */
int command_compare(int argc, char *const *argv);
int command_bettors(int argc, char *const *argv);
int command_sim(int argc, char *const *argv);
int command_standby(int argc, char *const *argv);
int command_promote(int argc, char *const *argv);
int command_rejoin(int argc, char *const *argv);
int command_projection(int argc, char *const *argv);

/* Reads the options of a command against the keys of all of them. 0, or 2 when the reason was
 * said on stderr. */
struct command_input {
    int argc;
    char *const *argv;
    const struct option_spec *specs;
    size_t specs_count;
    bool arguments;
};
int command_options(const struct command_input *input, struct options *ret);

/* A token from the file of that path (a text of one line), ended by a zero in `token`. 0, or an
 * error with a sentence in `why`; path NULL: the option is missing. */
int command_read_token(const char *path, struct buf *token, struct buf *why);

/* Says "overround: TEXT" on stderr and answers the code. */
int command_fail(int code, struct slice text);
