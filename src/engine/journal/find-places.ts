import type { Journal } from "../../journal/read-journal.ts";
import { playJournal } from "./play-journal.ts";

/** Most places of one run. */
const MAX_PLACES = 250_000;
/** Longest name of a file with its line, in characters. */
const MAX_CHARS = 500;

/**
 * Where the script asked for what is on record, by the index of the record: "file:///a.js:3:5". The run is replayed for
 * that; of one that cannot be replayed, or takes too long, as far as it goes. Never rejects.
 */
export async function findPlaces(
  journal: Journal,
  { signal }: { signal?: AbortSignal } = {},
): Promise<ReadonlyMap<number, string>> {
  const places = new Map<number, string>();
  const listener = {
    output: () => {},
    said: () => {},
    event: () => {},
    place: (index: number, place: string) => {
      if (places.size < MAX_PLACES) places.set(index, place.slice(0, MAX_CHARS));
    },
  };
  try {
    await playJournal(journal, listener, signal === undefined ? {} : { signal });
  } catch {
    // What it has told until then is right.
  }
  return places;
}
