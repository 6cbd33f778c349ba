// Code mode beside direct tools: what a scripted model needs for the same tasks, in tokens and in round trips, and how long
// our sandbox takes beside `run` (npm) with the same code.
//
//   npm run build && node bench/code-mode/main.mjs [--write] [--no-speed]
//
// --write puts the report into bench/code-mode/RESULTS.md; --no-speed leaves the speed as that file has it, since only a
// machine that does nothing else can tell it. The tools and tasks are frozen. What a scripted model shows is what
// the two ways cost when the model does the right thing; it does not show how often a real one does.
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { isDeepStrictEqual } from "node:util";
import { Tiktoken } from "js-tiktoken/lite";
import o200k from "js-tiktoken/ranks/o200k_base";
import { codeTool, RuntimeEngine, ScriptedChat, setupDefaults, setupTools } from "../../dist/src/index.js";
import { measureSpeed } from "./speed.mjs";
import { TASKS } from "./tasks.mjs";
import { createTools } from "./tools.mjs";
import { createWorld } from "./world.mjs";

const SYSTEM = "You work for a small shop. Use the tools to do what you are asked, and answer with the result as JSON.";
const MAX_ROUNDS = 40;
const tokenizer = new Tiktoken(o200k);
const tokens = (value) => tokenizer.encode(typeof value === "string" ? value : JSON.stringify(value), "all").length;

/** Asks a scripted model with these tools; gives what it answered, and what that took. */
async function ask(prompt, tools, turn) {
  const model = new ScriptedChat(Array.from({ length: MAX_ROUNDS }, () => turn));
  await using engine = new RuntimeEngine({
    isolation: "thread",
    setup: [setupTools(tools), setupDefaults({ chatProvider: model })],
  });
  await engine.start();
  const options = JSON.stringify({ system: SYSTEM, tools: Object.keys(tools), maxToolRounds: MAX_ROUNDS });
  const { value, error } = await engine.runScript({
    code: `export default await chat(${JSON.stringify(prompt)}, ${options})`,
  });
  if (error !== undefined) throw new Error(`${prompt}: ${error.message}`);
  const sent = model.requests.map(({ tools: offered = [], messages, system = "" }) => {
    const schemas = tokens(
      offered.map(({ name, description, input }) => ({ type: "function", name, description, parameters: input })),
    );
    return { schemas, input: schemas + tokens(system) + tokens(messages) };
  });
  const written = model.requests.at(-1).messages.filter(({ role }) => role === "assistant");
  return {
    value,
    rounds: sent.length,
    schemas: sent[0].schemas,
    input: sent.reduce((sum, { input }) => sum + input, 0),
    output:
      tokens(value) + written.reduce((sum, { content, toolCalls }) => sum + tokens([content, toolCalls ?? []]), 0),
  };
}

/** What the tools answered to the last round of calls. */
function answers({ messages }) {
  const from = messages.findLastIndex(({ role }) => role === "assistant");
  return messages
    .slice(from + 1)
    .filter(({ role }) => role === "tool")
    .map(({ content }) => read(String(content)));
}

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const callsOf = (calls) => ({ toolCalls: calls.map(([name, input]) => ({ name: name.replace(".", "_"), input })) });

/** One call of a tool after the other, as many in a round as do not need each other. */
async function direct(task) {
  const world = createWorld();
  const tools = Object.fromEntries(
    Object.entries(createTools(world)).map(([name, { description, input, run }]) => [
      name.replace(".", "_"),
      { description, input, run },
    ]),
  );
  const steps = task.direct();
  let isMended = task.mistake === undefined;
  let hasBegun = false;
  const turn = (request) => {
    if (!isMended) {
      isMended = true;
      return callsOf([task.mistake.call]);
    }
    const { value, done } = steps.next(hasBegun ? answers(request) : undefined);
    hasBegun = true;
    // Nothing to ask: the model goes on.
    if (!done && value.length === 0) return turn({ messages: [{ role: "assistant" }] });
    return done ? JSON.stringify(value) : callsOf(value);
  };
  return { ...(await ask(task.prompt, tools, turn)), world };
}

/**
 * One program.
 *
 * @param looksUp the model first asks for the declarations and descriptions of the functions that it wants
 */
async function code(task, { looksUp = false, ...options }) {
  const world = createWorld();
  await using tool = codeTool({ isolation: "thread", tools: createTools(world), ...options });
  const run = { description: tool.description, input: tool.inputSchema, run: (input) => tool.execute(input) };
  const wanted = [...new Set([...task.code.matchAll(/tools\.([a-z_]+\.[a-z_]+)/g)].map(([, name]) => name))];
  const programs = [
    ...(looksUp ? [`await describeTool(${JSON.stringify(wanted)})`] : []),
    ...(task.mistake === undefined ? [] : [task.mistake.code]),
    task.code,
  ];
  const turn = (request) => {
    const next = programs.shift();
    if (next !== undefined) return { toolCalls: [{ name: tool.name, input: { code: next } }] };
    const [result] = answers(request);
    return JSON.stringify(result.value ?? result);
  };
  return { ...(await ask(task.prompt, { [tool.name]: run }, turn)), world };
}

const WAYS = {
  "direct tools": direct,
  "code, by default": (task) => code(task, {}),
  "code, by default, and looks all up": (task) => code(task, { looksUp: true }),
  "code, all declarations told": (task) => code(task, { maxTypesChars: Infinity }),
  "code, names told, and looks all up": (task) => code(task, { looksUp: true, maxTypesChars: 1_500 }),
};

const totals = {};
const rows = [];
for (const [at, task] of TASKS.entries()) {
  const row = { prompt: task.prompt };
  for (const [way, run] of Object.entries(WAYS)) {
    const { value, rounds, schemas, input, output, world } = await run(task);
    const isRight = isDeepStrictEqual(JSON.parse(value), task.expected(world, createWorld()));
    row[way] = { rounds, tokens: input + output, isRight };
    const total = (totals[way] ??= { schemas, rounds: 0, input: 0, output: 0, right: 0 });
    total.rounds += rounds;
    total.input += input;
    total.output += output;
    if (isRight) total.right++;
    else
      console.error(
        `task ${at + 1}, ${way}: ${String(value)}, and not ${JSON.stringify(task.expected(world, createWorld()))}`,
      );
  }
  rows.push(row);
}

const less = (value, than) => `${value <= than ? "−" : "+"}${Math.abs(Math.round(100 - (100 * value) / than))} %`;
const base = totals["direct tools"];
const results = new URL("RESULTS.md", import.meta.url);

async function speedSection() {
  if (process.argv.includes("--no-speed")) return /^## Speed$[^]*/m.exec(readFileSync(results, "utf8"))[0];
  const { rows: measured, repetitions } = await measureSpeed(TASKS);
  return `## Speed

The 20 programs, each in a sandbox of its own but for the session, from the call until the value; types are not checked. All
of a row are run by one tool, one after the other. Medians of a task over ${repetitions} rounds, in ms, with load ${loadavg()[0].toFixed(1)}.

| | ms | right |
| --- | --: | --: |
${measured.map(({ name, ms, right }) => `| ${name} | ${ms.toFixed(1)} | ${right} of ${TASKS.length} |`).join("\n")}
`;
}

const report = `# Code mode

Written by \`npm run build && node bench/code-mode/main.mjs --write\`, on Node ${process.versions.node}, ${cpus().length} x ${cpus()[0]?.model.trim()}.

A scripted model does 20 frozen tasks with 45 frozen tools ([tools.mjs](tools.mjs), [tasks.mjs](tasks.mjs)): by calling tools, as many
in a round as do not need each other, and by writing code. In four tasks it makes a mistake first. All calls, schemas, checks
and programs are real; tokens are those of o200k, of all requests of a task, so that a conversation counts again in each
round. What a model would do wrong by itself is not in these figures, nor what a cache for prompts saves.

By default a catalogue of this size is told with all types and without descriptions. A model that can do without the
descriptions writes its program at once; one that looks up every function before it uses it needs a round trip more. A
real one is between the two.

| | schema tokens | round trips | input tokens | output tokens | right |
| --- | --: | --: | --: | --: | --: |
${Object.entries(totals)
  .map(
    ([way, { schemas, rounds, input, output, right }]) =>
      `| ${way} | ${schemas}${way === "direct tools" ? "" : ` (${less(schemas, base.schemas)})`} | ${rounds}${way === "direct tools" ? "" : ` (${less(rounds, base.rounds)})`} | ${input}${way === "direct tools" ? "" : ` (${less(input, base.input)})`} | ${output}${way === "direct tools" ? "" : ` (${less(output, base.output)})`} | ${right} of ${TASKS.length} |`,
  )
  .join("\n")}

## Each task

Round trips, and tokens in and out.

| | task | ${Object.keys(WAYS).join(" | ")} |
| --: | --- | ${Object.keys(WAYS)
  .map(() => "--:")
  .join(" | ")} |
${rows
  .map(
    ({ prompt, ...ways }, at) =>
      `| ${at + 1} | ${prompt} | ${Object.values(ways)
        .map(({ rounds, tokens: all }) => `${rounds}, ${all}`)
        .join(" | ")} |`,
  )
  .join("\n")}

${await speedSection()}`;
console.log(report);
if (process.argv.includes("--write")) writeFileSync(results, report);
if (Object.values(totals).some(({ right }) => right < TASKS.length)) process.exitCode = 1;
