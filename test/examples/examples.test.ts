import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runCli } from "../cli/run-cli.ts";

const folder = fileURLToPath(new URL("../../examples", import.meta.url));
const hostFolder = join(folder, "host");
const scripts = readdirSync(folder).filter((name) => name.endsWith(".js"));
const hosts = readdirSync(hostFolder).filter((name) => name.endsWith(".ts"));

describe("examples", () => {
  it.each([
    [folder, scripts, ".golden"],
    [hostFolder, hosts, ".out"],
  ])(
    "in %s are numbered without a gap, say what they show, and each have their output beside them",
    (path, names, end) => {
      expect(names.map((name) => Number(name.slice(0, 2)))).toEqual(names.map((_, i) => i + 1));
      const outputs = readdirSync(path).filter((name) => name.endsWith(end));
      expect(outputs).toEqual(names.map((name) => name.replace(/\.\w+$/, end)));
      for (const name of names) expect(readFileSync(join(path, name), "utf8")).toMatch(/^\/\/ [A-Z]/);
    },
  );

  it("for the command line pass geppetto-js test, in CI as well", async () => {
    const { code, stdout, stderr } = await runCli(["test", "--reporter", "json", folder], { env: { CI: "true" } });
    const { tests, ...summary } = JSON.parse(stdout) as { tests: { name: string; failures: unknown[] }[] };
    expect(tests.flatMap(({ failures }) => failures)).toEqual([]);
    expect(summary).toMatchObject({ ok: true, passed: scripts.length, failed: 0, obsolete: 0 });
    expect({ code, notes: stderr.split("\n").length }).toEqual({ code: 0, notes: 2 });
  });

  it.concurrent.each(hosts)("%s, a host app, prints what lies beside it", async (name) => {
    const path = join(hostFolder, name);
    const { code, stdout, stderr } = await runCli([], { main: path, cwd: hostFolder });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toBe(readFileSync(path.replace(/\.ts$/, ".out"), "utf8"));
  });
});
