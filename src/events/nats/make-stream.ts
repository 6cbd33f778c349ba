import { setTimeout as sleep } from "node:timers/promises";
import type { JetStreamManager, StreamConfig, StreamInfo } from "@nats-io/jetstream";
import { NO_STREAM, refusalCode } from "./refusals.ts";

/** While somebody else makes the same stream the server says: its name, or what it is to keep, is taken. */
const OVERLAP = 10_065;
const TAKEN: ReadonlySet<number> = new Set([10_058, OVERLAP]);

/** How long somebody else may take to make it, and the pause before it is looked for again, in milliseconds. */
const MAKING_MS = 5000;
const PAUSE_MS = 25;

/**
 * What `make` gives, which finds a stream, or makes it where there is none. Several may do so at a time, as when a server has
 * come back empty: whoever is refused meanwhile finds the stream of another one.
 *
 * @throws {Error} as `make` does; after 5 seconds that the name, or what it is to keep, is taken.
 */
export async function makeBesideOthers<T>(make: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + MAKING_MS;
  for (;;) {
    try {
      return await make();
    } catch (error) {
      if (!TAKEN.has(refusalCode(error) ?? 0) || performance.now() > deadline) throw error;
      await sleep(PAUSE_MS);
    }
  }
}

/**
 * The stream of this name as it is, or, where there is none, as it is described here. Several may ask at a time.
 *
 * @throws {Error} as the client does; at once where another stream keeps the same subjects.
 */
export function ensureStream(
  manager: JetStreamManager,
  config: Partial<StreamConfig> & { name: string; subjects: string[] },
): Promise<StreamInfo> {
  return makeBesideOthers(async () => {
    const found = await findStream(manager, config.name);
    if (found !== undefined) return found;
    try {
      return await manager.streams.add(config);
    } catch (error) {
      if (refusalCode(error) === OVERLAP) await refuseOther(manager, config, error);
      throw error;
    }
  });
}

async function refuseOther(
  manager: JetStreamManager,
  { name, subjects }: { name: string; subjects: string[] },
  cause: unknown,
): Promise<void> {
  for (const subject of subjects)
    for await (const other of manager.streams.names(subject))
      if (other !== name)
        throw new Error(`the stream ${other} has messages of the subject ${subject} too: give another prefix`, {
          cause,
        });
}

/** What the server says of a stream; undefined where there is none. */
export async function findStream(manager: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(name);
  } catch (error) {
    if (refusalCode(error) === NO_STREAM) return undefined;
    throw error;
  }
}
