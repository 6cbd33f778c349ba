import { execFile } from "node:child_process";
import fs from "node:fs";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { codeTool, type CodeToolOptions } from "../../src/index.ts";

const onLinux = fs.existsSync("/proc/self/task");
if (!onLinux) console.warn("SKIPPED: which processes there are is read from /proc, which only Linux has");

/** The processes of this one that run such a program. */
function pidsOf(program: RegExp): string[] {
  const children = fs.readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").split(" ").filter(Boolean);
  return children.filter((pid) => {
    try {
      return program.test(fs.readFileSync(`/proc/${pid}/cmdline`, "utf8"));
    } catch {
      return false;
    }
  });
}
const readers = (): string[] => pidsOf(/session-child/);
const engines = (): string[] => pidsOf(/realm-child/);

const toolOf = (options: CodeToolOptions = {}) => codeTool({ check: false, ...options });

describe.skipIf(!onLinux)("a code tool that is used", () => {
  it("has one process read the code of all its runs, and none once it is closed", async () => {
    const tool = toolOf({ isolation: "thread" });
    expect((await tool.execute({ code: "const a: number = 1; a" })).value).toBe(1);
    const [first] = readers();
    expect((await tool.execute({ code: "typeof a" })).value).toBe("undefined");
    expect(readers()).toEqual([first]);
    await tool.close();
    await expect.poll(readers).toEqual([]);
  });

  it("has no more read than there are runs at a time, and lets no tenant have another one's", async () => {
    await using tool = toolOf({ isolation: "thread", concurrency: 2 });
    await Promise.all([1, 2, 3, 4, 5].map((n) => tool.execute({ code: `${n}` }, { tenant: "anna" })));
    const annas = readers();
    expect([1, 2]).toContain(annas.length);
    await tool.execute({ code: "3" }, { tenant: "ben" });
    // No more wait than may run.
    await expect.poll(() => readers().length).toBeLessThanOrEqual(2);
    expect(readers().some((pid) => !annas.includes(pid))).toBe(true);
  });

  it("goes on with another process where code was the end of the one that read it", async () => {
    await using tool = toolOf({ isolation: "thread" });
    await tool.execute({ code: "1" });
    const [pid] = readers();
    process.kill(Number(pid), "SIGKILL");
    await expect.poll(readers).toEqual([]);
    expect((await tool.execute({ code: "2" })).value).toBe(2);
  });

  it("keeps a process ready for its next run, which ends with the tool", async () => {
    const tool = toolOf();
    expect(engines()).toEqual([]);
    await tool.execute({ code: "globalThis.kept = 1" });
    await expect.poll(engines).toHaveLength(1);
    const [ready] = engines();
    const running = tool.execute({ code: "await tools; typeof kept" });
    const result = await tool.execute({ code: "typeof kept" });
    expect(result.value).toBe("undefined");
    await running;
    await expect.poll(engines).toHaveLength(1);
    expect(engines()).not.toContain(ready);
    await tool.close();
    await expect.poll(engines).toEqual([]);
  });

  it("keeps none ready for longer than it may rest, and none for whoever runs code once", async () => {
    await using tool = toolOf({ idleMs: 1 });
    await tool.execute({ code: "1" });
    await expect.poll(engines).toEqual([]);
    {
      await using once = toolOf();
      await once.execute({ code: "1" });
    }
    await expect.poll(engines).toEqual([]);
  });

  it("lets its process come to an end, and leaves nothing behind", async () => {
    const entry = new URL("../../dist/src/index.js", import.meta.url).href;
    const program = `import { codeTool } from ${JSON.stringify(entry)};
      const tool = codeTool({ check: false });
      for (const code of ["1", "2"]) console.log((await tool.execute({ code })).value);
      setTimeout(() => {}, 100);`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program]);
    expect(stdout).toBe("1\n2\n");
  });
});
