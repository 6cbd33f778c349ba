// What dist/ was built from, so that nobody waits for a build that would come to the same.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FOLDERS = ["runtime-setup", "scripts", "src", "trace-page"];
const FILES = ["package-lock.json", "package.json", "tsconfig.build.json", "tsconfig.json"];

const noteOf = (root) => join(root, "dist/.built-from");

/** Is dist/ what a build would make now, with this Node? */
export function isBuilt(root) {
  return existsSync(noteOf(root)) && readFileSync(noteOf(root), "utf8") === hashOf(root);
}

export function noteBuilt(root) {
  writeFileSync(noteOf(root), hashOf(root));
}

function hashOf(root) {
  const hash = createHash("sha256").update(process.version);
  for (const file of [...FOLDERS.flatMap((folder) => filesIn(root, folder)), ...FILES]) {
    const content = readFileSync(join(root, file));
    hash.update(JSON.stringify([file, content.length])).update(content);
  }
  return hash.digest("hex");
}

function filesIn(root, folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(root.length + 1))
    .sort();
}
