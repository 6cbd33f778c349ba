import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { makeFolder } from "../../src/base/files/make-folder.ts";
import { patience } from "../machine/patience.ts";
import { runCli } from "../cli/run-cli.ts";

const root = mkdtempSync(join(tmpdir(), "make-folder-"));
afterAll(() => rmSync(root, { recursive: true }));

describe("makeFolder", () => {
  it("makes what is missing, with its mode, and leaves what is there", () => {
    makeFolder(join(root, "a", "b", "c"), { mode: 0o700 });
    expect(statSync(join(root, "a", "b", "c")).mode & 0o777).toBe(0o700);
    writeFileSync(join(root, "a", "file"), "");
    makeFolder(join(root, "a"));
    expect(existsSync(join(root, "a", "file"))).toBe(true);
    expect(() => makeFolder(join(root, "a", "file"))).toThrow(expect.objectContaining({ code: "EEXIST" }));
    expect(() => makeFolder(join(root, "a", "file", "x"))).toThrow(expect.objectContaining({ code: "ENOTDIR" }));
  });

  it.runIf(process.platform === "linux")("ends where no folder can be made", () => {
    expect(() => makeFolder("/proc/none/of/this")).toThrow(expect.objectContaining({ code: "ENOENT" }));
  });
});

describe.runIf(process.platform === "linux")("a folder that cannot be made ends no command in an endless loop", () => {
  const timeout = patience(60_000);
  it.each([
    ["the user's caches", ["eval", "6*7"], { XDG_CACHE_HOME: "/proc/none/here" }],
    ["the log", ["eval", "6*7"], { GEPPETTO_LOG: "/proc/none/here/runs.db" }],
    ["a cassette", ["eval", "--record", "/proc/none/here/a.json", "await chat('echo: a')"], {}],
    ["events", ["eval", "--events=/proc/none/here/a.ndjson", "6*7"], {}],
    ["keys", ["keys", "set", "a"], { XDG_CONFIG_HOME: "/proc/none/here" }],
  ])("of %s", { timeout }, async (_, args, env) => {
    const { code } = await runCli(args, { env, input: "a-key\n" });
    expect([0, 2, 66, 74, 78]).toContain(code);
  });
});
