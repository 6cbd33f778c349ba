// Tries well-known packages of npm: npm run packages [-- [--keep folder] [name…]]. Installs them into a folder outside of the
// repository, runs the script of each with Node and with the built command line, and prints what came of it. Needs the
// network; no part of npm test. With --write it renews the table of docs/packages.md.
import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { PACKAGES } from "./package-list.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values, positionals } = parseArgs({
  options: { keep: { type: "string" }, write: { type: "boolean", default: false } },
  allowPositionals: true,
});
const names = Object.keys(PACKAGES).filter((name) => positionals.length === 0 || positionals.includes(name));
const folder = values.keep === undefined ? mkdtempSync(join(tmpdir(), "packages-")) : resolve(values.keep);
const run = promisify(execFile);

try {
  install();
  const results = [];
  for (const name of names) {
    const result = await tryOut(name);
    results.push(result);
    console.log(`${result.here.ok ? "ok    " : "FAILED"}  ${name.padEnd(28)} ${result.reason}`);
  }
  const inNode = results.filter(({ node }) => node.ok).length;
  const here = results.filter((result) => result.here.ok).length;
  console.log(`${here} of ${results.length} work here, ${inNode} in Node`);
  if (values.write) writeTable(results, here, inNode);
} finally {
  if (values.keep === undefined) rmSync(folder, { recursive: true, force: true });
}

/** Installs what is not there; install scripts do not run. */
function install() {
  mkdirSync(folder, { recursive: true });
  if (!existsSync(join(folder, "package.json")))
    writeFileSync(join(folder, "package.json"), `{ "private": true, "type": "module" }`);
  const missing = names.filter((name) => !existsSync(join(folder, "node_modules", name)));
  if (missing.length === 0) return;
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps"];
  execFileSync("npm", ["install", ...options, ...missing], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
}

async function tryOut(name) {
  const file = join(folder, `${name.replaceAll("/", "-")}.mjs`);
  writeFileSync(file, `${PACKAGES[name]}\n`);
  const node = await attempt([file]);
  const here = await attempt([join(root, "dist/cli/main.cjs"), "run", "--no-log", "-q", file]);
  const isSame = here.text === node.text;
  const ok = here.code === 0 && (isSame || !node.ok);
  const version = JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8")).version;
  const reason = ok ? "" : here.code === 0 ? `prints something else than in Node: ${here.text.trim()}` : here.why;
  return { name, version, node, here: { ...here, ok }, reason };
}

async function attempt(args) {
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    XDG_CACHE_HOME: join(folder, ".cache"),
    TZ: "UTC",
    NO_COLOR: "1",
  };
  try {
    const { stdout } = await run(process.execPath, args, { cwd: folder, env, timeout: 120_000 });
    return { ok: true, code: 0, text: stdout, why: "" };
  } catch ({ code, stderr = "", stdout = "" }) {
    const why = stderr.split("\n").find((line) => /error|cannot|denied/i.test(line)) ?? "";
    return { ok: false, code: code ?? 1, text: stdout, why: why.trim() };
  }
}

function writeTable(results, here, inNode) {
  const file = join(root, "docs/packages.md");
  const text = readFileSync(file, "utf8");
  const [before] = text.split("<!-- results -->");
  const lines = results.map(
    ({ name, version, node, here: { ok }, reason }) =>
      `| ${name} | ${version} | ${node.ok ? "yes" : "no"} | ${ok ? "yes" : "no"} | ${reason.replaceAll("|", "\\|")} |`,
  );
  const head = `${here} of ${results.length} scripts work, ${inNode} of them in Node.`;
  const table = ["| Package | Version | In Node | Here | Why not |", "| --- | --- | --- | --- | --- |", ...lines];
  writeFileSync(file, `${before}<!-- results -->\n\n${head}\n\n${table.join("\n")}\n`);
}
