/* SPDX-License-Identifier: MIT */
/* OpenAI's counts contain each other (cached tokens are prompt tokens, reasoning tokens are
 * completion tokens); ours do not. Nothing here invents a count: what contradicts the vendor's total
 * stays as it came. */
#include "openai_usage.h"

#include "json_value.h"

/* What a vendor's object says; -1 = nothing. */
struct counts {
    int64_t prompt, completion, total;
    int64_t of[HARBORAI_USAGE_CLASSES]; /* the parts that it names */
};

/* A member that holds a number for `count`, or an object with more such members. */
struct field {
    harborai_str name;
    const struct field *inner; /* ends with an empty name */
    int16_t usage_class;       /* where the number goes, or one of the three below */
};

enum { TO_PROMPT = -1, TO_COMPLETION = -2, TO_TOTAL = -3 };

static const struct field prompt_details[] = {
    {HARBORAI_STR_INIT("cached_tokens"), NULL, HARBORAI_TOKENS_CACHE_READ},
    {HARBORAI_STR_INIT("cache_write_tokens"), NULL, HARBORAI_TOKENS_CACHE_WRITE},
    {HARBORAI_STR_INIT("audio_tokens"), NULL, HARBORAI_TOKENS_AUDIO_IN},
    {HARBORAI_STR_INIT("image_tokens"), NULL, HARBORAI_TOKENS_IMAGE_IN},
    {HARBORAI_STR_INIT("video_tokens"), NULL, HARBORAI_TOKENS_VIDEO_IN},
    {{NULL, 0}, NULL, 0},
};

static const struct field completion_details[] = {
    {HARBORAI_STR_INIT("reasoning_tokens"), NULL, HARBORAI_TOKENS_REASONING},
    {HARBORAI_STR_INIT("audio_tokens"), NULL, HARBORAI_TOKENS_AUDIO_OUT},
    {HARBORAI_STR_INIT("image_tokens"), NULL, HARBORAI_TOKENS_IMAGE_OUT},
    {HARBORAI_STR_INIT("rejected_prediction_tokens"), NULL, HARBORAI_TOKENS_PREDICTION_REJECTED},
    {{NULL, 0}, NULL, 0},
};

static const struct field fields[] = {
    {HARBORAI_STR_INIT("prompt_tokens"), NULL, TO_PROMPT},
    {HARBORAI_STR_INIT("completion_tokens"), NULL, TO_COMPLETION},
    {HARBORAI_STR_INIT("total_tokens"), NULL, TO_TOTAL},
    {HARBORAI_STR_INIT("prompt_tokens_details"), prompt_details, 0},
    {HARBORAI_STR_INIT("completion_tokens_details"), completion_details, 0},
    /* The same count of cached tokens: DeepSeek; Moonshot and Qianfan; Mistral. */
    {HARBORAI_STR_INIT("prompt_cache_hit_tokens"), NULL, HARBORAI_TOKENS_CACHE_READ},
    {HARBORAI_STR_INIT("cached_tokens"), NULL, HARBORAI_TOKENS_CACHE_READ},
    {HARBORAI_STR_INIT("num_cached_tokens"), NULL, HARBORAI_TOKENS_CACHE_READ},
    {{NULL, 0}, NULL, 0},
};

static int64_t *place_of(struct counts *counts, int usage_class)
{
    switch (usage_class) {
    case TO_PROMPT:
        return &counts->prompt;
    case TO_COMPLETION:
        return &counts->completion;
    case TO_TOTAL:
        return &counts->total;
    default:
        return &counts->of[usage_class];
    }
}

static void read_object(struct counts *counts, harborai_str object, const struct field *known)
{
    struct json_cursor cursor = json_open(object);
    struct json_member member;
    if (json_kind(object) != JSON_OBJECT)
        return;
    while (json_object_next(&cursor, &member)) {
        const struct field *field = known;
        int64_t number;
        while (field->name.len > 0 && !json_key_equal(&member, field->name))
            field++;
        if (field->name.len == 0)
            continue;
        if (field->inner != NULL) {
            read_object(counts, member.value, field->inner);
        } else if (json_int64(member.value, &number) && number >= 0 &&
                   number <= OPENAI_USAGE_MOST) {
            int64_t *place = place_of(counts, field->usage_class);
            *place = number > *place ? number : *place; /* of the same count under many names */
        }
    }
}

static int64_t at_least_0(int64_t number)
{
    return number > 0 ? number : 0;
}

static int64_t parts_of(const struct counts *counts, uint32_t classes)
{
    int64_t sum = 0;
    for (unsigned c = 0; c < HARBORAI_USAGE_CLASSES; c++)
        if ((classes & OPENAI_USAGE_BIT(c)) != 0)
            sum += at_least_0(counts->of[c]);
    return sum;
}

/* What is left of `whole` after the parts that it contains. */
static int64_t rest_of(const struct counts *counts, int64_t whole, uint32_t classes)
{
    return at_least_0(whole - parts_of(counts, classes));
}

/* xAI counts reasoning beside completion_tokens, everybody else inside: the total tells. */
static bool reasoning_is_outside(const struct counts *counts)
{
    int64_t reasoning = counts->of[HARBORAI_TOKENS_REASONING];
    return reasoning > 0 && counts->total == at_least_0(counts->prompt) +
                                                 at_least_0(counts->completion) + reasoning;
}

harborai_status openai_usage_parse(harborai_str object, harborai_usage *ret_usage,
                                   harborai_error *error)
{
    struct counts counts = {.prompt = -1, .completion = -1, .total = -1};
    harborai_usage usage = {sizeof usage, 0, 0, 0, 0, {NULL, 0}, {0}};

    for (unsigned c = 0; c < HARBORAI_USAGE_CLASSES; c++)
        counts.of[c] = -1;
    read_object(&counts, object, fields);
    if (counts.prompt < 0 && counts.completion < 0)
        return harborai_error_set(error, HARBORAI_E_NOT_FOUND, "no usage in OpenAI's form");
    for (unsigned c = 0; c < HARBORAI_USAGE_CLASSES; c++)
        if (counts.of[c] >= 0)
            harborai_usage_set(&usage, c, counts.of[c]);
    if (counts.prompt >= 0)
        harborai_usage_set(&usage, HARBORAI_TOKENS_INPUT,
                           rest_of(&counts, counts.prompt, OPENAI_USAGE_PROMPT));
    if (counts.completion >= 0) {
        uint32_t inside = OPENAI_USAGE_COMPLETION;
        if (reasoning_is_outside(&counts))
            inside &= ~OPENAI_USAGE_BIT(HARBORAI_TOKENS_REASONING);
        harborai_usage_set(&usage, HARBORAI_TOKENS_OUTPUT,
                           rest_of(&counts, counts.completion, inside));
    }
    usage.vendor_total = counts.total >= 0
                             ? counts.total
                             : at_least_0(counts.prompt) + at_least_0(counts.completion);
    usage.vendor_json = object;
    *ret_usage = usage;
    return HARBORAI_OK;
}
