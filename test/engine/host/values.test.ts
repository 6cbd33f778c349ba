import { describe, expect, it } from "vitest";
import { RuntimeEngine, setupDefaults } from "../../../src/index.ts";
import { ISOLATIONS } from "../engine-harness.ts";

describe.each(ISOLATIONS)("a value that crosses the wall of a %s", (isolation) => {
  it("is carried whole or refused by its name, in each direction", async () => {
    const got: unknown[] = [];
    await using engine = new RuntimeEngine({
      isolation,
      setup: [
        setupDefaults(),
        (vm) => {
          void vm.op("echo", (value) => got.push(value) && value);
          void vm.op("echoNow", (value) => value, { mode: "sync" });
          void vm.set("given", new Uint8Array([7]).buffer);
        },
      ],
    });
    await engine.start();
    const { error, value } = await engine.runScript({
      code: `const refused = (e) => [e.name, e.code, e.message].join(" ");
        const bytes = new Uint8Array([1, 2]).buffer;
        const back = await echo(bytes);
        const lines = [back instanceof ArrayBuffer, [...new Uint8Array(back)].join(), echoNow(bytes).byteLength, given.byteLength];
        lines.push(await echo(Object("boxed")));
        for (const odd of [{ pattern: /a/ }, [Promise.resolve(1)], new AbortController().signal])
          lines.push(await (async () => echo(odd))().catch(refused));
        lines.push(await doubleStep.startAsync(/a/).catch(refused));
        export default lines;`,
    });
    expect(error).toBeUndefined();
    expect(value).toStrictEqual([
      true,
      "1,2",
      2,
      1,
      "boxed",
      'ValidationError ERR_VALIDATION Cannot copy a RegExp at "[0].pattern"',
      'ValidationError ERR_VALIDATION Cannot copy a Promise at "[0][0]"',
      'ValidationError ERR_VALIDATION Cannot copy an AbortSignal at "[0]"',
      'ValidationError ERR_VALIDATION Cannot copy a RegExp at "input"',
    ]);
    expect(got).toStrictEqual([new Uint8Array([1, 2]).buffer, "boxed"]);
    expect(await engine.runOnLoop("globalThis.pattern = /a/")).toBeUndefined();
    expect(await engine.runOnLoop("globalThis.controller = new AbortController()")).toBeUndefined();
    expect(await engine.runOnLoop("[/a/]")).toEqual([{}]);
  });
});
