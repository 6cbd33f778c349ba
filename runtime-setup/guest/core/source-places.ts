import { SourcePlaces, type SourcePositions } from "../../../src/shared/source-positions.ts";
import {
  append,
  SafeMap,
  StringEndsWith,
  StringLastIndexOf,
  StringSlice,
  StringStartsWith,
} from "../../../src/shared/primordials.ts";

/** Frames that lie there are shown to nobody. */
const RUNTIME_FILE = "geppetto:runtime";

/** Of the script that runs, where it was put together from modules. */
let places: SourcePlaces | undefined;

/** Of what a session has run, by the names of its files. */
const kept = new SafeMap<string, readonly SourcePlaces[]>();
/** Most files of a session whose places are kept. */
const MAX_KEPT = 500;

export function setPositions(positions: SourcePositions | undefined): void {
  places = positions === undefined ? undefined : new SourcePlaces(positions);
}

/** Keeps how to put places in this file back to where they come from, one step after the other. */
export function keepPositions(file: string, positions: readonly SourcePositions[]): void {
  const steps: SourcePlaces[] = [];
  for (let i = 0; i < positions.length; i++) append(steps, new SourcePlaces(positions[i]!));
  if (kept.size >= MAX_KEPT) {
    const oldest = kept.keys().next().value;
    if (oldest !== undefined) kept.delete(oldest);
  }
  kept.delete(file);
  kept.set(file, steps);
}

/** A frame of a stack with the place in the module that its author wrote. */
export function translateFrame(frame: string): string {
  if (kept.size > 0) {
    // By which a session runs code.
    if (frame === "eval (<anonymous>)") return RUNTIME_FILE;
    const steps = kept.get(fileIn(frame));
    if (steps !== undefined) return translated(frame, steps);
  }
  return places === undefined ? frame : places.translate(frame, RUNTIME_FILE);
}

function translated(frame: string, steps: readonly SourcePlaces[]): string {
  // What a session runs is nothing that its author has called.
  const isTop = StringStartsWith(frame, "eval (") && StringEndsWith(frame, ")");
  let text = isTop ? StringSlice(frame, "eval (".length, frame.length - 1) : frame;
  for (let i = 0; i < steps.length; i++) text = steps[i]!.translate(text, RUNTIME_FILE);
  return text;
}

/** The file that a frame names: "file:///session-1.js" of "f (file:///session-1.js:1:5)". */
function fileIn(frame: string): string {
  const start = StringLastIndexOf(frame, "file:///");
  if (start < 0) return "";
  const column = StringLastIndexOf(frame, ":");
  const line = StringLastIndexOf(frame, ":", column - 1);
  return line <= start ? "" : StringSlice(frame, start, line);
}
