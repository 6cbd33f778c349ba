import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runCli } from "../cli/run-cli.ts";

const folder = fileURLToPath(new URL("../../examples", import.meta.url));
const examples = readdirSync(folder).filter((name) => /\.(js|ts)$/.test(name));

/** An example on a recorded model has its cassette beside it. */
function replayOf(name: string): string[] {
  const cassette = name.replace(/\.js$/, ".cassette.json");
  return existsSync(join(folder, cassette)) ? ["--replay", cassette] : [];
}

describe("examples", () => {
  it("are numbered without a gap and each have a golden output", () => {
    expect(examples.map((name) => Number(name.slice(0, 2)))).toEqual(examples.map((_, i) => i + 1));
    const golden = readdirSync(folder).filter((name) => name.endsWith(".golden"));
    expect(golden).toEqual(examples.map((name) => name.replace(/\.\w+$/, ".golden")));
  });

  it.concurrent.each(examples)("%s prints its golden output and says at its top what it shows", async (name) => {
    const path = join(folder, name);
    expect(readFileSync(path, "utf8")).toMatch(/^\/\/ [A-Z]/);
    const { code, stdout, stderr } = name.endsWith(".ts")
      ? await runCli([], { main: path, cwd: folder })
      : await runCli(["run", "-q", ...replayOf(name), name], { cwd: folder });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toBe(readFileSync(path.replace(/\.\w+$/, ".golden"), "utf8"));
  });
});
