import { styleText } from "node:util";
import { codeFrame, type Frame, hintFor } from "../../error-texts.ts";
import { flagFor, type PermissionUse, type ScriptError } from "../../index.ts";
import { flagFromHere } from "./flag-from-here.ts";
import { ScriptPlaces, type ScriptTexts } from "./script-places.ts";

/** What is known of a script beside its error. */
export interface ErrorContext extends ScriptTexts {
  /** The uses of permissions that were denied, the latest last. */
  denied: readonly PermissionUse[];
  /** What was pending when the time was up; "" where that does not matter. */
  pending: string;
  /** Did it run with `--untrusted`? */
  untrusted: boolean;
  colors: boolean;
}

type ErrorRecord = NonNullable<ScriptError["cause"]>;

/** Frames that are shown under the error itself, and under each error within it. */
const MAX_FRAMES = 10;
const MAX_INNER_FRAMES = 5;
const INDENT = "  ";

/** An error that ended a script, as the user reads it and as a program does. */
export class ErrorReport {
  readonly #error: ScriptError;
  readonly #context: ErrorContext;
  readonly #places: ScriptPlaces;
  readonly #frames: readonly Frame[];
  readonly #hint: string | undefined;

  constructor(given: ScriptError, context: ErrorContext) {
    this.#context = context;
    this.#places = new ScriptPlaces(context);
    const { message, frame } = this.#places.splitMessage(given.message);
    this.#error = withRightFlag({ ...given, message }, context);
    this.#frames = frame === undefined ? this.#places.framesOf(given.stack ?? "") : [frame];
    this.#hint = hintFor(this.#error, { ...context, frame: this.#frames[0] });
  }

  /** What, where, the code around it, what it holds, the errors within and the causes, and what to do. */
  toText(): string {
    const { colors, pending } = this.#context;
    const [top] = this.#frames;
    const lines = [this.#headline(this.#error)];
    if (pending !== "") lines.push(pending);
    if (top !== undefined) lines.push("", ...codeFrame(top), "");
    lines.push(...this.#frameLines(this.#frames.slice(0, MAX_FRAMES)), ...this.#innerLines(this.#error));
    if (this.#hint !== undefined) lines.push(`${paint(colors, "cyan", "hint")}: ${this.#hint}`);
    return lines.join("\n");
  }

  /** The same as data. Files are named as the script knows them. */
  toDocument(): object {
    const { fromHost: _, details: __, hint: ___, ...record } = this.#error;
    const [top] = this.#frames;
    return {
      ...record,
      ...(record.errors === undefined ? {} : { errors: record.errors.map(withoutTexts) }),
      ...(record.cause === undefined ? {} : { cause: withoutTexts(record.cause) }),
      ...(top === undefined ? {} : { file: top.file, line: top.line, column: top.column }),
      ...(this.#hint === undefined ? {} : { hint: this.#hint }),
    };
  }

  #headline({ name, className = name, message, code }: ErrorRecord): string {
    const title = code === undefined ? className : `${className} [${code}]`;
    const shown = this.#places.showPaths(message);
    if (title === "") return shown;
    return `${paint(this.#context.colors, "red", title)}${shown === "" ? "" : `: ${shown}`}`;
  }

  #frameLines(frames: readonly Frame[]): string[] {
    return frames.map(({ text }) => paint(this.#context.colors, "dim", `    at ${text}`));
  }

  /** What stands under an error's frames. */
  #innerLines({ details, errors = [], cause }: ErrorRecord): string[] {
    const lines: string[] = [];
    if (details !== undefined) lines.push(...indented(this.#places.showPaths(details).split("\n")));
    for (const [index, error] of errors.entries()) {
      const [head, ...rest] = this.#lines(error);
      const lead = error.name === "" ? "" : `inner error ${index + 1}: `;
      lines.push(...indented([`${lead}${head}`, ...rest]));
    }
    if (cause !== undefined) {
      const [head, ...rest] = this.#lines(cause);
      lines.push(`caused by ${head}`, ...rest);
    }
    return lines;
  }

  #lines(error: ErrorRecord): string[] {
    const frames = this.#places.framesOf(error.stack ?? "").slice(0, MAX_INNER_FRAMES);
    return [...this.#headline(error).split("\n"), ...this.#frameLines(frames), ...this.#innerLines(error)];
  }
}

function paint(colors: boolean, style: "red" | "dim" | "cyan", text: string): string {
  return colors ? styleText(style, text, { validateStream: false }) : text;
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `${INDENT}${line}`);
}

/** What is meant for people is left to the text. */
function withoutTexts({ details: _, hint: __, ...record }: ErrorRecord): object {
  const { errors, cause } = record;
  return {
    ...record,
    ...(errors === undefined ? {} : { errors: errors.map(withoutTexts) }),
    ...(cause === undefined ? {} : { cause: withoutTexts(cause) }),
  };
}

/**
 * The error, and those within it, with the flag that helps here. The script knows a path as it starts from its own folder;
 * a flag starts from the working directory. Only texts about uses that were denied are changed.
 */
function withRightFlag<T extends ErrorRecord>(error: T, context: ErrorContext): T {
  const { errors, cause } = error;
  return {
    ...error,
    ...(error.name === "PermissionError" ? { message: rightFlagIn(error.message, context) } : {}),
    ...(errors === undefined ? {} : { errors: errors.map((inner) => withRightFlag(inner, context)) }),
    ...(cause === undefined ? {} : { cause: withRightFlag(cause, context) }),
  };
}

function rightFlagIn(message: string, { denied, folder, untrusted }: ErrorContext): string {
  for (const { kind, asked } of denied) {
    const named = `; allow it with ${flagFor(kind, asked)}`;
    if (!message.endsWith(named)) continue;
    const right = untrusted ? "" : `; allow it with ${flagFromHere(kind, asked, folder)}`;
    return message.slice(0, -named.length) + right;
  }
  return message;
}
