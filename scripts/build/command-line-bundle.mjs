// Bundles the command line so that it starts fast: as CommonJS, which Node loads in half the time of modules; in few files,
// which it finds, reads and keeps compiled as a whole each; and with what a command does not need left alone until it does.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { build, transform } from "esbuild";
import { packagesStay, withoutLanguages, withoutSideEffects } from "./bundle-plugins.mjs";
import { notePackages } from "./licenses.mjs";

/** The files, and commands that need them: a file has the parts that its command needs and those before it do not. */
const FILES = [
  ["program", ["--help"]],
  ["program-run", ["run", "-q", "script.js"]],
  ["program-chat", ["run", "-q", "-m", "embedded:demo", "chat.js"]],
];

/** As part of the program these are found, read and compiled with it: every command needs the one, every chat the other. */
const TAKEN_IN = ["commander", "zod"];

/** Builds dist/cli from src/cli: main.cjs looks at this Node, and starts program.cjs. Notes in `packages` whose code is in there. */
export async function bundleCommandLine(root, packages) {
  const outdir = join(root, "dist/cli");
  const options = {
    bundle: true,
    platform: "node",
    target: "node24",
    format: "esm",
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: "warning",
    outdir,
    plugins: [packagesStay(TAKEN_IN), withoutSideEffects(), withoutLanguages(), notePackages(packages)],
  };
  const bundle = async (entry, splitting) => {
    const entryPoints = [join(root, "src/cli", entry)];
    const { outputFiles } = await build({ ...options, entryPoints, splitting, write: false });
    return Promise.all(outputFiles.map(toPart));
  };
  mkdirSync(outdir, { recursive: true });
  const [main] = await bundle("main.ts", false);
  writeFileSync(join(outdir, "main.cjs"), mainFile(main));
  // What names the program by the path that it had at first finds it there still.
  writeFileSync(join(outdir, "main.js"), '#!/usr/bin/env node\nimport "./main.cjs";\n');
  for (const name of ["main.cjs", "main.js"]) chmodSync(join(outdir, name), 0o755);
  // Only modules are split into parts that load on use: so that is what is made first.
  writeFiles(outdir, intoFiles(root, await bundle("program.ts", true)));
  train(root, outdir, FILES.at(-1)[1], "caches");
}

/** The parts by file: those that none of the commands needs have a file of their own each. */
function intoFiles(root, parts) {
  const left = new Map(parts.map((part) => [`part-${part.name}`, part]));
  const alone = () => [...left].map(([name, part]) => ({ name, parts: [part] }));
  // Where each has a file of its own it is seen which ones a command loads.
  const folder = mkdtempSync(join(root, "dist/cli-"));
  try {
    writeFiles(folder, [{ name: "program", parts: [] }, ...alone()]);
    const files = FILES.map(([name, args]) => {
      const needed = train(root, folder, args).filter((loaded) => left.has(loaded));
      const theirs = needed.map((loaded) => left.get(loaded));
      for (const loaded of needed) left.delete(loaded);
      return { name, parts: theirs };
    });
    return [...files, ...alone()];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs a command of what was built into the folder, and gives the names of the files that it loads. */
function train(root, folder, args, keep = "") {
  const given = [join(root, "scripts/build/train-program.mjs"), folder, JSON.stringify(args), keep];
  const told = execFileSync(process.execPath, given, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  return told.split("\n");
}

/** The first one is the program. It loads the others when a part of them is asked for. */
function writeFiles(outdir, [first, ...others]) {
  writeFileSync(join(outdir, `${first.name}.cjs`), programFile(first.parts, others));
  for (const { name, parts } of others) writeFileSync(join(outdir, `${name}.cjs`), partsFile(parts));
}

/** What esbuild has split off: the code, and the name by which the other parts ask for it. */
async function toPart({ path, text }) {
  const { code } = await transform(text, {
    format: "cjs",
    platform: "node",
    target: "node24",
    minifySyntax: true,
    minifyWhitespace: true,
    define: { "import.meta.url": "__ownUrl" },
  });
  const asked = code
    .replaceAll(/\bimport\("\.\/([\w-]+)\.js"\)/g, 'Promise.resolve().then(()=>__part("$1"))')
    .replaceAll(/\brequire\("\.\/([\w-]+)\.js"\)/g, '__part("$1")')
    .replaceAll(/\bimport\(("[\w@/.-]+")\)/g, "__importPackage($1)")
    // Of a module that a user names.
    .replaceAll(/\bawait import\((?=[\w(])/g, "await __importPackage(");
  return { name: basename(path, ".js"), code: builtInsOnUse(asked) };
}

/**
 * Node's own modules are loaded when something of them is first used: all of them together would take a third of the time
 * in which the command line starts. esbuild keeps each in a variable, and writes every use as a member of that.
 */
function builtInsOnUse(code) {
  const names = [];
  const declared = code.replaceAll(
    /\b(import_\w+)=(?:__toESM\()?require\("(node:[\w/]+)"\)\)?/g,
    (_, name, builtIn) => {
      names.push(name);
      return `${name}=__onUse("${builtIn}")`;
    },
  );
  return names.reduce(
    (text, name) =>
      text.replaceAll(new RegExp(`\\b${name}\\.(?:default\\b)?`, "g"), (use) =>
        use.endsWith(".") ? `${name}.loaded.` : `${name}.loaded`,
      ),
    declared,
  );
}

const ON_USE = `const __onUse = (name) => ({
  get loaded() {
    const value = process.getBuiltinModule(name);
    Object.defineProperty(this, "loaded", { value });
    return value;
  },
});
`;

function mainFile({ code }) {
  const [shebang, ...rest] = code.split("\n");
  return `${shebang}\nconst __ownUrl = require("node:url").pathToFileURL(__filename).href;\n${ON_USE}${rest.join("\n")}`;
}

/** A function, as a script of its own or as the module that Node makes of it. No name in it that the parts could have, too. */
function programFile(parts, others) {
  const elsewhere = others.map(({ name, parts: theirs }) => [name, theirs.map((part) => part.name)]);
  return `const program = (require, filename, __importPackage, __load) => {
"use strict";
const __ownUrl = require("node:url").pathToFileURL(filename).href;
${ON_USE}const __loaded = {};
const __elsewhere = ${JSON.stringify(elsewhere)};
function __part(name) {
  const known = __loaded[name];
  if (known !== undefined) return known.exports;
  const module = (__loaded[name] = { exports: {} });
  if (!(name in __parts)) {
    const [file] = __elsewhere.find(([, names]) => names.includes(name));
    Object.assign(__parts, __load(file)(require, __ownUrl, __importPackage, __onUse, __part));
  }
  __parts[name](module);
  return module.exports;
}
const __parts = ${functionsOf(parts)};
return __part("program");
};
if (typeof module === "object") module.exports = program(require, __filename, (name) => import(name), (name) => require("./" + name + ".cjs"));
program;
`;
}

/** As well. Several of these are scripts of one realm, so it declares nothing. */
function partsFile(parts) {
  return `((parts) => (typeof module === "object" ? (module.exports = parts) : parts))((require, __ownUrl, __importPackage, __onUse, __part) => {
"use strict";
return ${functionsOf(parts)};
});
`;
}

function functionsOf(parts) {
  return `{\n${parts.map(({ name, code }) => `${JSON.stringify(name)}(module){${code}}`).join(",\n")}\n}`;
}
