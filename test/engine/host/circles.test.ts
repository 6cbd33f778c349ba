import { describe, expect, it } from "vitest";
import { RuntimeEngine, type Script } from "../../../src/index.ts";

describe("start()", () => {
  it("refuses a setup function of its own engine that awaits it", async () => {
    await using engine = new RuntimeEngine({ isolation: "thread", setup: [async (_vm, self) => self.start()] });
    await expect(engine.start()).rejects.toMatchObject({
      code: "ERR_CONFIG",
      message: expect.stringContaining("Cannot wait for the engine's start in one of its setup functions") as string,
    });
  });

  it("lets setup functions start other engines, leave its promise alone, and call it when all have run", async () => {
    await using other = new RuntimeEngine({ isolation: "thread" });
    const { promise, resolve } = Promise.withResolvers<() => Promise<void>>();
    await using engine = new RuntimeEngine({
      isolation: "thread",
      setup: [
        async (_vm, self) => {
          void self.start();
          await other.start();
          resolve(async () => self.start());
        },
      ],
    });
    await Promise.all([engine.start(), engine.start()]);
    await (
      await promise
    )();
    expect(await engine.runOnLoop("1 + 1")).toBe(2);
  });
});

describe("runScript()", () => {
  it.each(["thread", "process"] as const)("says what to give where a script is none, in a %s", async (isolation) => {
    await using engine = new RuntimeEngine({ isolation });
    await engine.start();
    const given: [unknown, string][] = [
      [
        { file: new URL("file:///a.js") },
        "its file must be a text without null bytes; of a URL give fileURLToPath(url)",
      ],
      [{ file: 5 }, "its file must be a text"],
      [{ file: "a\0b" }, "its file must be a text"],
      [{ code: "1", name: 5 }, "its name must be a text"],
      [{ code: "1", folder: new URL("file:///a") }, "its folder must be a text"],
      [{ code: "1", lineOffset: "x" }, "its lineOffset must be a whole number"],
      [{ loaded: 5 }, "what is loaded must have its code and name as texts"],
      [{ loaded: { code: 5, name: "a.js", kind: "module", lineOffset: 0 } }, "what is loaded must have its code"],
      [{ loaded: { code: "1", name: "a.js", kind: "module" } }, "its lineOffset must be a whole number"],
    ];
    for (const [script, text] of given)
      await expect(engine.runScript(script as Script)).rejects.toMatchObject({
        code: "ERR_CONFIG",
        message: expect.stringContaining(text) as string,
      });
    expect((await engine.runScript({ code: "export default 1" })).value).toBe(1);
  });
});
