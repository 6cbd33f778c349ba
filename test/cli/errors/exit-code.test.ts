import { afterAll, describe, expect, it } from "vitest";
import { ISOLATIONS, withEngine } from "../../engine/engine-harness.ts";
import { runCli, ScriptFolder } from "../run-cli.ts";
import { ScriptReports } from "./script-reports.ts";

const reports = new ScriptReports();
const folder = new ScriptFolder();
afterAll(async () => {
  folder.remove();
  await reports[Symbol.asyncDispose]();
});

describe("process.exitCode", () => {
  it.each([
    ["process.exitCode = 1;", 1],
    ["process.exitCode = 63;", 63],
    ["process.exitCode = 0;", 0],
    ["process.exitCode = '3';", 3],
    ["process.exitCode = ' 0x5 ';", 5],
    ["process.exitCode = 4; process.exitCode = undefined;", 0],
    ["process.exitCode = 4; process.exitCode = null;", 0],
    ["process.exitCode = 4; process.exitCode = 0;", 0],
    ["process.exitCode ??= 2;", 2],
    ["process.exitCode = 2; export default 'made';", 2],
    ["process.exitCode = 2; done('made');", 2],
    ["setTimeout(() => { process.exitCode = 6; }, 1);", 6],
    ["await doubleStep.startAsync('x').catch(() => { process.exitCode = 9; });", 9],
    ["process.exitCode = 2; process.exit();", 2],
    ["process.exitCode = 2; process.exit(0);", 0],
    ["process.exitCode = 2; process.exit(3);", 3],
    ["process.exitCode = 2; throw new Error('x');", 1],
    ["process.exitCode = 2; await new Promise(() => {});", 1],
  ])("counts: %s", async (code, exitCode) => {
    const { outcome, exitCode: found } = await reports.of(code);
    expect(found).toBe(exitCode);
    expect(outcome.ok).toBe(exitCode === 0);
  });

  it.each([
    ["64", "RangeError"],
    ["-1", "RangeError"],
    ["1.5", "RangeError"],
    ["NaN", "RangeError"],
    ["'300'", "RangeError"],
    ["'one'", "TypeError"],
    ["''", "TypeError"],
    ["true", "TypeError"],
    ["{}", "TypeError"],
    ["[3]", "TypeError"],
    ["3n", "TypeError"],
    ["Symbol()", "TypeError"],
  ])("set to %s throws where it is set, and stays what it was", async (value, name) => {
    const { exitCode, output } = await reports.of(
      `process.exitCode = 5; try { process.exitCode = ${value}; } catch (error) { console.log(error.name, error.message); }`,
    );
    expect(exitCode).toBe(5);
    expect(output.out).toMatch(
      new RegExp(`^${name} Cannot set process\\.exitCode: it must be a whole number from 0 to 63, got `),
    );
  });

  it("is what it was set to, as a number, and undefined before", async () => {
    const { output } = await reports.of(
      "console.log(process.exitCode); process.exitCode = '7'; console.log(process.exitCode, 'exitCode' in process);",
    );
    expect(output.lines).toEqual(["undefined", "7 true"]);
  });

  it.each(ISOLATIONS)("is each script's own, in a %s", (isolation) =>
    withEngine({ isolation }, async ({ run }) => {
      expect(await run("process.exitCode = 3; export default 1;")).toMatchObject({
        ok: false,
        end: "completed",
        exitCode: 3,
        value: 1,
      });
      expect(await run("export default process.exitCode;")).toMatchObject({ ok: true, end: "completed" });
    }),
  );

  it("is the exit code of the command line, which prints the result all the same", async () => {
    const script = folder.file("check.js", "if (1 + 1 !== 3) process.exitCode = 1;\nexport default 'checked';\n");
    const { code, stdout, stderr } = await runCli(["run", "--no-log", script]);
    expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: "checked\n", stderr: "" });
    const json = await runCli(["run", "--json", "--no-log", script]);
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, error: null, result: "checked", exitCode: 1 });
  });
});
