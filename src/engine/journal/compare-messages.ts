import { REDACTED } from "../../base/redacted.ts";

/** Longest text of a value in a message about it, in characters. */
const MAX_SHOWN = 80;

/** What a guest says: with "wait" it does nothing else until it is answered. */
interface Message {
  kind: "call" | "note" | "wait";
  text: string;
}

/**
 * In which way a message of the guest's is not the one on record, in words; undefined where it is the same. A note may be
 * sent as a call, depending on what else was noted: nobody sees a difference.
 */
export function compareMessages(then: Message, now: Message): string | undefined {
  if ((then.kind === "wait") === (now.kind === "wait")) return describeDifference(then.text, now.text);
  return `it waits for "${opOf(now.text)}" ${now.kind === "wait" ? "now" : "no more"}`;
}

/** The same, of their texts alone. What stands for a secret may be anything. */
export function describeDifference(then: string, now: string): string | undefined {
  if (then === now) return undefined;
  const [was, is] = [parseMessage(then), parseMessage(now)];
  if (was.op !== is.op) return `it is "${is.op}" now and was "${was.op}" then`;
  const found = findDifference(was.args, is.args, "");
  if (found !== undefined) {
    const where = found.path === "" ? "" : ` at "${found.path}"`;
    return `"${is.op}" differs${where}: ${show(found.is)} now, ${show(found.was)} then`;
  }
  if (was.callId === is.callId) return undefined;
  return `"${is.op}" has the number ${show(is.callId)} now and had ${show(was.callId)} then`;
}

/** The name of the op that a message calls. */
export function opOf(text: string): string {
  return parseMessage(text).op;
}

interface ParsedMessage {
  op: string;
  args: unknown;
  callId: unknown;
}

function parseMessage(text: string): ParsedMessage {
  try {
    // What it was made for comes last, where that is told: it is nothing that a script has said.
    const [, op, args, callId] = JSON.parse(text) as unknown[];
    return { op: String(op), args, callId: callId ?? undefined };
  } catch {
    return { op: "an unreadable message", args: text, callId: undefined };
  }
}

interface Difference {
  path: string;
  was: unknown;
  is: unknown;
}

function findDifference(was: unknown, is: unknown, path: string): Difference | undefined {
  if (typeof was === "string" && typeof is === "string") {
    return isSameText(was, is) ? undefined : { path, ...aroundDifference(was, is) };
  }
  if (!isObject(was) || !isObject(is) || Array.isArray(was) !== Array.isArray(is)) {
    return Object.is(was, is) ? undefined : { path, was, is };
  }
  for (const key of new Set([...Object.keys(was), ...Object.keys(is)])) {
    const inner = Array.isArray(was) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`;
    const found = findDifference(was[key], is[key], inner);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isSameText(then: string, now: string): boolean {
  if (then === now) return true;
  const [was, is] = [withoutOwnFrames(then), withoutOwnFrames(now)];
  if (was === is) return true;
  const parts = was.split(REDACTED);
  return parts.length > 1 && is.startsWith(parts[0]!) && is.endsWith(parts.at(-1)!);
}

/** A stack without the frames of the guest runtime, whose lines are those of its version. */
function withoutOwnFrames(text: string): string {
  if (!text.includes("geppetto:")) return text;
  return text
    .split("\n")
    .filter((line) => !line.includes("geppetto:"))
    .join("\n");
}

/** Of long texts, the parts where they begin to differ. */
function aroundDifference(was: string, is: string): { was: string; is: string } {
  let at = 0;
  while (at < was.length && was[at] === is[at]) at++;
  const start = Math.max(0, at - MAX_SHOWN / 4);
  const cut = (text: string): string => `${start > 0 ? "…" : ""}${text.slice(start)}`;
  return { was: cut(was), is: cut(is) };
}

function show(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
