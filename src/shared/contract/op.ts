/**
 * How a guest waits for what it calls.
 * - sync: within the call · note: not at all; in order with its other calls
 * - async: by a promise, or with its thread, as it likes · blocking: with its thread
 */
export type OpMode = "sync" | "note" | "async" | "blocking";

/**
 * What serving a call does, for whoever records calls, repeats them or serves them late.
 * - pure: computes; served after the script has ended, too · reads: looks at what may change · effect: changes something
 */
export type OpEffect = "pure" | "reads" | "effect";

/** An op as both sides know it. `Args` and `Answer` are what crosses; the type alone keeps them. */
export interface Op<Args = never, Answer = unknown, Mode extends OpMode = OpMode> {
  /** `noun_verb` for our own; `app.` and the name in scripts for a host app's. */
  readonly name: string;
  readonly mode: Mode;
  readonly effect: OpEffect;
  /** Of a note: goes out at once, and not with what else the turn has to say. */
  readonly isUrgent?: boolean;
  /** Served after the script has ended, too, whatever it does. */
  readonly isLasting?: boolean;
  /** Its answer may take days: where a script waits for nothing else, nothing is kept up for it. */
  readonly isWait?: boolean;
  /** Is it told what it is called for, and, where it is answered, that it was called? Where somebody hears of that. */
  readonly isTraced?: boolean;
  readonly types?: (args: Args) => Answer;
}

type Declared<Args, Answer, Mode extends OpMode> = Omit<Op<Args, Answer, Mode>, "name">;

export function syncOp<Args, Answer = void>(
  effect: OpEffect,
  { isLasting = false } = {},
): Declared<Args, Answer, "sync"> {
  return { mode: "sync", effect, isLasting };
}

export function noteOp<Args>(
  effect: OpEffect,
  { isUrgent = false, isTraced = false } = {},
): Declared<Args, void, "note"> {
  return { mode: "note", effect, isUrgent, isTraced };
}

export function asyncOp<Args, Answer = void>(
  effect: OpEffect,
  { isWait = false } = {},
): Declared<Args, Answer, "async"> {
  return { mode: "async", effect, isWait, isTraced: true };
}

export function blockingOp<Args, Answer = void>(effect: OpEffect): Declared<Args, Answer, "blocking"> {
  return { mode: "blocking", effect };
}

type Named<T> = { readonly [Name in keyof T]: T[Name] & { readonly name: string } };

/** Gives each declaration the name that it stands under, so that a name is written once. */
export function named<T extends Record<string, object>>(declarations: T): Named<T> {
  for (const name of Object.keys(declarations)) Object.assign(declarations[name]!, { name });
  return declarations as Named<T>;
}

/** The op behind a function that a host app gives its scripts. */
export function appOp<Mode extends "sync" | "async" | "blocking">(
  name: string,
  mode: Mode,
): Op<readonly unknown[], unknown, Mode> {
  return { name: `app.${name}`, mode, effect: "effect", isTraced: true };
}

/** What a guest says the other side is to get as `T`: anything at all, until it has been parsed. */
export interface Unchecked<T> {
  readonly unchecked?: () => T;
}

/** The fields that such a value may have, each of them still to be checked. */
export type UncheckedFields<T> = { readonly [Field in T extends unknown ? keyof T : never]?: unknown };
