import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface SeedBlock {
  /** File name without its ending. */
  document: string;
  /** Which JavaScript block of the document it is, from 1. */
  number: number;
  code: string;
}

/** The fenced JavaScript blocks of every document in a folder, in order. */
export function readSeedBlocks(folder: string): SeedBlock[] {
  const blocks: SeedBlock[] = [];
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith(".md")) continue;
    const text = readFileSync(join(folder, file), "utf8");
    const fences = [...text.matchAll(/^```(?:javascript|js)\n(.*?)^```/gms)];
    fences.forEach(([, code], index) => blocks.push({ document: file.slice(0, -3), number: index + 1, code: code! }));
  }
  return blocks;
}
