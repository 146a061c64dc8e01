/* SPDX-License-Identifier: MIT */
/* OpenAI's request in, Anthropic's out. In the rows ' stands for ". */
#include "base/buf.h"
#include "base/limits.h"
#include "json_value.h"
#include "tests/unit/plugins/tiny_host.h"
#include "tests/unit/unit.h"

#define OPUS4 "claude-opus-4-6"
#define USER  "'messages':[{'role':'user','content':'hi'}]"
#define SENT  "'messages':[{'role':'user','content':[{'type':'text','text':'hi'}]}]"
#define LONG  "'max_tokens':64000,"
#define TOOLS "'tools':[{'type':'function','function':{'name':'f'}}]"
#define TOOLS_SENT                                                                                 \
    "'tools':[{'name':'f','input_schema':{'type':'object','properties':{}}}]"
#define CALL  "'tool_calls':[{'id':'c1','type':'function','function':{'name':'f','arguments':'{}'}}]"
#define CALL_SENT "{'type':'tool_use','id':'c1','name':'f','input':{}}"
#define RESULT "{'role':'tool','tool_call_id':'c1','content':'42'}"
#define RESULT_SENT "{'type':'tool_result','tool_use_id':'c1','content':'42'}"
#define REPLAY                                                                                     \
    "'reasoning_details':[{'provider':'org.other','data':{'x':1}},"                                \
    "{'provider':'org.harborai.anthropic','data':{'type':'thinking','thinking':'t','signature':'s'}}]"
#define LOOP(replay)                                                                               \
    "'messages':[{'role':'user','content':'hi'},{'role':'assistant'," replay CALL "}," RESULT "]"

struct row {
    const char *name, *model, *options, *in, *want, *changed; /* want: without model and stream */
};

static const struct row rows[] = {
    {"plain", OPUS4, "", USER, LONG SENT, ""},
    {"nulls are absent", OPUS4, "", USER ",'temperature':null,'tools':null,'stop':null,'seed':null",
     LONG SENT, ""},
    {"limits", OPUS4, "", USER ",'max_tokens':5,'max_completion_tokens':7,'stop':'x'",
     "'max_tokens':7,'stop_sequences':['x']," SENT, ""},
    {"stops", OPUS4, "", USER ",'max_tokens':5,'stop':['x','\\n','y']",
     "'max_tokens':5,'stop_sequences':['x','y']," SENT, ""},
    {"max_tokens by option", OPUS4, "'max_tokens':99", USER, "'max_tokens':99," SENT, ""},
    /* system */
    {"system", OPUS4, "",
     "'messages':[{'role':'system','content':'one'},{'role':'developer','content':[{'type':'text',"
     "'text':'two','cache_control':{'type':'ephemeral','ttl':'1h'}}]},{'role':'user','content':'hi'}]",
     LONG SENT ",'system':[{'type':'text','text':'one'},{'type':'text','text':'two',"
               "'cache_control':{'type':'ephemeral','ttl':'1h'}}]",
     ""},
    {"system too late", OPUS4, "",
     "'messages':[{'role':'user','content':'hi'},{'role':'system','content':'one'}]",
     LONG SENT ",'system':[{'type':'text','text':'one'}]", "messages;adapted "},
    {"system of its own goes first", OPUS4, "",
     "'system':'own','messages':[{'role':'system','content':'one'},{'role':'user','content':'hi'}]",
     LONG SENT ",'system':[{'type':'text','text':'own'},{'type':'text','text':'one'}]", ""},
    /* roles */
    {"neighbours merge", OPUS4, "",
     "'messages':[{'role':'user','content':'a'},{'role':'user','content':''},"
     "{'role':'user','content':'b'},{'role':'assistant','content':'c'},"
     "{'role':'assistant','content':[{'type':'text','text':'d'}],'refusal':'e'},"
     "{'role':'user','content':'f'}]",
     LONG "'messages':[{'role':'user','content':[{'type':'text','text':'a'},"
          "{'type':'text','text':'b'}]},{'role':'assistant','content':[{'type':'text','text':'c'},"
          "{'type':'text','text':'d'},{'type':'text','text':'e'}]},"
          "{'role':'user','content':[{'type':'text','text':'f'}]}]",
     ""},
    {"results first, in one turn", OPUS4, "",
     "'messages':[{'role':'user','content':'hi'},{'role':'assistant','content':null,'tool_calls':["
     "{'id':'c:1','type':'function','function':{'name':'f','arguments':''}},"
     "{'id':'c2','type':'function','function':{'name':'g','arguments':'{\\'a\\':[1,\\'\\\\n\\']}'}}]},"
     "{'role':'user','content':'wait'},{'role':'tool','tool_call_id':'c2','content':[{'type':'text',"
     "'text':'two'}]},{'role':'tool','tool_call_id':'c:1','content':''}]," TOOLS,
     LONG "'messages':[{'role':'user','content':[{'type':'text','text':'hi'}]},"
          "{'role':'assistant','content':[{'type':'tool_use','id':'c_1','name':'f','input':{}},"
          "{'type':'tool_use','id':'c2','name':'g','input':{'a':[1,'\\n']}}]},{'role':'user',"
          "'content':[{'type':'tool_result','tool_use_id':'c2','content':[{'type':'text','text':'two'}]},"
          "{'type':'tool_result','tool_use_id':'c_1'},{'type':'text','text':'wait'}]}]," TOOLS_SENT,
     ""},
    {"retired functions", OPUS4, "",
     "'messages':[{'role':'user','content':'hi'},{'role':'assistant','content':null,"
     "'function_call':{'name':'f','arguments':'{}'}},{'role':'function','name':'f','content':'42'}],"
     "'functions':[{'name':'f','parameters':{'properties':{}}}],'function_call':'auto'",
     LONG "'messages':[{'role':'user','content':[{'type':'text','text':'hi'}]},{'role':'assistant',"
          "'content':[{'type':'tool_use','id':'function_1','name':'f','input':{}}]},{'role':'user',"
          "'content':[{'type':'tool_result','tool_use_id':'function_1','content':'42'}]}],"
          "'tools':[{'name':'f','input_schema':{'type':'object','properties':{}}}],"
          "'tool_choice':{'type':'auto'}",
     ""},
    {"tools were called, none are given", OPUS4, "", LOOP(""),
     LONG "'messages':[{'role':'user','content':[{'type':'text','text':'hi'}]},{'role':'assistant',"
          "'content':[" CALL_SENT "]},{'role':'user','content':[" RESULT_SENT "]}],"
          "'tools':[{'name':'f','input_schema':{'type':'object'}}],'tool_choice':{'type':'none'}",
     ""},
    /* parts */
    {"images", OPUS4, "",
     "'messages':[{'role':'user','content':[{'type':'image_url','image_url':{'url':"
     "'data:image\\/png;base64,iVBO\\/w==','detail':'low'}},{'type':'image_url','image_url':{'url':"
     "'https://x/y.jpg','detail':'auto'},'cache_control':{'type':'ephemeral'}},{'type':'text','text':'?'}]}]",
     LONG "'messages':[{'role':'user','content':[{'type':'image','source':{'type':'base64',"
          "'media_type':'image/png','data':'iVBO\\/w=='}},{'type':'image','source':{'type':'url',"
          "'url':'https://x/y.jpg'},'cache_control':{'type':'ephemeral'}},{'type':'text','text':'?'}]}]",
     "messages/0/content/0/image_url/detail;dropped "},
    {"files", OPUS4, "",
     "'messages':[{'role':'user','content':[{'type':'file','file':{'filename':'a.pdf','file_data':"
     "'data:application/pdf;base64,JVBE'}},{'type':'file','file':{'file_id':'file_1'}},"
     "{'type':'document','source':{'type':'text','media_type':'text/plain','data':'x'}}]}]",
     LONG "'messages':[{'role':'user','content':[{'type':'document','source':{'type':'base64',"
          "'media_type':'application/pdf','data':'JVBE'},'title':'a.pdf'},{'type':'document','source':"
          "{'type':'file','file_id':'file_1'}},{'type':'document','source':{'type':'text',"
          "'media_type':'text/plain','data':'x'}}]}]",
     ""},
    /* tools */
    {"tools", OPUS4, "",
     USER ",'tools':[{'type':'function','function':{'name':'f','description':'d','parameters':"
          "{'type':'object'},'strict':true},'cache_control':{'type':'ephemeral'}},"
          "{'type':'web_search_20260209','name':'web_search'}],'tool_choice':'required',"
          "'parallel_tool_calls':false",
     LONG SENT ",'tools':[{'name':'f','description':'d','input_schema':{'type':'object'},'strict':true,"
               "'cache_control':{'type':'ephemeral'}},{'type':'web_search_20260209','name':'web_search'}],"
               "'tool_choice':{'type':'any','disable_parallel_tool_use':true}",
     ""},
    {"one tool", OPUS4, "",
     USER "," TOOLS ",'tool_choice':{'type':'function','function':{'name':'f'}}",
     LONG SENT "," TOOLS_SENT ",'tool_choice':{'type':'tool','name':'f'}", ""},
    {"no tool", OPUS4, "", USER "," TOOLS ",'tool_choice':'none','parallel_tool_calls':false",
     LONG SENT "," TOOLS_SENT ",'tool_choice':{'type':'none'}", ""},
    {"one at a time", OPUS4, "", USER "," TOOLS ",'parallel_tool_calls':false",
     LONG SENT "," TOOLS_SENT ",'tool_choice':{'type':'auto','disable_parallel_tool_use':true}", ""},
    {"a choice without tools", OPUS4, "", USER ",'tool_choice':'auto','parallel_tool_calls':true",
     LONG SENT, ""},
    {"forced where it cannot be", "claude-sonnet-5-5", "", USER "," TOOLS ",'tool_choice':'required'",
     LONG SENT "," TOOLS_SENT, "tool_choice;dropped "},
    /* members */
    {"foreign members", OPUS4, "",
     USER ",'frequency_penalty':1,'presence_penalty':0,'logit_bias':{},'logprobs':false,'seed':0,"
          "'store':true,'n':1,'verbosity':'low'",
     LONG SENT, "frequency_penalty;dropped seed;dropped store;dropped verbosity;dropped "},
    {"own members", OPUS4, "",
     USER ",'cache_control':{'type':'ephemeral'},'container':'c','stream':false,'top_k':5,"
          "'stop_sequences':['z'],'metadata':{'user_id':'me'},'user':'you','inference_geo':'us'",
     "'cache_control':{'type':'ephemeral'},'container':'c','inference_geo':'us'," LONG
     "'stop_sequences':['z']," SENT ",'top_k':5,'metadata':{'user_id':'me'}",
     ""},
    {"user and tier", OPUS4, "", USER ",'user':'you','metadata':{'a':'b'},'service_tier':'default'",
     LONG SENT ",'metadata':{'user_id':'you'},'service_tier':'standard_only'", "metadata;dropped "},
    {"tiers", OPUS4, "", USER ",'safety_identifier':'s','user':'you','service_tier':'priority'",
     LONG SENT ",'metadata':{'user_id':'s'},'service_tier':'auto'", "service_tier;adapted "},
    {"no such tier", OPUS4, "", USER ",'service_tier':'flex'", LONG SENT, "service_tier;dropped "},
    {"schema", OPUS4, "",
     USER ",'response_format':{'type':'json_schema','json_schema':{'name':'n','schema':{'type':'object'}}}",
     LONG SENT ",'output_config':{'format':{'type':'json_schema','schema':{'type':'object'}}}", ""},
    {"schema that it has not", "claude-opus-4-1", "",
     USER ",'response_format':{'type':'json_schema','json_schema':{'schema':{}}}", LONG SENT,
     "response_format;dropped "},
    {"json_object", OPUS4, "", USER ",'response_format':{'type':'json_object'}", LONG SENT,
     "response_format;dropped "},
    /* sampling */
    {"temperature", OPUS4, "", USER ",'temperature':0.7", LONG SENT ",'temperature':0.7", ""},
    {"temperature above 1", OPUS4, "", USER ",'temperature':1.50", LONG SENT ",'temperature':1",
     "temperature;adapted "},
    {"temperature 2e0", OPUS4, "", USER ",'temperature':2e0", LONG SENT ",'temperature':1",
     "temperature;adapted "},
    {"one of two", OPUS4, "", USER ",'temperature':0.7,'top_p':0.5", LONG SENT ",'temperature':0.7",
     "top_p;dropped "},
    {"top_p", OPUS4, "", USER ",'top_p':0.5", LONG SENT ",'top_p':0.5", ""},
    {"younger model, default", "claude-opus-4-7", "", USER ",'temperature':1,'top_p':1.0", LONG SENT, ""},
    {"younger model", "claude-opus-4-7", "", USER ",'temperature':0.5,'top_p':0.9,'top_k':3",
     LONG SENT, "temperature;dropped top_p;dropped top_k;dropped "},
    {"2026-10-21, any value", OPUS4, "'anthropic_version':'2026-10-21'",
     USER ",'temperature':1,'top_p':1,'top_k':3", LONG SENT,
     "temperature;dropped top_p;dropped top_k;dropped "},
    {"2026-10-21, none", OPUS4, "'anthropic_version':'2026-10-21'", USER, LONG SENT, ""},
    {"2023-06-01", OPUS4, "'anthropic_version':'2023-06-01'", USER ",'temperature':1,'top_k':3",
     LONG SENT ",'temperature':1,'top_k':3", ""},
    /* thinking: budgets */
    {"budget", "claude-sonnet-4-5", "", USER ",'reasoning_effort':'medium','temperature':0.2,'top_p':0.96",
     LONG SENT ",'thinking':{'type':'enabled','budget_tokens':10000}",
     "temperature;dropped top_p;dropped "},
    {"budget, top_p alone", "claude-sonnet-4-5", "", USER ",'reasoning_effort':'low','top_p':0.96",
     LONG SENT ",'thinking':{'type':'enabled','budget_tokens':4096},'top_p':0.96", ""},
    {"budget below max_tokens", "claude-haiku-4-5", "", USER ",'reasoning_effort':'max','max_tokens':5000",
     "'max_tokens':5000," SENT ",'thinking':{'type':'enabled','budget_tokens':4096}",
     "reasoning_effort;adapted "},
    {"no room for a budget", "claude-haiku-4-5", "", USER ",'reasoning_effort':'high','max_tokens':1000",
     "'max_tokens':1000," SENT, "reasoning_effort;dropped "},
    {"no budget", "claude-haiku-4-5", "", USER ",'reasoning_effort':'none'", LONG SENT, ""},
    {"budget of its own", "claude-haiku-4-5", "", USER ",'thinking':{'type':'enabled','budget_tokens':2000}",
     LONG SENT ",'thinking':{'type':'enabled','budget_tokens':2000}", ""},
    {"adaptive where there are budgets", "claude-haiku-4-5", "",
     USER ",'thinking':{'type':'adaptive'},'reasoning_effort':'high'",
     LONG SENT ",'thinking':{'type':'enabled','budget_tokens':20000}", "thinking;adapted "},
    {"budget and a forced tool", "claude-haiku-4-5", "",
     USER "," TOOLS ",'tool_choice':'required','reasoning_effort':'high'",
     LONG SENT "," TOOLS_SENT ",'tool_choice':{'type':'any'}", "reasoning_effort;dropped "},
    /* thinking: adaptive */
    {"4.6", OPUS4, "", USER ",'reasoning_effort':'xhigh'",
     LONG SENT ",'thinking':{'type':'adaptive'},'output_config':{'effort':'high'}",
     "reasoning_effort;adapted "},
    {"4.6, a budget of its own", OPUS4, "", USER ",'thinking':{'type':'enabled','budget_tokens':2000}",
     LONG SENT ",'thinking':{'type':'enabled','budget_tokens':2000}", ""},
    {"4.7", "claude-opus-4-7", "", USER ",'reasoning_effort':'max'",
     LONG SENT ",'thinking':{'type':'adaptive','display':'summarized'},'output_config':{'effort':'max'}",
     ""},
    {"4.7, a budget of its own", "claude-opus-4-7", "",
     USER ",'thinking':{'type':'enabled','budget_tokens':9000,'display':'omitted'}",
     LONG SENT ",'thinking':{'type':'adaptive','display':'omitted'},'output_config':{'effort':'medium'}",
     "thinking;adapted "},
    {"minimal", "claude-opus-5", "", USER ",'reasoning_effort':'minimal'",
     LONG SENT ",'thinking':{'type':'adaptive','display':'summarized'},'output_config':{'effort':'low'}",
     "reasoning_effort;adapted "},
    {"opus 5, nothing said", "claude-opus-5", "", USER, LONG SENT, ""},
    {"opus 5, off", "claude-opus-5", "", USER ",'reasoning_effort':'none'",
     LONG SENT ",'thinking':{'type':'disabled'}", ""},
    {"opus 5, off and xhigh", "claude-opus-5", "",
     USER ",'thinking':{'type':'disabled'},'reasoning_effort':'xhigh'",
     LONG SENT ",'thinking':{'type':'disabled'},'output_config':{'effort':'high'}",
     "reasoning_effort;adapted "},
    {"sonnet 5.5, off", "claude-sonnet-5-5", "", USER ",'reasoning_effort':'none'",
     LONG SENT ",'thinking':{'type':'between_tools'}", "reasoning_effort;adapted "},
    {"opus 5.5, off", "claude-opus-5-5", "", USER ",'reasoning_effort':'none'",
     LONG SENT ",'output_config':{'effort':'low'}", "reasoning_effort;adapted "},
    {"fable, off", "claude-fable-5-1", "", USER ",'thinking':{'type':'disabled'}",
     LONG SENT ",'output_config':{'effort':'low'}", "thinking;adapted "},
    {"an unknown model", "claude-next-7", "", USER ",'reasoning_effort':'low','temperature':0.1",
     LONG SENT ",'thinking':{'type':'adaptive','display':'summarized'},'output_config':{'effort':'low'}",
     "temperature;dropped "},
    {"output_config of its own wins", "claude-opus-5", "",
     USER ",'reasoning_effort':'low','output_config':{'effort':'high','x':1}",
     LONG SENT ",'thinking':{'type':'adaptive','display':'summarized'},"
               "'output_config':{'effort':'high','x':1}",
     ""},
    {"effort by option", "claude-opus-5", "'reasoning_effort':'low','thinking_display':'omitted'", USER,
     LONG SENT ",'thinking':{'type':'adaptive','display':'omitted'},'output_config':{'effort':'low'}", ""},
    {"effort by option is nobody's member", "claude-haiku-4-5", "'reasoning_effort':'max'",
     USER "," TOOLS ",'tool_choice':'required'",
     LONG SENT "," TOOLS_SENT ",'tool_choice':{'type':'any'}", ""},
    {"display by option", "claude-sonnet-5", "'thinking_display':'summarized'", USER,
     LONG SENT ",'thinking':{'type':'adaptive','display':'summarized'}", ""},
    /* thinking: in other vendors' words */
    {"auto", "claude-opus-5-5", "", USER ",'thinking':{'type':'auto'}",
     LONG SENT ",'thinking':{'type':'adaptive','display':'summarized'}", "thinking;adapted "},
    {"auto, 4.6", OPUS4, "", USER ",'thinking':{'type':'auto'}", LONG SENT ",'thinking':{'type':'adaptive'}",
     "thinking;adapted "},
    {"auto, budget", "claude-haiku-4-5", "", USER ",'thinking':{'type':'auto'}",
     LONG SENT ",'thinking':{'type':'enabled','budget_tokens':10000}", "thinking;adapted "},
    {"enabled without a budget", "claude-haiku-4-5", "",
     USER ",'thinking':{'type':'enabled'},'reasoning_effort':'none'",
     LONG SENT ",'thinking':{'type':'enabled','budget_tokens':10000}", "thinking;adapted "},
    {"enable_thinking, budget", "claude-haiku-4-5", "", USER ",'enable_thinking':true",
     LONG SENT ",'thinking':{'type':'enabled','budget_tokens':10000}", "enable_thinking;adapted "},
    {"enable_thinking with a budget", "claude-haiku-4-5", "",
     USER ",'enable_thinking':true,'thinking_budget':3000",
     LONG SENT ",'thinking':{'type':'enabled','budget_tokens':3000}",
     "thinking_budget;adapted enable_thinking;adapted "},
    {"thinking_budget, effort", "claude-opus-5", "", USER ",'thinking_budget':3000",
     LONG SENT ",'thinking':{'type':'adaptive','display':'summarized'},'output_config':{'effort':'low'}",
     "thinking_budget;adapted "},
    {"thinking_budget, too small", "claude-haiku-4-5", "", USER ",'thinking_budget':5",
     LONG SENT ",'thinking':{'type':'enabled','budget_tokens':1024}", "thinking_budget;adapted "},
    {"thinking_budget, too large", "claude-haiku-4-5", "", USER ",'thinking_budget':9000,'max_tokens':5000",
     "'max_tokens':5000," SENT ",'thinking':{'type':'enabled','budget_tokens':4096}",
     "thinking_budget;adapted "},
    {"thinking_budget 0", "claude-opus-5", "", USER ",'thinking_budget':0",
     LONG SENT ",'thinking':{'type':'disabled'}", "thinking_budget;adapted "},
    {"thinking_budget below 0", "claude-opus-5", "", USER ",'thinking_budget':-1", LONG SENT,
     "thinking_budget;dropped "},
    {"enable_thinking off", "claude-opus-5", "", USER ",'enable_thinking':false,'thinking_budget':3000",
     LONG SENT ",'thinking':{'type':'disabled'}", "thinking_budget;dropped enable_thinking;adapted "},
    {"enable_thinking off, never", "claude-opus-5-5", "", USER ",'enable_thinking':false",
     LONG SENT ",'output_config':{'effort':'low'}", "enable_thinking;adapted "},
    {"enable_thinking and a forced tool", "claude-haiku-4-5", "",
     USER "," TOOLS ",'tool_choice':'required','enable_thinking':true",
     LONG SENT "," TOOLS_SENT ",'tool_choice':{'type':'any'}", "enable_thinking;dropped "},
    {"reasoning.effort", "claude-opus-5", "", USER ",'reasoning':{'effort':'minimal'}",
     LONG SENT ",'thinking':{'type':'adaptive','display':'summarized'},'output_config':{'effort':'low'}",
     "reasoning;adapted "},
    {"reasoning.enabled", "claude-opus-5", "", USER ",'reasoning':{'enabled':true}",
     LONG SENT ",'thinking':{'type':'adaptive','display':'summarized'}", "reasoning;adapted "},
    {"reasoning off", "claude-opus-5", "'reasoning_effort':'high'", USER ",'reasoning':{'enabled':false}",
     LONG SENT ",'thinking':{'type':'disabled'}", "reasoning;adapted "},
    {"reasoning.max_tokens", "claude-haiku-4-5", "", USER ",'reasoning':{'max_tokens':2000}",
     LONG SENT ",'thinking':{'type':'enabled','budget_tokens':2000}", "reasoning;adapted "},
    {"reasoning that says nothing", OPUS4, "", USER ",'reasoning':{}", LONG SENT, "reasoning;dropped "},
    {"on, as the option says", "claude-opus-5", "'reasoning_effort':'high'", USER ",'enable_thinking':true",
     LONG SENT ",'thinking':{'type':'adaptive','display':'summarized'},'output_config':{'effort':'high'}",
     "enable_thinking;adapted "},
    {"reasoning_effort goes before", "claude-opus-5", "",
     USER ",'reasoning_effort':'high','reasoning':{'effort':'low'},'enable_thinking':false",
     LONG SENT ",'thinking':{'type':'adaptive','display':'summarized'},'output_config':{'effort':'high'}",
     "reasoning;dropped enable_thinking;dropped "},
    {"thinking goes before", "claude-opus-5", "",
     USER ",'thinking':{'type':'disabled'},'reasoning':{'effort':'low'},'thinking_budget':9000",
     LONG SENT ",'thinking':{'type':'disabled'}", "reasoning;dropped thinking_budget;dropped "},
    /* what the vendor gave comes back */
    {"replay", "claude-sonnet-4-5", "", LOOP(REPLAY ",") "," TOOLS ",'reasoning_effort':'low'",
     LONG "'messages':[{'role':'user','content':[{'type':'text','text':'hi'}]},{'role':'assistant',"
          "'content':[{'type':'thinking','thinking':'t','signature':'s'}," CALL_SENT "]},"
          "{'role':'user','content':[" RESULT_SENT "]}]," TOOLS_SENT
          ",'thinking':{'type':'enabled','budget_tokens':4096}",
     ""},
    {"replay is gone", "claude-sonnet-4-5", "", LOOP("") "," TOOLS ",'reasoning_effort':'low'",
     LONG "'messages':[{'role':'user','content':[{'type':'text','text':'hi'}]},{'role':'assistant',"
          "'content':[" CALL_SENT "]},{'role':'user','content':[" RESULT_SENT "]}]," TOOLS_SENT,
     "reasoning_effort;off "},
    {"replay is gone, thinking of its own", "claude-sonnet-4-5", "",
     LOOP("") "," TOOLS ",'thinking':{'type':'enabled','budget_tokens':2000}",
     LONG "'messages':[{'role':'user','content':[{'type':'text','text':'hi'}]},{'role':'assistant',"
          "'content':[" CALL_SENT "]},{'role':'user','content':[" RESULT_SENT "]}]," TOOLS_SENT,
     "thinking;off "},
    {"replay is gone, adaptive", "claude-opus-4-7", "", LOOP("") "," TOOLS ",'reasoning_effort':'low'",
     LONG "'messages':[{'role':'user','content':[{'type':'text','text':'hi'}]},{'role':'assistant',"
          "'content':[" CALL_SENT "]},{'role':'user','content':[" RESULT_SENT "]}]," TOOLS_SENT
          ",'thinking':{'type':'adaptive','display':'summarized'},'output_config':{'effort':'low'}",
     ""},
};

/* `format` with ' for ", around the text. */
static harborai_str quoted(struct buf *b, const char *before, const char *text, const char *after)
{
    buf_clear(b);
    buf_printf(b, "%s%s%s", before, text, after);
    for (size_t i = 0; i < b->len; i++)
        if (b->data[i] == '\'')
            b->data[i] = '"';
    return buf_slice(b);
}

static void check_row(const struct row *row)
{
    AUTO(buf) config = BUF_INIT(MIB(1));
    AUTO(buf) in = BUF_INIT(MIB(1));
    AUTO(buf) want = BUF_INIT(MIB(1));
    struct tiny_host t;
    char head[128];
    snprintf(head, sizeof head, "{'model':'%s','stream':true,", row->model);
    quoted(&config, "{'base_url':'http://a'", row->options[0] ? "," : "", row->options);
    buf_add(&config, HARBORAI_STR("}"));
    quoted(&in, "{'model':'x',", row->in, "}");
    quoted(&want, head, row->want, "}");
    ROW(row->name, tiny_host_open(&t, harborai_plugin_query(0), buf_slice(&config)) == HARBORAI_OK);
    harborai_str body = unit_tight(buf_slice(&in));
    harborai_status st = tiny_host_chat(&t, row->model, body);
    ROW(row->name, st == HARBORAI_OK);
    if (st < 0)
        fprintf(stderr, "  %s %s\n", t.error.param, t.error.message);
    ROW(row->name, slice_equal(buf_slice(&t.body), buf_slice(&want)));
    if (!slice_equal(buf_slice(&t.body), buf_slice(&want)))
        fprintf(stderr, "  sent %.*s\n  want %.*s\n", SLICE_ARG(buf_slice(&t.body)),
                SLICE_ARG(buf_slice(&want)));
    ROW(row->name, slice_is(buf_slice(&t.changed), row->changed));
    if (!slice_is(buf_slice(&t.changed), row->changed))
        fprintf(stderr, "  changed %.*s\n", SLICE_ARG(buf_slice(&t.changed)));
    ROW(row->name, json_scan(buf_slice(&t.body), NULL, NULL, NULL) == HARBORAI_OK);
    ROW(row->name, t.wrong == 0);
    tiny_host_release(&t);
    tiny_host_close(&t);
    unit_drop(body);
}

static void test_translated(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_row(&rows[i]);
}

/* Whatever max_tokens is: more effort is no smaller budget, and each is one that the vendor takes. */
static void test_budgets_rise(void)
{
    static const char *const efforts[] = {"minimal", "low", "medium", "high", "xhigh", "max"};
    static const int64_t max_tokens[] = {1025, 1100, 2048, 2049, 4096, 4097, 5000, 8192, 10000,
                                         12000, 20001, 24000, 28001, 32000, 32001, 64000};
    for (size_t i = 0; i < ARRAY_LEN(max_tokens); i++) {
        int64_t before = 1024, budget;
        for (size_t k = 0; k < ARRAY_LEN(efforts); k++) {
            AUTO(buf) body = BUF_INIT(MIB(1));
            struct tiny_host t;
            buf_printf(&body, "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],"
                              "\"max_tokens\":%lld,\"reasoning_effort\":\"%s\"}",
                       (long long)max_tokens[i], efforts[k]);
            CU_ASSERT_EQUAL_FATAL(tiny_host_open(&t, harborai_plugin_query(0),
                                                 HARBORAI_STR("{\"base_url\":\"http://a\"}")),
                                  HARBORAI_OK);
            CU_ASSERT_EQUAL(tiny_host_chat(&t, "claude-sonnet-4-5", buf_slice(&body)), HARBORAI_OK);
            ROW(efforts[k], json_int64(json_pointer_find(buf_slice(&t.body),
                                                         HARBORAI_STR("/thinking/budget_tokens")),
                                       &budget) &&
                                budget >= before && budget < max_tokens[i]);
            before = budget;
            tiny_host_release(&t);
            tiny_host_close(&t);
        }
    }
}

static const struct refused {
    const char *name, *in;
    harborai_status code;
    const char *param, *message;
} refused[] = {
    {"n", USER ",'n':2", HARBORAI_E_INVALID, "/n", "one answer to a request"},
    {"modalities", USER ",'modalities':['text','audio']", HARBORAI_E_UNSUPPORTED, "/modalities", "text alone"},
    {"audio", USER ",'audio':{'voice':'a'}", HARBORAI_E_UNSUPPORTED, "/audio", "do not speak"},
    {"role", "'messages':[{'role':'user','content':'a'},{'role':'robot'}]", HARBORAI_E_INVALID,
     "/messages/1/role", "messages[1].role"},
    {"content", "'messages':[{'role':'user','content':7}]", HARBORAI_E_INVALID,
     "/messages/0/content", "messages[0].content must be"},
    {"sound", "'messages':[{'role':'user','content':[{'type':'text','text':'a'},{'type':'input_audio'}]}]",
     HARBORAI_E_UNSUPPORTED, "/messages/0/content/1", "messages[0].content[1]"},
    {"unknown part", "'messages':[{'role':'user','content':[{'type':'smell'}]}]",
     HARBORAI_E_UNSUPPORTED, "/messages/0/content/0", "'smell'"},
    {"image", "'messages':[{'role':'user','content':[{'type':'image_url','image_url':{'url':'ftp://x'}}]}]",
     HARBORAI_E_INVALID, "/messages/0/content/0", "neither http(s) nor"},
    {"image that is none",
     "'messages':[{'role':'user','content':[{'type':'image_url','image_url':{'url':'data:text/html;base64,AA'}}]}]",
     HARBORAI_E_INVALID, "/messages/0/content/0", "neither http(s) nor"},
    {"image without base64",
     "'messages':[{'role':'user','content':[{'type':'image_url','image_url':{'url':'data:image/png'}}]}]",
     HARBORAI_E_INVALID, "/messages/0/content/0", "neither http(s) nor"},
    {"file", "'messages':[{'role':'user','content':[{'type':'file','file':{'file_data':'data:text/csv;base64,AA'}}]}]",
     HARBORAI_E_UNSUPPORTED, "/messages/0/content/0", "must be a PDF"},
    {"instructions", "'messages':[{'role':'system','content':[{'type':'image_url'}]},{'role':'user','content':'a'}]",
     HARBORAI_E_INVALID, "/messages/0/content/0", "must be text"},
    {"arguments", "'messages':[{'role':'assistant','tool_calls':[{'id':'c','function':{'name':'f','arguments':'[1'}}]}]",
     HARBORAI_E_INVALID, "/messages/0/tool_calls/0", "messages[0]: the arguments"},
    {"arguments, no object", "'messages':[{'role':'assistant','tool_calls':[{'id':'c','function':{'name':'f','arguments':'[1]'}}]}]",
     HARBORAI_E_INVALID, "/messages/0/tool_calls/0", "not a JSON object"},
    {"a call without id", "'messages':[{'role':'assistant','tool_calls':[{'function':{'name':'f','arguments':''}}]}]",
     HARBORAI_E_INVALID, "/messages/0/tool_calls/0", "needs an id"},
    {"a result without id", "'messages':[{'role':'tool','content':'a'}]", HARBORAI_E_INVALID,
     "/messages/0/tool_call_id", "which call"},
    {"a tool without name", USER ",'tools':[{'type':'function','function':{}}]", HARBORAI_E_INVALID,
     "/tools/0", "no name"},
    {"a custom tool", USER ",'tools':[{'type':'custom','custom':{'name':'f'}}]",
     HARBORAI_E_UNSUPPORTED, "/tools/0", "tools[0]"},
    {"a choice", USER "," TOOLS ",'tool_choice':{'type':'allowed_tools'}", HARBORAI_E_UNSUPPORTED,
     "/tool_choice", "one function"},
    {"reasoning", USER ",'reasoning':'high'", HARBORAI_E_INVALID, "/reasoning", "an object"},
    {"reasoning.effort", USER ",'reasoning':{'effort':'hard'}", HARBORAI_E_INVALID, "/reasoning/effort",
     "must be none"},
    {"enable_thinking", USER ",'enable_thinking':'yes'", HARBORAI_E_INVALID, "/enable_thinking", "a boolean"},
    {"thinking_budget", USER ",'thinking_budget':1.5", HARBORAI_E_INVALID, "/thinking_budget", "whole number"},
    {"effort", USER ",'reasoning_effort':'hard'", HARBORAI_E_INVALID, "/reasoning_effort", "must be none"},
    {"temperature", USER ",'temperature':'hot'", HARBORAI_E_INVALID, "/temperature", "a number"},
    {"max_tokens", USER ",'max_tokens':1.5", HARBORAI_E_INVALID, "/max_tokens", "whole number"},
    {"tools", USER ",'tools':{}", HARBORAI_E_INVALID, "/tools", "an array"},
    {"thinking", USER ",'thinking':true", HARBORAI_E_INVALID, "/thinking", "an object"},
    {"stop", USER ",'stop':3", HARBORAI_E_INVALID, "/stop", "a string or an array"},
};

static void test_refused(void)
{
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        const struct refused *row = &refused[i];
        AUTO(buf) in = BUF_INIT(MIB(1));
        struct tiny_host t;
        quoted(&in, "{'model':'x',", row->in, "}");
        harborai_str body = unit_tight(buf_slice(&in));
        ROW(row->name, tiny_host_open(&t, harborai_plugin_query(0),
                                      HARBORAI_STR("{\"base_url\":\"http://a\"}")) == HARBORAI_OK);
        ROW(row->name, tiny_host_chat(&t, OPUS4, body) == row->code);
        ROW(row->name, strcmp(t.error.param, row->param) == 0);
        ROW(row->name, strstr(t.error.message, row->message) != NULL);
        if (strstr(t.error.message, row->message) == NULL)
            fprintf(stderr, "  %s: %s\n", t.error.param, t.error.message);
        ROW(row->name, !t.is_started && t.wrong == 0);
        tiny_host_release(&t);
        tiny_host_close(&t);
        unit_drop(body);
    }
}

/* `params: strict`: what the host says about a dropped member ends the request. */
static void test_strict(void)
{
    AUTO(buf) in = BUF_INIT(MIB(1));
    struct tiny_host t;
    quoted(&in, "{'model':'x',", USER ",'seed':1", "}");
    CU_ASSERT_EQUAL(tiny_host_open(&t, harborai_plugin_query(0),
                                   HARBORAI_STR("{\"base_url\":\"http://a\"}")), HARBORAI_OK);
    t.is_strict = true;
    CU_ASSERT_EQUAL(tiny_host_chat(&t, OPUS4, buf_slice(&in)), HARBORAI_E_INVALID);
    CU_ASSERT_STRING_EQUAL(t.error.message, "params: strict");
    tiny_host_release(&t);
    tiny_host_close(&t);
}

static const struct option_row {
    const char *config; /* without base_url */
    const char *base_url, *url, *headers;
} options[] = {
    {"", "http://a", "http://a/v1/messages",
     "anthropic-version: 2023-06-01\nx-api-key: %s (api_key)\n"},
    {"'auth_style':'bearer','anthropic_version':'2026-10-21'", "http://a/x/v1", "http://a/x/v1/messages",
     "anthropic-version: 2026-10-21\nauthorization: Bearer %s (api_key)\n"},
    {"'auth_style':'x-api-key','beta':'a,b'", "http://v1", "http://v1/v1/messages",
     "anthropic-version: 2023-06-01\nx-api-key: %s (api_key)\nanthropic-beta: a,b\n"},
};

static void test_options(void)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        const struct option_row *row = &options[i];
        AUTO(buf) config = BUF_INIT(MIB(1));
        AUTO(buf) in = BUF_INIT(MIB(1));
        struct tiny_host t;
        char head[128];
        snprintf(head, sizeof head, "{'base_url':'%s'%s", row->base_url, row->config[0] ? "," : "");
        ROW(row->url, tiny_host_open(&t, harborai_plugin_query(0),
                                     quoted(&config, head, row->config, "}")) == HARBORAI_OK);
        ROW(row->url, tiny_host_chat(&t, OPUS4, quoted(&in, "{", USER, "}")) == HARBORAI_OK);
        ROW(row->url, slice_is(buf_slice(&t.url), row->url));
        ROW(row->url, slice_is(buf_slice(&t.headers), row->headers));
        tiny_host_release(&t);
        tiny_host_close(&t);
    }
}

const CU_TestInfo anthropic_request_tests[] = {{"translated", test_translated},
                                               {"budgets rise", test_budgets_rise},
                                               {"refused", test_refused},
                                               {"strict", test_strict},
                                               {"options", test_options},
                                               CU_TEST_INFO_NULL};
