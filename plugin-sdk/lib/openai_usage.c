/* SPDX-License-Identifier: MIT */
/* OpenAI's counts contain each other (cached tokens are prompt tokens, reasoning tokens are
 * completion tokens); ours do not. Nothing here invents a count: what contradicts the vendor's total
 * stays as it came. */
#include "openai_usage.h"

#include "json_value.h"

/* What a vendor's object says: the parts that it names, by their classes, then what has parts. */
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
    uint64_t said; /* a bit for each count; the others have no value */
    int64_t of[COUNTS];
};

static inline bool has(const struct counts *counts, unsigned count)
{
    return (counts->said >> count & 1) != 0;
}

static inline void put(struct counts *counts, unsigned count, int64_t number)
{
    counts->said |= UINT64_C(1) << count;
    counts->of[count] = number;
}

/* 0 where nothing is said. */
static inline int64_t get(const struct counts *counts, unsigned count)
{
    return has(counts, count) ? counts->of[count] : 0;
}

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
            unsigned count = (unsigned)field->count;
            if (!has(counts, count) || number > counts->of[count]) /* it may have many names */
                put(counts, count, number);
        }
    }
}

static int64_t parts_of(const struct counts *counts, uint32_t classes)
{
    int64_t sum = 0;
    for (uint64_t rest = counts->said & classes; rest != 0; rest &= rest - 1)
        sum += counts->of[__builtin_ctzll(rest)];
    return sum;
}

/* What is left of `whole` after the parts that it contains. */
static int64_t rest_of(const struct counts *counts, int64_t whole, uint32_t classes)
{
    int64_t rest = whole - parts_of(counts, classes);
    return rest > 0 ? rest : 0;
}

/* xAI counts reasoning beside completion_tokens, everybody else inside: the total tells. */
static bool reasoning_is_outside(const struct counts *counts)
{
    int64_t reasoning = get(counts, HARBORAI_TOKENS_REASONING);
    return reasoning > 0 && has(counts, TOTAL) &&
           counts->of[TOTAL] == get(counts, PROMPT) + get(counts, COMPLETION) + reasoning;
}

static void read_counts(struct counts *counts, harborai_str object)
{
    counts->said = 0;
    read_object(counts, object, fields);
    if (!has(counts, PROMPT) && !has(counts, COMPLETION) && !has(counts, NOT_OURS)) {
        if (has(counts, INPUT))
            put(counts, PROMPT, counts->of[INPUT]);
        if (has(counts, OUTPUT))
            put(counts, COMPLETION, counts->of[OUTPUT]);
    }
    if (!has(counts, WRITTEN))
        return;
    int64_t others = counts->of[WRITTEN] - get(counts, HARBORAI_TOKENS_CACHE_WRITE_1H);
    if (others >= 0 && (!has(counts, HARBORAI_TOKENS_CACHE_WRITE) ||
                        others > counts->of[HARBORAI_TOKENS_CACHE_WRITE]))
        put(counts, HARBORAI_TOKENS_CACHE_WRITE, others);
}

static bool has_counts(const struct counts *counts)
{
    return has(counts, PROMPT) || has(counts, COMPLETION);
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
    harborai_str object = json;

    read_counts(&counts, object);
    if (!has_counts(&counts))
        object = find_object(json, &counts);
    if (!has_counts(&counts))
        return harborai_error_set(error, HARBORAI_E_NOT_FOUND, "no usage in OpenAI's form");
    *ret_usage = (harborai_usage){.size = sizeof *ret_usage,
                                  .vendor_total = get(&counts, TOTAL),
                                  .vendor_json = object};
    for (uint64_t rest = counts.said & UINT32_MAX; rest != 0; rest &= rest - 1) {
        unsigned c = (unsigned)__builtin_ctzll(rest);
        harborai_usage_set(ret_usage, c, counts.of[c]);
    }
    if (has(&counts, PROMPT))
        harborai_usage_set(ret_usage, HARBORAI_TOKENS_INPUT,
                           rest_of(&counts, counts.of[PROMPT], OPENAI_USAGE_PROMPT));
    if (has(&counts, COMPLETION)) {
        uint32_t inside = OPENAI_USAGE_COMPLETION;
        if (reasoning_is_outside(&counts))
            inside &= ~OPENAI_USAGE_BIT(HARBORAI_TOKENS_REASONING);
        harborai_usage_set(ret_usage, HARBORAI_TOKENS_OUTPUT,
                           rest_of(&counts, counts.of[COMPLETION], inside));
    }
    return HARBORAI_OK;
}
