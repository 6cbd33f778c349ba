const ES_MODULE = "scripts are ES modules";
const NO_BROWSER = "scripts run in a sandbox, not in a browser";
const NO_NODE = "scripts run in a sandbox that has nothing of Node's own";

/** What to do about a global that is not there, by its name. */
const GLOBALS: Readonly<Record<string, string>> = {
  input: "give the script its input with --input",
  require: `${ES_MODULE} and have no require(): write import`,
  module: `${ES_MODULE}: use export default`,
  exports: `${ES_MODULE}: use export default`,
  __dirname: `${ES_MODULE} without __dirname: paths start from the script's own folder`,
  __filename: `${ES_MODULE} without __filename: import.meta.url names the script`,
  global: "use globalThis",
  Buffer: "use Uint8Array with TextEncoder and TextDecoder, or atob and btoa",
  XMLHttpRequest: "use fetch()",
  WebSocket: "there are no sockets: use fetch(), or have the host app give a function for it",
  window: `${NO_BROWSER}: use globalThis`,
  self: `${NO_BROWSER}: use globalThis`,
  document: `${NO_BROWSER}: there is no page`,
  navigator: NO_BROWSER,
  location: `${NO_BROWSER}: process.argv holds the script's arguments`,
  localStorage: `${NO_BROWSER}: nothing is kept from one run to the next`,
  sessionStorage: `${NO_BROWSER}: nothing is kept from one run to the next`,
  alert: `${NO_BROWSER}: use console.log()`,
  confirm: `${NO_BROWSER}: give the answer with --input or as an argument`,
  prompt: `${NO_BROWSER}: give the answer with --input or as an argument`,
  Deno: "scripts run in a sandbox, not in Deno",
  Bun: "scripts run in a sandbox, not in Bun",
  fs: `${NO_NODE}: give texts with --input, -e and arguments`,
  path: NO_NODE,
  os: NO_NODE,
  http: NO_NODE,
  https: NO_NODE,
  child_process: NO_NODE,
  Worker: "scripts have one thread: use steps.createParallelStep() for runs at the same time",
  OpenAI: "models are asked with chat() and openai.createStep(); keys stay with the host",
  Anthropic: "models are asked with chat() and claude.createStep(); keys stay with the host",
  WebAssembly: "the sandbox has no WebAssembly",
  SharedArrayBuffer: "the sandbox has no shared memory: use ArrayBuffer",
  Atomics: "the sandbox has no shared memory",
  WeakRef: "the sandbox has no WeakRef: use WeakMap",
  FinalizationRegistry: "the sandbox does not tell of garbage collection",
  print: "use console.log()",
  sleep: "use await new Promise((resolve) => setTimeout(resolve, ms))",
};

/** The same for what is read from a global, by the whole expression. */
const MEMBERS: Readonly<Record<string, string>> = {
  "process.cwd": "there is no working directory: paths start from the script's own folder",
  "process.chdir": "there is no working directory: paths start from the script's own folder",
  "process.stdin": "read what --input gives with input()",
  "process.on": "an error that nobody catches ends the script; use try and catch",
  "process.once": "an error that nobody catches ends the script; use try and catch",
  "process.nextTick": "use queueMicrotask()",
  "process.hrtime": "use performance.now()",
  "process.hrtime.bigint": "use performance.now()",
  "process.uptime": "use performance.now()",
  "process.memoryUsage": "a script cannot measure its memory; --memory bounds it",
  "process.kill": "use process.exit()",
  "process.abort": "use process.exit()",
  "process.versions": NO_NODE,
  "process.release": NO_NODE,
  "process.config": NO_NODE,
  "process.emitWarning": "use console.warn()",
  "console.write": "use process.stdout.write()",
  "openai.newStep": "use openai.createStep()",
  "claude.newStep": "use claude.createStep()",
  "chat.startAsync": "chat() is a function: use await chat(prompt), or a step of new ChatStepFactory().newStep()",
  "crypto.subtle": "crypto has randomUUID() and getRandomValues()",
  "crypto.createHash": "crypto has randomUUID() and getRandomValues()",
  "crypto.randomBytes": "use crypto.getRandomValues()",
  "import.meta.resolve": `${ES_MODULE}; import takes a name that is written out`,
  "import.meta.env": "use process.env, with -e or --allow-env",
  "import.meta.dirname": "paths start from the script's own folder",
  "require.resolve": `${ES_MODULE} and have no require()`,
};

function find(table: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** What to do about a global that is not there; undefined where there is nothing to say. */
export function hintForGlobal(name: string): string | undefined {
  return find(GLOBALS, name);
}

/** What to do about an expression such as `process.cwd` that leads to nothing. */
export function hintForMember(expression: string): string | undefined {
  const plain = expression.replaceAll("?.", ".").replace(/^(?:globalThis|window|global|self)\./, "");
  return find(MEMBERS, plain) ?? (plain === expression ? undefined : hintForGlobal(plain));
}
