// SPDX-License-Identifier: MIT
// What OpenAI's client raises about keys and limits. Run by tests/system/test_keys.py, which makes the keys:
//   KEYS   {"good", "narrow", "few", "mistyped", "unknown", "expired", "revoked"}
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { MODEL, collect, textOf, user } from "./support.mjs";

const keys = JSON.parse(process.env.KEYS);
const clientOf = (apiKey, more = {}) => new OpenAI({
    baseURL: process.env.BASE_URL, apiKey, maxRetries: 0, timeout: 20_000, ...more });
const ask = (client, more = {}) => client.chat.completions.create(
    { model: MODEL, messages: user("hello"), ...more });

async function raised(promise, type, status, code) {
    const error = await promise.then(() => assert.fail("no error came"), (e) => e);
    console.log(`${error.constructor.name}: ${error.message}`);
    assert.ok(error instanceof type, `${type.name} was awaited: ${error}`);
    assert.equal(error.status, status);
    assert.equal(error.code, code);
    assert.ok(error.requestID);
    for (const key of Object.values(keys))
        assert.ok(!error.message.includes(key));
    return error;
}

test("a good key: whole and as a stream, with what is left", async () => {
    const { data, response } = await ask(clientOf(keys.good)).withResponse();
    assert.ok(data.choices[0].message.content);
    assert.equal(response.headers.get("x-ratelimit-limit-requests"), "1000");
    assert.equal(response.headers.get("x-ratelimit-limit-tokens"), "100000");
    assert.ok(textOf(await collect(await ask(clientOf(keys.good), { stream: true }))));
});

test("x-api-key alone", async () => {
    const client = clientOf("none", { defaultHeaders: { authorization: null, "x-api-key": keys.good } });
    assert.ok((await ask(client)).choices[0].message.content);
});

test("AuthenticationError: mistyped, unknown, expired, revoked, none", async () => {
    for (const [name, word] of [["mistyped", /mistyped/], ["unknown", /no key of this gateway/],
        ["expired", /expired/], ["revoked", /revoked/]]) {
        for (const stream of [false, true]) {
            const error = await raised(ask(clientOf(keys[name]), { stream }),
                OpenAI.AuthenticationError, 401, "invalid_api_key");
            assert.match(error.message, word);
            assert.match(error.message, /Incorrect API key provided: hk-..\*+....:/);
        }
    }
    const none = clientOf("none", { defaultHeaders: { authorization: null } });
    await raised(ask(none), OpenAI.AuthenticationError, 401, null);
    await raised(none.models.list(), OpenAI.AuthenticationError, 401, null);
});

test("NotFoundError: a model that the key may not use, which it does not see", async () => {
    const client = clientOf(keys.narrow);
    await raised(ask(client, { model: "gpt-4o-mini" }), OpenAI.NotFoundError, 404, "model_not_found");
    await raised(client.models.retrieve("gpt-4o-mini"), OpenAI.NotFoundError, 404, "model_not_found");
    const ids = (await client.models.list()).data.map((model) => model.id);
    assert.ok(ids.includes(MODEL) && !ids.includes("gpt-4o-mini"));
    assert.ok((await ask(client)).choices[0].message.content);
});

test("RateLimitError, with the time to wait", async () => {
    const client = clientOf(keys.few);
    assert.ok((await ask(client)).choices[0].message.content);
    for (const stream of [false, true]) {
        const error = await raised(ask(client, { stream }), OpenAI.RateLimitError, 429,
            "rate_limit_exceeded");
        assert.equal(error.type, "rate_limit_error");
        assert.ok(Number(error.headers.get("retry-after")) > 0);
        assert.equal(error.headers.get("x-ratelimit-remaining-requests"), "0");
    }
});
