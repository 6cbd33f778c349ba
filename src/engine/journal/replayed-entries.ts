import { hostLocal } from "../../base/time/host-local.ts";
import type { Journal } from "../../journal/read-journal.ts";
import type { JournalRecord } from "../../journal/journal-record.ts";
import { FRAMES } from "../../shared/contract/frame-kinds.ts";
import { OPS } from "../../shared/contract/ops.ts";
import { FRAME_VERSION } from "../../shared/frames.ts";

/** What enters the guest of a replay. */
export type ReplayedEntry = Extract<JournalRecord, { kind: "entry" | "run" }>;

/**
 * The entries of a journal for a replay: the guest's clock reads what it read then, and a guest in a thread has the local
 * time of then, whatever that of this process is.
 */
export function replayedEntries({ facts, records }: Journal, { places }: { places: boolean }): ReplayedEntry[] {
  const entries = records.filter((record): record is ReplayedEntry => record.kind === "entry" || record.kind === "run");
  const reads = clockReads(records);
  const { locale, timeZone } = hostLocal();
  let isLocalTimeMissing = facts.isolation === "thread" && (facts.hostZone !== timeZone || facts.hostLocale !== locale);
  const replayed: ReplayedEntry[] = [];
  for (const entry of entries) {
    const feature = entry.kind === "entry" ? installedFeature(entry.frame.text) : undefined;
    if (feature === "reproducible") {
      replayed.push(withReads(entry as ReplayedEntry & { kind: "entry" }, reads));
      if (places) replayed.push(installPlaces());
      continue;
    }
    if (feature === "localTime") isLocalTimeMissing = false;
    else if (feature !== undefined && isLocalTimeMissing) {
      isLocalTimeMissing = false;
      const config = { locale: facts.hostLocale, timeZone: facts.timeZone };
      replayed.push({
        kind: "entry",
        frame: { text: JSON.stringify([FRAME_VERSION, FRAMES.feature_install.name, "localTime", config]) },
      });
    }
    replayed.push(entry);
  }
  return replayed;
}

function installPlaces(): ReplayedEntry {
  return { kind: "entry", frame: { text: JSON.stringify([FRAME_VERSION, FRAMES.feature_install.name, "places"]) } };
}

/** The place that a message tells, where it tells one: "file:///a.js:3:5". */
export function toldPlace(text: string): string | undefined {
  if (!text.startsWith(PLACE_NOTE)) return undefined;
  const [, , args] = JSON.parse(text) as [unknown, unknown, { place?: unknown }];
  return typeof args.place === "string" ? args.place : "";
}

const PLACE_NOTE = `[${FRAME_VERSION},"${OPS.place_tell.name}",`;

/** Does this message only tell what the guest's clock has read? */
export function isClockNote(text: string): boolean {
  return text.startsWith(CLOCK_NOTE);
}

/** What such a message tells. */
export function readsIn(text: string): unknown[] {
  const [, , args] = JSON.parse(text) as [unknown, unknown, { reads?: unknown[] }];
  return args.reads ?? [];
}

const CLOCK_NOTE = `[${FRAME_VERSION},"${OPS.clock_reads.name}",`;
const CHECKED_INSTALL = new RegExp(
  `^\\[${FRAME_VERSION},"${FRAMES.entry_check.name}",\\d+,"${FRAMES.feature_install.name}","(\\w+)"`,
);

function installedFeature(text: string): string | undefined {
  return CHECKED_INSTALL.exec(text)?.[1];
}

function clockReads(records: readonly JournalRecord[]): unknown[] {
  return records.flatMap((record) => {
    const isTold = (record.kind === "note" || record.kind === "call") && isClockNote(record.text);
    return isTold ? readsIn(record.text) : [];
  });
}

function withReads(entry: ReplayedEntry & { kind: "entry" }, reads: unknown[]): ReplayedEntry {
  const frame = JSON.parse(entry.frame.text) as unknown[];
  const config = frame[5] as { clock: { mode: string } };
  if (config.clock.mode === "live") config.clock = { mode: "replay", reads } as { mode: string };
  return { kind: "entry", frame: { text: JSON.stringify(frame) } };
}
