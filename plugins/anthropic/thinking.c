/* SPDX-License-Identifier: MIT */
/* Thinking, by the model's rules. What the application says in Anthropic's own words goes out as it
 * is, unless the model is known to refuse it; what it says in OpenAI's is put into the form that the
 * model has. Sources: see models.c; [M] platform.claude.com/docs/en/build-with-claude/
 * thinking-tool-workflows: with budgets alone tools cannot be forced; [E] …/extended-thinking:
 * budget_tokens from 1024 on and below max_tokens. */
#include "plugins/anthropic/thinking.h"

#include "json_value.h"
#include "plugins/anthropic/body.h"

enum { BUDGET_LEAST = 1024 };

static const struct level {
    const char *name;
    const char *effort; /* of output_config; NULL = off */
    int64_t budget;     /* where the model wants tokens: ours, since no vendor's table says so */
} levels[] = {
    {"none", NULL, 0},           {"minimal", "low", BUDGET_LEAST}, {"low", "low", 4096},
    {"medium", "medium", 10000}, {"high", "high", 20000},          {"xhigh", "xhigh", 28000},
    {"max", "max", 32000},
};
enum { LEVEL_MEDIUM = 3, LEVEL_HIGH = 4, LEVEL_COUNT = sizeof levels / sizeof *levels };

enum say { SAY_NOTHING, SAY_DISABLED, SAY_BETWEEN, SAY_ADAPTIVE, SAY_BUDGET, SAY_OWN };

struct plan {
    enum say say;
    const struct level *level; /* what was asked for; NULL = nothing */
    const char *effort;        /* of output_config; NULL = nothing */
    int64_t budget;
    harborai_str own;     /* `thinking` of the application */
    harborai_str display; /* text; empty = not said */
    const char *param;    /* the member that `say` comes from */
    bool is_option;       /* of the operator's: no member of the request is changed */
};

static harborai_status tell(struct body *b, const struct plan *plan, uint32_t how)
{
    return plan->is_option && how != HARBORAI_CHANGED_OFF ? HARBORAI_OK
                                                          : body_tell(b, plan->param, how);
}

static const struct level *level_of(harborai_str text)
{
    for (size_t i = 0; i < LEVEL_COUNT; i++)
        if (harborai_str_equal(text, levels[i].name))
            return &levels[i];
    return NULL;
}

bool thinking_is_effort(harborai_str text)
{
    return level_of(text) != NULL;
}

static bool is_type(harborai_str thinking, const char *type)
{
    harborai_str text = {type, strlen(type)};
    return json_string_equal(json_member(thinking, HARBORAI_STR("type")), text);
}

/* ---- What is asked for ----------------------------------------------------------------------- */

static harborai_status read_level(struct body *b, struct plan *plan)
{
    harborai_str said = b->field[FIELD_REASONING_EFFORT], text;
    plan->param = "/reasoning_effort";
    if (said.len == 0) {
        plan->is_option = b->settings->effort.len > 0 && b->field[FIELD_THINKING].len == 0;
        if (plan->is_option)
            plan->level = level_of(b->settings->effort);
        return HARBORAI_OK;
    }
    if (json_string_plain(said, &text))
        plan->level = level_of(text);
    return plan->level != NULL ? HARBORAI_OK
                               : body_refuse(b, HARBORAI_E_INVALID, "/reasoning_effort",
                                             "'reasoning_effort' must be " THINKING_EFFORTS);
}

/* The nearest effort that the model has. */
static harborai_status choose_effort(struct body *b, struct plan *plan)
{
    const struct level *level = plan->level;
    bool is_off = plan->say == SAY_DISABLED || plan->say == SAY_BETWEEN ||
                  (plan->say == SAY_OWN && is_type(plan->own, "disabled"));
    bool is_adapted = level == &levels[1];
    if (level == NULL || level->effort == NULL || b->rules->budget)
        return HARBORAI_OK;
    if ((level == &levels[LEVEL_HIGH + 1] && !b->rules->xhigh) ||
        (level > &levels[LEVEL_HIGH] && is_off && b->rules->low_off)) {
        level = &levels[LEVEL_HIGH];
        is_adapted = true;
    }
    plan->effort = level->effort;
    if (!is_adapted || plan->is_option)
        return HARBORAI_OK;
    return body_tell(b, "/reasoning_effort", HARBORAI_CHANGED_ADAPTED);
}

static harborai_status turn_off(struct body *b, struct plan *plan)
{
    switch (b->rules->off) {
    case OFF_UNSAID:
        plan->say = SAY_NOTHING;
        return HARBORAI_OK;
    case OFF_DISABLED:
        plan->say = SAY_DISABLED;
        return HARBORAI_OK;
    case OFF_BETWEEN:
        plan->say = SAY_BETWEEN;
        break;
    case OFF_NEVER:
        plan->say = SAY_NOTHING;
        if (plan->level == NULL || plan->level->effort == NULL)
            plan->effort = "low";
        break;
    }
    return tell(b, plan, HARBORAI_CHANGED_ADAPTED);
}

static void turn_on(const struct body *b, struct plan *plan)
{
    plan->say = b->rules->budget ? SAY_BUDGET : SAY_ADAPTIVE;
    plan->budget = plan->level != NULL ? plan->level->budget : levels[LEVEL_MEDIUM].budget;
}

/* The effort that costs about as much as a budget did. */
static const struct level *level_of_budget(int64_t budget)
{
    const struct level *level = &levels[2];
    while (level < &levels[LEVEL_COUNT - 1] && level->budget < budget)
        level++;
    return level;
}

/* `thinking` in Anthropic's words, where this model has others. */
static harborai_status plan_own(struct body *b, struct plan *plan)
{
    bool takes_budget = b->rules->budget || !b->rules->hides;
    int64_t budget;
    plan->own = b->field[FIELD_THINKING];
    plan->param = "/thinking";
    plan->say = SAY_OWN;
    (void)json_string_plain(json_member(plan->own, HARBORAI_STR("display")), &plan->display);
    if (is_type(plan->own, "enabled") && !takes_budget) {
        turn_on(b, plan);
        if (plan->level == NULL &&
            json_int64(json_member(plan->own, HARBORAI_STR("budget_tokens")), &budget))
            plan->level = level_of_budget(budget);
        return body_tell(b, "/thinking", HARBORAI_CHANGED_ADAPTED);
    }
    if (is_type(plan->own, "adaptive") && b->rules->budget) {
        turn_on(b, plan);
        return body_tell(b, "/thinking", HARBORAI_CHANGED_ADAPTED);
    }
    if (is_type(plan->own, "disabled") &&
        (b->rules->off == OFF_BETWEEN || b->rules->off == OFF_NEVER))
        return turn_off(b, plan);
    return HARBORAI_OK;
}

static harborai_status plan_all(struct body *b, struct plan *plan)
{
    harborai_status st = read_level(b, plan);
    if (st < 0)
        return st;
    if (json_kind(b->field[FIELD_THINKING]) == JSON_OBJECT)
        return plan_own(b, plan);
    if (plan->level != NULL && plan->level->effort == NULL)
        return turn_off(b, plan);
    if (plan->level != NULL || (b->settings->display.len > 0 && b->rules->off != OFF_UNSAID))
        turn_on(b, plan);
    return HARBORAI_OK;
}

/* ---- What stands against it ------------------------------------------------------------------ */

/* Off for this turn. Only models with budgets come here, which do not think unless told to. */
static harborai_status give_up(struct body *b, struct plan *plan, uint32_t how)
{
    plan->say = SAY_NOTHING;
    return tell(b, plan, how);
}

/* What there is room for below max_tokens: the half, and never less than a lower level gets. */
static int64_t budget_within(int64_t max_tokens, int64_t wanted)
{
    int64_t budget = max_tokens / 2 > BUDGET_LEAST ? max_tokens / 2 : BUDGET_LEAST;
    for (size_t i = 0; i < LEVEL_COUNT; i++)
        if (levels[i].budget < max_tokens && levels[i].budget < wanted &&
            levels[i].budget > budget)
            budget = levels[i].budget;
    return budget;
}

/* With a budget the vendor wants the thinking of the last assistant's turn back where that called
 * tools ("Expected `thinking` or `redacted_thinking`, but found `tool_use`": 400, seen in
 * github.com/anomalyco/opencode/issues/3077), and no forced tool [M]. Adaptive thinking is content
 * without it: the model may not have thought at all. */
static harborai_status check_budget(struct body *b, struct plan *plan)
{
    bool is_own = plan->say == SAY_OWN && is_type(plan->own, "enabled");
    if (plan->say != SAY_BUDGET && !is_own)
        return HARBORAI_OK;
    if (b->last_has_tools && !b->last_has_replay)
        return give_up(b, plan, HARBORAI_CHANGED_OFF);
    if (is_own)
        return HARBORAI_OK;
    if (b->forces_tool || b->max_tokens <= BUDGET_LEAST) /* [M] [E] */
        return give_up(b, plan, HARBORAI_CHANGED_DROPPED);
    if (plan->budget < b->max_tokens)
        return HARBORAI_OK;
    plan->budget = budget_within(b->max_tokens, plan->budget);
    return tell(b, plan, HARBORAI_CHANGED_ADAPTED);
}

static bool will_think(const struct body *b, const struct plan *plan)
{
    switch (plan->say) {
    case SAY_ADAPTIVE:
    case SAY_BUDGET:
        return true;
    case SAY_OWN:
        return is_type(plan->own, "enabled") || is_type(plan->own, "adaptive");
    case SAY_NOTHING:
        return b->rules->off != OFF_UNSAID;
    case SAY_DISABLED:
    case SAY_BETWEEN:
        break;
    }
    return false;
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* An application that asks for reasoning wants to read it; the younger models hide it unless told
 * (whats-new-sonnet-5-5: display is "omitted" by default). */
static harborai_str display_of(const struct body *b, const struct plan *plan)
{
    if (plan->display.len > 0)
        return plan->display;
    if (b->settings->display.len > 0)
        return b->settings->display;
    return b->rules->hides ? HARBORAI_STR("summarized") : HARBORAI_STR("");
}

static void write_thinking(struct body *b, const struct plan *plan)
{
    static const char *const types[] = {[SAY_DISABLED] = "disabled",
                                        [SAY_BETWEEN] = "between_tools",
                                        [SAY_ADAPTIVE] = "adaptive",
                                        [SAY_BUDGET] = "enabled"};
    harborai_str display = display_of(b, plan);
    if (plan->say == SAY_NOTHING)
        return;
    json_out_key(b->out, "thinking");
    if (plan->say == SAY_OWN) {
        json_out_raw(b->out, plan->own);
        return;
    }
    json_out_open(b->out, '{');
    json_out_key(b->out, "type");
    json_out_text(b->out, (harborai_str){types[plan->say], strlen(types[plan->say])});
    if (plan->say == SAY_BUDGET) {
        json_out_key(b->out, "budget_tokens");
        json_out_int64(b->out, plan->budget);
    }
    if ((plan->say == SAY_ADAPTIVE || plan->say == SAY_BUDGET) && display.len > 0) {
        json_out_key(b->out, "display");
        json_out_text(b->out, display);
    }
    json_out_close(b->out, '}');
}

/* The schema of response_format, empty = none that this model can be given. */
static harborai_status read_schema(struct body *b, harborai_str *ret_schema)
{
    harborai_str format = b->field[FIELD_RESPONSE_FORMAT];
    harborai_str type = json_member(format, HARBORAI_STR("type"));
    if (format.len == 0 || json_string_equal(type, HARBORAI_STR("text")))
        return HARBORAI_OK;
    *ret_schema = json_pointer_find(format, HARBORAI_STR("/json_schema/schema"));
    if (json_string_equal(type, HARBORAI_STR("json_schema")) && b->rules->schema &&
        json_kind(*ret_schema) == JSON_OBJECT)
        return HARBORAI_OK;
    *ret_schema = HARBORAI_STR("");
    return body_tell(b, "/response_format", HARBORAI_CHANGED_DROPPED);
}

/* The application's own members win. */
static void write_output_config(struct body *b, const char *effort, harborai_str schema)
{
    harborai_str own = b->field[FIELD_OUTPUT_CONFIG];
    struct json_cursor cursor = json_open(own);
    struct json_member member;
    if (json_member(own, HARBORAI_STR("effort")).len > 0)
        effort = NULL;
    if (json_member(own, HARBORAI_STR("format")).len > 0)
        schema.len = 0;
    if (own.len == 0 && effort == NULL && schema.len == 0)
        return;
    json_out_key(b->out, "output_config");
    json_out_open(b->out, '{');
    while (json_kind(own) == JSON_OBJECT && json_object_next(&cursor, &member)) {
        json_out_item(b->out);
        json_out_raw(b->out, member.span);
    }
    if (effort != NULL) {
        json_out_key(b->out, "effort");
        json_out_text(b->out, (harborai_str){effort, strlen(effort)});
    }
    if (schema.len > 0) {
        json_out_key(b->out, "format");
        json_out_raw(b->out, HARBORAI_STR("{\"type\":\"json_schema\",\"schema\":"));
        json_out_raw(b->out, schema);
        json_out_close(b->out, '}');
    }
    json_out_close(b->out, '}');
}

harborai_status thinking_write(struct body *b)
{
    struct plan plan = {0};
    harborai_str schema = {NULL, 0};
    harborai_status st = plan_all(b, &plan);
    if (st >= 0)
        st = choose_effort(b, &plan);
    if (st >= 0)
        st = check_budget(b, &plan);
    if (st >= 0)
        st = read_schema(b, &schema);
    if (st < 0)
        return st;
    b->thinks = will_think(b, &plan);
    write_thinking(b, &plan);
    write_output_config(b, plan.effort, schema);
    return HARBORAI_OK;
}
