/* SPDX-License-Identifier: MIT */
/* Reads .env files. Never changes the environment, never replaces or runs anything in a value. */
#include "config/dotenv.h"

#include "base/buf.h"
#include "base/error.h"

struct reader {
    struct arena *arena;
    struct config_faults *faults;
    const char *file, *at, *end;
    unsigned line;
    const char *line_start;
    struct dotenv dotenv;
    bool is_out_of_memory;
};

/* ---- Where we are ------------------------------------------------------------------------- */

static bool is_over(const struct reader *r)
{
    return r->at == r->end;
}

static char peek(const struct reader *r)
{
    return is_over(r) ? '\n' : *r->at;
}

/* Columns count characters: bytes that continue one are none. */
static struct config_place place_at(const struct reader *r, const char *at)
{
    struct config_place place = {r->file, r->line, 1};
    for (const char *p = r->line_start; p < at; p++)
        place.column += ((unsigned char)*p & 0xc0) != 0x80;
    return place;
}

static void step(struct reader *r)
{
    bool is_line_end = *r->at == '\n';
    r->at++;
    if (is_line_end) {
        r->line++;
        r->line_start = r->at;
    }
}

static void skip_blanks(struct reader *r)
{
    while (!is_over(r) && (*r->at == ' ' || *r->at == '\t'))
        r->at++;
}

/* To the line's end, which stays. */
static void skip_line(struct reader *r)
{
    while (peek(r) != '\n')
        r->at++;
}

#define FAULT(r, place, ...) config_faults_add((r)->faults, (place), __VA_ARGS__)

/* ---- Values ------------------------------------------------------------------------------- */

static bool is_control(char c)
{
    return ((unsigned char)c < ' ' && c != '\t') || c == 0x7f;
}

/* From behind the '=' to the line's end, or to a '#' behind a blank. */
static bool read_plain(struct reader *r, struct buf *value)
{
    const char *start = r->at;
    while (peek(r) != '\n' && !(*r->at == '#' && (r->at == start || r->at[-1] == ' ' ||
                                                  r->at[-1] == '\t')))
        r->at++;
    harborai_str text = slice_trim((harborai_str){start, (size_t)(r->at - start)});
    skip_line(r);
    for (size_t i = 0; i < text.len; i++) {
        if (is_control(text.data[i])) {
            FAULT(r, place_at(r, text.data + i), "a control character: put the value in \"…\" and "
                                                 "write it with a backslash");
            return false;
        }
    }
    buf_add(value, text);
    return true;
}

/* The character behind a backslash; one without a meaning stays, with its backslash. */
static void add_escaped(struct buf *value, char c)
{
    static const char names[] = "nrt\"\\$", values[] = "\n\r\t\"\\$";
    const char *found = c != '\0' ? strchr(names, c) : NULL;
    if (found == NULL)
        buf_add_char(value, '\\');
    buf_add_char(value, found != NULL ? values[found - names] : c);
}

static bool check_rest(struct reader *r)
{
    skip_blanks(r);
    if (peek(r) == '\r')
        r->at++;
    if (peek(r) == '\n')
        return true;
    if (*r->at == '#') {
        skip_line(r);
        return true;
    }
    FAULT(r, place_at(r, r->at), "text behind the closing quote");
    skip_line(r);
    return false;
}

static bool read_quoted(struct reader *r, struct buf *value)
{
    struct config_place open = place_at(r, r->at);
    const char quote = *r->at, *after_line;
    r->at++;
    after_line = memchr(r->at, '\n', (size_t)(r->end - r->at));
    if (memchr(r->at, quote, (size_t)(r->end - r->at)) == NULL) {
        FAULT(r, open, "no closing %c", quote);
        r->at = after_line != NULL ? after_line : r->end;
        return false;
    }
    while (!is_over(r) && *r->at != quote) {
        bool is_escape = quote == '"' && *r->at == '\\' && r->at + 1 < r->end;
        if (is_escape)
            add_escaped(value, *++r->at);
        else
            buf_add_char(value, *r->at);
        step(r);
    }
    if (is_over(r)) { /* the last quote stood behind a backslash */
        FAULT(r, open, "no closing %c", quote);
        return false;
    }
    r->at++;
    return check_rest(r);
}

static bool read_value(struct reader *r, struct buf *value)
{
    skip_blanks(r);
    if (peek(r) == '"' || peek(r) == '\'')
        return read_quoted(r, value);
    return read_plain(r, value);
}

/* ---- Lines -------------------------------------------------------------------------------- */

static harborai_str read_name(struct reader *r)
{
    const char *start = r->at;
    while (peek(r) != '\n' && *r->at != '=' && *r->at != ' ' && *r->at != '\t')
        r->at++;
    return (harborai_str){start, (size_t)(r->at - start)};
}

/* A short piece for a message; of what may be a key, never the value. */
static harborai_str excerpt(harborai_str text)
{
    harborai_str cut = slice_cut(text, 40);
    while (cut.len < text.len && cut.len > 0 && ((unsigned char)text.data[cut.len] & 0xc0) == 0x80)
        cut.len--;
    return cut;
}

static void keep(struct reader *r, harborai_str name, struct config_place place,
                 struct config_place value_place, harborai_str value)
{
    const struct dotenv_variable *twin = dotenv_find(&r->dotenv, name);
    if (twin != NULL) {
        FAULT(r, place, "duplicate variable '%.*s': it stands in line %u already", SLICE_ARG(name),
              twin->place.line);
        return;
    }
    if (r->dotenv.count == DOTENV_VARIABLES_MAX) {
        FAULT(r, place, "more than %d variables", DOTENV_VARIABLES_MAX);
        r->at = r->end;
        return;
    }
    struct dotenv_variable *variable = arena_alloc(r->arena, sizeof *variable);
    if (variable != NULL)
        *variable = (struct dotenv_variable){.name = arena_copy(r->arena, name),
                                             .value = arena_copy(r->arena, value),
                                             .place = place,
                                             .value_place = value_place};
    if (variable == NULL || variable->name.data == NULL || variable->value.data == NULL) {
        r->is_out_of_memory = true;
        return;
    }
    if (r->dotenv.last == NULL)
        r->dotenv.first = variable;
    else
        r->dotenv.last->next = variable;
    r->dotenv.last = variable;
    r->dotenv.count++;
}

static void read_assignment(struct reader *r)
{
    harborai_str name = read_name(r);
    struct config_place place = place_at(r, name.data), value_place;
    AUTO(buf) value = BUF_INIT(DOTENV_SIZE_MAX);

    skip_blanks(r);
    if (slice_is(name, "export") && peek(r) != '=' && peek(r) != '\n') {
        name = read_name(r);
        place = place_at(r, name.data);
        skip_blanks(r);
    }
    if (peek(r) != '=') {
        FAULT(r, place, "must be NAME=value: there is no '=' behind the name");
        skip_line(r);
        return;
    }
    bool is_good = environment_is_name(name);
    if (!is_good)
        FAULT(r, place, "'%.*s' is no variable's name: A-Z, a-z, 0-9 and '_', no digit first",
              SLICE_ARG(excerpt(name)));
    r->at++;
    skip_blanks(r);
    value_place = place_at(r, r->at);
    is_good = read_value(r, &value) && is_good;
    if (value.failed != HARBORAI_OK)
        r->is_out_of_memory = true;
    else if (is_good && value.len > 0 && memchr(value.data, '\0', value.len) != NULL)
        FAULT(r, value_place, "a value cannot hold a NUL");
    else if (is_good)
        keep(r, name, place, value_place, buf_slice(&value));
    if (value.len > 0)
        explicit_bzero(value.data, value.len);
}

harborai_status dotenv_read(struct arena *arena, const char *file, harborai_str text,
                            struct config_faults *faults, struct dotenv *ret_dotenv,
                            harborai_error *error)
{
    struct reader r = {.arena = arena, .faults = faults, .file = file, .line = 1};
    if (slice_starts_with(text, "\xef\xbb\xbf"))
        text = slice_from(text, 3);
    r.at = r.line_start = text.len > 0 ? text.data : "";
    r.end = r.at + text.len;
    while (!is_over(&r) && !r.is_out_of_memory) {
        while (!is_over(&r) && (*r.at == ' ' || *r.at == '\t' || *r.at == '\r' || *r.at == '\n'))
            step(&r);
        if (is_over(&r))
            break;
        if (*r.at == '#')
            skip_line(&r);
        else
            read_assignment(&r);
    }
    if (r.is_out_of_memory)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    *ret_dotenv = r.dotenv;
    return HARBORAI_OK;
}

const struct dotenv_variable *dotenv_find(const struct dotenv *dotenv, harborai_str name)
{
    const struct dotenv_variable *variable = dotenv->first;
    while (variable != NULL && !slice_equal(variable->name, name))
        variable = variable->next;
    return variable;
}

void dotenv_wipe(struct dotenv *dotenv)
{
    for (struct dotenv_variable *v = dotenv->first; v != NULL; v = v->next)
        if (v->value.len > 0)
            explicit_bzero((char *)(uintptr_t)v->value.data, v->value.len);
}

/* ---- Below the environment ---------------------------------------------------------------- */

static const char *layered_get(const struct environment *self, const char *name)
{
    const struct dotenv_environment *layered =
        (const struct dotenv_environment *)(const void *)self;
    const char *value = layered->above->get(layered->above, name);
    if (value != NULL)
        return value;
    const struct dotenv_variable *variable = dotenv_find(layered->below, slice_of(name));
    return variable != NULL ? variable->value.data : NULL;
}

void dotenv_environment_init(struct dotenv_environment *layered, const struct environment *above,
                             const struct dotenv *below)
{
    *layered = (struct dotenv_environment){{layered_get}, above, below};
}
