import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTurnServer, type TurnServer } from "../providers/turn-server.ts";
import {
  type Block,
  documents,
  matchesOutput,
  readAnchors,
  readBlocks,
  readReferences,
  root,
} from "./document-blocks.ts";
import { DocumentFolder, freePort } from "./document-folder.ts";

/** Commands that are not run, by how their block begins, each with the reason. */
const NOT_RUN: Readonly<Record<string, string>> = {
  "npm i geppetto-js": "it asks the registry for the package",
  "npm ci": "it installs this project anew",
  "npm run build": "it runs the tests of this project",
  "docker build": "it needs a Docker daemon",
  "geppetto-js trust ": "it asks a person on a terminal",
};

/** What the vendors' models answer. */
const ANSWER = ["Anna ", "likes ", "green ", "tea."];

const isRun = ({ language, code }: Block): boolean =>
  language === "sh" && !Object.keys(NOT_RUN).some((beginning) => code.startsWith(beginning));
const isProgram = ({ language }: Block): boolean => language === "js" || language === "ts";

const blocks = new Map(documents.map((document) => [document, readBlocks(document)]));
const all = [...blocks.values()].flat();

let server: TurnServer;
beforeAll(async () => {
  server = await startTurnServer();
  server.play({ text: ANSWER });
});
afterAll(() => server.close());

describe("the documents", () => {
  it("have no exception that no block needs", () => {
    const needed = Object.keys(NOT_RUN).filter((beginning) => all.some(({ code }) => code.startsWith(beginning)));
    expect(needed).toEqual(Object.keys(NOT_RUN));
  });

  it.each(documents)("%s: its links lead somewhere, and the files that it names exist", (document) => {
    const { links, paths } = readReferences(document);
    for (const link of links) {
      const [file, anchor] = link.split("#");
      const target = file === "" ? document : posix.join(posix.dirname(document), file!);
      expect(existsSync(join(root, target)), link).toBe(true);
      if (anchor !== undefined) expect(readAnchors(target), link).toContain(anchor);
    }
    for (const path of paths) expect(existsSync(join(root, path)), path).toBe(true);
  });

  it("hold JSON that can be read", () => {
    for (const { language, code } of all) if (language === "json") JSON.parse(code);
  });
});

const withCode = documents.filter((document) =>
  blocks.get(document)!.some((block) => isProgram(block) || isRun(block)),
);

describe.each(withCode)("%s", (document) => {
  const own = blocks.get(document)!;
  const host = own.filter(({ language }) => language === "ts");
  const commands = own.filter(isRun);
  let folder: DocumentFolder;
  beforeAll(async () => {
    folder = new DocumentFolder(own, { modelURL: server.baseURL, port: await freePort() });
  });
  afterAll(() => folder.remove());

  async function check(block: Block): Promise<void> {
    const { code, stdout, stderr } = await folder.run(block);
    const isCommand = block.language === "sh";
    expect({ code, stderr: isCommand && code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    // What commands print need not be shown; a program prints what the text after it says, or nothing.
    if (isCommand && block.output === undefined) return;
    const { output = "" } = block;
    const printed = stdout.replace(/[^\S\n]+$/gm, "");
    expect(matchesOutput(printed, output) ? output : printed).toBe(output);
  }

  const programs = own.filter((block) => isProgram(block) && block.title === undefined);
  it.concurrent.each(programs)("prints in $place what it says", check);

  if (host.length > 0) {
    it("shows host code whose types are right", async () => {
      expect(await folder.checkTypes(host)).toBe("");
    });
  }

  // One after the other: what one writes the next one reads.
  it.each(commands)("says in $place what can be done", check);

  it.each(own.filter((block) => isProgram(block) && block.title !== undefined))(
    "uses $title, which it shows in $place",
    ({ title = "" }) => {
      const users = own.filter((block) => block.title !== title && block.code.includes(title));
      expect(users).not.toEqual([]);
    },
  );
});
