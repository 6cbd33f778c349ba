import fs from "node:fs";
import { describe, expect, it } from "vitest";
import { prestartBundler } from "../../src/index.ts";
import { ModuleFolder } from "./module-folder.ts";

const onLinux = fs.existsSync("/proc/self/task");
if (!onLinux) console.warn("SKIPPED: which process is the bundler's is read from /proc, which only Linux has");

/** The processes that put modules together, or wait to. */
function bundlerPids(): string[] {
  const children = fs.readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").split(" ").filter(Boolean);
  return children.filter((pid) => {
    try {
      return /bundler-child/.test(fs.readFileSync(`/proc/${pid}/cmdline`, "utf8"));
    } catch {
      return false;
    }
  });
}

describe.skipIf(!onLinux)("prestartBundler()", () => {
  it("starts the process that the next script with imports takes, which ends with it", async () => {
    using folder = new ModuleFolder({
      "main.mjs": `import { n } from "./n.mjs"; export default n;`,
      "n.mjs": "export const n = 7;",
    });
    const script = { name: "main.mjs", code: fs.readFileSync(`${folder.path}/main.mjs`, "utf8"), folder: folder.path };
    prestartBundler(script);
    prestartBundler(script);
    await expect.poll(bundlerPids).toHaveLength(1);
    const started = bundlerPids();
    const running = folder.run("main.mjs");
    expect((await running).value).toBe(7);
    await expect.poll(bundlerPids).toEqual([]);
    expect(started).toHaveLength(1);
  });

  it("starts nothing for a script without imports, or for one that was put together before", async () => {
    using folder = new ModuleFolder({ "main.ts": "export default 1 as number;" });
    prestartBundler({ name: "plain.mjs", code: "export default 1;", folder: folder.path });
    expect(bundlerPids()).toEqual([]);
    await folder.run("main.ts");
    await expect.poll(bundlerPids).toEqual([]);
    prestartBundler({ name: "main.ts", code: "export default 1 as number;", folder: folder.path });
    expect(bundlerPids()).toEqual([]);
  });
});
