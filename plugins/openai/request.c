/* SPDX-License-Identifier: MIT */
/* The edits of a request. What the application wrote stands unless the server is known to refuse it;
 * must never send a switch of reasoning that this server has not. */
#include "plugins/openai/request.h"

#include "json_value.h"
#include "plugins/openai/models.h"

#define EDITS_MOST 4096 /* what the host takes */

enum member {
    MAX_TOKENS, MAX_COMPLETION_TOKENS, SEED, TOOL_CHOICE, TOOLS, REASONING_EFFORT_MEMBER, THINKING,
    ENABLE_THINKING, THINKING_BUDGET, REASONING, CHAT_TEMPLATE_KWARGS, TEMPERATURE, TOP_P, N,
    PRESENCE_PENALTY, FREQUENCY_PENALTY, LOGPROBS, TOP_LOGPROBS, LOGIT_BIAS, STOP, MESSAGES, MEMBERS
};

static const char *const names[MEMBERS] = {
    [MAX_TOKENS] = "/max_tokens",
    [MAX_COMPLETION_TOKENS] = "/max_completion_tokens",
    [SEED] = "/seed",
    [TOOL_CHOICE] = "/tool_choice",
    [TOOLS] = "/tools",
    [REASONING_EFFORT_MEMBER] = "/reasoning_effort",
    [THINKING] = "/thinking",
    [ENABLE_THINKING] = "/enable_thinking",
    [THINKING_BUDGET] = "/thinking_budget",
    [REASONING] = "/reasoning",
    [CHAT_TEMPLATE_KWARGS] = "/chat_template_kwargs",
    [TEMPERATURE] = "/temperature",
    [TOP_P] = "/top_p",
    [N] = "/n",
    [PRESENCE_PENALTY] = "/presence_penalty",
    [FREQUENCY_PENALTY] = "/frequency_penalty",
    [LOGPROBS] = "/logprobs",
    [TOP_LOGPROBS] = "/top_logprobs",
    [LOGIT_BIAS] = "/logit_bias",
    [STOP] = "/stop",
    [MESSAGES] = "/messages",
};

struct editor {
    const struct options *options;
    const struct model_rules *rules; /* NULL: not OpenAI's, or not known */
    enum options_reasoning how;
    harborai_call *call;
    const harborai_request *request;
    harborai_str has[MEMBERS]; /* empty: absent, or null */
    struct request_edits *edits;
    harborai_error *error;
};

static harborai_str text_of(const char *text)
{
    return (harborai_str){text, strlen(text)};
}

/* ---- Edits ----------------------------------------------------------------------------------- */

static harborai_status add(struct editor *e, harborai_str path, uint32_t kind, harborai_str value)
{
    struct request_edits *to = e->edits;
    if (to->count == to->room) {
        size_t room = to->room > 0 ? 2 * to->room : 16;
        harborai_edit *more = room <= EDITS_MOST
                                  ? e->call->host->alloc(e->call, room * sizeof *more) : NULL;
        if (more == NULL)
            return harborai_error_set(e->error, HARBORAI_E_MEMORY,
                                      "too many messages to change: no more than %d", EDITS_MOST);
        if (to->count > 0)
            memcpy(more, to->items, to->count * sizeof *more);
        to->items = more;
        to->room = room;
    }
    to->items[to->count++] = (harborai_edit){path, value, kind, 0};
    return HARBORAI_OK;
}

static harborai_status tell(struct editor *e, harborai_str path, uint32_t how)
{
    return e->call->host->changed(e->call, path, how, e->error);
}

static harborai_status leave_out(struct editor *e, enum member m, uint32_t how)
{
    if (e->has[m].len == 0)
        return HARBORAI_OK;
    harborai_status st = tell(e, text_of(names[m]), how);
    return st < 0 ? st : add(e, text_of(names[m]), HARBORAI_EDIT_REMOVE, text_of(""));
}

static harborai_status leave_all_out(struct editor *e, const enum member *members, size_t count,
                                     uint32_t how)
{
    harborai_status st = HARBORAI_OK;
    for (size_t i = 0; i < count && st >= 0; i++)
        st = leave_out(e, members[i], how);
    return st;
}

/* "/" and the name, for as long as the call. */
static harborai_str pointer_to(struct editor *e, harborai_str name)
{
    char *path = e->call->host->alloc(e->call, name.len + 1);
    if (path == NULL)
        return (harborai_str){NULL, 0};
    path[0] = '/';
    memcpy(path + 1, name.data, name.len);
    return (harborai_str){path, name.len + 1};
}

/* `from` goes by the name `to`, unless that is there as well. */
static harborai_status rename_member(struct editor *e, enum member from, harborai_str to,
                                     bool is_there)
{
    if (e->has[from].len == 0)
        return HARBORAI_OK;
    harborai_status st = leave_out(e, from, HARBORAI_CHANGED_ADAPTED);
    return st < 0 || is_there ? st : add(e, to, HARBORAI_EDIT_JSON, e->has[from]);
}

/* ---- Plain members --------------------------------------------------------------------------- */

static harborai_status edit_max_tokens(struct editor *e)
{
    enum options_max_tokens want = e->options->max_tokens;
    if (want == MAX_TOKENS_AS_SENT && e->rules != NULL)
        want = MAX_TOKENS_NEW;
    if (want == MAX_TOKENS_AS_SENT)
        return HARBORAI_OK;
    enum member to = want == MAX_TOKENS_NEW ? MAX_COMPLETION_TOKENS : MAX_TOKENS,
                from = want == MAX_TOKENS_NEW ? MAX_TOKENS : MAX_COMPLETION_TOKENS;
    return rename_member(e, from, text_of(names[to]), e->has[to].len > 0);
}

static harborai_status edit_seed(struct editor *e)
{
    harborai_str name = e->options->seed_member;
    if (name.len == 0 || e->has[SEED].len == 0)
        return HARBORAI_OK;
    harborai_str path = pointer_to(e, name);
    if (path.len == 0)
        return harborai_error_set(e->error, HARBORAI_E_MEMORY, "out of memory");
    return rename_member(e, SEED, path, json_member(e->request->body, name).len > 0);
}

static harborai_status edit_tool_choice(struct editor *e)
{
    harborai_str word = e->options->tool_choice_required;
    if (word.len == 0 || !json_string_equal(e->has[TOOL_CHOICE], HARBORAI_STR("required")))
        return HARBORAI_OK;
    harborai_status st = tell(e, text_of(names[TOOL_CHOICE]), HARBORAI_CHANGED_ADAPTED);
    return st < 0 ? st : add(e, text_of(names[TOOL_CHOICE]), HARBORAI_EDIT_TEXT, word);
}

static bool is_number(harborai_str value, int64_t number)
{
    int64_t said;
    return json_int64(value, &said) && said == number;
}

static bool is_default(enum member m, harborai_str value)
{
    bool said;
    switch ((int)m) {
    case TEMPERATURE:
    case TOP_P:
    case N:
        return is_number(value, 1);
    case PRESENCE_PENALTY:
    case FREQUENCY_PENALTY:
    case TOP_LOGPROBS:
        return is_number(value, 0);
    case LOGPROBS:
        return json_boolean(value, &said) && !said;
    default:
        return false;
    }
}

static harborai_status drop_unless_default(struct editor *e, const enum member *members,
                                           size_t count)
{
    harborai_status st = HARBORAI_OK;
    for (size_t i = 0; i < count && st >= 0; i++)
        if (!is_default(members[i], e->has[members[i]]))
            st = leave_out(e, members[i], HARBORAI_CHANGED_DROPPED);
    return st;
}

static harborai_status edit_fixed_sampling(struct editor *e)
{
    static const enum member sampling[] = {TEMPERATURE, TOP_P, N, PRESENCE_PENALTY,
                                           FREQUENCY_PENALTY};
    for (size_t i = 0; i < e->options->fixed_sampling_count; i++)
        if (options_fits(e->request->model, e->options->fixed_sampling[i]))
            return drop_unless_default(e, sampling, sizeof sampling / sizeof *sampling);
    return HARBORAI_OK;
}

static harborai_status add_defaults(struct editor *e)
{
    struct json_cursor cursor = json_open(e->options->defaults);
    struct json_member member;
    while (json_object_next(&cursor, &member)) {
        if (json_member(e->request->body, member.key).len > 0)
            continue;
        harborai_str path = pointer_to(e, member.key);
        harborai_status st = path.len > 0 ? add(e, path, HARBORAI_EDIT_JSON, member.value)
                                          : HARBORAI_E_MEMORY;
        if (st < 0)
            return harborai_error_set(e->error, st, "out of memory");
    }
    return HARBORAI_OK;
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

static struct wish read_wish(const struct editor *e)
{
    struct wish wish = {false, false, 0, false};
    harborai_str type = json_member(e->has[THINKING], HARBORAI_STR("type"));
    if (type.len > 0) {
        wish.is_off = json_string_equal(type, HARBORAI_STR("disabled"));
        wish.is_on = !wish.is_off;
    }
    read_flag(&wish, e->has[ENABLE_THINKING]);
    read_flag(&wish, json_member(e->has[REASONING], HARBORAI_STR("enabled")));
    read_flag(&wish, json_member(e->has[CHAT_TEMPLATE_KWARGS], HARBORAI_STR("enable_thinking")));
    read_effort(&wish, json_member(e->has[REASONING], HARBORAI_STR("effort")));
    read_effort(&wish, e->has[REASONING_EFFORT_MEMBER]);
    if (wish.effort != 0) { /* it says more than a switch */
        wish.is_off = wish.effort == EFFORT_NONE;
        wish.is_on = !wish.is_off;
    }
    return wish;
}

/* Of two that are equally near the greater. */
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

static bool has_functions(const struct editor *e)
{
    struct json_cursor cursor = json_open(e->has[TOOLS]);
    harborai_str tool;
    while (json_array_next(&cursor, &tool))
        if (json_string_equal(json_member(tool, HARBORAI_STR("type")), HARBORAI_STR("function")))
            return true;
    return false;
}

/* The effort that is sent; 0 = none is written. */
static uint32_t choose_effort(const struct editor *e, const struct wish *wish)
{
    uint32_t allowed = e->rules != NULL ? e->rules->efforts : e->options->efforts;
    uint32_t wanted = wish->effort != 0 ? wish->effort : wish->is_off ? EFFORT_NONE : 0;
    uint32_t effort = wanted;
    if (wanted != 0 && (allowed != 0 || e->rules != NULL))
        effort = nearest(allowed, wanted);
    if (e->rules != NULL && e->rules->tools_need_none &&
        (effort != 0 || e->rules->tools_need_it_said) && has_functions(e))
        effort = EFFORT_NONE;
    return effort;
}

static harborai_status write_effort(struct editor *e, uint32_t effort)
{
    harborai_str path = text_of(names[REASONING_EFFORT_MEMBER]);
    if (effort == 0)
        return leave_out(e, REASONING_EFFORT_MEMBER, HARBORAI_CHANGED_DROPPED);
    harborai_str text = text_of(options_effort_name(effort));
    if (json_string_equal(e->has[REASONING_EFFORT_MEMBER], text))
        return HARBORAI_OK;
    harborai_status st = tell(e, path, HARBORAI_CHANGED_ADAPTED);
    return st < 0 ? st : add(e, path, HARBORAI_EDIT_TEXT, text);
}

static harborai_status edit_by_effort(struct editor *e, const struct wish *wish, uint32_t *ret)
{
    static const enum member switches[] = {THINKING, ENABLE_THINKING, REASONING,
                                           CHAT_TEMPLATE_KWARGS};
    harborai_status st = leave_all_out(e, switches, sizeof switches / sizeof *switches,
                                       HARBORAI_CHANGED_ADAPTED);
    if (st >= 0)
        st = leave_out(e, THINKING_BUDGET, HARBORAI_CHANGED_DROPPED);
    *ret = choose_effort(e, wish);
    if (st < 0 || (*ret == 0 && wish->is_other_word))
        return st;
    return write_effort(e, *ret);
}

/* OpenAI's reasoning models refuse these while they reason. */
static harborai_status edit_openai(struct editor *e, const struct wish *wish)
{
    static const enum member sampling[] = {TEMPERATURE, TOP_P, PRESENCE_PENALTY, FREQUENCY_PENALTY,
                                           LOGPROBS, TOP_LOGPROBS, LOGIT_BIAS};
    uint32_t effort;
    harborai_status st = edit_by_effort(e, wish, &effort);
    if (effort == 0)
        effort = e->rules->without;
    if (st >= 0 && effort != EFFORT_NONE)
        st = drop_unless_default(e, sampling, sizeof sampling / sizeof *sampling);
    if (st >= 0 && e->rules->has_no_stop)
        st = leave_out(e, STOP, HARBORAI_CHANGED_DROPPED);
    return st;
}

/* A server with one switch, `own`: everything else that was said becomes that. */
static harborai_status edit_switch(struct editor *e, const struct wish *wish, enum member own,
                                   const char *on, const char *off)
{
    static const enum member all[] = {REASONING_EFFORT_MEMBER, THINKING, ENABLE_THINKING, REASONING};
    harborai_status st = HARBORAI_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all && st >= 0; i++)
        if (all[i] != own)
            st = leave_out(e, all[i], HARBORAI_CHANGED_ADAPTED);
    if (st < 0 || e->has[own].len > 0 || !(wish->is_on || wish->is_off))
        return st;
    return add(e, text_of(names[own]), HARBORAI_EDIT_JSON, text_of(wish->is_off ? off : on));
}

/* A server that hands the switch to the model's template, and knows reasoning_effort too. */
static harborai_status edit_template(struct editor *e, const struct wish *wish)
{
    static const enum member switches[] = {THINKING, ENABLE_THINKING, REASONING};
    bool is_said = e->has[THINKING].len > 0 || e->has[ENABLE_THINKING].len > 0 ||
                   e->has[REASONING].len > 0 || wish->is_off;
    if (!is_said || e->has[CHAT_TEMPLATE_KWARGS].len > 0)
        return HARBORAI_OK;
    harborai_status st = leave_all_out(e, switches, sizeof switches / sizeof *switches,
                                       HARBORAI_CHANGED_ADAPTED);
    if (st >= 0 && wish->effort == EFFORT_NONE)
        st = leave_out(e, REASONING_EFFORT_MEMBER, HARBORAI_CHANGED_ADAPTED);
    if (st < 0 || !(wish->is_on || wish->is_off))
        return st;
    return add(e, text_of(names[CHAT_TEMPLATE_KWARGS]), HARBORAI_EDIT_JSON,
               wish->is_off ? HARBORAI_STR("{\"enable_thinking\":false}")
                            : HARBORAI_STR("{\"enable_thinking\":true}"));
}

static harborai_status edit_reasoning(struct editor *e)
{
    static const enum member all[] = {REASONING_EFFORT_MEMBER, THINKING, ENABLE_THINKING,
                                      THINKING_BUDGET, REASONING};
    struct wish wish = read_wish(e);
    uint32_t effort;
    switch (e->how) {
    case REASONING_OPENAI:
        return e->rules != NULL ? edit_openai(e, &wish) : HARBORAI_OK;
    case REASONING_EFFORT:
        return edit_by_effort(e, &wish, &effort);
    case REASONING_THINKING:
        return edit_switch(e, &wish, THINKING, "{\"type\":\"enabled\"}", "{\"type\":\"disabled\"}");
    case REASONING_ADAPTIVE:
        return edit_switch(e, &wish, THINKING, "{\"type\":\"adaptive\"}", "{\"type\":\"disabled\"}");
    case REASONING_ENABLE:
        return edit_switch(e, &wish, ENABLE_THINKING, "true", "false");
    case REASONING_TEMPLATE:
        return edit_template(e, &wish);
    case REASONING_DROP:
        return leave_all_out(e, all, sizeof all / sizeof *all, HARBORAI_CHANGED_DROPPED);
    case REASONING_AS_SENT:
        return HARBORAI_OK;
    }
    return HARBORAI_OK;
}

/* ---- Messages -------------------------------------------------------------------------------- */

static harborai_str path_in_message(struct editor *e, size_t index, const char *name)
{
    char *path = e->call->host->alloc(e->call, 48);
    if (path == NULL)
        return (harborai_str){NULL, 0};
    int len = snprintf(path, 48, "/messages/%zu/%s", index, name);
    return (harborai_str){path, (size_t)len};
}

/* how 0: not worth a word. */
static harborai_status edit_message_member(struct editor *e, size_t index, const char *name,
                                           uint32_t kind, harborai_str value, uint32_t how)
{
    harborai_str path = path_in_message(e, index, name);
    if (path.len == 0)
        return harborai_error_set(e->error, HARBORAI_E_MEMORY, "out of memory");
    harborai_status st = how != 0 ? tell(e, path, how) : HARBORAI_OK;
    return st < 0 ? st : add(e, path, kind, value);
}

static harborai_status edit_message(struct editor *e, size_t index, harborai_str message,
                                    bool removes_history)
{
    static const char *const history[] = {"reasoning_content", "reasoning_details", "reasoning"};
    struct json_cursor cursor = json_open(message);
    struct json_member member;
    harborai_status st = HARBORAI_OK;
    while (st >= 0 && json_object_next(&cursor, &member)) {
        if (e->options->has_system_role && harborai_str_equal(member.key, "role") &&
            json_string_equal(member.value, HARBORAI_STR("developer")))
            st = edit_message_member(e, index, "role", HARBORAI_EDIT_TEXT, HARBORAI_STR("system"),
                                     HARBORAI_CHANGED_ADAPTED);
        else if (e->options->removes_names && harborai_str_equal(member.key, "name"))
            st = edit_message_member(e, index, "name", HARBORAI_EDIT_REMOVE, text_of(""),
                                     HARBORAI_CHANGED_DROPPED);
        for (size_t i = 0; st >= 0 && removes_history && i < sizeof history / sizeof *history; i++)
            if (harborai_str_equal(member.key, history[i]))
                st = edit_message_member(e, index, history[i], HARBORAI_EDIT_REMOVE, text_of(""), 0);
    }
    return st;
}

static bool holds(harborai_str text, const char *word)
{
    return text.len > 0 && memmem(text.data, text.len, word, strlen(word)) != NULL;
}

static harborai_status edit_messages(struct editor *e)
{
    harborai_str messages = e->has[MESSAGES];
    bool removes_history = (e->options->removes_history || e->rules != NULL) &&
                           holds(messages, "\"reasoning");
    if (!removes_history && !(e->options->has_system_role && holds(messages, "\"developer\"")) &&
        !(e->options->removes_names && holds(messages, "\"name\"")))
        return HARBORAI_OK;
    struct json_cursor cursor = json_open(messages);
    harborai_str message;
    for (size_t i = 0; json_array_next(&cursor, &message); i++) {
        harborai_status st = edit_message(e, i, message, removes_history);
        if (st < 0)
            return st;
    }
    return HARBORAI_OK;
}

/* ---- All of it ------------------------------------------------------------------------------- */

static void find_members(struct editor *e)
{
    struct json_cursor cursor = json_open(e->request->body);
    struct json_member member;
    while (json_object_next(&cursor, &member))
        for (int m = 0; m < MEMBERS; m++)
            if (harborai_str_equal(member.key, names[m] + 1) && !json_is_null(member.value))
                e->has[m] = member.value;
}

static enum options_reasoning reasoning_of(const struct options *options, harborai_str model)
{
    for (size_t i = 0; i < options->reasoning_count; i++)
        if (options_fits(model, options->reasoning[i].pattern))
            return options->reasoning[i].how;
    return options->reasoning_count > 0 ? REASONING_AS_SENT : REASONING_OPENAI;
}

harborai_status request_edit(const struct options *options, harborai_call *call,
                             const harborai_request *request, struct request_edits *ret,
                             harborai_error *error)
{
    static harborai_status (*const steps[])(struct editor *e) = {
        edit_max_tokens, edit_seed, edit_tool_choice, edit_fixed_sampling, edit_reasoning,
        edit_messages, add_defaults,
    };
    struct editor e = {.options = options, .call = call, .request = request, .edits = ret,
                       .error = error, .how = reasoning_of(options, request->model)};
    harborai_status st = HARBORAI_OK;
    if (e.how == REASONING_OPENAI)
        e.rules = model_rules_find(request->model);
    *ret = (struct request_edits){NULL, 0, 0};
    find_members(&e);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && st >= 0; i++)
        st = steps[i](&e);
    if (st >= 0 && options->never_asks_usage)
        st = add(&e, HARBORAI_STR("/stream_options"), HARBORAI_EDIT_REMOVE, text_of(""));
    return st;
}
