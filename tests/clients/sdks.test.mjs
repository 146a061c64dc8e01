// SPDX-License-Identifier: MIT
// The same of each of three packages: whole, stream, tools, abort, and how a refusal reaches the
// application. test_clients.py counts the cells, "package: cell".
import assert from "node:assert/strict";
import { test } from "node:test";
import { sdks } from "./sdks.mjs";
import { KEY, KEYS, VIA, simAnswer } from "./support.mjs";

const SYSTEM = "Answer shortly.";
const SAID = "Ahoy, wörld 🌊 two  spaces\nand a second line";
const words = (text) => text.split(/\s+/).filter(Boolean).length;
const script = (members) => "sim:" + JSON.stringify(members);
const talk = (prompt, system = SYSTEM) => ({ system, prompt });

const CALLS = [{ city: "Paris", note: "é \"quoted\"\n" }, { city: "Rome" }];

// fetch() of Node 18 loses one abort in a hundred, whoever serves: it follows the signal by a weak
// reference, and once that is collected it reads on (github.com/nodejs/undici, issue 3644). Node 20's does not.
const ABORTS = parseInt(process.versions.node) < 20 ? 3 : 1;

async function abortUntilSeen(sdk, members) {
    for (let i = 0; i < ABORTS; i++) {
        const mark = `abort-${process.pid}-${Math.random().toString(36).slice(2)}`;
        assert.ok(await sdk.abort(talk(script(members), mark), 3) >= 3);
        const answer = await simAnswer(mark).catch(() => null);
        if (answer === null)
            continue;
        assert.equal(answer.peer_left, true, JSON.stringify(members));
        return;
    }
    assert.fail(`none of ${ABORTS} abort(s) reached the vendor: ${JSON.stringify(members)}`);
}

const cells = {
    async "whole"(sdk) {
        assert.deepEqual(await sdk.whole(talk(SAID)), { text: SAID, finish: "stop",
            usage: [words(SYSTEM) + words(SAID), words(SAID)] });
    },

    async "stream"(sdk) {
        const { pieces, ...got } = await sdk.stream(talk(SAID));
        assert.deepEqual(got, { text: SAID, finish: "stop",
            usage: [words(SYSTEM) + words(SAID), words(SAID)] });
        assert.ok(pieces > 1, `${pieces} pieces`);
    },

    async "stream that breaks off: an error, not the end"(sdk) {
        for (const members of [{ events: 5, error_after_events: 3 }, { events: 5, cut_after_events: 3 }])
            await assert.rejects(sdk.stream(talk(script(members))));
    },

    async "abort: the vendor sees its peer leave, while bytes flow and while none do"(sdk) {
        for (const members of [{ events: 2000, delay_ms: 5 },
                               { events: 20, pause_ms_before_event: [6, 15000] }])
            await abortUntilSeen(sdk, members);
    },
};

for (const streamed of [false, true])
    cells[`tools: two calls, whose results go back${streamed ? ", streamed" : ""}`] = async (sdk) => {
        const prompt = script({ tool_calls: CALLS.map((given) => (
            { name: "get_weather", arguments: given })) });
        assert.deepEqual(await sdk.tools(talk(prompt), streamed), { called: CALLS,
            text: "the tool said: 18 degrees in Paris; 18 degrees in Rome" });
    };

// What becomes of a refusal: [status, code, Retry-After] by whom the client talks to; who does not
// refuse so has none. What is the operator's business is not told to clients: doc/errors.md.
const refusals = [
    { cell: "401 of the vendor", prompt: script({ error: "auth" }),
      direct: [401, "invalid_api_key", null], gateway: [502, "provider_auth", null] },
    { cell: "429 of the vendor", prompt: script({ error: "rate_limit", retry_after: 7 }),
      direct: [429, "rate_limit_exceeded", "7"], gateway: [429, "rate_limit_exceeded", "7"] },
    { cell: "401 for the client's own key", prompt: SAID, key: "sk-wrong",
      direct: [401, "invalid_api_key", null], gateway: [401, "invalid_api_key", null] },
    { cell: "401 without a key", prompt: SAID, key: null, gateway: [401, null, null] },
];

const ERRORS = { 401: "AuthenticationError", 429: "RateLimitError", 502: "InternalServerError" };
const LC_CODES = { 401: "MODEL_AUTHENTICATION", 429: "MODEL_RATE_LIMIT" };
const errorOf = { "openai": (status) => ({ type: ERRORS[status] }), "ai": () => ({ type: "AI_APICallError" }),
                  "langchain": (status) => ({ type: ERRORS[status], lcCode: LC_CODES[status] ?? null }) };

const failureOf = (promise) => promise.then(() => assert.fail("no error came"), (error) => error);

// Whether they ask again, with maxRetries 1, what cannot go well a second time: by doc/clients.md.
const again = [
    { what: "401 of its own", prompt: SAID, key: "sk-wrong", requests: { openai: 1, ai: 1, langchain: 1 } },
    { what: "an unknown parameter", prompt: script({ status: 400, error: { code: "unsupported_parameter" } }),
      requests: { openai: 1, ai: 1, langchain: 1 } },
    { what: "the operator's key", prompt: script({ error: "auth" }),
      requests: { openai: 1, ai: 2, langchain: 2 } },
];

function ofTheGateway(name, make) {
    test(`${name}: 429 of the gateway, with the time to wait`, async () => {
        const sdk = make(KEYS.few[name]);
        assert.equal((await sdk.whole(talk(SAID))).text, SAID);
        for (const ask of [sdk.whole, sdk.stream]) {
            const { retryAfter, ...got } = sdk.failure(await failureOf(ask(talk(SAID))));
            assert.deepEqual(got, { ...errorOf[name](429), status: 429, code: "rate_limit_exceeded" });
            assert.ok(retryAfter > 0 && retryAfter <= 60, retryAfter);
        }
    });

    test(`${name}: what it asks again`, async () => {
        for (const { what, prompt, key = KEY, requests } of again) {
            const sdk = make(key, 1);
            await failureOf(sdk.whole(talk(prompt)));
            assert.equal(sdk.requests(), requests[name], what);
        }
    });
}

for (const [name, make] of Object.entries(sdks)) {
    for (const [cell, run] of Object.entries(cells))
        test(`${name}: ${cell}`, () => run(make(KEY)));
    for (const { cell, prompt, key = KEY, [VIA]: wanted } of refusals.filter((row) => row[VIA]))
        test(`${name}: ${cell}`, async () => {
            const sdk = make(key);
            const [status, code, retryAfter] = wanted;
            for (const ask of [sdk.whole, sdk.stream]) {
                const error = await failureOf(ask(talk(prompt)));
                assert.deepEqual(sdk.failure(error), { ...errorOf[name](status), status, code, retryAfter });
            }
        });
    if (KEYS) ofTheGateway(name, make);
}
