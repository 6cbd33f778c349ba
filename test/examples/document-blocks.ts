import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root: string = fileURLToPath(new URL("../../", import.meta.url));

/** Every document that has blocks of code. */
export const documents: readonly string[] = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`)
    .sort(),
];

/** A fenced block of code in a document. */
export interface Block {
  /** For the names of tests: "line 17 (js)". */
  place: string;
  language: string;
  /** The file that the text around it calls it, from `title="…"` after the language. */
  title: string | undefined;
  code: string;
  /** What the block of plain text after it says that it prints, where one follows. */
  output: string | undefined;
}

const RUN = new Set(["js", "ts", "sh"]);

/** The blocks of a document, in their order. */
export function readBlocks(document: string): Block[] {
  const text = readFileSync(join(root, document), "utf8");
  const fences = [...text.matchAll(/^```(\w*)(?: title="([^"]+)")?\n([^]*?)^```$/gm)].map((match) => {
    const [, language = "", title, code = ""] = match;
    return { language, title, code, line: text.slice(0, match.index).split("\n").length };
  });
  return fences.map(({ line, ...fence }, i) => {
    const next = fences.slice(i + 1).find(({ language }) => language === "text" || RUN.has(language));
    const output = next?.language === "text" ? next.code : undefined;
    return { ...fence, place: `line ${line} (${fence.language})`, output };
  });
}

/** What a document refers to: the targets of its links, and the files and folders of this project that it names. */
export function readReferences(document: string): { links: string[]; paths: string[] } {
  const text = readFileSync(join(root, document), "utf8").replace(/^```[^]*?^```$/gm, "");
  const links = [...text.matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, target]) => target!);
  const named = text.matchAll(/`((?:src|runtime-setup|scripts|test|docs|examples|bench)\/[\w./-]*)`/g);
  return { links, paths: [...named].map(([, path]) => path!) };
}

/** The anchors of a document's headings, as they are made for links. */
export function readAnchors(document: string): Set<string> {
  const headings = readFileSync(join(root, document), "utf8").matchAll(/^#+ (.+)$/gm);
  const toAnchor = (heading: string): string =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, "")
      .replaceAll(" ", "-");
  return new Set([...headings].map(([, heading]) => toAnchor(heading!)));
}

/** Does a text match what a document says of it? There `…` stands for any text of one line. */
export function matchesOutput(given: string, expected: string): boolean {
  const parts = expected.split("…").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(given);
}
