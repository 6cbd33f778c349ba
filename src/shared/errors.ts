import { MAX_ERROR_CHARS, type ErrorRecord } from "./frames.ts";

/** The names of the errors that this project makes, each with the code that it has when nothing narrower is said. */
export const ERROR_CODES = {
  AbortError: "ERR_ABORTED",
  ValidationError: "ERR_VALIDATION",
  StepError: "ERR_STEP",
  ProviderError: "ERR_PROVIDER",
  ConversationError: "ERR_CONVERSATION",
  PermissionError: "ERR_PERMISSION",
  LimitError: "ERR_LIMIT",
  TimeoutError: "ERR_TIMEOUT",
  StageError: "ERR_STAGE",
  ConfigError: "ERR_CONFIG",
  ReplayError: "ERR_REPLAY",
  /** What the web platform calls a network error. */
  TypeError: "ERR_FETCH",
} as const;

export type ErrorName = keyof typeof ERROR_CODES;

export interface ErrorDetails {
  code?: string | undefined;
  isTransient?: boolean | undefined;
  status?: number | undefined;
  cause?: unknown;
}

/**
 * An error of this project, on either side of the wall. Seeds treat errors as strings, hence {@link includes}.
 *
 * @example
 * const err = new GeppettoError("ProviderError", "rate limit reached", { code: "ERR_RATE_LIMIT", status: 429 });
 * err.includes("rate limit"); // true
 */
export class GeppettoError extends Error {
  readonly code: string;
  /** May the same call succeed when it is made again? */
  readonly isTransient: boolean;
  /** HTTP status of a provider's answer. */
  readonly status?: number;

  constructor(name: ErrorName, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    Object.defineProperty(this, "name", { value: name, enumerable: false, configurable: true, writable: true });
    this.code = details.code ?? ERROR_CODES[name];
    this.isTransient = details.isTransient ?? false;
    if (details.status !== undefined) this.status = details.status;
  }

  /** Does the message contain `text`? */
  includes(text: string): boolean {
    return this.message.includes(text);
  }
}

/** Longest chain of causes that a record tells. */
const MAX_CAUSES = 4;

/**
 * The record that crosses the wall for this error: no stack, no host object, and never too long to cross. Never throws,
 * whatever was thrown.
 */
export function toErrorRecord(error: unknown): ErrorRecord {
  try {
    return describeError(error, 0);
  } catch {
    return { name: "Error", message: "An error that cannot be described", isTransient: false };
  }
}

/** The message of an error of any kind, with the name of a file in place of its path on the host. */
export function plainMessage(error: Error): string {
  const { message, path, dest } = error as { message: unknown; path?: unknown; dest?: unknown };
  let text = String(message);
  const paths = [path, dest];
  for (let i = 0; i < paths.length; i++) {
    const full = paths[i];
    if (typeof full !== "string" || full === "") continue;
    const parts = full.split(/[/\\]+/).filter((part) => part !== "");
    text = text.replaceAll(full, () => parts.at(-1) ?? "a folder");
  }
  return text;
}

function clip(text: string): string {
  return text.length > MAX_ERROR_CHARS ? `${text.slice(0, MAX_ERROR_CHARS)}…` : text;
}

function describeError(error: unknown, depth: number): ErrorRecord {
  if (error instanceof GeppettoError) {
    const record: ErrorRecord = {
      name: error.name,
      message: clip(error.message),
      code: error.code,
      isTransient: error.isTransient,
    };
    if (error.status !== undefined) record.status = error.status;
    const { cause } = error;
    if (cause instanceof GeppettoError && depth < MAX_CAUSES) record.cause = describeError(cause, depth + 1);
    return record;
  }
  if (error instanceof Error) {
    // Whatever their types say: an op's handler may throw anything.
    const { name } = error as { name: unknown };
    return { name: clip(String(name)), message: clip(plainMessage(error)), isTransient: false };
  }
  return { name: "Error", message: clip(String(error)), isTransient: false };
}
