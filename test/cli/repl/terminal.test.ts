import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HAS_TERMINAL, OnTerminal } from "./on-terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "geppetto-repl-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const HISTORY = join(folder, "geppetto-js", "repl-history");

function open(...args: string[]): OnTerminal {
  const env = {
    XDG_DATA_HOME: folder,
    XDG_CONFIG_HOME: join(folder, "config"),
    XDG_CACHE_HOME: join(folder, "cache"),
    NO_COLOR: "1",
  };
  return new OnTerminal(["repl", ...args], { env, cwd: folder });
}

const CTRL_C = "\x03";
const CTRL_D = "\x04";
const TAB = "\t";
const ENTER = "\r";

beforeAll(() => {
  if (!HAS_TERMINAL) console.warn("NOT TESTED: geppetto-js repl on a terminal; it needs python3");
});

describe.skipIf(!HAS_TERMINAL)("geppetto-js repl on a terminal", () => {
  it("shows a prompt, values, and what a statement of several lines goes on with", async () => {
    await using terminal = open();
    await terminal.seen("embedded:demo answers; .help shows the commands");
    await terminal.type(`1 + 1${ENTER}`, /\n2\s+> $/);
    await terminal.type(`function f(a: number) {${ENTER}`, /\.\.\. $/);
    await terminal.type(`return a * 3${ENTER}`, /\.\.\. $/);
    await terminal.type(`}${ENTER}`, /> $/);
    await terminal.type(`f(14)${ENTER}`, /\n42\s+> $/);
    await terminal.type(`nope${ENTER}`, /ReferenceError: nope is not defined[^]*> $/);
    await terminal.type(CTRL_D, "");
    expect(await terminal.ended()).toBe(0);
  });

  it("ends with exit code 129 where the terminal is closed", async () => {
    await using terminal = open();
    await terminal.seen(/> $/);
    terminal.hangUp();
    expect(await terminal.ended()).toBe(129);
  });

  it("cancels at Ctrl-C what runs, clears what is typed, and leaves at the second on an empty line", async () => {
    await using terminal = open();
    await terminal.type(`const kept = 1234 + 1${ENTER}`, /> $/);
    await terminal.type(`console.log("be" + "gins"); while (true) {}${ENTER}`, "begins");
    await terminal.type(CTRL_C, /cancelled[^]*> $/);
    await terminal.type(
      `console.log("wa" + "its"); await new Promise((done) => setTimeout(done, 1e6))${ENTER}`,
      "waits",
    );
    await terminal.type(CTRL_C, /cancelled[^]*> $/);
    await terminal.type(`kept${ENTER}`, /\n1235\s+> $/);
    await terminal.type("foo(bar", "foo(bar");
    await terminal.type(CTRL_C, /> $/);
    await terminal.type(`(${ENTER}`, /\.\.\. $/);
    await terminal.type(CTRL_C, /> $/);
    await terminal.type(CTRL_C, "to leave, press Ctrl-C again");
    await terminal.type(`kept + 1${ENTER}`, /\n1236\s+> $/);
    await terminal.type(CTRL_C, "to leave, press Ctrl-C again");
    await terminal.type(CTRL_C, "");
    expect(await terminal.ended()).toBe(0);
  });

  it("completes globals, members and commands, and runs no getter for that", async () => {
    await using terminal = open();
    const getter = '{ get secret() { console.log("R" + "AN"); return { inner: 1 } }, plain: { deep: 1 } }';
    await terminal.type(`const getter = ${getter}; "rea" + "dy"${ENTER}`, /ready\s+> $/);
    await terminal.type("console.lo", "console.lo");
    await terminal.type(TAB, "g");
    await terminal.type(CTRL_C, /> $/);
    await terminal.type("getter.pla", "pla");
    await terminal.type(TAB, "in");
    await terminal.type(".de", ".de");
    await terminal.type(TAB, "ep");
    await terminal.type(CTRL_C, /> $/);
    await terminal.type("getter.secret.", "secret.");
    await terminal.type(TAB, "");
    await terminal.type("x", "x");
    await terminal.type(CTRL_C, /> $/);
    await terminal.type(".mo", ".mo");
    await terminal.type(TAB, "del");
    await terminal.type(CTRL_C, /> $/);
    expect(terminal.raw).not.toContain("RAN");
  });

  it("shows a chat as it comes, once, and what timers print above the prompt", async () => {
    await using terminal = open("-q");
    await terminal.seen(/> $/);
    const shown = await terminal.type(`await chat("slow: 20ms echo: one two three")${ENTER}`, /one two three\s+> $/);
    expect(shown.match(/one two three/g)?.length).toBe(2);
    await terminal.type(`setTimeout(() => console.log("from " + "a timer"), 30); 0${ENTER}`, /from a timer\s+> $/);
    await terminal.type(`.events on${ENTER}`, "events are shown");
    await terminal.type(`await chat("echo: x")${ENTER}`, '"type":"final"');
  });

  it("runs a paste of several lines as one", async () => {
    await using terminal = open();
    await terminal.seen(/> $/);
    const pasted =
      "interface P { n: number }\nconst p: P = { n: 5 };\nif (p.n > 9) {\n  p.n = 0;\n}\nelse {\n  p.n = 6;\n}\n[p.n]\n  .concat(7)";
    await terminal.type(`\x1b[200~${pasted.replaceAll("\n", "\r")}\x1b[201~`, ".concat(7)");
    await terminal.type(ENTER, /\n\[ 6, 7 \]\s+> $/);
  });

  it("keeps a history that only its owner reads, without keys, and none with --no-log", async () => {
    writeFileSync(join(folder, "mark"), "");
    rmSync(HISTORY, { force: true });
    {
      await using terminal = open();
      await terminal.type(`"first " + "line"${ENTER}`, /first line\s+> $/);
      await terminal.type(` "not " + "kept"${ENTER}`, /not kept\s+> $/);
      await terminal.type(`"sk-${"a".repeat(30)}".length${ENTER}`, /\n33\s+> $/);
      await terminal.type(`.exit${ENTER}`, "");
      expect(await terminal.ended()).toBe(0);
    }
    expect(statSync(HISTORY).mode & 0o777).toBe(0o600);
    const lines = readFileSync(HISTORY, "utf8").split("\n");
    expect(lines).toEqual(['"first " + "line"', '"[redacted]".length', ".exit", ""]);
    {
      await using terminal = open("--no-log");
      await terminal.type(`"never " + "kept"${ENTER}`, /never kept\s+> $/);
      await terminal.type(CTRL_D, "");
      await terminal.ended();
    }
    expect(readFileSync(HISTORY, "utf8")).not.toContain("never");
    await using terminal = open();
    await terminal.seen(/> $/);
    await terminal.type("\x1b[A\x1b[A\x1b[A", '"first " + "line"');
  });

  it("ends with the exit code of process.exit(), and at SIGHUP", async () => {
    await using terminal = open();
    await terminal.type(`process.exit(9)${ENTER}`, "");
    expect(await terminal.ended()).toBe(9);
  });
});
