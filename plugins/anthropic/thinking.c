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
    int64_t asked;        /* a budget in another vendor's words; 0 = none */
    enum field foreign;   /* that `param` is, another vendor's; 0 = it is not */
    bool is_told;         /* what became of `foreign` */
    bool is_on;           /* by `foreign` */
    harborai_str own;     /* `thinking` of the application */
    harborai_str display; /* text; empty = not said */
    const char *param;    /* the member that `say` comes from */
    bool is_option;       /* of the operator's: no member of the request is changed */
};

static harborai_status tell(struct body *b, struct plan *plan, uint32_t how)
{
    if ((plan->is_option && how != HARBORAI_CHANGED_OFF) ||
        (plan->foreign != 0 && how == HARBORAI_CHANGED_ADAPTED)) /* told by thinking_write() */
        return HARBORAI_OK;
    plan->is_told = true;
    return body_tell(b, plan->param, how);
}

#define EFFORTS "none, minimal, low, medium, high, xhigh or max"

static const struct level *level_of(harborai_str text)
{
    for (size_t i = 0; i < LEVEL_COUNT; i++)
        if (harborai_str_equal(text, levels[i].name))
            return &levels[i];
    return NULL;
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
                                             "'reasoning_effort' must be " EFFORTS);
}

/* Words that the vendor refuses: Qwen's and Qianfan's (`enable_thinking`, `thinking_budget`), and
 * OpenRouter's (`reasoning`: `effort`, `enabled`, `max_tokens`;
 * openrouter.ai/docs/use-cases/reasoning-tokens). Words that go before hold against them. */
struct foreign {
    const char *param;
    enum field field;
    bool is_off, is_on;
    int64_t budget;
    const struct level *level;
};

static harborai_status read_reasoning(struct body *b, struct foreign *f)
{
    harborai_str object = b->field[FIELD_REASONING], text;
    harborai_str effort = json_member(object, HARBORAI_STR("effort"));
    bool is_on;
    if (json_boolean(json_member(object, HARBORAI_STR("enabled")), &is_on)) {
        f->is_on = is_on;
        f->is_off = !is_on;
    }
    (void)json_int64(json_member(object, HARBORAI_STR("max_tokens")), &f->budget);
    if (effort.len == 0 || json_is_null(effort))
        return HARBORAI_OK;
    if (json_string_plain(effort, &text))
        f->level = level_of(text);
    return f->level != NULL ? HARBORAI_OK
                            : body_refuse(b, HARBORAI_E_INVALID, "/reasoning/effort",
                                          "'reasoning.effort' must be " EFFORTS);
}

static harborai_status read_switch(struct body *b, struct foreign *f)
{
    bool is_on;
    if (json_boolean(b->field[FIELD_ENABLE_THINKING], &is_on)) {
        f->is_on = is_on;
        f->is_off = !is_on;
    }
    return HARBORAI_OK;
}

static harborai_status read_budget(struct body *b, struct foreign *f)
{
    if (!json_int64(b->field[FIELD_THINKING_BUDGET], &f->budget))
        return body_refuse(b, HARBORAI_E_INVALID, f->param,
                           "'thinking_budget' must be a whole number");
    f->is_off = f->budget == 0;
    return HARBORAI_OK;
}

/* Whether it says anything that the plan can take. */
static bool take_foreign(struct plan *plan, const struct foreign *f)
{
    if (!f->is_off && !f->is_on && f->budget <= 0 && f->level == NULL)
        return false;
    if (plan->foreign != 0 && !(plan->foreign == FIELD_ENABLE_THINKING && plan->is_on && !f->is_off))
        return false;
    if (f->is_off)
        plan->level = &levels[0];
    else if (f->level != NULL || f->budget > 0 || plan->level == &levels[0])
        plan->level = f->level;
    plan->asked = plan->level == NULL ? f->budget : 0;
    plan->is_on = !f->is_off;
    plan->is_option = false;
    if (plan->foreign == 0) {
        plan->foreign = f->field;
        plan->param = f->param;
    }
    return true;
}

static harborai_status read_foreign(struct body *b, struct plan *plan)
{
    static const struct {
        enum field field;
        const char *param;
        harborai_status (*read)(struct body *b, struct foreign *f);
    } rows[] = {{FIELD_REASONING, "/reasoning", read_reasoning},
                {FIELD_ENABLE_THINKING, "/enable_thinking", read_switch},
                {FIELD_THINKING_BUDGET, "/thinking_budget", read_budget}};
    bool is_said = b->field[FIELD_THINKING].len > 0 || b->field[FIELD_REASONING_EFFORT].len > 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct foreign f = {.param = rows[i].param, .field = rows[i].field};
        if (b->field[f.field].len == 0)
            continue;
        harborai_status st = rows[i].read(b, &f);
        bool is_taken = st >= 0 && !is_said && take_foreign(plan, &f);
        if (st >= 0 && !(is_taken && plan->foreign == f.field)) /* that is told at the end */
            st = body_tell(b, f.param, is_taken ? HARBORAI_CHANGED_ADAPTED
                                                : HARBORAI_CHANGED_DROPPED);
        if (st < 0)
            return st;
    }
    return HARBORAI_OK;
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
    if (!is_adapted || plan->is_option || plan->foreign != 0)
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

/* The effort that costs about as much as a budget did. */
static const struct level *level_of_budget(int64_t budget)
{
    const struct level *level = &levels[2];
    while (level < &levels[LEVEL_COUNT - 1] && level->budget < budget)
        level++;
    return level;
}

static void turn_on(const struct body *b, struct plan *plan)
{
    bool has_level = plan->level != NULL && plan->level->effort != NULL;
    plan->say = b->rules->budget ? SAY_BUDGET : SAY_ADAPTIVE;
    plan->budget = has_level ? plan->level->budget : levels[LEVEL_MEDIUM].budget;
    if (plan->asked <= 0 || has_level)
        return;
    plan->budget = plan->asked > BUDGET_LEAST ? plan->asked : BUDGET_LEAST;
    plan->level = level_of_budget(plan->asked);
}

/* `thinking` in Anthropic's words or nearly (DeepSeek's and Ark's "enabled" has no budget, Ark has
 * "auto"), where this model has others. */
static harborai_status plan_own(struct body *b, struct plan *plan)
{
    bool takes_budget = b->rules->budget || !b->rules->hides;
    plan->own = b->field[FIELD_THINKING];
    plan->param = "/thinking";
    plan->say = SAY_OWN;
    (void)json_string_plain(json_member(plan->own, HARBORAI_STR("display")), &plan->display);
    bool has_budget = json_int64(json_member(plan->own, HARBORAI_STR("budget_tokens")),
                                 &plan->asked);
    if ((is_type(plan->own, "enabled") && !(takes_budget && has_budget)) ||
        is_type(plan->own, "auto") || (is_type(plan->own, "adaptive") && b->rules->budget)) {
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
    if (st >= 0)
        st = read_foreign(b, plan);
    if (st < 0)
        return st;
    if (json_kind(b->field[FIELD_THINKING]) == JSON_OBJECT)
        return plan_own(b, plan);
    if (plan->level != NULL && plan->level->effort == NULL)
        return turn_off(b, plan);
    if (plan->level != NULL || plan->is_on ||
        (b->settings->display.len > 0 && b->rules->off != OFF_UNSAID))
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
    if (st >= 0 && plan.foreign != 0 && !plan.is_told)
        st = body_tell(b, plan.param, HARBORAI_CHANGED_ADAPTED);
    if (st < 0)
        return st;
    b->thinks = will_think(b, &plan);
    write_thinking(b, &plan);
    write_output_config(b, plan.effort, schema);
    return HARBORAI_OK;
}
