import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCli } from "../cli/run-cli.ts";
import { documents, root } from "./document-blocks.ts";

/** For people who change this project, or who read what was measured. */
const NOT_FOR_USERS = ["CONTRIBUTING.md", "docs/architecture.md", "docs/field-reports.md", "docs/security-tests.md"];

const words = new Set(
  documents
    .filter((document) => !NOT_FOR_USERS.includes(document))
    .flatMap((document) => readFileSync(join(root, document), "utf8").match(/[A-Za-z_$][\w$]*/g) ?? []),
);

/** What host apps import; `geppetto-js/config` is made for the command line, but for `loadConfig`. */
const ENTRIES: Readonly<Record<string, () => Promise<object>>> = {
  "geppetto-js": () => import("../../src/index.ts"),
  "geppetto-js/events": () => import("../../src/events/index.ts"),
  "geppetto-js/nats": () => import("../../src/events/nats-pub-sub.ts"),
  "geppetto-js/nats-journal": () => import("../../src/journal/executions/nats/nats-journal.ts"),
  "geppetto-js/pipeline": () => import("../../src/pipeline/index.ts"),
  "geppetto-js/prestart": () => import("../../src/prestart.ts"),
  "geppetto-js/testing": () => import("../../src/testing.ts"),
  "geppetto-js/workers": () => import("../../src/workers/index.ts"),
};

describe("the documents for users", () => {
  it.each(Object.keys(ENTRIES))("name everything that %s exports", async (entry) => {
    const names = Object.keys(await ENTRIES[entry]!());
    expect(names).not.toEqual([]);
    expect(names.filter((name) => !words.has(name))).toEqual([]);
  });

  it("name the globals of scripts that are not the language's, and their functions", async () => {
    const { stdout } = await runCli(["eval", "--json", LIST_GLOBALS]);
    const { result } = JSON.parse(stdout) as { result: string[] };
    expect(result).toContain("startAsync");
    expect(result.filter((name) => !words.has(name))).toEqual([]);
  });
});

const LIST_GLOBALS = `
const roots = { steps, pipeline, embeddings, execution, store, mcp, Conversation, ChatSession, openai, claude, process,
  step: doubleStep, session: new ChatSession(), conversation: new Conversation(), factory: new ChatStepFactory() };
const names = new Set(Object.keys(roots).filter((name) => name in globalThis));
for (const root of Object.values(roots))
  for (let object = root; object && object !== Object.prototype && object !== Function.prototype; object = Object.getPrototypeOf(object))
    for (const name of Object.getOwnPropertyNames(object)) if (!["length", "name", "prototype", "constructor"].includes(name)) names.add(name);
const isSecondSpelling = (name) => /^[A-Z]/.test(name) && names.has(name[0].toLowerCase() + name.slice(1));
[...names].filter((name) => !isSecondSpelling(name)).sort()`;
