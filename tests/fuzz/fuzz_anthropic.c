/* SPDX-License-Identifier: MIT */
/* Plugin anthropic, by its functions alone. The first byte says what the rest is: a request, the
 * events of an answer (one a line), the body of an error behind a line with its status, or a usage
 * object. Whatever comes: what goes out is JSON, what comes out keeps the contract of deltas, a call
 * ends once, and well only behind message_stop. */
#include "base/slice.h"
#include "chat.h"
#include "tests/unit/plugins/tiny_host.h"

static const harborai_str plain = HARBORAI_STR_INIT("{\"base_url\":\"http://a\"}");
static const harborai_str younger = HARBORAI_STR_INIT(
    "{\"base_url\":\"http://a/v1\",\"anthropic_version\":\"2026-10-21\",\"auth_style\":\"bearer\","
    "\"reasoning_effort\":\"high\",\"thinking_display\":\"omitted\",\"max_tokens\":2000}");
static const harborai_str question =
    HARBORAI_STR_INIT("{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}");

static void open_host(struct tiny_host *t, harborai_str config)
{
    MUST(tiny_host_open(t, harborai_plugin_query(HARBORAI_ABI_MAJOR), config) == HARBORAI_OK);
}

/* The host hands over one JSON object alone. */
static void try_request(harborai_str body, uint8_t choice)
{
    static const char *const models[] = {"claude-opus-4-5",   "claude-opus-4-6",   "claude-opus-4-7",
                                         "claude-opus-5",     "claude-opus-5-5",   "claude-sonnet-5-5",
                                         "claude-fable-5-1", "gpt"};
    struct tiny_host t;
    harborai_str object;
    if (json_scan(body, NULL, &object, NULL) < 0 || object.data[0] != '{')
        return;
    open_host(&t, (choice & 0x20) != 0 ? younger : plain);
    harborai_status st = tiny_host_chat(&t, models[choice >> 2 & 7], body);
    MUST(t.wrong == 0);
    MUST(t.is_started == (st >= 0));
    if (st >= 0)
        MUST(is_json(buf_slice(&t.body)));
    else
        MUST(t.error.code == st && t.error.message[0] != '\0');
    tiny_host_release(&t);
    tiny_host_close(&t);
}

static void try_events(harborai_str lines)
{
    struct tiny_host t;
    open_host(&t, plain);
    MUST(tiny_host_chat(&t, "claude-opus-5", question) >= 0);
    while (lines.len > 0)
        tiny_host_event(&t, cut_line(&lines));
    tiny_host_end(&t);
    MUST(t.wrong == 0 && t.is_finished);
    if (t.has_failed)
        MUST(t.error.code < 0 && t.error.message[0] != '\0');
    else
        MUST(is_json_line(buf_slice(&t.answer)));
    tiny_host_release(&t);
    tiny_host_close(&t);
}

static void try_error(harborai_str rest)
{
    const harborai_plugin *plugin = harborai_plugin_query(HARBORAI_ABI_MAJOR);
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_str number = cut_line(&rest);
    uint64_t status = 500;
    if (!slice_to_u64(number, &status) || status > 599)
        status = 500;
    const harborai_http_response response = {.size = sizeof response, .status = (int32_t)status};
    harborai_error_set(&error, HARBORAI_E_VENDOR, "prompt is long");
    MUST(plugin->map_error(NULL, NULL, &response, rest, &error) == HARBORAI_OK);
    MUST(error.code < 0 && error.message[0] != '\0');
    MUST(json_is_utf8(slice_of(error.vendor_code)) && json_is_utf8(slice_of(error.message)));
}

static void try_usage(harborai_str lines)
{
    const harborai_plugin *plugin = harborai_plugin_query(HARBORAI_ABI_MAJOR);
    harborai_usage usage = {.size = sizeof usage};
    while (lines.len > 0) {
        harborai_str line = cut_line(&lines);
        harborai_status st = plugin->parse_tokens(NULL, question, line, &usage, NULL);
        MUST(st <= 0 && is_within(st == 0 ? usage.vendor_json : HARBORAI_STR(""), line));
        for (int i = 0; i < HARBORAI_USAGE_CLASSES; i++)
            MUST(usage.count[i] >= 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    harborai_str rest = {(const char *)data + 1, size - 1};
    switch (data[0] & 3) {
    case 0:
        try_request(rest, data[0]);
        break;
    case 1:
        try_events(rest);
        break;
    case 2:
        try_error(rest);
        break;
    default:
        try_usage(rest);
        break;
    }
    return 0;
}
