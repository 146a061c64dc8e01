/* SPDX-License-Identifier: MIT */
/* A message's content: text, images and documents as blocks. Base64 is copied once, from the
 * application's body into the request. Blocks that are Anthropic's own go out as they came.
 * [SDK] anthropic 2.12.0: types/{text,image,document}_block_param.py and their sources. */
#include <stdio.h>

#include "json_value.h"
#include "plugins/anthropic/body.h"

enum member { TYPE, TEXT, IMAGE_URL, A_FILE, REFUSAL, CACHE, MEMBER_COUNT };

static const harborai_str member_names[MEMBER_COUNT] = {
    HARBORAI_STR_INIT("type"), HARBORAI_STR_INIT("text"),    HARBORAI_STR_INIT("image_url"),
    HARBORAI_STR_INIT("file"), HARBORAI_STR_INIT("refusal"), HARBORAI_STR_INIT("cache_control")};

struct part {
    struct body *body;
    harborai_str value;
    harborai_str member[MEMBER_COUNT];
    size_t number;
    enum turn turn;
};

__attribute__((format(printf, 3, 4))) static harborai_status
refuse(struct part *p, harborai_status code, const char *format, ...)
{
    char param[64], what[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    snprintf(param, sizeof param, "/messages/%zu/content/%zu", p->body->index, p->number);
    return body_refuse(p->body, code, param, "messages[%zu].content[%zu]: %s", p->body->index,
                       p->number, what);
}

/* ---- Text ------------------------------------------------------------------------------------ */

bool body_is_blank(harborai_str text)
{
    if (json_kind(text) != JSON_STRING)
        return true;
    const char *p = text.data + 1, *end = text.data + text.len - 1;
    for (; p < end; p++) {
        if (*p == '\\' && (p[1] == 'n' || p[1] == 'r' || p[1] == 't'))
            p++;
        else if (*p != ' ')
            return false;
    }
    return true;
}

static void write_cache(struct json_out *out, harborai_str cache)
{
    if (json_kind(cache) != JSON_OBJECT)
        return;
    json_out_key(out, "cache_control");
    json_out_raw(out, cache);
}

void body_write_text(struct json_out *out, harborai_str text, harborai_str cache)
{
    json_out_raw(out, HARBORAI_STR("{\"type\":\"text\",\"text\":"));
    json_out_raw(out, text);
    write_cache(out, cache);
    json_out_raw(out, HARBORAI_STR("}"));
}

static void begin_block(struct part *p)
{
    if (p->turn == TURN_NONE)
        json_out_item(p->body->out);
    else
        body_open_turn(p->body, p->turn);
}

static harborai_status write_text(struct part *p, harborai_str text)
{
    if (json_kind(text) != JSON_STRING)
        return refuse(p, HARBORAI_E_INVALID, "its text must be a string");
    if (body_is_blank(text)) /* refused by the vendor, and nothing is lost */
        return HARBORAI_OK;
    begin_block(p);
    body_write_text(p->body->out, text, p->member[CACHE]);
    return HARBORAI_OK;
}

static harborai_status write_text_part(struct part *p)
{
    return write_text(p, p->member[TEXT]);
}

static harborai_status write_refusal_part(struct part *p)
{
    return write_text(p, p->member[REFUSAL]);
}

/* ---- Where an image or a document comes from ------------------------------------------------- */

enum { MEDIA_TYPE_MOST = 100 };

/* Of a data: URL, in JSON: its media type, and where in the string its base64 begins. */
static bool split_data_url(harborai_str url, char media[MEDIA_TYPE_MOST + 8],
                           harborai_str *ret_base64)
{
    const char *p = url.data + 1, *end = url.data + url.len - 1;
    size_t len = 0;
    while (p < end && len <= MEDIA_TYPE_MOST) {
        char text[4];
        size_t got = json_decode_next(&p, end, text);
        if (text[0] == ',') {
            static const char base64[] = ";base64";
            const size_t tail = sizeof base64 - 1;
            media[len] = '\0';
            *ret_base64 = (harborai_str){p, (size_t)(end - p)};
            if (len <= 5 + tail || memcmp(media, "data:", 5) != 0 ||
                memcmp(media + len - tail, base64, tail) != 0)
                return false;
            media[len - tail] = '\0';
            memmove(media, media + 5, len - tail - 5 + 1);
            return true;
        }
        memcpy(media + len, text, got);
        len += got;
    }
    return false;
}

static bool begins(harborai_str url, const char *prefix)
{
    const char *p = url.data + 1, *end = url.data + url.len - 1;
    char text[4];
    for (; *prefix != '\0'; prefix++)
        if (p >= end || json_decode_next(&p, end, text) != 1 || (text[0] | 0x20) != *prefix)
            return false;
    return true;
}

/* "source" of a block; `base64` is a string's inside, as it was written. */
static void write_base64(struct json_out *out, const char *media, harborai_str base64)
{
    json_out_raw(out, HARBORAI_STR("\"source\":{\"type\":\"base64\",\"media_type\":"));
    json_out_text(out, (harborai_str){media, strlen(media)});
    json_out_raw(out, HARBORAI_STR(",\"data\":\""));
    json_out_raw(out, base64);
    json_out_raw(out, HARBORAI_STR("\"}"));
}

static void end_block(struct part *p)
{
    write_cache(p->body->out, p->member[CACHE]);
    json_out_raw(p->body->out, HARBORAI_STR("}"));
}

static harborai_status write_image_url(struct part *p)
{
    static const harborai_str names[] = {HARBORAI_STR_INIT("url"), HARBORAI_STR_INIT("detail")};
    struct json_out *out = p->body->out;
    harborai_str image = p->member[IMAGE_URL], base64, inside[2];
    body_read(image, names, inside, 2);
    harborai_str url = json_kind(image) == JSON_OBJECT ? inside[0] : image, detail = inside[1];
    char media[MEDIA_TYPE_MOST + 8], param[64];
    if (json_kind(url) != JSON_STRING)
        return refuse(p, HARBORAI_E_INVALID, "its image_url needs a 'url'");
    bool is_data = begins(url, "data:");
    if (is_data ? !split_data_url(url, media, &base64) || strncmp(media, "image/", 6) != 0
                : !begins(url, "http:") && !begins(url, "https:"))
        return refuse(p, HARBORAI_E_INVALID,
                      "its url is neither http(s) nor \"data:image/…;base64,…\"");
    begin_block(p);
    json_out_raw(out, HARBORAI_STR("{\"type\":\"image\","));
    if (is_data) {
        write_base64(out, media, base64);
    } else {
        json_out_raw(out, HARBORAI_STR("\"source\":{\"type\":\"url\",\"url\":"));
        json_out_raw(out, url);
        json_out_raw(out, HARBORAI_STR("}"));
    }
    end_block(p);
    if (json_kind(detail) != JSON_STRING || json_string_equal(detail, HARBORAI_STR("auto")))
        return HARBORAI_OK;
    snprintf(param, sizeof param, "/messages/%zu/content/%zu/image_url/detail", p->body->index,
             p->number);
    return body_tell(p->body, param, HARBORAI_CHANGED_DROPPED);
}

static harborai_status write_file(struct part *p)
{
    struct json_out *out = p->body->out;
    static const harborai_str names[] = {HARBORAI_STR_INIT("file_data"),
                                         HARBORAI_STR_INIT("file_id"),
                                         HARBORAI_STR_INIT("filename")};
    harborai_str inside[3], base64;
    body_read(p->member[A_FILE], names, inside, 3);
    harborai_str data = inside[0], id = inside[1], name = inside[2];
    char media[MEDIA_TYPE_MOST + 8];
    if (json_kind(data) != JSON_STRING && json_kind(id) == JSON_STRING) {
        begin_block(p);
        json_out_raw(out, HARBORAI_STR("{\"type\":\"document\",\"source\":{\"type\":\"file\","
                                       "\"file_id\":"));
        json_out_raw(out, id);
        json_out_raw(out, HARBORAI_STR("}"));
        end_block(p);
        return HARBORAI_OK;
    }
    if (json_kind(data) != JSON_STRING || !split_data_url(data, media, &base64) ||
        (strcmp(media, "application/pdf") != 0 && strncmp(media, "image/", 6) != 0))
        return refuse(p, HARBORAI_E_UNSUPPORTED,
                      "a file must be a PDF, as file_data \"data:application/pdf;base64,…\"");
    begin_block(p);
    bool is_pdf = media[0] == 'a';
    json_out_raw(out, is_pdf ? HARBORAI_STR("{\"type\":\"document\",")
                             : HARBORAI_STR("{\"type\":\"image\","));
    write_base64(out, media, base64);
    if (is_pdf && json_kind(name) == JSON_STRING) {
        json_out_key(out, "title");
        json_out_raw(out, name);
    }
    end_block(p);
    return HARBORAI_OK;
}

/* ---- By type --------------------------------------------------------------------------------- */

static harborai_status write_as_it_is(struct part *p)
{
    harborai_str type = p->member[TYPE];
    begin_block(p);
    json_out_raw(p->body->out, p->value);
    p->body->last_has_replay |= json_string_equal(type, HARBORAI_STR("thinking")) ||
                                json_string_equal(type, HARBORAI_STR("redacted_thinking"));
    p->body->last_has_tools |= json_string_equal(type, HARBORAI_STR("tool_use"));
    return HARBORAI_OK;
}

static harborai_status refuse_sound(struct part *p)
{
    return refuse(p, HARBORAI_E_UNSUPPORTED, "Anthropic's models do not hear: send text instead");
}

static harborai_status refuse_video(struct part *p)
{
    return refuse(p, HARBORAI_E_UNSUPPORTED,
                  "Anthropic's models take no video: send images of it instead");
}

static const struct {
    harborai_str type;
    harborai_status (*write)(struct part *p);
} types[] = {
    {HARBORAI_STR_INIT("text"), write_text_part},
    {HARBORAI_STR_INIT("image_url"), write_image_url},
    {HARBORAI_STR_INIT("file"), write_file},
    {HARBORAI_STR_INIT("refusal"), write_refusal_part},
    {HARBORAI_STR_INIT("input_audio"), refuse_sound},
    {HARBORAI_STR_INIT("video_url"), refuse_video},
    /* Anthropic's: an application that was written for it may send them */
    {HARBORAI_STR_INIT("image"), write_as_it_is},
    {HARBORAI_STR_INIT("document"), write_as_it_is},
    {HARBORAI_STR_INIT("search_result"), write_as_it_is},
    {HARBORAI_STR_INIT("container_upload"), write_as_it_is},
    {HARBORAI_STR_INIT("thinking"), write_as_it_is},
    {HARBORAI_STR_INIT("redacted_thinking"), write_as_it_is},
    {HARBORAI_STR_INIT("tool_use"), write_as_it_is},
    {HARBORAI_STR_INIT("tool_result"), write_as_it_is},
};

static harborai_status write_part(struct part *p)
{
    harborai_str type, plain;
    body_read(p->value, member_names, p->member, MEMBER_COUNT);
    type = p->member[TYPE];
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (json_string_equal(type, types[i].type))
            return types[i].write(p);
    if (!json_string_plain(type, &plain) || plain.len > 40)
        return refuse(p, HARBORAI_E_INVALID, "it has no 'type' that is known");
    return refuse(p, HARBORAI_E_UNSUPPORTED,
                  "Anthropic's Messages API has nothing for a part of type '%.*s'",
                  (int)plain.len, plain.data);
}

harborai_status body_write_content(struct body *b, harborai_str content, harborai_str cache,
                                   enum turn turn)
{
    struct json_cursor cursor = json_open(content);
    struct part part = {.body = b, .turn = turn};
    enum json_kind kind = json_kind(content);
    char param[64];
    if (kind == JSON_STRING) {
        if (!body_is_blank(content)) {
            begin_block(&part);
            body_write_text(b->out, content, cache);
        }
        return HARBORAI_OK;
    }
    if (kind != JSON_ARRAY && kind != JSON_NULL && kind != JSON_NONE) {
        snprintf(param, sizeof param, "/messages/%zu/content", b->index);
        return body_refuse(b, HARBORAI_E_INVALID, param,
                           "messages[%zu].content must be a string or an array of parts", b->index);
    }
    if (kind != JSON_ARRAY)
        return HARBORAI_OK;
    for (; json_array_next(&cursor, &part.value); part.number++) {
        harborai_status st = write_part(&part);
        if (st < 0)
            return st;
    }
    return HARBORAI_OK;
}
