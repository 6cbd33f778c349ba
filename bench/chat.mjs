// A model's streamed answer, from a server on this machine.
import { createServer } from "node:http";
import OpenAI from "openai";
import { RuntimeEngine, setupDefaults } from "../dist/src/index.js";
import { compare, printTable, scaled, timeWithCpu } from "./measure.mjs";

const silent = { stdout() {}, stderr() {} };

async function serve(deltas) {
  const chunk = (delta, finish = null) =>
    `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
  const answer = Buffer.from(`${chunk({ content: "delta " }).repeat(deltas)}${chunk({}, "stop")}data: [DONE]\n\n`);
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(answer);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { baseURL: `http://127.0.0.1:${server.address().port}/v1`, close: () => server.close() };
}

/** What the bare SDK streams as an answer. */
const ask = (client) =>
  client.chat.completions.create({ model: "m", stream: true, messages: [{ role: "user", content: "hello" }] });

const engineOf = (isolation, baseURL, setup = []) =>
  new RuntimeEngine({
    isolation,
    console: silent,
    setup: [setupDefaults({ chat: { provider: "openai", model: "m", apiKey: "none", baseURL } }), ...setup],
  });

async function bareSdk(baseURL, deltas) {
  const client = new OpenAI({ baseURL, apiKey: "none" });
  let seen = 0;
  const { ms, cpuMs } = await timeWithCpu(async () => {
    for await (const { choices } of await ask(client)) if (choices[0]?.delta.content) seen++;
  });
  if (seen !== deltas) throw new Error(`${seen} deltas`);
  return { value: (deltas / ms) * 1000, cpuMicros: (cpuMs * 1000) / deltas };
}

async function script(isolation, baseURL, deltas) {
  await using engine = engineOf(isolation, baseURL);
  await engine.start();
  const code = `let seen = 0;
    const step = new ChatStepFactory().newStep();
    await new Promise((resolve) => step.runWithEvents("hello", ({ type }) => {
      if (type === "partial") seen++; else if (type === "final" || type === "error") resolve();
    }));
    export default seen`;
  const { ms, cpuMs } = await timeWithCpu(async () => {
    const { ok, value, error } = await engine.runScript({ code });
    if (!ok || value !== deltas) throw new Error(error?.message ?? `${String(value)} deltas`);
  });
  return { value: (deltas / ms) * 1000, cpuMicros: (cpuMs * 1000) / deltas };
}

/** How often the first delta is waited for, after once that does not count. */
const ASKED = 20;

const meanOf = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

/** Milliseconds from the question to the first delta, on a connection that is there. */
async function firstOfSdk(baseURL) {
  const client = new OpenAI({ baseURL, apiKey: "none" });
  const waits = [];
  for (let i = 0; i <= ASKED; i++) {
    const askedAt = performance.now();
    let hasCome = false;
    for await (const { choices } of await ask(client)) {
      if (hasCome || !choices[0]?.delta.content) continue;
      hasCome = true;
      if (i > 0) waits.push(performance.now() - askedAt);
    }
  }
  return meanOf(waits);
}

async function firstOfScript(isolation, baseURL) {
  const marks = [];
  await using engine = engineOf(isolation, baseURL, [
    (vm) => vm.op("mark", () => void marks.push(performance.now()), { mode: "sync" }),
  ]);
  await engine.start();
  const code = `const step = new ChatStepFactory().newStep();
    for (let i = 0; i <= ${ASKED}; i++) {
      let hasCome = false;
      mark();
      await new Promise((resolve) => step.runWithEvents("hello", ({ type }) => {
        if (type === "partial" && !hasCome) { hasCome = true; mark(); }
        else if (type === "final" || type === "error") resolve();
      }));
    }`;
  const { ok, error } = await engine.runScript({ code });
  if (!ok) throw new Error(error.message);
  const waits = Array.from({ length: ASKED + 1 }, (_, i) => marks[2 * i + 1] - marks[2 * i]);
  return meanOf(waits.slice(1));
}

export async function benchChat() {
  const deltas = scaled(10_000);
  const { baseURL, close } = await serve(deltas);
  printTable(
    "Deltas of a model's answer",
    "per second",
    await compare({
      "bare SDK": () => bareSdk(baseURL, deltas),
      "runWithEvents, thread": () => script("thread", baseURL, deltas),
      "runWithEvents, process": () => script("process", baseURL, deltas),
    }),
  );
  close();
  const few = await serve(10);
  printTable(
    "From a question to the first delta of its answer",
    "ms",
    await compare({
      "bare SDK": () => firstOfSdk(few.baseURL),
      "runWithEvents, thread": () => firstOfScript("thread", few.baseURL),
      "runWithEvents, process": () => firstOfScript("process", few.baseURL),
    }),
  );
  few.close();
}
