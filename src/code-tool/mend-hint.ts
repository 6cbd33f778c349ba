import { chainBefore } from "../hints/call-chain.ts";
import { hintFor } from "../hints/error-hints.ts";
import { hintForMember } from "../hints/missing-names.ts";
import { type Frame, offsetOf } from "../hints/source-frame.ts";
import type { ScriptError } from "../engine/script/script-run.ts";

const NO_MODULES = "there are no modules";
const NO_FILES = "there are no files: give data as input, or use the functions in tools";
const NO_NETWORK = "there is no network: use the functions in tools";
const RESULT = "end with the value as the last expression, or return it";

/** What a model should write instead of a global that is not there: it has no command line, and no host to change. */
const INSTEAD: Record<string, string> = {
  args: "read input()",
  params: "read input()",
  context: "read input()",
  $input: "read input()",
  output: "use console.log(), or return the value",
  display: "use console.log(), or return the value",
  text: "use console.log(), or return the value",
  stdout: "use console.log()",
  exit: "end with return, or use process.exit()",
  run_code: "the code runs already: write what it shall do",
  run_script: "the code runs already: write what it shall do",
  require: `${NO_MODULES}: use the globals of JavaScript and the functions in tools`,
  module: `${NO_MODULES}: ${RESULT}`,
  exports: `${NO_MODULES}: ${RESULT}`,
  __dirname: NO_FILES,
  __filename: NO_FILES,
  input: "nothing was given as input",
  fs: NO_FILES,
  path: NO_FILES,
  os: "there is nothing of the host's: use the functions in tools",
  child_process: "there are no commands: use the functions in tools",
  http: NO_NETWORK,
  https: NO_NETWORK,
  axios: NO_NETWORK,
  fetch: NO_NETWORK,
  XMLHttpRequest: NO_NETWORK,
  WebSocket: NO_NETWORK,
  EventSource: NO_NETWORK,
  alert: "use console.log()",
  print: "use console.log()",
  prompt: "nobody can be asked: read input() or use what you know",
  confirm: "nobody can be asked: read input() or use what you know",
  readline: "nobody can be asked: read input() or use what you know",
  localStorage: "use a variable, or store.set() and store.get()",
  sessionStorage: "use a variable, or store.set() and store.get()",
  document: "there is no page: use the functions in tools",
  window: "use globalThis",
  self: "use globalThis",
  global: "use globalThis",
  $: "there is no page and no jQuery",
  _: "there is no lodash: use the methods of arrays and objects",
  lodash: "use the methods of arrays and objects",
  moment: "use Date, Intl and Temporal",
  dayjs: "use Date, Intl and Temporal",
  z: "there is no zod: test values with typeof and Array.isArray",
  util: "use console.log(), which shows objects, and structuredClone()",
  assert: "use if and throw new Error()",
  expect: "use if and throw new Error()",
  test: "there is no test runner: call your functions and look at what they give",
  describe: "there is no test runner: call your functions and look at what they give",
  it: "there is no test runner: call your functions and look at what they give",
  gc: "memory is collected by itself",
  Worker: "there is one thread: use Promise.all for calls at the same time",
  postMessage: "there is one thread, and nobody to tell: return the value",
  requestAnimationFrame: "use setTimeout()",
  requestIdleCallback: "use setTimeout()",
  Buffer: "use Uint8Array with TextEncoder and TextDecoder, or atob and btoa",
  chat: "no model can be asked here",
  openai: "no model can be asked here",
  claude: "no model can be asked here",
  None: "write null",
  True: "write true",
  False: "write false",
  nil: "write null",
  len: "use .length",
  str: "use String(value)",
  range: "use Array.from({ length: n }, (_, i) => i)",
};

const IN_TOOLS = "the functions are in tools: await tools.NAME({ … })";
for (const name of ["functions", "tool", "api", "codemode", "mcp", "call_tool", "callTool"]) INSTEAD[name] = IN_TOOLS;

/** What a text that does not parse is instead of JavaScript, as models write it at times. */
const NO_JAVASCRIPT: readonly (readonly [pattern: RegExp, hint: string])[] = [
  [/^[ \t]*(?:```|~~~)/m, "give the code alone, without words and marks around it"],
  [/^\s*<\/?[a-z_]{1,40}>/i, "give the code alone, without tags around it"],
  [/[“”‘’]/, "write straight quotes"],
  [/&(?:lt|gt|amp|quot|#39);/, "write <, >, & and quotes themselves, not as HTML has them"],
  [/[\u200b-\u200d\u2060\ufeff]/, "take out the characters that cannot be seen"],
  [/(?:^|[^\w$])f["'][^"'\n]*["']/m, "write a text with values in it as `text ${value}`"],
  [/^[ \t]*(?:def \w+\(|elif |import \w+[ \t]*$|from \w+ import )/m, "write JavaScript: this is Python"],
];

const MEMBERS: Readonly<Record<string, string>> = {
  "process.cwd": NO_FILES,
  "process.chdir": NO_FILES,
  "process.stdin": "read input()",
  "process.stdin.on": "read input()",
  "process.memoryUsage": "a script cannot measure its memory",
  "process.on": "use try and catch",
  "process.once": "use try and catch",
  "process.nextTick": "use queueMicrotask()",
  "navigator.clipboard": "there is no browser",
};

/** Longest code, and error, in which hints are looked for, in characters. */
const MAX_LOOKED_AT = 20_000;

export interface MendFacts {
  source: string;
  /** Where the error was made, if that is known. */
  frame: Frame | undefined;
  /** The functions that there are: "orders.find". */
  tools: readonly string[];
}

/** What a model should change, in one line; undefined where nothing more than the error can be said. */
export function mendHint(error: ScriptError, facts: MendFacts): string | undefined {
  const { name, code } = error;
  const message = error.message.slice(0, MAX_LOOKED_AT);
  // Patterns that look for what was meant take time that grows faster than the text.
  const isShort = facts.source.length <= MAX_LOOKED_AT;
  const source = isShort ? facts.source : "";
  const frame = isShort ? facts.frame : undefined;
  if (code === "ERR_SCRIPT_STALLED")
    return "an await waits for something that never comes: resolve the promise, or leave it out";
  if (code === "ERR_LIMIT_WALL" || code === "ERR_LIMIT_TURN")
    return "do less in one run, or call functions at the same time with Promise.all";
  if (code === "ERR_LIMIT_MEMORY") return "keep less in memory: work through the data in parts";
  if (code === "ERR_LIMIT_OUTPUT") return "print less: return only what you need";
  if (code === "ERR_PERMISSION" || /^Cannot (?:import|find) (?:module |package )?|import denied/.test(message)) {
    if (/import/.test(message)) return `${NO_MODULES}: use the globals of JavaScript and the functions in tools`;
    if (error.name === "PermissionError" && /fetch|net/.test(message)) return NO_NETWORK;
  }
  if (message === "Not supported" && source.includes("import("))
    return `${NO_MODULES}: use the globals of JavaScript and the functions in tools`;
  if (name === "SyntaxError") {
    if (/JSON/.test(message) && /JSON\.parse\(\s*\(?await (?:tools|mcp)\./.test(source))
      return "functions in tools give values, not JSON: leave out JSON.parse()";
    const other = /JSON/.test(message) ? undefined : NO_JAVASCRIPT.find(([pattern]) => pattern.test(source));
    if (other !== undefined) return other[1];
  }
  if (/^Unexpected (?:end of input|eof)|^Unterminated/i.test(message))
    return "the code ends too early: close all brackets and quotes";
  if (/has already been declared/.test(message))
    return "give the second one another name, or assign without const, let or var";
  const missing = /^(.+) is not defined$/.exec(message)?.[1];
  if (name === "ReferenceError" && missing !== undefined) {
    const instead = insteadOf(missing, facts);
    if (instead !== undefined) return instead;
  }
  const awaited = forgottenAwait(message, source, frame);
  if (awaited !== undefined) return awaited;
  const called =
    /^(.+?)(?:\(\.\.\.\))? is not a (?:function|constructor)$/.exec(message)?.[1] ?? chainAt(message, frame);
  if (called !== undefined) {
    const tool = closestTool(called, facts.tools);
    if (tool !== undefined) return tool;
    // In a session it is the last value.
    if (called.startsWith("_.")) return INSTEAD["_"];
    const member = find(MEMBERS, called) ?? hintForMember(called);
    if (member !== undefined && !/--\w/.test(member)) return member;
  }
  const hint = hintFor({ ...error, fromHost: false }, { label: "code.ts", source, untrusted: false, frame });
  return hint !== undefined && /--\w|geppetto\.yaml|ends in \.ts/.test(hint) ? undefined : hint;
}

/** What to write instead of a name; for the problems of types as well. */
export function insteadOf(name: string, { tools }: Pick<MendFacts, "tools">): string | undefined {
  const own = tools.find((tool) => tool === name || tool.startsWith(`${name}.`) || tool.endsWith(`.${name}`));
  return own === undefined ? find(INSTEAD, name) : `write tools.${own}`;
}

/** What a member was asked of that is not there: `process.stdin` of `process.stdin.on(…)`. */
function chainAt(message: string, frame: Frame | undefined): string | undefined {
  if (frame === undefined || !/^Cannot (?:read|set) properties of undefined/.test(message)) return undefined;
  return chainBefore(frame.source, offsetOf(frame));
}

const MAX_NAME = 100;
const CALL = String.raw`((?:tools|mcp)\.[\w$.]+)\(`;

/** A function of the host's gives a promise, and the code goes on as if it had its value. */
function forgottenAwait(message: string, source: string, frame: Frame | undefined): string | undefined {
  const direct =
    new RegExp(`^${CALL}\\.\\.\\.\\)`).exec(message)?.[1] ??
    /^((?:tools|mcp)\.[\w$.]+) is not a function or its return value is not iterable/.exec(message)?.[1];
  if (direct !== undefined) return `${direct}(…) gives a promise: put await before it`;
  const [root] =
    /^[A-Za-z_$][\w$]*/.exec(chainAt(message, frame) ?? / *([\w$]+)(?:\.[\w$]+)* is not /.exec(message)?.[1] ?? "") ??
    [];
  if (root === undefined || root.length > MAX_NAME) return undefined;
  const given = new RegExp(String.raw`(?<![\w$.])${root.replaceAll("$", "\\$")}\s*=\s*${CALL}`).exec(source)?.[1];
  return given === undefined ? undefined : `${root} is a promise: put await before ${given}(…)`;
}

function closestTool(called: string, tools: readonly string[]): string | undefined {
  if (!called.startsWith("tools.")) return undefined;
  const names = tools.slice(0, 20).map((tool) => `tools.${tool}`);
  return names.length === 0 ? "there are no functions in tools" : `the functions are ${names.join(", ")}`;
}

function find(table: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
