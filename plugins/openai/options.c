/* SPDX-License-Identifier: MIT */
/* Reads the options, which are as OPTIONS_SCHEMA has them, and checks what that cannot say. */
#include "plugins/openai/options.h"

#include "json_value.h"

/* ---- Words ----------------------------------------------------------------------------------- */

struct word {
    const char *name;
    int value;
};

static const struct word reasoning_words[] = {
    {"openai", OPTIONS_OPENAI},       {"as_sent", OPTIONS_AS_SENT},
    {"effort", OPTIONS_EFFORT},       {"thinking", OPTIONS_THINKING},
    {"adaptive", OPTIONS_ADAPTIVE},   {"enable_thinking", OPTIONS_ENABLE_THINKING},
    {"chat_template", OPTIONS_CHAT_TEMPLATE}, {"drop", OPTIONS_DROP},
    {NULL, 0},
};
static const struct word max_tokens_words[] = {
    {"as_sent", MAX_TOKENS_AS_SENT},
    {"max_tokens", MAX_TOKENS_OLD},
    {"max_completion_tokens", MAX_TOKENS_NEW},
    {NULL, 0},
};
static const struct word role_words[] = {{"developer", 0}, {"system", 1}, {NULL, 0}};
static const struct word keep_words[] = {{"keep", 0}, {"remove", 1}, {NULL, 0}};
static const struct word history_words[] = {
    {"keep", 0}, {"remove", 1}, {"required", 2}, {NULL, 0}};
static const struct word tool_choice_words[] = {
    {"required", 0}, {"any", 1}, {"auto", 2}, {NULL, 0}};
static const struct word usage_words[] = {{"ask", 0}, {"never", 1}, {NULL, 0}};
static const struct word bool_words[] = {{"false", 0}, {"true", 1}, {NULL, 0}};
static const struct word effort_words[] = {
    {"none", EFFORT_NONE}, {"minimal", EFFORT_MINIMAL}, {"low", EFFORT_LOW},
    {"medium", EFFORT_MEDIUM}, {"high", EFFORT_HIGH}, {"xhigh", EFFORT_XHIGH},
    {"max", EFFORT_MAX}, {NULL, 0},
};

uint32_t options_effort_bit(harborai_str name)
{
    for (const struct word *w = effort_words; w->name != NULL; w++)
        if (harborai_str_equal(name, w->name))
            return (uint32_t)w->value;
    return 0;
}

const char *options_effort_name(uint32_t bit)
{
    for (const struct word *w = effort_words; w->name != NULL; w++)
        if ((uint32_t)w->value == bit)
            return w->name;
    return NULL;
}

bool options_fits(harborai_str name, harborai_str pattern)
{
    bool has_star = pattern.len > 0 && pattern.data[pattern.len - 1] == '*';
    size_t len = has_star ? pattern.len - 1 : pattern.len;
    return (has_star ? name.len >= len : name.len == len) &&
           (len == 0 || memcmp(name.data, pattern.data, len) == 0);
}

bool options_models_have(const struct options_models *models, harborai_str name)
{
    for (size_t i = 0; i < models->count; i++)
        if (options_fits(name, models->pattern[i]))
            return true;
    return false;
}

/* ---- Faults ---------------------------------------------------------------------------------- */

struct reader {
    const harborai_host *host;
    struct options *to;
    harborai_error *error;
    const char *name; /* of the option that is read */
};

static harborai_status fault(struct reader *r, const char *what)
{
    harborai_status st = harborai_error_set(r->error, HARBORAI_E_CONFIG,
                                            "option '%s' must be %s: see "
                                            "doc/providers/compatible.md", r->name, what);
    if (r->error != NULL)
        snprintf(r->error->param, sizeof r->error->param, "/%s", r->name);
    return st;
}

static harborai_status read_word(struct reader *r, const struct word *words, harborai_str said,
                                 int *ret)
{
    for (const struct word *w = words; w->name != NULL; w++)
        if (harborai_str_equal(said, w->name)) {
            *ret = w->value;
            return HARBORAI_OK;
        }
    return fault(r, "as config_schema has it"); /* where it has more words than these */
}

static harborai_status read_switch(struct reader *r, const struct word *words, harborai_str said,
                                   bool *ret)
{
    int value = 0;
    harborai_status st = read_word(r, words, said, &value);
    *ret = value != 0;
    return st;
}

/* ---- One option ------------------------------------------------------------------------------ */

static harborai_status add_rule(struct reader *r, harborai_str pattern, harborai_str said)
{
    int how = 0;
    if (r->to->reasoning_count == OPTIONS_PATTERNS)
        return fault(r, "at most 32 patterns");
    harborai_status st = read_word(r, reasoning_words, said, &how);
    r->to->reasoning[r->to->reasoning_count++] =
        (struct options_rule){pattern, (enum options_reasoning)how};
    return st;
}

static harborai_status read_reasoning(struct reader *r, harborai_str value)
{
    struct json_cursor cursor = json_open(value);
    struct json_member member;
    harborai_str said;
    if (json_kind(value) != JSON_OBJECT)
        return add_rule(r, HARBORAI_STR("*"), value);
    while (json_object_next(&cursor, &member)) {
        if (member.key_escaped || !json_string_plain(member.value, &said))
            return fault(r, "a word, or an object with a word for each pattern of models");
        harborai_status st = add_rule(r, member.key, said);
        if (st < 0)
            return st;
    }
    return HARBORAI_OK;
}

static harborai_status read_efforts(struct reader *r, harborai_str value)
{
    struct json_cursor cursor = json_open(value);
    harborai_str item, said;
    while (json_array_next(&cursor, &item)) {
        int bit = 0;
        if (!json_string_plain(item, &said))
            return fault(r, "a list of values of reasoning_effort");
        harborai_status st = read_word(r, effort_words, said, &bit);
        if (st < 0)
            return st;
        r->to->efforts |= (uint32_t)bit;
    }
    return HARBORAI_OK;
}

static harborai_status read_models(struct reader *r, harborai_str value, struct options_models *to)
{
    struct json_cursor cursor = json_open(value);
    harborai_str item;
    while (json_array_next(&cursor, &item))
        if (to->count == OPTIONS_PATTERNS || !json_string_plain(item, &to->pattern[to->count++]))
            return fault(r, "a list of at most 32 models and patterns");
    return HARBORAI_OK;
}

static harborai_status read_fixed_sampling(struct reader *r, harborai_str value)
{
    return read_models(r, value, &r->to->fixed_sampling);
}

static harborai_status read_think_tags(struct reader *r, harborai_str value)
{
    if (harborai_str_equal(value, "true"))
        r->to->think_tags = (struct options_models){{HARBORAI_STR("*")}, 1};
    else if (!harborai_str_equal(value, "false"))
        return read_models(r, value, &r->to->think_tags);
    return HARBORAI_OK;
}

static harborai_status add_header(struct reader *r, harborai_str name, harborai_str value)
{
    static const char *const ours[] = {"authorization", "content-type", "content-length", "host"};
    for (size_t i = 0; i < name.len; i++)
        if (name.data[i] >= 'A' && name.data[i] <= 'Z')
            return fault(r, "headers with names in lower case");
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (harborai_str_equal(name, ours[i]))
            return fault(r, "headers other than those that every request has");
    if (r->to->header_count == OPTIONS_HEADERS)
        return fault(r, "at most 8 headers");
    /* "*": whatever it is, it is the operator's and no one else's to read. */
    r->to->headers[r->to->header_count++] = (harborai_header){name, value, HARBORAI_STR("*")};
    return HARBORAI_OK;
}

static harborai_status read_headers(struct reader *r, harborai_str value)
{
    struct json_cursor cursor = json_open(value);
    struct json_member member;
    harborai_str said;
    while (json_object_next(&cursor, &member)) {
        if (member.key_escaped || !json_string_plain(member.value, &said))
            return fault(r, "an object of texts without escapes");
        harborai_status st = add_header(r, member.key, said);
        if (st < 0)
            return st;
    }
    return HARBORAI_OK;
}

static harborai_status read_defaults(struct reader *r, harborai_str value)
{
    struct json_cursor cursor = json_open(value);
    struct json_member member;
    while (json_object_next(&cursor, &member))
        if (member.key_escaped || memchr(member.key.data, '/', member.key.len) != NULL ||
            memchr(member.key.data, '~', member.key.len) != NULL)
            return fault(r, "an object of members without '/', '~' and escapes");
    r->to->defaults = value;
    return HARBORAI_OK;
}

static harborai_status read_max_tokens(struct reader *r, harborai_str value)
{
    int how = 0;
    harborai_status st = read_word(r, max_tokens_words, value, &how);
    r->to->max_tokens = (enum options_max_tokens)how;
    return st;
}

static harborai_status read_seed_member(struct reader *r, harborai_str value)
{
    r->to->seed_member = value;
    return HARBORAI_OK;
}

static harborai_status read_tool_choice(struct reader *r, harborai_str value)
{
    int how = 0;
    harborai_status st = read_word(r, tool_choice_words, value, &how);
    r->to->tool_choice_required = how != 0 ? tool_choice_words[how].name : NULL;
    return st;
}

static harborai_status read_role(struct reader *r, harborai_str value)
{
    return read_switch(r, role_words, value, &r->to->has_system_role);
}

static harborai_status read_names(struct reader *r, harborai_str value)
{
    return read_switch(r, keep_words, value, &r->to->removes_names);
}

static harborai_status read_history(struct reader *r, harborai_str value)
{
    int how = 0;
    harborai_status st = read_word(r, history_words, value, &how);
    r->to->removes_history = how == 1;
    r->to->requires_history = how == 2;
    return st;
}

static harborai_status read_usage(struct reader *r, harborai_str value)
{
    return read_switch(r, usage_words, value, &r->to->never_asks_usage);
}

static harborai_status read_prices(struct reader *r, harborai_str value)
{
    return read_switch(r, bool_words, value, &r->to->has_prices);
}

static harborai_status read_organization(struct reader *r, harborai_str value)
{
    return add_header(r, HARBORAI_STR("openai-organization"), value);
}

static harborai_status read_project(struct reader *r, harborai_str value)
{
    return add_header(r, HARBORAI_STR("openai-project"), value);
}

static const struct option {
    const char *name;
    harborai_status (*read)(struct reader *r, harborai_str value);
} options[] = {
    {"defaults", read_defaults},
    {"developer_role", read_role},
    {"efforts", read_efforts},
    {"fixed_sampling", read_fixed_sampling},
    {"headers", read_headers},
    {"history_reasoning", read_history},
    {"list_prices", read_prices},
    {"max_tokens_member", read_max_tokens},
    {"message_names", read_names},
    {"organization", read_organization},
    {"project", read_project},
    {"reasoning", read_reasoning},
    {"seed_member", read_seed_member},
    {"stream_usage", read_usage},
    {"think_tags", read_think_tags},
    {"tool_choice_required", read_tool_choice},
};

/* ---- All of them ----------------------------------------------------------------------------- */

static harborai_status read_option(struct reader *r, harborai_str name)
{
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (harborai_str_equal(name, options[i].name)) {
            char pointer[64];
            snprintf(pointer, sizeof pointer, "/%s", options[i].name);
            r->name = options[i].name;
            return options[i].read(r, r->host->config(r->host, pointer));
        }
    return HARBORAI_OK;
}

harborai_status options_read(const harborai_host *host, harborai_str config, struct options *ret,
                             harborai_error *error)
{
    struct reader r = {.host = host, .to = ret, .error = error, .name = ""};
    struct json_cursor cursor = json_open(config);
    struct json_member member;
    *ret = (struct options){.has_prices = true};
    harborai_status st = HARBORAI_OK;
    while (st >= 0 && json_object_next(&cursor, &member))
        st = read_option(&r, member.key);
    return st;
}
