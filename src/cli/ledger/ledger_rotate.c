/* ledger_rotate.c - contract in ledger_rotate.h. */
#include "cli/ledger/ledger_rotate.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/ledger/ledger_asking.h"
#include "ledger/proof_json.h"

static int use_rotate(struct ledger_asking *asking, struct buf *why)
{
    char memory[PROOF_JSON_LINK_BYTES_MAX];
    struct buf out = buf_over(memory, sizeof memory);
    struct json_writer writer = json_write_begin(&out);
    struct tree_rotate rotate = {.lost = asking->asked->lost};
    rotate.to =
        slice_is(slice_text(asking->asked->rotate_to), "file") ? TREE_KEY_FILE : TREE_KEY_TOKEN;
    TRY(ledger_asking_rotate(asking, &rotate, why));
    proof_json_link(&writer, rotate.link);
    buf_put_char(&out, '\n');
    return fwrite(out.at, 1, out.bytes, stdout) == out.bytes ? 0 : -ERR_IO;
}

int ledger_rotate(struct ledger_opened *opened, const struct ledger_asked *asked, struct buf *why)
{
    struct ledger_asking asking = {
        .opened = opened, .asked = asked, .in_place = true, .no_key = asked->lost};
    return ledger_asking_run(&asking, use_rotate, why);
}
