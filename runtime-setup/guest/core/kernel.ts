/**
 * The guest's half of the bridge: the one way in (`deliver`) and the ways out (calls of ops). It knows no feature;
 * features handle kinds of entries and call ops, both of src/shared/contract. See src/shared/frames.ts for what crosses.
 *
 * Written with captured intrinsics throughout, and without iteration, spreading or destructuring of arrays: those ask
 * `Array.prototype[Symbol.iterator]`, which belongs to the script.
 */
import { encodeValue } from "../../../src/shared/codec.ts";
import { FRAMES, type FrameKind, type GuestLimits } from "../../../src/shared/contract/frame-kinds.ts";
import type { Op } from "../../../src/shared/contract/op.ts";
import { OPS } from "../../../src/shared/contract/ops.ts";
import { decodeValue, mayHaveTags, revive } from "../../../src/shared/decode.ts";
import { FRAME_VERSION, type Outcome, type Frame } from "../../../src/shared/frames.ts";
import { encodeList } from "../../../src/shared/plain-text.ts";
import {
  defineHidden,
  isArray,
  JSONParse,
  JSONStringify,
  ObjectDefineProperty,
  ObjectKeys,
  ReflectApply,
  SafeError,
  SafeMap,
  SafePromise,
  SafeSet,
} from "../../../src/shared/primordials.ts";
import { describe, errorFromHost, recall, rememberErrors } from "./errors.ts";
import { setPositions } from "./source-places.ts";

/** Functions of the host's, handed in by the realm. They take and give text (blocking calls buffers too), and never throw. */
export interface HostBridge {
  call(frame: string): string;
  callBlocking(frame: string): Frame;
  note(frame: string, isUrgent: boolean): void;
}

let bridge: HostBridge;
let ended = false;
let inScript = false;

type FrameHandler = (a: unknown, b: unknown, c: unknown, d: unknown) => unknown;
const handlers = new SafeMap<string, FrameHandler>();
const resets = new SafeSet<() => void>();

/** Do calls say what they are made for? */
let isTraced = false;
/** The call of a run that has led to this turn, or to this part of it; undefined for what the script does by itself. */
let cause: string | undefined;

/** What is done now is done for this, to take it up again in a later turn; undefined where nobody asks. */
export function currentCause(): string | undefined {
  return cause;
}

/** What this turn does from now on is done for this. */
export function setCause(next: string | undefined): void {
  cause = next;
}

export function tellsCauses(): boolean {
  return isTraced;
}

/** How many entries there have been. */
let turn = 0;

/** A number that no other turn has; source text runs in that of the entry before it. */
export function currentTurn(): number {
  return turn;
}

interface Pending {
  cause: string | undefined;
  succeed(value: unknown): void;
  fail(error: unknown): void;
  /** Where the script called: its stack becomes the error's. */
  site: Error;
}
const pending = new SafeMap<number, Pending>();
let nextCallId = 1;

/** Registers what to do with an entry of this kind: it has at most four parts. */
export function onFrame<Body extends readonly unknown[]>(
  { name }: FrameKind<Body>,
  handler: (...body: Body) => unknown,
): void {
  handlers.set(name, handler as unknown as FrameHandler);
}

/** Registers what to forget when a script begins or ends. */
export function onReset(forget: () => void): void {
  resets.add(forget);
}

/** Defines a global as the web platform does: writable, configurable, not enumerable. A function gets its name back. */
export function defineGlobal(name: string, value: unknown): void {
  if (typeof value === "function") nameFunction(value, name);
  defineHidden(globalThis, name, value);
}

/** Gives an object's functions the names of its fields: the bundler changes those that two modules have. */
export function nameMembers<T extends object>(members: T): T {
  const names = ObjectKeys(members);
  for (let i = 0; i < names.length; i++) {
    const member = (members as Record<string, unknown>)[names[i]!];
    if (typeof member === "function") nameFunction(member, names[i]!);
  }
  return members;
}

function nameFunction(value: object, name: string): void {
  ObjectDefineProperty(value, "name", { __proto__: null, value: name, configurable: true } as PropertyDescriptor);
}

/** How calls of each op begin. */
const heads = new SafeMap<string, string>();

function headOf(name: string): string {
  let head = heads.get(name);
  if (head === undefined) {
    head = `[${FRAME_VERSION},${JSONStringify(name)},`;
    heads.set(name, head);
  }
  return head;
}

export function toCall(op: { name: string; isTraced?: boolean }, args: unknown, callId?: number): string {
  // Only what a host app's op is called with is a list, which its caller has made.
  return toCallOf(op, isArray(args) ? encodeList(args) : encodeValue(args), callId);
}

/** Likewise, of arguments that are written already. */
export function toCallOf(
  { name, isTraced: tellsCause = false }: { name: string; isTraced?: boolean },
  args: string,
  callId?: number,
): string {
  const id = callId === undefined ? "" : `,${callId}`;
  const tail =
    isTraced && tellsCause && cause !== undefined ? `${id === "" ? ",null" : id},${JSONStringify(cause)}` : id;
  return `${headOf(name)}${args}${tail}]`;
}

function unwrap(answer: string, buffers?: readonly ArrayBuffer[]): unknown {
  const outcome = decodeValue(answer, buffers) as Outcome;
  if (outcome.ok) return outcome.value;
  throw errorFromHost(outcome.error);
}

/** Calls a synchronous op and returns its answer; an error of the host's is thrown as a guest error. */
export function callSync<Args, Answer>(op: Op<Args, Answer, "sync">, args: NoInfer<Args>): Answer {
  return unwrap(bridge.call(toCall(op, args))) as Answer;
}

/** How much may be under way in notes before one is sent as a call, which is answered when all before it are served. */
const MAX_NOTED_CHARS = 65_536;
let notedChars = 0;

function note(text: string, isUrgent: boolean): void {
  notedChars += text.length;
  if (notedChars < MAX_NOTED_CHARS) bridge.note(text, isUrgent);
  else {
    notedChars = 0;
    unwrap(bridge.call(text));
  }
}

/** Calls an op that is not answered, mostly without waiting for it; in order with all other calls. Returns its length. */
export function callNote<Args>(op: Op<Args, void, "note">, args: NoInfer<Args>): number {
  const text = toCall(op, args);
  note(text, op.isUrgent === true);
  return text.length;
}

/** Likewise, of arguments that are written already. */
export function callNoteOf<Args>(op: Op<Args, void, "note">, args: string): number {
  const text = toCallOf(op, args);
  note(text, op.isUrgent === true);
  return text.length;
}

/** Has something told before anything else is; `tell` gets what sends a note, and returns what does so. */
export function tellFirst(tell: (note: (text: string) => void) => () => void): void {
  const plain = bridge;
  const first = tell((text) => plain.note(text, false));
  bridge = {
    call(frame) {
      first();
      return plain.call(frame);
    },
    callBlocking(frame) {
      first();
      return plain.callBlocking(frame);
    },
    note(frame, isUrgent) {
      first();
      plain.note(frame, isUrgent);
    },
  };
}

/** Has something done each time that the guest has waited for the host with its thread. */
export function afterWaiting(then: () => void): void {
  const plain = bridge;
  bridge = {
    ...plain,
    callBlocking(frame) {
      const answer = plain.callBlocking(frame);
      then();
      return answer;
    },
  };
}

let limits: GuestLimits | undefined;

/** @throws {Error} LimitError when it would be more than there may be. */
export function checkLimit(name: keyof GuestLimits, wanted: number): void {
  const limit = limits?.[name];
  if (limit !== undefined && wanted > limit.most) throw errorFromHost(limit.error);
}

/** Characters of arguments that the host keeps for calls and runs under way. */
let argumentChars = 0;

/**
 * Sends a call whose arguments the host keeps until {@link giveBack} is called with their length, which it returns.
 *
 * @throws {Error} LimitError when the host may not keep that many.
 */
export function noteKept(text: string): number {
  checkLimit("argumentChars", argumentChars + text.length);
  note(text, false);
  argumentChars += text.length;
  return text.length;
}

export function giveBack(chars: number): void {
  argumentChars -= chars;
}

/** Calls a blocking op: this realm waits, the host does not. Nothing else is delivered meanwhile. */
export function callBlocking<Args, Answer>(op: Op<Args, Answer, "async" | "blocking">, args: NoInfer<Args>): Answer {
  const answer = bridge.callBlocking(toCall(op, args));
  return unwrap(answer.text, answer.buffers) as Answer;
}

export interface AsyncCallOptions<Answer, T> {
  /** Makes the value of the promise from the answer. */
  map?: (answer: Answer) => T;
  /** Called once, when the promise settles. */
  onSettled?: () => void;
}

export interface AsyncCall<T> {
  promise: Promise<T>;
  /** Rejects the promise with `reason` and tells the host to stop. Does nothing once the call has settled. */
  abort(reason: unknown): void;
}

/** Calls an asynchronous op. Over the limit of ops it throws at once; the result settles the promise in a turn of its own. */
export function callAsync<Args, Answer, T = Answer>(
  op: Op<Args, Answer, "async">,
  args: NoInfer<Args>,
  options: AsyncCallOptions<Answer, T> = {},
): AsyncCall<T> {
  checkLimit("ops", pending.size + 1);
  const { map, onSettled } = options;
  const id = nextCallId++;
  const chars = noteKept(toCall(op, args, id));
  // Not within the promise's function: each frame that V8 has to walk takes its time.
  const site = new SafeError();
  let fail!: (error: unknown) => void;
  const promise = new SafePromise<T>((resolve, reject) => {
    fail = (error) => {
      giveBack(chars);
      onSettled?.();
      reject(error);
    };
    const succeed = (value: unknown): void => {
      giveBack(chars);
      onSettled?.();
      resolve(map === undefined ? (value as T) : map(value as Answer));
    };
    pending.set(id, { cause, succeed, fail, site });
  });
  return {
    promise,
    abort(reason) {
      if (!pending.delete(id)) return;
      fail(reason);
      callNote(OPS.op_abort, { callId: id });
    },
  };
}

/** Runs a callback of the script's; what it throws is reported as uncaught and stays here. */
export function guard(callback: unknown, args: readonly unknown[]): void {
  try {
    ReflectApply(callback as () => unknown, undefined, args);
  } catch (error) {
    reportUncaught(error);
  }
}

/** Tells the host about an error that nobody caught; in a script that is its end. */
export function reportUncaught(error: unknown): void {
  bridge.call(toCall(OPS.error_report, describe(error)));
  if (inScript) ended = true;
}

/** Ends the guest here: no further turn runs until the next script begins. */
export function endTurns(): void {
  ended = true;
}

/** Likewise, where it is a script that runs: the code of a session, and the host's, go on. */
export function endScript(): void {
  if (inScript) ended = true;
}

/** One entry: one frame, one turn. */
function deliver(text: string, buffers: readonly ArrayBuffer[] = []): void {
  cause = undefined;
  turn++;
  try {
    const body = JSONParse(text);
    if (!isArray(body) || body[0] !== FRAME_VERSION) throw new SafeError("the frame has another version");
    const kind = body[1] as string;
    if (ended && kind !== FRAMES.guest_reset.name && kind !== FRAMES.entry_check.name) return;
    const frame = mayHaveTags(text) ? (revive(body, buffers) as unknown[]) : body;
    if (kind === FRAMES.entry_check.name) checkEntry(frame);
    else dispatch(kind, frame, 2);
  } catch (error) {
    reportUncaught(error);
  }
}

/** Hands an entry to its handler; what belongs to its kind stands in the frame from `start` on. */
function dispatch(kind: string, frame: readonly unknown[], start: number): unknown {
  const handler = handlers.get(kind);
  if (handler === undefined) throw new SafeError(`nothing handles an entry of the kind "${kind}"`);
  return handler(frame[start], frame[start + 1], frame[start + 2], frame[start + 3]);
}

/** Forgets what was pending; the turns that come now belong to a script, or to the host's own code. */
function reset(scriptBegins: boolean): void {
  ended = false;
  inScript = scriptBegins;
  pending.clear();
  argumentChars = 0;
  setPositions(undefined);
  resets.forEach((forget) => forget());
}

function settle(callId: number, outcome: Outcome): void {
  const call = pending.get(callId);
  if (call === undefined) return;
  pending.delete(callId);
  cause = call.cause;
  if (outcome.ok) call.succeed(outcome.value);
  else call.fail(errorFromHost(outcome.error, call.site));
}

/** Enters for the host's own purpose: the host hears what came of it. */
function checkEntry(frame: readonly unknown[]): void {
  const id = frame[2] as number;
  try {
    callNote(OPS.check_settle, { id, value: dispatch(frame[3] as string, frame, 4) });
  } catch (error) {
    callNote(OPS.check_settle, { id, error: describe(error) });
  }
}

/**
 * The classic script or module with this token has completed with this value. The value is awaited if it is a promise,
 * then copied out.
 */
type Complete = (token: number, value: unknown) => void;

/** Starts the guest runtime; the realm keeps what it returns, and nothing of it is reachable from a script. */
export function startKernel(given: HostBridge, complete: Complete): { deliver: typeof deliver; complete: Complete } {
  bridge = given;
  rememberErrors();
  onFrame(FRAMES.limits_set, (given) => {
    limits = given;
  });
  onFrame(FRAMES.tracing_set, () => {
    isTraced = true;
  });
  onFrame(FRAMES.guest_reset, reset);
  onFrame(FRAMES.call_settle, settle);
  onFrame(FRAMES.positions_set, setPositions);
  onFrame(FRAMES.error_recall, recall);
  return { deliver, complete };
}
