// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { MODEL, VIA, client, collect, script, user } from "./support.mjs";

const gateway = VIA === "gateway";
const ask = (members, more = {}) => client.chat.completions.create(
    { model: MODEL, messages: script(members), ...more });

async function rejected(promise, type, fields = {}) {
    const error = await promise.then(() => assert.fail("no error came"), (e) => e);
    assert.ok(error instanceof type, `${type.name} was awaited: ${error}`);
    for (const [name, value] of Object.entries(fields))
        assert.equal(error[name], value, `${name} of: ${error.message}`);
    return error;
}

test("unknown model: NotFoundError, also where a stream was asked for", async () => {
    const model = gateway ? "no-such-model" : "sim-unknown";
    for (const stream of [false, true]) {
        const error = await rejected(
            client.chat.completions.create({ model, messages: user("x"), stream }),
            OpenAI.NotFoundError, { status: 404, code: "model_not_found" });
        assert.match(error.message, new RegExp(model));
        assert.ok(error.requestID);
    }
});

test("a vendor's 400 stays: BadRequestError with type, code and param", async () => {
    for (const stream of [false, true])
        await rejected(ask({ status: 400, error: { message: "too long", param: "messages",
            code: "context_length_exceeded" } }, { stream }), OpenAI.BadRequestError,
            { status: 400, type: "invalid_request_error", code: "context_length_exceeded",
              param: "messages" });
});

test("OpenAI's word for what is wrong stays: the application acts on it", async () => {
    for (const stream of [false, true])
        await rejected(ask({ status: 400, error: { param: "top_k", code: "unsupported_parameter" } },
            { stream }), OpenAI.BadRequestError,
            { type: "invalid_request_error", code: "unsupported_parameter", param: "top_k" });
});

test("a vendor's 429 stays: RateLimitError with its Retry-After", async () => {
    for (const stream of [false, true]) {
        const error = await rejected(ask({ status: 429, retry_after: 7 }, { stream }),
            OpenAI.RateLimitError, { type: "rate_limit_error", code: "rate_limit_exceeded" });
        assert.equal(error.headers.get("retry-after"), "7");
    }
});

test("a vendor's 422, 500, 503 keep their class", async () => {
    for (const [status, type] of [[422, OpenAI.UnprocessableEntityError],
        [500, OpenAI.InternalServerError], [503, OpenAI.InternalServerError]])
        await rejected(ask({ status }), type, { status });
});

// Tests of what only one of the two does are not registered for the other: a skip is a fault.
const testGateway = gateway ? test : () => {};
const testDirect = gateway ? () => {} : test;

testGateway("a refused key of the operator's is no AuthenticationError of the client's",
    async () => {
        for (const stream of [false, true]) {
            const error = await rejected(ask({ status: 401 }, { stream }),
                OpenAI.InternalServerError, { status: 502, code: "provider_auth" });
            assert.doesNotMatch(error.message, /Incorrect API key/);
        }
    });

testGateway("an empty account of the operator's is provider_quota", async () => {
    await rejected(ask({ status: 429, error: { type: "insufficient_quota",
        code: "insufficient_quota" } }), OpenAI.InternalServerError,
        { status: 502, code: "provider_quota" });
});

testGateway("a vendor's own word stands beside the one of the class", async () => {
    for (const [status, own, code] of [[429, "slow_down", "rate_limit_exceeded"],
        [503, "server_is_overloaded", "overloaded"], [500, "internal_error", "provider_error"],
        [400, "InvalidParameter", null]]) {
        const error = await rejected(ask({ status, error: { code: own, type: "odd" } }),
            OpenAI.APIError, { status, code });
        assert.equal(error.error.vendor_code, own);
        assert.notEqual(error.type, "odd");
    }
});

testDirect("the key is wrong: AuthenticationError", async () => {
    await rejected(client.withOptions({ apiKey: "sk-wrong" }).chat.completions.create(
        { model: MODEL, messages: user("x") }), OpenAI.AuthenticationError, { status: 401 });
});

test("an error in mid-stream is thrown, not taken for the end", async () => {
    const stream = await ask({ events: 5, error_after_events: 3 }, { stream: true });
    await rejected(collect(stream), OpenAI.APIError);
});

test("a cut in mid-stream is thrown, not taken for the end", async () => {
    for (const members of [{ cut_after_events: 3 }, { reset_after_events: 3 }]) {
        const stream = await ask({ events: 6, delay_ms: 5, ...members }, { stream: true });
        await rejected(collect(stream), Error);
    }
});

test("models: list and retrieve", async () => {
    const list = await client.models.list();
    assert.ok(list.data.some((model) => model.id === MODEL || model.id.endsWith("/" + MODEL)));
    assert.ok(list.data.every((model) => model.object === "model" && model.id && model.owned_by));
    assert.equal((await client.models.retrieve(MODEL)).id, MODEL);
    await rejected(client.models.retrieve("no-such-model"), OpenAI.NotFoundError,
        { code: "model_not_found" });
});
