// Checks that no source file names a path of the machine it was written on, or a package registry:
// node scripts/check-words.mjs [root]. Prints each place as file:line and exits with 1 if there is one.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

// Put together from parts, so that this file passes its own check.
const HOMES = ["home", "root", "Users", "work", "workspace"].join("|");
const RULES = [
  {
    pattern: new RegExp(String.raw`(?<![\w.\-/:*$}])/(?:${HOMES})/[\w.]`),
    files: /./,
    text: "names a path of one machine: write it relative, or take it from the environment",
  },
  {
    pattern: new RegExp(String.raw`(?<![\w.\-/:*$}])/${"tmp"}/\w`),
    files: /\.md$|^examples\//,
    text: "names a temporary file of one machine: use a name the reader can choose",
  },
  {
    pattern: new RegExp(String.raw`\b${"registry"}\.[\w-]+\.[a-z]{2,}`),
    files: /./,
    text: "names a package registry: leave that to the reader's settings",
  },
];

const root = resolve(process.argv[2] ?? dirname(dirname(fileURLToPath(import.meta.url))));
const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
});
let count = 0;
for (const file of new Set(listed.split("\0").filter((name) => name !== ""))) {
  let text;
  try {
    text = readFileSync(join(root, file), "utf8");
  } catch {
    continue; // Listed, but removed from the disk.
  }
  if (text.includes("\0")) continue;
  const rules = RULES.filter(({ files }) => files.test(file));
  for (const [index, line] of text.split("\n").entries()) {
    for (const rule of rules) {
      if (!rule.pattern.test(line)) continue;
      console.log(`${file}:${index + 1}  ${rule.text}`);
      count++;
    }
  }
}
process.exitCode = count > 0 ? 1 : 0;
