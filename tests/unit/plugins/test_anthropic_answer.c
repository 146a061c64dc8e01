/* SPDX-License-Identifier: MIT */
/* Anthropic's events in, OpenAI's answer out; errors; usage. In the rows ' stands for ", and each
 * line is an event. Sources of the streams: platform.claude.com/docs/en/build-with-claude/streaming
 * and …/extended-thinking, "Streaming thinking"; the vendor's SDK, anthropic 2.12.0. */
#include "base/buf.h"
#include "base/limits.h"
#include "json_value.h"
#include "tests/unit/plugins/tiny_host.h"
#include "tests/unit/unit.h"

#define START                                                                                      \
    "{'type':'message_start','message':{'id':'msg_1','type':'message','role':'assistant',"         \
    "'model':'claude-x','content':[],'stop_reason':null,'usage':{'input_tokens':25,"               \
    "'cache_creation_input_tokens':30,'cache_read_input_tokens':7,'cache_creation':{"              \
    "'ephemeral_5m_input_tokens':10,'ephemeral_1h_input_tokens':20},'output_tokens':1,"            \
    "'service_tier':'standard'}}}\n"
#define BLOCK(block) "{'type':'content_block_start','index':0,'content_block':" block "}\n"
#define DELTA(delta) "{'type':'content_block_delta','index':0,'delta':" delta "}\n"
#define AT(event, index, rest) "{'type':'content_block_" event "','index':" index "," rest "}\n"
#define TOOL_BLOCK(id) "'content_block':{'type':'tool_use','id':'" id "','name':'f','input':{}}"
#define INPUT(piece)   "'delta':{'type':'input_json_delta','partial_json':'" piece "'}"
#define TEXT(text)   DELTA("{'type':'text_delta','text':'" text "'}")
#define CLOSE        "{'type':'content_block_stop','index':0}\n"
#define WHY(reason)                                                                                \
    "{'type':'message_delta','delta':{'stop_reason':'" reason "','stop_sequence':null},"           \
    "'usage':{'output_tokens':15}}\n"
#define STOP    "{'type':'message_stop'}\n"
#define THOUGHT BLOCK("{'type':'thinking','thinking':'','signature':'','new':1}")                  \
    DELTA("{'type':'thinking_delta','thinking':'l\\u00e9t '}")                                     \
    DELTA("{'type':'thinking_delta','thinking':'me\\n'}")                                          \
    DELTA("{'type':'signature_delta','signature':'Eq\\/='}") CLOSE
#define TOOL(id, input)                                                                            \
    BLOCK("{'type':'tool_use','id':'" id "','name':'f','input':{}}")                               \
    DELTA("{'type':'input_json_delta','partial_json':''}") input CLOSE

static const struct row {
    const char *name, *events, *choice, *usage, *replays, *words; /* `choice`: choices[0] */
} rows[] = {
    {"text", START BLOCK("{'type':'text','text':''}") "{'type':'ping'}\n" TEXT("Hel") TEXT("l\\u00f6")
     CLOSE WHY("end_turn") STOP,
     "{'index':0,'message':{'role':'assistant','content':'Hellö','refusal':null},'finish_reason':'stop'}",
     "in 25 read 7 write 10 1h 20 out 15", "", "end_turn\nclaude-x\nend_turn\n"},
    {"thinking and tools", START THOUGHT BLOCK("{'type':'redacted_thinking','data':'x'}") CLOSE
     TOOL("t1", DELTA("{'type':'input_json_delta','partial_json':'{\\'a\\''}")
          DELTA("{'type':'input_json_delta','partial_json':':1}'}")) TOOL("t2", "")
     WHY("tool_use") STOP,
     NULL, "in 25 read 7 write 10 1h 20 out 15",
     "{'type':'thinking','new':1,'thinking':'l\\u00e9t me\\n','signature':'Eq\\/='}\n"
     "{'type':'redacted_thinking','data':'x'}\n",
     "tool_use\nclaude-x\ntool_use\n"},
    {"unknown things", START "{'type':'weather'}\n{'no':'type'}\n[DONE]\n"
     BLOCK("{'type':'server_tool_use','id':'s','name':'web_search','input':{}}")
     DELTA("{'type':'input_json_delta','partial_json':'{}'}") CLOSE
     BLOCK("{'type':'hologram'}") TEXT("no") CLOSE BLOCK("{'type':'text','text':'a'}")
     DELTA("{'type':'smell_delta','text':'x'}") TEXT("b") WHY("pause_turn") STOP,
     "{'index':0,'message':{'role':'assistant','content':'ab','refusal':null},'finish_reason':'stop'}",
     "in 25 read 7 write 10 1h 20 out 15", "", "pause_turn\nclaude-x\npause_turn\n"},
    {"length", START BLOCK("{'type':'text'}") TEXT("a") WHY("max_tokens") STOP,
     "{'index':0,'message':{'role':'assistant','content':'a','refusal':null},'finish_reason':'length'}",
     "in 25 read 7 write 10 1h 20 out 15", "", "max_tokens\nclaude-x\nmax_tokens\n"},
    {"window", START BLOCK("{'type':'text'}") TEXT("a") WHY("model_context_window_exceeded") STOP,
     "{'index':0,'message':{'role':'assistant','content':'a','refusal':null},'finish_reason':'length'}",
     "in 25 read 7 write 10 1h 20 out 15", "",
     "model_context_window_exceeded\nclaude-x\nmodel_context_window_exceeded\n"},
    {"refusal", START "{'type':'message_delta','delta':{'stop_reason':'refusal','stop_details':"
     "{'type':'refusal','category':'cyber'}},'usage':{'output_tokens':0}}\n" STOP,
     "{'index':0,'message':{'role':'assistant','content':'','refusal':null},'stop_details':"
     "{'type':'refusal','category':'cyber'},'finish_reason':'content_filter'}",
     "in 25 read 7 write 10 1h 20 out 0", "", "refusal\nclaude-x\nrefusal\n"},
    {"citations", START BLOCK("{'type':'text','text':''}") TEXT("zwölf")  CLOSE
     BLOCK("{'type':'text','text':''}") TEXT("ab")
     DELTA("{'type':'citations_delta','citation':{'type':'web_search_result_location','url':'http://u',"
           "'title':'T','cited_text':'c'}}")
     DELTA("{'type':'citations_delta','citation':{'type':'page_location','document_index':0}}")
     CLOSE WHY("end_turn") STOP,
     "{'index':0,'message':{'role':'assistant','content':'zwölfab','refusal':null,'annotations':[{'type':"
     "'url_citation','url_citation':{'url':'http://u','title':'T','start_index':5,'end_index':7}},"
     "{'type':'page_location','document_index':0}]},'finish_reason':'stop'}",
     "in 25 read 7 write 10 1h 20 out 15", "", "end_turn\nclaude-x\nend_turn\n"},
    {"no JSON once", START BLOCK("{'type':'text'}") TEXT("a") "{'type':\n" TEXT("b") CLOSE
     WHY("end_turn") STOP,
     "{'index':0,'message':{'role':'assistant','content':'ab','refusal':null},'finish_reason':'stop'}",
     "in 25 read 7 write 10 1h 20 out 15", "", "end_turn\nclaude-x\nend_turn\n"},
    {"no JSON within thinking", START BLOCK("{'type':'thinking','thinking':'a','signature':'s'}") "{\n"
     CLOSE THOUGHT BLOCK("{'type':'text'}") TEXT("b") CLOSE WHY("end_turn") STOP,
     NULL, "in 25 read 7 write 10 1h 20 out 15",
     "{'type':'thinking','new':1,'thinking':'l\\u00e9t me\\n','signature':'Eq\\/='}\n",
     "end_turn\nclaude-x\nend_turn\n"},
    {"no usage, no reason", "{'type':'message_start','message':{}}\n" BLOCK("{'type':'text','text':'a'}")
     STOP,
     "{'index':0,'message':{'role':'assistant','content':'a','refusal':null},'finish_reason':'stop'}", "", "",
     "\n\n\n"},
};

static harborai_str quoted(struct buf *b, const char *text)
{
    buf_clear(b);
    buf_printf(b, "%s", text);
    for (size_t i = 0; i < b->len; i++)
        if (b->data[i] == '\'')
            b->data[i] = '"';
    return buf_slice(b);
}

static bool same(const char *row, harborai_str got, harborai_str want)
{
    if (!slice_equal(got, want))
        fprintf(stderr, "\n  %s\n  got  %.*s\n  want %.*s\n", row, SLICE_ARG(got), SLICE_ARG(want));
    return slice_equal(got, want);
}

static void describe(struct buf *b, const harborai_usage *u)
{
    static const struct {
        int class;
        const char *name;
    } names[] = {{HARBORAI_TOKENS_INPUT, "in"},           {HARBORAI_TOKENS_CACHE_READ, "read"},
                 {HARBORAI_TOKENS_CACHE_WRITE, "write"},  {HARBORAI_TOKENS_CACHE_WRITE_1H, "1h"},
                 {HARBORAI_TOKENS_OUTPUT, "out"},         {HARBORAI_TOKENS_REASONING, "think"},
                 {HARBORAI_UNITS_SEARCHES, "searches"}};
    buf_clear(b);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if ((u->known_mask >> names[i].class & 1) != 0)
            buf_printf(b, "%s%s %lld", b->len > 0 ? " " : "", names[i].name,
                       (long long)u->count[names[i].class]);
}

/* Runs the events, each in memory of its own size. */
static void play(struct tiny_host *t, harborai_str events)
{
    static const harborai_str config = HARBORAI_STR_INIT("{\"base_url\":\"http://a\"}");
    static const harborai_str body = HARBORAI_STR_INIT("{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}");
    CU_ASSERT_EQUAL(tiny_host_open(t, harborai_plugin_query(0), config), HARBORAI_OK);
    CU_ASSERT_EQUAL(tiny_host_chat(t, "claude-opus-5", body), HARBORAI_OK);
    while (events.len > 0) {
        const char *newline = memchr(events.data, '\n', events.len);
        size_t len = newline != NULL ? (size_t)(newline - events.data) : events.len;
        harborai_str event = unit_tight((harborai_str){events.data, len});
        tiny_host_event(t, event);
        unit_drop(event);
        events = slice_from(events, newline != NULL ? len + 1 : len);
    }
    tiny_host_end(t);
    tiny_host_release(t);
}

static harborai_str choice_of(harborai_str answer)
{
    return json_pointer_find(answer, HARBORAI_STR("/choices/0"));
}

static void test_answers(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        AUTO(buf) events = BUF_INIT(MIB(1));
        AUTO(buf) want = BUF_INIT(MIB(1));
        AUTO(buf) usage = BUF_INIT(MIB(1));
        struct tiny_host t;
        play(&t, quoted(&events, row->events));
        ROW(row->name, !t.has_failed && t.wrong == 0);
        if (t.has_failed)
            fprintf(stderr, "  %s\n", t.error.message);
        if (row->choice != NULL)
            ROW(row->name, same(row->name, choice_of(buf_slice(&t.answer)), quoted(&want, row->choice)));
        describe(&usage, &t.usage);
        ROW(row->name, same(row->name, buf_slice(&usage), slice_of(row->usage)));
        ROW(row->name, same(row->name, buf_slice(&t.replays), quoted(&want, row->replays)));
        ROW(row->name, same(row->name, buf_slice(&t.words), slice_of(row->words)));
        tiny_host_close(&t);
    }
}

/* The parts of the second row that are too long for it. */
static void test_tools(void)
{
    AUTO(buf) events = BUF_INIT(MIB(1));
    AUTO(buf) want = BUF_INIT(MIB(1));
    struct tiny_host t;
    play(&t, quoted(&events, rows[1].events));
    harborai_str message = json_member(choice_of(buf_slice(&t.answer)), HARBORAI_STR("message"));
    CU_ASSERT(same("calls", json_member(message, HARBORAI_STR("tool_calls")),
                   quoted(&want, "[{'id':'t1','type':'function','function':{'name':'f',"
                                 "'arguments':'{\\'a\\':1}'}},{'id':'t2','type':'function',"
                                 "'function':{'name':'f','arguments':'{}'}}]")));
    CU_ASSERT(same("thought", json_member(message, HARBORAI_STR("reasoning_content")),
                   quoted(&want, "'lét me\\n'")));
    CU_ASSERT(same("why", json_member(choice_of(buf_slice(&t.answer)), HARBORAI_STR("finish_reason")),
                   quoted(&want, "'tool_calls'")));
    tiny_host_close(&t);
}

/* Some servers of this dialect send the whole input with the block's start. */
static void test_input_at_once(void)
{
    AUTO(buf) events = BUF_INIT(MIB(1));
    AUTO(buf) want = BUF_INIT(MIB(1));
    struct tiny_host t;
    play(&t, quoted(&events, START BLOCK("{'type':'tool_use','id':'t','name':'f','input':{'b':2}}")
                        WHY("tool_use") STOP));
    CU_ASSERT(same("input", json_pointer_find(buf_slice(&t.answer),
                                              HARBORAI_STR("/choices/0/message/tool_calls/0/function/arguments")),
                   quoted(&want, "'{\\'b\\':2}'")));
    tiny_host_close(&t);
}

static const struct broken {
    const char *name, *events;
    harborai_status code;
    const char *vendor_code, *message;
} broken[] = {
    {"no message_stop", START BLOCK("{'type':'text'}") TEXT("a") WHY("end_turn"), HARBORAI_E_PROTOCOL,
     "", "message_stop"},
    {"nothing", "", HARBORAI_E_PROTOCOL, "", "message_stop"},
    {"no JSON twice", START BLOCK("{'type':'text'}") "{'type':\n" TEXT("a") "[1]\n" CLOSE
     WHY("end_turn") STOP, HARBORAI_E_PROTOCOL, "", "not JSON"},
    {"no JSON and no end", START "{'type':", HARBORAI_E_PROTOCOL, "", "message_stop"},
    {"no JSON for a block's begin", START "{'type':\n" TEXT("a") WHY("end_turn") STOP,
     HARBORAI_E_PROTOCOL, "", "not open"},
    {"overloaded", START "{'type':'error','error':{'type':'overloaded_error','message':'Over\\nloaded'}}\n",
     HARBORAI_E_OVERLOADED, "overloaded_error", "Over loaded"},
    {"api_error", "{'type':'error','error':{'type':'api_error','message':'x'}}\n", HARBORAI_E_VENDOR,
     "api_error", "x"},
    {"filtered", START "{'type':'error','error':{'type':'invalid_request_error','message':"
                 "'Output blocked by content filtering policy'}}\n",
     HARBORAI_E_FILTERED, "invalid_request_error", "content filtering"},
    {"an error that says nothing", "{'type':'error'}\n", HARBORAI_E_VENDOR, "", "broke off"},
    {"a tool without a name", START BLOCK("{'type':'tool_use','id':'a'}"), HARBORAI_E_PROTOCOL, "",
     "without a name"},
    {"two blocks at a time", START AT("start", "1", TOOL_BLOCK("t1")) AT("start", "2", TOOL_BLOCK("t2"))
     AT("delta", "1", INPUT("{}")), HARBORAI_E_PROTOCOL, "", "not open"},
    {"a piece of another block", START AT("start", "0", "'content_block':{'type':'text'}")
     AT("delta", "1", "'delta':{'type':'text_delta','text':'a'}") CLOSE WHY("end_turn") STOP,
     HARBORAI_E_PROTOCOL, "", "not open"},
    {"the end of another block", START AT("start", "1", TOOL_BLOCK("t1")) AT("delta", "1", INPUT("{"))
     CLOSE WHY("tool_use") STOP, HARBORAI_E_PROTOCOL, "", "not open"},
    {"a piece of no block", START TEXT("a") WHY("end_turn") STOP, HARBORAI_E_PROTOCOL, "", "not open"},
};

static void test_broken(void)
{
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        const struct broken *row = &broken[i];
        AUTO(buf) events = BUF_INIT(MIB(1));
        struct tiny_host t;
        play(&t, quoted(&events, row->events));
        ROW(row->name, t.has_failed && t.wrong == 0);
        ROW(row->name, t.error.code == row->code);
        ROW(row->name, strcmp(t.error.vendor_code, row->vendor_code) == 0);
        ROW(row->name, strstr(t.error.message, row->message) != NULL);
        tiny_host_close(&t);
    }
}

/* Cut behind each event and within each: never a good end. */
static void test_truncated(void)
{
    AUTO(buf) events = BUF_INIT(MIB(1));
    harborai_str all = quoted(&events, rows[1].events);
    for (size_t len = 0; len + 2 < all.len; len++) {
        struct tiny_host t;
        play(&t, slice_cut(all, len));
        if (!t.has_failed || t.wrong > 0)
            fprintf(stderr, "\n  cut at %zu\n", len);
        CU_ASSERT(t.has_failed && t.wrong == 0);
        tiny_host_close(&t);
    }
}

/* ---- Usage ----------------------------------------------------------------------------------- */

static void test_usage_json(void)
{
    AUTO(buf) events = BUF_INIT(MIB(1));
    AUTO(buf) want = BUF_INIT(MIB(1));
    struct tiny_host t;
    play(&t, quoted(&events, START "{'type':'message_delta','delta':{},'usage':{'output_tokens':9,"
                                   "'input_tokens':null,'cache_creation_input_tokens':31,'x':{'y':1},"
                                   "'output_tokens_details':{'thinking_tokens':4},"
                                   "'server_tool_use':{'web_search_requests':2}}}\n" STOP));
    CU_ASSERT(same("usage", buf_slice(&t.usage_json),
                   quoted(&want, "{'input_tokens':25,'cache_creation_input_tokens':31,"
                                 "'cache_read_input_tokens':7,'cache_creation':{"
                                 "'ephemeral_5m_input_tokens':10,'ephemeral_1h_input_tokens':20},"
                                 "'output_tokens':9,'service_tier':'standard','x':{'y':1},"
                                 "'output_tokens_details':{'thinking_tokens':4},"
                                 "'server_tool_use':{'web_search_requests':2}}")));
    describe(&events, &t.usage);
    CU_ASSERT(same("classes", buf_slice(&events),
                   HARBORAI_STR("in 25 read 7 write 11 1h 20 out 5 think 4 searches 2")));
    tiny_host_close(&t);
}

/* More members than are kept: what is counted is kept, from whichever object. */
static void test_usage_crowded(void)
{
    static const struct {
        const char *name, *first, *second;
        bool first_is_crowded, second_is_crowded;
    } crowds[] = {
        {"the second", "'input_tokens':25,'output_tokens':1", "'output_tokens':9", false, true},
        {"the first", "'input_tokens':25,'output_tokens':1", "'output_tokens':9", true, false},
        {"both", "'input_tokens':25,'speed':'fast'", "'output_tokens':9,'input_tokens':25", true, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(crowds); i++) {
        AUTO(buf) text = BUF_INIT(MIB(1));
        AUTO(buf) events = BUF_INIT(MIB(1));
        struct tiny_host t;
        int64_t input = 0, output = 0, members = 0;
        buf_printf(&text, "{'type':'message_start','message':{'usage':{");
        for (int k = 0; crowds[i].first_is_crowded && k < 100; k++)
            buf_printf(&text, "'a%d':1,", k);
        buf_printf(&text, "%s}}}\n{'type':'message_delta','delta':{},'usage':{", crowds[i].first);
        for (int k = 0; crowds[i].second_is_crowded && k < 100; k++)
            buf_printf(&text, "'b%d':1,", k);
        buf_printf(&text, "%s}}\n" STOP, crowds[i].second);
        buf_add(&text, (harborai_str){"", 1});
        play(&t, quoted(&events, text.data));
        struct json_cursor cursor = json_open(buf_slice(&t.usage_json));
        struct json_member member;
        while (json_object_next(&cursor, &member))
            members++;
        ROW(crowds[i].name, json_int64(json_member(buf_slice(&t.usage_json),
                                                   HARBORAI_STR("input_tokens")), &input) &&
                                input == 25);
        ROW(crowds[i].name, json_int64(json_member(buf_slice(&t.usage_json),
                                                   HARBORAI_STR("output_tokens")), &output) &&
                                output == 9);
        ROW(crowds[i].name, members > 10 && members <= 64);
        tiny_host_close(&t);
    }
}

static const struct parsed {
    const char *name, *json, *more, *usage; /* more: a second event; usage NULL = there is none */
} parsed[] = {
    {"a whole answer",
     "{'id':'msg_1','usage':{'input_tokens':3,'output_tokens':10,'output_tokens_details':"
     "{'thinking_tokens':4}}}",
     NULL, "in 3 out 6 think 4"},
    {"the object alone", "{'input_tokens':3,'cache_read_input_tokens':0,'output_tokens':10}", NULL,
     "in 3 read 0 out 10"},
    {"events", "{'type':'message_start','message':{'usage':{'input_tokens':3,'cache_creation':"
               "{'ephemeral_1h_input_tokens':5},'cache_creation_input_tokens':5,'output_tokens':1,"
               "'output_tokens_details':{'thinking_tokens':1}}}}",
     "{'type':'message_delta','usage':{'output_tokens':9,'cache_creation_input_tokens':6}}",
     "in 3 write 1 1h 5 out 9 think 0"},
    {"more thinking than output", "{'output_tokens':3,'output_tokens_details':{'thinking_tokens':9}}",
     NULL, "out 0 think 3"},
    {"nonsense", "{'usage':{'input_tokens':-1,'output_tokens':'x'}}", NULL, NULL},
    {"a ping", "{'type':'ping'}", NULL, NULL},
};

static void test_parsed(void)
{
    const harborai_plugin *plugin = harborai_plugin_query(0);
    for (size_t i = 0; i < ARRAY_LEN(parsed); i++) {
        const struct parsed *row = &parsed[i];
        harborai_usage usage = {.size = sizeof usage};
        harborai_str none = {NULL, 0};
        AUTO(buf) text = BUF_INIT(MIB(1));
        AUTO(buf) more = BUF_INIT(MIB(1));
        AUTO(buf) got = BUF_INIT(MIB(1));
        harborai_status st =
            plugin->parse_tokens(NULL, none, quoted(&text, row->json), &usage, NULL);
        ROW(row->name, st == (row->usage != NULL ? HARBORAI_OK : HARBORAI_E_NOT_FOUND));
        if (row->more != NULL)
            ROW(row->name, plugin->parse_tokens(NULL, none, quoted(&more, row->more), &usage, NULL) ==
                               HARBORAI_OK);
        describe(&got, &usage);
        if (row->usage != NULL)
            ROW(row->name, same(row->name, buf_slice(&got), slice_of(row->usage)));
    }
}

/* ---- Errors ---------------------------------------------------------------------------------- */

#define ERROR(type) "{'type':'error','error':{'type':'" type "','message':'m'},'request_id':'r'}"

static const struct failure {
    const char *name;
    int status;
    const char *body;
    harborai_status code;
    const char *vendor_code;
    const char *message; /* what the host has found before */
} failures[] = {
    {"400", 400, ERROR("invalid_request_error"), HARBORAI_E_INVALID, "invalid_request_error", "m"},
    {"401", 401, ERROR("authentication_error"), HARBORAI_E_AUTH, "authentication_error", "m"},
    {"402", 402, ERROR("billing_error"), HARBORAI_E_QUOTA, "billing_error", "m"},
    {"403", 403, ERROR("permission_error"), HARBORAI_E_AUTH, "permission_error", "m"},
    {"404", 404, ERROR("not_found_error"), HARBORAI_E_NOT_FOUND, "not_found_error", "m"},
    {"409", 409, ERROR("conflict_error"), HARBORAI_E_VENDOR, "conflict_error", "m"},
    {"413", 413, ERROR("request_too_large"), HARBORAI_E_INVALID, "request_too_large", "m"},
    {"429", 429, ERROR("rate_limit_error"), HARBORAI_E_RATE_LIMIT, "rate_limit_error", "m"},
    {"429, the money", 429,
     "{'type':'error','error':{'type':'rate_limit_error','message':'m','details':"
     "{'error_code':'enforced_spend_limit_reached'}}}",
     HARBORAI_E_QUOTA, "enforced_spend_limit_reached", "m"},
    {"429, the contract", 429,
     "{'error':{'type':'rate_limit_error','error_code':'contract_spend_limit_reached'}}",
     HARBORAI_E_QUOTA, "contract_spend_limit_reached", "m"},
    {"500", 500, ERROR("api_error"), HARBORAI_E_VENDOR, "api_error", "m"},
    {"504", 504, ERROR("timeout_error"), HARBORAI_E_TIMEOUT, "timeout_error", "m"},
    {"529", 529, ERROR("overloaded_error"), HARBORAI_E_OVERLOADED, "overloaded_error", "m"},
    {"529 of a proxy", 529, "<html>", HARBORAI_E_OVERLOADED, "", "m"},
    {"too long", 400, ERROR("invalid_request_error"), HARBORAI_E_CONTEXT, "invalid_request_error",
     "prompt is too long: 210000 tokens > 200000 maximum"},
    {"no credit", 400, ERROR("invalid_request_error"), HARBORAI_E_QUOTA, "invalid_request_error",
     "Your credit balance is too low to access the Anthropic API."},
    {"filtered", 400, ERROR("invalid_request_error"), HARBORAI_E_FILTERED, "invalid_request_error",
     "Output blocked by content filtering policy"},
    {"a body that is cut", 500, "{'error':{'type':'api_er", HARBORAI_E_VENDOR, "", "m"},
};

static void test_errors(void)
{
    const harborai_plugin *plugin = harborai_plugin_query(0);
    for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
        const struct failure *row = &failures[i];
        const harborai_http_response response = {.size = sizeof response, .status = row->status};
        harborai_error error = HARBORAI_ERROR_INIT;
        AUTO(buf) body = BUF_INIT(MIB(1));
        harborai_error_set(&error, HARBORAI_E_VENDOR, "%s", row->message);
        error.retry_after_ms = 7000;
        ROW(row->name, plugin->map_error(NULL, NULL, &response, quoted(&body, row->body), &error) ==
                           HARBORAI_OK);
        ROW(row->name, error.code == row->code);
        ROW(row->name, error.flags == harborai_error_flags(row->code));
        ROW(row->name, strcmp(error.vendor_code, row->vendor_code) == 0);
        ROW(row->name, error.retry_after_ms == (row->code == HARBORAI_E_QUOTA ? 0 : 7000));
    }
}

/* The vendor knows best whether the same request may succeed; but for the money. */
static void test_should_retry(void)
{
    static const struct {
        const char *name, *body, *value;
        int status;
        bool is_retryable;
    } should[] = {
        {"400 true", ERROR("invalid_request_error"), "true", 400, true},
        {"400 false", ERROR("invalid_request_error"), "false", 400, false},
        {"400 perhaps", ERROR("invalid_request_error"), "perhaps", 400, false},
        {"429 true", ERROR("rate_limit_error"), "true", 429, true},
        {"429 false", ERROR("rate_limit_error"), "false", 429, false},
        {"529 false", ERROR("overloaded_error"), "false", 529, false},
        {"529 perhaps", ERROR("overloaded_error"), "perhaps", 529, true},
        {"the money", ERROR("billing_error"), "true", 402, false},
    };
    const harborai_plugin *plugin = harborai_plugin_query(0);
    for (size_t i = 0; i < ARRAY_LEN(should); i++) {
        const harborai_header header = {
            HARBORAI_STR("x-should-retry"), slice_of(should[i].value), {NULL, 0}};
        const harborai_http_response response = {sizeof response, should[i].status, &header, 1};
        harborai_error error = HARBORAI_ERROR_INIT;
        AUTO(buf) body = BUF_INIT(MIB(1));
        harborai_error_set(&error, HARBORAI_E_VENDOR, "m");
        ROW(should[i].name, plugin->map_error(NULL, NULL, &response, quoted(&body, should[i].body),
                                              &error) == HARBORAI_OK);
        ROW(should[i].name,
            ((error.flags & HARBORAI_ERROR_RETRYABLE) != 0) == should[i].is_retryable);
    }
}

const CU_TestInfo anthropic_answer_tests[] = {{"answers", test_answers},
                                              {"tools", test_tools},
                                              {"input at once", test_input_at_once},
                                              {"broken", test_broken},
                                              {"truncated", test_truncated},
                                              {"usage as the vendor has it", test_usage_json},
                                              {"usage with many members", test_usage_crowded},
                                              {"usage parsed", test_parsed},
                                              {"errors", test_errors},
                                              {"x-should-retry", test_should_retry},
                                              CU_TEST_INFO_NULL};
