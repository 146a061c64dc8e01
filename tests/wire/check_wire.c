/* SPDX-License-Identifier: MIT */
/* Plays every case of this folder; README.md says what a case is. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/slice.h"
#include "play.h"

#define TEXT_MOST 512
#ifdef __SANITIZE_THREAD__
enum { STEP = 16 }; /* all of it is one thread, which learns nothing there */
#else
enum { STEP = 1 };
#endif

struct count {
    unsigned cases, failed, splits, ends, ends_in_error;
};

struct wire_case {
    char name[TEXT_MOST];
    struct json_object *json, *expect;
    struct exchange_text text;
    char headers[1024];
    struct buf answer;
    size_t ends_at; /* SIZE_MAX: not said */
    bool is_verbose;
    unsigned faults;
};

static void fault(struct wire_case *c, const char *how, size_t at, const char *what,
                  const char *detail)
{
    if (c->faults++ < 5)
        fprintf(stderr, "%s, %s %zu: %s %s\n", c->name, how, at, what, detail);
}

/* --- Files -------------------------------------------------------------------------------------- */

static struct json_object *member(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    json_object_object_get_ex(object, name, &value);
    return value;
}

static bool read_file(const char *directory, const char *name, struct buf *b)
{
    char path[2 * TEXT_MOST];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    for (size_t got = 1; got > 0;) {
        char *room = buf_reserve(b, 65536);
        got = room != NULL ? fread(room, 1, 65536, file) : 0;
        buf_commit(b, got);
    }
    fclose(file);
    return b->failed == HARBORAI_OK;
}

static struct json_object *read_json(const char *directory, const char *name)
{
    AUTO(buf) text = BUF_INIT(MIB(16));
    enum json_tokener_error error = json_tokener_success;
    if (!read_file(directory, name, &text))
        return NULL;
    buf_add_char(&text, '\0');
    struct json_object *json = json_tokener_parse_verbose(text.data, &error);
    if (error != json_tokener_success)
        fprintf(stderr, "%s/%s: %s\n", directory, name, json_tokener_error_desc(error));
    return json;
}

static void write_headers(struct wire_case *c)
{
    struct json_object *given = member(c->json, "answer_headers");
    size_t len = 0;
    if (member(given, "content-type") == NULL)
        len = (size_t)snprintf(c->headers, sizeof c->headers, "content-type: %s\r\n",
                               c->answer.len > 0 && strchr("{[\n", c->answer.data[0]) != NULL
                                   ? "application/json"
                                   : "text/event-stream; charset=utf-8");
    if (given == NULL)
        goto done;
    json_object_object_foreach(given, name, value)
        len += (size_t)snprintf(c->headers + len, sizeof c->headers - len, "%s: %s\r\n", name,
                                json_object_get_string(value));
done:
    c->text.headers = slice_of(c->headers);
}

static bool load(struct wire_case *c, const char *directory)
{
    c->json = read_json(directory, "case.json");
    buf_init(&c->answer, MIB(16));
    if (c->json == NULL || !read_file(directory, "answer", &c->answer))
        return false;
    struct json_object *status = member(c->json, "status"), *end = member(c->json, "ends_at");
    c->text.request = slice_of(json_object_to_json_string_ext(
        member(c->json, "request"), JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    c->text.answer = buf_slice(&c->answer);
    c->text.status = status != NULL ? json_object_get_int(status) : 200;
    c->expect = member(c->json, "expect");
    c->ends_at = SIZE_MAX;
    if (end != NULL) {
        const char *mark = json_object_get_string(end);
        const char *at = memmem(c->answer.data, c->answer.len, mark, strlen(mark));
        if (at == NULL)
            return false;
        c->ends_at = (size_t)(at - c->answer.data) + strlen(mark);
    }
    write_headers(c);
    return c->expect != NULL && member(c->json, "source") != NULL;
}

static void unload(struct wire_case *c)
{
    json_object_put(c->json);
    buf_release(&c->answer);
}

/* --- What comes out ----------------------------------------------------------------------------- */

static const char *text_of(struct json_object *value)
{
    return value != NULL ? json_object_to_json_string_ext(value, JSON_C_TO_STRING_NOSLASHESCAPE)
                         : "nothing";
}

static void check_equal(struct wire_case *c, const char *how, size_t at, const char *name,
                        struct json_object *want, struct json_object *got)
{
    char detail[4096];
    if (json_object_equal(want, got))
        return;
    int len = snprintf(detail, sizeof detail, "is %.1900s", text_of(got));
    snprintf(detail + len, sizeof detail - (size_t)len, ", not %.1900s", text_of(want));
    fault(c, how, at, name, detail);
}

static void check_sent(struct wire_case *c, const struct outcome *o)
{
    struct json_object *want = member(c->json, "sent"), *headers = member(c->json, "headers"),
                       *path = member(c->json, "path");
    if (o->sent_to == NULL) {
        if (want != NULL || path != NULL)
            fault(c, "whole", 0, "nothing was sent:", o->error.message);
        return;
    }
    if (want != NULL)
        check_equal(c, "whole", 0, "the body sent", want, member(o->sent_to, "body"));
    if (path != NULL)
        check_equal(c, "whole", 0, "the path", path, member(o->sent_to, "path"));
    if (headers == NULL)
        return;
    json_object_object_foreach(headers, name, value)
        check_equal(c, "whole", 0, name, value, member(member(o->sent_to, "headers"), name));
}

static void check_error(struct wire_case *c, const char *how, size_t at, const struct outcome *o)
{
    struct json_object *want = member(c->expect, "error"), *message = member(want, "message");
    struct json_object *delay = member(want, "retry_after_ms");
    const struct {
        const char *name, *got;
    } rows[] = {{"code", error_kind_of(o->error.code)->name},
                {"vendor_code", o->error.vendor_code},
                {"param", o->error.param}};
    if (!o->has_failed) {
        fault(c, how, at, "it is no error:", o->out.len > 0 ? o->out.data : "");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct json_object *value = member(want, rows[i].name);
        if (value != NULL && strcmp(json_object_get_string(value), rows[i].got) != 0)
            fault(c, how, at, rows[i].name, rows[i].got);
    }
    if (message != NULL && strstr(o->error.message, json_object_get_string(message)) == NULL)
        fault(c, how, at, "the message is:", o->error.message);
    if (delay != NULL && json_object_get_int64(delay) != o->error.retry_after_ms)
        fault(c, how, at, "retry_after_ms", "is another");
}

/* Member by member: what is not named in `expect` must not come, but for the usage. */
static void check_answer(struct wire_case *c, const char *how, size_t at, const struct outcome *o,
                         bool with_usage)
{
    static const char *const members[] = {"content", "reasoning_content", "refusal", "tool_calls",
                                          "finish_reason"};
    if (o->has_failed) {
        fault(c, how, at, "it failed:", o->error.message);
        return;
    }
    if (o->fold.broken[0] != '\0')
        fault(c, how, at, "a promise is broken:", o->fold.broken);
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        check_equal(c, how, at, members[i], member(c->expect, members[i]),
                    member(o->fold.result, members[i]));
    if (!with_usage)
        return;
    check_equal(c, how, at, "usage", member(c->expect, "usage"), member(o->fold.result, "usage"));
    if (member(c->expect, "tokens") != NULL)
        check_equal(c, how, at, "tokens", member(c->expect, "tokens"), o->tokens);
}

static void check_rest(struct wire_case *c, struct outcome *o)
{
    struct json_object *changed = member(c->expect, "changed"), *list = member(c->json, "survives");
    if (strcmp(changed != NULL ? json_object_get_string(changed) : "", o->changed) != 0)
        fault(c, "whole", 0, "changed:", o->changed);
    for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++) {
        const char *text = json_object_get_string(json_object_array_get_idx(list, i));
        if (o->out.len == 0 || memmem(o->out.data, o->out.len, text, strlen(text)) == NULL)
            fault(c, "whole", 0, "does not survive:", text);
    }
}

/* What is nobody's to read, such as the key. */
static void check_never(struct wire_case *c, const char *how, size_t at, const struct outcome *o)
{
    struct json_object *list = member(c->json, "never");
    const harborai_str places[] = {buf_slice(&o->out), slice_of(o->error.message),
                                   slice_of(o->error.vendor_code), slice_of(o->error.param)};
    for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++) {
        const char *text = json_object_get_string(json_object_array_get_idx(list, i));
        for (size_t p = 0; p < ARRAY_LEN(places); p++)
            if (places[p].len > 0 &&
                memmem(places[p].data, places[p].len, text, strlen(text)) != NULL)
                fault(c, how, at, "comes out, and must not:", text);
    }
}

/* --- The ways to play ---------------------------------------------------------------------------- */

static bool run(struct stage *stage, struct wire_case *c, enum cut cut, size_t at,
                struct outcome *o)
{
    if (play(stage, &c->text, cut, at, o))
        return true;
    fault(c, "cut", at, "it came to no end", "");
    return false;
}

static void check(struct wire_case *c, const char *how, size_t at, const struct outcome *o)
{
    if (member(c->expect, "error") != NULL)
        check_error(c, how, at, o);
    else
        check_answer(c, how, at, o, true);
    check_never(c, how, at, o);
}

static void play_whole(struct stage *stage, struct wire_case *c)
{
    struct outcome o;
    if (run(stage, c, CUT_NOT, 0, &o)) {
        if (c->is_verbose)
            printf("sent %s\nout %.*s\nfold %s\ntokens %s\nchanged %s\nerror %s: %s\n",
                   text_of(o.sent_to), (int)o.out.len, o.out.len > 0 ? o.out.data : "",
                   text_of(o.fold.result), text_of(o.tokens), o.changed,
                   o.has_failed ? error_kind_of(o.error.code)->name : "none", o.error.message);
        check_sent(c, &o);
        check(c, "whole", 0, &o);
        check_rest(c, &o);
    }
    outcome_release(&o);
    if (run(stage, c, CUT_BY_BYTE, 0, &o))
        check(c, "byte by byte", 0, &o);
    outcome_release(&o);
}

static void play_in_two(struct stage *stage, struct wire_case *c, struct count *count)
{
    struct outcome o;
    for (size_t at = 1; at < c->text.answer.len && c->faults == 0;
         at += STEP, count->splits++) {
        if (run(stage, c, CUT_IN_TWO, at, &o))
            check(c, "cut in two at", at, &o);
        outcome_release(&o);
    }
}

/* An error, or the same answer; what is there of an error's text may be less. */
static void check_end(struct wire_case *c, const char *how, size_t at, const struct outcome *o,
                      struct count *count)
{
    count->ends++;
    count->ends_in_error += o->has_failed;
    check_never(c, how, at, o);
    if (o->has_failed) {
        if (at >= c->ends_at)
            fault(c, how, at, "it failed:", o->error.message);
        return;
    }
    if (c->ends_at != SIZE_MAX && at < c->ends_at)
        fault(c, how, at, "is an answer, and cannot be complete", "");
    if (member(c->expect, "error") != NULL)
        check_error(c, how, at, o);
    else
        check_answer(c, how, at, o, false);
}

static void play_ends(struct stage *stage, struct wire_case *c, struct count *count)
{
    struct outcome o;
    size_t len = c->text.answer.len;
    for (size_t at = 0; at < len && c->faults == 0; at += STEP) {
        if (run(stage, c, CUT_OFF, at, &o))
            check_end(c, "ended at", at, &o, count);
        outcome_release(&o);
    }
    const size_t some[] = {0, len / 2, len - 1};
    for (size_t i = 0; i < ARRAY_LEN(some) && c->faults == 0; i++) {
        if (run(stage, c, CUT_HANG_UP, some[i], &o) && !o.has_failed)
            fault(c, "hung up at", some[i], "it is no error", "");
        outcome_release(&o);
    }
}

/* --- Folders ------------------------------------------------------------------------------------ */

static void play_case(const char *vendor, const char *name, const char *directory,
                      struct json_object *provider, bool is_verbose, struct count *count)
{
    struct wire_case c = {.is_verbose = is_verbose};
    struct json_object *section = NULL, *more;
    struct stage stage;

    snprintf(c.name, sizeof c.name, "%s/%s", vendor, name);
    count->cases++;
    if (!load(&c, directory)) {
        fault(&c, "case", 0, "its files cannot be used", "");
    } else {
        json_object_deep_copy(provider, &section, NULL);
        more = member(c.json, "config");
        if (more != NULL) {
            json_object_object_foreach(more, key, value)
                json_object_object_add(section, key, json_object_get(value));
        }
        stage_open(&stage, vendor, section, PLUGINS);
        play_whole(&stage, &c);
        play_in_two(&stage, &c, count);
        play_ends(&stage, &c, count);
        stage_close(&stage);
        json_object_put(section);
    }
    count->failed += c.faults > 0;
    unload(&c);
}

static int is_case(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && strchr(entry->d_name, '.') == NULL;
}

static bool play_vendor(const char *root, const char *vendor, const char *only, bool is_verbose)
{
    char directory[TEXT_MOST], of_case[2 * TEXT_MOST];
    struct dirent **cases = NULL;
    struct count count = {0};
    snprintf(directory, sizeof directory, "%s/%s", root, vendor);
    struct json_object *provider = read_json(directory, "vendor.json");
    int found = provider != NULL ? scandir(directory, &cases, is_case, alphasort) : 0;
    for (int i = 0; i < found; i++) {
        snprintf(of_case, sizeof of_case, "%s/%s", directory, cases[i]->d_name);
        if (only == NULL || strcmp(only, cases[i]->d_name) == 0)
            play_case(vendor, cases[i]->d_name, of_case, provider, is_verbose, &count);
        free(cases[i]);
    }
    free(cases);
    json_object_put(provider);
    printf("%s: %u of %u cases; cut in two %u times; ended early %u times, %u of them errors\n",
           vendor, count.cases - count.failed, count.cases, count.splits, count.ends,
           count.ends_in_error);
    return count.cases > 0 && count.failed == 0;
}

int main(int argc, char **argv)
{
    const char *root = argc > 1 ? argv[1] : WIRE_DIRECTORY;
    char vendor[TEXT_MOST];
    struct dirent **vendors = NULL;
    bool good = true;

    if (argc > 2) {
        snprintf(vendor, sizeof vendor, "%s", argv[2]);
        char *slash = strchr(vendor, '/');
        if (slash != NULL)
            *slash = '\0';
        return play_vendor(root, vendor, slash != NULL ? slash + 1 : NULL, argc > 3) ? 0 : 1;
    }
    int found = scandir(root, &vendors, is_case, alphasort);
    for (int i = 0; i < found; i++) {
        char path[2 * TEXT_MOST];
        snprintf(path, sizeof path, "%s/%s/vendor.json", root, vendors[i]->d_name);
        if (access(path, R_OK) == 0)
            good &= play_vendor(root, vendors[i]->d_name, NULL, false);
        free(vendors[i]);
    }
    free(vendors);
    return good && found > 0 ? 0 : 1;
}
