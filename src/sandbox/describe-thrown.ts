import { MAX_ERROR_CHARS, type ErrorRecord } from "../shared/frames.ts";

/** Longest message whose stack may be read: V8 crashes on reading the stack of an error with a near-limit message. */
const MAX_READABLE_CHARS = 1_000_000;

function clip(text: string): string {
  return text.length > MAX_ERROR_CHARS ? `${text.slice(0, MAX_ERROR_CHARS)}…` : text;
}

/** A value's text without running any code of the guest's, which is not to be had here anyway. */
function describePrimitive(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(clip(value));
    case "bigint":
      return "a bigint";
    case "symbol":
      return "a symbol";
    default:
      return String(value);
  }
}

/** What isolated-vm says of anything thrown that it does not copy: objects that are not errors, functions, symbols. */
const NO_ERROR = "An object was thrown from supplied code within isolated-vm";

const FRAME = "    at ";
const BOUNDARY = "(<isolated-vm boundary>)";

/** Where a frame is: `file:///script.js:3:9` of `    at f (file:///script.js:3:9)`. */
function placeOf(frame: string | undefined): string | undefined {
  return frame?.replace(/^ +at (?:.* \()?|\)$/g, "");
}

/**
 * The guest's frames of a stack: host frames start at the boundary and are cut off, the runtime's own are left out. Where
 * the guest has none to tell, isolated-vm gives the host's in their place: those begin like what follows the boundary.
 */
function guestFrames(stack: string): string {
  const lines = clip(stack.slice(0, MAX_ERROR_CHARS * 2)).split("\n");
  const boundary = lines.findIndex((line) => line.includes(BOUNDARY));
  const first = lines.slice(0, Math.max(0, boundary)).find((line) => line.startsWith(FRAME));
  const isOfHost = boundary < 0 || placeOf(first) === placeOf(lines[boundary + 1]);
  const own = isOfHost ? lines.filter((line) => !line.startsWith(FRAME)) : lines.slice(0, boundary);
  return own.filter((line) => !line.includes("geppetto:runtime")).join("\n");
}

/**
 * A bounded record of whatever came out of the isolate as an exception. The value is attacker-made: it may be null, a
 * symbol or half a gigabyte of text, so nothing is read before its type and length are known.
 */
export function describeThrown(thrown: unknown): ErrorRecord {
  if (!(thrown instanceof Error)) return { name: "Error", message: `Uncaught ${describePrimitive(thrown)}` };
  const { name, message } = thrown;
  if (typeof message === "string" && message.startsWith(NO_ERROR)) {
    return { name: "Error", message: "Uncaught: the script threw a value that is not an error" };
  }
  const record: ErrorRecord = {
    name: typeof name === "string" && name.length < 200 ? name : "Error",
    message: typeof message === "string" ? clip(message) : "",
  };
  if (typeof message === "string" && message.length < MAX_READABLE_CHARS) {
    const { stack } = thrown;
    if (typeof stack === "string") record.stack = guestFrames(stack);
  }
  return record;
}
