/* SPDX-License-Identifier: MIT */
/* The table of a model decides; what no table has goes out as it was sent, for the vendor to judge. */
#include "reasoning_request.h"

#include "json_value.h"

/* What a switch says. */
enum wish { UNSAID, OFF, ON, AUTO };

static const char *const effort_words[REASONING_EFFORTS] = {
    [REASONING_MINIMAL] = "minimal", [REASONING_LOW] = "low",     [REASONING_MEDIUM] = "medium",
    [REASONING_HIGH] = "high",       [REASONING_XHIGH] = "xhigh", [REASONING_MAX] = "max",
};

static bool is_word(harborai_str value, const char *word)
{
    return json_string_equal(value, (harborai_str){word, strlen(word)});
}

/* Of "enabled" and `true`; "adaptive" is Anthropic's word for "auto". */
static enum wish wish_of(const struct chat_edits *e, enum chat_member member)
{
    harborai_str value = e->values[member];
    bool is_on;
    if (member == CHAT_ENABLE_THINKING)
        return !json_boolean(value, &is_on) ? UNSAID : is_on ? ON : OFF;
    value = json_member(value, HARBORAI_STR("type"));
    if (is_word(value, "auto") || is_word(value, "adaptive"))
        return AUTO;
    return is_word(value, "disabled") ? OFF : is_word(value, "enabled") ? ON : UNSAID;
}

static void set_switch(struct chat_edits *e, const struct reasoning_dialect *d, enum wish wish)
{
    if ((d->flags & REASONING_ALWAYS) != 0)
        return; /* on it is, and the switch may be refused */
    if (d->own == CHAT_ENABLE_THINKING)
        chat_edits_set(e, d->own, wish == OFF ? HARBORAI_STR("false") : HARBORAI_STR("true"));
    else if (d->own == CHAT_THINKING && wish == AUTO)
        chat_edits_set(e, d->own, HARBORAI_STR("{\"type\":\"auto\"}"));
    else if (d->own == CHAT_THINKING)
        chat_edits_set(e, d->own, wish == OFF ? HARBORAI_STR("{\"type\":\"disabled\"}")
                                              : HARBORAI_STR("{\"type\":\"enabled\"}"));
}

static bool can_say(const struct reasoning_dialect *d, enum wish wish)
{
    if (d->own == 0)
        return wish == ON && (d->flags & REASONING_ALWAYS) != 0;
    return wish != OFF || (d->flags & REASONING_ALWAYS) == 0;
}

/* The wish, in the model's own words. */
static void translate(struct chat_edits *e, const struct reasoning_dialect *d,
                      enum chat_member said, enum wish wish)
{
    chat_edits_remove(e, said);
    if (!can_say(d, wish)) {
        chat_edits_tell(e, said, HARBORAI_CHANGED_DROPPED);
        return;
    }
    if (wish != AUTO || (d->flags & REASONING_AUTO) != 0)
        set_switch(e, d, wish); /* else what the model does by itself is the nearest */
    chat_edits_tell(e, said, HARBORAI_CHANGED_ADAPTED);
}

/* Its own switch goes out as it is, but for a word that no model of the vendor takes. */
static enum wish read_own(struct chat_edits *e, const struct reasoning_dialect *d)
{
    if (d->own == 0 || !chat_edits_has(e, d->own))
        return UNSAID;
    enum wish wish = wish_of(e, d->own);
    harborai_str type = json_member(e->values[d->own], HARBORAI_STR("type"));
    if (wish == AUTO && ((d->flags & REASONING_AUTO) == 0 || is_word(type, "adaptive")))
        translate(e, d, d->own, AUTO);
    return wish;
}

static enum wish read_foreign(struct chat_edits *e, const struct reasoning_dialect *d,
                              enum wish own)
{
    enum chat_member foreign = d->own == CHAT_ENABLE_THINKING ? CHAT_THINKING
                                                              : CHAT_ENABLE_THINKING;
    if (!chat_edits_has(e, foreign))
        return own;
    enum wish wish = wish_of(e, foreign);
    if (own != UNSAID || wish == UNSAID) {
        chat_edits_drop(e, foreign);
        return own;
    }
    translate(e, d, foreign, wish);
    return wish == OFF && !can_say(d, OFF) ? UNSAID : wish;
}

/* Without an index: "none", or a word that is in no table. */
static int effort_of(harborai_str value)
{
    for (int i = 0; i < REASONING_EFFORTS; i++)
        if (is_word(value, effort_words[i]))
            return i;
    return -1;
}

static enum wish read_none(struct chat_edits *e, const struct reasoning_dialect *d, enum wish wish)
{
    if (wish != UNSAID) { /* the switch has said it, or holds against it */
        chat_edits_remove(e, CHAT_REASONING_EFFORT);
        chat_edits_tell(e, CHAT_REASONING_EFFORT,
                        wish == OFF ? HARBORAI_CHANGED_ADAPTED : HARBORAI_CHANGED_DROPPED);
        return wish;
    }
    if (d->own == 0 && (d->flags & REASONING_ALWAYS) == 0) { /* it never thinks: as wished */
        chat_edits_remove(e, CHAT_REASONING_EFFORT);
        return OFF;
    }
    translate(e, d, CHAT_REASONING_EFFORT, OFF);
    return can_say(d, OFF) ? OFF : UNSAID;
}

static enum wish read_effort(struct chat_edits *e, const struct reasoning_dialect *d,
                             enum wish wish)
{
    harborai_str said = e->values[CHAT_REASONING_EFFORT];
    bool thinks = d->own != 0 || (d->flags & REASONING_ALWAYS) != 0;
    int effort = effort_of(said);

    if (said.len == 0)
        return wish;
    if (is_word(said, "none") ||
        (effort == REASONING_MINIMAL && (d->flags & REASONING_MINIMAL_OFF) != 0))
        return read_none(e, d, wish);
    if (wish == OFF || !thinks) {
        chat_edits_drop(e, CHAT_REASONING_EFFORT);
        return wish;
    }
    if (effort < 0)
        return wish;
    if (d->efforts[effort] == NULL) {
        translate(e, d, CHAT_REASONING_EFFORT, wish == UNSAID ? ON : wish);
        return wish == UNSAID ? ON : wish;
    }
    if (strcmp(d->efforts[effort], effort_words[effort]) != 0) {
        chat_edits_set_text(e, CHAT_REASONING_EFFORT, d->efforts[effort]);
        chat_edits_tell(e, CHAT_REASONING_EFFORT, HARBORAI_CHANGED_ADAPTED);
    }
    if (wish == UNSAID && (d->flags & REASONING_BY_EFFORT) != 0) {
        set_switch(e, d, ON);
        return ON;
    }
    return wish;
}

/* As if it had been sent by this name. */
static void read_as(struct chat_edits *e, enum chat_member member, harborai_str value)
{
    e->values[member] = value;
    chat_edits_set(e, member, value);
    chat_edits_tell(e, CHAT_REASONING, HARBORAI_CHANGED_ADAPTED);
}

/* OpenRouter's {"effort": …} or {"enabled": …}; what stands beside it in other words holds. */
static void read_reasoning(struct chat_edits *e)
{
    harborai_str effort = json_member(e->values[CHAT_REASONING], HARBORAI_STR("effort"));
    harborai_str enabled = json_member(e->values[CHAT_REASONING], HARBORAI_STR("enabled"));
    bool is_on;

    if (!chat_edits_has(e, CHAT_REASONING))
        return;
    chat_edits_remove(e, CHAT_REASONING);
    if (json_kind(effort) == JSON_STRING && !chat_edits_has(e, CHAT_REASONING_EFFORT))
        read_as(e, CHAT_REASONING_EFFORT, effort);
    else if (json_boolean(enabled, &is_on) && !chat_edits_has(e, CHAT_REASONING_EFFORT) &&
             !chat_edits_has(e, CHAT_THINKING) && !chat_edits_has(e, CHAT_ENABLE_THINKING))
        read_as(e, CHAT_ENABLE_THINKING, enabled);
    else
        chat_edits_tell(e, CHAT_REASONING, HARBORAI_CHANGED_DROPPED);
}

bool reasoning_request(struct chat_edits *e, const struct reasoning_dialect *dialect)
{
    read_reasoning(e);
    enum wish wish = read_effort(e, dialect, read_foreign(e, dialect, read_own(e, dialect)));
    if ((dialect->flags & REASONING_BUDGET) == 0)
        chat_edits_drop(e, CHAT_THINKING_BUDGET);
    return wish == UNSAID ? (dialect->flags & (REASONING_BY_DEFAULT | REASONING_ALWAYS)) != 0
                          : wish != OFF;
}

void reasoning_request_off(struct chat_edits *e, const struct reasoning_dialect *dialect)
{
    bool by_effort = chat_edits_has(e, CHAT_REASONING_EFFORT) && !chat_edits_has(e, dialect->own);
    set_switch(e, dialect, OFF);
    chat_edits_remove(e, CHAT_REASONING_EFFORT);
    chat_edits_tell(e, by_effort ? CHAT_REASONING_EFFORT : dialect->own, HARBORAI_CHANGED_OFF);
}

const struct reasoning_dialect *reasoning_dialect_of(const struct reasoning_family *families,
                                                     harborai_str model)
{
    size_t len;
    while ((len = strlen(families->prefix)) > 0 &&
           (model.len < len || memcmp(model.data, families->prefix, len) != 0))
        families++;
    return families->dialect;
}
