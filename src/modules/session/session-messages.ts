import type { SessionPlan } from "../../shared/contract/sessions.ts";

/** What the process that reads a session's code is given. */
export interface ReadingOrder {
  id: number;
  /** As the guest knows it, and for the loader. */
  name: string;
  code: string;
}

/** Code whose declarations have become assignments. */
export interface ReadCode {
  plan: SessionPlan;
  /** A module that imports what the code imports, and tells the guest; absent where it imports nothing. */
  imports?: string;
}

/** Where a text stops to be JavaScript or TypeScript; line and column from 1. */
export interface BrokenCode {
  message: string;
  line: number;
  column: number;
  /** It reads as TypeScript further than as JavaScript: V8 would object to the wrong thing. */
  isTyped: boolean;
  /** It ends before it is complete: more of it may follow. */
  isIncomplete: boolean;
}

export type Reading = { read: ReadCode } | { broken: BrokenCode };

export type ReadingAnswer = Reading & { id: number };
