/* SPDX-License-Identifier: MIT */
/* What servers send that is not as OpenAI's API promises, and what becomes of it. The shapes are
 * those of the reports named beside them. */
#include "chat/answer_repair.h"
#include "chat/stream.h"

#include <stdlib.h>

#include "../unit.h"

extern const CU_TestInfo repair_tests[];

enum { EVENTS_MOST = 6, USAGE = 1, TAGS = 2 };

/* A chunk of choice 0, and one with another end. */
#define C(members) "{\"choices\":[{\"index\":0," members "}]}"
#define D(delta) C("\"delta\":{" delta "},\"finish_reason\":null")
#define END(reason) C("\"delta\":{},\"finish_reason\":\"" reason "\"")
#define T(items) D("\"tool_calls\":[" items "]")
#define ARGS(text) "\"function\":{\"arguments\":\"" text "\"}"
#define CALL(index, id, name, text)                                                                \
    "{\"index\":" #index ",\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\"" name  \
    "\",\"arguments\":\"" text "\"}}"
#define MADE "call_0000000000000abc_0_"

static const struct row {
    const char *name; /* and source */
    unsigned options; /* USAGE, TAGS */
    const char *events[EVENTS_MOST], *want[EVENTS_MOST]; /* NULL in `want`: as it came; "": nothing */
    unsigned repairs;
    const char *fault;
} rows[] = {
    {"OpenAI, two calls", 0,
     {T(CALL(0, "a", "f", "")), T("{\"index\":0," ARGS("{\\\"x\\\":") "}"),
      T("{\"index\":0," ARGS("1}") "}"), T(CALL(1, "b", "g", "")), T("{\"index\":1," ARGS("{}") "}"),
      END("tool_calls")}, {NULL}, 0, NULL},
    {"a custom tool", 0,
     {T("{\"index\":0,\"id\":\"a\",\"type\":\"custom\",\"custom\":{\"name\":\"f\",\"input\":\"\"}}"),
      T("{\"index\":0,\"custom\":{\"input\":\"x\"}}"), END("tool_calls")}, {NULL}, 0, NULL},
    {"legacy function_call", 0,
     {D("\"function_call\":{\"name\":\"f\",\"arguments\":\"{\"}"), END("function_call")}, {NULL}, 0,
     NULL},

    /* openai/openai-python issue 2806, open-webui/computer issue 224 */
    {"Gemini: no index, extra_content, stop", 0,
     {T("{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"[]\"},"
        "\"extra_content\":{\"google\":{\"thought_signature\":\"s\"}}}"), END("stop")},
     {T("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
        "\"arguments\":\"[]\"},\"extra_content\":{\"google\":{\"thought_signature\":\"s\"}}}"),
      END("tool_calls")}, 2, NULL},
    /* su-kaka/gcli2api pull 406, omnigent-ai/omnigent pull 28 */
    {"Gemini: parallel calls of one function, all with index 0", 0,
     {T(CALL(0, "a", "f", "{\\\"x\\\":1}")), T(CALL(0, "b", "f", "{\\\"x\\\":2}")), END("stop")},
     {NULL, T(CALL(1, "b", "f", "{\\\"x\\\":2}")), END("tool_calls")}, 2, NULL},
    {"arguments in the same words for the second call of two with index 0", 0,
     {T(CALL(0, "a", "f", "")), T("{\"index\":0," ARGS("") "}"), T(CALL(0, "b", "g", "")),
      T("{\"index\":0," ARGS("{\\\"x\\\":1}") "}"), END("tool_calls")},
     {NULL, NULL, T(CALL(1, "b", "g", "")), T("{\"index\":1," ARGS("{\\\"x\\\":1}") "}"),
      C("\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{}\"}}]},"
        "\"finish_reason\":\"tool_calls\"")}, 3, NULL},
    {"a member error that says nothing", 0,
     {"{\"error\":\"\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},"
      "\"finish_reason\":null}]}", END("stop")}, {NULL}, 0, NULL},
    {"Gemini: arguments split, no index", 0,
     {T("{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}"),
      T("{" ARGS("}") "}"), END("tool_calls")},
     {T(CALL(0, "a", "f", "{")), T("{\"index\":0," ARGS("}") "}"), NULL}, 2, NULL},
    {"two calls in one chunk, no index", 0,
     {T("{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"[]\"}},"
        "{\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"[]\"}}")},
     {T(CALL(0, "a", "f", "[]") "," CALL(1, "b", "g", "[]"))}, 1, NULL},
    /* Anthropic's compatible endpoint counts its content blocks */
    {"indices from 1, with a gap", 0,
     {T(CALL(1, "a", "f", "")), T("{\"index\":1," ARGS("[]") "}"), T(CALL(3, "b", "g", "[]")),
      END("tool_calls")},
     {T(CALL(0, "a", "f", "")), T("{\"index\":0," ARGS("[]") "}"), T(CALL(1, "b", "g", "[]")), NULL},
     3, NULL},
    {"the index changes on the way", 0,
     {T(CALL(0, "a", "f", "{")), T("{\"index\":1,\"id\":\"a\"," ARGS("}") "}"), END("tool_calls")},
     {NULL, T("{\"index\":0," ARGS("}") "}"), NULL}, 1, NULL},
    /* anomalyco/opencode pull 37783: DashScope, GLM-5.2 */
    {"id and name are \"\" in later chunks", 0,
     {T(CALL(0, "a", "f", "{")),
      T("{\"index\":0,\"id\":\"\",\"type\":\"function\",\"function\":{\"name\":\"\",\"arguments\":\"}\"}}"),
      END("tool_calls")},
     {NULL, T("{\"index\":0," ARGS("}") "}"), NULL}, 1, NULL},
    {"id, type and name are null in later chunks", 0,
     {T(CALL(0, "a", "f", "{")),
      T("{\"index\":0,\"id\":null,\"type\":null,\"function\":{\"name\":null,\"arguments\":\"}\"},\"x\": 1}"),
      END("tool_calls")},
     {NULL, T("{\"index\":0," ARGS("}") ",\"x\": 1}"), NULL}, 1, NULL},
    /* NousResearch/hermes-agent pull 11984: MiniMax M2.7 on NVIDIA NIM */
    {"the name in every chunk", 0,
     {T(CALL(0, "a", "f", "{")), T(CALL(0, "a", "f", "}")), END("tool_calls")},
     {NULL, T("{\"index\":0," ARGS("}") "}"), NULL}, 1, NULL},
    /* BerriAI/litellm issue 12513 */
    {"a name \"null\", and a type in capitals", 0,
     {T("{\"index\":0,\"id\":\"a\",\"type\":\"FUNCTION\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}"),
      T("{\"index\":0,\"id\":\"\",\"type\":\"FUNCTION\",\"function\":{\"name\":\"null\",\"arguments\":\"}\"}}"),
      END("tool_calls")},
     {T(CALL(0, "a", "f", "{")), T("{\"index\":0," ARGS("}") "}"), NULL}, 2, NULL},
    {"a new id in every chunk", 0,
     {T(CALL(0, "a", "f", "{")), T("{\"index\":0,\"id\":\"b\"," ARGS("}") "}"), END("tool_calls")},
     {NULL, T("{\"index\":0," ARGS("}") "}"), NULL}, 1, NULL},
    /* spring-ai-alibaba/spring-ai-extensions pull 266 */
    {"DashScope: the id again, without a name", 0,
     {T(CALL(0, "a", "f", "")), T("{\"index\":0,\"id\":\"a\"," ARGS("{}") "}"), END("tool_calls")},
     {NULL, T("{\"index\":0," ARGS("{}") "}"), NULL}, 1, NULL},
    {"no ids, no type", 0,
     {T("{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"[]\"}}"),
      T("{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"[]\"}}"), END("tool_calls")},
     {T(CALL(0, MADE "0", "f", "[]")), T(CALL(1, MADE "1", "f", "[]")), NULL}, 2, NULL},
    {"one id for two calls", 0,
     {T(CALL(0, "a", "f", "[]")), T(CALL(1, "a", "g", "[]")), END("tool_calls")},
     {NULL, T(CALL(1, MADE "1", "g", "[]")), NULL}, 1, NULL},
    {"the name comes behind the id", 0,
     {T("{\"index\":0,\"id\":\"a\",\"type\":\"function\"}"),
      T("{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"[]\"}}"), END("tool_calls")},
     {NULL}, 0, NULL},
    {"arguments that are an object", 0,
     {T("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
        "\"arguments\":{\"x\": \"\\u00fc\"}}}"), END("tool_calls")},
     {T(CALL(0, "a", "f", "{\\\"x\\\": \\\"\\\\u00fc\\\"}")), NULL}, 1, NULL},
    {"arguments null, then nothing", 0,
     {T("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":null}}"),
      END("tool_calls")},
     {T(CALL(0, "a", "f", "")),
      C("\"delta\":{\"tool_calls\":[{\"index\":0," ARGS("{}") "}]},\"finish_reason\":\"tool_calls\"")},
     2, NULL},
    {"no arguments, a null delta at the end", 0,
     {T(CALL(0, "a", "f", "")), C("\"delta\":null,\"finish_reason\":\"stop\"")},
     {NULL, C("\"delta\":{\"tool_calls\":[{\"index\":0," ARGS("{}") "}]},\"finish_reason\":\"tool_calls\"")},
     1, NULL},
    {"no arguments in the last chunk", 0,
     {C("\"delta\":{\"tool_calls\":[" CALL(0, "a", "f", "") "]},\"finish_reason\":\"tool_calls\"")},
     {C("\"delta\":{\"tool_calls\":[" CALL(0, "a", "f", "") ",{\"index\":0," ARGS("{}")
        "}]},\"finish_reason\":\"tool_calls\"")}, 1, NULL},
    {"arguments that come whole behind their pieces", 0,
     {T(CALL(0, "a", "f", "{\\\"x\\\":")), T("{\"index\":0," ARGS("1}") "}"),
      T("{\"index\":0," ARGS("{\\\"x\\\":1}") "}"), END("tool_calls")},
     {NULL, NULL, T("{\"index\":0," ARGS("") "}"), NULL}, 1, NULL},
    {"the call again, without its id", 0,
     {T(CALL(0, "a", "f", "[]")), T("{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"[]\"}}"),
      END("tool_calls")},
     {NULL, T("{\"index\":0," ARGS("") "}"), NULL}, 1, NULL},
    {"arguments, and more behind them", 0,
     {T(CALL(0, "a", "f", "[]\\n[]")), END("tool_calls")}, {T(CALL(0, "a", "f", "[]\\n")), NULL}, 1,
     NULL},
    /* BerriAI/litellm issue 4537, openai/openai-agents-js pull 712 */
    {"{} with the name, then the arguments", 0,
     {T(CALL(0, "a", "f", "{}")), T("{\"index\":0," ARGS("{\\\"x\\\"") "}"),
      T("{\"index\":0," ARGS(":1}") "}"), END("tool_calls")},
     {T(CALL(0, "a", "f", "")), NULL, NULL, NULL}, 1, NULL},
    {"an empty object with the name, then the arguments", 0,
     {T("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":{ }}}"),
      T("{\"index\":0," ARGS("") "}"), T("{\"index\":0," ARGS("{\\\"x\\\":1}") "}"), END("tool_calls")},
     {T(CALL(0, "a", "f", "")), NULL, NULL, NULL}, 1, NULL},
    {"{} with the name, and the arguments in one", 0,
     {T(CALL(0, "a", "f", "{} {\\\"x\\\":1}")), END("tool_calls")},
     {T(CALL(0, "a", "f", "{\\\"x\\\":1}")), NULL}, 1, NULL},
    {"{} with the name, and no more", 0,
     {T(CALL(0, "a", "f", "{}")), T("{\"index\":0," ARGS("}") "}"), T(CALL(1, "b", "f", "{}")),
      END("tool_calls")},
     {T(CALL(0, "a", "f", "")), T("{\"index\":0," ARGS("") "}"), T(CALL(1, "b", "f", "")),
      C("\"delta\":{\"tool_calls\":[{\"index\":0," ARGS("{}") "},{\"index\":1," ARGS("{}")
        "}]},\"finish_reason\":\"tool_calls\"")}, 4, NULL},
    {"{} with the name, then the token limit", 0,
     {T(CALL(0, "a", "f", "{}")), T(CALL(1, "b", "f", "")), END("length")},
     {T(CALL(0, "a", "f", "")), NULL,
      C("\"delta\":{\"tool_calls\":[{\"index\":0," ARGS("{}") "}]},\"finish_reason\":\"length\"")},
     2, NULL},
    {"{} with the name in the last chunk", 0,
     {C("\"delta\":{\"tool_calls\":[" CALL(0, "a", "f", "{}") "]},\"finish_reason\":\"tool_calls\"")},
     {NULL}, 0, NULL},
    {"brackets too many", 0,
     {T(CALL(0, "a", "f", "{\\\"x\\\":1}")), T("{\"index\":0," ARGS("\\n}] }") "}"), END("tool_calls")},
     {NULL, T("{\"index\":0," ARGS("\\n") "}"), NULL}, 1, NULL},
    {"the arguments again, in pieces, with other blanks", 0,
     {T(CALL(0, "a", "f", "{\\\"x\\\":[1, \\\" \\\"]}")), T("{\"index\":0," ARGS("{\\\"x\\\":[1,\\\"") "}"),
      T("{\"index\":0," ARGS(" ") "}"), T("{\"index\":0," ARGS("\\\"]}{\\\"x\\\":[1,\\\" \\\"]}") "}"),
      END("tool_calls")},
     {NULL, T("{\"index\":0," ARGS("") "}"), T("{\"index\":0," ARGS("") "}"),
      T("{\"index\":0," ARGS("") "}"), NULL}, 3, NULL},
    {"other arguments behind the first", 0,
     {T(CALL(0, "a", "f", "{\\\"x\\\":1}")), T("{\"index\":0," ARGS("{\\\"x\\\":2}") "}")},
     {NULL, ""}, 0, "sent something else behind the arguments of a tool call"},
    {"a half of the arguments again", 0,
     {T(CALL(0, "a", "f", "{\\\"x\\\":1}{\\\"x")), END("tool_calls")},
     {T(CALL(0, "a", "f", "{\\\"x\\\":1}")), ""}, 1,
     "sent something else behind the arguments of a tool call"},
    {"words behind the arguments", 0, {T(CALL(0, "a", "f", "{\\\"x\\\":1} done"))}, {""}, 0,
     "sent something else behind the arguments of a tool call"},
    {"arguments that are cut off", 0,
     {T(CALL(0, "a", "f", "{\\\"x\\\":")), END("tool_calls")}, {NULL, ""}, 0,
     "sent a tool call whose arguments are not complete JSON"},
    {"arguments that are cut off by the limit", 0,
     {T(CALL(0, "a", "f", "{\\\"x\\\":")), END("length")}, {NULL}, 0, NULL},
    {"arguments that are no JSON", 0,
     {T(CALL(0, "a", "f", "{'x':1}")), END("stop")}, {NULL, ""}, 0,
     "sent a tool call whose arguments are not complete JSON"},
    {"a call without a name", 0,
     {T("{\"index\":0,\"id\":\"a\",\"type\":\"function\"," ARGS("{}") "}"), END("stop")}, {NULL, ""},
     0, "sent a tool call without a name"},
    {"a call behind the end", 0, {END("stop"), T(CALL(0, "a", "f", "{}"))}, {NULL, ""}, 0,
     "sent a tool call after the end of its answer"},

    /* googleapis/python-genai issue 2868, vllm-project/vllm pull 25054 */
    {"stop with tool calls", 0, {T(CALL(0, "a", "f", "[]")), END("stop")},
     {NULL, END("tool_calls")}, 1, NULL},
    {"length with tool calls stays", 0, {T(CALL(0, "a", "f", "[]")), END("length")}, {NULL}, 0,
     NULL},
    {"two ends", 0, {D("\"content\":\"x\""), END("stop"), END("stop")},
     {NULL, NULL, C("\"delta\":{},\"finish_reason\":null")}, 1, NULL},
    {"an empty finish_reason", 0, {C("\"delta\":{\"content\":\"x\"},\"finish_reason\":\"\"")},
     {D("\"content\":\"x\"")}, 1, NULL},

    /* openrouter.ai "Reasoning Tokens", console.groq.com "Reasoning", docs.vllm.ai
     * "Reasoning Outputs": delta.reasoning */
    {"reasoning", 0,
     {D("\"role\":\"assistant\",\"content\":\"\",\"reasoning\":\"t\\n\",\"reasoning_details\":[]"),
      D("\"content\":\"x\",\"reasoning\":null")},
     {D("\"role\":\"assistant\",\"content\":\"\",\"reasoning_content\":\"t\\n\",\"reasoning_details\":[]"),
      NULL}, 1, NULL},
    {"reasoning beside an empty reasoning_content", 0,
     {D("\"reasoning\":\"t\",\"reasoning_content\":null")},
     {D("\"reasoning\":null,\"reasoning_content\":\"t\"")}, 1, NULL},
    {"both of them", 0, {D("\"reasoning\":\"t\",\"reasoning_content\":\"t\"")}, {NULL}, 0, NULL},

    /* northes/go-moonshot issue 17 */
    {"Moonshot: usage of the choice", USAGE,
     {D("\"content\":\"x\""), C("\"delta\":{},\"finish_reason\":\"stop\",\"usage\":{\"total_tokens\":3}")},
     {NULL, C("\"delta\":{},\"finish_reason\":\"stop\",\"usage\":null")}, 1, NULL},
    {"usage in every chunk", 0,
     {"{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}],\"usage\":{\"total_tokens\":1}}",
      "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}], \"usage\" : {\"total_tokens\":2}}"},
     {"{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}],\"usage\":null}",
      "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}], \"usage\" : null}"}, 2,
     NULL},

    {"think tags, in one", TAGS, {D("\"content\":\"\\n<think>why</think>so\""), END("stop")},
     {D("\"content\":\"\\nso\",\"reasoning_content\":\"why\""), NULL}, 1, NULL},
    {"think tags in pieces, escaped", TAGS,
     {D("\"role\":\"assistant\",\"content\":\"\\u003cth\""), D("\"content\":\"ink>a < b\""),
      D("\"content\":\"<\\/thin\",\"reasoning_content\":null"), D("\"content\":\"k><think>\""),
      D("\"content\":\"so\""), END("stop")},
     {D("\"role\":\"assistant\",\"content\":\"\""),
      D("\"content\":\"\",\"reasoning_content\":\"a < b\""),
      D("\"content\":\"\",\"reasoning_content\":null"), D("\"content\":\"<think>\""), NULL, NULL}, 4,
     NULL},
    {"a tag cut off by the end", TAGS,
     {D("\"content\":\"<think>a\""), D("\"content\":\"b</thi\""), END("length")},
     {D("\"content\":\"\",\"reasoning_content\":\"a\""),
      D("\"content\":\"\",\"reasoning_content\":\"b\""),
      C("\"delta\":{\"content\":\"\",\"reasoning_content\":\"</thi\"},\"finish_reason\":\"length\"")},
     3, NULL},
    {"a tag cut off before an empty text", TAGS,
     {D("\"content\":\"<think>x</think\""),
      C("\"delta\":{\"content\":\"\"},\"finish_reason\":\"length\"")},
     {D("\"content\":\"\",\"reasoning_content\":\"x\""),
      C("\"delta\":{\"content\":\"\",\"reasoning_content\":\"</think\"},"
        "\"finish_reason\":\"length\"")}, 2, NULL},
    {"a tag cut off, and no arguments", TAGS,
     {D("\"content\":\"<thi\""), T(CALL(0, "a", "f", "")), END("stop")},
     {D("\"content\":\"\""), NULL,
      C("\"delta\":{\"content\":\"<thi\",\"tool_calls\":[{\"index\":0," ARGS("{}")
        "}]},\"finish_reason\":\"tool_calls\"")}, 2, NULL},
    {"a tag cut off, and no delta", TAGS,
     {D("\"content\":\"<thi\""), "{\"choices\":[{\"finish_reason\":\"stop\"}]}"},
     {D("\"content\":\"\""),
      "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"<thi\"},\"finish_reason\":\"stop\"}]}"},
     2, NULL},
    {"a thought cut off, a null delta, and no arguments", TAGS,
     {D("\"content\":\"<think>a</\""), T(CALL(0, "a", "f", "")),
      C("\"delta\":null,\"finish_reason\":\"stop\"")},
     {D("\"content\":\"\",\"reasoning_content\":\"a\""), NULL,
      C("\"delta\":{\"reasoning_content\":\"</\",\"tool_calls\":[{\"index\":0," ARGS("{}")
        "}]},\"finish_reason\":\"tool_calls\"")}, 2, NULL},
    {"no tag", TAGS, {D("\"content\":\" \""), D("\"content\":\"<thing\""), D("\"content\":\"<think>\"")},
     {NULL}, 0, NULL},
    {"tags of a server that tells reasoning apart", TAGS,
     {D("\"reasoning_content\":\"a\""), D("\"content\":\"<think>\"")}, {NULL}, 0, NULL},

    {"no delta, no index", 0,
     {D("\"content\":\"x\""), "{\"choices\":[{\"finish_reason\":\"stop\"}]}"},
     {NULL, "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}"}, 1, NULL},
    {"an empty choice", 0, {"{\"choices\":[{}]}"}, {"{\"choices\":[{\"index\":0,\"delta\":{}}]}"},
     1, NULL},
    {"an index that is text", 0, {"{\"choices\":[{\"index\":\"0\",\"delta\":{}}]}"},
     {"{\"choices\":[{\"index\":0,\"delta\":{}}]}"}, 1, NULL},
    {"a message for a delta", 0,
     {"{\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
      "\"content\":\"x\",\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
      "\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}"},
     {"{\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
      "\"content\":\"x\",\"tool_calls\":[" CALL(0, "a", "f", "{}") "]},\"finish_reason\":\"tool_calls\"}]}"},
     1, NULL},
    {"a message beside a null delta", 0,
     {C("\"delta\":null,\"message\":{\"content\":\"x\"}")},
     {C("\"message\":null,\"delta\":{\"content\":\"x\"}")}, 1, NULL},
    /* MiniMax, "Chat Completion v2": the last chunk has the whole message once more */
    {"MiniMax: the whole message at the end", USAGE,
     {D("\"content\":\"x\""),
      "{\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{\"content\":\"x\"},"
      "\"finish_reason\":\"stop\"}],\"usage\":{\"total_tokens\":3}}"},
     {NULL, "{\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{},"
            "\"finish_reason\":\"stop\"}],\"usage\":null}"}, 1, NULL},
    {"tool calls in the whole message at the end", 0,
     {D("\"content\":\"x\""),
      C("\"message\":{\"content\":\"x\",\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\",\"function\":"
        "{\"name\":\"f\",\"arguments\":\"{}\"}},{\"function\":{\"name\":\"f\"},\"y\": 1}]},"
        "\"finish_reason\":\"stop\"")},
     {NULL, C("\"delta\":{\"tool_calls\":[" CALL(0, "a", "f", "{}") ",{\"index\":1,\"id\":\"" MADE
              "1\",\"type\":\"function\",\"function\":{\"name\":\"f\"},\"y\": 1},{\"index\":1,"
              ARGS("{}") "}]},\"finish_reason\":\"tool_calls\"")}, 1, NULL},
    {"the same beside a null delta", 0,
     {D("\"content\":\"x\""),
      C("\"delta\":null,\"message\":{\"tool_calls\":[" CALL(5, "a", "f", "{}") "]},"
        "\"finish_reason\":\"tool_calls\"")},
     {NULL, C("\"delta\":{\"tool_calls\":[" CALL(0, "a", "f", "{}") "]},\"message\":{\"tool_calls\":["
              CALL(5, "a", "f", "{}") "]},\"finish_reason\":\"tool_calls\"")}, 1, NULL},
    {"the same beside a delta", 0,
     {D("\"content\":\"x\""),
      C("\"delta\":{\"content\":\"\"},\"message\":{\"tool_calls\":[" CALL(0, "a", "f", "[]") "]},"
        "\"finish_reason\":\"tool_calls\"")},
     {NULL, C("\"delta\":{\"content\":\"\",\"tool_calls\":[" CALL(0, "a", "f", "[]") "]},"
              "\"message\":{\"tool_calls\":[" CALL(0, "a", "f", "[]") "]},"
              "\"finish_reason\":\"tool_calls\"")}, 1, NULL},
    {"the calls once more in the whole message", 0,
     {T(CALL(0, "a", "f", "{\\\"x\\\":1}")), T(CALL(1, "b", "f", "")),
      C("\"message\":{\"tool_calls\":[" CALL(0, "a", "f", "{\\\"x\\\": 1}") "," CALL(1, "c", "f", "{}")
        "]},\"finish_reason\":\"tool_calls\"")},
     {NULL, NULL, C("\"delta\":{\"tool_calls\":[{\"index\":1," ARGS("{}") "}]},"
                    "\"finish_reason\":\"tool_calls\"")}, 1, NULL},
    {"other calls in the whole message", 0,
     {T(CALL(0, "a", "f", "[1]")),
      C("\"message\":{\"tool_calls\":[" CALL(0, "a", "f", "[2]") "]},\"finish_reason\":\"stop\"")},
     {NULL, ""}, 0, "ended with other tool calls than it had sent"},
    {"more calls in the whole message", 0,
     {T(CALL(0, "a", "f", "[1]")), C("\"message\":{\"tool_calls\":[" CALL(0, "a", "f", "[1]") ","
                                     CALL(1, "b", "f", "[2]") "]},\"finish_reason\":\"stop\"")},
     {NULL, ""}, 0, "ended with other tool calls than it had sent"},
    {"fewer calls in the whole message", 0,
     {T(CALL(0, "a", "f", "[1]")), T(CALL(1, "b", "f", "[2]")),
      C("\"message\":{\"tool_calls\":[" CALL(0, "a", "f", "[1]") "]},\"finish_reason\":\"stop\"")},
     {NULL, NULL, ""}, 0, "ended with fewer tool calls than it had sent"},
};

static void check(const struct row *row, harborai_str event, const char *want, struct stream *w)
{
    enum stream_verdict verdict = stream_event(w, event);
    bool is_out = verdict == STREAM_FORWARD || verdict == STREAM_HOLD;
    ROW(row->name, is_out == (want == NULL || want[0] != '\0'));
    if (!is_out)
        return;
    bool is_right = want != NULL ? slice_is(w->chunk, want)
                                 : w->chunk.data == event.data && w->chunk.len == event.len;
    if (!is_right)
        fprintf(stderr, "\n  %.*s\n", SLICE_ARG(w->chunk));
    ROW(row->name, is_right);
}

static void test_rows(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        const struct stream_options options = {.choices = 1, .wants_usage = (row->options & USAGE) != 0,
                                               .notes_turn = true, .id_seed = 0xabc,
                                               .think_tags = (row->options & TAGS) != 0};
        struct stream w;
        stream_init(&w, &options);
        for (size_t k = 0; k < EVENTS_MOST && row->events[k] != NULL; k++) {
            harborai_str event = unit_tight(slice_of(row->events[k]));
            check(row, event, row->want[k], &w);
            unit_drop(event);
        }
        ROW(row->name, w.repairs == row->repairs);
        ROW(row->name, slice_equal(slice_of(w.fault), slice_of(row->fault)));
        stream_release(&w);
    }
}

/* ---- Whole answers --------------------------------------------------------------------------- */

#define A(message, reason)                                                                         \
    "{\"choices\":[{\"index\":0,\"message\":{" message "},\"finish_reason\":" reason "}]}"
#define CALLS(items) "\"role\":\"assistant\",\"content\":null,\"tool_calls\":[" items "]"
#define ITEM(id, name, text)                                                                       \
    "{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\"" name                      \
    "\",\"arguments\":\"" text "\"}}"

static const struct answer_row {
    const char *name, *body, *want; /* NULL: as it came; else what comes out, or what is wrong */
} answers[] = {
    {"OpenAI", A(CALLS(ITEM("a", "f", "{}") "," ITEM("b", "f", "{}")), "\"tool_calls\""), NULL},
    {"text", A("\"role\":\"assistant\",\"content\":\"x\",\"y\": 1", "\"stop\""), NULL},
    {"no content", A("\"role\":\"assistant\"", "\"stop\""),
     A("\"role\":\"assistant\",\"content\":null", "\"stop\"")},
    {"an empty message", A("", "\"stop\""), A("\"content\":null", "\"stop\"")},
    {"no message", "{\"choices\":[{}]}", NULL},
    {"reasoning", A("\"content\":\"x\",\"reasoning\":\"t\"", "\"stop\""),
     A("\"content\":\"x\",\"reasoning_content\":\"t\"", "\"stop\"")},
    {"stop", A(CALLS(ITEM("a", "f", "{}")), "\"stop\""),
     A(CALLS(ITEM("a", "f", "{}")), "\"tool_calls\"")},
    {"null for a finish_reason", A(CALLS(ITEM("a", "f", "{}")), "null"),
     A(CALLS(ITEM("a", "f", "{}")), "\"tool_calls\"")},
    {"an index", A(CALLS("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":"
                         "{\"name\":\"f\",\"arguments\":\"{}\"},\"x\": 1}"), "\"tool_calls\""),
     A(CALLS("{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"},"
             "\"x\": 1}"), "\"tool_calls\"")},
    {"no id, no type, an object", A(CALLS("{\"function\":{\"name\":\"f\",\"arguments\":{\"x\": 1}}}"),
                                    "\"tool_calls\""),
     A(CALLS(ITEM(MADE "0", "f", "{\\\"x\\\": 1}")), "\"tool_calls\"")},
    {"one id for two", A(CALLS(ITEM("a", "f", "{}") "," ITEM("a", "f", "{}")), "\"tool_calls\""),
     A(CALLS(ITEM("a", "f", "{}") "," ITEM(MADE "1", "f", "{}")), "\"tool_calls\"")},
    {"no arguments", A(CALLS(ITEM("a", "f", "") ",{\"id\":\"b\",\"type\":\"function\","
                             "\"function\":{\"name\":\"g\"}}"), "\"tool_calls\""),
     A(CALLS(ITEM("a", "f", "{}") "," ITEM("b", "g", "{}")), "\"tool_calls\"")},
    {"more behind the arguments", A(CALLS(ITEM("a", "f", "{}{}")), "\"tool_calls\""),
     A(CALLS(ITEM("a", "f", "{}")), "\"tool_calls\"")},
    {"other arguments behind the first", A(CALLS(ITEM("a", "f", "{}{\\\"x\\\":1}")), "\"tool_calls\""),
     "sent something else behind the arguments of a tool call: ask again"},
    {"the half of them again", A(CALLS(ITEM("a", "f", "{}{")), "\"stop\""),
     "sent something else behind the arguments of a tool call: ask again"},
    {"cut off by the limit", A(CALLS(ITEM("a", "f", "{")), "\"length\""), NULL},
    {"cut off", A(CALLS(ITEM("a", "f", "{")), "\"stop\""),
     "sent a tool call whose arguments are not complete JSON: ask again"},
    {"no name", A(CALLS("{\"id\":\"a\"}"), "\"stop\""), "sent a tool call without a name: ask again"},
    {"no call", A(CALLS("null"), "\"stop\""), "sent a tool call that is no object: ask again"},
    {"calls that are no array", A("\"tool_calls\":{}", "\"stop\""),
     "sent tool calls that are no array: ask again"},
    {"calls that are null", A("\"content\":\"\",\"tool_calls\":null", "\"stop\""), NULL},
};

static void test_answers(void)
{
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        const struct answer_row *row = &answers[i];
        struct chat_answer answer;
        struct answer_repair r;
        harborai_error error = HARBORAI_ERROR_INIT;
        harborai_str body = unit_tight(slice_of(row->body));
        CU_ASSERT_FATAL(answer_check(body, &answer, &error) == HARBORAI_OK);
        answer_repair_init(&r, 0xabc, false);
        if (answer_repair(&r, &answer, &error) < 0) {
            ROW(row->name, error.code == HARBORAI_E_PROTOCOL && row->want != NULL);
            ROW(row->name, slice_is(slice_of(error.message), row->want != NULL ? row->want : ""));
        } else {
            ROW(row->name, r.is_repaired == (row->want != NULL));
            ROW(row->name, slice_is(answer.body, row->want != NULL ? row->want : row->body));
        }
        answer_repair_release(&r);
        unit_drop(body);
    }
}

static void test_tags(void)
{
    static const char body[] = A("\"content\":\"<think>\\nwhy</think>so\"", "\"stop\"");
    for (int tags = 0; tags < 2; tags++) {
        struct chat_answer answer;
        struct answer_repair r;
        CU_ASSERT_FATAL(answer_check(slice_of(body), &answer, NULL) == HARBORAI_OK);
        answer_repair_init(&r, 0xabc, tags == 1);
        CU_ASSERT(answer_repair(&r, &answer, NULL) == HARBORAI_OK);
        CU_ASSERT(slice_is(answer.body,
                           tags == 0 ? body
                                     : A("\"content\":\"so\",\"reasoning_content\":\"\\nwhy\"",
                                         "\"stop\"")));
        CU_ASSERT(slice_is(r.reasoning, tags == 0 ? "" : "\"\\nwhy\""));
        answer_repair_release(&r);
    }
}

/* ---- What a later turn can be recognised by -------------------------------------------------- */

static void test_turn(void)
{
    static const char *const events[] = {
        D("\"reasoning\":\"t\""), D("\"reasoning_content\":\"u\""), D("\"reasoning_content\":\"v\""),
        T(CALL(0, "a", "f", "{\\\"x\\\":")), T("{\"index\":0," ARGS(" 1}") "}"),
        T("{\"index\":1,\"function\":{\"name\":\"g\"}}"), END("stop")};
    static const char *const reasoning[] = {"\"t\"", "\"u\"", "\"v\"", "", "", "", ""};
    const struct stream_options options = {.choices = 1, .notes_turn = true, .id_seed = 0xabc};
    struct stream w;
    struct turn_call call;
    const struct tool_call *at = NULL;
    uint64_t hash;
    stream_init(&w, &options);
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        CU_ASSERT(stream_event(&w, slice_of(events[i])) < STREAM_DROP);
        ROW(events[i], slice_is(w.reasoning, reasoning[i]));
    }
    CU_ASSERT_FATAL(stream_next_call(&w, &at, &call));
    CU_ASSERT(slice_is(call.id, "a") && slice_is(call.name, "f"));
    CU_ASSERT(arguments_hash_text(HARBORAI_STR("{\"x\": 1}"), &hash) && hash == call.arguments_hash);
    CU_ASSERT_FATAL(stream_next_call(&w, &at, &call));
    CU_ASSERT(slice_is(call.id, MADE "1") && slice_is(call.name, "g"));
    CU_ASSERT(arguments_hash_text(HARBORAI_STR("{}"), &hash) && hash == call.arguments_hash);
    CU_ASSERT(!stream_next_call(&w, &at, &call));
    stream_release(&w);
}

const CU_TestInfo repair_tests[] = {
    {"chunks", test_rows},
    {"whole answers", test_answers},
    {"tags of whole answers", test_tags},
    {"turns", test_turn},
    CU_TEST_INFO_NULL,
};
