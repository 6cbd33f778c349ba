import { describe, expect, it, vi } from "vitest";
import { explainCommand } from "../../../src/cli/commands/explain-command.ts";
import { ERROR_GROUPS, EXIT_MEANINGS } from "../../../src/errors/error-catalogue.ts";
import { EXIT } from "../../../src/errors/exit-codes.ts";
import { runCli } from "../run-cli.ts";

const CODES = ERROR_GROUPS.flatMap(({ errors }) => Object.entries(errors));

/** What the command prints when it runs here: a process for each of so many would take long. */
function printed(code: string): string {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  // A process that prints once need not forget who listens.
  vi.spyOn(process.stdout, "on").mockReturnThis();
  vi.spyOn(process.stderr, "on").mockReturnThis();
  try {
    explainCommand(code, {});
    return write.mock.calls.map(([text]) => text).join("");
  } finally {
    vi.restoreAllMocks();
  }
}

describe("geppetto-js explain", () => {
  it.each(CODES)("knows %s", (code, entry) => {
    const text = printed(code);
    expect(text).toContain(`${code} (${entry.name})`);
    for (const part of [entry.meaning, entry.advice]) expect(text).toContain(part);
    expect(text).toContain(entry.exit === undefined ? "Only a host app meets it" : `Exit code:  ${entry.exit}. `);
  });

  it.each(CODES.filter((_, index) => index % 8 === 0))("says what %s means, and what to do", async (code, entry) => {
    const { code: exit, stdout, stderr } = await runCli(["explain", code]);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
    expect(stdout).toContain(`${code} (${entry.name})`);
    expect(stdout).toContain(entry.meaning);
    expect(stdout).toContain(entry.advice);
    if (entry.exit !== undefined) expect(stdout).toContain(`Exit code:  ${entry.exit}.`);
  });

  it("prints JSON", async () => {
    const { stdout } = await runCli(["explain", "--json", "ERR_LIMIT_WALL"]);
    expect(JSON.parse(stdout)).toMatchObject({ code: "ERR_LIMIT_WALL", name: "LimitError", exitCode: 124 });
  });

  it.each(Object.entries(EXIT))("explains the exit code of %s, %i", async (name, code) => {
    const { stdout } = await runCli(["explain", String(code)]);
    expect(stdout).toContain(EXIT_MEANINGS[name as keyof typeof EXIT]);
  });

  it.each([
    ["limit-wall", "ERR_LIMIT_WALL (LimitError)"],
    ["err_limit_wall", "ERR_LIMIT_WALL (LimitError)"],
    ["7", "The script's own"],
  ])("takes %s", async (given, said) => {
    expect((await runCli(["explain", given])).stdout).toContain(said);
  });

  it.each([
    ["ERR_LIMT_WALL", "did you mean ERR_LIMIT_WALL?"],
    ["nonsense", "docs/errors.md lists the codes"],
    ["99", "has no exit code 99"],
  ])("refuses %s", async (given, why) => {
    const { code, stdout, stderr } = await runCli(["explain", given]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(why);
  });
});
