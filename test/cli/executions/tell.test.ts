import { existsSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { userInfo } from "node:os";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { JournalFolder } from "./journal-folder.ts";

let folder: JournalFolder;
beforeEach(() => void (folder = new JournalFolder()));
afterEach(() => folder.remove());

const PAY = { kind: "approve" as const, number: 1, question: "Pay?" };
const SHIP = { kind: "approve" as const, number: 2, question: "Ship?" };

describe("runs send", () => {
  it("keeps a message for whoever resumes the execution", async () => {
    await folder.suspend("order-17", [{ kind: "receive", number: 1, name: "paid" }]);
    expect(await folder.cli(["runs", "send", "order-17", "paid", "--data", '{"by":["ann"]}'])).toMatchObject({
      code: 0,
      stdout: "",
      stderr: "sent; go on with: geppetto-js runs resume order-17\n",
    });
    await folder.cli(["runs", "send", "order", "other"]);
    expect(await folder.messages("order-17")).toEqual([
      { kind: "send", name: "paid", payload: { by: ["ann"] } },
      { kind: "send", name: "other", payload: undefined },
    ]);
  });

  it("says what is wrong with a message, and with the execution", async () => {
    await folder.suspend("order-17", []);
    await folder.suspend("order-18", []);
    const failing = async (...args: string[]): Promise<object> => folder.cli(["runs", ...args]);
    expect(await failing("send", "order-17", "a", "--data", "yes")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`Cannot read --data: Unexpected token`) as string,
    });
    const deep = "[".repeat(5000) + "]".repeat(5000);
    expect(await failing("send", "order-17", "a", "--data", deep)).toMatchObject({ code: 1 });
    expect(await failing("send", "order-17", "", "--data", "1")).toMatchObject({ code: 1 });
    expect(await failing("send", "none", "a")).toMatchObject({
      code: 66,
      stderr: expect.stringContaining('no execution\'s id is "none"') as string,
    });
    expect(await failing("send", "order", "a")).toMatchObject({
      code: 66,
      stderr: expect.stringContaining('the ids of several begin with "order": order-18, order-17') as string,
    });
    await failing("cancel", "order-17");
    expect(await failing("send", "order-17", "a")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error \[ERR_EXECUTION_ENDED\]: Cannot send a message/) as string,
    });
  });
});

describe("runs approve", () => {
  it("answers the one question, with who and when", async () => {
    await folder.suspend("order-17", [PAY]);
    expect(await folder.cli(["runs", "approve", "order-17", "--note", "fine"])).toMatchObject({ code: 0 });
    expect(await folder.messages("order-17")).toEqual([
      {
        kind: "approve",
        question: 1,
        approved: true,
        by: userInfo().username,
        note: "fine",
        at: expect.stringMatching(/^20\d\d-/) as string,
      },
    ]);
  });

  it("answers one of several, and each once", async () => {
    await folder.suspend("order-17", [PAY, SHIP]);
    expect(await folder.cli(["runs", "approve", "order-17"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("say which one; it asks 1 (Pay?), 2 (Ship?)") as string,
    });
    expect(await folder.cli(["runs", "approve", "order-17", "--refuse", "--question", "2"])).toMatchObject({ code: 0 });
    const again = await folder.cli(["runs", "approve", "order-17", "--question", "2"]);
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining("was answered already") as string });
    for (const question of ["0", "x", "1.5", "-1"]) {
      expect((await folder.cli(["runs", "approve", "order-17", `--question=${question}`])).code, question).toBe(2);
    }
    expect(await folder.messages("order-17")).toMatchObject([{ question: 2, approved: false }]);
  });
});

describe("runs resolve", () => {
  it("takes one of three words for a call", async () => {
    const call = { kind: "ambiguous" as const, number: 3, name: "charge" };
    for (const [id, args, how] of [
      ["a", ["--retry"], { retry: true }],
      ["b", ["--value", '{"paid":3}'], { value: { paid: 3 } }],
      ["c", ["--error", "no money"], { error: "no money" }],
    ] as const) {
      await folder.suspend(id, [call]);
      expect(await folder.cli(["runs", "resolve", id, ...args])).toMatchObject({ code: 0 });
      expect(await folder.messages(id)).toEqual([{ kind: "resolve", question: 3, how }]);
    }
    await folder.suspend("d", [call]);
    for (const args of [[], ["--retry", "--error", "x"], ["--value", "{"]]) {
      expect((await folder.cli(["runs", "resolve", "d", ...args])).code).toBe(2);
    }
  });
});

describe("runs list and runs show", () => {
  it("show executions beside runs, with what each waits for", async () => {
    await folder.cli(["eval", "1"]);
    await folder.suspend("order-17", [{ ...PAY, question: "Pay\nnow?\x1b[31m", data: { total: 20 } }, SHIP]);
    const { stdout } = await folder.cli(["runs", "list"]);
    const [, first, second] = stdout.split("\n");
    expect(first).toMatch(/^order-17 .* order\.js +suspended \(an answer to question 1: Pay now\?.* and 1 more\)/);
    expect(first).not.toContain("\x1b");
    expect(second).toMatch(/ eval +completed /);
    const listed = (await folder.cli(["runs", "list", "--json", "--state", "suspended"])).stdout.trim().split("\n");
    expect(listed.map((line) => JSON.parse(line) as object)).toMatchObject([
      { id: "order-17", state: "suspended", isExecution: true, waitsFor: [{ number: 1 }, { number: 2 }] },
    ]);
    expect((await folder.cli(["runs", "list", "--script", "e*l"])).stdout.split("\n").length).toBe(3);
    const shown = await folder.cli(["runs", "show", "order-17"]);
    expect(shown.stdout).toContain("type      geppetto-js runs approve order-17 --question 2\n");
    expect(shown.stdout).toContain('data      {"total":20}\n');
    expect(JSON.parse((await folder.cli(["runs", "show", "order-17", "--json"])).stdout)).toMatchObject({
      state: "suspended",
      output: [],
    });
  });

  it("say that a killed one was interrupted, and make no journal", async () => {
    await folder.cli(["runs", "list"]);
    expect((await folder.cli(["runs", "cancel", "x"])).code).toBe(66);
    expect(existsSync(folder.journalFile)).toBe(false);
    {
      await using journal = await folder.open();
      await journal.begin("order-17", { script: "order.js" });
    }
    expect((await folder.cli(["runs", "list", "--state", "interrupted"])).stdout).toContain("interrupted");
  });

  it("follow an execution until it ends", async () => {
    await using journal = await folder.open();
    const lease = await journal.begin("order-17", { script: "order.js" });
    const print = (text: string): object => ({ stream: "stdout", text });
    const output = (text: string): { kind: string; text: string } => ({
      kind: "output",
      text: JSON.stringify([1, "console_write", print(text)]),
    });
    await lease.append([output("one\n")]);
    const { seen, result } = folder.start(["runs", "show", "order-17", "--follow"]);
    await seen("one");
    await lease.append([output("two\n")]);
    await seen("two");
    await lease.append([], { state: "completed", exitCode: 0 });
    expect((await result).stdout).toMatch(/^execution +order-17\n[^]*stdout +one\nstdout +two\nstate +completed\n/);
  });
});

describe("the journal of executions", () => {
  it("is where GEPPETTO_JOURNAL says, and is said where it cannot be used", async () => {
    const file = folder.file("not-a-journal", "something else ".repeat(1000));
    const env = { GEPPETTO_JOURNAL: file };
    const { code, stderr } = await folder.cli(["runs", "cancel", "x"], { env });
    expect(code).toBe(74);
    expect(stderr).toMatch(/^error \[ERR_JOURNAL\]: Cannot use the journal of executions: its file is not a journal/);
    expect(stderr).toContain("not-a-journal");
    expect(existsSync(folder.journalFile)).toBe(false);
  });
});

it.each([
  [
    ["resume", "--due"],
    74,
    /^error \[ERR_JOURNAL\]: Cannot read the journal of executions: its links lead in a circle \(.*executions\.db\)\n/,
  ],
  [["cancel", "order-17"], 74, /^error \[ERR_JOURNAL\]: /],
  [["show", "order-17"], 74, /^error \[ERR_JOURNAL\]: /],
  [["list"], 66, /Cannot read the run log .*runs\.db: its links lead in a circle\n/],
])("runs %j says so where the folder of the journal cannot be entered", async (args, code, stderr) => {
  symlinkSync("data", join(folder.path, "data"));
  expect(await folder.cli(["runs", ...args])).toMatchObject({ code, stderr: expect.stringMatching(stderr) as string });
});
