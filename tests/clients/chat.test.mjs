// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { MODEL, VIA, client, collect, script, simAnswer, textOf, tools, user } from "./support.mjs";

const SAID = "Ahoy, wörld 🌊 two  spaces\nand a second line";

test("whole: content, finish_reason, usage, request id", async () => {
    const answer = await client.chat.completions.create({ model: MODEL, messages: user(SAID) });
    assert.equal(answer.object, "chat.completion");
    assert.equal(answer.choices[0].message.role, "assistant");
    assert.equal(answer.choices[0].message.content, SAID);
    assert.equal(answer.choices[0].finish_reason, "stop");
    assert.equal(answer.usage.prompt_tokens, 9);
    assert.equal(answer.usage.total_tokens, 18);
    assert.ok(answer._request_id);
});

test("whole: two choices", async () => {
    const answer = await client.chat.completions.create({ model: MODEL, messages: user("a"), n: 2 });
    assert.deepEqual(answer.choices.map((choice) => choice.index), [0, 1]);
});

test("whole: content parts", async () => {
    const parts = [{ type: "text", text: "part one, " }, { type: "text", text: "part two" }];
    const answer = await client.chat.completions.create({ model: MODEL, messages: user(parts) });
    assert.equal(answer.choices[0].message.content, "part one, part two");
});

test("stream: role first, text in order, one finish_reason, no usage unasked", async () => {
    const stream = await client.chat.completions.create(
        { model: MODEL, messages: user(SAID), stream: true });
    const chunks = await collect(stream);
    assert.equal(chunks[0].choices[0].delta.role, "assistant");
    assert.equal(textOf(chunks), SAID);
    assert.deepEqual(chunks.map((c) => c.choices[0].finish_reason).filter(Boolean), ["stop"]);
    assert.ok(chunks.every((chunk) => chunk.choices.length > 0 && !chunk.usage));
    assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
});

test("stream: include_usage gives exactly one usage chunk, with no choices", async () => {
    const stream = await client.chat.completions.create({ model: MODEL, messages: user(SAID),
        stream: true, stream_options: { include_usage: true } });
    const chunks = await collect(stream);
    const withUsage = chunks.filter((chunk) => chunk.usage);
    assert.equal(withUsage.length, 1);
    assert.deepEqual(withUsage[0].choices, []);
    assert.equal(withUsage[0].usage.total_tokens, 18);
    assert.equal(chunks.at(-1), withUsage[0]);
    assert.equal(chunks.filter((chunk) => chunk.choices.length === 0).length, 1);
});

test("stream: include_usage false gives none", async () => {
    const stream = await client.chat.completions.create({ model: MODEL, messages: user(SAID),
        stream: true, stream_options: { include_usage: false } });
    assert.ok((await collect(stream)).every((chunk) => !chunk.usage && chunk.choices.length > 0));
});

test("stream: two choices end each for itself", async () => {
    const stream = await client.chat.completions.create(
        { model: MODEL, messages: user("x y z"), stream: true, n: 2 });
    const ended = (await collect(stream)).flatMap((c) => c.choices)
        .filter((choice) => choice.finish_reason).map((choice) => choice.index);
    assert.deepEqual(ended.sort(), [0, 1]);
});

test("stream: comments, CRLF and bytes split anywhere", async () => {
    for (const more of [{ comments: true }, { crlf: true }, { no_space: true }, { split_bytes: 7 }]) {
        const stream = await client.chat.completions.create(
            { model: MODEL, messages: script({ text: "ä € 🌊 z", ...more }), stream: true });
        assert.equal(textOf(await collect(stream)), "ä € 🌊 z", JSON.stringify(more));
    }
});

test("stream: a long answer arrives whole", async () => {
    const stream = await client.chat.completions.create({ model: MODEL, stream: true,
        messages: script({ events: 2000, event_bytes: 500 }) });
    assert.equal(textOf(await collect(stream)).length, 1_000_000);
});

test("tools: whole", async () => {
    const answer = await client.chat.completions.create(
        { model: MODEL, messages: script({ tool_call: true }), tools });
    const [call] = answer.choices[0].message.tool_calls;
    assert.equal(answer.choices[0].finish_reason, "tool_calls");
    assert.equal(answer.choices[0].message.content, null);
    assert.equal(call.function.name, "get_weather");
    assert.deepEqual(JSON.parse(call.function.arguments), { city: "Paris", unit: "celsius" });
});

test("tools: streamed, put together by the client's own helper", async () => {
    const runner = client.chat.completions.stream(
        { model: MODEL, messages: script({ tool_call: true }), tools });
    const completion = await runner.finalChatCompletion();
    const [call] = completion.choices[0].message.tool_calls;
    assert.equal(completion.choices[0].finish_reason, "tool_calls");
    assert.equal(call.function.name, "get_weather");
    assert.deepEqual(JSON.parse(call.function.arguments), { city: "Paris", unit: "celsius" });
});

test("tools: the result goes back", async () => {
    const first = await client.chat.completions.create(
        { model: MODEL, messages: script({ tool_call: true }), tools });
    const [call] = first.choices[0].message.tool_calls;
    const answer = await client.chat.completions.create({ model: MODEL, tools, messages: [
        ...user("how is it?"), first.choices[0].message,
        { role: "tool", tool_call_id: call.id, content: "18 degrees" }] });
    assert.equal(answer.choices[0].message.content, "the tool said: 18 degrees");
});

test("abort in mid-stream: the vendor sees its peer leave, while bytes flow and while none do",
    async () => {
        for (const members of [{ events: 2000, delay_ms: 5 },
                               { events: 20, pause_ms_before_event: [6, 15000] }]) {
            const mark = `abort-${process.pid}-${Math.random().toString(36).slice(2)}`;
            const stream = await client.chat.completions.create({ model: MODEL, stream: true,
                messages: [{ role: "system", content: mark }, ...script(members)] });
            let seen = 0;
            for await (const chunk of stream)
                if (chunk.choices[0].delta.content && ++seen === 3) break; // leaving the loop aborts
            const answer = await simAnswer(mark);
            assert.equal(answer.peer_left, true, JSON.stringify(members));
        }
    });

test("reasoning apart from text, of a server that leaves it in tags", { skip: VIA !== "gateway" },
     async () => {
    const request = { model: "tags/m", messages: script({ text: "<think>six times\nseven</think> 42" }) };
    const { message } = (await client.chat.completions.create(request)).choices[0];
    assert.deepEqual([message.reasoning_content, message.content], ["six times\nseven", " 42"]);
    const chunks = await collect(await client.chat.completions.create({ ...request, stream: true }));
    const thought = chunks.map((chunk) => chunk.choices[0].delta.reasoning_content ?? "").join("");
    assert.deepEqual([thought, textOf(chunks)], ["six times\nseven", " 42"]);
    const run = client.chat.completions.stream(request);
    assert.equal(await run.finalContent(), " 42");
});

test("comments of a stream whose vendor is silent are passed over", { skip: VIA !== "gateway" },
     async () => {
    for (const pause of [{ wait_ms: 2500 }, { pause_ms_before_event: [2, 2500] }]) {
        const chunks = await collect(await client.chat.completions.create(
            { model: MODEL, messages: script({ text: SAID, ...pause }), stream: true }));
        assert.equal(textOf(chunks), SAID);
    }
});

const wish = { headers: { "x-harborai-include": "trace,cost" } };

function checkExtras(of, id) {
    assert.match(of.trace_context.hb_trace_id, /^hb_\d+_[0-9a-f]{8}$/);
    assert.match(of.trace_context.otel_trace_id, /^[0-9a-f]{32}$/);
    assert.match(of.trace_context.span_id, /^[0-9a-f]{16}$/);
    assert.equal(of.trace_context.trace_flags, "01");
    assert.equal(of.cost_info.currency, "USD");
    assert.ok(of.cost_info.total_cost > 0);
    assert.ok(Math.abs(of.cost_info.input_cost + of.cost_info.output_cost
        - of.cost_info.total_cost) < 1e-12);
    if (id) assert.equal(of.trace_context.hb_trace_id, id);
}

test("extras: trace and cost of a whole answer", { skip: VIA !== "gateway" }, async () => {
    const { data, response } = await client.chat.completions
        .create({ model: MODEL, messages: user(SAID) }, wish).withResponse();
    assert.equal(data.choices[0].message.content, SAID);
    assert.equal(response.headers.get("x-harborai-include"), "trace, cost");
    checkExtras(data, response.headers.get("x-harborai-id"));
});

test("extras: of a stream, in a chunk of their own behind all others", { skip: VIA !== "gateway" },
    async () => {
        for (const include_usage of [false, true]) {
            const stream = await client.chat.completions.create({ model: MODEL, messages: user(SAID),
                stream: true, stream_options: { include_usage } }, wish);
            const chunks = await collect(stream);
            const last = chunks.pop();
            assert.equal(textOf(chunks), SAID);
            checkExtras(last);
            assert.deepEqual(last.choices, []);
            assert.equal(last.object, "chat.completion.chunk");
            assert.equal(last.id, chunks[0].id);
            assert.equal(last.model, chunks[0].model);
            assert.equal(last.created, chunks[0].created);
            assert.ok(chunks.every((chunk) => !("trace_context" in chunk || "cost_info" in chunk)));
            assert.equal(chunks.filter((chunk) => chunk.usage).length, include_usage ? 1 : 0);
        }
    });

test("extras: the client's own helper of streams takes them", { skip: VIA !== "gateway" }, async () => {
    const runner = client.chat.completions.stream({ model: MODEL, messages: user(SAID) }, wish);
    assert.equal(await runner.finalContent(), SAID);
    assert.equal((await runner.finalChatCompletion()).choices[0].finish_reason, "stop");
});

test("extras: nobody who has not asked gets any", { skip: VIA !== "gateway" }, async () => {
    const { data, response } = await client.chat.completions
        .create({ model: MODEL, messages: user(SAID) }).withResponse();
    assert.ok(!("trace_context" in data || "cost_info" in data));
    assert.equal(response.headers.get("x-harborai-include"), null);
    const chunks = await collect(await client.chat.completions.create(
        { model: MODEL, messages: user(SAID), stream: true }));
    assert.ok(chunks.every((chunk) => chunk.choices.length > 0 && !("cost_info" in chunk)));
});

test("extras: an error tells its trace", { skip: VIA !== "gateway" }, async () => {
    const error = await client.chat.completions
        .create({ model: "nothing-like-it", messages: user("a") }, wish).catch((e) => e);
    assert.equal(error.status, 404);
    assert.equal(error.code, "model_not_found");
    assert.equal(error.headers.get("x-harborai-include"), "trace, cost");
});
