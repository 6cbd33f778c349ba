import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { patience } from "../machine/patience.ts";

describe("an engine whose thread cannot be ended", () => {
  it("is marked tainted, and no further guest is taken into that process's threads", () => {
    // In a process of its own, since nothing but SIGKILL ends it.
    const code = `
      import { RuntimeEngine } from ${JSON.stringify(new URL("../../dist/src/index.js", import.meta.url).href)};
      const engine = new RuntimeEngine({ isolation: "thread", limits: { wallMs: 100 } });
      await engine.start();
      const { error } = await engine.runScript({ code: "Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1)" });
      await new Promise((resolve) => setTimeout(resolve, 1200));
      const refused = await new RuntimeEngine({ isolation: "thread" }).start().catch(({ code }) => code);
      await using other = new RuntimeEngine();
      await other.start();
      console.log(JSON.stringify([error.code, engine.stats().tainted, refused, await other.runOnLoop("1 + 1")]));
      process.kill(process.pid, "SIGKILL");`;
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
      cwd: fileURLToPath(new URL("../../", import.meta.url)),
      encoding: "utf8",
    });
    expect(JSON.parse(stdout)).toEqual(["ERR_LIMIT_WALL", true, "ERR_HOST_TAINTED", 2]);
  });

  it("is marked no longer when the thread ends after all, and threads are taken again", () => {
    const code = `
      import { RuntimeEngine } from ${JSON.stringify(new URL("../../dist/src/index.js", import.meta.url).href)};
      // How long a call takes that V8 does not interrupt depends on the machine: the first that is long enough counts.
      let engine;
      for (let length = 1e8; engine?.stats().tainted !== true; length *= 2) {
        engine = new RuntimeEngine({ isolation: "thread", limits: { wallMs: 100 } });
        await engine.start();
        await engine.runScript({ code: "Array.prototype.lastIndexOf.call({ length: " + length + " }, 1)" });
        await new Promise((resolve) => setTimeout(resolve, 1200));
      }
      const seen = [];
      for (const wanted of [true, false]) {
        while (engine.stats().tainted !== wanted) await new Promise((resolve) => setTimeout(resolve, 20));
        seen.push(wanted);
      }
      await using other = new RuntimeEngine({ isolation: "thread" });
      await other.start();
      console.log(JSON.stringify([...seen, await other.runOnLoop("1 + 1")]));
      process.kill(process.pid, "SIGKILL");`;
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
      cwd: fileURLToPath(new URL("../../", import.meta.url)),
      encoding: "utf8",
      timeout: patience(28_000),
    });
    expect(JSON.parse(stdout)).toEqual([true, false, 2]);
  });
});
