/* options.c - contract in options.h. */
#include "cli/options/options.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/error.h"

#define NAME_BYTES_MAX_ENV 96

const char option_list[] = "";

/* Index of the key among the specs, or count. */
static size_t find_spec(const struct option_spec *specs, size_t count, struct slice key)
{
    size_t i = 0;
    while (i < count && !slice_is(key, specs[i].name))
        i++;
    return i;
}

static bool is_known(const struct options_input *input, struct slice key)
{
    for (size_t i = 0; i < input->known_count; i++)
        if (slice_is(key, input->known[i]))
            return true;
    return false;
}

static int wrong(struct buf *why, const char *text, struct slice name)
{
    buf_put_text(why, text);
    buf_put_slice(why, name);
    return -ERR_CONFIG;
}

/* Another value of one place. False: the option takes but one; or there is no room. A list that was
 * added to last goes on where it stands. */
static bool add_value(struct options *ret, size_t i, const char *value)
{
    const char *before = ret->values[i];
    size_t begin = ret->lists_bytes, bytes = strlen(before), more = strlen(value);
    if (ret->specs[i].fallback != option_list)
        return false;
    if (begin > bytes && before == ret->lists + begin - bytes - 1)
        begin -= bytes + 1;
    if (bytes + more + 2 > sizeof ret->lists - begin)
        return false;
    memmove(ret->lists + begin, before, bytes);
    ret->lists[begin + bytes] = ' ';
    memcpy(ret->lists + begin + bytes + 1, value, more + 1);
    ret->values[i] = ret->lists + begin;
    ret->lists_bytes = begin + bytes + more + 2;
    return true;
}

/* ---- the command line ---- */

static int read_option(const struct options_input *input, int *at, struct options *ret,
                       struct buf *why)
{
    const char *text = input->argv[*at] + 2;
    const char *equals = strchr(text, '=');
    struct slice key = equals == NULL ? slice_text(text) : slice_of(text, (size_t)(equals - text));
    size_t i = find_spec(ret->specs, ret->count, key);
    if (i == ret->count)
        return wrong(why, "unknown option --", key);
    if (equals == NULL && (*at + 1 >= input->argc || strncmp(input->argv[*at + 1], "--", 2) == 0))
        return wrong(why, "a value is missing after --", key);
    const char *value = equals != NULL ? equals + 1 : input->argv[++*at];
    if (ret->values[i] == NULL)
        ret->values[i] = value;
    else if (!add_value(ret, i, value))
        return wrong(why, "given twice: --", key);
    return 0;
}

static int read_arguments(const struct options_input *input, struct options *ret, struct buf *why)
{
    for (int i = 0; i < input->argc; i++) {
        const char *text = input->argv[i];
        if (text[0] == '-' && text[1] == '-') {
            TRY(read_option(input, &i, ret, why));
        } else if (text[0] == '-' && text[1] != '\0') {
            return wrong(why, "unknown option ", slice_text(text));
        } else if (!input->arguments || ret->arguments_count == OPTIONS_ARGUMENTS_MAX) {
            return wrong(why, "not expected here: ", slice_text(text));
        } else {
            ret->arguments[ret->arguments_count++] = text;
        }
    }
    return 0;
}

/* ---- the environment ---- */

/* "OVERROUND_LOG_LEVEL=info" to the key "log-level" and where the value begins; false for a
 * variable that is not ours. */
static bool split_variable(const char *variable, struct buf *key, const char **ret_value)
{
    struct slice prefix = SLICE("OVERROUND_");
    const char *equals = strchr(variable, '=');
    if (equals == NULL || strncmp(variable, prefix.at, prefix.bytes) != 0)
        return false;
    for (const char *c = variable + prefix.bytes; c < equals; c++) {
        char lower = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
        buf_put_char(key, lower == '_' ? '-' : lower);
    }
    *ret_value = equals + 1;
    return true;
}

static int read_environment(const struct options_input *input, struct options *ret, struct buf *why)
{
    for (char *const *variable = input->environment; *variable != NULL; variable++) {
        char memory[NAME_BYTES_MAX_ENV];
        struct buf key = buf_over(memory, sizeof memory);
        const char *value;
        if (!split_variable(*variable, &key, &value) || slice_is(buf_slice(&key), "binary"))
            continue;
        size_t i = find_spec(ret->specs, ret->count, buf_slice(&key));
        if (key.overflow || (i == ret->count && !is_known(input, buf_slice(&key))))
            return wrong(why, "unknown variable ",
                         slice_of(*variable, (size_t)(value - 1 - *variable)));
        if (i < ret->count && ret->values[i] == NULL)
            ret->values[i] = value;
    }
    return 0;
}

/* ---- the file ---- */

static char *trimmed(char *begin, char *end)
{
    while (begin < end && (*begin == ' ' || *begin == '\t'))
        begin++;
    while (end > begin && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
        end--;
    *end = '\0';
    return begin;
}

static int wrong_line(struct buf *why, const char *path, unsigned line, const char *text)
{
    buf_printf(why, "%s:%u: ", path, line);
    buf_put_text(why, text);
    return -ERR_CONFIG;
}

enum in_file { FILE_NOTHING = 0, FILE_PASSED_OVER, FILE_TAKEN };

/* `in_file` says what this file has already given of each key, and whether that counts. */
static int read_line(const struct options_input *input, struct options *ret, char *begin,
                     enum in_file *in_file, struct buf *why)
{
    char *end = begin + strlen(begin);
    begin = trimmed(begin, end);
    if (*begin == '\0' || *begin == '#')
        return 0;
    char *equals = strchr(begin, '=');
    if (equals == NULL)
        return wrong(why, "no `key = value`: ", slice_text(begin));
    char *value = trimmed(equals + 1, equals + 1 + strlen(equals + 1));
    struct slice key = slice_text(trimmed(begin, equals));
    size_t i = find_spec(ret->specs, ret->count, key);
    if (slice_is(key, "config") || (i == ret->count && !is_known(input, key)))
        return wrong(why, "unknown key ", key);
    if (i == ret->count)
        return 0; /* another command's */
    bool again = in_file[i] != FILE_NOTHING, list = ret->specs[i].fallback == option_list;
    if (again && !(list && (in_file[i] == FILE_PASSED_OVER || add_value(ret, i, value))))
        return wrong(why, "given twice: ", key);
    if (again)
        return 0;
    in_file[i] = ret->values[i] == NULL ? FILE_TAKEN : FILE_PASSED_OVER;
    if (in_file[i] == FILE_TAKEN)
        ret->values[i] = value;
    return 0;
}

static int load(const char *path, struct options *ret, struct buf *why)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return wrong(why, "cannot read ", slice_text(path));
    size_t bytes = fread(ret->file, 1, sizeof ret->file, file);
    bool failed = ferror(file) != 0;
    (void)fclose(file);
    if (failed || bytes > OPTIONS_FILE_BYTES_MAX || memchr(ret->file, '\0', bytes) != NULL)
        return wrong(why, "not a config file: ", slice_text(path));
    ret->file[bytes] = '\0';
    return 0;
}

static int read_file(const struct options_input *input, const char *path, struct options *ret,
                     struct buf *why)
{
    enum in_file in_file[OPTIONS_MAX] = {FILE_NOTHING};
    unsigned number = 1;
    TRY(load(path, ret, why));
    for (char *line = ret->file; line != NULL; number++) {
        char *next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        char memory[256];
        struct buf text = buf_over(memory, sizeof memory - 1);
        if (read_line(input, ret, line, in_file, &text) < 0) {
            memory[text.bytes] = '\0';
            return wrong_line(why, path, number, memory);
        }
        line = next;
    }
    return 0;
}

int options_read(const struct options_input *input, struct options *ret, struct buf *why)
{
    ASSERT(input->specs_count <= OPTIONS_MAX);
    memset(ret, 0, sizeof *ret);
    ret->specs = input->specs;
    ret->count = input->specs_count;
    TRY(read_arguments(input, ret, why));
    TRY(read_environment(input, ret, why));
    size_t config = find_spec(ret->specs, ret->count, SLICE("config"));
    if (config < ret->count && ret->values[config] != NULL)
        TRY(read_file(input, ret->values[config], ret, why));
    for (size_t i = 0; i < ret->count; i++)
        if (ret->values[i] == NULL && ret->specs[i].fallback != option_list)
            ret->values[i] = ret->specs[i].fallback;
    return 0;
}

/* ---- values ---- */

const char *options_text(const struct options *options, const char *key)
{
    size_t i = find_spec(options->specs, options->count, slice_text(key));
    ASSERT(i < options->count);
    return options->values[i];
}

int options_number(const struct options *options, const char *key, struct number_range range,
                   int64_t *ret, struct buf *why)
{
    const char *text = options_text(options, key);
    ASSERT(text != NULL); /* numbers have a fallback */
    int64_t value = 0;
    bool below = range.min < 0 && text[0] == '-';
    const char *number = text + below;
    size_t digits = strspn(number, "0123456789");
    bool good = digits > 0 && number[digits] == '\0' && digits <= 15;
    for (size_t i = 0; good && i < digits; i++)
        value = value * 10 + (number[i] - '0');
    value = below ? -value : value;
    if (!good || value < range.min || value > range.max) {
        buf_printf(why, "--%s is a number from %lld to %lld, not: ", key, (long long)range.min,
                   (long long)range.max);
        buf_put_text(why, text);
        return -ERR_CONFIG;
    }
    *ret = value;
    return 0;
}

int options_switch(const struct options *options, const char *key, bool *ret, struct buf *why)
{
    struct slice text = slice_text(options_text(options, key));
    if (!slice_is(text, "on") && !slice_is(text, "off")) {
        buf_printf(why, "--%s is on or off, not: ", key);
        buf_put_slice(why, text);
        return -ERR_CONFIG;
    }
    *ret = slice_is(text, "on");
    return 0;
}
