/* SPDX-License-Identifier: MIT */
/* A call is what its line says, whether that is as we write lines and read in one go, or has a blank
 * more, and is read as any JSON is. */
#include <string.h>

#include "base/limits.h"
#include "fuzz.h"
#include "store/call.h"

struct result {
    harborai_status status;
    struct buf texts, text;
    struct call call;
};

static void read_call(struct result *r, harborai_str line, bool is_amend)
{
    *r = (struct result){.texts = BUF_INIT(MIB(4)), .text = BUF_INIT(MIB(4))};
    r->status = call_read(is_amend ? SLICE_NONE : line, is_amend ? line : SLICE_NONE, &r->texts,
                          &r->call, NULL);
    if (r->status == HARBORAI_OK)
        call_write(&r->text, &r->call);
}

static void release(struct result *r)
{
    buf_release(&r->texts);
    buf_release(&r->text);
}

static void compare(const struct result *a, const struct result *b)
{
    MUST(a->status == b->status);
    if (a->status < 0)
        return;
    MUST(slice_equal(buf_slice(&a->text), buf_slice(&b->text)));
    MUST(a->call.prompt_tokens == b->call.prompt_tokens);
    MUST(a->call.completion_tokens == b->call.completion_tokens);
    MUST(a->call.total_tokens == b->call.total_tokens);
    MUST(memcmp(a->call.tokens, b->call.tokens, sizeof a->call.tokens) == 0);
    MUST(a->call.amend_ns == b->call.amend_ns);
    MUST(a->call.is_cost_known == b->call.is_cost_known);
    MUST(a->call.cost_pico == b->call.cost_pico);
    MUST(a->call.cost_input_pico == b->call.cost_input_pico);
    MUST(a->call.cost_output_pico == b->call.cost_output_pico);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > KIB(64))
        return 0;
    char *blank = malloc(size + 1); /* exactly as long, for who watches the heap */
    MUST(blank != NULL);
    blank[0] = (char)data[0];
    blank[1] = ' ';
    memcpy(blank + 2, data + 1, size - 1);
    for (int is_amend = 0; is_amend < 2; is_amend++) {
        struct result plain, other;
        read_call(&plain, (harborai_str){(const char *)data, size}, is_amend != 0);
        read_call(&other, (harborai_str){blank, size + 1}, is_amend != 0);
        if (data[0] == '{')
            compare(&plain, &other);
        release(&plain);
        release(&other);
    }
    free(blank);
    return 0;
}
