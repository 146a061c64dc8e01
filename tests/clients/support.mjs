// SPDX-License-Identifier: MIT
// What the client tests share. The environment says whom they talk to:
//   BASE_URL   ends with /v1            MODEL    a model that it serves (default gpt-4o)
//   SIM_LOG    the simulator's log      VIA      "gateway" or "direct" (the simulator itself)
//   KEYS       {"good", "few": {package: …}}: the gateway's own keys; it asks for none without
import { readFile } from "node:fs/promises";
import OpenAI from "openai";

export const MODEL = process.env.MODEL ?? "gpt-4o";
export const VIA = process.env.VIA ?? "gateway";

if (!process.env.BASE_URL)
    throw new Error("BASE_URL is not set: run these tests by tests/system/test_clients.py");

export const KEYS = process.env.KEYS ? JSON.parse(process.env.KEYS) : null;
export const KEY = KEYS?.good ?? "sk-client";

export const client = new OpenAI({
    baseURL: process.env.BASE_URL, apiKey: KEY, maxRetries: 0, timeout: 20_000 });

export const user = (content) => [{ role: "user", content }];
export const script = (members) => user("sim:" + JSON.stringify(members));

export const tools = [{ type: "function", function: {
    name: "get_weather", description: "the weather of a city",
    parameters: { type: "object", properties: { city: { type: "string" } } } } }];

export async function collect(stream) {
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    return chunks;
}

export const textOf = (chunks) =>
    chunks.map((chunk) => chunk.choices[0]?.delta?.content ?? "").join("");

async function log() {
    const text = await readFile(process.env.SIM_LOG, "utf8");
    return text.slice(0, text.lastIndexOf("\n")).split("\n").filter(Boolean)
        .map((line) => JSON.parse(line));
}

// The requests whose body holds `mark`, in order, with their bodies parsed.
export async function requestsOf(mark) {
    return (await log()).filter((line) => line.event === "request" && line.body.includes(mark))
        .map((line) => ({ ...line, body: JSON.parse(line.body) }));
}

// The simulator's answer line for the newest request whose body holds `mark`; waits for it.
export async function simAnswer(mark) {
    for (let i = 0; i < 100; i++) {
        const lines = await log();
        const request = lines.findLast((l) => l.event === "request" && l.body.includes(mark));
        const answer = request && lines.find((l) => l.event === "answer" && l.seq === request.seq);
        if (answer) return answer;
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`the simulator's log shows no end of the request '${mark}'`);
}
