/* SPDX-License-Identifier: MIT */
/* Writes what was said. Must never write a key, nor a part of what it masks: so texts are masked before
 * they are cut. */
#include "record/content.h"

#include "base/limits.h"
#include "chat/json_line.h"
#include "json_value.h"
#include "wire/json_write.h"

#define TEXT_MOST (8 * (LIMIT_CONTENT + CONTENT_BEHIND)) /* masked or escaped */

/* --- Masking ---------------------------------------------------------------------------------- */

/* Without our own keys. False: no memory. */
static bool copy_without_secrets(const struct content *c, harborai_str text, struct buf *ret_copy)
{
    buf_clear(ret_copy);
    buf_add(ret_copy, text);
    if (ret_copy->failed == HARBORAI_OK && !secrets_mask(c->secrets, ret_copy))
        ret_copy->failed = HARBORAI_E_MEMORY;
    return ret_copy->failed == HARBORAI_OK;
}

/* In JSON's escapes or without: what is masked has them as the text had. */
static void mask(const struct content *c, harborai_str text, struct buf *masked)
{
    AUTO(buf) copy = BUF_INIT(TEXT_MOST);
    buf_clear(masked);
    if (copy_without_secrets(c, text, &copy))
        masker_write(masked, buf_slice(&copy), c->masks);
    else
        masked->failed = copy.failed;
}

/* An object that is small enough; false: it is not, or none, and nothing was written. */
static bool add_whole(struct buf *out, const struct content *c, harborai_str json)
{
    AUTO(buf) copy = BUF_INIT(TEXT_MOST);
    AUTO(buf) masked = BUF_INIT(TEXT_MOST);
    harborai_str value;
    if (json.len > c->limit || !copy_without_secrets(c, json, &copy) ||
        json_scan(buf_slice(&copy), NULL, &value, NULL) != HARBORAI_OK ||
        json_kind(value) != JSON_OBJECT)
        return false;
    masker_write_json(&masked, value, c->masks);
    if (masked.failed < 0 || masked.len > c->limit)
        return false;
    json_line_write(out, buf_slice(&masked));
    return true;
}

/* Of a text that goes on what was masked of its beginning: the end may be a part of something. */
static harborai_str without_end(harborai_str masked)
{
    size_t most = masked.len > CONTENT_BEHIND ? masked.len - CONTENT_BEHIND : 0;
    return slice_cut(masked, json_line_cut(masked, most));
}

/* As the last member: how long it was. */
static void add_cut(struct buf *out, uint64_t size)
{
    buf_printf(out, ",\"cut\":%llu", (unsigned long long)size);
}

/* --- The request ------------------------------------------------------------------------------ */

/* The beginning of its text. */
static void add_beginning(struct buf *out, const struct content *c)
{
    AUTO(buf) masked = BUF_INIT(TEXT_MOST);
    AUTO(buf) escaped = BUF_INIT(TEXT_MOST);
    bool goes_on = c->request.len > c->limit + CONTENT_BEHIND;
    mask(c, slice_cut(c->request, c->limit + CONTENT_BEHIND), &masked);
    json_write_escaped(&escaped, goes_on ? without_end(buf_slice(&masked)) : buf_slice(&masked));
    size_t len = json_line_cut(buf_slice(&escaped), c->limit);
    buf_add(out, HARBORAI_STR("{\"text\":\""));
    buf_add(out, slice_cut(buf_slice(&escaped), len));
    buf_add_char(out, '"');
    if (goes_on || masked.failed < 0 || escaped.failed < 0 || len < escaped.len)
        add_cut(out, c->request.len);
    buf_add_char(out, '}');
}

static void add_request(struct buf *out, const struct content *c)
{
    if (c->request.len == 0)
        return;
    buf_add(out, HARBORAI_STR(",\"request\":"));
    if (!add_whole(out, c, c->request))
        add_beginning(out, c);
}

/* --- The answer ------------------------------------------------------------------------------- */

struct answer {
    struct buf *out;
    const struct content *content;
    const struct excerpt *said;
    struct buf masked; /* scratch */
    size_t left;       /* bytes of texts that may be written still */
    bool is_cut, has_member;
};

static void open_member(struct answer *a, const char *open)
{
    if (a->has_member)
        buf_add_char(a->out, ',');
    buf_add(a->out, slice_of(open));
    a->has_member = true;
}

static void add_part(struct answer *a, const struct excerpt_part *p, const char *open)
{
    if (p == NULL)
        return;
    mask(a->content, buf_slice(&p->text), &a->masked);
    harborai_str text = p->is_cut ? without_end(buf_slice(&a->masked)) : buf_slice(&a->masked);
    size_t len = json_line_cut(text, a->left);
    a->is_cut = a->is_cut || len < text.len || a->masked.failed < 0;
    a->left -= len;
    open_member(a, open);
    buf_add_char(a->out, '"');
    buf_add(a->out, slice_cut(text, len));
    buf_add_char(a->out, '"');
}

static void add_tool(struct answer *a, unsigned choice, unsigned tool)
{
    const struct excerpt_part *id = excerpt_find(a->said, choice, tool, EXCERPT_TOOL_ID);
    const struct excerpt_part *name = excerpt_find(a->said, choice, tool, EXCERPT_TOOL_NAME);
    const struct excerpt_part *input = excerpt_find(a->said, choice, tool, EXCERPT_TOOL_INPUT);
    bool is_custom = input != NULL && input->is_custom;
    a->has_member = false;
    buf_add_char(a->out, '{');
    add_part(a, id, "\"id\":");
    open_member(a, is_custom ? "\"type\":\"custom\",\"custom\":{"
                             : "\"type\":\"function\",\"function\":{");
    a->has_member = false;
    add_part(a, name, "\"name\":");
    add_part(a, input, is_custom ? "\"input\":" : "\"arguments\":");
    buf_add(a->out, HARBORAI_STR("}}"));
    a->has_member = true;
}

static void add_tools(struct answer *a, unsigned choice)
{
    unsigned count = 0;
    for (size_t i = 0; i < a->said->count; i++) {
        const struct excerpt_part *p = &a->said->parts[i];
        bool is_tool = p->kind >= EXCERPT_TOOL_ID && p->kind <= EXCERPT_TOOL_INPUT;
        if (p->choice == choice && is_tool && p->tool >= count)
            count = p->tool + 1;
    }
    if (count == 0)
        return;
    open_member(a, "\"tool_calls\":[");
    for (unsigned i = 0; i < count; i++) {
        if (i > 0)
            buf_add_char(a->out, ',');
        add_tool(a, choice, i);
    }
    buf_add_char(a->out, ']');
}

static void add_choice(struct answer *a, unsigned choice)
{
    static const struct {
        enum excerpt_kind kind;
        const char *open;
    } texts[] = {{EXCERPT_CONTENT, "\"content\":"},
                 {EXCERPT_REASONING_CONTENT, "\"reasoning_content\":"},
                 {EXCERPT_REASONING, "\"reasoning\":"},
                 {EXCERPT_REFUSAL, "\"refusal\":"}};
    buf_printf(a->out, "{\"index\":%u,\"message\":{\"role\":\"assistant\"", choice);
    a->has_member = true;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        add_part(a, excerpt_find(a->said, choice, 0, texts[i].kind), texts[i].open);
    add_tools(a, choice);
    buf_add_char(a->out, '}');
    const struct excerpt_part *finish = excerpt_find(a->said, choice, 0, EXCERPT_FINISH);
    if (finish != NULL)
        buf_printf(a->out, ",\"finish_reason\":\"%.*s\"", SLICE_ARG(buf_slice(&finish->text)));
    buf_add_char(a->out, '}');
}

static bool has_choice(const struct excerpt *said, unsigned choice)
{
    for (size_t i = 0; i < said->count; i++)
        if (said->parts[i].choice == choice)
            return true;
    return false;
}

/* In the form of a whole answer. */
static void add_said(struct buf *out, const struct content *c, const struct excerpt *said)
{
    struct answer a = {.out = out, .content = c, .said = said, .left = c->limit,
                       .masked = BUF_INIT(TEXT_MOST), .is_cut = said->is_cut};
    bool is_first = true;
    buf_add(out, HARBORAI_STR("{\"choices\":["));
    for (unsigned i = 0; i < LIMIT_REQUEST_CHOICES; i++) {
        if (!has_choice(said, i))
            continue;
        if (!is_first)
            buf_add_char(out, ',');
        add_choice(&a, i);
        is_first = false;
    }
    buf_add_char(out, ']');
    if (a.is_cut)
        add_cut(out, said->total);
    buf_add_char(out, '}');
    buf_release(&a.masked);
}

static void add_answer(struct buf *out, const struct content *c)
{
    if (c->answer.len == 0)
        return;
    buf_add(out, HARBORAI_STR(",\"response\":"));
    if (add_whole(out, c, c->answer))
        return;
    struct excerpt *said = excerpt_create(c->limit + CONTENT_BEHIND);
    if (said != NULL)
        excerpt_add(said, c->answer);
    add_said(out, c, said != NULL ? said : &(struct excerpt){.is_cut = true});
    excerpt_destroy(said);
}

void content_write(struct buf *out, const struct record *record, const struct content *content)
{
    buf_printf(out, "{\"type\":\"content\",\"key\":\"%s\",\"id\":\"%s\",\"content\":\"%s\"",
               record->key, record->hb_id,
               (content->masks & MASKER_PERSONS) != 0 ? "masked" : "full");
    add_request(out, content);
    if (content->said != NULL) {
        buf_add(out, HARBORAI_STR(",\"response\":"));
        add_said(out, content, content->said);
    } else {
        add_answer(out, content);
    }
    buf_add_char(out, '}');
}
