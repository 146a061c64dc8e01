/* SPDX-License-Identifier: MIT */
/* One table of keywords, each with what its own value must be and what it asks of others. Must
 * never pass over a keyword that it does not know: half of a check is worse than none. */
#include "wire/json_schema.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/slice.h"
#include "json_value.h"
#include "wire/json_number.h"

#define WORK_MAX MIB(64) /* bytes that one check may look at: a foreign schema could ask for ever */

struct vetting {
    harborai_error *error;
    unsigned depth;
};

struct check {
    json_schema_report *report; /* NULL: nobody wants to know */
    void *context;
    unsigned faults;
    size_t work;
};

/* A value under a schema. */
struct place {
    const struct json_schema_at *at;
    harborai_str schema, value;
};

struct keyword {
    harborai_str name;
    /* Whether its own value is good; false: it has been said. */
    bool (*is_good)(struct vetting *v, const struct json_schema_at *at, harborai_str own);
    bool (*fits)(harborai_str own, harborai_str value);                     /* or NULL */
    void (*descend)(struct check *c, struct place place, harborai_str own); /* or NULL */
};

/* The keywords of one schema in their order, each with its own value. */
#define ASKED_MAX 32 /* there are fewer keywords */
struct asked {
    const struct keyword *keyword[ASKED_MAX];
    harborai_str own[ASKED_MAX];
    size_t count;
};

static const struct keyword *find_keyword(const struct json_member *member);
static void check_value(struct check *c, struct place place);

/* ---- Paths -------------------------------------------------------------------------------- */

#define SHOWN_KEY 64

void json_schema_add_path(const struct json_schema_at *at, struct buf *out)
{
    if (at->up == NULL)
        return;
    json_schema_add_path(at->up, out);
    if (at->key.data == NULL)
        buf_printf(out, "[%zu]", at->index);
    else
        buf_printf(out, "%s%.*s", at->up->up != NULL ? "." : "",
                   SLICE_ARG(slice_cut(at->key, SHOWN_KEY)));
}

/* ---- Comparing ---------------------------------------------------------------------------- */

/* The bytes that a text between quotes stands for, one at a time. */
struct decoded {
    const char *p, *end;
    char run[4];
    size_t len, at;
};

/* -1: there are no more. */
static int next_byte(struct decoded *d)
{
    if (d->at == d->len && d->p < d->end) {
        d->len = json_decode_next(&d->p, d->end, d->run);
        d->at = 0;
    }
    return d->at < d->len ? (unsigned char)d->run[d->at++] : -1;
}

static bool has_escapes(harborai_str text)
{
    return text.len > 0 && memchr(text.data, '\\', text.len) != NULL;
}

/* As they stand between quotes, whichever escapes they use. */
static bool same_texts(harborai_str a, harborai_str b)
{
    if (a.len == b.len && slice_equal(a, b))
        return true;
    if (!has_escapes(a) && !has_escapes(b))
        return false;
    struct decoded left = {.p = a.data, .end = a.data + a.len};
    struct decoded right = {.p = b.data, .end = b.data + b.len};
    for (;;) {
        int byte = next_byte(&left);
        if (byte != next_byte(&right))
            return false;
        if (byte < 0)
            return true;
    }
}

static harborai_str between_quotes(harborai_str string)
{
    return slice_cut(slice_from(string, 1), string.len - 2);
}

/* Of scalars. */
static bool same_values(harborai_str a, harborai_str b)
{
    enum json_kind kind = json_kind(a);
    if (kind != json_kind(b))
        return false;
    if (kind == JSON_STRING)
        return same_texts(between_quotes(a), between_quotes(b));
    if (kind == JSON_NUMBER)
        return json_number_compare(a, b) == 0;
    return slice_equal(a, b);
}

/* The member of that name, as written between quotes; false: there is none. */
static bool find_member(harborai_str object, harborai_str name, harborai_str *ret_value)
{
    struct json_cursor cursor = json_open(object);
    struct json_member member;
    while (json_object_next(&cursor, &member))
        if (same_texts(member.key, name)) {
            *ret_value = member.value;
            return true;
        }
    return false;
}

/* ---- type, enum, const -------------------------------------------------------------------- */

static const struct {
    harborai_str name;
    enum json_kind kind;
    bool is_whole;
} types[] = {
    {HARBORAI_STR_INIT("string"), JSON_STRING, false},
    {HARBORAI_STR_INIT("number"), JSON_NUMBER, false},
    {HARBORAI_STR_INIT("integer"), JSON_NUMBER, true},
    {HARBORAI_STR_INIT("boolean"), JSON_BOOL, false},
    {HARBORAI_STR_INIT("object"), JSON_OBJECT, false},
    {HARBORAI_STR_INIT("array"), JSON_ARRAY, false},
    {HARBORAI_STR_INIT("null"), JSON_NULL, false},
};

PRINTF(3, 4)
static bool complain(struct vetting *v, const struct json_schema_at *at, const char *format, ...)
{
    AUTO(buf) path = BUF_INIT(KIB(4));
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    json_schema_add_path(at, &path);
    harborai_error_set(v->error, HARBORAI_E_INVALID, "%.*s%s%s", SLICE_ARG(buf_slice(&path)),
                       path.len > 0 ? ": " : "", text);
    return false;
}

static bool is_type(struct vetting *v, const struct json_schema_at *at, harborai_str own)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (json_string_equal(own, types[i].name))
            return true;
    return complain(v, at, "must be string, number, integer, boolean, object, array or null");
}

static bool are_types(struct vetting *v, const struct json_schema_at *at, harborai_str own)
{
    struct json_cursor cursor = json_open(own);
    harborai_str item;
    size_t count = 0;
    if (json_kind(own) != JSON_ARRAY)
        return is_type(v, at, own);
    for (; json_array_next(&cursor, &item); count++)
        if (!is_type(v, at, item))
            return false;
    return count > 0 || complain(v, at, "must not be empty");
}

static bool fits_one_type(harborai_str own, harborai_str value)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (json_string_equal(own, types[i].name))
            return json_kind(value) == types[i].kind &&
                   (!types[i].is_whole || json_number_is_whole(value));
    return false;
}

static bool fits_type(harborai_str own, harborai_str value)
{
    struct json_cursor cursor = json_open(own);
    harborai_str item;
    if (json_kind(own) != JSON_ARRAY)
        return fits_one_type(own, value);
    while (json_array_next(&cursor, &item))
        if (fits_one_type(item, value))
            return true;
    return false;
}

static bool is_scalar(struct vetting *v, const struct json_schema_at *at, harborai_str own)
{
    return (json_kind(own) != JSON_OBJECT && json_kind(own) != JSON_ARRAY) ||
           complain(v, at, "texts, numbers, true, false and null can be compared, nothing else");
}

static bool are_scalars(struct vetting *v, const struct json_schema_at *at, harborai_str own)
{
    struct json_cursor cursor = json_open(own);
    harborai_str item;
    size_t count = 0;
    for (; json_array_next(&cursor, &item); count++)
        if (!is_scalar(v, at, item))
            return false;
    return (json_kind(own) == JSON_ARRAY && count > 0) ||
           complain(v, at, "must be a list, and not an empty one");
}

static bool fits_const(harborai_str own, harborai_str value)
{
    return same_values(own, value);
}

static bool fits_enum(harborai_str own, harborai_str value)
{
    struct json_cursor cursor = json_open(own);
    harborai_str item;
    while (json_array_next(&cursor, &item))
        if (same_values(item, value))
            return true;
    return false;
}

/* ---- Ranges and lengths ------------------------------------------------------------------- */

static bool is_number(struct vetting *v, const struct json_schema_at *at, harborai_str own)
{
    return json_kind(own) == JSON_NUMBER || complain(v, at, "must be a number");
}

static bool fits_minimum(harborai_str own, harborai_str value)
{
    return json_kind(value) != JSON_NUMBER || json_number_compare(value, own) >= 0;
}

static bool fits_maximum(harborai_str own, harborai_str value)
{
    return json_kind(value) != JSON_NUMBER || json_number_compare(value, own) <= 0;
}

static bool is_length(struct vetting *v, const struct json_schema_at *at, harborai_str own)
{
    int64_t length;
    return (json_kind(own) == JSON_NUMBER && json_int64(own, &length) && length >= 0) ||
           complain(v, at, "must be a whole number that is not negative");
}

/* Characters, not bytes. */
static int64_t count_characters(harborai_str string)
{
    harborai_str text = between_quotes(string);
    const char *p = text.data, *end = p + text.len;
    int64_t count = 0;
    while (p < end) {
        char run[4];
        size_t len = json_decode_next(&p, end, run);
        count += len > 0 && (run[0] & 0xc0) != 0x80;
    }
    return count;
}

static bool fits_min_length(harborai_str own, harborai_str value)
{
    int64_t length;
    return json_kind(value) != JSON_STRING || !json_int64(own, &length) ||
           count_characters(value) >= length;
}

static bool fits_max_length(harborai_str own, harborai_str value)
{
    int64_t length;
    return json_kind(value) != JSON_STRING || !json_int64(own, &length) ||
           count_characters(value) <= length;
}

/* ---- Schemas in schemas -------------------------------------------------------------------- */

static bool is_schema(struct vetting *v, const struct json_schema_at *at, harborai_str own)
{
    struct json_cursor cursor = json_open(own);
    struct json_member member;
    size_t count = 0;
    bool is_good = true;
    if (json_kind(own) == JSON_BOOL)
        return true;
    if (json_kind(own) != JSON_OBJECT)
        return complain(v, at, "must be a schema: an object, true or false");
    if (v->depth == JSON_SCHEMA_DEPTH)
        return complain(v, at, "is deeper than %d schemas", JSON_SCHEMA_DEPTH);
    v->depth++;
    while (is_good && json_object_next(&cursor, &member)) {
        const struct keyword *keyword = find_keyword(&member);
        const struct json_schema_at below = {at, member.key, member.key_escaped, 0};
        if (keyword == NULL)
            is_good = complain(v, &below, "this keyword is not understood: see harborai/plugin.h");
        else if (++count > ASKED_MAX)
            is_good = complain(v, &below, "a keyword stands more than once");
        else
            is_good = keyword->is_good == NULL || keyword->is_good(v, &below, member.value);
    }
    v->depth--;
    return is_good;
}

static bool are_schemas_by_name(struct vetting *v, const struct json_schema_at *at,
                                harborai_str own)
{
    struct json_cursor cursor = json_open(own);
    struct json_member member;
    if (json_kind(own) != JSON_OBJECT)
        return complain(v, at, "must be an object");
    while (json_object_next(&cursor, &member)) {
        const struct json_schema_at below = {at, member.key, member.key_escaped, 0};
        if (!is_schema(v, &below, member.value))
            return false;
    }
    return true;
}

static bool are_schemas(struct vetting *v, const struct json_schema_at *at, harborai_str own)
{
    struct json_cursor cursor = json_open(own);
    struct json_schema_at below = {.up = at};
    harborai_str item;
    for (; json_array_next(&cursor, &item); below.index++)
        if (!is_schema(v, &below, item))
            return false;
    return (json_kind(own) == JSON_ARRAY && below.index > 0) ||
           complain(v, at, "must be a list of schemas, and not an empty one");
}

static bool are_names(struct vetting *v, const struct json_schema_at *at, harborai_str own)
{
    struct json_cursor cursor = json_open(own);
    harborai_str item;
    bool is_good = json_kind(own) == JSON_ARRAY;
    while (is_good && json_array_next(&cursor, &item))
        is_good = json_kind(item) == JSON_STRING;
    return is_good || complain(v, at, "must be a list of names");
}

harborai_status json_schema_vet(harborai_str schema, harborai_error *error)
{
    struct vetting v = {.error = error};
    const struct json_schema_at root = {.up = NULL};
    return is_schema(&v, &root, schema) ? HARBORAI_OK : HARBORAI_E_INVALID;
}

/* ---- What the check finds ------------------------------------------------------------------ */

static void add_fault(struct check *c, enum json_schema_kind kind, struct place place,
                      harborai_str missing, bool missing_escaped)
{
    struct json_schema_fault fault = {kind,        place.at, place.schema,
                                      place.value, missing,  missing_escaped};
    c->faults++;
    if (c->report != NULL)
        c->report(c->context, &fault);
}

/* False: it is enough. */
static bool work(struct check *c, size_t bytes)
{
    if (c->work <= WORK_MAX)
        c->work += bytes + 1;
    return c->work <= WORK_MAX;
}

/* ---- Objects, lists, alternatives ----------------------------------------------------------- */

/* What stands under `properties`, looked up for each member of a value: found here, unless there are
 * more of them. */
#define NAMES_MAX 64
struct names {
    harborai_str properties;
    harborai_str name[NAMES_MAX], schema[NAMES_MAX];
    size_t count;
    bool is_whole;
};

static void names_read(struct names *names, harborai_str properties)
{
    struct json_cursor cursor = json_open(properties);
    struct json_member member;
    names->properties = properties;
    for (names->count = 0; names->count < NAMES_MAX; names->count++) {
        if (!json_object_next(&cursor, &member))
            break;
        names->name[names->count] = member.key;
        names->schema[names->count] = member.value;
    }
    names->is_whole = names->count < NAMES_MAX;
}

static bool names_find(const struct names *names, harborai_str name, harborai_str *ret_schema)
{
    if (!names->is_whole)
        return find_member(names->properties, name, ret_schema);
    for (size_t i = 0; i < names->count; i++)
        if (same_texts(names->name[i], name)) {
            *ret_schema = names->schema[i];
            return true;
        }
    return false;
}

static void descend_properties(struct check *c, struct place place, harborai_str own)
{
    struct json_cursor cursor = json_open(place.value);
    struct json_member member;
    struct names names;
    if (json_kind(place.value) != JSON_OBJECT)
        return;
    names_read(&names, own);
    while (json_object_next(&cursor, &member)) {
        const struct json_schema_at at = {place.at, member.key, member.key_escaped, 0};
        struct place below = {&at, SLICE_NONE, member.value};
        if (!work(c, own.len))
            return;
        if (names_find(&names, member.key, &below.schema))
            check_value(c, below);
    }
}

/* Members that `properties` does not name. */
static void descend_others(struct check *c, struct place place, harborai_str own)
{
    struct json_cursor cursor = json_open(place.value);
    struct json_member member;
    struct names names;
    harborai_str found;
    if (json_kind(place.value) != JSON_OBJECT)
        return;
    names_read(&names, json_member(place.schema, HARBORAI_STR("properties")));
    while (json_object_next(&cursor, &member)) {
        const struct json_schema_at at = {place.at, member.key, member.key_escaped, 0};
        if (!work(c, names.properties.len))
            return;
        if (names_find(&names, member.key, &found))
            continue;
        if (slice_is(own, "false"))
            add_fault(c, JSON_SCHEMA_UNKNOWN, (struct place){&at, place.schema, member.value},
                      SLICE_NONE, false);
        else
            check_value(c, (struct place){&at, own, member.value});
    }
}

static void descend_required(struct check *c, struct place place, harborai_str own)
{
    struct json_cursor cursor = json_open(own);
    harborai_str item, found;
    while (json_kind(place.value) == JSON_OBJECT && json_array_next(&cursor, &item)) {
        harborai_str name = between_quotes(item), plain;
        if (!work(c, place.value.len))
            return;
        if (!find_member(place.value, name, &found))
            add_fault(c, JSON_SCHEMA_MISSING, place, name, !json_string_plain(item, &plain));
    }
}

static void descend_items(struct check *c, struct place place, harborai_str own)
{
    struct json_cursor cursor = json_open(place.value);
    struct json_schema_at at = {.up = place.at};
    harborai_str item;
    for (; json_kind(place.value) == JSON_ARRAY && json_array_next(&cursor, &item); at.index++)
        check_value(c, (struct place){&at, own, item});
}

static void read_asked(harborai_str schema, struct asked *asked)
{
    struct json_cursor cursor = json_open(schema);
    struct json_member member;
    asked->count = 0;
    while (asked->count < ASKED_MAX && json_object_next(&cursor, &member)) {
        const struct keyword *keyword = find_keyword(&member);
        if (keyword == NULL || (keyword->fits == NULL && keyword->descend == NULL))
            continue;
        asked->keyword[asked->count] = keyword;
        asked->own[asked->count++] = member.value;
    }
}

static bool fits_asked(const struct asked *asked, harborai_str value)
{
    bool is_good = true;
    for (size_t i = 0; is_good && i < asked->count; i++)
        if (asked->keyword[i]->fits != NULL)
            is_good = asked->keyword[i]->fits(asked->own[i], value);
    return is_good;
}

/* Whether the value itself is as the schema has it, whatever is in it. */
static bool fits(harborai_str schema, harborai_str value)
{
    struct asked asked;
    read_asked(schema, &asked);
    return !slice_is(schema, "false") && fits_asked(&asked, value);
}

static unsigned count_faults(struct check *c, struct place place)
{
    struct check silent = {.work = c->work};
    check_value(&silent, place);
    c->work = silent.work;
    return silent.faults;
}

/* Of alternatives of which one alone could be meant, what is in the value is at fault. */
static void descend_any_of(struct check *c, struct place place, harborai_str own)
{
    struct json_cursor cursor = json_open(own);
    harborai_str item, meant = SLICE_NONE;
    size_t fitting = 0;
    while (json_array_next(&cursor, &item)) {
        unsigned faults = count_faults(c, (struct place){place.at, item, place.value});
        if (faults == 0 || !work(c, 0))
            return;
        if (fits(item, place.value)) {
            meant = item;
            fitting++;
        }
    }
    if (fitting == 1)
        check_value(c, (struct place){place.at, meant, place.value});
    else
        add_fault(c, fitting == 0 ? JSON_SCHEMA_WRONG : JSON_SCHEMA_AMBIGUOUS, place, SLICE_NONE,
                  false);
}

static void check_value(struct check *c, struct place place)
{
    bool is_number = json_kind(place.value) == JSON_NUMBER; /* read once for each it may be */
    struct asked asked;
    if (!work(c, place.schema.len + place.value.len * (is_number ? place.schema.len : 1)))
        return;
    read_asked(place.schema, &asked);
    if (slice_is(place.schema, "false") || !fits_asked(&asked, place.value)) {
        add_fault(c, JSON_SCHEMA_WRONG, place, SLICE_NONE, false);
        return;
    }
    for (size_t i = 0; i < asked.count; i++)
        if (asked.keyword[i]->descend != NULL)
            asked.keyword[i]->descend(c, place, asked.own[i]);
}

unsigned json_schema_check(harborai_str schema, harborai_str value, json_schema_report *report,
                           void *context)
{
    const struct json_schema_at root = {.up = NULL};
    struct check c = {.report = report, .context = context};
    struct place place = {&root, schema, value};
    check_value(&c, place);
    if (c.work > WORK_MAX)
        add_fault(&c, JSON_SCHEMA_ENDLESS, place, SLICE_NONE, false);
    return c.faults;
}

/* ---- The keywords --------------------------------------------------------------------------- */

static const struct keyword keywords[] = {
    {HARBORAI_STR_INIT("type"), are_types, fits_type, NULL},
    {HARBORAI_STR_INIT("enum"), are_scalars, fits_enum, NULL},
    {HARBORAI_STR_INIT("const"), is_scalar, fits_const, NULL},
    {HARBORAI_STR_INIT("minimum"), is_number, fits_minimum, NULL},
    {HARBORAI_STR_INIT("maximum"), is_number, fits_maximum, NULL},
    {HARBORAI_STR_INIT("minLength"), is_length, fits_min_length, NULL},
    {HARBORAI_STR_INIT("maxLength"), is_length, fits_max_length, NULL},
    {HARBORAI_STR_INIT("properties"), are_schemas_by_name, NULL, descend_properties},
    {HARBORAI_STR_INIT("required"), are_names, NULL, descend_required},
    {HARBORAI_STR_INIT("additionalProperties"), is_schema, NULL, descend_others},
    {HARBORAI_STR_INIT("items"), is_schema, NULL, descend_items},
    {HARBORAI_STR_INIT("anyOf"), are_schemas, NULL, descend_any_of},
    {HARBORAI_STR_INIT("title"), NULL, NULL, NULL},
    {HARBORAI_STR_INIT("description"), NULL, NULL, NULL},
    {HARBORAI_STR_INIT("default"), NULL, NULL, NULL},
    {HARBORAI_STR_INIT("examples"), NULL, NULL, NULL},
    {HARBORAI_STR_INIT("format"), NULL, NULL, NULL},
    {HARBORAI_STR_INIT("$schema"), NULL, NULL, NULL},
    {HARBORAI_STR_INIT("$comment"), NULL, NULL, NULL},
};

static const struct keyword *find_keyword(const struct json_member *member)
{
    for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
        if (json_key_equal(member, keywords[i].name))
            return &keywords[i];
    return NULL;
}
