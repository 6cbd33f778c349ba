// Checks floors, colours, cycles and the sizes of folders: node scripts/check-layers.mjs [root]. Prints each violation as
// file:line with what to do, and exits with 1 if there is one. Imports of types obey every rule: what a reader has to
// know does not depend on what is left at run time.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { blank, findImports, lineAt } from "./imports.mjs";

/** Where a file belongs, first match wins. Imports between folders only go down a floor. */
const FOLDERS = [
  { pattern: /^src\/shared\//, folder: "src/shared", floor: 0, colour: "shared" },
  { pattern: /^src\/config\/table\//, folder: "src/config/table", floor: 0, colour: "shared" },
  { pattern: /^src\/(base|permissions)\//, floor: 1, colour: "host" },
  { pattern: /^src\/(events|fetch|images|modules|providers|sandbox|type-check)\//, floor: 2, colour: "host" },
  { pattern: /^src\/(config|journal|mcp|steps)\//, floor: 3, colour: "host" },
  { pattern: /^src\/(engine|pipeline|recordings)\//, floor: 4, colour: "host" },
  { pattern: /^runtime-setup\/guest\//, folder: "runtime-setup/guest", floor: 5, colour: "guest" },
  { pattern: /^runtime-setup\//, folder: "runtime-setup", floor: 5, colour: "host" },
  { pattern: /^src\/(errors|hints|trace)\//, floor: 5, colour: "host" },
  { pattern: /^src\/(code-tool|testing|workers)\//, floor: 6, colour: "host" },
  { pattern: /^src\/[^/]+$/, folder: "src", floor: 7, colour: "host" },
  { pattern: /^src\/cli\//, folder: "src/cli", floor: 8, colour: "host" },
];

/** What is something else each time: not even the guest reads it, past the clock that a replay reads again. */
const CHANGING = [
  { pattern: /(?<![.\w$#])(Math\.random|Date\.now|DateNow)\b/g, advice: "let the caller hand in times and ids" },
  { pattern: /(?<![.\w$#])(new\s+(?:Safe)?Date)\s*(?:\(\s*\)|;)/g, advice: "let the caller hand in the time" },
];
/** What a file on the shared floor may not use: its two sides have it differently, or not at all. */
const FOREIGN = [
  { pattern: /(?<![.\w$#])(process|Buffer|console|performance|crypto)\s*\./g, advice: "let the caller hand it in" },
  {
    pattern: /(?<![.\w$#])(setTimeout|setInterval|setImmediate|queueMicrotask)\s*\(/g,
    advice: "leave timing to a side",
  },
  ...CHANGING,
];
/** The guest's clock, which alone reads the machine's. */
const CLOCK = "runtime-setup/guest/time/current-time.ts";
/** Captures the intrinsics of both sides, the clock among them. */
const CAPTURES = "src/shared/primordials.ts";

const root = resolve(process.argv[2] ?? dirname(dirname(fileURLToPath(import.meta.url))));
const violations = [];
/** Most files in one folder: nobody finds their way in a longer flat list. */
const MAX_FILES = 20;
/** @type {Map<string, {to: string, line: number}[]>} what each file imports */
const graph = new Map();

for (const file of [...sourceFiles("src"), ...sourceFiles("runtime-setup")]) checkFile(file);
checkCycles();
checkSizes();
violations.sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
for (const { file, line, text } of violations) console.log(`${file}:${line}  ${text}`);
if (violations.length > 0) console.log(`${violations.length} violations; CONTRIBUTING.md shows the floors`);
else
  console.log(`${graph.size} files keep to floors and colours, without cycles; no folder holds more than ${MAX_FILES}`);
process.exitCode = violations.length > 0 ? 1 : 0;

function sourceFiles(folder) {
  let entries;
  try {
    entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
  } catch {
    return [];
  }
  return entries
    .filter((entry) => entry.isFile() && /\.[cm]?[jt]sx?$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((file) => !file.includes("node_modules/"))
    .sort();
}

function place(file) {
  const found = FOLDERS.find(({ pattern }) => pattern.test(file));
  return found && { ...found, folder: found.folder ?? file.split("/").slice(0, 2).join("/") };
}

function checkFile(file) {
  const source = readFileSync(join(root, file), "utf8");
  const edges = [];
  graph.set(file, edges);
  const own = place(file);
  const report = (line, text) => violations.push({ file, line, text });
  if (own === undefined) {
    report(1, "stands on no floor: move it into a folder that has one, or give its folder a floor in check-layers.mjs");
  }
  for (const { specifier, line } of findImports(source)) {
    const target = specifier?.startsWith(".") ? posix.join(posix.dirname(file), specifier) : undefined;
    if (target !== undefined) edges.push({ to: target, line });
    const text = own && (target ? judgeFile(file, own, target) : judgePackage(own, specifier));
    if (text) report(line, text);
  }
  if (own?.colour === "shared" && file !== CAPTURES) {
    for (const { line, name, advice } of uses(source, FOREIGN))
      report(line, `uses ${name}, but src/shared is ECMAScript only: ${advice}`);
  }
  if (own?.colour === "guest" && file !== CLOCK) {
    for (const { line, name } of uses(source, CHANGING))
      report(line, `uses ${name}, which no replay knows: take the time from currentMs() of ${CLOCK}`);
  }
}

function judgeFile(file, own, target) {
  const other = place(target);
  if (target.endsWith(".json") && own.colour === "host") return undefined;
  if (other === undefined)
    return `imports ${target}, which stands on no floor: move what it needs into src or runtime-setup`;
  if (own.colour === "guest" && other.colour === "host") {
    return `guest code imports ${target}, which is the host's: move what both need to src/shared, or make it an op`;
  }
  if (own.colour !== "guest" && other.colour === "guest") {
    return `imports guest code (${target}): load the built guest as data, or move what both need to src/shared`;
  }
  if (own.folder === other.folder) return undefined;
  if (own.folder === "src/cli" && !/^src\/([^/]+|workers\/index)\.ts$/.test(target)) {
    return `the command line imports ${target}: export what it needs from src/index.ts`;
  }
  if (other.floor < own.floor) return undefined;
  const direction = other.floor === own.floor ? "sideways" : "upwards";
  return `imports ${direction}, ${own.folder} (floor ${own.floor}) from ${other.folder} (floor ${other.floor}): move what both need further down, or let the caller hand it in`;
}

function judgePackage(own, specifier) {
  if (own.colour === "host") {
    if (specifier?.startsWith("#guest/")) return "imports the built guest: load it as data";
    if (specifier === "isolated-vm" && own.folder !== "src/sandbox") {
      return "imports isolated-vm: only src/sandbox may; go through its Realm";
    }
    return undefined;
  }
  if (specifier === undefined) return `${own.colour} code imports something computed: name a file`;
  const whose = own.colour === "shared" ? "imports only files of src/shared" : "imports only itself and src/shared";
  return `imports "${specifier}", but ${own.folder} ${whose}: do this on the host, and hand the result over`;
}

function uses(source, rules) {
  const { code } = blank(source);
  return rules.flatMap(({ pattern, advice }) =>
    [...code.matchAll(pattern)].map((match) => ({ line: lineAt(source, match.index), name: match[1], advice })),
  );
}

/** Reports each folder, of tests too, that is a flat list of too many files. */
function checkSizes() {
  const counts = new Map();
  for (const file of [...graph.keys(), ...sourceFiles("test"), ...sourceFiles("scripts"), ...sourceFiles("bench")]) {
    const folder = posix.dirname(file);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  for (const [folder, count] of counts) {
    if (count > MAX_FILES) {
      violations.push({
        file: folder,
        line: 0,
        text: `holds ${count} files: group them in folders of at most ${MAX_FILES}`,
      });
    }
  }
}

/** Reports one import for each cycle that a walk through the files meets. */
function checkCycles() {
  const state = new Map();
  const walk = (file, path) => {
    state.set(file, "open");
    for (const { to, line } of graph.get(file) ?? []) {
      if (state.get(to) === "open") {
        const cycle = [...path.slice(path.indexOf(to)), to].join(" → ");
        violations.push({ file, line, text: `closes a cycle: ${cycle}; move what both need into a file of its own` });
      } else if (!state.has(to)) walk(to, [...path, to]);
    }
    state.set(file, "done");
  };
  for (const file of graph.keys()) if (!state.has(file)) walk(file, [file]);
}
