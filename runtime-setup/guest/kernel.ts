/**
 * The guest's half of the bridge: the one door in (`deliver`) and the one door out (`call`). It knows no feature;
 * features register frame kinds and call ops. See src/shared/frames.ts for what crosses.
 */
import { decodeValue, encodeValue, revive } from "../../src/shared/codec.ts";
import { FRAME_VERSION, MAX_ERROR_CHARS, type ErrorRecord, type Outcome, type Parcel } from "../../src/shared/frames.ts";
import {
  isArray,
  JSONParse,
  JSONStringify,
  ObjectDefineProperty,
  SafeError,
  SafeMap,
  SafePromise,
  SafeSet,
  SafeString,
  SafeWeakMap,
  StringIncludes,
  StringIndexOf,
  StringSlice,
  then,
} from "../../src/shared/primordials.ts";
import { toGuestError } from "./errors.ts";

/** The doors that the realm hands in. Both take and give strings (the blocking one buffers too) and never throw. */
export interface Doors {
  call(frame: string): string;
  callBlocking(frame: string): Parcel;
}

let doors: Doors;
let ended = false;
let inScript = false;

type FrameHandler = (body: unknown[]) => void;
const handlers = new SafeMap<string, FrameHandler>();
const resets = new SafeSet<() => void>();

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  /** Where the script called: its stack becomes the error's. */
  site: Error;
}
const pending = new SafeMap<number, Pending>();
let nextCallId = 1;

/** Records of errors that came from the host, by the Error object that stands for them here. */
const hostRecords = new SafeWeakMap<object, ErrorRecord>();

/** Registers what to do with an entry of this kind. */
export function onFrame(kind: string, handler: FrameHandler): void {
  handlers.set(kind, handler);
}

/** Registers what to forget when a script begins or ends. */
export function onReset(forget: () => void): void {
  resets.add(forget);
}

/** Defines a global as the web platform does: writable, configurable, not enumerable. */
export function defineGlobal(name: string, value: unknown): void {
  ObjectDefineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
}

/**
 * The Error object for a record of the host's, recognised when it comes back uncaught. `site` is an Error made where
 * the script called: the failure is reported there, not where it happened to arrive.
 */
export function errorFromHost(record: ErrorRecord, site?: Error): Error {
  const error = toGuestError(record);
  hostRecords.set(error, record);
  if (site !== undefined) {
    const frames = text(() => site.stack, "");
    const start = StringIndexOf(frames, "\n");
    const stack = `${record.name}: ${record.message}${start < 0 ? "" : StringSlice(frames, start)}`;
    ObjectDefineProperty(error, "stack", { value: stack, writable: true, enumerable: false, configurable: true });
  }
  return error;
}

function frame(op: string, args: unknown, callId?: number): string {
  const tail = callId === undefined ? "" : `,${callId}`;
  return `[${FRAME_VERSION},${JSONStringify(op)},${encodeValue(args)}${tail}]`;
}

function unwrap(answer: string, buffers: readonly ArrayBuffer[] = []): unknown {
  const outcome = decodeValue(answer, buffers) as Outcome;
  if (outcome.ok) return outcome.value;
  throw errorFromHost(outcome.error);
}

/** Calls a synchronous op and returns its answer; an error of the host's is thrown as a guest error. */
export function callSync(op: string, args: unknown): unknown {
  return unwrap(doors.call(frame(op, args)));
}

/** Calls a blocking op: this realm waits, the host does not. Nothing else is delivered meanwhile. */
export function callBlocking(op: string, args: unknown): unknown {
  const { text, buffers } = doors.callBlocking(frame(op, args));
  return unwrap(text, buffers);
}

export interface AsyncCall {
  promise: Promise<unknown>;
  /** Rejects the promise with `reason` and tells the host to stop. Does nothing once the call has settled. */
  abort(reason: unknown): void;
}

/** Calls an asynchronous op. Refusal (a limit) throws at once; the result settles the promise in a turn of its own. */
export function callAsync(op: string, args: unknown): AsyncCall {
  const id = nextCallId++;
  let slot!: Pending;
  const promise = new SafePromise<unknown>((resolve, reject) => {
    slot = { resolve, reject, site: new SafeError() };
  });
  pending.set(id, slot);
  try {
    unwrap(doors.call(frame(op, args, id)));
  } catch (error) {
    pending.delete(id);
    throw error;
  }
  return {
    promise,
    abort(reason) {
      if (!pending.delete(id)) return;
      slot.reject(reason);
      callSync("op_abort", { callId: id });
    },
  };
}

/** Marks a promise as handled: the script aborted it itself, so its rejection is no uncaught error. */
export function markHandled(promise: Promise<unknown>): void {
  then(promise, undefined, () => {});
}

/** Runs a callback of the script's; what it throws is reported as uncaught and stays here. */
export function guard(callback: (...args: never[]) => unknown, ...args: unknown[]): void {
  try {
    (callback as (...args: unknown[]) => unknown)(...args);
  } catch (error) {
    reportUncaught(error);
  }
}

/** Tells the host about an error that nobody caught. */
export function reportUncaught(error: unknown): void {
  const record = describe(error);
  doors.call(frame("error_report", record));
  if (inScript) ended = true;
}

/** Ends the script here: no further turn runs until the next script begins. */
export function endTurns(): void {
  ended = true;
}

function text(read: () => unknown, fallback: string): string {
  try {
    const value = SafeString(read());
    return value.length > MAX_ERROR_CHARS ? `${StringSlice(value, 0, MAX_ERROR_CHARS)}…` : value;
  } catch {
    return fallback;
  }
}

/** A bounded record of anything that was thrown. Never throws itself. */
export function describe(error: unknown, depth = 0): ErrorRecord {
  if (typeof error !== "object" || error === null) {
    const shown = typeof error === "string" ? text(() => error, "") : text(() => SafeString(error), typeof error);
    return { name: "Error", message: `Uncaught ${typeof error === "string" ? JSONStringify(shown) : shown}` };
  }
  const known = hostRecords.get(error);
  const fields = error as Record<string, unknown>;
  const record: ErrorRecord = {
    name: text(() => fields["name"], "Error"),
    message: error instanceof SafeError || known ? text(() => fields["message"], "") : text(() => `Uncaught ${preview(error)}`, ""),
  };
  if (!(error instanceof SafeError)) record.name = "Error";
  const stack = text(() => fields["stack"], "");
  if (stack !== "" && stack !== "undefined") record.stack = stack;
  try {
    const { code, cause } = fields;
    if (typeof code === "string") record.code = text(() => code, "");
    if (fields["isTransient"] === true) record.isTransient = true;
    if (typeof fields["status"] === "number") record.status = fields["status"];
    if (cause !== undefined && depth < 4) record.cause = describe(cause, depth + 1);
  } catch {
    // A getter that throws adds nothing.
  }
  return known === undefined ? record : { ...record, ...known };
}

function preview(value: object): string {
  try {
    return encodeValue(value, { exotic: "omit" });
  } catch {
    return "an object";
  }
}

/** One entry: one frame, one turn. */
function deliver(textFrame: string, buffers: readonly ArrayBuffer[] = []): void {
  try {
    const parsed = JSONParse(textFrame);
    if (!isArray(parsed) || parsed[0] !== FRAME_VERSION) throw new SafeError("the frame has another version");
    const kind = parsed[1] as string;
    if (ended && kind !== "reset") return;
    run(kind, StringIncludes(textFrame, '"$":') ? (revive(parsed, buffers) as unknown[]) : parsed);
  } catch (error) {
    reportUncaught(error);
  }
}

function run(kind: string, body: unknown[]): void {
  const handler = handlers.get(kind);
  if (handler === undefined) throw new SafeError(`no handler for the frame "${kind}"`);
  handler(body);
}

/** Forgets what was pending; the turns that come now belong to a script, or to the host's own code. */
function reset(scriptBegins: boolean): void {
  ended = false;
  inScript = scriptBegins;
  pending.clear();
  resets.forEach((forget) => forget());
}

/**
 * The classic script or module with this token has completed with this value. The value is awaited if it is a promise,
 * then copied out.
 */
type Complete = (token: number, value: unknown) => void;

/** Starts the guest runtime; the realm keeps what it returns, and nothing of it is reachable from a script. */
export function startKernel(given: Doors, complete: Complete): { deliver: typeof deliver; complete: Complete } {
  doors = given;
  onFrame("reset", ([, , scriptBegins]) => reset(scriptBegins === true));
  onFrame("checked", ([, , id, kind, ...body]) => {
    try {
      run(kind as string, [FRAME_VERSION, kind, ...body]);
      callSync("check_settle", { id });
    } catch (error) {
      callSync("check_settle", { id, error: describe(error) });
    }
  });
  onFrame("settle", ([, , callId, outcome]) => {
    const slot = pending.get(callId as number);
    if (slot === undefined) return;
    pending.delete(callId as number);
    const result = outcome as Outcome;
    if (result.ok) slot.resolve(result.value);
    else slot.reject(errorFromHost(result.error, slot.site));
  });
  return { deliver, complete };
}
