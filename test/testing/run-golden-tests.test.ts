import { chmodSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { PendingWork } from "../../src/index.ts";
import { ScriptedChat } from "../../src/providers/embedded/scripted-chat.ts";
import { findTests } from "../../src/testing/files/find-tests.ts";
import { runGoldenTests, type GoldenTestsOptions } from "../../src/testing/golden/run-golden-tests.ts";
import type { PreparedTest } from "../../src/testing/golden/golden-test-options.ts";
import type { TestSummary } from "../../src/testing/golden/test-result.ts";
import { TestFolder } from "./test-folder.ts";

const folders: TestFolder[] = [];
afterAll(() => folders.forEach((folder) => folder.remove()));

function folderOf(texts: Record<string, string>): TestFolder {
  const folder = new TestFolder().files(texts);
  folders.push(folder);
  return folder;
}

/** Runs the tests of a folder, with a model of the host's where one is given. */
function run(
  folder: TestFolder,
  {
    models = {},
    secrets = [],
    ...options
  }: Partial<GoldenTestsOptions & Pick<PreparedTest, "models" | "secrets">> = {},
): Promise<TestSummary> {
  return runGoldenTests(findTests([folder.path]), {
    prepare: async ({ script }) => ({
      script: { file: script },
      engine: {},
      models,
      budget: {},
      secrets,
      describe: ({ error }) => error?.message ?? "",
    }),
    isCI: false,
    isUpdate: false,
    deterministic: {},
    signal: new AbortController().signal,
    ...options,
  });
}

/** A model that gives another answer each time, and that no cassette knows. */
const counting = (): ScriptedChat => new ScriptedChat(Array.from({ length: 9 }, (_, i) => `answer ${i}`));
/** One that answers when the test says so. */
class HeldChat extends ScriptedChat {
  readonly asked = Promise.withResolvers<void>();
  readonly answer = Promise.withResolvers<void>();

  override async *stream(...args: Parameters<ScriptedChat["stream"]>): ReturnType<ScriptedChat["stream"]> {
    this.asked.resolve();
    await this.answer.promise;
    yield* super.stream(...args);
  }
}

describe("runGoldenTests()", () => {
  it("takes no golden of a script that does not do the same three times, and shows the first line that differs", async () => {
    const folder = folderOf({ "a.js": `console.log("same");\nconsole.log(await chat("x"));` });
    const { results, failed, written } = await run(folder, { models: { chatProvider: counting() } });
    expect({ failed, written }).toEqual({ failed: 1, written: 0 });
    expect(results[0]!.failures).toMatchObject([
      {
        what: "golden",
        text: 'the script does not do the same each time: in line 2: run 1 printed "answer 0", run 2 "answer 1"',
        diff: ["--- run 1", "+++ run 2", "@@ -1,2 +1,2 @@", " same", "-answer 0", "+answer 1"],
      },
    ]);
    expect(Object.keys(folder.state())).toEqual(["a.js"]);
  });

  it("takes none that differs in the third run alone, in how it ends, or with -u", async () => {
    const folder = folderOf({ "a.js": `console.log(await chat("x"));`, "a.golden": "old\n" });
    const third = await run(folder, { isUpdate: true, models: { chatProvider: new ScriptedChat(["x", "x", "y"]) } });
    expect(third.results[0]!.failures[0]!.text).toContain('run 1 printed "x", run 3 "y"');
    const ends = await run(folder, { isUpdate: true, models: { chatProvider: new ScriptedChat(["x"]) } });
    expect(ends.results[0]!.failures[0]!.text).toContain("run 1 ended with exit code 0, run 2 with ");
    expect(folder.read("a.golden")).toBe("old\n");
  });

  it("asks nobody twice, and runs once where the golden is there", async () => {
    const chatProvider = counting();
    const folder = folderOf({ "a.js": `console.log(await chat("x"));`, "a.golden": "answer 0\n" });
    expect(await run(folder, { models: { chatProvider } })).toMatchObject({ passed: 1 });
    expect(chatProvider.requests).toHaveLength(1);
  });

  it("runs as many tests at once as it may, and tells of them in their order", async () => {
    const names = ["a", "b", "c", "d"];
    const folder = folderOf(
      Object.fromEntries(names.map((name) => [`${name}.js`, `console.log(await chat("${name}"));`])),
    );
    const held = new HeldChat(Array.from({ length: 12 }, () => "x"));
    let underWay = 0;
    let most = 0;
    const told: string[] = [];
    const running = run(folder, {
      models: { chatProvider: held },
      concurrency: 2,
      onResult: ({ test }) => told.push(test.script.at(-4)!),
      prepare: async ({ script }) => {
        most = Math.max(most, ++underWay);
        const close = (): void => void underWay--;
        return { script: { file: script }, engine: {}, models: {}, budget: {}, secrets: [], describe: () => "", close };
      },
    });
    held.answer.resolve();
    expect(await running).toMatchObject({ passed: 4, written: 4 });
    expect({ most, told }).toEqual({ most: 2, told: names });
  });

  it("says what a script waits for that runs for long", async () => {
    const folder = folderOf({
      "a.js": `const timer = setInterval(() => {}, 1000); console.log(await chat("x")); clearInterval(timer);`,
      "a.golden": "done\n",
    });
    const held = new HeldChat(["done"]);
    const told = Promise.withResolvers<[ms: number, pending: PendingWork]>();
    const running = run(folder, {
      models: { chatProvider: held },
      slowAfterMs: 300,
      onSlow: (_, ms, pending) => told.resolve([ms, pending]),
    });
    const [ms, { runs }] = await told.promise;
    held.answer.resolve();
    expect(await running).toMatchObject({ passed: 1 });
    expect(ms).toBe(300);
    expect(runs.length === 0 || runs[0]!.startsWith("chat")).toBe(true);
  });

  it("ends the tests under way when its signal aborts, begins no more, and writes nothing", async () => {
    const folder = folderOf({ "a.js": `console.log(await chat("x"));`, "b.js": `console.log(1)`, "gone.golden": "" });
    const held = new HeldChat([]);
    const abort = new AbortController();
    const running = run(folder, {
      models: { chatProvider: held },
      concurrency: 1,
      signal: abort.signal,
      isUpdate: true,
    });
    await held.asked.promise;
    abort.abort();
    const { passed, failed, skipped, results } = await running;
    expect({ passed, failed, skipped }).toEqual({ passed: 0, failed: 0, skipped: 2 });
    expect(results.map(({ status }) => status)).toEqual(["skipped", "skipped"]);
    expect(Object.keys(folder.state())).toEqual(["a.js", "b.js", "gone.golden"]);
    held.answer.resolve();
  });

  it("takes secrets out of whatever it compares, writes and shows", async () => {
    const secret = "hunter2hunter2";
    const folder = folderOf({
      "a.js": `console.log("mine: ${secret}", "sk-abcdefghijklmnop");`,
      "b.js": `console.error("${secret}"); throw new Error("with ${secret}");`,
      "c.js": `console.log("new ${secret}");`,
      "c.golden": "old\n",
      "d.js": `console.log(await chat("echo: ${secret}"));`,
    });
    const { results, written, failed } = await run(folder, { secrets: [secret] });
    expect({ written, failed }).toEqual({ written: 2, failed: 2 });
    expect(folder.read("a.golden")).toBe("mine: [redacted] [redacted]\n");
    for (const name of ["a.golden", "c.golden", "d.golden", "d.cassette.json"])
      expect(folder.read(name)).not.toContain(secret);
    const shown = JSON.stringify(results);
    expect(shown).toContain("+new [redacted]");
    expect(shown).toContain("with [redacted]");
    expect(shown).not.toContain(secret);
    expect(await run(folder, { secrets: [secret], isCI: true })).toMatchObject({ passed: 2, failed: 2 });
  });

  it.skipIf(process.getuid?.() === 0)("says what cannot be written, and fails that test", async () => {
    const folder = folderOf({ "a.js": `console.log("x")` });
    chmodSync(folder.path, 0o500);
    const { results } = await run(folder);
    chmodSync(folder.path, 0o700);
    expect(results[0]!.failures).toMatchObject([{ what: "output", text: "Cannot write a.golden: access is denied" }]);
  });

  it("keeps the rights of a golden that it updates, and gives a new one those of any file", async () => {
    const folder = folderOf({ "a.js": `console.log("x")`, "a.golden": "old", "b.js": `console.log("y")` });
    chmodSync(join(folder.path, "a.golden"), 0o640);
    expect(await run(folder, { isUpdate: true })).toMatchObject({ updated: 1, written: 1 });
    expect(statSync(join(folder.path, "a.golden")).mode & 0o777).toBe(0o640);
    expect(statSync(join(folder.path, "b.golden")).mode & 0o777).toBe(0o666 & ~process.umask());
  });
});
