/* SPDX-License-Identifier: MIT */
/* The edits of a request. What the application wrote stands unless the server is known to refuse it;
 * must never send a switch of reasoning that this server has not. */
#include "plugins/openai/request.h"

#include "json_value.h"
#include "plugins/openai/models.h"
#include "reasoning_request.h"
#include "replayed.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct editor {
    struct chat_edits *e;
    const struct options *options;
    const harborai_request *request;
    const struct model_rules *rules; /* NULL: not OpenAI's, or not known */
    enum options_reasoning how;
};

static void leave_out(struct chat_edits *e, enum chat_member member, uint32_t how)
{
    if (!chat_edits_has(e, member))
        return;
    chat_edits_remove(e, member);
    chat_edits_tell(e, member, how);
}

static void leave_all_out(struct chat_edits *e, const enum chat_member *members, size_t count,
                          uint32_t how)
{
    for (size_t i = 0; i < count; i++)
        leave_out(e, members[i], how);
}

/* ---- Plain members --------------------------------------------------------------------------- */

/* A model of OpenAI's that reasons, or is of the time of those. */
static bool is_young(const struct editor *to)
{
    return to->rules != NULL && !to->rules->is_older;
}

static void edit_max_tokens(const struct editor *to)
{
    enum options_max_tokens want = to->options->max_tokens;
    if (want == MAX_TOKENS_NEW || (want == MAX_TOKENS_AS_SENT && is_young(to)))
        chat_edits_rename(to->e, CHAT_MAX_TOKENS, CHAT_MAX_COMPLETION_TOKENS);
    else if (want == MAX_TOKENS_OLD)
        chat_edits_rename(to->e, CHAT_MAX_COMPLETION_TOKENS, CHAT_MAX_TOKENS);
}

static void edit_tool_choice(const struct editor *to)
{
    if (to->options->tool_choice_required == NULL ||
        !json_string_equal(to->e->values[CHAT_TOOL_CHOICE], HARBORAI_STR("required")))
        return;
    chat_edits_set_text(to->e, CHAT_TOOL_CHOICE, to->options->tool_choice_required);
    chat_edits_tell(to->e, CHAT_TOOL_CHOICE, HARBORAI_CHANGED_ADAPTED);
}

static bool is_number(harborai_str value, int64_t number)
{
    int64_t said;
    return json_int64(value, &said) && said == number;
}

/* What is the same as leaving it out. */
static bool is_default(enum chat_member member, harborai_str value)
{
    bool said;
    switch ((int)member) {
    case CHAT_TEMPERATURE:
    case CHAT_TOP_P:
    case CHAT_N:
        return is_number(value, 1);
    case CHAT_PRESENCE_PENALTY:
    case CHAT_FREQUENCY_PENALTY:
    case CHAT_TOP_LOGPROBS:
        return is_number(value, 0);
    case CHAT_LOGPROBS:
        return json_boolean(value, &said) && !said;
    default:
        return false;
    }
}

static void drop_unless_default(struct chat_edits *e, const enum chat_member *members, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!is_default(members[i], e->values[members[i]]))
            chat_edits_drop(e, members[i]);
}

static void edit_fixed_sampling(const struct editor *to)
{
    static const enum chat_member sampling[] = {CHAT_TEMPERATURE, CHAT_TOP_P, CHAT_N,
                                                CHAT_PRESENCE_PENALTY, CHAT_FREQUENCY_PENALTY};
    if (options_models_have(&to->options->fixed_sampling, to->request->model))
        drop_unless_default(to->e, sampling, COUNT(sampling));
}

/* ---- Reasoning ------------------------------------------------------------------------------- */

/* What the application wants, by whichever vendor's member it says so. */
struct wish {
    bool is_on, is_off;
    uint32_t effort;    /* EFFORT_…, 0 = not said */
    bool is_other_word; /* an effort that nobody here knows: the server may */
};

static void read_flag(struct wish *wish, harborai_str value)
{
    bool is_on;
    if (!json_boolean(value, &is_on))
        return;
    wish->is_on |= is_on;
    wish->is_off |= !is_on;
}

static void read_effort(struct wish *wish, harborai_str value)
{
    harborai_str text;
    if (value.len == 0 || !json_string_plain(value, &text))
        return;
    wish->effort = options_effort_bit(text);
    wish->is_other_word = wish->effort == 0;
}

static struct wish read_wish(const struct chat_edits *e)
{
    struct wish wish = {false, false, 0, false};
    harborai_str type = json_member(e->values[CHAT_THINKING], HARBORAI_STR("type"));
    if (type.len > 0) {
        wish.is_off = json_string_equal(type, HARBORAI_STR("disabled"));
        wish.is_on = !wish.is_off;
    }
    read_flag(&wish, e->values[CHAT_ENABLE_THINKING]);
    read_flag(&wish, json_member(e->values[CHAT_REASONING], HARBORAI_STR("enabled")));
    read_flag(&wish, json_member(e->values[CHAT_TEMPLATE_KWARGS], HARBORAI_STR("enable_thinking")));
    read_effort(&wish, json_member(e->values[CHAT_REASONING], HARBORAI_STR("effort")));
    read_effort(&wish, e->values[CHAT_REASONING_EFFORT]);
    if (wish.effort != 0) { /* it says more than a switch */
        wish.is_off = wish.effort == EFFORT_NONE;
        wish.is_on = !wish.is_off;
    }
    return wish;
}

/* Of two that are equally near the greater; 0 = none is allowed. */
static uint32_t nearest(uint32_t allowed, uint32_t wanted)
{
    for (unsigned step = 0; step < 8; step++) {
        if ((allowed & (wanted << step)) != 0)
            return wanted << step;
        if ((allowed & (wanted >> step)) != 0)
            return wanted >> step;
    }
    return 0;
}

static bool has_functions(const struct chat_edits *e)
{
    struct json_cursor cursor = json_open(e->values[CHAT_TOOLS]);
    harborai_str tool;
    while (json_array_next(&cursor, &tool))
        if (json_string_equal(json_member(tool, HARBORAI_STR("type")), HARBORAI_STR("function")))
            return true;
    return false;
}

/* The effort that is sent; 0 = none is written. */
static uint32_t choose_effort(const struct editor *to, const struct wish *wish)
{
    const struct model_rules *rules = to->rules;
    uint32_t wanted = wish->effort != 0 ? wish->effort : wish->is_off ? EFFORT_NONE : 0;
    uint32_t effort = wanted;
    if (wanted != 0 && rules != NULL)
        effort = nearest(rules->efforts, wanted);
    else if (wanted != 0 && to->options->efforts != 0)
        effort = nearest(to->options->efforts, wanted);
    if (rules != NULL && rules->tools_need_none && (effort != 0 || rules->tools_need_it_said) &&
        has_functions(to->e))
        effort = EFFORT_NONE;
    return effort;
}

/* Everything that is said becomes reasoning_effort, which is returned; 0 = none is written. */
static uint32_t edit_effort(const struct editor *to)
{
    static const enum chat_member switches[] = {CHAT_THINKING, CHAT_ENABLE_THINKING, CHAT_REASONING,
                                                CHAT_TEMPLATE_KWARGS};
    struct wish wish = read_wish(to->e);
    uint32_t effort = choose_effort(to, &wish);
    const char *word = options_effort_name(effort);
    harborai_str said = to->e->values[CHAT_REASONING_EFFORT];

    leave_all_out(to->e, switches, COUNT(switches),
                  to->rules != NULL && to->rules->efforts == 0 ? HARBORAI_CHANGED_DROPPED
                                                               : HARBORAI_CHANGED_ADAPTED);
    chat_edits_drop(to->e, CHAT_THINKING_BUDGET);
    if (word == NULL) {
        if (!wish.is_other_word || (to->rules != NULL && to->rules->efforts == 0))
            chat_edits_drop(to->e, CHAT_REASONING_EFFORT);
    } else if (!json_string_equal(said, (harborai_str){word, strlen(word)})) {
        chat_edits_set_text(to->e, CHAT_REASONING_EFFORT, word);
        chat_edits_tell(to->e, CHAT_REASONING_EFFORT, HARBORAI_CHANGED_ADAPTED);
    }
    return effort;
}

/* Its reasoning models refuse these while they reason. */
static void edit_openai(const struct editor *to)
{
    static const enum chat_member sampling[] = {
        CHAT_TEMPERATURE, CHAT_TOP_P, CHAT_PRESENCE_PENALTY, CHAT_FREQUENCY_PENALTY,
        CHAT_LOGPROBS, CHAT_TOP_LOGPROBS, CHAT_LOGIT_BIAS};
    if (to->rules == NULL)
        return;
    uint32_t effort = edit_effort(to);
    if (effort == 0)
        effort = to->rules->without;
    if (effort != EFFORT_NONE)
        drop_unless_default(to->e, sampling, COUNT(sampling));
    if (to->rules->has_no_stop)
        chat_edits_drop(to->e, CHAT_STOP);
}

/* A server with one switch, `own`. */
static void edit_switch(const struct editor *to, enum chat_member own, bool is_adaptive)
{
    static const enum chat_member foreign[] = {CHAT_TEMPLATE_KWARGS};
    static const struct reasoning_dialect dialects[] = {
        {.own = CHAT_THINKING}, {.own = CHAT_ENABLE_THINKING, .flags = REASONING_BUDGET}};
    struct chat_edits *e = to->e;
    bool is_said = chat_edits_has(e, CHAT_THINKING) || chat_edits_has(e, CHAT_ENABLE_THINKING) ||
                   chat_edits_has(e, CHAT_REASONING_EFFORT) || chat_edits_has(e, CHAT_REASONING);
    leave_all_out(e, foreign, COUNT(foreign), HARBORAI_CHANGED_DROPPED);
    struct reasoning_dialect dialect = dialects[own == CHAT_ENABLE_THINKING];
    if (to->options->requires_history) /* nothing said is no way to be sure that it does not */
        dialect.flags |= REASONING_BY_DEFAULT;
    bool thinks = reasoning_request(e, &dialect);
    if (thinks && to->options->requires_history && replayed_lacks_reasoning(to->request->body))
        reasoning_request_off(e, &dialect);
    else if (is_adaptive && is_said && thinks)
        chat_edits_set(e, CHAT_THINKING, HARBORAI_STR("{\"type\":\"adaptive\"}"));
}

/* A server that hands the switch to the model's template, and knows reasoning_effort too. */
static void edit_template(const struct editor *to)
{
    static const enum chat_member switches[] = {CHAT_THINKING, CHAT_ENABLE_THINKING, CHAT_REASONING};
    struct chat_edits *e = to->e;
    struct wish wish = read_wish(e);
    bool is_said = chat_edits_has(e, CHAT_THINKING) || chat_edits_has(e, CHAT_ENABLE_THINKING) ||
                   chat_edits_has(e, CHAT_REASONING) || wish.is_off;
    if (!is_said || chat_edits_has(e, CHAT_TEMPLATE_KWARGS))
        return;
    leave_all_out(e, switches, COUNT(switches), HARBORAI_CHANGED_ADAPTED);
    if (wish.effort == EFFORT_NONE)
        leave_out(e, CHAT_REASONING_EFFORT, HARBORAI_CHANGED_ADAPTED);
    if (wish.is_off)
        chat_edits_set(e, CHAT_TEMPLATE_KWARGS, HARBORAI_STR("{\"enable_thinking\":false}"));
    else if (wish.is_on)
        chat_edits_set(e, CHAT_TEMPLATE_KWARGS, HARBORAI_STR("{\"enable_thinking\":true}"));
}

static void edit_reasoning(const struct editor *to)
{
    static const enum chat_member all[] = {CHAT_REASONING_EFFORT, CHAT_THINKING,
                                           CHAT_ENABLE_THINKING, CHAT_THINKING_BUDGET,
                                           CHAT_REASONING};
    switch (to->how) {
    case OPTIONS_OPENAI:
        edit_openai(to);
        return;
    case OPTIONS_EFFORT:
        (void)edit_effort(to);
        return;
    case OPTIONS_THINKING:
        edit_switch(to, CHAT_THINKING, false);
        return;
    case OPTIONS_ADAPTIVE:
        edit_switch(to, CHAT_THINKING, true);
        return;
    case OPTIONS_ENABLE_THINKING:
        edit_switch(to, CHAT_ENABLE_THINKING, false);
        return;
    case OPTIONS_CHAT_TEMPLATE:
        edit_template(to);
        return;
    case OPTIONS_DROP:
        leave_all_out(to->e, all, COUNT(all), HARBORAI_CHANGED_DROPPED);
        return;
    case OPTIONS_AS_SENT:
        return;
    }
}

/* ---- What is none of the members that chat_edits knows ---------------------------------------- */

/* Before what else is added: it removes a member. */
static void edit_seed(const struct editor *to)
{
    harborai_str name = to->options->seed_member, seed = to->e->values[CHAT_SEED];
    if (name.len == 0 || seed.len == 0)
        return;
    leave_out(to->e, CHAT_SEED, HARBORAI_CHANGED_ADAPTED);
    if (json_member(to->request->body, name).len == 0)
        chat_edits_add_member(to->e, name, seed);
}

static bool is_edited(const struct chat_edits *e, harborai_str name)
{
    for (size_t i = 0; i < e->count; i++) {
        harborai_str path = e->edits[i].path;
        if (path.len == name.len + 1 && memcmp(path.data + 1, name.data, name.len) == 0)
            return true;
    }
    return false;
}

/* What the application says, in whichever words, goes before. */
static void add_defaults(const struct editor *to)
{
    struct json_cursor cursor = json_open(to->options->defaults);
    struct json_member member;
    while (json_object_next(&cursor, &member))
        if (json_member(to->request->body, member.key).len == 0 && !is_edited(to->e, member.key))
            chat_edits_add_member(to->e, member.key, member.value);
}

static void edit_messages(const struct editor *to)
{
    static const char *const history[] = {"reasoning_content", "reasoning_details", "reasoning"};
    struct chat_message_edit kinds[COUNT(history) + 2];
    size_t count = 0;
    if (to->options->has_system_role)
        kinds[count++] = (struct chat_message_edit)CHAT_MESSAGES_DEVELOPER;
    if (to->options->removes_names)
        kinds[count++] = (struct chat_message_edit){"name", NULL, NULL, HARBORAI_CHANGED_DROPPED};
    for (size_t i = 0; i < COUNT(history); i++)
        if (to->options->removes_history || is_young(to)) /* a vendor's, not the user's */
            kinds[count++] = (struct chat_message_edit){history[i], NULL, NULL, 0};
    chat_edits_messages(to->e, kinds, count);
}

/* ---- All of it ------------------------------------------------------------------------------- */

static enum options_reasoning reasoning_of(const struct options *options, harborai_str model)
{
    for (size_t i = 0; i < options->reasoning_count; i++)
        if (options_fits(model, options->reasoning[i].pattern))
            return options->reasoning[i].how;
    return options->reasoning_count > 0 ? OPTIONS_AS_SENT : OPTIONS_OPENAI;
}

void request_edit(const struct options *options, const harborai_request *request,
                  struct chat_edits *e)
{
    struct editor to = {.e = e, .options = options, .request = request,
                        .how = reasoning_of(options, request->model)};
    if (to.how == OPTIONS_OPENAI)
        to.rules = model_rules_find(request->model);
    edit_max_tokens(&to);
    edit_tool_choice(&to);
    edit_fixed_sampling(&to);
    edit_reasoning(&to);
    edit_seed(&to);
    if (options->never_asks_usage) /* an edit of the member keeps the host from adding it, too */
        chat_edits_add(e, (harborai_edit){HARBORAI_STR("/stream_options"), {NULL, 0},
                                          HARBORAI_EDIT_REMOVE, 0});
    add_defaults(&to);
    edit_messages(&to);
}

/* Whether the application says itself where reasoning is to stand: in the words of llama.cpp and Groq,
 * of MiniMax, of SGLang. */
static bool says_where(harborai_str body)
{
    static const harborai_str names[] = {HARBORAI_STR_INIT("reasoning_format"),
                                         HARBORAI_STR_INIT("reasoning_split"),
                                         HARBORAI_STR_INIT("separate_reasoning")};
    struct json_cursor cursor = json_open(body);
    struct json_member member;
    while (json_object_next(&cursor, &member))
        for (size_t i = 0; member.kind != JSON_NULL && i < COUNT(names); i++)
            if (json_key_equal(&member, names[i]))
                return true;
    return false;
}

uint32_t request_flags(const struct options *options, const harborai_request *request)
{
    bool may_have_tags = options_models_have(&options->think_tags, request->model);
    return may_have_tags && !says_where(request->body) ? HARBORAI_HTTP_THINK_TAGS : 0;
}
