/* SPDX-License-Identifier: MIT */
/* OpenAI's counts contain each other (cached tokens are prompt tokens, reasoning tokens are
 * completion tokens); ours do not. Nothing here invents a count: what contradicts the vendor's total
 * stays as it came. */
#include "openai_usage.h"

#include "json_value.h"

/* What a vendor's object says, each -1 = nothing: the parts that it names, by their classes, then
 * what has parts. */
enum {
    PROMPT = HARBORAI_USAGE_CLASSES,
    COMPLETION,
    TOTAL,
    INPUT, /* the two of the Responses API, */
    OUTPUT,
    NOT_OURS, /* … unless this is there: Anthropic's input_tokens does not contain what was cached */
    WRITTEN,  /* to a cache, however long it is kept */
    COUNTS
};

struct counts {
    int64_t of[COUNTS];
};

/* A member that holds a number for `count`, or an object with more such members. */
struct field {
    harborai_str name;
    const struct field *inner; /* ends with an empty name */
    int16_t count;             /* where the number goes */
};

#define COUNT(name, count) {HARBORAI_STR_INIT(name), NULL, count}
#define OBJECT(name, inner) {HARBORAI_STR_INIT(name), inner, 0}
#define END {{NULL, 0}, NULL, 0}

static const struct field cache_creation[] = {
    COUNT("ephemeral_5m_input_tokens", HARBORAI_TOKENS_CACHE_WRITE),
    COUNT("ephemeral_1h_input_tokens", HARBORAI_TOKENS_CACHE_WRITE_1H),
    END,
};

static const struct field prompt_details[] = {
    COUNT("cached_tokens", HARBORAI_TOKENS_CACHE_READ),
    COUNT("cache_write_tokens", HARBORAI_TOKENS_CACHE_WRITE),
    COUNT("audio_tokens", HARBORAI_TOKENS_AUDIO_IN),
    COUNT("image_tokens", HARBORAI_TOKENS_IMAGE_IN),
    COUNT("video_tokens", HARBORAI_TOKENS_VIDEO_IN),
    /* Qwen (Alibaba Cloud Model Studio, "Context Cache": explicit cache) */
    COUNT("cache_creation_input_tokens", WRITTEN),
    OBJECT("cache_creation", cache_creation),
    END,
};

static const struct field completion_details[] = {
    COUNT("reasoning_tokens", HARBORAI_TOKENS_REASONING),
    COUNT("audio_tokens", HARBORAI_TOKENS_AUDIO_OUT),
    COUNT("image_tokens", HARBORAI_TOKENS_IMAGE_OUT),
    COUNT("rejected_prediction_tokens", HARBORAI_TOKENS_PREDICTION_REJECTED),
    END,
};

static const struct field fields[] = {
    COUNT("prompt_tokens", PROMPT),
    COUNT("completion_tokens", COMPLETION),
    COUNT("total_tokens", TOTAL),
    OBJECT("prompt_tokens_details", prompt_details),
    OBJECT("completion_tokens_details", completion_details),
    /* The same count of cached tokens: DeepSeek; Moonshot and Qianfan; Mistral. */
    COUNT("prompt_cache_hit_tokens", HARBORAI_TOKENS_CACHE_READ),
    COUNT("cached_tokens", HARBORAI_TOKENS_CACHE_READ),
    COUNT("num_cached_tokens", HARBORAI_TOKENS_CACHE_READ),
    /* OpenAI's Responses API */
    COUNT("input_tokens", INPUT),
    COUNT("output_tokens", OUTPUT),
    OBJECT("input_tokens_details", prompt_details),
    OBJECT("output_tokens_details", completion_details),
    COUNT("cache_read_input_tokens", NOT_OURS),
    COUNT("cache_creation_input_tokens", NOT_OURS),
    END,
};

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
            int64_t *place = &counts->of[field->count];
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
    return reasoning > 0 && counts->of[TOTAL] == at_least_0(counts->of[PROMPT]) +
                                                     at_least_0(counts->of[COMPLETION]) + reasoning;
}

static void read_counts(struct counts *counts, harborai_str object)
{
    for (unsigned c = 0; c < COUNTS; c++)
        counts->of[c] = -1;
    read_object(counts, object, fields);
    if (counts->of[PROMPT] < 0 && counts->of[COMPLETION] < 0 && counts->of[NOT_OURS] < 0) {
        counts->of[PROMPT] = counts->of[INPUT];
        counts->of[COMPLETION] = counts->of[OUTPUT];
    }
    int64_t *kept = &counts->of[HARBORAI_TOKENS_CACHE_WRITE];
    int64_t others = counts->of[WRITTEN] - at_least_0(counts->of[HARBORAI_TOKENS_CACHE_WRITE_1H]);
    if (counts->of[WRITTEN] >= 0 && others > *kept)
        *kept = others;
}

static bool has_counts(const struct counts *counts)
{
    return counts->of[PROMPT] >= 0 || counts->of[COMPLETION] >= 0;
}

/* Where a whole answer, or an event of a stream, has its usage: OpenAI, gateways that wrap it, the
 * Responses API, Groq, Moonshot's streams. */
static harborai_str find_object(harborai_str json, struct counts *counts)
{
    static const harborai_str places[] = {
        HARBORAI_STR_INIT("/usage"),          HARBORAI_STR_INIT("/data/usage"),
        HARBORAI_STR_INIT("/result/usage"),   HARBORAI_STR_INIT("/response/usage"),
        HARBORAI_STR_INIT("/x_groq/usage"),   HARBORAI_STR_INIT("/choices/0/usage"),
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        harborai_str object = json_pointer_find(json, places[i]);
        read_counts(counts, object);
        if (has_counts(counts))
            return object;
    }
    return (harborai_str){NULL, 0};
}

harborai_status openai_usage_parse(harborai_str json, harborai_usage *ret_usage,
                                   harborai_error *error)
{
    struct counts counts;
    harborai_usage usage = {sizeof usage, 0, 0, 0, 0, {NULL, 0}, {0}};
    harborai_str object = json;

    read_counts(&counts, object);
    if (!has_counts(&counts))
        object = find_object(json, &counts);
    if (!has_counts(&counts))
        return harborai_error_set(error, HARBORAI_E_NOT_FOUND, "no usage in OpenAI's form");
    for (unsigned c = 0; c < HARBORAI_USAGE_CLASSES; c++)
        if (counts.of[c] >= 0)
            harborai_usage_set(&usage, c, counts.of[c]);
    if (counts.of[PROMPT] >= 0)
        harborai_usage_set(&usage, HARBORAI_TOKENS_INPUT,
                           rest_of(&counts, counts.of[PROMPT], OPENAI_USAGE_PROMPT));
    if (counts.of[COMPLETION] >= 0) {
        uint32_t inside = OPENAI_USAGE_COMPLETION;
        if (reasoning_is_outside(&counts))
            inside &= ~OPENAI_USAGE_BIT(HARBORAI_TOKENS_REASONING);
        harborai_usage_set(&usage, HARBORAI_TOKENS_OUTPUT,
                           rest_of(&counts, counts.of[COMPLETION], inside));
    }
    usage.vendor_total = at_least_0(counts.of[TOTAL]);
    usage.vendor_json = object;
    *ret_usage = usage;
    return HARBORAI_OK;
}
