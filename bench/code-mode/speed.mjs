// The programs of all tasks in our sandbox and in that of `run` (npm).
import { isDeepStrictEqual } from "node:util";
import { run } from "run";
import { codeTool } from "../../dist/src/index.js";
import { createTools } from "./tools.mjs";
import { createWorld } from "./world.mjs";

const REPETITIONS = 3;

/** `run` takes groups of functions, each a global. */
function groupsOf(world) {
  const tools = {};
  for (const [name, { run: serve }] of Object.entries(createTools(world)))
    tools[name.replace(".", "_")] = (input) => serve(input ?? {});
  return { tools };
}

const WAYS = {
  "run (npm), QuickJS in a worker thread": async ({ code }) => {
    const world = createWorld();
    const lines = code.replaceAll(/tools\.(\w+)\.(\w+)/g, "tools.$1_$2").split("\n");
    if (!/^return\b/m.test(code)) {
      const last = lines.findLastIndex((line) => /^\S/.test(line) && !/^[})\]]/.test(line));
      lines[last] = `return ${lines[last]}`;
    }
    const result = await run({ source: lines.join("\n"), hostFunctions: groupsOf(world) });
    return { value: result.value, world };
  },
  "codeTool, V8 in a thread": (task, shared) => ours(task, shared, { isolation: "thread" }),
  "codeTool, V8 in a process": (task, shared) => ours(task, shared, {}),
  "codeTool, V8 in a process, without its compiler": (task, shared) => ours(task, shared, { hardening: "strict" }),
  "codeTool, V8 in a process, in a session": (task, shared) => ours(task, shared, { session: true }),
};

/** One tool for all, as a host has it: the world is new for each task all the same. */
async function ours({ code }, shared, options) {
  const world = createWorld();
  shared.tools ??= {};
  Object.assign(shared.tools, createTools(world));
  shared.tool ??= codeTool({
    check: false,
    ...options,
    tools: Object.fromEntries(
      Object.entries(createTools(world)).map(([name, one]) => [
        name,
        { ...one, run: (input) => shared.tools[name].run(input) },
      ]),
    ),
  });
  const { value } = await shared.tool.execute({ code });
  return { value, world };
}

/** The median time of each way over all tasks. */
export async function measureSpeed(tasks) {
  const rows = [];
  for (const [name, way] of Object.entries(WAYS)) {
    const times = [];
    let right = 0;
    const shared = {};
    await way(tasks[0], shared);
    for (let repetition = 0; repetition < REPETITIONS; repetition++) {
      for (const task of tasks) {
        const startedAt = performance.now();
        const { value, world } = await way(task, shared);
        times.push(performance.now() - startedAt);
        if (
          repetition === 0 &&
          isDeepStrictEqual(JSON.parse(JSON.stringify(value)), task.expected(world, createWorld()))
        )
          right++;
      }
    }
    await shared.tool?.close();
    rows.push({ name, ms: times.sort((a, b) => a - b)[Math.floor(times.length / 2)], right });
  }
  return { rows, repetitions: REPETITIONS };
}
