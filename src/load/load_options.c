/* load_options.c - contract in load_options.h. */
#include "load/load_options.h"

#include "load/load_process.h"

void load_options_write(struct json_writer *writer, const char *load,
                        const struct load_options *options)
{
    json_write_key(writer, "load");
    json_write_text(writer, slice_text(load));
    if (options->tag.bytes > 0) {
        json_write_key(writer, "tag");
        json_write_text(writer, options->tag);
    }
    json_write_key(writer, "seconds");
    json_write_u64(writer, options->seconds);
    json_write_key(writer, "warmup_seconds");
    json_write_u64(writer, options->warmup_seconds);
    json_write_key(writer, "seed");
    json_write_u64(writer, options->seed);
    json_write_key(writer, "machine");
    load_process_write_machine(writer);
}
