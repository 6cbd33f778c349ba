import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli, ScriptFolder, type CliResult } from "./run-cli.ts";

const folder = new ScriptFolder();
afterAll(() => folder.remove());

const SOURCE = `
const texts = ["a cat", "a dog", "an engine", ""];
const vectors = await embeddings.generateEmbeddings(texts);
for (const vector of vectors) console.log(vector.length, vector.slice(0, 3).join());
const [again] = await embeddings.createStep().startAsync("a cat");
console.log(embeddings.cosineSimilarity(again, vectors[0]), embeddings.generateEmbedding("a cat").join() === again.join());
console.log(embeddings.getModel());`;
const search = folder.file("search.js", SOURCE);

/** A thread with the sentence model in it fails the run. */
const preload = folder.file(
  "no-model.mjs",
  `import threads from "node:worker_threads";
  import { syncBuiltinESMExports } from "node:module";
  const { Worker } = threads;
  threads.Worker = class extends Worker {
    constructor(file, options) {
      if (options?.name === "embedded-embeddings") throw new Error("the model is loaded");
      super(file, options);
    }
  };
  syncBuiltinESMExports();`,
);
const nodeArgs = ["--import", preload];

describe("recorded embeddings", () => {
  const cassette = join(folder.path, "search.cassette.json");
  let recorded: CliResult;
  beforeAll(async () => {
    recorded = await runCli(["run", "--record", cassette, search]);
  });

  it("are replayed with the same stdout and without the model", async () => {
    expect(recorded).toMatchObject({ code: 0, stderr: "" });
    expect(recorded.stdout).toMatch(/^512 -?0\.\d+,/);
    const [, ...lines] = readFileSync(cassette, "utf8").trim().split("\n");
    const recordings = lines.map((line) => JSON.parse(line) as { request: object });
    expect(recordings.map(({ request }) => request)).toEqual([
      { provider: "embedded", model: "use-lite-en", dimensions: 512, texts: ["a cat", "a dog", "an engine", " "] },
      { provider: "embedded", model: "use-lite-en", dimensions: 512, texts: ["a cat"] },
      { provider: "embedded", model: "use-lite-en", dimensions: 512, texts: ["a cat"] },
    ]);
    const { code, stdout, stderr } = await runCli(["run", "--replay", cassette, search], { nodeArgs });
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: recorded.stdout, stderr: "" });
    expect((await runCli(["run", search], { nodeArgs })).code).not.toBe(0);
  });

  it("that are missing end in exit code 79 with the nearest and what differs", async () => {
    const script = folder.file("miss.js", SOURCE.replace("a dog", "a frog"));
    const { code, stdout, stderr } = await runCli(["run", "--replay", cassette, script], { nodeArgs });
    expect({ code, stdout }).toEqual({ code: 79, stdout: "" });
    expect(stderr).toMatch(
      /^ReplayError \[ERR_REPLAY_MISS\]: .*the nearest of 3 in search\.cassette\.json is recording 1, where texts\[1\] differs: recorded "a dog", asked "a frog"/,
    );
  });

  it("are in the log of runs, and replayed from there", async () => {
    const env = { GEPPETTO_LOG: join(folder.path, "log", "runs.db") };
    await runCli(["run", search], { env });
    const { code, stdout, stderr } = await runCli(["runs", "replay", "last"], { env, nodeArgs });
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: recorded.stdout, stderr: "" });
  });
});

describe("a step with a cache", () => {
  it("asks the model once, and says why it cannot keep a run", async () => {
    const script = folder.file(
      "cached.js",
      `const step = steps.withRetry(steps.withCache(new ChatStepFactory().newStep()));
      for (let i = 0; i < 3; i++) console.log(String((await step.startAsync("echo: one two"))[0]));
      const odd = steps.withCache(steps.createLambdaStep((f) => f()));
      for (let i = 0; i < 2; i++) odd.startBlocking(() => 1);`,
    );
    const { code, stdout, stderr } = await runCli(["run", "--stats", script]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "one two\n".repeat(3) });
    expect(stderr).toMatch(/^models +1 call, /m);
    expect(stderr.match(/^Running step "lambda" without the cache: Cannot copy a function$/gm)).toHaveLength(1);
  });
});
