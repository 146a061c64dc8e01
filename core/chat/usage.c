/* SPDX-License-Identifier: MIT */
/* Usage objects: how they are written, and added up; how they are read is openai_usage's affair.
 * Must never invent a count. */
#include "chat/usage.h"

#include "chat/json_line.h"
#include "json_value.h"
#include "openai_usage.h"

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

#define BIT(usage_class) OPENAI_USAGE_BIT(usage_class)

enum {
    CACHE_WRITES = BIT(HARBORAI_TOKENS_CACHE_WRITE) | BIT(HARBORAI_TOKENS_CACHE_WRITE_1H) |
                   BIT(HARBORAI_TOKENS_CACHE_WRITE_30M) | BIT(HARBORAI_TOKENS_CACHE_WRITE_12H),
    CACHE_READS = BIT(HARBORAI_TOKENS_CACHE_READ) | BIT(HARBORAI_TOKENS_AUDIO_CACHE_READ) |
                  BIT(HARBORAI_TOKENS_IMAGE_CACHE_READ)
};

harborai_status usage_parse_openai(harborai_str object, harborai_usage *ret_usage,
                                   harborai_error *error)
{
    return openai_usage_parse(object, ret_usage, error);
}

/* ---- Writing --------------------------------------------------------------------------------- */

static int64_t sum_of(const harborai_usage *usage, uint32_t classes)
{
    int64_t sum = 0;
    for (uint32_t rest = classes & usage->known_mask; rest != 0; rest &= rest - 1) {
        int64_t count = usage->count[__builtin_ctz(rest)];
        if (count > 0)
            sum += count < OPENAI_USAGE_MOST ? count : OPENAI_USAGE_MOST;
    }
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

/* What the vendor says by names of its own. */
static void write_vendor_members(struct buf *b, harborai_str object)
{
    static const harborai_str ours[] = {
        HARBORAI_STR_INIT("prompt_tokens"),         HARBORAI_STR_INIT("completion_tokens"),
        HARBORAI_STR_INIT("total_tokens"),          HARBORAI_STR_INIT("prompt_tokens_details"),
        HARBORAI_STR_INIT("completion_tokens_details"),
    };
    struct json_cursor cursor = json_open(object);
    struct json_member member;
    while (json_kind(object) == JSON_OBJECT && json_object_next(&cursor, &member)) {
        size_t i = 0;
        while (i < ARRAY_LEN(ours) && !json_key_equal(&member, ours[i]))
            i++;
        if (i < ARRAY_LEN(ours))
            continue;
        buf_add_char(b, ',');
        json_line_write(b, member.span);
    }
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
    write_vendor_members(b, usage->vendor_json);
    buf_add_char(b, '}');
}

/* ---- Sums ------------------------------------------------------------------------------------ */

void usage_merge(harborai_usage *usage, const harborai_usage *from)
{
    usage->flags = from->flags;
    for (uint32_t rest = from->known_mask; rest != 0; rest &= rest - 1) {
        unsigned c = (unsigned)__builtin_ctz(rest);
        if (from->count[c] >= 0)
            harborai_usage_set(usage, c, from->count[c]);
    }
    if (from->vendor_total > 0)
        usage->vendor_total = from->vendor_total;
    if (from->vendor_json.len > 0)
        usage->vendor_json = from->vendor_json;
}

int64_t usage_input_total(const harborai_usage *usage)
{
    return sum_of(usage, OPENAI_USAGE_PROMPT);
}

int64_t usage_output_total(const harborai_usage *usage)
{
    return sum_of(usage, OPENAI_USAGE_COMPLETION);
}

const char *usage_class_name(unsigned usage_class)
{
    return usage_class < HARBORAI_USAGE_CLASSES ? class_names[usage_class] : NULL;
}
