import { describe, expect, it } from "vitest";
import { ISOLATIONS, withEngine } from "./engine-harness.ts";

describe.each(ISOLATIONS)("runScript({ loadOnly }) in a %s", (isolation) => {
  const LOADED = { ok: true, end: "completed" };

  it("runs nothing of a script that loads", () =>
    withEngine({ isolation }, async ({ engine, output }) => {
      const code = `console.log("ran"); globalThis.seen = 1; setTimeout(() => {}, 1e9); throw new Error("ran");`;
      expect(await engine.runScript({ code }, { loadOnly: true })).toMatchObject(LOADED);
      expect(await engine.runScript({ code: "for (;;);", name: "classic.cjs" }, { loadOnly: true })).toMatchObject(
        LOADED,
      );
      expect(engine.hasBegun).toBe(false);
      expect(await engine.runScript({ code: "export default typeof seen" })).toMatchObject({ value: "undefined" });
      expect(output.out).toBe("");
    }));

  it.each([
    ["does not parse", "let a = 1;\nlet b = ;", "ERR_SCRIPT_LOAD", "[file:///script.js:2:9]"],
    ["holds a broken pattern, which V8 alone finds", "const r = /(/;", "ERR_SCRIPT_LOAD", "Invalid regular expression"],
    ["is nested too deeply", "[".repeat(30_000) + "]".repeat(30_000), "ERR_SCRIPT_LOAD", "script.js: it, or a module"],
    ["imports what it may not", `import "./nowhere.js";`, "ERR_PERMISSION", "./nowhere.js"],
  ])("says of a script that it %s", (_, code, errorCode, text) =>
    withEngine({ isolation }, async ({ engine }) => {
      const { ok, end, error } = await engine.runScript({ code }, { loadOnly: true });
      expect({ ok, end, code: error?.code }).toEqual({ ok: false, end: "load", code: errorCode });
      expect(error?.message).toContain(text);
    }),
  );
});
