// SPDX-License-Identifier: MIT
// Three packages as applications use them, each in its own way: they are told a base URL, a key and a
// model, and nothing of what answers there. What they make of an answer is given back in one form, so
// that sdks.test.mjs asks the same of all. `talk` is { system, prompt }. A key that is null is not sent.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { tool as langchainTool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import { generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import OpenAI from "openai";
import { MODEL } from "./support.mjs";

const baseURL = process.env.BASE_URL;

const name = "get_weather";
const description = "the weather of a city";
const parameters = { type: "object", required: ["city"],
    properties: { city: { type: "string" }, note: { type: "string" } } };

// The application's own function, which remembers what it was called with.
function weather() {
    const called = [];
    return { called, run: (given) => {
        called.push(given);
        return `18 degrees in ${given.city}`;
    } };
}

// What asks, and how often it did.
function counted() {
    const counter = { count: 0, fetch: (...given) => {
        counter.count += 1;
        return fetch(...given);
    } };
    return counter;
}

// Two of the packages insist on a key.
const keyOf = (apiKey) => apiKey === null ? { apiKey: "none", defaultHeaders: { authorization: null } }
    : { apiKey };

const messagesOf = ({ system, prompt }) => [{ role: "system", content: system },
                                            { role: "user", content: prompt }];

// ---- openai -------------------------------------------------------------------------------------

const ofCompletion = ({ choices: [choice], usage }) => ({ text: choice.message.content,
    finish: choice.finish_reason, usage: [usage.prompt_tokens, usage.completion_tokens] });

function openai(apiKey, maxRetries = 0) {
    const counter = counted();
    const { completions } = new OpenAI({ baseURL, ...keyOf(apiKey), maxRetries, fetch: counter.fetch }).chat;
    const request = (talk) => ({ model: MODEL, messages: messagesOf(talk) });
    return {
        requests: () => counter.count,

        whole: async (talk) => ofCompletion(await completions.create(request(talk))),

        async stream(talk) {
            const run = completions.stream({ ...request(talk), stream_options: { include_usage: true } });
            let pieces = 0;
            run.on("content", () => { pieces += 1; });
            return { ...ofCompletion(await run.finalChatCompletion()), pieces };
        },

        async tools(talk, streamed) {
            const { called, run } = weather();
            const runner = completions.runTools({ ...request(talk), stream: streamed, tools: [
                { type: "function", function: { name, description, parameters, parse: JSON.parse,
                                                function: run } }] });
            return { text: await runner.finalContent(), called };
        },

        async abort(talk, after) {
            const stream = await completions.create({ ...request(talk), stream: true });
            let seen = 0;
            for await (const chunk of stream)
                if (chunk.choices[0].delta.content && ++seen === after) stream.controller.abort();
            return seen;
        },

        failure: (error) => ({ type: error.constructor.name, status: error.status, code: error.code,
                               retryAfter: error.headers.get("retry-after") }),
    };
}

// ---- The AI SDK ---------------------------------------------------------------------------------

function aiSdk(apiKey, maxRetries = 0) {
    const counter = counted();
    const provider = createOpenAICompatible({ name: "harborai", baseURL, apiKey: apiKey ?? undefined,
                                              includeUsage: true, fetch: counter.fetch });
    const request = (talk) => ({ model: provider(MODEL), ...talk, maxRetries });
    const stream = (talk, more) => streamText({ ...request(talk), onError() {}, ...more });
    const answer = async (result) => {
        const usage = await result.usage;
        return { text: await result.text, finish: await result.finishReason,
                 usage: [usage.inputTokens, usage.outputTokens] };
    };
    // Errors are parts of its stream; a loop that looks at the text alone would miss them.
    async function textOf(result, heard) {
        for await (const part of result.fullStream) {
            if (part.type === "error") throw part.error;
            if (part.type === "text-delta") heard();
        }
        return result;
    }
    return {
        requests: () => counter.count,

        whole: async (talk) => answer(await generateText(request(talk))),

        async stream(talk) {
            let pieces = 0;
            return { ...await answer(await textOf(stream(talk), () => { pieces += 1; })), pieces };
        },

        async tools(talk, streamed) {
            const { called, run } = weather();
            const more = { stopWhen: stepCountIs(3), tools: {
                [name]: tool({ description, inputSchema: jsonSchema(parameters), execute: run }) } };
            const result = streamed ? await textOf(stream(talk, more), () => {})
                : await generateText({ ...request(talk), ...more });
            return { text: await result.text, called };
        },

        async abort(talk, after) {
            const controller = new AbortController();
            let seen = 0;
            await textOf(stream(talk, { abortSignal: controller.signal }), () => {
                if (++seen === after) controller.abort();
            });
            return seen;
        },

        failure: (error) => ({ type: error.name, status: error.statusCode, code: error.data?.error.code,
                               retryAfter: error.responseHeaders["retry-after"] ?? null }),
    };
}

// ---- LangChain ----------------------------------------------------------------------------------

const ofMessage = (message) => ({ text: message.content,
    finish: message.response_metadata.finish_reason,
    usage: [message.usage_metadata.input_tokens, message.usage_metadata.output_tokens] });

function langchain(apiKey, maxRetries = 0) {
    const counter = counted();
    const { apiKey: key, ...more } = keyOf(apiKey);
    const model = new ChatOpenAI({ model: MODEL, apiKey: key, maxRetries,
                                   configuration: { baseURL, fetch: counter.fetch, ...more } });
    async function gathered(stream, heard = () => {}) {
        let whole;
        for await (const chunk of await stream) {
            if (chunk.content) heard();
            whole = whole ? whole.concat(chunk) : chunk;
        }
        return whole;
    }
    return {
        requests: () => counter.count,

        whole: async (talk) => ofMessage(await model.invoke(messagesOf(talk))),

        async stream(talk) {
            let pieces = 0;
            const whole = await gathered(model.stream(messagesOf(talk)), () => { pieces += 1; });
            return { ...ofMessage(whole), pieces };
        },

        async tools(talk, streamed) {
            const { called, run } = weather();
            const hand = langchainTool(run, { name, description, schema: parameters });
            const bound = model.bindTools([hand]);
            const messages = messagesOf(talk);
            const ask = () => streamed ? gathered(bound.stream(messages)) : bound.invoke(messages);
            const asked = await ask();
            messages.push(asked);
            for (const call of asked.tool_calls) messages.push(await hand.invoke(call));
            return { text: (await ask()).content, called };
        },

        async abort(talk, after) {
            const controller = new AbortController();
            let seen = 0;
            const stream = model.stream(messagesOf(talk), { signal: controller.signal });
            await gathered(stream, () => {
                if (++seen === after) controller.abort();
            }).catch((error) => {
                if (!controller.signal.aborted) throw error;
            });
            return seen;
        },

        failure: (error) => ({ type: error.constructor.name, status: error.status, code: error.code,
                               retryAfter: error.headers.get("retry-after"),
                               lcCode: error.lc_error_code ?? null }),
    };
}

export const sdks = { "openai": openai, "ai": aiSdk, "langchain": langchain };
