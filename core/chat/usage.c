/* SPDX-License-Identifier: MIT */
/* Usage objects. OpenAI's counts contain each other (cached tokens are prompt tokens, reasoning
 * tokens are completion tokens); ours do not. Nothing here invents a count: what contradicts the
 * vendor's total stays as it came. */
#include "chat/usage.h"

#include "chat/json_line.h"
#include "json_value.h"

/* Beyond what any answer has, and small enough that no sum of them overflows. */
#define COUNT_MOST (INT64_C(1) << 53)

static const char *const class_names[HARBORAI_USAGE_CLASSES] = {
    [HARBORAI_TOKENS_INPUT] = "input",
    [HARBORAI_TOKENS_CACHE_READ] = "cache_read",
    [HARBORAI_TOKENS_CACHE_WRITE] = "cache_write",
    [HARBORAI_TOKENS_CACHE_WRITE_1H] = "cache_write_1h",
    [HARBORAI_TOKENS_OUTPUT] = "output",
    [HARBORAI_TOKENS_REASONING] = "reasoning",
    [HARBORAI_TOKENS_AUDIO_IN] = "audio_in",
    [HARBORAI_TOKENS_AUDIO_OUT] = "audio_out",
    [HARBORAI_TOKENS_IMAGE_IN] = "image_in",
    [HARBORAI_TOKENS_IMAGE_OUT] = "image_out",
    [HARBORAI_TOKENS_VIDEO_IN] = "video_in",
    [HARBORAI_TOKENS_AUDIO_CACHE_READ] = "audio_cache_read",
    [HARBORAI_TOKENS_IMAGE_CACHE_READ] = "image_cache_read",
    [HARBORAI_TOKENS_CACHE_WRITE_30M] = "cache_write_30m",
    [HARBORAI_TOKENS_CACHE_WRITE_12H] = "cache_write_12h",
    [HARBORAI_TOKENS_PREDICTION_REJECTED] = "prediction_rejected",
    [HARBORAI_UNITS_SEARCHES] = "searches",
    [HARBORAI_UNITS_IMAGES] = "images",
    [HARBORAI_UNITS_AUDIO_MS] = "audio_ms",
    [HARBORAI_UNITS_VIDEO_MS] = "video_ms",
    [HARBORAI_UNITS_PAGES] = "pages",
};

#define BIT(usage_class) (UINT32_C(1) << (usage_class))

enum {
    INPUT_CLASSES = BIT(HARBORAI_TOKENS_INPUT) | BIT(HARBORAI_TOKENS_CACHE_READ) |
                    BIT(HARBORAI_TOKENS_CACHE_WRITE) | BIT(HARBORAI_TOKENS_CACHE_WRITE_1H) |
                    BIT(HARBORAI_TOKENS_AUDIO_IN) | BIT(HARBORAI_TOKENS_IMAGE_IN) |
                    BIT(HARBORAI_TOKENS_VIDEO_IN) | BIT(HARBORAI_TOKENS_AUDIO_CACHE_READ) |
                    BIT(HARBORAI_TOKENS_IMAGE_CACHE_READ) | BIT(HARBORAI_TOKENS_CACHE_WRITE_30M) |
                    BIT(HARBORAI_TOKENS_CACHE_WRITE_12H),
    OUTPUT_CLASSES = BIT(HARBORAI_TOKENS_OUTPUT) | BIT(HARBORAI_TOKENS_REASONING) |
                     BIT(HARBORAI_TOKENS_AUDIO_OUT) | BIT(HARBORAI_TOKENS_IMAGE_OUT) |
                     BIT(HARBORAI_TOKENS_PREDICTION_REJECTED),
    CACHE_WRITES = BIT(HARBORAI_TOKENS_CACHE_WRITE) | BIT(HARBORAI_TOKENS_CACHE_WRITE_1H) |
                   BIT(HARBORAI_TOKENS_CACHE_WRITE_30M) | BIT(HARBORAI_TOKENS_CACHE_WRITE_12H),
    CACHE_READS = BIT(HARBORAI_TOKENS_CACHE_READ) | BIT(HARBORAI_TOKENS_AUDIO_CACHE_READ) |
                  BIT(HARBORAI_TOKENS_IMAGE_CACHE_READ)
};

/* ---- Reading --------------------------------------------------------------------------------- */

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
        } else if (json_int64(member.value, &number) && number >= 0 && number <= COUNT_MOST) {
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
        if ((classes & BIT(c)) != 0)
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

harborai_status usage_parse_openai(harborai_str object, harborai_usage *ret_usage,
                                   harborai_error *error)
{
    struct counts counts = {.prompt = -1, .completion = -1, .total = -1};
    harborai_usage usage = USAGE_INIT;

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
                           rest_of(&counts, counts.prompt, INPUT_CLASSES));
    if (counts.completion >= 0) {
        uint32_t inside = OUTPUT_CLASSES;
        if (reasoning_is_outside(&counts))
            inside &= ~BIT(HARBORAI_TOKENS_REASONING);
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

/* ---- Writing --------------------------------------------------------------------------------- */

static int64_t sum_of(const harborai_usage *usage, uint32_t classes)
{
    int64_t sum = 0;
    for (unsigned c = 0; c < HARBORAI_USAGE_CLASSES; c++)
        if ((classes & usage->known_mask & BIT(c)) != 0 && usage->count[c] > 0)
            sum += usage->count[c] < COUNT_MOST ? usage->count[c] : COUNT_MOST;
    return sum;
}

struct detail {
    const char *name;
    uint32_t classes;
};

/* Writes ,"name":{…} with the details that are known, or nothing. */
static void write_details(struct buf *b, const harborai_usage *usage, const char *name,
                          const struct detail *details, size_t count)
{
    bool is_open = false;
    for (size_t i = 0; i < count; i++) {
        if ((details[i].classes & usage->known_mask) == 0)
            continue;
        if (is_open)
            buf_add_char(b, ',');
        else
            buf_printf(b, ",\"%s\":{", name);
        is_open = true;
        buf_printf(b, "\"%s\":%lld", details[i].name,
                   (long long)sum_of(usage, details[i].classes));
    }
    if (is_open)
        buf_add_char(b, '}');
}

static bool is_openai_form(harborai_str object)
{
    int64_t number;
    return json_int64(json_member(object, HARBORAI_STR("prompt_tokens")), &number);
}

void usage_write_openai(struct buf *b, const harborai_usage *usage)
{
    static const struct detail of_prompt[] = {
        {"cached_tokens", CACHE_READS},
        {"cache_write_tokens", CACHE_WRITES},
        {"audio_tokens",
         BIT(HARBORAI_TOKENS_AUDIO_IN) | BIT(HARBORAI_TOKENS_AUDIO_CACHE_READ)},
        {"image_tokens",
         BIT(HARBORAI_TOKENS_IMAGE_IN) | BIT(HARBORAI_TOKENS_IMAGE_CACHE_READ)},
        {"video_tokens", BIT(HARBORAI_TOKENS_VIDEO_IN)},
    };
    static const struct detail of_completion[] = {
        {"reasoning_tokens", BIT(HARBORAI_TOKENS_REASONING)},
        {"audio_tokens", BIT(HARBORAI_TOKENS_AUDIO_OUT)},
        {"image_tokens", BIT(HARBORAI_TOKENS_IMAGE_OUT)},
        {"rejected_prediction_tokens", BIT(HARBORAI_TOKENS_PREDICTION_REJECTED)},
    };
    if (is_openai_form(usage->vendor_json)) {
        json_line_write(b, usage->vendor_json);
        return;
    }
    long long input = usage_input_total(usage), output = usage_output_total(usage);
    buf_printf(b, "{\"prompt_tokens\":%lld,\"completion_tokens\":%lld,\"total_tokens\":%lld",
               input, output, input + output);
    write_details(b, usage, "prompt_tokens_details", of_prompt, ARRAY_LEN(of_prompt));
    write_details(b, usage, "completion_tokens_details", of_completion, ARRAY_LEN(of_completion));
    buf_add_char(b, '}');
}

/* ---- Sums ------------------------------------------------------------------------------------ */

void usage_merge(harborai_usage *usage, const harborai_usage *from)
{
    usage->flags = from->flags;
    for (unsigned c = 0; c < HARBORAI_USAGE_CLASSES; c++)
        if ((from->known_mask & BIT(c)) != 0 && from->count[c] >= 0)
            harborai_usage_set(usage, c, from->count[c]);
    if (from->vendor_total > 0)
        usage->vendor_total = from->vendor_total;
    if (from->vendor_json.len > 0)
        usage->vendor_json = from->vendor_json;
}

int64_t usage_input_total(const harborai_usage *usage)
{
    return sum_of(usage, INPUT_CLASSES);
}

int64_t usage_output_total(const harborai_usage *usage)
{
    return sum_of(usage, OUTPUT_CLASSES);
}

const char *usage_class_name(unsigned usage_class)
{
    return usage_class < HARBORAI_USAGE_CLASSES ? class_names[usage_class] : NULL;
}
