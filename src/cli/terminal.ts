import type { ConsoleSink } from "../index.ts";

/** The colours that our own formatting uses; every other control sequence of a script is made visible. */
// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const CONTROLS = /\x1b\[(?:0|1|2|3|4|22|23|24|3[0-79]|90)m|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

function visible(control: string): string {
  if (control.length > 1) return control;
  const code = control.charCodeAt(0);
  return code < 0x20 ? String.fromCharCode(0x2400 + code) : `\\u${code.toString(16).padStart(4, "0")}`;
}

/** Text that cannot steer a terminal: control characters but tab and newline are shown as pictures of themselves. */
export function defuse(text: string): string {
  return text.replace(CONTROLS, visible);
}

function wantsColors(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): boolean {
  if (env["NO_COLOR"]) return false;
  const forced = env["FORCE_COLOR"];
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  return stream.isTTY && !env["CI"];
}

/** Is stderr, where our own words go, to be coloured? */
export function colorsForErrors(): boolean {
  return wantsColors(process.stderr, process.env);
}

/** A sink that writes a script's output to this process's streams, defused where they are terminals. */
export function terminalSink(): ConsoleSink {
  const write = (stream: NodeJS.WriteStream) => (text: string) => void stream.write(stream.isTTY ? defuse(text) : text);
  return {
    stdout: write(process.stdout),
    stderr: write(process.stderr),
    colors: { stdout: wantsColors(process.stdout, process.env), stderr: wantsColors(process.stderr, process.env) },
  };
}

/** Resolves when everything written so far has left the process. */
export async function flushOutput(): Promise<void> {
  await Promise.all(
    [process.stdout, process.stderr].map((stream) => new Promise<void>((resolve) => stream.write("", () => resolve()))),
  );
}
