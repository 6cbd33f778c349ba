import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { plainMessage, toErrorRecord } from "../../src/shared/errors.ts";
import { withEngine } from "../engine/engine-harness.ts";

function thrownBy(f: () => unknown): Error {
  try {
    f();
  } catch (error) {
    return error as Error;
  }
  throw new Error("Nothing was thrown");
}

describe("the message of a host's error", () => {
  const error = thrownBy(() => readFileSync("/srv/secret/plans.txt"));

  it("names the file and not its path", () => {
    expect(error.message).toContain("/srv/secret/plans.txt");
    expect(plainMessage(error)).toBe("ENOENT: no such file or directory, open 'plans.txt'");
    expect(toErrorRecord(error).message).toBe("ENOENT: no such file or directory, open 'plans.txt'");
    expect(plainMessage(Object.assign(new Error("rename /a/b/c to /d/e"), { path: "/a/b/c", dest: "/d/e" }))).toBe(
      "rename c to e",
    );
    expect(plainMessage(Object.assign(new Error("cannot read /"), { path: "/" }))).toBe("cannot read a folder");
  });

  it("is the same for a script, from an op, a step and a stage of the host's", async () => {
    const fail = (): never => {
      throw error;
    };
    await withEngine({ isolation: "thread" }, async ({ engine, run }) => {
      await engine.setUp(async (vm) => {
        await vm.op("read", async () => fail());
        await vm.registerStep("reading", {
          info: { type: "reading", inputType: "any", outputType: "any", kind: "single" },
          // oxlint-disable-next-line require-yield -- it fails before
          async *run() {
            fail();
          },
        });
      });
      const { value } = await run(`
        const said = (promise) => promise.catch((e) => e.message);
        export default [await said(read()), await said(reading.startAsync(1)), await said(pipeline.chain(reading).startAsync(1))];
      `);
      const message = "ENOENT: no such file or directory, open 'plans.txt'";
      expect(value).toEqual([message, message, `Stage "reading" failed: ${message}`]);
    });
  });
});
