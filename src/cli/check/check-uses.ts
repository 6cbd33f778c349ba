import { Permissions, ScriptTokens, TokenError, type ScriptToken } from "../../files.ts";
import { GeppettoError } from "../../index.ts";
import { flagFromHere } from "../output/flag-from-here.ts";
import type { CheckedScript } from "./checked-script.ts";
import type { Problem } from "./problem.ts";

/** Most uses that are looked at. */
const MAX_USES = 1_000;

/** Something that a script's text names, and that it may or may not use. */
interface NamedUse {
  kind: "env" | "image" | "fetch";
  name: string;
  offset: number;
}

/** Variables, images and addresses that the script's own text names and that it may not use. What it computes is not known. */
export async function checkUses(script: CheckedScript): Promise<Problem[]> {
  const { name, folder, permissions: options } = script;
  const permissions = new Permissions(options, { maxUses: MAX_USES, onTooMany: tooLarge });
  permissions.begin(name, folder);
  const problems: Problem[] = [];
  const told = new Set<string>();
  for (const use of findUses(script.source).slice(0, MAX_USES)) {
    const denial = use.kind === "env" ? denyVariable(use, options) : await denyAddress(use, permissions);
    if (denial === undefined || told.has(`${use.kind} ${use.name}`)) continue;
    told.add(`${use.kind} ${use.name}`);
    problems.push(toProblem(use, denial, script));
  }
  return problems;
}

type Denial = Pick<Problem, "severity" | "message">;

function denyVariable({ name }: NamedUse, { env = [] }: CheckedScript["permissions"]): Denial | undefined {
  if (env === true || env.includes(name)) return undefined;
  return {
    severity: "warning",
    message: `process.env.${name} is undefined unless ${name} is given with -e or allowed`,
  };
}

async function denyAddress({ kind, name }: NamedUse, permissions: Permissions): Promise<Denial | undefined> {
  try {
    if (/^data:/i.test(name)) return undefined;
    if (kind === "fetch") permissions.checkFetch(new URL(name));
    else if (/^[a-z][a-z+.-]+:/i.test(name)) permissions.checkURL(new URL(name));
    // Nothing of it is read: any size is too large.
    else await permissions.readFile(name, -1, tooLarge);
    return undefined;
  } catch (error) {
    const isDenied = error instanceof GeppettoError && error.name === "PermissionError";
    return isDenied ? { severity: "error", message: error.message } : undefined;
  }
}

function tooLarge(): GeppettoError {
  return new GeppettoError("LimitError", "There is no need to read it", { code: "ERR_LIMIT_IMAGES" });
}

function toProblem(
  { kind, name, offset }: NamedUse,
  { severity, message }: Denial,
  { source, label, folder, untrusted }: CheckedScript,
): Problem {
  const before = source.slice(0, offset).split("\n");
  const flag = kind === "env" ? `--allow-env=${name}` : flagFromHere("read", name, folder);
  // The script knows a path as it starts from its own folder.
  const shown = message.replace(/; allow it with --allow-read=.*$/, untrusted ? "" : `; allow it with ${flag}`);
  return {
    kind: "permission",
    severity,
    file: label,
    line: before.length,
    column: before.at(-1)!.length + 1,
    code: "ERR_PERMISSION",
    message: shown,
    ...(kind === "env" && !untrusted ? { hint: `allow it with ${flag}` } : {}),
    source,
  };
}

function findUses(source: string): NamedUse[] {
  const tokens = readTokens(source);
  const uses: NamedUse[] = [];
  for (const [at, { label, value, start }] of tokens.entries()) {
    if (label !== "name") continue;
    if (value === "process" && reads(tokens, at + 1, [".", "env", "."]) && tokens[at + 4]?.label === "name") {
      uses.push({ kind: "env", name: String(tokens[at + 4]!.value), offset: start });
    }
    const before = tokens[at - 1];
    if (value === "fetch" && before?.label !== "." && before?.label !== "?." && reads(tokens, at + 1, ["("])) {
      const url = argumentAt(tokens, at + 2, 0);
      if (url?.label === "string") uses.push({ kind: "fetch", name: String(url.value), offset: url.start });
    }
    if (value === "addMessageWithImage" && reads(tokens, at + 1, ["("])) {
      const image = argumentAt(tokens, at + 2, 2);
      if (image?.label === "string") uses.push({ kind: "image", name: String(image.value), offset: image.start });
    }
  }
  return uses;
}

function reads(tokens: readonly ScriptToken[], at: number, words: readonly string[]): boolean {
  return words.every((word, index) => {
    const token = tokens[at + index];
    return token !== undefined && token.label !== "string" && (token.label === word || token.value === word);
  });
}

/** The token that is an argument of a call by itself. */
function argumentAt(tokens: readonly ScriptToken[], start: number, index: number): ScriptToken | undefined {
  let depth = 0;
  let seen = 0;
  for (let at = start; at < tokens.length && depth >= 0; at++) {
    const { label } = tokens[at]!;
    if (seen === index) return /^[,)]$/.test(tokens[at + 1]?.label ?? "") ? tokens[at] : undefined;
    if (/^(?:[([{]|\$\{)$/.test(label)) depth++;
    else if (/^[)\]}]$/.test(label)) depth--;
    else if (label === "," && depth === 0) seen++;
  }
  return undefined;
}

/** As far as the text can be read. */
function readTokens(source: string): ScriptToken[] {
  const read: ScriptToken[] = [];
  try {
    const tokens = new ScriptTokens(source);
    while (!tokens.isAtEnd) read.push(tokens.next());
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
  }
  return read;
}
