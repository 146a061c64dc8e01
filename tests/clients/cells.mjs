// SPDX-License-Identifier: MIT
// Eight conversations with each of five vendors, through the gateway, against the simulator: what the
// openai package makes of the answers, and what reached the vendor. node --test cells.mjs; BASE_URL and
// SIM_LOG as in support.mjs, VENDORS (default: all) which of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { NAMES, PNG, Talk } from "./conversations.mjs";
import { client, requestsOf } from "./support.mjs";
import { cannot, vendors } from "./vendors.mjs";

const SAID = "Ahoy, wörld 🌊 two  spaces";
const THOUGHT = "let me think"; // what the simulator thinks where its script says nothing
const A = { name: "get_weather", arguments: { city: "Paris", note: "é \"quoted\"\n" } };
const B = { name: "get_time", arguments: { city: "Paris" } };
const WINDOW = 100_000; // the simulator's, in words

const script = (members) => "sim:" + JSON.stringify(members);
const words = (text) => text.split(/\s+/).filter(Boolean).length;

const say = (vendor) => (name) => ({
    "whole": script({ text: SAID, cached: 2 }),
    "stream": script({ text: SAID, cached: 2 }),
    "parallel tools": script({ tool_calls: [A, B], reasoning: "both at once", then: {
        text: "18 degrees at half past nine", reasoning: "I have both" } }),
    "tools in two turns with reasoning": script({ tool_calls: [A], reasoning: "first the weather",
        then: { tool_calls: [B], reasoning: "now the time",
                then: { text: "rain at half past nine", reasoning: "I have it all" } } }),
    "image": script({ text: "it is red" }),
    "reasoning": script({ text: "42", reasoning: "six times seven" }),
    "over-long input refused": "a ".repeat(WINDOW + 1),
    "filtered": script({ text: "I begin", finish_reason: vendor.filter.stop ?? "content_filter" }),
    "filtered at once": script({ error: "filtered" }),
}[name]);

// ---- One cell -----------------------------------------------------------------------------------

class Cell {
    constructor(vendorName, name) {
        this.vendor = vendors[vendorName];
        this.provider = vendorName;
        this.name = name;
        this.mark = `cell-${vendorName}-${NAMES.indexOf(name)}-${process.pid}-end`;
        this.asked = /reasoning/.test(name); // for an effort
        this.model = name === "image" ? this.vendor.imageModel ?? this.vendor.model : this.vendor.model;
        const model = `${vendorName}/${this.vendor.model}`;
        this.talk = new Talk(client, model, `${vendorName}/${this.model}`, say(this.vendor),
                             { system: `${this.mark} Answer shortly.` });
    }

    async run() {
        this.got = await this.talk.run(this.name);
        this.requests = await requestsOf(this.mark);
        for (const { body, header_names, path } of this.requests) {
            assert.ok(path.endsWith(this.vendor.path), path);
            assert.equal(body.model, this.model);
            assert.equal(this.vendor.limit(body), 2000, "the limit of the answer");
            this.vendor.request(body, header_names);
            if (body.stream) this.vendor.streams(body);
            if (this.asked) this.vendor.effort(body);
        }
    }

    thought(text) { // [what is counted, what is shown]
        const thinks = this.vendor.thinks(this.model) || this.asked;
        const shown = thinks && !this.vendor.hides && this.vendor.shows(this.asked);
        return [thinks ? text : "", shown ? text : null];
    }

    prompt(...further) {
        return words(this.talk.begin(this.name).map((message) => message.content)
            .concat(further).join(" "));
    }

    usage(prompt, answer, thought, cached = 0) {
        const completion = words(answer) + words(thought);
        return { prompt, completion, total: prompt + completion, cached, reasoning: words(thought) };
    }

    // What is to come of an answer with these words.
    answer({ text = null, calls = [], thought = THOUGHT, finish = "stop", prompt = this.prompt(),
             cached }) {
        const [counted, shown] = this.thought(thought);
        const said = text ?? calls.map((call) => JSON.stringify(call.arguments)).join(" ");
        return { content: text, calls, reasoning: shown, finish,
                 usage: this.usage(prompt, said, counted, cached), model: this.model };
    }

    same(got, wanted, streamed = false) {
        const calls = got.calls.map(({ name, arguments: given }) => ({ name, arguments: given }));
        const ids = got.calls.map((call) => call.id);
        assert.equal(new Set(ids).size, ids.length);
        assert.ok(ids.every(Boolean));
        // deepseek: half of a prompt comes from the cache, unless the script says otherwise
        if (this.provider === "deepseek" && wanted.usage.cached === 0)
            wanted.usage.cached = Math.floor(wanted.usage.prompt / 2);
        assert.deepEqual({ ...got, calls, model: got.model.split("/").at(-1) },
                         streamed ? { ...wanted, faults: [] } : wanted);
    }
}

const checks = {
    "whole"(cell) {
        cell.same(cell.got, cell.answer({ text: SAID, cached: 2 }));
        assert.equal(cell.requests.length, 1);
    },

    "stream"(cell) {
        cell.same(cell.got, cell.answer({ text: SAID, cached: 2 }), true);
        assert.equal(cell.requests[0].body.stream, true);
    },

    "parallel tools"(cell) {
        const [first, second] = cell.got;
        cell.same(first, cell.answer({ calls: [A, B], thought: "both at once",
                                       finish: "tool_calls" }), true);
        cell.same(second, cell.answer({ text: "18 degrees at half past nine", thought: "I have both",
            prompt: cell.prompt("18 degrees, rain", "half past nine") }), true);
        const [one, two] = cell.requests.map((request) => request.body);
        cell.vendor.tools(one);
        cell.vendor.results(two, 2);
        cell.vendor.replayed(two, [cell.thought("both at once")[1] ?? ""]);
    },

    "tools in two turns with reasoning"(cell) {
        const [first, second, third] = cell.got;
        cell.same(first, cell.answer({ calls: [A], thought: "first the weather",
                                       finish: "tool_calls" }));
        cell.same(second, cell.answer({ calls: [B], thought: "now the time", finish: "tool_calls",
                                        prompt: cell.prompt("18 degrees, rain") }));
        cell.same(third, cell.answer({ text: "rain at half past nine", thought: "I have it all",
            prompt: cell.prompt("18 degrees, rain", "half past nine") }));
        const bodies = cell.requests.map((request) => request.body);
        assert.equal(bodies.length, 3);
        cell.vendor.results(bodies[1], 1);
        cell.vendor.results(bodies[2], 2);
        cell.vendor.replayed(bodies[1], ["first the weather"]);
        cell.vendor.replayed(bodies[2], ["first the weather", "now the time"]);
    },

    "image"(cell) {
        cell.same(cell.got, cell.answer({ text: "it is red" }));
        cell.vendor.image(cell.requests[0].body, PNG);
    },

    "reasoning"(cell) {
        cell.same(cell.got, cell.answer({ text: "42", thought: "six times seven" }));
    },

    "over-long input refused"(cell) {
        const { message, ...got } = cell.got;
        assert.deepEqual(got, { error: "BadRequestError", status: 400, type: "invalid_request_error",
            code: "context_length_exceeded", param: got.param, hasId: true });
        assert.ok(["messages", null].includes(got.param), got.param);
        assert.match(message, /too long|length|tokens/);
        assert.ok(!message.includes("a a a a"), "the prompt is not in it");
    },

    "filtered"(cell) {
        const wanted = cell.answer({ text: "I begin", finish: cell.vendor.filter.finish });
        cell.same(cell.got.whole, structuredClone(wanted));
        cell.same(cell.got.stream, structuredClone(wanted), true);
        const { message, ...got } = cell.got.refused;
        assert.deepEqual(got, { error: "BadRequestError", status: 400, code: "content_filter",
            type: "invalid_request_error", param: null, hasId: true });
        assert.ok(message.length > 10);
    },
};

// Not counted among the cells: a conversation with tools and reasoning with further models, whose rules
// are others. That the vendor takes each turn is what is to be seen; the simulator has its rules.
const FURTHER = ["anthropic/claude-haiku-4-5", "anthropic/claude-opus-4-6", "anthropic/claude-opus-4-8",
    "anthropic/claude-opus-5", "anthropic/claude-opus-5-5", "anthropic/claude-fable-5-1",
    "anthropic/claude-haiku-5-5", "deepseek/deepseek-v4-pro", "deepseek/deepseek-reasoner",
    "deepseek/deepseek-chat", "doubao/doubao-seed-1-6-flash-250828", "doubao/doubao-1-5-pro-32k-250115",
    "wenxin/ernie-x1.1-preview", "wenxin/ernie-5.0-thinking-preview", "openai/gpt-5-nano",
    "openai/o3", "openai/gpt-5.4-mini", "openai/gpt-5.6", "openai/gpt-6-luna"];

function further(model) {
    test(`further: ${model}`, async () => {
        const [vendor] = model.split("/");
        const talk = new Talk(client, model, model, say(vendors[vendor]), { limit: 8000 });
        for (const streamed of [false, true]) {
            const got = await talk.tools("tools in two turns with reasoning", 3,
                                         { reasoning_effort: "high" }, streamed);
            assert.deepEqual(got.map((answer) => answer.finish), ["tool_calls", "tool_calls", "stop"]);
            assert.equal(got[2].content, "rain at half past nine");
        }
    });
}

const wanted = process.env.VENDORS?.split(",") ?? Object.keys(vendors);
for (const vendor of wanted)
    for (const name of NAMES) {
        const cell = `${vendor}: ${name}`;
        if (cannot[cell]) {
            console.log(`# cannot ${cell}: ${cannot[cell]}`);
            continue;
        }
        test(cell, async () => {
            const it = new Cell(vendor, name);
            await it.run();
            checks[name](it);
        });
    }
for (const model of FURTHER)
    if (wanted.includes(model.split("/")[0])) further(model);
