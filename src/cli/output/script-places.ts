import { existsSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { type Frame, linesOf } from "../../error-texts.ts";

/** The texts that a script's stacks speak of. */
export interface ScriptTexts {
  /** What the user wrote, for the code frame. */
  source: string;
  /** What the user calls the script. */
  label: string;
  /** The name under which the guest knows it; frames of any other file are left out. */
  file: string;
  /** The texts of the modules that the script was put together from, by the names in stacks. */
  sources?: Readonly<Record<string, string>> | undefined;
  /** The folder that the script lies in. */
  folder?: string | undefined;
  /** The column in the source for one in the code that ran, where they differ. Both count from 1. */
  toSourceColumn?: ((line: number, column: number) => number) | undefined;
}

/** Finds what stacks speak of in the texts that the user knows, and in the user's files. */
export class ScriptPlaces {
  readonly #texts: ScriptTexts;
  readonly #paths = new Map<string, string>();

  constructor(texts: ScriptTexts) {
    this.#texts = texts;
  }

  /** The frames of a guest's stack that lie in the script; the stack is the script's to write, so nothing else counts. */
  framesOf(stack: string): Frame[] {
    const frames = stack.split("\n").map((line) => this.#parseFrame(line));
    return frames.filter((frame) => frame !== undefined);
  }

  /** A syntax error has its place in its message: `… [file:///script.js:2:6]`. */
  splitMessage(given: string): { message: string; frame?: Frame } {
    // Where the realm itself gives up there is no place.
    const message = given.replace(/ \[<isolated-vm>:\d+:\d+\]$/, "");
    const at = message.lastIndexOf(" [file:///");
    const place = at < 0 || !message.endsWith("]") ? "" : message.slice(at + 2, -1);
    const frame = this.#toFrame("", place);
    return frame === undefined ? { message } : { message: message.slice(0, at), frame };
  }

  /** The text with paths that can be clicked in place of the names that the script knows. */
  showPaths(text: string): string {
    if (!text.includes("file:///")) return text;
    const names = [this.#texts.file, ...Object.keys(this.#texts.sources ?? {})];
    return names.reduce((shown, name) => shown.replaceAll(`file:///${name}:`, () => `${this.#pathOf(name)}:`), text);
  }

  /** A line of a stack, `    at callee (file:///script.js:3:9)`, if it lies in the script. */
  #parseFrame(text: string): Frame | undefined {
    const [, callee, inside, bare] = /^\s+at (?:(.*?) \((file:\/\/\/.*)\)|(file:\/\/\/.*))$/.exec(text) ?? [];
    const place = inside ?? bare;
    return place === undefined ? undefined : this.#toFrame(callee ?? "", place);
  }

  #toFrame(callee: string, place: string): Frame | undefined {
    const [, name = "", ...numbers] = /^file:\/\/\/(.*):(\d+):(\d+)$/.exec(place) ?? [];
    const source = this.#sourceOf(name);
    const [line, given] = numbers.map(Number);
    // Code that was put around the user's own has no place in it.
    if (source === undefined || line === undefined || given === undefined) return undefined;
    if (line < 1 || line > linesOf(source).length) return undefined;
    const { file, label, toSourceColumn } = this.#texts;
    const isEntry = name === file;
    const column = isEntry ? (toSourceColumn?.(line, given) ?? given) : given;
    const shown = `${this.#pathOf(name)}:${line}:${column}`;
    const text = callee === "" ? shown : `${callee} (${shown})`;
    return { file: isEntry ? label : name, line, column, source, text };
  }

  #sourceOf(name: string): string | undefined {
    const { file, source, sources = {} } = this.#texts;
    if (name === file) return source;
    return Object.hasOwn(sources, name) ? sources[name] : undefined;
  }

  /** The path from the working directory, where the name leads to a file; else what the user calls it. */
  #pathOf(name: string): string {
    const known = this.#paths.get(name);
    if (known !== undefined) return known;
    const { file, label, folder } = this.#texts;
    const found = folder === undefined ? undefined : findFile(name, folder);
    const path = found === undefined ? (name === file ? label : name) : shortest(found);
    this.#paths.set(name, path);
    return path;
  }
}

/** The file that the name leads to from the folder; one of a package may lie in a folder above. */
function findFile(name: string, folder: string): string | undefined {
  for (let from = folder; ; from = dirname(from)) {
    const path = resolve(from, name);
    if (existsSync(path)) return path;
    if (!name.startsWith("node_modules/") || from === dirname(from)) return undefined;
  }
}

function shortest(path: string): string {
  const way = relative("", path);
  return way.length < path.length ? way : path;
}
