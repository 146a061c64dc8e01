// SPDX-License-Identifier: MIT
// Eight conversations as an application with the openai package has them: it knows nothing of the vendor
// but the model's name, and keeps of an answer what the package's types carry. Each gives back what it
// got, in one form. `say` has the words: scripts for the simulator (cells.mjs), plain language for a real
// vendor (live.mjs).
import OpenAI from "openai";

export const NAMES = ["whole", "stream", "parallel tools", "tools in two turns with reasoning", "image",
                      "reasoning", "over-long input refused", "filtered"];

const tool = (name, description, members) => ({ type: "function", function: { name, description,
    parameters: { type: "object", properties: members, required: Object.keys(members) } } });

export const TOOLS = [
    tool("get_weather", "The weather of a city.", { city: { type: "string" } }),
    tool("get_time", "The local time of a city.", { city: { type: "string" } })];

// 16 x 16, plain red
export const PNG = "data:image/png;base64," +
    "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR42mP4z8BAEmIY1TCqYfhq" +
    "AACQ+f8B8u7oVwAAAABJRU5ErkJggg==";

const RESULTS = { get_weather: "18 degrees, rain", get_time: "half past nine" };

// ---- What came ----------------------------------------------------------------------------------

const callsOf = (calls) => (calls ?? []).map((call) => (
    { id: call.id, name: call.function.name, arguments: JSON.parse(call.function.arguments) }));

function parsed(completion) {
    const [choice] = completion.choices;
    return { content: choice.message.content || null, calls: callsOf(choice.message.tool_calls),
             reasoning: choice.message.reasoning_content || null, finish: choice.finish_reason,
             usage: usageOf(completion.usage), model: completion.model };
}

export const usageOf = (usage) => usage && {
    prompt: usage.prompt_tokens, completion: usage.completion_tokens, total: usage.total_tokens,
    cached: usage.prompt_tokens_details?.cached_tokens ?? 0,
    reasoning: usage.completion_tokens_details?.reasoning_tokens ?? 0 };

// What OpenAI's stream promises is checked on the way: faults are listed, and none are expected.
export async function gather(stream) {
    const got = { content: "", reasoning: "", calls: [], finish: null, usage: null, faults: [] };
    const fault = (text) => got.faults.push(text);
    const ids = new Set();
    for await (const chunk of stream) {
        ids.add(chunk.id);
        got.model = chunk.model;
        if (chunk.usage) {
            if (got.usage) fault("usage twice");
            if (chunk.choices.length > 0) fault("usage beside a choice");
            got.usage = usageOf(chunk.usage);
        }
        for (const choice of chunk.choices) takeChoice(got, choice, fault);
    }
    if (ids.size !== 1) fault(`${ids.size} ids`);
    for (const call of got.calls) call.arguments = JSON.parse(call.arguments || "{}");
    return { ...got, content: got.content || null, reasoning: got.reasoning || null };
}

function takeChoice(got, choice, fault) {
    const { delta } = choice;
    if (got.finish) fault("a choice after its end");
    if (delta.reasoning_content && got.content) fault("reasoning after the text");
    got.content += delta.content ?? "";
    got.reasoning += delta.reasoning_content ?? "";
    got.finish = choice.finish_reason ?? got.finish;
    for (const piece of delta.tool_calls ?? []) {
        const call = got.calls[piece.index];
        if (!call) {
            if (piece.index !== got.calls.length) fault(`call ${piece.index} is not the next`);
            if (!piece.id || !piece.function?.name) fault(`call ${piece.index} without id or name`);
            got.calls[piece.index] = { id: piece.id, name: piece.function?.name,
                                       arguments: piece.function?.arguments ?? "" };
            continue;
        }
        if (piece.id || piece.function?.name) fault(`id or name of call ${piece.index} twice`);
        call.arguments += piece.function?.arguments ?? "";
    }
}

async function failure(promise) {
    try {
        const value = await promise;
        return { answered: parsed(value) };
    } catch (error) {
        if (!(error instanceof OpenAI.APIError)) throw error;
        return { error: error.constructor.name, status: error.status ?? null, type: error.type,
                 code: error.code, param: error.param, message: error.message,
                 hasId: Boolean(error.requestID) };
    }
}

// ---- The conversations --------------------------------------------------------------------------

export class Talk {
    // say(name): what the user says in it, or undefined where it is left out
    constructor(client, model, imageModel, say, options = {}) {
        Object.assign(this, { client, model, imageModel, say, options });
    }

    begin(name) {
        return [{ role: "system", content: this.options.system ?? "Answer in one short sentence." },
                { role: "user", content: this.say(name) }];
    }

    ask(messages, more = {}) {
        return this.client.chat.completions.create({ model: this.model, messages,
            max_completion_tokens: this.options.limit ?? 2000, ...more });
    }

    stream(messages, more = {}) {
        return this.ask(messages, { stream: true, stream_options: { include_usage: true }, ...more });
    }

    async run(name) {
        switch (name) {
        case "whole": return parsed(await this.ask(this.begin(name)));
        case "stream": return gather(await this.stream(this.begin(name)));
        case "parallel tools": return this.tools(name, 2, {}, true);
        case "tools in two turns with reasoning":
            return this.tools(name, 3, { reasoning_effort: this.options.effort ?? "low" }, false);
        case "image": return this.image(name);
        case "reasoning":
            return parsed(await this.ask(this.begin(name),
                                         { reasoning_effort: this.options.effort ?? "low" }));
        case "over-long input refused": return failure(this.ask(this.begin(name)));
        case "filtered": return this.filtered(name);
        default: throw new Error(`no conversation '${name}'`);
        }
    }

    // At most `turns` answers; the results of each go back with what the types carry of the answer.
    async tools(name, turns, more, streamed) {
        const messages = this.begin(name);
        const got = [];
        while (got.length < turns) {
            const request = { tools: TOOLS, parallel_tool_calls: streamed, ...more };
            const answer = streamed ? await gather(await this.stream(messages, request))
                : parsed(await this.ask(messages, request));
            got.push(answer);
            if (answer.calls.length === 0) break;
            messages.push({ role: "assistant", content: answer.content,
                tool_calls: answer.calls.map((call) => ({ id: call.id, type: "function",
                    function: { name: call.name, arguments: JSON.stringify(call.arguments) } })) });
            for (const call of answer.calls)
                messages.push({ role: "tool", tool_call_id: call.id, content: RESULTS[call.name] });
        }
        return got;
    }

    async image(name) {
        const [system, user] = this.begin(name);
        const content = [{ type: "text", text: user.content },
                         { type: "image_url", image_url: { url: PNG } }];
        return parsed(await this.ask([system, { role: "user", content }], { model: this.imageModel }));
    }

    // Within an answer, whole and streamed; and as a refusal.
    async filtered(name) {
        const within = this.begin(name);
        const refused = this.begin("filtered at once");
        return { whole: parsed(await this.ask(within)), stream: await gather(await this.stream(within)),
                 refused: refused[1].content && await failure(this.ask(refused)) };
    }
}
