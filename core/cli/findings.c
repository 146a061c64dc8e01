/* SPDX-License-Identifier: MIT */
/* Prints findings as they come. They are the answer, so they go to stdout. */
#include "cli/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cli/terminal.h"
#include "wire/json_write.h"

void findings_init(struct findings *f, bool as_json)
{
    *f = (struct findings){.as_json = as_json};
    buf_init(&f->told, MIB(4));
    buf_init(&f->out, MIB(4));
}

void findings_release(struct findings *f)
{
    buf_release(&f->told);
    buf_release(&f->out);
}

static bool is_told(const struct findings *f, harborai_str message)
{
    size_t at = 0;
    while (at < f->told.len) {
        size_t len = strlen(f->told.data + at);
        if (slice_equal((harborai_str){f->told.data + at, len}, message))
            return true;
        at += len + 1;
    }
    return false;
}

static void print(harborai_str message, harborai_str mend)
{
    AUTO(buf) clean = BUF_INIT(MIB(1));
    terminal_add_line(&clean, message);
    if (mend.len > 0) {
        buf_add(&clean, HARBORAI_STR("\n    "));
        terminal_add_line(&clean, mend);
    }
    printf("%.*s\n", SLICE_ARG(buf_slice(&clean)));
}

static void write(struct buf *out, harborai_str message, harborai_str mend)
{
    struct json_writer w = JSON_WRITER(out);
    json_write_object(&w);
    json_write_key_string(&w, "message", message);
    if (mend.len > 0)
        json_write_key_string(&w, "mend", mend);
    json_write_end(&w);
}

void findings_add(struct findings *f, harborai_str message, harborai_str mend)
{
    if (is_told(f, message))
        return;
    buf_add(&f->told, message);
    buf_add_char(&f->told, '\0');
    if (f->as_json && f->count > 0)
        buf_add_char(&f->out, ',');
    f->count++;
    if (f->as_json)
        write(&f->out, message, mend);
    else
        print(message, mend);
}

void findings_tell(struct findings *f, harborai_str mend, const char *format, ...)
{
    AUTO(buf) text = BUF_INIT(KIB(64));
    char *message = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&message, format, arguments) < 0)
        message = NULL;
    va_end(arguments);
    findings_add(f, message != NULL ? slice_of(message) : HARBORAI_STR("no memory left"), mend);
    free(message);
}

enum exit_code findings_finish(struct findings *f)
{
    if (f->as_json)
        printf("{\"version\":1,\"findings\":[%.*s]}\n", SLICE_ARG(buf_slice(&f->out)));
    enum exit_code code = command_finish();
    return code == EXIT_OK && f->count > 0 ? EXIT_FAILED : code;
}
