import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { callWith } from "../../src/base/call-context.ts";
import { printLines, printNotes } from "../../src/cli/output/print-table.ts";
import { StatusLine } from "../../src/cli/output/status-line.ts";
import { defuse, Terminal, wantsColors, type OutputStream } from "../../src/cli/output/terminal.ts";
import { LOG_FILE } from "./run-cli.ts";

const ERASE = "\r\x1b[2K";

/** A stream that remembers what was written, and can lose its reader. */
class FakeStream implements OutputStream {
  isTTY: boolean;
  columns = 40;
  text = "";
  errored: Error | null = null;
  readonly listeners = new Set<unknown>();

  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }

  write(text: string): void {
    this.text += text;
  }

  on(_event: "error", listener: unknown): void {
    this.listeners.add(listener);
  }

  off(_event: "error", listener: unknown): void {
    this.listeners.delete(listener);
  }
}

describe("defuse()", () => {
  it("makes control sequences and marks of direction visible", () => {
    expect(defuse("\x1b[2J\x1b]0;title\x07\r\b\x7f\u202e")).toBe("␛[2J␛]0;title␇␍␈\\u007f\\u202e");
  });

  it("leaves text, tabs, line ends and the colours of our own formatting as they are", () => {
    const text = "größe\t✓ 🙂\r\n\x1b[33m1\x1b[39m\n";
    expect(defuse(text)).toBe(text);
  });

  it("does not obey a sequence that comes in two writes", () => {
    const stream = new FakeStream(true);
    const terminal = new Terminal(stream, new FakeStream(true), {});
    terminal.write("stdout", "\x1b");
    terminal.write("stdout", "[31m");
    expect(stream.text).toBe("␛[31m");
  });
});

describe("what a script prints", () => {
  const call = callWith();

  function openTerminal(isTTY: boolean): { terminal: Terminal; writes: string[] } {
    const writes: string[] = [];
    const into = (name: string): FakeStream =>
      Object.assign(new FakeStream(isTTY), { write: (text: string) => void writes.push(`${name}: ${text}`) });
    return { terminal: new Terminal(into("out"), into("err"), {}), writes };
  }

  beforeAll(() => void vi.useFakeTimers());
  afterAll(() => void vi.useRealTimers());

  it("goes into a pipe in one write where it comes within moments", () => {
    const { terminal, writes } = openTerminal(false);
    const { stdout } = terminal.sink();
    stdout("a\n", call);
    stdout("b\n", call);
    vi.runAllTimers();
    stdout("c\n", call);
    vi.runAllTimers();
    expect(writes).toStrictEqual(["out: a\nb\n", "out: c\n"]);
  });

  it("keeps its order among both streams and what else is written", () => {
    const { terminal, writes } = openTerminal(false);
    const { stdout, stderr } = terminal.sink();
    stdout("a\n", call);
    stderr("b\n", call);
    stdout("c\n", call);
    terminal.note("note");
    stdout("d\n", call);
    terminal.write("stdout", "result\n");
    vi.runAllTimers();
    expect(writes).toStrictEqual(["out: a\n", "err: b\n", "out: c\n", "err: note\n", "out: d\n", "out: result\n"]);
  });

  it("is written at once where it is much, and before the terminal goes", () => {
    const { terminal, writes } = openTerminal(false);
    const { stdout } = terminal.sink();
    stdout("x".repeat(100_000), call);
    expect(writes).toHaveLength(1);
    stdout("last\n", call);
    terminal[Symbol.dispose]();
    expect(writes[1]).toBe("out: last\n");
  });

  it("is written when this process ends, and nobody listens for that afterwards", () => {
    const before = process.listeners("exit");
    const { terminal, writes } = openTerminal(false);
    terminal.sink().stdout("last\n", call);
    const [onExit, ...others] = process.listeners("exit").filter((listener) => !before.includes(listener));
    expect(others).toHaveLength(0);
    onExit!(0);
    expect(writes).toStrictEqual(["out: last\n"]);
    terminal[Symbol.dispose]();
    expect(process.listeners("exit")).toStrictEqual(before);
  });

  it("is seen on a terminal at once", () => {
    const { terminal, writes } = openTerminal(true);
    terminal.sink().stdout("a", call);
    expect(writes).toStrictEqual(["out: a"]);
  });

  it("is not lost when the process ends itself at once", () => {
    const code = `
      import { Terminal } from ${JSON.stringify(new URL("../../src/cli/output/terminal.ts", import.meta.url).href)};
      const { stdout } = new Terminal(process.stdout, process.stderr, {}).sink();
      stdout("first\\n");
      stdout("last\\n");
      process.exit(3);`;
    const { stdout, status } = spawnSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" });
    expect({ stdout, status }).toStrictEqual({ stdout: "first\nlast\n", status: 3 });
  });
});

describe("wantsColors()", () => {
  it.each([
    ["a terminal", true, {}, true],
    ["no terminal", false, {}, false],
    ["NO_COLOR", true, { NO_COLOR: "1" }, false],
    ["an empty NO_COLOR", true, { NO_COLOR: "" }, true],
    ["FORCE_COLOR off a terminal", false, { FORCE_COLOR: "1" }, true],
    ["FORCE_COLOR=0", true, { FORCE_COLOR: "0" }, false],
    ["both, as Node has it", false, { FORCE_COLOR: "1", NO_COLOR: "1" }, true],
    ["CI", true, { CI: "true" }, false],
    ["a dumb terminal", true, { TERM: "dumb" }, false],
  ])("with %s", (_, isTTY, env, expected) => {
    expect(wantsColors({ isTTY }, env)).toBe(expected);
  });
});

describe("Terminal", () => {
  it("hands text on unchanged where there is no terminal", () => {
    const stdout = new FakeStream(false);
    new Terminal(stdout, new FakeStream(false), {}).write("stdout", "\x1b[2J\0");
    expect(stdout.text).toBe("\x1b[2J\0");
  });

  it("begins its own notes on a line of their own", () => {
    const stderr = new FakeStream(true);
    const terminal = new Terminal(new FakeStream(true), stderr, {});
    terminal.note("first");
    terminal.write("stdout", "half a line");
    terminal.note("second");
    expect(stderr.text).toBe("first\n\nsecond\n");
  });

  it("writes nothing more once the reader has gone, and says so once", async () => {
    const stdout = new FakeStream(false);
    const terminal = new Terminal(stdout, new FakeStream(false), {});
    let told = 0;
    terminal.onBroken = () => told++;
    stdout.errored = new Error("EPIPE");
    terminal.write("stdout", "a");
    terminal.write("stdout", "b");
    await new Promise((resolve) => setImmediate(resolve));
    terminal.write("stdout", "c");
    expect({ text: stdout.text, told }).toEqual({ text: "ab", told: 1 });
  });

  it("hears of its streams until it is disposed of", () => {
    const [stdout, stderr] = [new FakeStream(false), new FakeStream(false)];
    {
      using _ = new Terminal(stdout, stderr, {});
      expect([stdout.listeners.size, stderr.listeners.size]).toEqual([1, 1]);
    }
    expect([stdout.listeners.size, stderr.listeners.size]).toEqual([0, 0]);
  });
});

describe("printNotes() and printLines()", () => {
  it("leave no listener behind, however often they are called", () => {
    const streams = [process.stdout, process.stderr];
    const written = streams.map((stream) => vi.spyOn(stream, "write").mockReturnValue(true));
    const count = (): number[] => streams.map((stream) => stream.listenerCount("error"));
    const before = count();
    for (let i = 0; i < 20; i++) {
      printNotes(["a note"]);
      printLines(["a line"]);
    }
    const after = count();
    const calls = written.map(({ mock }) => mock.calls.length);
    for (const spy of written) spy.mockRestore();
    expect({ after, calls }).toEqual({ after: before, calls: [20, 20] });
  });
});

describe("StatusLine", () => {
  function createStatus(): { status: StatusLine; stderr: FakeStream; terminal: Terminal; stdout: FakeStream } {
    const stdout = new FakeStream(true);
    const stderr = new FakeStream(true);
    const terminal = new Terminal(stdout, stderr, {});
    const status = new StatusLine(stderr, { describe: () => "x".repeat(60), isFree: () => terminal.atLineStart });
    terminal.onWrite = () => status.erase();
    return { status, stderr, terminal, stdout };
  }

  it("draws one line that fits, and erases it before anything else is written", () => {
    const { status, stderr, terminal, stdout } = createStatus();
    status.draw();
    const line = `${"x".repeat(38)}…`;
    expect(stderr.text).toBe(line);
    terminal.write("stdout", "text\n");
    expect(stderr.text).toBe(line + ERASE);
    expect(stdout.text).toBe("text\n");
    status.close();
  });

  it("draws nothing behind text that does not end its line", () => {
    const { status, stderr, terminal } = createStatus();
    terminal.write("stdout", "streamed so far");
    status.draw();
    expect(stderr.text).toBe("");
    terminal.write("stdout", "\n");
    status.draw();
    expect(stderr.text).not.toBe("");
    status.close();
  });

  it("leaves an empty line when it closes", () => {
    const { status, stderr } = createStatus();
    status.draw();
    status.close();
    expect(stderr.text.endsWith(ERASE)).toBe(true);
  });
});

/** A program of util-linux that gives another one a terminal. */
const SCRIPT = "script";
const hasScript = process.platform === "linux" && spawnSync(SCRIPT, ["--version"]).status === 0;
if (!hasScript) console.warn("SKIPPED: the command script (util-linux) is needed to try a real terminal");

describe.skipIf(!hasScript)("the command line on a terminal", () => {
  const main = fileURLToPath(new URL("../../dist/cli/main.cjs", import.meta.url));
  const onTerminal = (command: string, env: Record<string, string> = {}): string => {
    const { PATH } = process.env;
    const line = `'${process.execPath}' '${main}' ${command}`;
    const output = execFileSync(SCRIPT, ["-qec", line, "/dev/null"], {
      env: { PATH, TERM: "xterm", GEPPETTO_LOG: LOG_FILE, ...env },
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    return output.replaceAll("\r\n", "\n");
  };

  it("colours what the console formats, unless NO_COLOR says not to", () => {
    expect(onTerminal(`eval -q 'console.log([1])'`)).toBe("[ \x1b[33m1\x1b[39m ]\n");
    expect(onTerminal(`eval -q 'console.log([1])'`, { NO_COLOR: "1" })).toBe("[ 1 ]\n");
  });

  it("shows what would steer it in an error as pictures of it", () => {
    const output = onTerminal(`eval --set 'chat.\x1b]0;title\x07=1' 1 || true`);
    expect(output).toContain('there is no setting "chat.␛]0;title␇"');
    expect(output).not.toContain("\x1b");
  });

  it("shows a status line while nothing is printed, and erases it", () => {
    const output = onTerminal(`eval 'await chat("slow: 800ms\\necho: hi")'`);
    const shown = output.split(ERASE);
    expect(shown.some((line) => /^1 running · 0 done · 0 tokens · \d\.\d s · chat( \(demo\))?$/.test(line))).toBe(true);
    expect(shown.at(-1)).toBe("hi\n");
  });

  it.each([
    ["-q", {}],
    ["", { CI: "true" }],
    ["--json", {}],
  ])("shows no status line with %j and %j", (option, env) => {
    expect(onTerminal(`eval ${option} 'await chat("slow: 300ms\\necho: hi")'`, env)).not.toContain(ERASE);
  });
});
