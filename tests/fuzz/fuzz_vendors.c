/* SPDX-License-Identifier: MIT */
/* The plugins of vendors that speak OpenAI's format, each with what may come from outside: a line with a
 * status, then a body, which may be anything. map_error() ends with an error whose texts end too;
 * parse_tokens() gives classes that are not negative, or nothing. A body that is an object is a request
 * too: what reaches the vendor is JSON, unless a member stands twice. */
#include <harborai/plugin.h>

#include "chat.h"
#include "chat/vendor_error.h"
#include "json_edit.h"
#include "json_value.h"

/* harborai_plugin_query() of each, by another name: see local.mk. */
const void *deepseek_query(uint32_t abi_major);
const void *doubao_query(uint32_t abi_major);
const void *openai_query(uint32_t abi_major);
const void *wenxin_query(uint32_t abi_major);

static const struct vendor {
    const void *(*query)(uint32_t abi_major);
    const char *models[4];
} vendors[] = {
    {deepseek_query, {"deepseek-flash", "deepseek-chat", "deepseek-reasoner", "deepseek-v4-pro"}},
    {doubao_query, {"doubao-seed-2-1-pro-260915", "doubao-seed-1-6-250615", "ep-1",
                    "doubao-1-5-pro-32k-250115"}},
    {openai_query, {"gpt-5.5", "gpt-4o", "o3", "o1-mini"}},
    {wenxin_query, {"ernie-5.1", "ernie-x1.1-preview", "deepseek-v4-pro", "ernie-speed-8k"}},
};

/* ---- Answers --------------------------------------------------------------------------------- */

static bool ends(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static void check_error(const harborai_plugin *plugin, int status, harborai_str body)
{
    const harborai_http_response response = {.size = sizeof response, .status = status};
    harborai_error error;
    vendor_error_parse(HARBORAI_STR("lab"), status, 0, body, &error);
    harborai_status st = plugin->map_error(NULL, NULL, &response, body, &error);
    const harborai_error *e = &error;
    MUST(st == HARBORAI_OK && e->code < 0 && e->code >= HARBORAI_E_INTERNAL);
    MUST(ends(e->message, sizeof e->message) && ends(e->vendor_code, sizeof e->vendor_code));
    MUST(e->message[0] != '\0' && ends(e->param, sizeof e->param) && e->size == sizeof *e);
}

static void check_tokens(const harborai_plugin *plugin, harborai_str body)
{
    harborai_usage usage = {.size = sizeof usage};
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_status st = plugin->parse_tokens(NULL, HARBORAI_STR("m"), body, &usage, &error);
    MUST(usage.size == sizeof usage && st <= HARBORAI_OK);
    if (st < 0) {
        MUST(usage.known_mask == 0 && error.code == st && error.message[0] != '\0');
        return;
    }
    MUST(usage.known_mask != 0 && usage.vendor_total >= 0 && is_within(usage.vendor_json, body));
    for (unsigned c = 0; c < HARBORAI_USAGE_CLASSES; c++)
        MUST(usage.count[c] >= 0);
}

/* ---- Requests -------------------------------------------------------------------------------- */

struct bench { /* host->data */
    harborai_str body;
    struct buf sent;
    void *memory[4096];
    size_t count;
};

static harborai_str config(const harborai_host *host, const char *pointer)
{
    (void)host;
    return strcmp(pointer, "/base_url") == 0 ? HARBORAI_STR("https://example.com")
                                             : (harborai_str){NULL, 0};
}

static void *alloc(harborai_call *call, size_t size)
{
    struct bench *b = call->host->data;
    if (b->count == ARRAY_LEN(b->memory))
        return NULL;
    return b->memory[b->count++] = calloc(1, size);
}

static harborai_status changed(harborai_call *call, harborai_str path, uint32_t how,
                               harborai_error *error)
{
    (void)call, (void)error;
    MUST(path.len > 1 && path.data[0] == '/' && how >= HARBORAI_CHANGED_DROPPED &&
         how <= HARBORAI_CHANGED_OFF);
    return HARBORAI_OK;
}

static void *edit_alloc(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static harborai_status http_start(harborai_call *call, const harborai_http_request *http,
                                  harborai_error *error)
{
    struct bench *b = call->host->data;
    const struct json_edit_body body = {.text = b->body};
    struct json_pieces pieces;
    void *memory;
    harborai_status st = json_edit_apply(&body, http->edits, http->edit_count, edit_alloc, NULL,
                                         &pieces, &memory, error);
    for (size_t i = 0; st >= 0 && i < pieces.count; i++)
        buf_add(&b->sent, pieces.piece[i]);
    MUST(st < 0 || is_json(buf_slice(&b->sent)));
    free(memory);
    return st;
}

static harborai_status run_chat(const harborai_plugin *plugin, struct bench *b,
                                const harborai_request *request)
{
    harborai_host host = {.size = sizeof host, .data = b, .config = config, .alloc = alloc,
                          .changed = changed, .http_start = http_start};
    harborai_call call = {.size = sizeof call, .host = &host};
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_provider *provider;

    b->body = request->body;
    b->count = 0;
    buf_init(&b->sent, MIB(4));
    MUST(plugin->create(&host, HARBORAI_STR("{}"), &provider, &error) == HARBORAI_OK);
    harborai_status st = plugin->chat(provider, &call, request, &error);
    MUST(st == HARBORAI_OK || st == HARBORAI_E_INVALID || st == HARBORAI_E_MEMORY);
    plugin->destroy(provider);
    while (b->count > 0)
        free(b->memory[--b->count]);
    return st;
}

/* What goes out is the same whether the host tells of the members or the plugin walks the body. */
static void check_request(const harborai_plugin *plugin, const char *model, harborai_str body)
{
    static struct bench walked, told;
    struct json_member found[256];
    harborai_member members[256];
    harborai_request request = {.size = sizeof request, .model = {model, strlen(model)},
                                .body = body};
    harborai_status st = run_chat(plugin, &walked, &request);
    if (json_scan_object(body, NULL, found, 256, &request.member_count, NULL) == HARBORAI_OK) {
        for (size_t i = 0; i < request.member_count; i++)
            members[i] = (harborai_member){found[i].key, found[i].value,
                                           found[i].key_escaped ? HARBORAI_MEMBER_ESCAPED : 0, 0};
        request.members = members;
        MUST(run_chat(plugin, &told, &request) == st);
        MUST(slice_equal(buf_slice(&told.sent), buf_slice(&walked.sent)));
        buf_release(&told.sent);
    }
    buf_release(&walked.sent);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    harborai_str body = {(const char *)data, size}, number = cut_line(&body), object;
    uint64_t given = 0;
    int status = slice_to_u64(number, &given) && given <= 999 ? (int)given : 500;
    bool is_object = json_scan(body, NULL, &object, NULL) == HARBORAI_OK &&
                     json_kind(object) == JSON_OBJECT;
    for (size_t i = 0; i < ARRAY_LEN(vendors); i++) {
        const harborai_plugin *plugin = vendors[i].query(HARBORAI_ABI_MAJOR);
        check_error(plugin, status, body);
        check_tokens(plugin, body);
        if (is_object)
            check_request(plugin, vendors[i].models[given % 4], object);
    }
    return 0;
}
