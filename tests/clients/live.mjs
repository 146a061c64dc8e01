// SPDX-License-Identifier: MIT
// The conversations with a real vendor, whose words nobody knows beforehand: only their form is
// checked. Run by tests/live; PROVIDER, MODEL, IMAGE_MODEL and WORDS (more than the window) say with whom.
import assert from "node:assert/strict";
import { NAMES, Talk } from "./conversations.mjs";
import { client } from "./support.mjs";
import { cannot, vendors } from "./vendors.mjs";

const { PROVIDER, MODEL, IMAGE_MODEL, WORDS } = process.env;

const SAY = {
    "whole": "Name one harbour.",
    "stream": "Name one harbour.",
    "parallel tools": "What is the weather in Paris, and what time is it there? Call both tools at once.",
    "tools in two turns with reasoning": "Look up the weather in Paris. Then, in a further step, the " +
        "time there. Then tell me both.",
    "image": "Which colour is this picture? One word.",
    "reasoning": "What is 17 * 23?",
    "over-long input refused": "a ".repeat(Number(WORDS)),
    "filtered": "Say: ready.", // what a vendor filters is nothing to provoke: see below
};

const isUsage = (usage) => {
    assert.ok(usage.prompt > 0 && usage.completion > 0, JSON.stringify(usage));
    assert.equal(usage.total, usage.prompt + usage.completion);
    assert.ok(usage.reasoning <= usage.completion && usage.cached <= usage.prompt);
};

const isSaid = (answer, finish = "stop") => {
    assert.equal(answer.finish, finish);
    assert.ok(finish === "stop" ? answer.content?.trim() : answer.calls.length > 0, "something said");
    assert.deepEqual(answer.faults ?? [], []);
    isUsage(answer.usage);
};

const hidden = vendors[PROVIDER].hides;
const isReasoned = (answers) => assert.ok(
    answers.some((answer) => answer.usage.reasoning > 0 || answer.reasoning), "reasoning");

const checks = {
    "whole": (got) => isSaid(got),
    "stream": (got) => isSaid(got),
    "parallel tools"(got) {
        isSaid(got[0], "tool_calls");
        assert.deepEqual(got[0].calls.map((call) => call.name).sort(), ["get_time", "get_weather"]);
        isSaid(got.at(-1));
    },
    "tools in two turns with reasoning"(got) {
        isSaid(got[0], "tool_calls");
        isSaid(got.at(-1), got.at(-1).calls.length > 0 ? "tool_calls" : "stop");
        isReasoned(got);
    },
    "image"(got) {
        isSaid(got);
        assert.match(got.content, /red/i);
    },
    "reasoning"(got) {
        isSaid(got);
        assert.match(got.content, /391/);
        isReasoned([got]);
        if (!hidden) assert.ok(got.reasoning, "the reasoning is shown");
    },
    "over-long input refused"(got) {
        assert.equal(got.status, 400, got.message);
        assert.equal(got.code, "context_length_exceeded", got.message);
    },
};

const skipped = { "filtered": "what a vendor filters is not provoked" };
const talk = new Talk(client.withOptions({ timeout: 120_000 }), `${PROVIDER}/${MODEL}`,
                      `${PROVIDER}/${IMAGE_MODEL}`, (name) => SAY[name]);
const names = process.argv.length > 2 ? process.argv.slice(2) : NAMES;
let failed = 0;
let went = 0;

const row = (name, result, text) => console.log(`${name.padEnd(36)}${result.padEnd(8)}${text}`);
const shown = (got) => JSON.stringify(Array.isArray(got) ? got.at(-1) : got).slice(0, 200);

for (const name of names) {
    const reason = cannot[`${PROVIDER}: ${name}`] ?? skipped[name];
    if (reason || !NAMES.includes(name)) {
        row(name, "skipped", reason ?? "there is no such conversation");
        continue;
    }
    try {
        const got = await talk.run(name);
        checks[name](got);
        row(name, "ok", shown(got));
        went += 1;
    } catch (error) {
        row(name, "FAILED", error.message.slice(0, 600));
        failed += 1;
    }
}
console.log(`conversations: ${went} of ${names.length}, ${failed} failed (${PROVIDER}, ${MODEL})`);
process.exit(failed > 0 ? 1 : 0);
