import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

describe("an engine whose thread cannot be ended", () => {
  it("is marked tainted, and no further guest is taken into that process's threads", () => {
    // In a process of its own, since nothing but SIGKILL ends it.
    const code = `
      import { RuntimeEngine } from ${JSON.stringify(new URL("../../dist/src/index.js", import.meta.url).href)};
      const engine = new RuntimeEngine({ isolation: "thread", limits: { wallMs: 100 } });
      await engine.start();
      const { error } = await engine.runScript({ code: "Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1)" });
      while (!engine.stats().tainted) await new Promise((resolve) => setTimeout(resolve, 20));
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
    // The call has to last for more than a second, and for less than five, after which isolated-vm parks its thread for
    // good. How long it lasts depends on the machine, and on what else that does.
    const program = `
      import { RuntimeEngine } from ${JSON.stringify(new URL("../../dist/src/index.js", import.meta.url).href)};
      const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
      const startedAt = performance.now();
      Array.prototype.lastIndexOf.call({ length: 3e6 }, 1);
      const length = Math.round((3e6 / (performance.now() - startedAt)) * Number(process.argv[1]));
      const say = (seen) => {
        console.log(JSON.stringify(seen));
        process.kill(process.pid, "SIGKILL");
      };
      const engine = new RuntimeEngine({ isolation: "thread", limits: { wallMs: 100 } });
      await engine.start();
      await engine.runScript({ code: "Array.prototype.lastIndexOf.call({ length: " + length + " }, 1)" });
      await sleep(1200);
      if (!engine.stats().tainted) say("too short");
      for (let ms = 0; engine.stats().tainted; ms += 20) {
        if (ms > 8000) say("too long");
        await sleep(20);
      }
      await using other = new RuntimeEngine({ isolation: "thread" });
      await other.start();
      say(await other.runOnLoop("1 + 1"));`;
    let seen: unknown;
    for (let ms = 4000, tries = 0; tries < 20 && seen !== 2; tries++) {
      const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program, String(ms)], {
        cwd: fileURLToPath(new URL("../../", import.meta.url)),
        encoding: "utf8",
      });
      seen = JSON.parse(stdout);
      ms *= seen === "too long" ? 0.4 : 1.6;
    }
    expect(seen).toBe(2);
  });
});
