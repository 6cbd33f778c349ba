import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { JournalFolder } from "./journal-folder.ts";

let folder: JournalFolder;
beforeEach(() => void (folder = new JournalFolder()));
afterEach(() => folder.remove());

const COUNT = `const n = (await store.get("n")) ?? 0;
  await store.set("n", n + 1);
  console.log(n, await store.list());`;

const run = async (...args: string[]): Promise<string> => (await folder.cli(["run", "-q", ...args])).stdout;
const counted = (n: number): string => `${n} [ 'n' ]\n`;

describe("store", () => {
  it("keeps values for a script's next run, by its file and profile, durable or not", async () => {
    folder.file("a.js", COUNT);
    folder.file("b.js", COUNT);
    folder.file("geppetto.yaml", "profiles: { other: { chat: { provider: embedded } } }");
    expect(await run("a.js")).toBe(counted(0));
    expect(await run("a.js")).toBe(counted(1));
    expect(await run("b.js")).toBe(counted(0));
    expect(await run("-p", "other", "a.js")).toBe(counted(0));
    expect(await run("--durable", "--id", "a", "a.js")).toBe(counted(2));
    expect(await run("--durable", "--id", "a", "a.js")).toBe(counted(2));
    expect(await run("a.js")).toBe(counted(3));
  });

  it("is asked nothing in a replay, and answers another script as it did then", async () => {
    folder.file("a.js", COUNT);
    await run("a.js");
    expect(await run("a.js")).toBe(counted(1));
    const replay = (...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> =>
      folder.cli(["runs", "replay", "last", "-q", ...args]);
    expect(await replay()).toMatchObject({ code: 0, stdout: counted(1) });
    folder.file("other.js", `console.log("was", await store.get("n"));`);
    expect(await replay("--script", "other.js")).toMatchObject({ code: 0, stdout: "was 1\n" });
    folder.file("more.js", `console.log("was", await store.get("more"));`);
    expect(await replay("--script", "more.js")).toMatchObject({
      code: 79,
      stderr: expect.stringContaining("store.get") as string,
    });
    expect(await run("a.js")).toBe(counted(2));
  });

  it("is a fresh one where a run is to be the same each time, and where the script is not trusted", async () => {
    folder.file("a.js", COUNT);
    expect(await run("a.js")).toBe(counted(0));
    for (const flag of ["--deterministic", "--untrusted"]) {
      expect(await run(flag, "a.js")).toBe(counted(0));
      expect(await run(flag, "a.js")).toBe(counted(0));
    }
    expect(await run("a.js")).toBe(counted(1));
    for (let i = 0; i < 2; i++) expect((await folder.cli(["eval", "-q", COUNT])).stdout).toContain(counted(0));
  });

  it("of an untrusted script holds less", async () => {
    folder.file(
      "much.js",
      `const said = ({ code }) => console.log(code);
      await store.set("k", "x".repeat(100_001)).catch(said);
      for (let i = 0; i <= 100; i++) await store.set("k" + i, i).catch(said);`,
    );
    expect(await run("--untrusted", "much.js")).toBe("ERR_STORE_LIMIT\nERR_STORE_LIMIT\n");
    expect(await run("much.js")).toBe("");
  });

  it("loses and doubles nothing when its execution is killed", async () => {
    folder.file(
      "kill.js",
      `const n = (await store.get("n")) ?? 0;
      await store.set("n", n + 1);
      console.log("kept", n);
      await chat("slow: 50ms\\necho: ${"word ".repeat(100)}");
      await store.set("end", await store.get("n"));
      console.log("end", await store.get("end"));`,
    );
    const { child, seen, result } = folder.start(["run", "-q", "--durable", "--id", "k", "kill.js"]);
    await seen("kept 0");
    child.kill("SIGKILL");
    await result;
    const resumed = await folder.cli(["runs", "resume", "-q", "k"]);
    expect(resumed).toMatchObject({ code: 0, stdout: "end 1\n" });
    expect(await run("--durable", "--id", "k", "kill.js")).toBe("kept 0\nend 1\n");
  });

  it("is used by runs at the same time", async () => {
    folder.file("one.js", `const [, , key] = process.argv; await store.set(key, 1); await store.set("all", key);`);
    await Promise.all(["a", "b", "c"].map((key) => run("one.js", key)));
    folder.file("one.js", `console.log(await store.list(), "abc".includes(await store.get("all")));`);
    expect(await run("one.js")).toBe("[ 'a', 'all', 'b', 'c' ] true\n");
  });

  it("brings a chat back in the script's next run", async () => {
    folder.file(
      "chat.js",
      `const options = { system: "The sky is green." };
      const session = (await ChatSession.load("chat", options)) ?? new ChatSession(options);
      console.log(session.conversation.getMessages().length, (await session.next("What is the sky?")).text);
      await session.save("chat");`,
    );
    expect(await run("chat.js")).toBe("0 [demo] The sky is green.\n");
    expect(await run("chat.js")).toBe("2 [demo] The sky is green.\n");
  });
});
