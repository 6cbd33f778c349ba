import { closeSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { openPrivateFile, readRegularFile, replaceFile, writeWhole } from "../../files.ts";

/** Most lines that are kept, and the longest of them, in characters. */
const MAX_LINES = 1_000;
const MAX_LINE = 10_000;
/** Largest file that is read, in bytes. */
const MAX_BYTES = 4_000_000;

/** The lines that were typed, in a file that only its owner reads. Each is added when it is typed. */
export class HistoryFile {
  readonly #file: string;
  readonly #redact: (text: string) => string;
  readonly #lines: string[];
  #isBroken = false;

  /** @param redact takes out of a line what nobody is to read. */
  constructor(file: string, redact: (text: string) => string) {
    this.#file = file;
    this.#redact = redact;
    this.#lines = read(file);
  }

  /** The latest line first, as an editor of lines takes them. */
  get latestFirst(): string[] {
    return this.#lines.toReversed();
  }

  /** Keeps a line, unless it begins with a space. */
  add(line: string): void {
    const isKept = line.trim() !== "" && !line.startsWith(" ") && line.length <= MAX_LINE;
    if (!isKept || line === this.#lines.at(-1) || this.#isBroken) return;
    const kept = this.#redact(line);
    this.#lines.push(kept);
    try {
      mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 });
      const fd = openPrivateFile(this.#file, { mode: "add" });
      try {
        writeWhole(fd, `${kept}\n`);
      } finally {
        closeSync(fd);
      }
    } catch {
      // A history that cannot be kept is not worth an error for each line.
      this.#isBroken = true;
    }
  }

  /** Leaves out the oldest where there are many. */
  async close(): Promise<void> {
    if (this.#isBroken || this.#lines.length < MAX_LINES * 2) return;
    // What others have typed meanwhile is in the file alone.
    const lines = read(this.#file).slice(-MAX_LINES);
    await replaceFile(this.#file, `${lines.join("\n")}\n`).catch(() => {});
  }
}

function read(file: string): string[] {
  try {
    const text = readRegularFile(file, { maxBytes: MAX_BYTES }) ?? "";
    return text.split("\n").filter((line) => line !== "" && line.length <= MAX_LINE);
  } catch {
    return [];
  }
}
