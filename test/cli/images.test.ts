import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runCli } from "./run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "geppetto-images-"));
const outside = mkdtempSync(join(tmpdir(), "geppetto-outside-"));
/** A complete PNG of one pixel. */
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

afterAll(() => {
  for (const made of [folder, outside]) rmSync(made, { recursive: true });
});

describe("run", () => {
  it("lets a script read images below its own folder and nowhere else", async () => {
    writeFileSync(join(folder, "in.png"), PNG);
    writeFileSync(join(outside, "out.png"), PNG);
    symlinkSync(join(outside, "out.png"), join(folder, "link.png"));
    const script = join(folder, "look.js");
    const paths = ["in.png", "link.png", join(outside, "out.png"), "../out.png", "/etc/passwd"];
    writeFileSync(
      script,
      `for (const path of ${JSON.stringify(paths)}) {
        try { new Conversation().addMessageWithImage("user", "x", path); console.log("read"); }
        catch (error) { console.log(error.name, error.includes("file access denied")); }
      }`,
    );
    const denied = "PermissionError true\n";
    expect((await runCli(["run", script])).stdout).toBe(`read\n${denied.repeat(4)}`);
    expect((await runCli(["run", "--untrusted", script])).stdout).toBe(denied.repeat(5));
  });

  it("refuses an unknown provider before the script runs", async () => {
    const script = join(folder, "silent.js");
    writeFileSync(script, "console.log('ran')");
    const { code, stdout, stderr } = await runCli(["run", "-m", "bogus:x", script]);
    expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
    expect(stderr).toContain('Cannot use provider "bogus"');
  });
});
