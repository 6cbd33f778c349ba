// Tries the package as its users get it: npm run pack-check [-- --keep folder]. Packs it, has publint and attw look at it,
// and installs it into folders of their own, with each TypeScript; there init, check, test and run have to work with each
// Node. Needs the network and a build; no part of npm test.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const NODES = ["24.21.0", "26.10.0"];
const TYPESCRIPTS = ["5.7.3", "5.9.3", "7.0.2"];
const PUBLINT = "publint@0.3.25";
const ATTW = "@arethetypeswrong/cli@0.18.5";
/** The types are for hosts that import: CommonJS loads the same modules, and older ways to find them know no exports. */
const ATTW_PROFILE = "esm-only";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({ options: { keep: { type: "string" } } });
const folder = values.keep === undefined ? mkdtempSync(join(tmpdir(), "pack-check-")) : resolve(values.keep);
const homes = { XDG_CACHE_HOME: "cache", XDG_DATA_HOME: "data", XDG_CONFIG_HOME: "config" };
const env = { ...process.env, CI: "true" };
for (const [name, place] of Object.entries(homes)) env[name] = join(folder, place);
let failures = 0;

try {
  mkdirSync(folder, { recursive: true });
  const packed = pack();
  tell("publint", npx(PUBLINT, ["publint", "run", packed, "--strict"]));
  tell("attw", npx(ATTW, ["attw", packed, "--profile", ATTW_PROFILE]));
  const nodes = NODES.map((version) => [version, installNode(version)]);
  // npm, too, runs with a Node that the package is for.
  env.PATH = `${dirname(nodes[0][1])}${delimiter}${env.PATH}`;
  for (const typescript of TYPESCRIPTS) {
    const project = join(folder, `typescript-${typescript}`);
    tell(`npm install with TypeScript ${typescript}`, install(project, packed, typescript));
    for (const [version, node] of nodes) tryOut(project, node, `Node ${version}, TypeScript ${typescript}`, typescript);
  }
  console.log(failures === 0 ? "the package is fit to be published" : `${failures} failures`);
} finally {
  if (values.keep === undefined) rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failures === 0 ? 0 : 1;

/** Prints a line for what was done; with what was said where that failed. */
function tell(what, { ok, text }) {
  console.log(`${ok ? "ok    " : "FAILED"}  ${what}`);
  if (ok) return;
  failures++;
  console.log(text.trim().replaceAll(/^/gm, "        "));
}

function command(program, args, cwd = folder) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, env, encoding: "utf8" });
  return { ok: status === 0, code: status, stdout, text: `${stdout}${stderr}${error?.message ?? ""}` };
}

function npx(version, args) {
  return command("npm", ["exec", "--yes", "--ignore-scripts", `--package=${version}`, "--", ...args]);
}

function pack() {
  const args = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder];
  const [{ filename, size, entryCount }] = JSON.parse(execFileSync("npm", args, { cwd: root, env, encoding: "utf8" }));
  console.log(`${filename}: ${entryCount} files, ${(size / 1e6).toFixed(1)} MB`);
  return join(folder, filename);
}

/** The program of a Node of its own. */
function installNode(version) {
  const place = join(folder, `node-${version}`);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, "package.json"), JSON.stringify({ private: true, allowScripts: { node: true } }));
  const result = command("npm", ["install", "--no-audit", "--no-fund", `node@${version}`], place);
  tell(`npm install node@${version}`, result);
  return join(place, "node_modules/node/bin/node");
}

/** Installs the package as a user does. What npm warns of is a failure. */
function install(project, packed, typescript) {
  mkdirSync(project, { recursive: true });
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const args = ["install", "--no-audit", "--no-fund", packed, `typescript@${typescript}`];
  const { ok, text } = command("npm", args, project);
  return { ok: ok && !/^npm warn/m.test(text), text };
}

function tryOut(project, node, label, typescript) {
  const place = join(project, "scripts", label.replaceAll(/\W+/g, "-"));
  const main = join(project, "node_modules/geppetto-js/dist/cli/main.cjs");
  const geppetto = (...args) => command(node, [main, ...args], args[0] === "init" ? project : place);
  tell(`${label}: init`, geppetto("init", place));
  const check = geppetto("check", "--json", "hello.js");
  const used = check.ok ? JSON.parse(check.stdout).types[0].typescript : "";
  tell(`${label}: check`, { ok: used === typescript, text: check.text });
  const before = readdirSync(place).join();
  const test = geppetto("test");
  tell(`${label}: test`, { ok: test.ok && readdirSync(place).join() === before, text: test.text });
  const run = geppetto("run", "-q", "hello.js", "Anna");
  tell(`${label}: run`, { ok: run.ok && run.stdout.startsWith("Hello, Anna!\n"), text: run.text });
  writeFileSync(join(place, "wrong.js"), "chat(5);");
  const wrong = geppetto("check", "wrong.js");
  tell(`${label}: check finds what is wrong`, {
    ok: wrong.code === 1 && wrong.stdout.startsWith("wrong.js:1:6: error [TS2345]"),
    text: wrong.text,
  });
}
