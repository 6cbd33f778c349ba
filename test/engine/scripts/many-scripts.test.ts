import { describe, expect, it } from "vitest";
import { RuntimeEngine } from "../../../src/index.ts";
import { patience } from "../../machine/patience.ts";

const MEMORY_MB = 16;
const FUNCTIONS = Array.from(
  { length: 2000 },
  (_, i) => `function f${i}(a) { return a + ${i} + "some text of function ${i}"; }`,
);
const CODE = `${FUNCTIONS.join("\n")}\nexport default 1;`;

describe.each(["process", "thread"] as const)("an engine in a %s", (isolation) => {
  it("keeps no module of a script that is over", { timeout: patience(120_000) }, async () => {
    await using engine = new RuntimeEngine({ isolation, limits: { memoryMB: MEMORY_MB } });
    await engine.start();
    // Twice as much source as it may have memory.
    const scripts = Math.ceil((2 * MEMORY_MB * 1024 * 1024) / CODE.length);
    for (let i = 0; i < scripts; i++) {
      const { ok, error } = await engine.runScript({ code: CODE });
      expect(ok, `script ${i}: ${error?.message}`).toBe(true);
    }
  });

  it("keeps the module of a script that goes on", async () => {
    await using engine = new RuntimeEngine({ isolation });
    await engine.start();
    const { value } = await engine.runScript({
      code: `const where = () => import.meta.url;
        await new Promise((resolve) => setTimeout(resolve, 5));
        const first = where();
        export default await new Promise((resolve) => setTimeout(() => resolve(first === where()), 5));`,
    });
    expect(value).toBe(true);
  });
});
