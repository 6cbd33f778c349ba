// Checks that no source file names a path of the machine it was written on, or a package registry, and that texts are
// plain English: node scripts/check-words.mjs [root]. Prints each place as file:line and exits with 1 if there is one.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

// Put together from parts, so that this file passes its own check.
const HOMES = ["home", "root", "Users", "work", "workspace"].join("|");
/** Between two words: spaces, or the end of a line with what begins a line of a comment or a quote. */
const GAP = String.raw`\s+(?:(?:[*>]|//)\s+)?`;
const phrase = (text) => new RegExp(text.replaceAll(" ", GAP), "gi");
const PROSE = /\.md$|^(?:src|runtime-setup)\//;
/** What may stand after "is no": comparisons, mostly. */
const COMPARED =
  "better|bigger|different|doubt|earlier|faster|further|greater|larger|later|less|longer|more|newer|older|one|other|shorter|slower|smaller|way|worse";
const RULES = [
  {
    pattern: new RegExp(String.raw`(?<![\w.\-/:*$}])/(?:${HOMES})/[\w.]`, "g"),
    files: /./,
    text: "names a path of one machine: write it relative, or take it from the environment",
  },
  {
    pattern: new RegExp(String.raw`(?<![\w.\-/:*$}])/${"tmp"}/\w`, "g"),
    files: /\.md$|^examples\//,
    text: "names a temporary file of one machine: use a name the reader can choose",
  },
  {
    pattern: new RegExp(String.raw`\b${"registry"}\.[\w-]+\.[a-z]{2,}`, "g"),
    files: /./,
    text: "names a package registry: leave that to the reader's settings",
  },
  {
    pattern: phrase(String.raw`(?<!\bthere )\b(?:is|are|was|were) no (?!(?:${COMPARED})\b)[a-z]`),
    files: PROSE,
    text: 'says "is no …": write "is not a …"',
  },
  {
    pattern: phrase(String.raw`\b(?:it|that|what|which) (?:is|are|was|were) none\b`),
    files: PROSE,
    text: 'says "which is none": say what it must be',
  },
  {
    pattern: phrase(String.raw`\bthat there (?:is|are|was|were) not\b`),
    files: PROSE,
    text: 'says "that there is not": write "unknown", or "missing"',
  },
  {
    pattern: phrase(String.raw`\bnone of (?:that|this) name\b`),
    files: PROSE,
    text: 'says "none of that name": write "no … is named …"',
  },
  {
    pattern: phrase(String.raw`\bgo(?:es|ne)? astray\b|\bwent astray\b|\bwhose it is\b`),
    files: PROSE,
    text: "speaks in riddles: say what happens, and to what",
  },
  {
    pattern: phrase(String.raw`(?<!\bwhat\b[^.;:]*)\bwill do(?= (?:to|for)\b|[.,;])`),
    files: PROSE,
    text: 'says "will do": write "is enough"',
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
  for (const rule of RULES) {
    if (!rule.files.test(file)) continue;
    for (const { index } of text.matchAll(rule.pattern)) {
      console.log(`${file}:${text.slice(0, index).split("\n").length}  ${rule.text}`);
      count++;
    }
  }
}
process.exitCode = count > 0 ? 1 : 0;
