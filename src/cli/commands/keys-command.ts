import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { type KeyStore, userKeyStore } from "../../config.ts";
import { EXIT } from "../output/exit-codes.ts";
import { printLines } from "../output/print-table.ts";
import { toJson } from "../output/to-json.ts";
import { UsageError, withoutConfigError } from "../options/usage-error.ts";

/** Longest text that is read for a key, in characters. */
const MAX_TEXT = 64_000;

/** `geppetto-js keys set <name>` */
export async function setKey(name: string, given: readonly string[]): Promise<void> {
  if (given.length > 0) {
    throw new UsageError(
      `Cannot store the key "${name}" from an argument: others can see those; run keys set ${name} and give it there, or on stdin`,
    );
  }
  await withKeys(async (keys) => keys.set(name, process.stdin.isTTY ? await askForKey(name) : await readKey()));
  process.stderr.write(`stored; profiles refer to it as key:${name}\n`);
}

/** `geppetto-js keys list` */
export async function listKeys({ json }: { json?: true }): Promise<void> {
  const names = await withKeys((keys) => keys.list());
  if (json) printLines([toJson(names)]);
  else if (names.length === 0) process.stderr.write("no keys are stored\n");
  else printLines(names);
}

/** `geppetto-js keys remove <name>` */
export async function removeKey(name: string): Promise<void> {
  if (!(await withKeys((keys) => keys.remove(name)))) {
    const names = await withKeys((keys) => keys.list());
    const others = names.length === 0 ? "no keys are stored" : `the stored keys are ${names.join(", ")}`;
    throw new UsageError(`Cannot remove the key "${name}": it is not stored; ${others}`, EXIT.config);
  }
  process.stderr.write("removed\n");
}

async function withKeys<T>(work: (keys: KeyStore) => Promise<T>): Promise<T> {
  try {
    return await work(userKeyStore(process.env));
  } catch (error) {
    throw withoutConfigError(error);
  }
}

async function readKey(): Promise<string> {
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) {
    text += chunk;
    if (text.length > MAX_TEXT) throw new UsageError("Cannot store the key: what stdin gives is too long for one");
  }
  return text;
}

/** Asks on the terminal and shows nothing of what is typed. */
async function askForKey(name: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true, historySize: 0 });
  // Not before the terminal has stopped to show what is typed.
  process.stderr.write(`key ${name} (not shown): `);
  const stopped = new AbortController();
  lines.once("SIGINT", () => stopped.abort());
  lines.once("close", () => stopped.abort());
  try {
    return await lines.question("", { signal: stopped.signal });
  } catch {
    throw new UsageError("Nothing is stored", EXIT.interrupted, "ERR_ABORTED");
  } finally {
    lines.close();
    process.stderr.write("\n");
  }
}
