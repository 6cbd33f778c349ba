import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigFolder } from "../cli/config-folder.ts";
import { LOG_FILE } from "../cli/run-cli.ts";
import { scripted } from "./run-mcp.ts";

let made: ConfigFolder;
beforeEach(() => {
  made = new ConfigFolder();
  made.user(`mcp: ${JSON.stringify({ test: scripted() })}\n`);
});
afterEach(() => made.remove());

/** A program of util-linux that gives another one a terminal. */
const SCRIPT = "script";
const hasScript = process.platform === "linux" && spawnSync(SCRIPT, ["--version"]).status === 0;
if (!hasScript) console.warn("SKIPPED: the command script (util-linux) is needed to try a real terminal");
const main = fileURLToPath(new URL("../../dist/cli/main.cjs", import.meta.url));

/** Types one answer after each question, and gives what the terminal shows. */
async function typing(code: string, answers: readonly string[], flags = ""): Promise<string> {
  const { PATH } = process.env;
  const command = `'${process.execPath}' '${main}' run -q ${flags} --allow-mcp=test '${made.file("t.js", code)}'`;
  const child = spawn(SCRIPT, ["-qec", command, "/dev/null"], {
    env: { PATH, TERM: "xterm", NO_COLOR: "1", GEPPETTO_LOG: LOG_FILE, XDG_CONFIG_HOME: made.configHome },
  });
  let screen = "";
  let answered = 0;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    screen += text.replaceAll("\r\n", "\n");
    // A question is what the cursor stands behind.
    if (screen.endsWith(": ")) child.stdin.write(answers[answered++] ?? "\x04");
  });
  await new Promise((resolve) => child.on("close", resolve));
  return screen;
}

describe.skipIf(!hasScript)("on a terminal", () => {
  it("what a server asks is asked value by value, with its texts made visible, until they fit", async () => {
    const answers = ["y\n", "Ada\n", "old\n", "36\n", "\n", "yes\n", "tea, cake\n"];
    const screen = await typing("console.log(JSON.stringify(await mcp.test.survey()));", answers);
    expect(screen).toContain('The MCP server "test" asks: Some questions\nAnswer? [y]es, [N]o: y\n');
    expect(screen).toContain("  name (Your \u241b[5mname): Ada\n");
    expect(screen).toContain("  age (In years; a whole number): old\n  age (In years; a whole number): 36\n");
    expect(screen).toContain("  colour (one of red, green; default green): \n");
    const content = { name: "Ada", age: 36, colour: "green", sure: true, likes: ["tea", "cake"] };
    expect(screen).toContain(JSON.stringify({ action: "accept", content }));
  });

  it("a no declines, and the end of the input cancels", async () => {
    const code = "console.log(JSON.stringify(await mcp.test.ask()));";
    expect(await typing(code, ["\n"])).toContain('{"action":"decline"}');
    expect(await typing(code, ["y\n"])).toContain('{"action":"cancel"}');
    expect(await typing(code, [], "--approve never")).toContain("--approve never says so");
  });

  it("an address is shown, and not opened", async () => {
    const screen = await typing("console.log(JSON.stringify(await mcp.test.visit()));", ["y\n"]);
    expect(screen).toContain('The MCP server "test" asks you to open https://example.com/a and says: Sign in\n');
    expect(screen).toContain('{"action":"accept"');
  });
});

describe("without a terminal", () => {
  it("what a server asks is declined, and stderr says why", async () => {
    made.file("t.js", "console.log(JSON.stringify(await mcp.test.ask()));");
    const { code, stdout, stderr } = await made.cli(["run", "--allow-mcp=test", "t.js"], { input: "y\nAda\n" });
    expect([code, stdout]).toEqual([0, '{"action":"decline"}\n']);
    expect(stderr).toContain(
      'Declining what the MCP server "test" asks, "Who \\u001b[1mare you?": there is no terminal to ask on',
    );
  });
});
