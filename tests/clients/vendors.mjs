// SPDX-License-Identifier: MIT
// What the cells know of each vendor: its models, what it thinks unasked and shows, and what a request
// to it must look like. A cell that a vendor cannot do stands in `cannot` with the reason, which its page
// in doc/providers has too.
import assert from "node:assert/strict";

const roles = (body) => body.messages.map((message) => message.role);
const assistants = (body) => body.messages.filter((message) => message.role === "assistant");

// OpenAI's own form, which four of the five have.
const shaped = {
    path: "/chat/completions",
    limit: (body) => body.max_completion_tokens ?? body.max_tokens,
    results(body, count) {
        const found = body.messages.filter((message) => message.role === "tool");
        assert.equal(found.length, count);
        const called = assistants(body).flatMap((message) => message.tool_calls.map((c) => c.id));
        assert.deepEqual(found.map((message) => message.tool_call_id), called);
    },
    tools(body) {
        assert.deepEqual(body.tools.map((tool) => tool.function.name), ["get_weather", "get_time"]);
    },
    image(body, url) {
        assert.deepEqual(body.messages[1].content[1], { type: "image_url", image_url: { url } });
    },
    request(body, headers) {
        assert.deepEqual(roles(body).slice(0, 2), ["system", "user"]);
        assert.ok(headers.includes("authorization") && !headers.includes("x-api-key"));
        assert.ok(!(body.max_tokens && body.max_completion_tokens), "one limit");
    },
    streams: (body) => assert.equal(body.stream_options?.include_usage, true),
    replayed() {},
};

export const vendors = {
    openai: { ...shaped,
        // younger ones refuse tools beside an effort, see doc/providers/openai.md
        model: "gpt-5-mini", key: "OPENAI_API_KEY",
        thinks: () => true, shows: () => false, hides: true,
        effort: (body) => assert.equal(body.reasoning_effort, "low"),
        filter: { finish: "content_filter" } },

    deepseek: { ...shaped,
        model: "deepseek-flash", key: "DEEPSEEK_API_KEY",
        thinks: () => true, shows: () => true,
        effort(body) {
            assert.equal(body.reasoning_effort, "low");
            assert.notEqual(body.thinking?.type, "disabled");
        },
        // thinking mode: what was thought before a call must come back, in all later turns
        replayed(body, thoughts) {
            assert.deepEqual(assistants(body).map((m) => m.reasoning_content), thoughts);
        },
        filter: { finish: "content_filter" } },

    wenxin: { ...shaped,
        model: "ernie-5.1", imageModel: "ernie-5.0-thinking-preview", key: "QIANFAN_API_KEY",
        thinks: (model) => model !== "ernie-5.1", shows: () => true,
        effort(body) {
            assert.equal(body.enable_thinking, true);
            assert.equal(body.reasoning_effort, "low");
        },
        filter: { finish: "content_filter" } },

    doubao: { ...shaped,
        model: "doubao-seed-2-1-lite-260915", key: "ARK_API_KEY",
        thinks: () => true, shows: () => true,
        effort(body) {
            assert.equal(body.reasoning_effort, "low");
            assert.notEqual(body.thinking?.type, "disabled");
        },
        filter: { finish: "content_filter" } },

    anthropic: {
        path: "/v1/messages",
        model: "claude-sonnet-5-5", key: "ANTHROPIC_API_KEY",
        // display is "omitted" unless asked for: then it thinks and does not show it
        thinks: () => true, shows: (asked) => asked,
        limit: (body) => body.max_tokens,
        results(body, count) {
            const found = body.messages.filter((message) => message.role === "user").flatMap(
                (message) => (Array.isArray(message.content) ? message.content : [])
                    .filter((block) => block.type === "tool_result"));
            assert.equal(found.length, count);
            const called = assistants(body).flatMap((message) => message.content)
                .filter((block) => block.type === "tool_use").map((block) => block.id);
            assert.deepEqual(found.map((block) => block.tool_use_id), called);
            const turns = roles(body); // results that belong together stand in one message
            assert.ok(turns.every((role, i) => role !== turns[i - 1]), turns.join());
        },
        tools(body) {
            assert.deepEqual(body.tools.map((tool) => tool.name), ["get_weather", "get_time"]);
            assert.ok(body.tools.every((tool) => tool.input_schema.type === "object"));
        },
        image(body, url) {
            const [, type, data] = url.match(/^data:(.*);base64,(.*)$/s);
            const blocks = body.messages[0].content.filter((block) => block.type === "image");
            assert.deepEqual(blocks.map((block) => block.source),
                             [{ type: "base64", media_type: type, data }]);
        },
        request(body, headers) {
            assert.ok(body.system, "a system prompt");
            assert.ok(roles(body).every((role) => role === "user" || role === "assistant"));
            assert.ok(headers.includes("x-api-key") && headers.includes("anthropic-version"));
            assert.ok(!headers.includes("authorization"));
        },
        streams() {},
        effort(body) {
            assert.equal(body.output_config?.effort, "low");
            assert.equal(body.thinking?.type, "adaptive");
        },
        // thinking blocks with their signatures, before the calls; the simulator checks the signatures
        replayed(body, thoughts) {
            const found = assistants(body).map((message) => message.content[0]);
            assert.deepEqual(found.map((block) => block.type), thoughts.map(() => "thinking"));
            assert.deepEqual(found.map((block) => block.thinking), thoughts);
            assert.ok(found.every((block) => block.signature));
        },
        filter: { finish: "content_filter", stop: "refusal" } },
};

export const cannot = {}; // { "vendor: conversation": "why not" }
