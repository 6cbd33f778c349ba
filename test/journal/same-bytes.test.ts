import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { RuntimeEngine, setupDefaults } from "../../src/index.ts";
import { sharedEmbeddings } from "../attacks/shared-embeddings.ts";
import { ISOLATIONS, Output } from "../engine/engine-harness.ts";
import { documents, readBlocks, root } from "../examples/document-blocks.ts";
import { examples } from "../globals/declared-globals.ts";
import { isTaken, isWholeRun } from "../machine/part-of.ts";
import { readSeedBlocks } from "../seeds/seed-blocks.ts";
import { play, record } from "./journal-fixture.ts";
import { SHOWING } from "./same-bytes-scripts.ts";

const { GEPPETTO_SHARED } = process.env;

/** Nobody answers what these ask: they would wait for ever. */
const ASKS = /execution\.(?:approve|receive)\(/;

/**
 * Every script that there is, and of the many that show a function every other one: most of them were written for
 * something else. A script that fails has to fail alike.
 */
function scripts(): [name: string, code: string][] {
  const folder = join(root, "examples");
  const files = readdirSync(folder).filter((name) => name.endsWith(".js"));
  const blocks = documents.flatMap((document) =>
    readBlocks(document)
      .filter(({ language, code }) => language === "js" && !code.includes("geppetto-js") && !ASKS.test(code))
      .map(({ place, code }): [string, string] => [`${document}, ${place}`, code]),
  );
  const seeds = GEPPETTO_SHARED === undefined ? [] : readSeedBlocks(join(GEPPETTO_SHARED, "seeds"));
  return [
    ...Object.entries(SHOWING),
    ...files.map((name): [string, string] => [`examples/${name}`, readFileSync(join(folder, name), "utf8")]),
    ...examples()
      .filter((_, i) => isTaken(i, 2))
      .map(({ place, code }): [string, string] => [place, code.replace(/^(.+); \/\/ → .+$/gm, "console.log($1);")]),
    ...blocks,
    ...seeds.map(({ document, number, code }): [string, string] => [`${document} ${number}`, `${PRELUDE}${code}`]),
  ];
}

/** What seeds take for granted, as far as that is easily had. */
const PRELUDE = `globalThis.factory = new ChatStepFactory(); globalThis.chatStep = globalThis.llmStep = factory.newStep();
  globalThis.conv = globalThis.conversation = new Conversation(); conv.addMessage("user", "hello");`;

const setup = [setupDefaults({ chat: { provider: "embedded" }, wrapEmbeddings: sharedEmbeddings })];

async function runDeterministic(isolation: "process" | "thread", code: string): Promise<object> {
  const output = new Output();
  const events: string[] = [];
  await using engine = new RuntimeEngine({
    isolation,
    deterministic: true,
    console: output,
    setup,
  });
  await engine.start();
  const { stats: _, ...outcome } = await engine.runScript(
    { code, name: "script.js" },
    { onEvent: (event) => void events.push(JSON.stringify(event)) },
  );
  return { out: output.out, err: output.err, events, outcome };
}

const numbered = scripts().map(([name, code], i) => ({ name, code, i }));

describe.concurrent.each(numbered)("$name", ({ code, i }) => {
  // A process takes twice the time of a thread, so it has every fourth script, and every eighth runs again where time is
  // virtual. A whole run does all of it.
  const [mine, other] = i % 4 === 0 ? (["process", "thread"] as const) : (["thread", "process"] as const);

  it.each(isWholeRun ? ISOLATIONS : [mine])("is replayed to the same bytes in a %s", async (isolation) => {
    const { output, journal } = await record({ code, name: "script.js" }, { isolation, setup });
    const played = await play(journal);
    expect([played.out, played.err]).toEqual([output.out, output.err]);
  });

  it.runIf(isTaken(i, 8, 1))("is the same each time where time is virtual, in both kinds of isolation", async () => {
    const first = await runDeterministic(other, code);
    expect(await runDeterministic(mine, code)).toEqual(first);
    if (isWholeRun) expect(await runDeterministic(other, code)).toEqual(first);
  });
});
