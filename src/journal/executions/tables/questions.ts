import { unfitAnswer } from "../execution-errors.ts";
import { FETCH, parseGivenAnswer } from "../../../fetch/given-answer.ts";
import type { Resolution, Waiting } from "../journal.ts";
import type { MessageRow } from "./execution-schema.ts";
import { readValue } from "./read-value.ts";

/** A message as it is kept; `question` is to be found where there is none. */
export interface WrittenMessage {
  kind: "send" | "approve" | "resolve";
  name?: string;
  question?: number;
  text: string;
}

/** What is done by telling an execution something, for errors. */
export const TELL_ACTIONS = {
  send: "send a message",
  approve: "answer",
  resolve: "resolve the call",
  cancel: "cancel the execution",
};

/** Is this one of those that are waited for? */
export function fits(
  { kind, name, question }: Pick<MessageRow, "kind" | "name" | "question">,
  waits: readonly Waiting[],
): boolean {
  if (kind === "cancel") return true;
  if (kind === "send") return waits.some((wait) => wait.kind === "receive" && wait.name === name);
  return waits.some(({ number }) => number === question);
}

/**
 * The number of the question that a message answers.
 *
 * @throws {GeppettoError} ERR_EXECUTION_ANSWER where it answers none.
 */
export function questionOf(
  id: string,
  waits: readonly Waiting[],
  { kind, question, text }: WrittenMessage,
  { isAnswered, now }: { isAnswered(question: number): boolean; now: number },
): number {
  const action = TELL_ACTIONS[kind];
  const asked = waits.filter((wait) => wait.kind === (kind === "approve" ? "approve" : "ambiguous"));
  const open = asked.filter(({ number }) => !isAnswered(number));
  const numberOf = (found: Waiting): number => {
    if (kind === "resolve" && found.name === FETCH) checkGiven(text);
    return inTime(action, found, now);
  };
  if (question !== undefined) {
    if (isAnswered(question)) throw answeredAlready(action, id, question);
    const found = asked.find(({ number }) => number === question);
    if (found === undefined)
      throw unfitAnswer(action, `the execution ${id} does not ask question ${question}; ${listed(open)}`);
    return numberOf(found);
  }
  if (open.length === 1) return numberOf(open[0]!);
  if (open.length > 1)
    throw unfitAnswer(action, `the execution ${id} asks several questions: say which one; ${listed(open)}`);
  const why = asked.length > 0 ? "everything that it asks was answered already" : "it asks nothing";
  throw unfitAnswer(action, `the execution ${id} waits for no such answer: ${why}`);
}

/** @throws {GeppettoError} where it is said to have been answered what no server answers. */
function checkGiven(text: string): void {
  const { how } = readValue(text) as { how: Resolution };
  if (!("retry" in how) && !("error" in how)) parseGivenAnswer(how.value, "");
}

export function answeredAlready(action: string, id: string, question: number): Error {
  return unfitAnswer(action, `question ${question} of the execution ${id} was answered already`);
}

function inTime(action: string, { number, dueAt }: Waiting, now: number): number {
  if (dueAt === undefined || now < dueAt) return number;
  throw unfitAnswer(
    action,
    `the time for an answer to question ${number} was over at ${new Date(dueAt).toISOString()}`,
  );
}

/** Longest part of a question that an error repeats, and most questions. */
const MAX_SHOWN_CHARS = 80;
const MAX_SHOWN = 5;

function listed(waits: readonly Waiting[]): string {
  if (waits.length === 0) return "it asks none";
  const shown = waits.slice(0, MAX_SHOWN).map(({ number, question, name = "" }) => {
    const text = question ?? name;
    return `${number} (${text.length > MAX_SHOWN_CHARS ? `${text.slice(0, MAX_SHOWN_CHARS)}…` : text})`;
  });
  return `it asks ${shown.join(", ")}${waits.length > MAX_SHOWN ? ` and ${waits.length - MAX_SHOWN} more` : ""}`;
}
