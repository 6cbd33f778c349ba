/** What a session's code is made into before the guest evaluates it. */
import type { SourcePositions } from "../source-positions.ts";

/**
 * How a name is bound: "undefined" is a `let` without a value, "var" also stands for what is declared in a block but
 * belongs to the whole.
 */
export type SessionNameKind = "let" | "undefined" | "const" | "class" | "function" | "var";

/** Code that the guest can evaluate in its global scope, as often as it likes: its declarations have become assignments. */
export interface SessionPlan {
  /** The name under which it runs, and which its stacks have: "file:///session-1.js". */
  file: string;
  code: string;
  /** The code is an asynchronous function that has to be called; its value comes in an object. */
  isAsync: boolean;
  /** What the code declares for what runs after it, a line for each: its {@link SessionNameKind}, a space, the name. */
  names: string;
  /** From where in the code to where its author wrote it: one step after the other. */
  positions: SourcePositions[];
}
