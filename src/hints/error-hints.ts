import { UNTRUSTED_WORDS } from "../config/table/run-options.ts";
import type { ScriptError } from "../engine/script/script-run.ts";
import { closestName } from "../shared/closest-name.ts";
import { chainBefore } from "./call-chain.ts";
import { hintForArgument, hintForAwait } from "./forgotten-await.ts";
import { hintForGlobal, hintForMember } from "./missing-names.ts";
import { linesOf, offsetOf, type Frame } from "./source-frame.ts";

const HINTS: Record<string, string> = {
  ERR_MISSING_KEY:
    "set the variable, or store a key with geppetto-js keys set; without a key, run with -m embedded:demo",
  ERR_INVALID_KEY: "check the key in the environment, or the one that geppetto-js keys set has stored",
  ERR_NO_PRICE: "set prices in geppetto.yaml, as prices: { MODEL: { input: 0.25, output: 2 } }",
  ERR_RATE_LIMIT: "wait a little, or ask for less at a time",
  ERR_SCRIPT_STALLED: "an await is waiting for something that was never started, or that was cancelled",
  ERR_PROVIDER_UNREACHABLE: "check the base URL and that the server runs",
  ERR_REPLAY_MISS:
    "record the answer by running once with --record in place of --replay; geppetto-js test records it where CI is not set",
  ERR_NOT_DURABLE: "run it with --durable, or with --approve ask to answer questions on a terminal",
  ERR_ENGINE_CRASHED: "the script broke the JavaScript engine itself; nothing outside it was touched",
};

/** Of a script that is run on the answers of a run: nothing can be recorded into that. */
const RUN_MISS = "only what the run was answered can be asked again; geppetto-js run asks the model";

/** What to do about an error by its code alone. */
export function hintForCode(code: string | undefined): string | undefined {
  return HINTS[code ?? ""];
}

const UNTRUSTED_LIMITS: ReadonlySet<string> = new Set([
  "ERR_LIMIT_WALL",
  "ERR_LIMIT_CPU",
  "ERR_LIMIT_MEMORY",
  "ERR_LIMIT_OUTPUT",
]);

export interface HintFacts {
  /** What the user calls the script. */
  label: string;
  source: string;
  /** Did it run with `--untrusted`? */
  untrusted: boolean;
  /** Where the error was made, if that is known. */
  frame: Frame | undefined;
}

/** One line about what to do; undefined where there is nothing to say. */
export function hintFor(error: ScriptError, facts: HintFacts): string | undefined {
  const { name, code, message, fromHost } = error;
  const { untrusted } = facts;
  if (untrusted && UNTRUSTED_LIMITS.has(code ?? "")) {
    return `--untrusted allows at most ${UNTRUSTED_WORDS}; no option raises that`;
  }
  if (untrusted && fromHost && name === "PermissionError") {
    return "--untrusted allows nothing, and no option changes that";
  }
  if (code === "ERR_SCRIPT_LOAD") return hintForLoading(message, facts);
  // V8's own word for an import() that was not put together before the script ran.
  if (message === "Not supported" && facts.source.includes("import(")) {
    return "import() takes the name of a module as a text; code of eval and stdin imports what --allow-import names";
  }
  if (message.startsWith("Uncaught: the script threw a value")) {
    return "throw an Error: nothing else tells what it is and where it was thrown";
  }
  if (code === "ERR_REPLAY_MISS" && message.includes(" in the run")) return RUN_MISS;
  if (fromHost) return hintForCode(code) ?? hintForArgument(message, facts.frame);
  if (name === "ReferenceError") return hintForName(message, facts, error.hint);
  if (name === "TypeError") return hintForType(message, facts.frame) ?? error.hint ?? ownMember(message, facts.source);
  const awaited = facts.frame === undefined ? undefined : hintForAwait(message, facts.frame);
  return awaited ?? hintForCode(code) ?? error.hint;
}

const TYPE_SYNTAX =
  /^\s*(?:export\s+)?(?:interface|type|enum|declare|namespace|abstract)\s+\w|[\w)\]?]\s*:\s*(?:string|number|boolean|unknown|any|void|never|[A-Z]\w*)(?:\[\]|<|\s*[,)=;{|])|\b(?:as|satisfies)\s+(?:const\b|\w)/;

/** Does a line that does not parse hold TypeScript? */
function looksTyped({ source, line }: Frame): boolean {
  return TYPE_SYNTAX.test(linesOf(source)[line - 1] ?? "");
}

function hintForLoading(message: string, { label, untrusted, frame }: HintFacts): string | undefined {
  const isTyped = /\.[cm]?tsx?$/.test(label);
  if (untrusted && isTyped) return "--untrusted runs JavaScript; TypeScript has to be compiled first";
  const isClassic = label.endsWith(".cjs");
  if (
    isClassic &&
    /import statement outside a module|Unexpected token 'export'|'import.meta'|await is only valid/.test(message)
  ) {
    return "a .cjs file is a classic script, without import, export and await at its top: name it .js or .mjs";
  }
  const isAwait = frame?.source.startsWith("await", offsetOf(frame)) === true;
  if (message.startsWith("await is only valid") || (isAwait && message === "Unexpected reserved word"))
    return "put async before the function that awaits";
  return frame !== undefined && !isTyped && looksTyped(frame) ? "TypeScript needs a name that ends in .ts" : undefined;
}

const KEYWORDS =
  /^(?:const|let|var|function|class|import|from|export|default|return|new|await|async|of|in|for|if|else|while|throw|try|catch|typeof|this|null|true|false|undefined)$/;

/** A name that is not there: what to use instead, or which one the script or the globals have that is like it. */
function hintForName(message: string, { source }: HintFacts, guess: string | undefined): string | undefined {
  const [, name] = /^(.+) is not defined$/.exec(message) ?? [];
  if (name === undefined) return message.endsWith("before initialization") ? "it is declared further down" : undefined;
  const known = hintForGlobal(name);
  if (known !== undefined) return known;
  const [, guessed] = /^did you mean (.+)\?$/.exec(guess ?? "") ?? [];
  const words = source.matchAll(/(?<![\w$.])[A-Za-z_$][\w$]*/g);
  const own = [...new Set([...words].map(([word]) => word))].filter((word) => word !== name && !KEYWORDS.test(word));
  const meant = closestName(name, guessed === undefined ? own : [guessed, ...own]);
  return meant === undefined ? undefined : `did you mean ${meant}?`;
}

/** A member that the script itself has, where it calls one that is not there. */
function ownMember(message: string, source: string): string | undefined {
  const [, path, member = ""] = /^((?:[\w$]+\.)+)([\w$]{4,}) is not a (?:function|constructor)$/.exec(message) ?? [];
  if (path === undefined) return undefined;
  const words = source.matchAll(/(?:(?<=\.)|(?<=[{,;}\n]\s*(?:async\s+|static\s+)?))[A-Za-z_$][\w$]*(?=\s*[(:=])/g);
  const meant = closestName(
    member,
    [...new Set([...words].map(([word]) => word))].filter((word) => word !== member),
  );
  return meant === undefined ? undefined : `did you mean ${path}${meant}?`;
}

/** V8 leaves out what a member is read from where that is not a variable: `import.meta.resolve`. */
function asWritten(called: string, frame: Frame | undefined): string {
  const unnamed = "(intermediate value)";
  if (frame === undefined || !called.startsWith(`${unnamed}.`)) return called;
  return `${chainBefore(frame.source, offsetOf(frame)) ?? unnamed}${called.slice(unnamed.length)}`;
}

function hintForType(message: string, frame: Frame | undefined): string | undefined {
  const [, constructor] = /^Class constructor _?(\S+) cannot be invoked without 'new'$/.exec(message) ?? [];
  if (constructor !== undefined) return `write new ${constructor}(…)`;
  const [, called] = /^(.+) is not a (?:function|constructor)$/.exec(message) ?? [];
  const known = called === undefined ? undefined : hintForMember(asWritten(called, frame));
  if (known !== undefined || frame === undefined) return known;
  if (/^Cannot (?:read|set) properties of undefined/.test(message)) {
    const chain = chainBefore(frame.source, offsetOf(frame));
    if (chain === "this")
      return "this is undefined in an ES module and in plain functions: use globalThis or a variable";
    const member = chain === undefined ? undefined : hintForMember(chain);
    if (member !== undefined) return member;
  }
  return hintForAwait(message, frame);
}
