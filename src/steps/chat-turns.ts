import type { PromptMessage } from "../providers/chat-provider.ts";

export interface DropOptions {
  /** Tokens that may stay. */
  room: number;
  tokensOf: (message: PromptMessage) => number;
}

export interface Dropped {
  kept: PromptMessage[];
  dropped: PromptMessage[];
  /** Only whole turns were dropped. */
  isWhole: boolean;
}

/** The place of the first message that is not the system's, or the length. */
export function headOf(messages: readonly PromptMessage[]): number {
  const head = messages.findIndex((message) => !isSystem(message));
  return head < 0 ? messages.length : head;
}

/**
 * Drops the oldest messages until the rest fits, or no more can go: first turn after turn, then, of the last turn, the
 * rounds after its first message, but for the last one. Messages of the system stay, in front. A turn begins with a
 * user's message; a round is an assistant's message with the results of its calls.
 */
export function dropOldest(messages: readonly PromptMessage[], { room, tokensOf }: DropOptions): Dropped {
  const system = messages.filter(isSystem);
  const rounds = toRounds(messages);
  const sizeOf = (list: readonly PromptMessage[]): number => list.reduce((sum, message) => sum + tokensOf(message), 0);
  let size = sizeOf(system) + sizeOf(rounds.flat());
  const lastUser = rounds.findLastIndex(isUsers);
  const dropped: PromptMessage[] = [];
  const drop = (round: PromptMessage[]): void => {
    dropped.push(...round);
    size -= sizeOf(round);
  };
  let first = 0;
  while (size > room && first < lastUser) {
    drop(rounds[first++]!);
    while (first < lastUser && !isUsers(rounds[first]!)) drop(rounds[first++]!);
  }
  // Of the last turn the question stays, and what was done last.
  const question = lastUser < 0 ? [] : rounds[first]!;
  let next = lastUser < 0 ? first : first + 1;
  const afterQuestion = next;
  while (size > room && next < rounds.length - 1) drop(rounds[next++]!);
  const kept = [...system, ...question, ...rounds.slice(next).flat()];
  return { kept, dropped, isWhole: next === afterQuestion };
}

function toRounds(messages: readonly PromptMessage[]): PromptMessage[][] {
  const rounds: PromptMessage[][] = [];
  for (const message of messages) {
    if (isSystem(message)) continue;
    if (message.role === "tool" && rounds.length > 0) rounds.at(-1)!.push(message);
    else rounds.push([message]);
  }
  return rounds;
}

function isUsers([first]: readonly PromptMessage[]): boolean {
  return first?.role === "user";
}

function isSystem({ role }: PromptMessage): boolean {
  return role === "system" || role === "developer";
}
