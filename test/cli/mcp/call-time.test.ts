import { expect, it } from "vitest";
import { withCallTime } from "../../../src/cli/mcp/mcp-command.ts";
import { loadConfig } from "../../../src/config.ts";

it.each([
  ["ends code before clients give its call up", {}, 50_000],
  ["leaves the code the time that the user gives it", { "limits.timeout": "2m" }, 120_000],
])("geppetto-js mcp %s", async (_, flags, wallMs) => {
  const config = await loadConfig({ env: {}, flags });
  expect(withCallTime(config).settings.limits.wallMs).toBe(wallMs);
});
