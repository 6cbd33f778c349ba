/**
 * Every op of our own: what a guest sends, what it is answered, how it waits, and what serving it does. Both sides take
 * names and shapes from here; a name or a shape that is not here does not compile.
 */
import type { ErrorRecord } from "../frames.ts";
import type { PipelinePlan } from "../pipeline-plan.ts";
import type { ClockReads } from "./features.ts";
import { asyncOp, blockingOp, named, noteOp, syncOp } from "./op.ts";
import type { RunStart, RunYield, WaitAnswer } from "./runs.ts";

/** A result of a script on its way out: a copy, what `console.log` would show, or why there is no copy. */
export interface ResultCopy {
  value?: unknown;
  text?: string;
  uncopied?: ErrorRecord;
}

/** A URL in its parts, as the web platform names them. */
export interface UrlRecord {
  href: string;
  protocol: string;
  username: string;
  password: string;
  host: string;
  hostname: string;
  port: string;
  pathname: string;
  search: string;
  hash: string;
  origin: string;
}

/** An image as a message keeps it: its URL, or the bytes of one (all ASCII) and what stands for it on the host. */
export interface LoadedImage {
  name: string;
  mediaType: string;
  url?: string;
  reference?: string;
  bytes?: Uint8Array;
}

/** Which of a script's runs is meant. */
interface RunId {
  id: string;
}

/** What an op without arguments is sent. */
type Nothing = {};

const DECLARED = {
  /** Nobody waits for this call any more. */
  op_abort: noteOp<{ callId: number }>("effect"),
  /** Nobody in the guest caught this. */
  error_report: syncOp<ErrorRecord>("effect"),
  /** What the host entered the guest for has come to this. Served after the script's end: the host waits for it. */
  check_settle: noteOp<{ id: number; value?: unknown; error?: ErrorRecord }>("pure"),

  script_settle: syncOp<ResultCopy & { token: number; error?: ErrorRecord }>("effect"),
  script_done: syncOp<ResultCopy>("effect"),
  /** The guest waits in an endless loop to be ended: whoever does not hear of it would wait for that loop. */
  script_exit: syncOp<{ code: number }>("effect", { isLasting: true }),
  /** What the script's exit code is when it ends by itself; undefined for none of its own. */
  script_exit_code: syncOp<{ code: number | undefined }>("effect"),
  /** A run has failed, and an event tells it: until the script looks at the error nobody has. */
  error_keep: noteOp<RunId & { error: ErrorRecord }>("effect"),
  /** The script has looked at the error of this run. */
  error_look: noteOp<RunId>("effect"),
  /** Seen at once: the turn that prints it may go on for long. */
  console_write: noteOp<{ stream: "stdout" | "stderr"; text: string }>("effect", { isUrgent: true }),
  /** The script has printed a promise in place of its value. */
  console_promise: noteOp<Nothing>("effect"),

  /** The guest keeps to the limit itself; the host ends one that does not. */
  timer_start: noteOp<{ id: number; ms: number; kind: "timeout" | "interval" | "immediate" | "weak" }>("effect"),
  timer_clear: noteOp<{ id: number }>("effect"),
  /** Milliseconds since the realm began. */
  clock_now: syncOp<Nothing, number>("pure"),
  /** When that was, in milliseconds since the epoch. */
  clock_origin: syncOp<Nothing, number>("pure"),
  /** What the guest has read of its clock since it last said so; of a virtual one the last read alone. */
  clock_reads: noteOp<{ reads: ClockReads }>("pure"),
  /** So many random bytes, in hex. */
  random_bytes: syncOp<{ count: number }, string>("pure"),
  /** The classes of web streams, as one expression. */
  web_streams: syncOp<Record<string, never>, string>("pure"),
  url_parse: syncOp<{ url: string; base?: string }, UrlRecord | null>("pure"),
  /** The URL after one of its setters. */
  url_set: syncOp<{ href: string; key: string; value: string }, UrlRecord>("pure"),

  /** The guest keeps to the limit of runs itself; what else is refused is an error event of the run. */
  run_start: noteOp<RunStart>("effect"),
  /** True: the next event is the interrupt, with as much of the text as had been delivered. */
  run_cancel: syncOp<RunId & { deliveredChars?: number | undefined }, boolean>("effect"),
  /** So many more events of a run that is pulled have been taken. */
  run_ack: noteOp<RunId & { count: number }>("effect"),
  /** Whether a run that was undecided about it forwards its pieces of text to its parent. */
  run_forward: noteOp<RunId & { forwards: boolean }>("effect"),
  /** The outcome of a function that the host has called for a run. */
  run_answer: noteOp<RunId & { callId: number; value?: unknown; error?: ErrorRecord }>("effect"),
  /** A step of the guest's hands out a result; at most {@link YIELD_CREDIT} before `run_resume` says that some were taken. */
  run_yield: noteOp<RunYield>("effect"),
  run_is_aborted: syncOp<RunId, boolean>("reads"),
  /** For a guest that waits: what it is to do next. */
  run_wait: blockingOp<RunId, WaitAnswer>("effect"),
  /** Likewise: returns when there is room for the next. */
  run_yield_wait: blockingOp<RunYield>("effect"),
  run_sleep: blockingOp<RunId & { ms: number }>("reads"),

  embedding_model: syncOp<Nothing, { name: string; dimensions: number }>("reads"),
  embedding_generate: asyncOp<{ texts: readonly string[] }, Float32Array[]>("reads"),
  /** From a path, or an `https:`, `http:` or `data:` URL. */
  image_load: asyncOp<{ source: string }, LoadedImage>("reads"),
  /** The picture of a pipeline; refuses one that cannot be built. */
  pipeline_draw: syncOp<{ plan: PipelinePlan; metrics?: unknown }, string>("pure"),
};

export const OPS: ReturnType<typeof named<typeof DECLARED>> = named(DECLARED);
