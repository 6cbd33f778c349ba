import { expect, it } from "vitest";
import { runCli } from "../run-cli.ts";
import { withCallTime } from "../../../src/cli/mcp/call-time.ts";
import { loadConfig } from "../../../src/config.ts";

it.each([
  ["ends code before clients give its call up", {}, 50_000],
  ["leaves the code the time that the user gives it", { "limits.timeout": "2m" }, 120_000],
])("geppetto-js mcp %s", async (_, flags, wallMs) => {
  const config = await loadConfig({ env: {}, flags });
  expect(withCallTime(config).settings.limits.wallMs).toBe(wallMs);
});

it("is what the help of mcp says, and not what run has", async () => {
  const { stdout } = await runCli(["mcp", "--help"]);
  expect(stdout.replaceAll(/\s+/g, " ")).toContain("longest time of the script: 60s, 500ms, 2m (default: 50s)");
});
