// The client that the conformance suite tests: a script in an engine, which asks the server that the suite has started.
import { RuntimeEngine, setupMcp } from "../../src/index.ts";

const SCRIPTS: Readonly<Record<string, string>> = {
  initialize: `await mcp.suite.call("any").catch((error) => { if (error.code !== "ERR_MCP_NAME") throw error; });`,
  tools_call: `await mcp.suite.add_numbers({ a: 5, b: 3 });`,
  "sse-retry": `await mcp.suite.test_reconnection();`,
  "elicitation-sep1034-client-defaults": `await mcp.suite.test_client_elicitation_defaults();`,
};

const url = process.argv.at(-1)!;
const code = SCRIPTS[process.env["MCP_CONFORMANCE_SCENARIO"] ?? ""];
if (code === undefined) throw new Error("There is no script for this scenario");

await using engine = new RuntimeEngine({
  isolation: "thread",
  permissions: { mcp: ["suite"] },
  setup: [setupMcp({ servers: { suite: { url } }, onElicit: () => ({ action: "accept", content: {} }) })],
});
await engine.start();
const outcome = await engine.runScript({ code });
if (!outcome.ok) throw new Error(outcome.error?.message);
