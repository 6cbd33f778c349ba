// bench/RESULTS.md and bench/ratios.json: what was measured takes the place of the same tables of before, the others stay.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { comparisons, toMarkdown } from "../measure.mjs";

const RESULTS = fileURLToPath(new URL("../RESULTS.md", import.meta.url));
const RATIOS = fileURLToPath(new URL("../ratios.json", import.meta.url));
const GROWTH = "## How cost grows";
const HEAD = `# Results

Written by \`npm run bench -- --write\`, part by part: each table says when and where it was measured. Each ratio is to the
first row of its table, in the same run.
`;

export const readRatios = () => JSON.parse(readFileSync(RATIOS, "utf8"));

/** @param {string} machine what it was measured on, in a line */
export function writeTables(machine) {
  const date = new Date().toISOString().slice(0, 10);
  const sections = readSections();
  // The plots stand at the end.
  const growth = sections.get(GROWTH);
  sections.delete(GROWTH);
  for (const [title, table] of toMarkdown()) sections.set(title, `On ${date}: ${machine}.\n\n${table}`);
  if (growth !== undefined) sections.set(GROWTH, growth);
  writeSections(sections);
  const ratios = readRatios();
  for (const { title, rows } of comparisons)
    ratios[title] = Object.fromEntries(rows.map(({ name, ratio }) => [name, ratio]));
  writeFileSync(RATIOS, `${JSON.stringify(ratios, null, 2)}\n`);
}

/** Measures how cost grows, and draws it. */
export async function writePlots() {
  const { measureGrowth } = await import("./growth.mjs");
  const { toSvg } = await import("./plots.mjs");
  const plots = Object.entries(await measureGrowth());
  mkdirSync(new URL("../plots", import.meta.url), { recursive: true });
  for (const [name, plot] of plots) writeFileSync(new URL(`../plots/${name}.svg`, import.meta.url), toSvg(plot));
  const pictures = plots.map(([name, { title }]) => `![${title}](plots/${name}.svg)`);
  writeSections(readSections().set(GROWTH, pictures.join("\n\n")));
}

/** The parts of the report by their headings, in order. */
function readSections() {
  const [, ...parts] = readFileSync(RESULTS, "utf8").split(/^(?=## )/m);
  return new Map(
    parts.map((part) => {
      const end = part.indexOf("\n");
      return [part.slice(0, end), part.slice(end).trim()];
    }),
  );
}

function writeSections(sections) {
  const parts = [...sections].map(([title, text]) => `${title}\n\n${text}\n`);
  writeFileSync(RESULTS, [HEAD, ...parts].join("\n"));
}
